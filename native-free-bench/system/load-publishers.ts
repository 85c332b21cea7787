/** Process of the publishers: N RTMP connections from one thread, frames by a fixed schedule whatever the target does. */
import { connect, type Socket } from 'node:net';
import { connect as connectTls } from 'node:tls';
import { systemClock } from '../../src/base/clock.ts';
import { type FrameChannel, openChannel } from './frame-writer.ts';
import { Histogram } from './histogram.ts';
import type { LoadCommand, PublishOptions } from './load-messages.ts';
import { listen, report, SelfWatch } from './load-self.ts';
import { PublishAnswer } from './publish-answer.ts';
import { clientHello, metadataMessage, publishCommands } from './rtmp-dialogue.ts';
import { SyntheticStream } from './synthetic-stream.ts';

/** A target that leaves this many bytes of one publisher in our memory gets no more frames of it for the moment. */
const waitingLimitBytes = 8 * 1024 * 1024;
/** After so many frames in one go the loop runs, so that waiting writes and replies get their turn. */
const framesPerTurn = 256;

/** What all sockets read into; replies are looked at only until publishing has started. */
const readBuffer = Buffer.allocUnsafe(65536);

class Publisher {
  readonly index: number;
  readonly stream: SyntheticStream;
  /** Frames after the start of the schedule until this publisher's first IDR. */
  readonly delayFrames: number;
  channel: FrameChannel | null = null;
  socket: Socket | null = null;
  /** Null once it has been given. */
  answer: PublishAnswer | null = new PublishAnswer();
  publishing = false;
  open = false;

  constructor(index: number, stream: SyntheticStream, delayFrames: number) {
    this.index = index;
    this.stream = stream;
    this.delayFrames = delayFrames;
  }
}

class PublisherFleet {
  readonly #options: PublishOptions;
  /** In the order of their phase inside a frame interval: the next due one is always the next of the circle. */
  readonly #publishers: Publisher[] = [];
  readonly #phasesMs: Float64Array;
  readonly #intervalMs: number;
  readonly #watch = new SelfWatch();
  readonly #lateness = new Histogram();
  #nextToConnect = 0;
  #publishing = 0;
  #failed = 0;
  #firstFailure = '';
  #started = false;
  #startMs = 0;
  #turn = 0;
  #position = 0;
  #frames = 0;
  #bytes = 0;
  #notSent = 0;
  #closed = 0;

  constructor(options: PublishOptions) {
    const count = options.streams.length;
    this.#options = options;
    const streams = (options.shapes ?? [options.shape]).map((shape) => new SyntheticStream(shape));
    this.#intervalMs = 1000 / options.shape.framesPerSecond;
    this.#phasesMs = new Float64Array(count);
    for (let i = 0; i < count; i++) {
      // The golden ratio spreads the IDRs evenly over a GOP without a pattern that follows the order of connecting.
      const stream = streams[i % streams.length]!;
      const delay = Math.floor(((i * 0.6180339887) % 1) * stream.shape.gop);
      this.#publishers.push(new Publisher(i, stream, delay));
      this.#phasesMs[i] = (i / count) * this.#intervalMs;
    }
  }

