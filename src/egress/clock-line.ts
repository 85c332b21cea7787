/** The window over which the smallest delay is looked for: 8 parts of 250 ms. */
const parts = 8;
const partMs = 250;

/** Most that the line may bend: 0.5 %, which no player hears or sees. To a clock that is slower for good it bends by its drift more. */
const maxSlew = 0.005;

/** Milliseconds over which drift is measured, twice on end: the smaller one counts, or a link that gets slower would look like it. */
const driftSpanMs = 30_000;

/** The steepest drift that a clock has: encoders that count whole milliseconds a picture lose 4 % at 60 frames a second. */
const steepestDrift = 0.05;

/**
 * Milliseconds that frames may come before the line while it bends to them; with more, the line is moved to them at once. Jitter only
 * delays, so it is what came before these that was late: a link had held it back.
 */
const earlyMs = 100;

/**
 * The line between media time and our clock, for RTCP sender reports: the lower envelope of (arrival - media time) over
 * about two seconds, so that network jitter, which only ever delays, does not move it. A change (drift, a slightly better
 * path) is followed slowly. All times in ms; media time has any origin.
 *
 * Each stretch of frames starts where the line was at rest, however far the one before had moved it ahead: otherwise
 * every publisher whose first frames were held back would leave media time further ahead of our clock.
 */
export class ClockLine {
  readonly #minima = new Float64Array(parts).fill(Number.POSITIVE_INFINITY);
  #part = -1;
  /** Our clock at media time 0, now and at rest: never later than at rest. */
  #base = Number.NaN;
  #restBase = Number.NaN;
  #bentMs = 0;
  /** Since when drift is measured, NaN until there is a delay to begin with, and that delay. */
  #spanStartMs = Number.NaN;
  #spanStartDelayMs = Number.NaN;
  /** How much later frames came in a millisecond of the span before, and of each of the two spans before at least. */
  #spanDrift = Number.NaN;
  #drift = Number.NaN;

  /** Media time `mediaMs` belongs to `nowMs`, whatever was before. */
  anchor(mediaMs: number, nowMs: number): void {
    this.#base = nowMs - mediaMs;
    this.#restBase = this.#base;
  }

  /** Starts a stretch at `nowMs`. Returns the media time that belongs to it: at least `leastMs`, since there were frames before. */
  startStretch(nowMs: number, leastMs: number): number {
    this.#base = Math.min(this.#restBase, nowMs - leastMs);
    // Delays of the stretch before say nothing; the drift does, for nearly always the same encoder comes back.
    this.#part = -1;
    this.#spanStartMs = Number.NaN;
    return nowMs - this.#base;
  }

  /** A frame of media time `mediaMs` arrived at `arrivalMs`. */
  observe(mediaMs: number, arrivalMs: number): void {
    const delay = arrivalMs - mediaMs;
    const part = Math.floor(arrivalMs / partMs);
    // Never back: arrival times of one camera only do that between two publishers' threads, by microseconds.
    if (part > this.#part) this.#turn(part, arrivalMs, delay);
    if (delay < this.#base - earlyMs) this.#base = delay;
    const slot = this.#part % parts;
    if (delay < this.#minima[slot]!) this.#minima[slot] = delay;
  }

  /** The media time that belongs to `nowMs`. */
  mediaMsAt(nowMs: number): number {
    return nowMs - this.#base;
  }

  #turn(part: number, nowMs: number, delay: number): void {
    if (this.#part < 0) {
      if (Number.isNaN(this.#base)) this.anchor(-delay, 0);
      this.#bentMs = nowMs;
    } else this.#bend(nowMs);
    const skipped = Math.min(part - this.#part, parts);
    for (let i = 0; i < skipped; i++) this.#minima[(part - i + parts) % parts] = Number.POSITIVE_INFINITY;
    this.#part = part;
  }

  #bend(nowMs: number): void {
    let envelope = Number.POSITIVE_INFINITY;
    for (let i = 0; i < parts; i++) envelope = Math.min(envelope, this.#minima[i]!);
    if (!(nowMs - this.#spanStartMs < driftSpanMs)) this.#beginSpan(nowMs, envelope);
    const elapsedMs = Math.max(0, nowMs - this.#bentMs);
    const most = elapsedMs * maxSlew;
    // NaN before anything is known.
    const mostLater = this.#drift > 0 ? most + elapsedMs * this.#drift : most;
    this.#bentMs = nowMs;
    this.#base += Math.max(-most, Math.min(mostLater, envelope - this.#base));
    if (this.#base > this.#restBase) this.#restBase = this.#base;
  }

  #beginSpan(nowMs: number, delayMs: number): void {
    const drift = (delayMs - this.#spanStartDelayMs) / (nowMs - this.#spanStartMs);
    if (!Number.isNaN(drift)) {
      // What is steeper is no clock, but a link.
      const believed = drift <= steepestDrift ? drift : 0;
      this.#drift = Math.min(believed, this.#spanDrift);
      this.#spanDrift = believed;
    }
    this.#spanStartMs = nowMs;
    this.#spanStartDelayMs = delayMs;
  }
}
