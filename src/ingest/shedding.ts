import { drawLateLimitMs } from '../base/late-limit.ts';
import { limits } from '../base/limits.ts';
import { lostIdrMs } from './start-points.ts';

/** How the thread that a stream is received by fares, from one moment to the next. */
export interface ThreadPressure {
  /** The thread has had nothing but work for seconds: what it receives late may be late because of itself. */
  readonly saturated: boolean;
  /**
   * Milliseconds by which the thread comes late to its own timer at `nowMs`, or came in the second or two before, at most: what it
   * receives may be late by as much.
   */
  lateMs(nowMs: number): number;
}

/** Part of the lateness of a group of pictures ago below which a stream catches up: then to leave out the rest is worth it. */
const fallingPart = 0.9;

/** Keyframes on end after which another one is expected: some encoders send one only, at the start. */
const expectedAfter = 2;

/**
 * Which access units of one stream are not even put into the ring, because the thread cannot keep up: those from one that is late
 * on, up to the next keyframe. To read past them saves the copy, and all that consumers would do. Where no keyframe comes for as long
 * as {@link StartPoints} waits for one, that gives readers another place to start, so what follows is taken.
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
  /** The newest group was left out to its end. */
  #isCut = false;
  /** Lateness at the newest keyframe, and whether it was clearly less than at the one before. */
  #keyframeLateMs = 0;
  #isCatchingUp = false;
  /** What the newest tag says, and how late the access unit before it came. */
  #keyframe = false;
  #lateMs = 0;
  /**
   * Pictures on end that decoding can start at and whose tags said so, up to {@link expectedAfter}. Where they do not, nobody knows
   * where to go on.
   */
  #marked = 0;
  /** Decoding times of the newest of these pictures, and of the newest access unit that was left out. */
  #entryDtsMs = 0;
  #shedDtsMs = 0;

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
      // It may be parameter sets in a message of their own: which groups there are is seen when a picture has come.
      this.#lateMs = lateMs;
      this.#active = false;
      return false;
    }
    if (this.#active) {
      this.#active = this.#shedDtsMs - this.#entryDtsMs <= lostIdrMs;
      this.#isCut = this.#active;
      return this.#active;
    }
    if (lateMs < this.#limitMs || !this.#pressure.saturated || this.#marked < expectedAfter) return false;
    if (this.#groups >= limits.shedding.groups && !this.#isCatchingUp) return false;
    this.#limitMs = drawLateLimitMs(this.#random);
    this.#active = true;
    this.#isCut = true;
    return true;
  }

  /** The newest access unit was left out. */
  onShed(dtsMs: number): void {
    this.#shedDtsMs = dtsMs;
  }

  /** The newest access unit is one that decoding can start at. */
  onEntry(dtsMs: number): void {
    this.#marked = this.#keyframe ? Math.min(this.#marked + 1, expectedAfter) : 0;
    if (this.#keyframe) this.#beginGroup();
    this.#entryDtsMs = dtsMs;
    this.#shedDtsMs = dtsMs;
  }

  #beginGroup(): void {
    this.#groups = this.#isCut ? this.#groups + 1 : 0;
    this.#isCut = false;
    this.#isCatchingUp = this.#lateMs < fallingPart * this.#keyframeLateMs;
    this.#keyframeLateMs = this.#lateMs;
  }
}