  /** Connects all publishers, `connecting` at a time; frames start when every one is publishing or has failed. */
  start(): void {
    for (let i = 0; i < this.#options.connecting; i++) this.#connectNext();
    setInterval(() => this.#progress(), 200).unref();
  }

  begin(): void {
    this.#frames = 0;
    this.#bytes = 0;
    this.#notSent = 0;
    this.#lateness.reset();
    for (const publisher of this.#publishers) if (publisher.channel !== null) publisher.channel.deferred = 0;
    this.#watch.begin();
  }

  end(): void {
    let deferredWrites = 0;
    for (const publisher of this.#publishers) deferredWrites += publisher.channel?.deferred ?? 0;
    report({
      type: 'published',
      ...this.#watch.end(),
      frames: this.#frames,
      bytes: this.#bytes,
      notSent: this.#notSent,
      closed: this.#closed,
      deferredWrites,
      lateness: this.#lateness.toData(),
    });
  }

  #progress(): void {
    report({
      type: 'progress',
      active: this.#publishing,
      wanted: this.#publishers.length,
      failed: this.#failed,
      firstFailure: this.#firstFailure,
    });
  }

  #connectNext(): void {
    const publisher = this.#publishers[this.#nextToConnect++];
    if (publisher === undefined) return;
    const { shape, tls = false } = this.#options;
    const { app, name, rtmpPort: port = this.#options.port } = this.#options.streams[publisher.index]!;
    const onReply = (length: number): boolean => {
      if (publisher.answer !== null) this.#onReply(publisher, publisher.answer, length);
      return true;
    };
    const socket = tls
      ? connectTls({ port, host: '127.0.0.1', rejectUnauthorized: false })
      : connect({ port, host: '127.0.0.1', noDelay: true, onread: { buffer: readBuffer, callback: onReply } });
    if (tls)
      socket.setNoDelay(true).on('data', (bytes: Buffer) => {
        for (let at = 0; at < bytes.length; at += readBuffer.length) onReply(bytes.copy(readBuffer, 0, at));
      });
    publisher.socket = socket;
    socket.once(tls ? 'secureConnect' : 'connect', () => socket.write(clientHello));
    socket.on('error', (error) => this.#onClose(publisher, error.message));
    socket.on('close', () => this.#onClose(publisher, 'closed by the target'));
    const address = { app, name, port };
    this.#commands.set(publisher, publishCommands(address, shape.chunkSize));
  }

  readonly #commands = new Map<Publisher, Buffer>();

  #onReply(publisher: Publisher, answer: PublishAnswer, length: number): void {
    const socket = publisher.socket!;
    const step = answer.receive(readBuffer.subarray(0, length));
    if (step === 'greeted') {
      socket.write(this.#commands.get(publisher)!);
      this.#commands.delete(publisher);
    } else if (step === 'publishing') {
      publisher.answer = null;
      publisher.publishing = true;
      publisher.open = true;
      socket.write(metadataMessage(this.#options.shape.chunkSize, this.#options.shape.framesPerSecond));
      socket.write(publisher.stream.header);
      publisher.channel = openChannel(socket, this.#options.plainWrites || this.#options.tls === true);
      this.#publishing++;
      this.#settled();
    } else if (step === 'refused') {
      this.#onClose(publisher, `the target answered ${answer.refusal}`);
      socket.destroy();
    }
  }

  #onClose(publisher: Publisher, cause: string): void {
    if (publisher.publishing) {
      if (publisher.open) this.#closed++;
      publisher.open = false;
      return;
    }
    if (publisher.answer === null) return;
    publisher.answer = null;
    this.#failed++;
    if (this.#firstFailure === '') this.#firstFailure = cause;
    this.#settled();
  }

  #settled(): void {
    if (this.#started) return;
    if (this.#publishing + this.#failed < this.#publishers.length) {
      this.#connectNext();
      return;
    }
    this.#started = true;
    this.#progress();
    this.#startMs = systemClock.nowMs() + 5;
    if (this.#options.silent !== true) this.#run();
  }

  readonly #run = (): void => {
    const publishers = this.#publishers;
    let turns = 0;
    for (;;) {
      const dueMs = this.#startMs + this.#turn * this.#intervalMs + this.#phasesMs[this.#position]!;
      const nowMs = systemClock.nowMs();
      if (dueMs > nowMs) {
        setTimeout(this.#run, 1);
        return;
      }
      if (turns++ >= framesPerTurn) {
        setImmediate(this.#run);
        return;
      }
      this.#send(publishers[this.#position]!, dueMs * 1000, nowMs * 1000);
      if (++this.#position === publishers.length) {
        this.#position = 0;
        this.#turn++;
      }
    }
  };

  #send(publisher: Publisher, dueUs: number, nowUs: number): void {
    const frame = this.#turn - publisher.delayFrames;
    if (frame < 0 || !publisher.open) return;
    const channel = publisher.channel!;
    const lateUs = nowUs - dueUs;
    this.#lateness.add(lateUs);
    if (channel.waiting > waitingLimitBytes) {
      this.#notSent++;
      return;
    }
    const template = publisher.stream.frame(frame);
    const timestampMs = Math.round(frame * this.#intervalMs);
    template.patch(timestampMs, publisher.index, frame, dueUs, lateUs);
    this.#frames++;
    this.#bytes += template.bytes.length;
    if (!channel.write(template)) this.#onClose(publisher, 'write failed');
  }
}

let fleet: PublisherFleet | null = null;

listen((command: LoadCommand) => {
  if (command.type === 'publish') {
    fleet = new PublisherFleet(command);
    fleet.start();
  } else if (command.type === 'begin') fleet?.begin();
  else if (command.type === 'end') fleet?.end();
  else if (command.type === 'stop') process.exit(0);
});
