/** Chance that can be had again: the same seed gives the same numbers on every machine. */

const range = 0x100000000;

/** Numbers from a seed (mulberry32: 32 bits of state, good enough for schedules, not for secrets). */
export class SeededRandom {
  #state: number;

  constructor(seed: number) {
    this.#state = seed >>> 0;
  }

  /** From 0 up to but not 1. */
  next(): number {
    this.#state = (this.#state + 0x6d2b79f5) >>> 0;
    let mixed = this.#state;
    mixed = Math.imul(mixed ^ (mixed >>> 15), mixed | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / range;
  }

  /** From `min` up to but not `max`. */
  between(min: number, max: number): number {
    return min + (max - min) * this.next();
  }

  /** A whole number, both ends included. */
  whole(min: number, max: number): number {
    return Math.floor(this.between(min, max + 1));
  }

  /** True in a share `odds` (0 to 1) of all cases. */
  chance(odds: number): boolean {
    return this.next() < odds;
  }

  /** Numbers of its own for part `index`: what one part draws does not change what the others get. */
  fork(index: number): SeededRandom {
    return new SeededRandom((this.#state ^ Math.imul(index + 1, 0x9e3779b1)) >>> 0);
  }
}
