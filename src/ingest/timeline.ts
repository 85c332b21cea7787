/** Milliseconds a publisher's clock may step back and still be believed: interleaving, and encoders that reorder a little. */
const backwardMs = 1_000;

/** Milliseconds forward in one step beyond which the clock was set anew. Slow streams stay below: a picture each 5 s is video. */
const forwardMs = 10_000;

/** A clock counts as stuck after this many access units with one timestamp, while more than this many milliseconds passed. */
const stuckUnits = 10;
const stuckMs = 1_000;

/** Milliseconds for which such a clock must go on with each access unit, neither half nor twice as fast as ours, until it is used again. */
const movingMs = 5_000;

/** OBS drops the top bit of its timestamps: from within this many milliseconds of 2^31 they go back to below as many. */
const wrapWindowMs = 60_000;
const halfRange = 0x80000000;

/**
 * Turns the 32-bit, wrapping timestamps of a publisher's video into milliseconds that start at 0 and strictly increase. What
 * the publisher says is kept to the millisecond as long as it moves forward. Pure: the time of arrival is an argument.
 */
export class Timeline {
  // What every access unit touches comes first; see ServerSession.
  /** The newest result, -1 before the first. */
  dtsMs = -1;
  /** Whether the newest result does not follow from the one before: the publisher's clock was set anew. */
  discontinuity = false;
  /** The publisher's clock stood still, and the time of arrival is used until it has gone on for a while. */
  stuck = false;
  /** Timestamps that did not move forward, and were moved by a millisecond or more. */
  corrected = 0;
  #started = false;
  /** Timestamp of the newest access unit as it came, and without its wraps. */
  #raw = 0;
  #unwrapped = 0;
  /** dts = unwrapped + offset */
  #offset = 0;
  #arrivalMs = 0;
  /** The run of equal timestamps: its length, and, once it is more than 1, when and at which dts it began. */
  #equal = 0;
  #equalArrivalMs = 0;
  #equalDtsMs = 0;
  /** While it is stuck: since when, by our clock and by its own, it has gone on with each access unit. */
  #movingArrivalMs = 0;
  #movingFromMs = 0;
  /** Where the discontinuity was, as the publisher counts: the timestamp before it, unwrapped, and the one that came. */
  fromMs = 0;
  toMs = 0;

  /** Takes the timestamp of the next access unit, which arrived at `arrivalMs` (monotonic), and returns its dts. */
  next(timestampMs: number, arrivalMs: number): number {
    const raw = timestampMs >>> 0;
    this.discontinuity = false;
    if (!this.#started) {
      this.#started = true;
      this.#unwrapped = raw;
      // Not the same as `-raw`, whose -0 is no integer to V8, and then neither is any dts.
      this.#offset = 0 - raw;
      this.#equal = 1;
      return this.#settle(raw, arrivalMs, 0);
    }
    const step = forwardDistance(this.#raw, raw);
    const previous = this.#unwrapped;
    this.#unwrapped += step;
    if (this.stuck) return this.#byArrival(raw, arrivalMs, step);
    if (step === 0) return this.#repeat(raw, arrivalMs);
    const candidate = this.#unwrapped + this.#offset;
    // Measured against the output too: steps back that are small one by one must not add up unseen.
    if (step > forwardMs || this.dtsMs - candidate > backwardMs) return this.#reanchor(raw, arrivalMs, previous);
    this.#equal = 1;
    return this.#settle(raw, arrivalMs, candidate);
  }

  #repeat(raw: number, arrivalMs: number): number {
    if (this.#equal === 1) {
      this.#equalArrivalMs = this.#arrivalMs;
      this.#equalDtsMs = this.dtsMs;
    }
    this.#equal++;
    if (this.#equal >= stuckUnits && arrivalMs - this.#equalArrivalMs > stuckMs) {
      this.stuck = true;
      return this.#byArrival(raw, arrivalMs, 0);
    }
    return this.#settle(raw, arrivalMs, this.#unwrapped + this.#offset);
  }

  #byArrival(raw: number, arrivalMs: number, step: number): number {
    const dtsMs = this.#settle(raw, arrivalMs, this.#equalDtsMs + Math.round(arrivalMs - this.#equalArrivalMs));
    const goesOn = step > 0 && step <= forwardMs;
    const elapsedMs = arrivalMs - this.#movingArrivalMs;
    if (goesOn && elapsedMs < movingMs) return dtsMs;
    const ownMs = this.#unwrapped - this.#movingFromMs;
    if (goesOn && ownMs > elapsedMs / 2 && ownMs < 2 * elapsedMs) {
      this.stuck = false;
      this.#equal = 1;
      this.#offset = dtsMs - this.#unwrapped;
    }
    this.#movingArrivalMs = arrivalMs;
    this.#movingFromMs = this.#unwrapped;
    return dtsMs;
  }

  /** The real distance is unknown, the time of arrival is the best guess at it. */
  #reanchor(raw: number, arrivalMs: number, previous: number): number {
    this.discontinuity = true;
    this.fromMs = previous;
    this.toMs = raw;
    const dtsMs = this.dtsMs + Math.max(1, Math.round(arrivalMs - this.#arrivalMs));
    this.#unwrapped = raw;
    this.#offset = dtsMs - raw;
    this.#equal = 1;
    return this.#settle(raw, arrivalMs, dtsMs);
  }

  #settle(raw: number, arrivalMs: number, dtsMs: number): number {
    this.#raw = raw;
    this.#arrivalMs = arrivalMs;
    if (dtsMs > this.dtsMs) this.dtsMs = dtsMs;
    else {
      this.dtsMs += 1;
      this.corrected++;
    }
    return this.dtsMs;
  }
}

/** Milliseconds from `from` to `to`, both 32-bit and wrapping; negative when `to` lies behind. */
function forwardDistance(from: number, to: number): number {
  if (from > halfRange - 1 - wrapWindowMs && from < halfRange && to < wrapWindowMs) return to + halfRange - from;
  return (to - from) | 0;
}
