/**
 * Cameras whose every frame is accounted for: some stay, some are killed or leave in order and come back. One thread sends for
 * all of them, a fourth of them over RTMPS; another one reads them back, each from before its first frame on.
 */
import { SyntheticStream } from '../../native-free-bench/system/synthetic-stream.ts';
import { testCredentials } from '../../test/support/media-server.ts';
import { AskedThread } from '../fleet/asked-thread.ts';
import type { ReaderFigures, ReadersFigures, ReadersOptions } from '../fleet/camera-readers.ts';
import { runCount, syntheticBook } from '../fleet/frame-book.ts';
import type { PublisherFigures } from '../fleet/publishers.ts';
import type { ReaderCommand } from '../fleet/reader-thread.ts';
import type { SeededRandom } from '../fleet/seeded-random.ts';
import { SyntheticPublishers } from '../fleet/synthetic-publishers.ts';

const framesPerSecond = 15;
const gop = 30;
const chunkSize = 4096;
const answerMs = 10_000;
const readersMs = 15_000;
/** RTMPS for every so manyth camera. */
const secureEvery = 4;
/** Milliseconds after a stream's end until its last frame has come, or never does. */
const tailMs = 5000;
/** Time stamps of synthetic frames end after 4.6 hours; long before, a camera that stays makes a new stream. */
const renewMs = 3 * 3_600_000;
const awayMs = 1000;

export interface CheckedOptions {
  readonly host: string;
  readonly ports: { readonly rtmp: number; readonly rtmps: number; readonly rtsp: number };
  readonly steadyPaths: readonly string[];
  readonly flappingPaths: readonly string[];
  readonly bitsPerSecond: number;
  readonly random: SeededRandom;
}

/** Sums over all cameras. */
export interface CheckedFigures {
  readonly live: number;
  readonly playing: number;
  readonly sent: number;
  readonly received: number;
  readonly starts: number;
  readonly kills: number;
  readonly refused: number;
  /** Everything that must not be, by what it is; a count of frames or events. */
  readonly unexplained: Readonly<Record<string, number>>;
}

export class CheckedCameras {
  readonly #options: CheckedOptions;
  readonly #publishers: SyntheticPublishers;
  readonly #readers: AskedThread<ReaderCommand, ReadersFigures>;
  readonly #timers = new Set<NodeJS.Timeout>();
  /** Of each camera, the finished runs that were judged, and those that wait for their last frames. */
  readonly #judged: Set<string>[];
  readonly #waiting: Map<string, number>[];
  #tailLost = 0;
  #stopped = false;

