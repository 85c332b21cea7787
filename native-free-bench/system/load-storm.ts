/**
 * Process of the storm: N publishers that all connect within a few seconds, send video, and come back by themselves when
 * their connection is lost. It keeps account of how many publish at each moment.
 */
import { connect, type Socket } from 'node:net';
import { systemClock } from '../../src/base/clock.ts';
import { type FrameChannel, openChannel } from './frame-writer.ts';
import type { LoadCommand, StormOptions, StreamNames } from './load-messages.ts';
import { listen, report, SelfWatch } from './load-self.ts';
import { PublishAnswer } from './publish-answer.ts';
import { clientHello, metadataMessage, publishCommands } from './rtmp-dialogue.ts';
import { SyntheticStream } from './synthetic-stream.ts';

const stepMs = 100;
/** Milliseconds without an answer after which a connection is given up. */
const patienceMs = 10_000;
/** Bytes of one publisher that may wait in our memory before frames are left out. */
const waitingLimitBytes = 8 * 1024 * 1024;
const framesPerTurn = 256;
const readBuffer = Buffer.allocUnsafe(65_536);

class StormPublisher {
  readonly names: StreamNames;
  readonly index: number;
  socket: Socket | null = null;
  channel: FrameChannel | null = null;
  /** Frames sent over the present connection. */
  frame = 0;

  constructor(names: StreamNames, index: number) {
    this.names = names;
    this.index = index;
  }
}

class Storm {
  readonly #options: StormOptions;
  readonly #stream: SyntheticStream;
  readonly #publishers: readonly StormPublisher[];
  readonly #watch = new SelfWatch();
  readonly #startMs = systemClock.nowMs();
  readonly #intervalMs: number;
  #beginMs = this.#startMs;
  #publishing = 0;
  #steps: number[] = [];
  #publishedMs: number[] = [];
  #attempts = 0;
  #failedAttempts = 0;
  #broken = 0;
  #firstFailure = '';
  #frames = 0;
  #turn = 0;
  #position = 0;

  constructor(options: StormOptions) {
    this.#options = options;
    this.#stream = new SyntheticStream(options.shape);
    this.#intervalMs = 1000 / options.shape.framesPerSecond;
    this.#publishers = options.streams.map((names, index) => new StormPublisher(names, index));
  }

  start(): void {
    const count = this.#publishers.length;
    for (const publisher of this.#publishers)
      setTimeout(() => this.#connect(publisher), (publisher.index / count) * this.#options.overMs);
    setInterval(() => this.#progress(), 200);
    setInterval(() => this.#step(), stepMs);
    this.#run();
  }

  /** The account starts anew; whoever publishes goes on. */
  begin(): void {
    this.#beginMs = systemClock.nowMs();
    this.#steps = [];
    this.#publishedMs = [];
    this.#attempts = 0;
    this.#failedAttempts = 0;
    this.#broken = 0;
    this.#frames = 0;
    this.#firstFailure = '';
    this.#watch.begin();
  }

  end(): void {
    report({
      type: 'stormed',
      ...this.#watch.end(),
      publishing: this.#steps,
      stepMs,
      publishedMs: this.#publishedMs,
      attempts: this.#attempts,
      failedAttempts: this.#failedAttempts,
      broken: this.#broken,
      firstFailure: this.#firstFailure,
      frames: this.#frames,
    });
  }

  /** A late timer must not make the account shorter than the time. */
  #step(): void {
    const due = Math.floor((systemClock.nowMs() - this.#beginMs) / stepMs);
    while (this.#steps.length < due) this.#steps.push(this.#publishing);
  }

  #progress(): void {
    report({
      type: 'progress',
      active: this.#publishing,
      wanted: this.#publishers.length,
      failed: 0,
      firstFailure: this.#firstFailure,
    });
  }

  #connect(publisher: StormPublisher): void {
    this.#attempts++;
    const { app, name, rtmpPort: port = this.#options.port } = publisher.names;
    const { chunkSize, framesPerSecond } = this.#stream.shape;
    let answer: PublishAnswer | null = new PublishAnswer();
    let cause = 'closed by the target';
    const onReply = (length: number): boolean => {
      if (answer === null) return true;
      const step = answer.receive(readBuffer.subarray(0, length));
      if (step === 'greeted') socket.write(publishCommands({ app, name, port }, chunkSize));
      else if (step === 'publishing') {
        answer = null;
        clearTimeout(timer);
        socket.write(metadataMessage(chunkSize, framesPerSecond));
        socket.write(this.#stream.header);
        publisher.channel = openChannel(socket, false);
        publisher.frame = 0;
        this.#publishing++;
        this.#publishedMs.push(systemClock.nowMs() - this.#beginMs);
      } else if (step === 'refused') {
        cause = `the target answered ${answer.refusal}`;
        answer = null;
        socket.destroy();
      }
      return true;
    };
    const socket = connect({
      port,
      host: '127.0.0.1',
      noDelay: true,
      onread: { buffer: readBuffer, callback: onReply },
    });
    publisher.socket = socket;
    const timer = setTimeout(() => {
      cause = 'no answer in time';
      socket.destroy();
    }, patienceMs);
    socket.once('connect', () => socket.write(clientHello));
    socket.on('error', (error) => {
      cause = error.message;
    });
    socket.once('close', () => {
      clearTimeout(timer);
      if (publisher.channel === null) this.#failedAttempts++;
      else {
        this.#publishing--;
        this.#broken++;
      }
      if (this.#firstFailure === '') this.#firstFailure = cause;
      publisher.channel = null;
      const { retryMs } = this.#options;
      setTimeout(() => this.#connect(publisher), retryMs * (0.5 + Math.random()));
    });
  }

  readonly #run = (): void => {
    const count = this.#publishers.length;
    for (let frames = 0; ; frames++) {
      const dueMs = this.#startMs + (this.#turn + this.#position / count) * this.#intervalMs;
      const nowMs = systemClock.nowMs();
      if (dueMs > nowMs) {
        setTimeout(this.#run, 1);
        return;
      }
      if (frames >= framesPerTurn) {
        setImmediate(this.#run);
        return;
      }
      this.#send(this.#publishers[this.#position]!, dueMs * 1000, nowMs * 1000);
      if (++this.#position === count) {
        this.#position = 0;
        this.#turn++;
      }
    }
  };

  #send(publisher: StormPublisher, dueUs: number, nowUs: number): void {
    const channel = publisher.channel;
    if (channel === null || channel.waiting > waitingLimitBytes) return;
    const template = this.#stream.frame(publisher.frame);
    template.patch(
      Math.round(publisher.frame * this.#intervalMs),
      publisher.index,
      publisher.frame,
      dueUs,
      nowUs - dueUs,
    );
    publisher.frame++;
    this.#frames++;
    if (!channel.write(template)) publisher.socket!.destroy();
  }
}

let storm: Storm | null = null;

listen((command: LoadCommand) => {
  if (command.type === 'storm') {
    storm = new Storm(command);
    storm.begin();
    storm.start();
  } else if (command.type === 'begin') storm?.begin();
  else if (command.type === 'end') storm?.end();
  else if (command.type === 'stop') process.exit(0);
});
