/**
 * The Digest answers that were taken, so that who has overheard one cannot send it again while its nonce is good (RFC 7616,
 * clause 5.5). An answer is signed over nonce count, client nonce and request, so another of the same client is another: clients
 * that always send the same count are served all the same. Only right answers get here, so strangers cannot fill it.
 */
export class DigestMemory {
  readonly #limit: number;
  /** By the answer: the time of its nonce. The one that came first is first. */
  readonly #taken = new Map<string, number>();
  /** Of answers to nonces of then and before it is not known any more whether they were taken. */
  #forgottenMs = Number.NEGATIVE_INFINITY;

  constructor(limit: number) {
    this.#limit = limit;
  }

  get size(): number {
    return this.#taken.size;
  }

  /** Takes an answer to a nonce of `nonceMs`; false if it was taken before, or may have been. Older nonces are no good. */
  take(response: string, nonceMs: number, oldestMs: number): boolean {
    for (const [old, ms] of this.#taken) {
      if (ms >= oldestMs) break;
      this.#taken.delete(old);
    }
    if (nonceMs <= this.#forgottenMs || this.#taken.has(response)) return false;
    this.#taken.set(response, nonceMs);
    if (this.#taken.size <= this.#limit) return true;
    for (const [old, ms] of this.#taken) {
      this.#taken.delete(old);
      this.#forgottenMs = Math.max(this.#forgottenMs, ms);
      break;
    }
    return true;
  }
}
