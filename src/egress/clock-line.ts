/** The window over which the smallest delay is looked for: 8 parts of 250 ms. */
const parts = 8;
const partMs = 250;

/** Most that the line may bend: 0.5 %, which no player hears or sees. */
const maxSlew = 0.005;

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

  /** Media time `mediaMs` belongs to `nowMs`, whatever was before. */
  anchor(mediaMs: number, nowMs: number): void {
    this.#base = nowMs - mediaMs;
    this.#restBase = this.#base;
  }

  /** Starts a stretch at `nowMs`. Returns the media time that belongs to it: at least `leastMs`, since there were frames before. */
  startStretch(nowMs: number, leastMs: number): number {
    this.#base = Math.min(this.#restBase, nowMs - leastMs);
    // Delays of the stretch before say nothing.
    this.#part = -1;
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
    const most = Math.max(0, nowMs - this.#bentMs) * maxSlew;
    this.#bentMs = nowMs;
    this.#base += Math.max(-most, Math.min(most, envelope - this.#base));
    if (this.#base > this.#restBase) this.#restBase = this.#base;
  }
}
