/** Lets things happen at a rate, and some at once. */
export class TokenBucket {
  readonly #perSecond: number;
  readonly #atOnce: number;
  #tokens: number;
  #sinceMs: number;

  constructor(perSecond: number, atOnce: number, nowMs: number) {
    this.#perSecond = perSecond;
    this.#atOnce = atOnce;
    this.#tokens = atOnce;
    this.#sinceMs = nowMs;
  }

  /** Whether one more may happen now. */
  has(nowMs: number): boolean {
    const grown = (Math.max(0, nowMs - this.#sinceMs) / 1000) * this.#perSecond;
    this.#tokens = Math.min(this.#atOnce, this.#tokens + grown);
    this.#sinceMs = Math.max(this.#sinceMs, nowMs);
    return this.#tokens >= 1;
  }

  /** Takes one if there is one. */
  take(nowMs: number): boolean {
    if (!this.has(nowMs)) return false;
    this.#tokens -= 1;
    return true;
  }
}