  constructor(options: CheckedOptions) {
    const { host, ports, bitsPerSecond } = options;
    const paths = [...options.steadyPaths, ...options.flappingPaths];
    const stream = new SyntheticStream({ bitsPerSecond, framesPerSecond, gop, chunkSize });
    this.#options = options;
    this.#judged = paths.map(() => new Set());
    this.#waiting = paths.map(() => new Map());
    this.#publishers = new SyntheticPublishers({
      shape: stream.shape,
      addresses: paths.map((path, index) => {
        const slash = path.lastIndexOf('/');
        const secure = index % secureEvery === 0;
        return {
          host,
          port: secure ? ports.rtmps : ports.rtmp,
          app: path.slice(1, Math.max(1, slash)),
          name: path.slice(slash + 1),
          tls: secure ? { serverName: 'localhost', insecure: true } : null,
        };
      }),
    });
    const { user, password } = testCredentials;
    const readers: ReadersOptions = {
      host,
      port: ports.rtsp,
      cameras: paths.map((path) => ({ url: `rtsp://${host}:${ports.rtsp}${path}`, book: 0 })),
      books: [syntheticBook(stream, 'all')],
      credentials: { user, password },
      checkBytes: 'all',
      measureLatency: false,
    };
    this.#readers = new AskedThread('reader-thread.ts', readers);
  }

  /** Waits for the readers, then starts every camera. */
  async start(): Promise<void> {
    const untilMs = performance.now() + readersMs;
    for (;;) {
      const { cameras } = await this.#readers.ask('figures', answerMs);
      if (cameras.every(({ playing }) => playing)) break;
      if (performance.now() > untilMs) throw new Error('the readers of checked cameras do not play');
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
    const { steadyPaths, flappingPaths } = this.#options;
    for (const index of steadyPaths.keys()) {
      this.#publishers.act(index, 'start');
      this.#later(renewMs * (1 + index / steadyPaths.length), () => this.#renew(index));
    }
    for (const index of flappingPaths.keys()) this.#fly(steadyPaths.length + index);
  }

  async figures(): Promise<CheckedFigures> {
    const [publishers, { cameras: readers }] = await Promise.all([
      this.#publishers.figures(),
      this.#readers.ask('figures', answerMs),
    ]);
    for (const [index, publisher] of publishers.entries()) this.#judgeTails(index, publisher, readers[index]!);
    const sum = (count: (publisher: PublisherFigures, reader: ReaderFigures, index: number) => number): number =>
      publishers.reduce((total, publisher, index) => total + count(publisher, readers[index]!, index), 0);
    return {
      live: sum(({ state }) => (state === 'live' ? 1 : 0)),
      playing: sum((_, { playing }) => (playing ? 1 : 0)),
      sent: sum(({ sent }) => sent),
      received: sum((_, { frames }) => frames),
      starts: sum(({ starts }) => starts),
      kills: sum(({ kills }) => kills),
      refused: sum(({ refused }) => refused),
      unexplained: {
        'frames lost': sum((_, { lost }) => lost) + this.#tailLost,
        'frames twice': sum((_, { duplicated }) => duplicated),
        'frames out of order': sum((_, { reordered }) => reordered),
        'frames with wrong bytes': sum((_, { corrupt }) => corrupt),
        "another camera's frames": sum((_, { misrouted }) => misrouted),
        'gaps in RTP': sum((_, { sequenceGaps }) => sequenceGaps),
        'publishers cut off': sum(({ broken }) => broken),
        'publishers held up': sum(({ notSent }) => notSent),
        'readers cut off': sum((_, { breaks }) => breaks),
      },
    };
  }

  /** Ends all streams in order; `tailMs` later every frame that was sent has to be there. */
  async stop(waitMs: number): Promise<CheckedFigures> {
    this.#stopped = true;
    for (const timer of this.#timers) clearTimeout(timer);
    await this.#publishers.stop(200);
    const untilMs = performance.now() + waitMs;
    for (;;) {
      const figures = await this.figures();
      if (this.#waiting.every(({ size }) => size === 0) || performance.now() > untilMs) return figures;
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
  }

  /** Ends the threads. */
  async end(ms: number): Promise<void> {
    await Promise.all([this.#publishers.end(ms), this.#readers.stop('stop', ms)]);
  }

  #renew(index: number): void {
    this.#publishers.act(index, 'stop');
    this.#later(awayMs, () => this.#publishers.act(index, 'start'));
    this.#later(renewMs, () => this.#renew(index));
  }

  /** One flight of a camera that flaps, and the next one after it. */
  #fly(index: number): void {
    const { random } = this.#options;
    const killed = random.chance(0.5);
    this.#publishers.act(index, 'start');
    this.#later(random.between(2000, 15_000), () => {
      this.#publishers.act(index, killed ? 'kill' : 'stop');
      this.#later(random.between(200, 4000), () => this.#fly(index));
    });
  }

  /** A run that ended in order must have come whole, a few seconds later at the latest. */
  #judgeTails(index: number, { finished }: PublisherFigures, { ends }: ReaderFigures): void {
    const [judged, waiting] = [this.#judged[index]!, this.#waiting[index]!];
    for (const { run, sent } of finished) {
      const key = `${run}`;
      if (judged.has(key)) continue;
      const sinceMs = waiting.get(key) ?? performance.now();
      waiting.set(key, sinceMs);
      const end = ends.findLast((one) => one.run === run % runCount);
      const lost = sent - 1 - (end?.last ?? -1);
      if (lost > 0 && performance.now() - sinceMs < tailMs) continue;
      waiting.delete(key);
      judged.add(key);
      this.#tailLost += Math.max(0, lost);
    }
    // Those that the publisher has forgotten.
    for (const key of judged) if (!finished.some(({ run }) => `${run}` === key)) judged.delete(key);
  }

  #later(ms: number, action: () => void): void {
    const timer = setTimeout(() => {
      this.#timers.delete(timer);
      if (!this.#stopped) action();
    }, ms);
    this.#timers.add(timer);
  }
}
