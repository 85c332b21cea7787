/** Process of the churn run: connections that come, publish one IDR and go, with bounded concurrency. */
import { connect } from 'node:net';
import type { ChurnOptions, LoadCommand } from './load-messages.ts';
import { listen, report, SelfWatch } from './load-self.ts';
import { PublishAnswer } from './publish-answer.ts';
import { clientHello, publishCommands, unpublishCommands } from './rtmp-dialogue.ts';
import { SyntheticStream } from './synthetic-stream.ts';

const chunkSize = 65536;
/** A connection that has not published within this time has failed. */
const patienceMs = 15_000;
const readBuffer = Buffer.allocUnsafe(65536);

/** How each third of the connections leaves: in good order, by closing, or by a reset. */
const leavings = ['unpublish', 'close', 'reset'] as const;

class Churn {
  readonly #options: ChurnOptions;
  readonly #stream = new SyntheticStream({ bitsPerSecond: 1e6, framesPerSecond: 30, gop: 30, chunkSize });
  readonly #watch = new SelfWatch();
  /** Streams nobody publishes at present, the one left longest ago first. */
  readonly #free: number[] = [];
  #started = 0;
  #completed = 0;
  #rejected = 0;
  #failed = 0;
  #firstFailure = '';
  #underWay = 0;

  constructor(options: ChurnOptions) {
    this.#options = options;
    for (let i = 0; i < options.streams.length; i++) this.#free.push(i);
  }

  start(): void {
    this.#watch.begin();
    const concurrency = Math.min(this.#options.concurrency, this.#options.streams.length);
    for (let i = 0; i < concurrency; i++) this.#next();
    setInterval(() => this.#progress(), 500).unref();
  }

  #progress(): void {
    report({
      type: 'progress',
      active: this.#completed,
      wanted: this.#options.connections,
      failed: this.#rejected + this.#failed,
      firstFailure: this.#firstFailure,
    });
  }

  #next(): void {
    if (this.#started >= this.#options.connections) {
      if (this.#underWay === 0) this.#finish();
      return;
    }
    const stream = this.#free.shift();
    if (stream === undefined) return;
    this.#connect(this.#started++, stream);
  }

  #finish(): void {
    report({
      type: 'churned',
      ...this.#watch.end(),
      completed: this.#completed,
      rejected: this.#rejected,
      failed: this.#failed,
      firstFailure: this.#firstFailure,
    });
  }

  #connect(number: number, stream: number): void {
    const { app, name } = this.#options.streams[stream]!;
    const address = { app, name, port: this.#options.port };
    const leaving = leavings[number % leavings.length]!;
    const answer = new PublishAnswer();
    let outcome: 'none' | 'completed' | 'rejected' = 'none';
    let cause = 'closed by the target';
    this.#underWay++;
    const socket = connect({
      port: this.#options.port,
      host: '127.0.0.1',
      noDelay: true,
      onread: {
        buffer: readBuffer,
        callback: (length) => {
          if (outcome !== 'none') return true;
          const step = answer.receive(readBuffer.subarray(0, length));
          if (step === 'greeted') socket.write(publishCommands(address, chunkSize));
          else if (step === 'publishing') {
            outcome = 'completed';
            socket.write(this.#stream.header);
            // The template is shared, but its bytes never change here.
            socket.write(this.#stream.idr.bytes);
            if (leaving === 'unpublish') socket.end(unpublishCommands(address, chunkSize));
            else if (leaving === 'close') socket.end();
            else setImmediate(() => socket.resetAndDestroy());
          } else if (step === 'refused') {
            outcome = 'rejected';
            socket.destroy();
          }
          return true;
        },
      },
    });
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
      this.#underWay--;
      if (outcome === 'completed') this.#completed++;
      else if (outcome === 'rejected') this.#rejected++;
      else {
        this.#failed++;
        if (this.#firstFailure === '') this.#firstFailure = cause;
      }
      this.#free.push(stream);
      this.#next();
    });
  }
}

listen((command: LoadCommand) => {
  if (command.type === 'churn') new Churn(command).start();
  else if (command.type === 'stop') process.exit(0);
});
