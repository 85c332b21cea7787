import { addressKey } from '../base/address.ts';
import type { Clock } from '../base/clock.ts';
import { limits } from '../base/limits.ts';
import { FairQueue } from './fair-queue.ts';
import { type Delay, timerDelay } from './read-turns.ts';

/**
 * Accepted connections on their way to the threads that serve them: a few at a time, of each address one after the other. The
 * kernel hands over hundreds at once, and for each the thread that takes it has to stop sending or receiving pictures a while.
 */
export class HandOvers {
  readonly #clock: Clock;
  readonly #delay: Delay;
  /** What is to be done for each, by the connection. */
  readonly #waiting = new FairQueue<object, () => void>();
  #sinceMs = Number.NEGATIVE_INFINITY;
  #done = 0;
  #ticking = false;

  constructor(clock: Clock, delay: Delay = timerDelay) {
    this.#clock = clock;
    this.#delay = delay;
  }

  /** Connections that wait. */
  get waiting(): number {
    return this.#waiting.size;
  }

  /** Calls `handOver` for a connection from `address`, at once or when it is its turn. */
  add(address: string, connection: object, handOver: () => void): void {
    this.#waiting.add(addressKey(address), connection, handOver);
    if (!this.#ticking) this.#serve();
  }

  #serve(): void {
    const { handOvers, everyMs } = limits.turns;
    const nowMs = this.#clock.nowMs();
    if (nowMs - this.#sinceMs >= everyMs) {
      this.#sinceMs = nowMs;
      this.#done = 0;
    }
    for (; this.#done < handOvers; this.#done++) {
      const next = this.#waiting.take();
      if (next === null) return;
      next[1]();
    }
    if (this.#waiting.size === 0) return;
    this.#ticking = true;
    this.#delay(() => {
      this.#ticking = false;
      this.#serve();
    }, everyMs);
  }
}
