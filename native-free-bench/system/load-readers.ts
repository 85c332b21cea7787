/** Process of the readers: N connections from one thread that play over RTMP or RTSP and check every frame. */
import { connect, type Socket } from 'node:net';
import { systemClock } from '../../src/base/clock.ts';
import { ChunkParser } from './chunk-parser.ts';
import { FrameChecker } from './frame-checker.ts';
import { Histogram } from './histogram.ts';
import { InterleavedParser } from './interleaved-parser.ts';
import type { LoadCommand, ReadOptions } from './load-messages.ts';
import { listen, report, SelfWatch } from './load-self.ts';
import { clientHello, playCommands, serverHelloLength } from './rtmp-dialogue.ts';
import { RtspDialogue } from './rtsp-dialogue.ts';

/** All sockets of the process read into this one: what was read is parsed before the next read. */
const readBuffer = Buffer.allocUnsafe(256 * 1024);
const lagPeriodMs = 5;

/** One reading connection. */
interface Conversation {
  /** Sends the first bytes. */
  open(socket: Socket): void;
  /** readBuffer[0, length) arrived at `nowUs`; throws when the target refuses. */
  receive(length: number, nowUs: number): void;
  readonly playing: boolean;
  readonly sequenceGaps: number;
  /** Seconds between keep-alives, 0 for none. */
  readonly keepAliveSeconds: number;
  keepAlive(): void;
}

class RtmpConversation implements Conversation {
  readonly sequenceGaps = 0;
  readonly keepAliveSeconds = 0;
  playing = false;
  readonly #commands: Buffer;
  readonly #parser: ChunkParser;
  #socket: Socket | null = null;
  #helloLeft = serverHelloLength;

  constructor(reader: number, checker: FrameChecker, options: ReadOptions) {
    const { app, name } = options.streams[reader % options.streams.length]!;
    this.#commands = playCommands({ app, name, port: options.port });
    this.#parser = new ChunkParser(reader, checker, (front) => {
      const text = front.toString('latin1');
      if (text.includes('NetStream.Play.Start')) this.playing = true;
      else if (/NetStream\.Play\.(Failed|StreamNotFound|Bad)|Connect\.Rejected/.test(text))
        throw new Error('the target refused to play');
    });
  }

  open(socket: Socket): void {
    this.#socket = socket;
    socket.write(clientHello);
  }

  receive(length: number, nowUs: number): void {
    let at = 0;
    if (this.#helloLeft > 0) {
      at = Math.min(this.#helloLeft, length);
      this.#helloLeft -= at;
      if (this.#helloLeft > 0) return;
      this.#socket!.write(this.#commands);
    }
    this.#parser.receive(readBuffer, at, length, nowUs);
  }

  keepAlive(): void {}
}

class RtspConversation implements Conversation {
  readonly #dialogue: RtspDialogue;
  readonly #parser: InterleavedParser;
  #socket: Socket | null = null;

  constructor(reader: number, checker: FrameChecker, options: ReadOptions) {
    const { rtspPath } = options.streams[reader % options.streams.length]!;
    this.#dialogue = new RtspDialogue(`rtsp://127.0.0.1:${options.port}${rtspPath}`, options.credentials);
    this.#parser = new InterleavedParser(reader, checker, (head, body) => {
      const next = this.#dialogue.onResponse(head, body);
      if (next !== null) this.#socket!.write(next);
    });
  }

  get playing(): boolean {
    return this.#dialogue.playing;
  }

  get sequenceGaps(): number {
    return this.#parser.sequenceGaps;
  }

  get keepAliveSeconds(): number {
    return this.#dialogue.timeoutSeconds / 2;
  }

  open(socket: Socket): void {
    this.#socket = socket;
    socket.write(this.#dialogue.start());
  }

  receive(length: number, nowUs: number): void {
    this.#parser.receive(readBuffer, length, nowUs);
  }

  keepAlive(): void {
    this.#socket!.write(this.#dialogue.keepAlive());
  }
}

class ReaderFleet {
  readonly #options: ReadOptions;
  readonly #checker: FrameChecker;
  readonly #conversations: Conversation[] = [];
  readonly #watch = new SelfWatch();
  readonly #lag = new Histogram();
  #lagExpectedMs = 0;
  #next = 0;
  #failed = 0;
  #firstFailure = '';
  #closed = 0;
  #bytes = 0;
  #gapsBefore = 0;

