/** Milliseconds between two looks at the clock. */
const lookMs = 10;
/** Milliseconds between two looks that count at most. */
const countedMs = 50;

/**
 * The time in which this process ran, from now on. Where the whole machine stands still, what is tested stands still with its test: that
 * time is nobody's delay.
 */
export class RunningTime {
  #countedMs = 0;
  #lookedMs = performance.now();
  readonly #timer = setInterval(() => this.#look(), lookMs).unref();

  get ms(): number {
    this.#look();
    return this.#countedMs;
  }

  stop(): void {
    clearInterval(this.#timer);
  }

  #look(): void {
    const nowMs = performance.now();
    this.#countedMs += Math.min(nowMs - this.#lookedMs, countedMs);
    this.#lookedMs = nowMs;
  }
}
