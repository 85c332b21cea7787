import { limits } from '../base/limits.ts';

/** A connection whose reading may have to wait. */
export interface TurnTaker {
  /** Of the peer: those of one address share its turns. */
  readonly address: string;
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
 * milliseconds apart, of each address one after the other. So a peer that sends what costs much, as fast as it can, cannot
 * delay the pictures of the others, and neither can a hundred of them; nor do those of one address keep others from their turn.
 */
export class ReadTurns {
  readonly #delay: Delay;
  /** Those who wait, by address, first come first served, with what each is to do in its turn; null is to read on. */
  readonly #waiting = new Map<string, Map<TurnTaker, (() => void) | null>>();
  #ticking = false;
  #takenMs = Number.NEGATIVE_INFINITY;

  constructor(delay: Delay = (callback, ms) => void setTimeout(callback, ms)) {
    this.#delay = delay;
  }

  /** Connections that wait. */
  get waiting(): number {
    let count = 0;
    for (const own of this.#waiting.values()) count += own.size;
    return count;
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

  /**
   * Does something that costs as much as a turn: at once when nobody waits and nobody just had one, else in the turn of this
   * connection, which must not read until then, and for which `onTurn` is not called.
   */
  inTurn(taker: TurnTaker, nowMs: number, work: () => void): void {
    if (this.#waiting.size > 0 || nowMs - this.#takenMs < limits.turns.everyMs) {
      this.#enqueue(taker, work);
      return;
    }
    this.#takenMs = nowMs;
    work();
  }

  /** A connection has more to do, but stops for the others. `onTurn` is called when it may go on. */
  wait(taker: TurnTaker): void {
    this.#enqueue(taker, null);
  }

  #enqueue(taker: TurnTaker, work: (() => void) | null): void {
    const { address, allowance } = taker;
    if (allowance.waiting) return;
    allowance.waiting = true;
    const own = this.#waiting.get(address);
    if (own === undefined) this.#waiting.set(address, new Map([[taker, work]]));
    else own.set(taker, work);
    this.#tick();
  }

  /** A connection ended. */
  leave(taker: TurnTaker): void {
    const { address, allowance } = taker;
    allowance.waiting = false;
    const own = this.#waiting.get(address);
    if (own?.delete(taker) && own.size === 0) this.#waiting.delete(address);
  }

  #tick(): void {
    if (this.#ticking) return;
    this.#ticking = true;
    this.#delay(() => {
      this.#ticking = false;
      const [first] = this.#waiting;
      if (first === undefined) return;
      const [address, own] = first;
      const [next, work] = own.entries().next().value!;
      this.leave(next);
      // Its others wait until each other address had a turn.
      if (this.#waiting.delete(address)) this.#waiting.set(address, own);
      // What it was short of is forgiven: it has waited. It may do one thing, and then has to ask again.
      next.allowance.ms = Math.max(next.allowance.ms, 0);
      if (work === null) next.onTurn();
      else work();
      if (this.#waiting.size > 0) this.#tick();
    }, limits.turns.everyMs);
  }
}
