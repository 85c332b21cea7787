import { limits } from '../base/limits.ts';

/**
 * The credentials for one use that have been used, until they end by themselves. When the memory is full nothing is forgotten
 * before its time: the next one is refused instead, for a forgotten one could be used again. Only good credentials get here,
 * so nobody can fill it from outside.
 */
export class ReplayMemory {
  readonly #until = new Map<string, number>();
  #sweepAtMs = Number.NEGATIVE_INFINITY;

  /** Takes a credential for its one use. `untilMs` and `wallMs` are wall-clock ms. */
  take(id: string, untilMs: number, wallMs: number): 'taken' | 'used' | 'full' {
    const known = this.#until.get(id);
    if (known !== undefined && known > wallMs) return 'used';
    if (this.#until.size >= limits.publishAuth.usedCredentials) this.#sweep(wallMs);
    if (this.#until.size >= limits.publishAuth.usedCredentials) return 'full';
    this.#until.set(id, untilMs);
    return 'taken';
  }

  /** The use did not come about, for example because somebody else was publishing. */
  giveBack(id: string): void {
    this.#until.delete(id);
  }

  get size(): number {
    return this.#until.size;
  }

  /** At most once a second, so that a full memory is not walked through for each publisher. */
  #sweep(wallMs: number): void {
    if (Math.abs(wallMs - this.#sweepAtMs) < 1000) return;
    this.#sweepAtMs = wallMs;
    for (const [id, untilMs] of this.#until) if (untilMs <= wallMs) this.#until.delete(id);
  }
}
