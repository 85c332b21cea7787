/** One instant on two clocks, both in ms. */
export interface Instant {
  readonly ntpMs: number;
  /** RTP time without its wrap, from any origin. */
  readonly mediaMs: number;
}

/** How one clock runs against another, from a line laid through their instants by least squares. */
export interface ClockDrift {
  /** Parts per million by which the media clock is fast. */
  readonly ppm: number;
  /** The largest distance of an instant from the line, ms. */
  readonly residualMs: number;
  readonly instants: number;
}

/** Null with fewer than three instants. */
export function fitClocks(instants: readonly Instant[]): ClockDrift | null {
  if (instants.length < 3) return null;
  const [{ ntpMs: ntp0, mediaMs: media0 }] = instants as readonly [Instant];
  const points = instants.map(({ ntpMs, mediaMs }) => ({ x: ntpMs - ntp0, y: mediaMs - media0 - (ntpMs - ntp0) }));
  const meanX = mean(points.map(({ x }) => x));
  const meanY = mean(points.map(({ y }) => y));
  let above = 0;
  let below = 0;
  for (const { x, y } of points) {
    above += (x - meanX) * (y - meanY);
    below += (x - meanX) ** 2;
  }
  if (below === 0) return null;
  const slope = above / below;
  const residuals = points.map(({ x, y }) => Math.abs(y - meanY - slope * (x - meanX)));
  return { ppm: slope * 1e6, residualMs: Math.max(...residuals), instants: points.length };
}

/** Takes the wraps out of 32-bit RTP times at 90 kHz, and gives ms from the first one. */
export class UnwrappedTime {
  #last: number | null = null;
  #ticks = 0;

  /** `rtpTime` may lie up to half of the range before or after the one before it. */
  ms(rtpTime: number): number {
    if (this.#last !== null) this.#ticks += (rtpTime - this.#last) | 0;
    this.#last = rtpTime;
    return this.#ticks / 90;
  }
}

function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}
