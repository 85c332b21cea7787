/** Frames behind the head of a backlog up to which it is spread; a deeper one drains as fast as the readers take it. */
const maxPacedDepth = 30;

/** Milliseconds. A longer wait is no burst but a slow stream, or time stamps that cannot be trusted: not waited for. */
const maxSleepMs = 200;

/**
 * Part of a time stamp difference by which frames of a backlog are spread. Below 1 a backlog shrinks while it is
 * spread: at exactly 1 it would stay for ever as latency, and the drift of a publisher's clock would add to it.
 */
const spacing = 7 / 8;

/**
 * Decides when the next frame of a camera may go. Frames go as they come; only when a burst left more of them behind
 * are they spread by their time stamps. The schedule is built on arrival times, so that a backlog which we caused
 * ourselves (a busy thread, a reader that did not read) is not held a second time. All times are monotonic ms.
 */
export class Pacer {
  /** Frames that were held, and for how long in total (ms). */
  sleeps = 0;
  sleepMs = 0;
  #previousDtsMs = Number.NaN;
  #previousDueMs = 0;
  #heldSinceMs = Number.NaN;

  /**
   * When the frame at the head may go: a time that is not after `nowMs` means now. `depth` is the number of frames
   * waiting behind it. Ask again whenever more frames have come; then call {@link released} once.
   */
  due(dtsMs: number, arrivalMs: number, depth: number, nowMs: number): number {
    if (depth < 1 || depth > maxPacedDepth) return nowMs;
    const dueMs = this.#schedule(dtsMs, arrivalMs);
    if (dueMs <= nowMs || dueMs - nowMs >= maxSleepMs) return nowMs;
    if (Number.isNaN(this.#heldSinceMs)) this.#heldSinceMs = nowMs;
    return dueMs;
  }

  /** The frame at the head goes now. */
  released(dtsMs: number, arrivalMs: number, nowMs: number): void {
    if (!Number.isNaN(this.#heldSinceMs)) {
      this.sleeps++;
      this.sleepMs += nowMs - this.#heldSinceMs;
      this.#heldSinceMs = Number.NaN;
    }
    // A wake-up that came late must not push back the frames behind it, so the schedule counts, not the clock.
    this.#previousDueMs = Math.min(nowMs, this.#schedule(dtsMs, arrivalMs));
    this.#previousDtsMs = dtsMs;
  }

  /** The time line broke (new publisher, jump, loss): the next frame goes at once and starts a new schedule. */
  reset(): void {
    this.#previousDtsMs = Number.NaN;
    this.#heldSinceMs = Number.NaN;
  }

  #schedule(dtsMs: number, arrivalMs: number): number {
    const stepMs = dtsMs - this.#previousDtsMs;
    // Also false when there is no previous frame.
    if (!(stepMs > 0)) return arrivalMs;
    return Math.max(arrivalMs, this.#previousDueMs + stepMs * spacing);
  }
}
