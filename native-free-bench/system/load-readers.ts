/** Process of the readers: N connections from one thread that play over RTMP or RTSP and check every frame. */
import { connect, type Socket } from 'node:net';
import { systemClock } from '../../src/base/clock.ts';
import { FrameChecker } from './frame-checker.ts';
import { Histogram } from './histogram.ts';
import type { LoadCommand, ReadOptions, UdpFigures } from './load-messages.ts';
import { listen, report, SelfWatch } from './load-self.ts';
import { type Conversation, openConversation, readBuffer } from './reader-conversation.ts';
import { readArrived, readDrops } from './udp-receiver.ts';

const lagPeriodMs = 5;

class ReaderFleet {
  readonly #options: ReadOptions;
  readonly #checker: FrameChecker;
  readonly #conversations: Conversation[] = [];
  readonly #sockets: Socket[] = [];
  readonly #greeting = new Histogram();
  readonly #dialogue = new Histogram();
  readonly #firstFrame = new Histogram();
  /** Readers whose frames are looked at: all of them, or a sample of those over UDP. */
  readonly #checked: number;
  #udpBefore: UdpFigures | null = null;
  #playingUnchecked = 0;
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
    this.#checked = Math.min(options.readers, options.udpSample ?? options.readers);
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
    this.#udpBefore = this.#udp();
    this.#stall();
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
      silent: checker.silent(systemClock.nowMs() * 1000, 1e6, this.#checked),
      closed: this.#closed,
      latency: checker.latency.toData(),
      transit: checker.transit.toData(),
      lag: this.#lag.toData(),
      greeting: this.#greeting.toData(),
      dialogue: this.#dialogue.toData(),
      firstFrame: this.#firstFrame.toData(),
      udp: this.#udpWindow(),
    });
  }

  /** Some readers stop reading for a while, as over a network that hangs. */
  #stall(): void {
    const { stall } = this.#options;
    if (stall === undefined) return;
    const stalled = this.#sockets.slice(0, stall.readers);
    for (const socket of stalled) socket.pause();
    setTimeout(() => {
      for (const socket of stalled) socket.resume();
    }, stall.ms);
  }

  /** The kernel's counters so far; null but over UDP. */
  #udp(): UdpFigures | null {
    if (this.#options.udpSample === undefined) return null;
    const drops = readDrops();
    let [datagrams, dropped] = [0, 0];
    for (const { udp } of this.#conversations) {
      if (udp?.sampled !== true) continue;
      datagrams += udp.datagrams;
      dropped += udp.dropsIn(drops);
    }
    return {
      sampledReaders: this.#checked,
      sampledDatagrams: datagrams,
      sampledDrops: dropped,
      arrived: readArrived(),
    };
  }

  #udpWindow(): UdpFigures | null {
    const before = this.#udpBefore;
    const after = this.#udp();
    if (before === null || after === null) return null;
    return {
      sampledReaders: after.sampledReaders,
      sampledDatagrams: after.sampledDatagrams - before.sampledDatagrams,
      sampledDrops: after.sampledDrops - before.sampledDrops,
      arrived: after.arrived - before.arrived,
    };
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
      active: this.#checker.started + this.#playingUnchecked,
      wanted: this.#options.readers,
      failed: this.#failed,
      firstFailure: this.#firstFailure,
    });
  }

  #connectNext(): void {
    if (this.#next >= this.#options.readers) return;
    const reader = this.#next++;
    const conversation = openConversation(reader, this.#checker, this.#options);
    this.#conversations.push(conversation);
    const startMs = systemClock.nowMs();
    let greetedMs = 0;
    let playingMs = 0;
    let seen = this.#options.udpSample !== undefined;
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
      port: this.#options.streams[reader % this.#options.streams.length]!.readPort ?? this.#options.port,
      host: '127.0.0.1',
      noDelay: true,
      onread: {
        buffer: readBuffer,
        callback: (length) => {
          this.#bytes += length;
          if (greetedMs === 0) {
            greetedMs = systemClock.nowMs();
            this.#greeting.add((greetedMs - startMs) * 1000);
          }
          try {
            conversation.receive(length, systemClock.nowMs() * 1000);
          } catch (error) {
            fail((error as Error).message);
            return false;
          }
          if (!settled && conversation.playing) {
            playingMs = systemClock.nowMs();
            this.#dialogue.add((playingMs - greetedMs) * 1000);
            if (reader >= this.#checked) this.#playingUnchecked++;
            settle();
            this.#keepAlive(conversation, socket);
          }
          if (!seen && playingMs > 0 && this.#checker.hasStarted(reader)) {
            seen = true;
            this.#firstFrame.add((systemClock.nowMs() - playingMs) * 1000);
          }
          return true;
        },
      },
    });
    this.#sockets.push(socket);
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
