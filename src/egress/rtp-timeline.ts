import { ClockLine } from './clock-line.ts';

/** RTP clock of video (RFC 6184 section 8.2.1): ticks per millisecond. */
const ticksPerMs = 90;

/** Milliseconds. A decoding time that steps back or ahead further than this starts a new stretch of the timeline. */
const backwardMs = 1000;
const forwardMs = 10_000;

/**
 * Milliseconds from the last frame of a stretch to the first one of the next, at least, unless they arrived closer together: then 1. A
 * stretch that has run ahead of our clock leaves no more; a recorder that counts in milliseconds must still see two times.
 */
const stretchGapMs = 40;

/**
 * RTP time stamps of one reader: random start, then decoding time on a 90 kHz clock, strictly increasing, and
 * continuous over reconnects of the publisher; and what sender reports say of them.
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
  /** NaN before the first frame. */
  #lastArrivalMs = Number.NaN;
  /** Ticks at decoding time 0 of the present stretch. */
  #offset = Number.NaN;
  /** A frame has the time stamp {@link #ticks}, so that the next one must be greater. */
  #taken = false;
  readonly #line = new ClockLine();

  /** `start` is a random 32-bit number: the time stamp that belongs to the moment `nowMs` (monotonic). */
  constructor(start: number, nowMs: number) {
    // One full turn ahead, so that no arithmetic below meets negative numbers.
    this.#ticks = start + 2 ** 32;
    this.#line.anchor(this.#ticks / ticksPerMs, nowMs);
  }

  /** The last time stamp as it is sent, 32 bits. */
  get rtpTime(): number {
    return this.#ticks >>> 0;
  }

  /** The 32-bit RTP time of a picture that would have arrived at `nowMs` without any delay. */
  rtpTimeAt(nowMs: number): number {
    return Math.round(this.#line.mediaMsAt(nowMs) * ticksPerMs) >>> 0;
  }

  /** PLAY: the time stamps go on with the one that belongs to `nowMs`. That may lie before PAUSE, but no number is given twice. */
  resume(nowMs: number): void {
    if (Number.isNaN(this.#lastArrivalMs)) this.#line.anchor(this.#ticks / ticksPerMs, nowMs);
    else this.#ticks = this.#startStretch(nowMs);
    this.#offset = Number.NaN;
    this.#taken = false;
  }

  /** The next frame belongs to another stretch: a new publisher, or a jump of its clock. */
  breakStretch(): void {
    this.#offset = Number.NaN;
  }

  /**
   * The 32-bit RTP time of a frame. The first frame of a stretch is put where its arrival says; the frames after it keep their
   * distance by decoding time.
   */
  place(dtsMs: number, arrivalMs: number): number {
    const step = dtsMs - this.#lastDtsMs;
    if (step < -backwardMs || step > forwardMs) this.#offset = Number.NaN;
    const dtsTicks = Math.round(dtsMs * ticksPerMs);
    if (Number.isNaN(this.#offset)) this.#offset = this.#startStretch(arrivalMs) - dtsTicks;
    this.#ticks = Math.max(this.#taken ? this.#ticks + 1 : this.#ticks, this.#offset + dtsTicks);
    this.#taken = true;
    this.#lastDtsMs = dtsMs;
    this.#lastArrivalMs = arrivalMs;
    this.#line.observe(this.#ticks / ticksPerMs, arrivalMs);
    return this.#ticks >>> 0;
  }

  /** Ticks of the first frame of a stretch, or of the moment from which it is waited for. */
  #startStretch(nowMs: number): number {
    let least = this.#ticks;
    if (this.#taken) {
      const gapMs = Math.max(1, Math.min(stretchGapMs, nowMs - this.#lastArrivalMs));
      least += Math.round(gapMs * ticksPerMs);
    }
    return Math.round(this.#line.startStretch(nowMs, least / ticksPerMs) * ticksPerMs);
  }
}
