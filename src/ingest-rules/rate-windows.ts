/** The counters of a stream at one moment. */
export interface StreamLook {
  /** Monotonic. */
  readonly atMs: number;
  /** Decoding time of the newest frame. */
  readonly dtsMs: number;
  /** Since the stream started. */
  readonly frames: number;
  readonly bytes: number;
  readonly keyframes: number;
}

/** Rates of one window. */
export interface WindowRates {
  readonly mbit: number;
  readonly fps: number;
}

/** Milliseconds of each of the two windows. */
const rateWindowMs = 5_000;

/**
 * How much faster than real time a stream may come without counting as more: what a link held back is sent afterwards, as fast
 * as it takes it. A source that floods sends faster than that, and for ever.
 */
const catchingUp = 1.5;

/**
 * Bitrate and frame rate of a stream in the two newest windows, which lie side by side. One large keyframe, or the burst after
 * a gap, is in one of them only: what both windows say is how the stream is.
 */
export class RateWindows {
  /** The newest last; two windows of them, and the one before. */
  #looks: StreamLook[] = [];

  add(look: StreamLook): void {
    this.#looks.push(look);
    const kept = this.#looks.findLastIndex(({ atMs }) => atMs <= look.atMs - 2 * rateWindowMs);
    if (kept > 0) this.#looks = this.#looks.slice(kept);
  }

  /** The windows, the older first; null before there are two. */
  rates(): readonly [WindowRates, WindowRates] | null {
    const newest = this.#looks.at(-1);
    const middle = newest && this.#before(newest);
    const oldest = middle && this.#before(middle);
    if (newest === undefined || middle === undefined || oldest === undefined) return null;
    return [ratesBetween(oldest, middle), ratesBetween(middle, newest)];
  }

  /** The look that begins the window which ends with `look`. */
  #before(look: StreamLook): StreamLook | undefined {
    return this.#looks.findLast(({ atMs }) => atMs <= look.atMs - rateWindowMs);
  }
}

function ratesBetween(from: StreamLook, to: StreamLook): WindowRates {
  const realMs = to.atMs - from.atMs;
  const seconds = Math.min(Math.max(to.dtsMs - from.dtsMs, realMs), catchingUp * realMs) / 1000;
  return { mbit: ((to.bytes - from.bytes) * 8) / seconds / 1e6, fps: (to.frames - from.frames) / seconds };
}
