/** A fleet of synthetic cameras in one thread, seen from the main thread. */
import type { HistogramData } from '../../native-free-bench/system/histogram.ts';
import { AskedThread } from './asked-thread.ts';
import type { PublisherFigures, Publishers } from './publishers.ts';
import type { ActionKind } from './schedule.ts';
import type { SyntheticCommand, SyntheticFigures, SyntheticOptions } from './synthetic-thread.ts';

/** Milliseconds that the thread may take for an answer, however busy it is. */
const answerMs = 10_000;
/** Milliseconds that sockets get for what they have been given. */
const flushMs = 200;

/** Implements {@link Publishers} with a thread. */
export class SyntheticPublishers implements Publishers {
  /** Frames are in memory. */
  readonly failure = null;
  readonly #thread: AskedThread<SyntheticCommand, SyntheticFigures>;
  #newest: SyntheticFigures | null = null;

  constructor(options: SyntheticOptions) {
    this.#thread = new AskedThread('synthetic-thread.ts', options);
  }

  act(camera: number, kind: ActionKind): void {
    this.#thread.tell({ type: 'act', camera, kind });
  }

  async figures(): Promise<readonly PublisherFigures[]> {
    this.#newest = await this.#thread.ask({ type: 'figures' }, answerMs);
    return this.#newest.cameras;
  }

  /** From now on lateness is measured. */
  measure(): void {
    this.#thread.tell({ type: 'measure' });
  }

  /** How late frames were sent, as of the newest figures. */
  get lateness(): HistogramData | null {
    return this.#newest?.lateness ?? null;
  }

  /** Processor time of the thread, as of the newest figures. */
  get cpuSeconds(): number {
    return this.#newest?.cpuSeconds ?? 0;
  }

  /** Ends the streams; the thread stays and can be asked. */
  async stop(ms: number): Promise<void> {
    this.#thread.tell({ type: 'stop-all' });
    await new Promise((resolve) => setTimeout(resolve, Math.min(ms, flushMs)));
  }

  end(ms: number): Promise<void> {
    return this.#thread.stop({ type: 'end' }, ms);
  }
}
