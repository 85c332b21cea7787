/** Milliseconds. A longer step between two frames is a jump of the publisher's clock, not a slow stream. */
const longestStepMs = 2000;

/** Milliseconds that a frame lasts for as long as nothing better is known: 25 frames a second. */
const usualStepMs = 40;

/**
 * Decoding times of one preview: whole milliseconds from 0, with neither a jump nor a step back, whatever the publisher's clock
 * does. A player in a browser drops everything up to the next keyframe when a frame comes later than twice the time that the one
 * before it was said to last (Media Source Extensions, coded frame processing). So a frame that was told to last too short
 * is followed where it was said to end: the stream is shorter then, by the time in which there was nothing to see.
 */
export class PreviewTimeline {
  #lastDtsMs = Number.NaN;
  #stepMs = usualStepMs;

  /** The next frame does not continue the one before by its time stamp. */
  breakStretch(): void {
    this.#lastDtsMs = Number.NaN;
  }

  /** Another stream begins, whose frames last `stepMs` for all that is known; 0 is nothing. */
  restart(stepMs: number): void {
    this.#lastDtsMs = Number.NaN;
    this.#stepMs = stepMs > 0 ? Math.max(1, Math.round(stepMs)) : usualStepMs;
  }

  /** How long the newest frame probably lasts, when nothing followed it for `ageMs` yet. */
  estimate(ageMs: number): number {
    return Math.max(this.#stepMs, Math.min(Math.round(ageMs), longestStepMs));
  }

  /**
   * Milliseconds from the frame before to this one. `toldMs`: how long the viewer was told that the frame before lasts; 0 when
   * it was not told.
   */
  step(dtsMs: number, toldMs: number): number {
    // NaN after a break.
    const stepMs = Math.round(dtsMs - this.#lastDtsMs);
    const isUsual = stepMs >= 1 && stepMs <= longestStepMs;
    this.#lastDtsMs = dtsMs;
    if (isUsual) this.#stepMs = stepMs;
    if (toldMs === 0) return isUsual ? stepMs : this.#stepMs;
    return isUsual && stepMs <= 2 * toldMs ? stepMs : toldMs;
  }
}