  constructor(options: ReadOptions) {
    this.#options = options;
    const publisherOf = new Int32Array(options.readers);
    for (let i = 0; i < options.readers; i++) publisherOf[i] = i % options.streams.length;
    this.#checker = new FrameChecker(publisherOf);
  }

  start(): void {
    for (let i = 0; i < this.#options.connecting; i++) this.#connectNext();
    setInterval(() => this.#progress(), 200);
    this.#lagExpectedMs = systemClock.nowMs() + lagPeriodMs;
    this.#tick();
  }

  begin(): void {
    this.#checker.begin();
    this.#lag.reset();
    this.#bytes = 0;
    this.#gapsBefore = this.#gaps();
    this.#watch.begin();
  }

  end(): void {
    const checker = this.#checker;
    report({
      type: 'received',
      ...this.#watch.end(),
      frames: checker.frames,
      bytes: this.#bytes,
      lost: checker.lost,
      duplicated: checker.duplicated,
      reordered: checker.reordered,
      misrouted: checker.misrouted,
      unstamped: checker.unstamped,
      sequenceGaps: this.#gaps() - this.#gapsBefore,
      silent: checker.silent(systemClock.nowMs() * 1000, 1e6),
      closed: this.#closed,
      latency: checker.latency.toData(),
      transit: checker.transit.toData(),
      lag: this.#lag.toData(),
    });
  }

  #gaps(): number {
    let total = 0;
    for (const conversation of this.#conversations) total += conversation.sequenceGaps;
    return total;
  }

  /** One coarse timer measures by how much the loop is late. */
  #tick(): void {
    const nowMs = systemClock.nowMs();
    this.#lag.add((nowMs - this.#lagExpectedMs) * 1000);
    this.#lagExpectedMs = nowMs + lagPeriodMs;
    setTimeout(() => this.#tick(), lagPeriodMs);
  }

  #progress(): void {
    report({
      type: 'progress',
      active: this.#checker.started,
      wanted: this.#options.readers,
      failed: this.#failed,
      firstFailure: this.#firstFailure,
    });
  }

  #connectNext(): void {
    if (this.#next >= this.#options.readers) return;
    const reader = this.#next++;
    const conversation =
      this.#options.protocol === 'rtmp'
        ? new RtmpConversation(reader, this.#checker, this.#options)
        : new RtspConversation(reader, this.#checker, this.#options);
    this.#conversations.push(conversation);
    let settled = false;
    let ended = false;
    const settle = () => {
      if (settled) return;
      settled = true;
      this.#connectNext();
    };
    const fail = (cause: string) => {
      if (ended) return;
      ended = true;
      socket.destroy();
      if (conversation.playing) this.#closed++;
      else this.#failed++;
      if (this.#firstFailure === '') this.#firstFailure = cause;
      settle();
    };
    const socket = connect({
      port: this.#options.port,
      host: '127.0.0.1',
      noDelay: true,
      onread: {
        buffer: readBuffer,
        callback: (length) => {
          this.#bytes += length;
          try {
            conversation.receive(length, systemClock.nowMs() * 1000);
          } catch (error) {
            fail((error as Error).message);
            return false;
          }
          if (!settled && conversation.playing) {
            settle();
            this.#keepAlive(conversation, socket);
          }
          return true;
        },
      },
    });
    socket.once('connect', () => conversation.open(socket));
    socket.on('error', (error) => fail(error.message));
    socket.on('close', () => fail('closed by the target'));
  }

  #keepAlive(conversation: Conversation, socket: Socket): void {
    if (conversation.keepAliveSeconds === 0) return;
    const timer = setInterval(() => {
      if (socket.writable) conversation.keepAlive();
      else clearInterval(timer);
    }, conversation.keepAliveSeconds * 1000);
  }
}

let fleet: ReaderFleet | null = null;

listen((command: LoadCommand) => {
  if (command.type === 'read') {
    fleet = new ReaderFleet(command);
    fleet.start();
  } else if (command.type === 'begin') fleet?.begin();
  else if (command.type === 'end') fleet?.end();
  else if (command.type === 'stop') process.exit(0);
});
