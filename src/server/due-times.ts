import type { Clock } from '../base/clock.ts';

/** Something that has a time at which it is served. Its holder changes `dueMs` only while it is not among the {@link DueTimes}. */
export interface Due {
  /** Monotonic milliseconds. */
  dueMs: number;
}

/**
 * Serves many things, each at its own time, with one timer: a timer for each of a thousand streams wakes the thread a thousand
 * times a second. What is due within a moment is served at once, and what is done for several one after another is done faster.
 */
export class DueTimes<T extends Due> {
  readonly #clock: Clock;
  /** Milliseconds before its time that something may be served, to spare a wake-up. */
  readonly #earlyMs: () => number;
  readonly #serve: (due: readonly T[]) => void;
  /** In the order of their times. */
  readonly #queue: T[] = [];
  #timer: NodeJS.Timeout | null = null;

  /** `serve` gets what is due, in the order of the times; it is gone from here, and may be added again. */
  constructor(clock: Clock, earlyMs: () => number, serve: (due: readonly T[]) => void) {
    this.#clock = clock;
    this.#earlyMs = earlyMs;
    this.#serve = serve;
  }

  add(item: T): void {
    // Nearly always it is the last: all of them come again after the same time.
    let at = this.#queue.length;
    while (at > 0 && this.#queue[at - 1]!.dueMs > item.dueMs) at--;
    if (at === this.#queue.length) this.#queue.push(item);
    else this.#queue.splice(at, 0, item);
    if (at === 0) this.#setTimer();
  }

  delete(item: T): void {
    const at = this.#queue.indexOf(item);
    if (at < 0) return;
    this.#queue.splice(at, 1);
    if (at === 0) this.#setTimer();
  }

  /** The timer does not keep the process. */
  #setTimer(): void {
    if (this.#timer !== null) clearTimeout(this.#timer);
    const first = this.#queue[0];
    this.#timer =
      first === undefined ? null : setTimeout(this.#onTimer, Math.max(1, first.dueMs - this.#clock.nowMs())).unref();
  }

  readonly #onTimer = (): void => {
    this.#timer = null;
    const untilMs = this.#clock.nowMs() + this.#earlyMs();
    const later = this.#queue.findIndex(({ dueMs }) => dueMs > untilMs);
    const due = this.#queue.splice(0, later < 0 ? this.#queue.length : later);
    try {
      this.#serve(due);
    } finally {
      // Serving may have set it already.
      if (this.#timer === null) this.#setTimer();
    }
  };
}
