/** Checks the frames of all readers of a process: identity, loss, duplicates, order and latency. */
import { Histogram } from './histogram.ts';
import type { Stamp } from './stamp.ts';

/** One instance for all readers; `reader` is an index below `readers`. */
export class FrameChecker {
  readonly latency = new Histogram();
  readonly transit = new Histogram();
  frames = 0;
  lost = 0;
  duplicated = 0;
  reordered = 0;
  misrouted = 0;
  unstamped = 0;
  readonly #expectedPublisher: Int32Array;
  readonly #newest: Int32Array;
  readonly #lastArrivalUs: Float64Array;
  #started = 0;

  /** `publisherOf[reader]` is the publisher whose frames that reader must get. */
  constructor(publisherOf: Int32Array) {
    this.#expectedPublisher = publisherOf;
    this.#newest = new Int32Array(publisherOf.length).fill(-1);
    this.#lastArrivalUs = new Float64Array(publisherOf.length);
  }

  /** Readers that have seen at least one stamped frame since the process started. */
  get started(): number {
    return this.#started;
  }

  /** Starts a window: counts from zero, remembers which frame each stream has reached. */
  begin(): void {
    this.latency.reset();
    this.transit.reset();
    this.frames = 0;
    this.lost = 0;
    this.duplicated = 0;
    this.reordered = 0;
    this.misrouted = 0;
    this.unstamped = 0;
  }

  /** A whole frame with a stamp arrived at `nowUs`. */
  stamped(reader: number, stamp: Stamp, nowUs: number): void {
    this.frames++;
    if (this.#lastArrivalUs[reader] === 0) this.#started++;
    this.#lastArrivalUs[reader] = nowUs;
    if (stamp.publisher !== this.#expectedPublisher[reader]) {
      this.misrouted++;
      return;
    }
    const newest = this.#newest[reader]!;
    const step = stamp.frame - newest;
    if (step > 0) {
      if (newest >= 0) this.lost += step - 1;
      this.#newest[reader] = stamp.frame;
    } else if (step === 0) this.duplicated++;
    else {
      // It was counted as lost when the frame behind it came first.
      this.reordered++;
      if (this.lost > 0) this.lost--;
    }
    const latencyUs = nowUs - stamp.dueUs;
    this.latency.add(latencyUs);
    this.transit.add(latencyUs - stamp.lateUs);
  }

  /** A whole frame without a stamp arrived. */
  bare(): void {
    this.unstamped++;
  }

  /** Whether the reader has ever got a stamped frame. */
  hasStarted(reader: number): boolean {
    return this.#lastArrivalUs[reader]! > 0;
  }

  /** Those of the first `readers` that got no stamped frame in the `spanUs` before `nowUs`. */
  silent(nowUs: number, spanUs: number, readers = this.#lastArrivalUs.length): number {
    let count = 0;
    for (let i = 0; i < readers; i++) if (nowUs - this.#lastArrivalUs[i]! > spanUs) count++;
    return count;
  }
}
