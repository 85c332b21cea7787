/** RTP clock of video (RFC 6184 section 8.2.1): ticks per millisecond. */
const ticksPerMs = 90;

/** Milliseconds. A decoding time that steps back or ahead further than this starts a new stretch of the timeline. */
const backwardMs = 1000;
const forwardMs = 10_000;

/**
 * RTP time stamps of one reader: random start, then decoding time on a 90 kHz clock, strictly increasing, and
 * continuous over reconnects of the publisher.
 *
 * RFC 6184 wants the presentation time. With B-frames that steps back from one frame to the next in decoding order, and
 * the Milestone recorder drops frames "received back or equal in time", so the decoding time is sent. Without B-frames,
 * which is nearly every live encoder, both are the same.
 */
export class RtpTimeline {
  // NaN makes V8 keep these as doubles from the start; a field that was once undefined gets a new object with every number.
  /** Unwrapped ticks of the last frame. */
  #ticks = Number.NaN;
  #lastDtsMs = 0;
  #lastArrivalMs = Number.NaN;
  /** Ticks at decoding time 0 of the present stretch. */
  #offset = Number.NaN;
  /** A frame has the time stamp {@link ticks}, so that the next one must be greater. */
  #taken = false;

  /** `start` is a random 32-bit number: the time stamp that belongs to the moment `nowMs` (monotonic). */
  constructor(start: number, nowMs: number) {
    // One full turn ahead, so that no arithmetic below meets negative numbers.
    this.#ticks = start + 2 ** 32;
    this.#lastArrivalMs = nowMs;
  }

  /** Unwrapped ticks of the last frame; only differences mean something. */
  get ticks(): number {
    return this.#ticks;
  }

  /** The last time stamp as it is sent, 32 bits. */
  get rtpTime(): number {
    return this.#ticks >>> 0;
  }

  /** PLAY: time went on since the last frame, and the next one is placed by its arrival after `nowMs`. */
  resume(nowMs: number): void {
    // With a keyframe that came before PAUSE the moment lies in the past, and no time stamp is given twice.
    const elapsed = Math.round((nowMs - this.#lastArrivalMs) * ticksPerMs);
    this.#ticks += Math.max(this.#taken ? 1 : 0, elapsed);
    this.#lastArrivalMs = nowMs;
    this.#offset = Number.NaN;
    this.#taken = false;
  }

  /** The next frame belongs to another stretch: a new publisher, or a jump of its clock. */
  breakStretch(): void {
    this.#offset = Number.NaN;
  }

  /**
   * The 32-bit RTP time of a frame. The first frame of a stretch is put where its arrival says, counted from the
   * arrival of the frame before it; the frames after it keep their distance by decoding time.
   */
  place(dtsMs: number, arrivalMs: number): number {
    const step = dtsMs - this.#lastDtsMs;
    if (step < -backwardMs || step > forwardMs) this.#offset = Number.NaN;
    const least = this.#taken ? this.#ticks + 1 : this.#ticks;
    const dtsTicks = Math.round(dtsMs * ticksPerMs);
    if (Number.isNaN(this.#offset)) {
      const elapsed = Math.round((arrivalMs - this.#lastArrivalMs) * ticksPerMs);
      this.#offset = Math.max(least, this.#ticks + elapsed) - dtsTicks;
    }
    this.#ticks = Math.max(least, this.#offset + dtsTicks);
    this.#taken = true;
    this.#lastDtsMs = dtsMs;
    this.#lastArrivalMs = arrivalMs;
    return this.#ticks >>> 0;
  }
}
