import type { Verdict } from './verdict.ts';

/** When a stream is called degraded, and when recovered. */
export const healthWindows = {
  /** Milliseconds of one window. */
  windowMs: 5_000,
  /** Windows in a row with somebody to blame: one may be a hiccup. */
  bad: 2,
  /** Windows in a row without: a link that comes and goes is not told of each time. */
  good: 3,
} as const;

/** What has become of a stream. */
export type HealthChange = 'degraded' | 'recovered';

/** Follows the verdicts of one stream, so that only what lasts is told: bad after two windows, good again after three. */
export class StreamHealth {
  #degradedMs: number | null = null;
  /** Windows in a row that speak against what it is called now. */
  #against = 0;

  /** Since when it is degraded, null if it is not. */
  get degradedMs(): number | null {
    return this.#degradedMs;
  }

  /**
   * Takes the verdict of a window. `silent`: nothing at all arrived in it, which is told without waiting for a second one.
   * Returns what that changes.
   */
  judge({ blame }: Verdict, silent: boolean, nowMs: number): HealthChange | null {
    const isBad = blame !== 'none' || silent;
    if (isBad === (this.#degradedMs !== null)) {
      this.#against = 0;
      return null;
    }
    this.#against++;
    const needed = isBad ? (silent ? 1 : healthWindows.bad) : healthWindows.good;
    if (this.#against < needed) return null;
    this.#against = 0;
    this.#degradedMs = isBad ? nowMs : null;
    return isBad ? 'degraded' : 'recovered';
  }
}
