/** Whether a figure stays where it is. */

/** One reading; `atMs` counts from the start of the run. */
export interface Reading {
  readonly atMs: number;
  readonly value: number;
}

/** How a figure went after the warm-up. */
export interface Trend {
  /** A quantile of the first and of the last third of the readings. */
  readonly first: number;
  readonly last: number;
  readonly highest: number;
  /** Median of the slopes of all pairs of readings (Theil and Sen), so that single peaks do not count. */
  readonly perHour: number;
  readonly readings: number;
}

const hourMs = 3_600_000;
/** Readings that take part in the slope, so that pairs stay few. */
const mostPoints = 300;

/**
 * The trend of readings in order of time; null if there are too few to tell. `share`: the quantile that counts, 0.5 for the
 * median; a low one asks what a figure comes back to that swings widely, as memory does between two collections of garbage.
 */
export function trendOf(readings: readonly Reading[], share = 0.5): Trend | null {
  const third = Math.floor(readings.length / 3);
  if (third === 0) return null;
  const values = readings.map(({ value }) => value);
  return {
    first: quantile(values.slice(0, third), share),
    last: quantile(values.slice(-third), share),
    highest: values.reduce((highest, value) => Math.max(highest, value), Number.NEGATIVE_INFINITY),
    perHour: slope(readings) * hourMs,
    readings: readings.length,
  };
}

/** The value that a share of all is not above; 0 of none. */
export function quantile(values: readonly number[], share: number): number {
  return values.toSorted((a, b) => a - b)[Math.floor((values.length - 1) * share)] ?? 0;
}

function slope(readings: readonly Reading[]): number {
  const step = Math.max(1, Math.ceil(readings.length / mostPoints));
  const points = readings.filter((_, i) => i % step === 0);
  const slopes: number[] = [];
  for (const [i, a] of points.entries())
    for (const b of points.slice(i + 1)) if (b.atMs > a.atMs) slopes.push((b.value - a.value) / (b.atMs - a.atMs));
  return quantile(slopes, 0.5);
}
