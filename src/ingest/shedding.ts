import { drawLateLimitMs } from '../base/late-limit.ts';
import { limits } from '../base/limits.ts';

/** How the thread that a stream is received by fares, from one moment to the next. */
export interface ThreadPressure {
  /** The thread has had nothing but work for seconds: what it receives late may be late because of itself. */
  readonly saturated: boolean;
}

/** Part of the lateness of a group of pictures ago below which a stream catches up: then to leave out the rest is worth it. */
const fallingPart = 0.9;

/**
 * Which access units of one stream are not even put into the ring, because the thread cannot keep up: those from one that is late
 * on, up to the next keyframe. To read past them saves the copy, and all that consumers would do.
 *
 * While the thread has time nothing is left out, however late: then it is the link that was slow, and its pictures are wanted.
 */
export class Shedding {
  readonly #pressure: ThreadPressure;
  readonly #random: () => number;
  /** Lateness from which on they are left out; another one for each stream, and after each loss. */
  #limitMs: number;
  #active = false;
  /** Groups of pictures on end that nothing, or only the beginning, was taken of. */
  #groups = 0;
  /** Lateness at the newest keyframe, and whether it was clearly less than at the one before. */
  #keyframeLateMs = 0;
  #isCatchingUp = false;
  /** What the newest tag says. */
  #keyframe = false;
  /** The newest picture that decoding can start at was in a tag that said so. Where none is, nobody knows where to go on. */
  #isMarked = false;

  /** `random` returns 0 to 1, without the 1. */
  constructor(pressure: ThreadPressure, random: () => number) {
    this.#pressure = pressure;
    this.#random = random;
    this.#limitMs = drawLateLimitMs(this.#random);
  }

  /** Whether the next access unit is left out. `keyframe`: what its tag says; `lateMs`: how late the one before came. */
  sheds(keyframe: boolean, lateMs: number): boolean {
    this.#keyframe = keyframe;
    if (keyframe) {
      this.#groups = this.#active ? this.#groups + 1 : 0;
      this.#active = false;
      this.#isCatchingUp = lateMs < fallingPart * this.#keyframeLateMs;
      this.#keyframeLateMs = lateMs;
      return false;
    }
    if (this.#active) return true;
    if (lateMs < this.#limitMs || !this.#pressure.saturated || !this.#isMarked) return false;
    if (this.#groups >= limits.shedding.groups && !this.#isCatchingUp) return false;
    this.#limitMs = drawLateLimitMs(this.#random);
    this.#active = true;
    return true;
  }

  /** The newest access unit is one that decoding can start at. */
  onEntry(): void {
    this.#isMarked = this.#keyframe;
  }
}
