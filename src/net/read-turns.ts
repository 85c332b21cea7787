import { limits } from '../base/limits.ts';

/** A connection whose reading may have to wait. */
export interface TurnTaker {
  /** How much of its thread's time it may still use; see {@link ReadTurns}. */
  readonly allowance: Allowance;
  /** It may read on. It may also have ended meanwhile. */
  onTurn(): void;
}

/** What a connection may use of its thread: `ms` is what is left at `atMs`, and grows with time. */
export interface Allowance {
  ms: number;
  atMs: number;
  waiting: boolean;
}

/** Calls back once after so many milliseconds. */
export type Delay = (callback: () => void, ms: number) => void;

/** The allowance of a connection that has just come. */
export function freshAllowance(nowMs: number): Allowance {
  return { ms: limits.turns.burstMs, atMs: nowMs, waiting: false };
}

/**
 * Shares a thread between its connections. Each may use a share of the thread's time, far above what any camera needs, and some
 * milliseconds at once. Who has used that up reads no further until its turn comes: those who wait are taken one by one, a few
 * milliseconds apart. So a peer that sends what costs much, as fast as it can, cannot delay the pictures of the others, and
 * neither can a hundred of them.
 */
export class ReadTurns {
  readonly #delay: Delay;
  /** Those who wait, first come first served. A set, because leaving must be cheap too. */
  readonly #waiting = new Set<TurnTaker>();
  #ticking = false;
  #takenMs = Number.NEGATIVE_INFINITY;

  constructor(delay: Delay = (callback, ms) => void setTimeout(callback, ms)) {
    this.#delay = delay;
  }

  /** Connections that wait. */
  get waiting(): number {
    return this.#waiting.size;
  }

  /** At `nowMs` a connection was served for `costMs`. False: it must stop reading until `onTurn` is called. */
  spend(taker: TurnTaker, nowMs: number, costMs: number): boolean {
    const { allowance } = taker;
    const { burstMs, share } = limits.turns;
    const grown = allowance.ms + (nowMs - allowance.atMs) * share;
    allowance.ms = (grown < burstMs ? grown : burstMs) - costMs;
    allowance.atMs = nowMs;
    if (allowance.ms >= 0 && !allowance.waiting) return true;
    this.wait(taker);
    return false;
  }

  /** Takes the turn of this moment, for something that costs as much as one. False when others wait, or just had theirs. */
  take(nowMs: number): boolean {
    if (this.#waiting.size > 0 || nowMs - this.#takenMs < limits.turns.everyMs) return false;
    this.#takenMs = nowMs;
    return true;
  }

  /** A connection has more to do, but stops for the others. `onTurn` is called when it may go on. */
  wait(taker: TurnTaker): void {
    taker.allowance.waiting = true;
    this.#waiting.add(taker);
    this.#tick();
  }

  /** A connection ended. */
  leave(taker: TurnTaker): void {
    taker.allowance.waiting = false;
    this.#waiting.delete(taker);
  }

  #tick(): void {
    if (this.#ticking) return;
    this.#ticking = true;
    this.#delay(() => {
      this.#ticking = false;
      const [next] = this.#waiting;
      if (next === undefined) return;
      this.leave(next);
      // What it was short of is forgiven: it has waited. It may do one thing, and then has to ask again.
      next.allowance.ms = Math.max(next.allowance.ms, 0);
      next.onTurn();
      if (this.#waiting.size > 0) this.#tick();
    }, limits.turns.everyMs);
  }
}
