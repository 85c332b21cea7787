/** Work that is done a few at a time; more waits in a short queue, and what finds the queue full is turned away. */
export class BoundedWork {
  readonly #parallel: number;
  readonly #waitingLimit: number;
  readonly #waiting: (() => void)[] = [];
  #running = 0;

  constructor(bounds: { readonly parallel: number; readonly waiting: number }) {
    this.#parallel = bounds.parallel;
    this.#waitingLimit = bounds.waiting;
  }

  /** There is no room for more. */
  get full(): boolean {
    return this.#waiting.length >= this.#waitingLimit;
  }

  /**
   * Does the work in its turn. Null if there is no room, or if `signal` says before its turn that nobody waits for it any more.
   * What the work throws is thrown.
   */
  async run<T>(work: () => Promise<T>, signal?: AbortSignal): Promise<T | null> {
    if (this.#running >= this.#parallel) {
      if (this.full) return null;
      if (!(await this.#turn(signal))) return null;
    } else this.#running++;
    try {
      return await work();
    } finally {
      // The place goes from hand to hand: nobody who comes now gets in before those who wait.
      const next = this.#waiting.shift();
      if (next === undefined) this.#running--;
      else next();
    }
  }

  /** True when it is our turn, false when that is no longer wanted. */
  #turn(signal?: AbortSignal): Promise<boolean> {
    if (signal?.aborted) return Promise.resolve(false);
    return new Promise((resolve) => {
      const begin = (): void => {
        signal?.removeEventListener('abort', leave);
        resolve(true);
      };
      const leave = (): void => {
        this.#waiting.splice(this.#waiting.indexOf(begin), 1);
        resolve(false);
      };
      this.#waiting.push(begin);
      signal?.addEventListener('abort', leave, { once: true });
    });
  }
}
