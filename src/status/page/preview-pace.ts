/** Where a video stands, in seconds. */
export interface VideoPlace {
  readonly current: number;
  /** The newest part that can be played without a gap. */
  readonly start: number;
  readonly end: number;
}

/** What brings a video nearer to now. */
export interface PaceStep {
  /** Where to go on; null to stay. */
  readonly seekTo: number | null;
  readonly rate: number;
}

/** Seconds behind the newest frame: what is aimed at, what is caught up with by playing faster, and what by a jump. */
export const pace = { aim: 0.15, hurry: 0.3, jump: 1 } as const;

/** How much faster; nobody sees it. */
const hurryRate = 1.08;
const strongRate = 1.25;

/** Keeps a live video near its end: a little behind plays faster, far behind jumps. */
export function choosePace({ current, start, end }: VideoPlace): PaceStep {
  const behind = end - current;
  if (current < start || behind > pace.jump) return { seekTo: Math.max(start, end - pace.aim), rate: 1 };
  if (behind > 2 * pace.hurry) return { seekTo: null, rate: strongRate };
  if (behind > pace.hurry) return { seekTo: null, rate: hurryRate };
  return { seekTo: null, rate: 1 };
}

/** What the server says about its newest frame; all in milliseconds. */
export interface ClockMessage {
  /** Time stamp of a frame in the video ... */
  readonly mediaMs: number;
  /** ... when it arrived at the server, by the server's clock, and what that clock says now. */
  readonly arrivalWallMs: number;
  readonly nowWallMs: number;
}

/** Messages, one a second, of which the quickest is believed: one in so many is quick, and clocks do not drift far in that time. */
const believedMessages = 30;

/** Tells how old a shown picture is: the time since its frame arrived at the server. */
export class PictureAge {
  /** What the own clock is ahead of the server's, by the quickest of the newest messages, and of those before them. */
  #aheadMs = Number.POSITIVE_INFINITY;
  #aheadBeforeMs = Number.POSITIVE_INFINITY;
  #messages = 0;
  /** Wall-clock time of the video's beginning. */
  #originMs: number | null = null;

  /** Another video begins at 0. */
  restart(): void {
    this.#originMs = null;
  }

  /** A message came; `nowMs` is the own monotonic clock. */
  note({ mediaMs, arrivalWallMs, nowWallMs }: ClockMessage, nowMs: number): void {
    if (this.#messages === believedMessages) {
      this.#aheadBeforeMs = this.#aheadMs;
      this.#aheadMs = Number.POSITIVE_INFINITY;
      this.#messages = 0;
    }
    this.#messages++;
    this.#aheadMs = Math.min(this.#aheadMs, nowMs - nowWallMs);
    this.#originMs = arrivalWallMs - mediaMs;
  }

  /** Milliseconds from the arrival of the frame with this time stamp, in seconds, to `shownMs`; null while unknown. */
  of(mediaSeconds: number, shownMs: number): number | null {
    if (this.#originMs === null) return null;
    const aheadMs = Math.min(this.#aheadMs, this.#aheadBeforeMs);
    return Math.max(0, shownMs - aheadMs - (this.#originMs + mediaSeconds * 1000));
  }
}
