import type { Clock } from '../base/clock.ts';
import { limits } from '../base/limits.ts';
import { FairQueue } from './fair-queue.ts';

/** A connection whose reading may have to wait. */
export interface TurnTaker {
  /** Of the peer, by its `addressKey`: those of one address share its turns. */
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

/** By the timers of this thread. */
export const timerDelay: Delay = (callback, ms) => void setTimeout(callback, ms);

/** The allowance of a connection that has just come. */
export function freshAllowance(nowMs: number): Allowance {
  return { ms: limits.turns.burstMs, atMs: nowMs, waiting: false };
}

/**
 * Shares a thread between its connections, so that none of them delays the pictures of the others.
 *
 * Those that carry pictures may each use a share of the thread's time, far above what any camera needs, and some milliseconds
 * at once ({@link spend}). All others, strangers that connect, say who they are or say nothing, share one slice of time
 * between them ({@link admits}, {@link inTurn}): a thousand of them at once cost a picture no more than one does.
 * Who has used up what it may waits, and reads nothing meanwhile. Every few milliseconds those who wait get a slice, of each
 * address one after the other: so those of one address do not keep others from their turn.
 */
export class ReadTurns {
  readonly #clock: Clock;
  readonly #delay: Delay;
  /** Those who wait, with what each is to do in its turn; null is to read on. */
  readonly #waiting = new FairQueue<TurnTaker, (() => void) | null>();
  #ticking = false;
  /** The slice began at this moment, and so much of it has been used. */
  #sliceMs = Number.NEGATIVE_INFINITY;
  #usedMs = 0;

  constructor(clock: Clock, delay: Delay = timerDelay) {
    this.#clock = clock;
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

  /** Whether a stranger may be served at `nowMs`, which is then {@link charge}d. False: it must not read until `onTurn` is called. */
  admits(taker: TurnTaker, nowMs: number): boolean {
    if (this.#hasRoom(nowMs)) return true;
    this.wait(taker);
    return false;
  }

  /** A stranger was served for `costMs`. */
  charge(costMs: number): void {
    this.#usedMs += costMs;
  }

  /**
   * Does something for a stranger: at once when there is time for it, else in the turn of this connection, which must not read
   * until then, and for which `onTurn` is not called. To be called for one that does not wait.
   */
  inTurn(taker: TurnTaker, nowMs: number, work: () => void): void {
    if (!this.#hasRoom(nowMs)) {
      this.#enqueue(taker, work);
      return;
    }
    work();
    this.charge(this.#clock.nowMs() - nowMs);
  }

  /** A connection has more to do, but stops for the others. `onTurn` is called when it may go on. */
  wait(taker: TurnTaker): void {
    this.#enqueue(taker, null);
  }

  /** A connection ended. */
  leave(taker: TurnTaker): void {
    taker.allowance.waiting = false;
    this.#waiting.remove(taker.address, taker);
  }

  #hasRoom(nowMs: number): boolean {
    if (this.#waiting.size > 0) return false;
    if (nowMs - this.#sliceMs >= limits.turns.everyMs) {
      this.#sliceMs = nowMs;
      this.#usedMs = 0;
    }
    return this.#usedMs < limits.turns.sliceMs;
  }

  #enqueue(taker: TurnTaker, work: (() => void) | null): void {
    if (taker.allowance.waiting) return;
    taker.allowance.waiting = true;
    this.#waiting.add(taker.address, taker, work);
    this.#tick();
  }

  #tick(): void {
    if (this.#ticking) return;
    this.#ticking = true;
    this.#delay(() => {
      this.#ticking = false;
      this.#serve();
      if (this.#waiting.size > 0) this.#tick();
    }, limits.turns.everyMs);
  }

  /** One slice. Who is taken may do one thing, and then has to ask again. */
  #serve(): void {
    this.#sliceMs = this.#clock.nowMs();
    do {
      const next = this.#waiting.take();
      if (next === null) break;
      const [taker, work] = next;
      const { allowance } = taker;
      allowance.waiting = false;
      // What it was short of is forgiven: it has waited.
      allowance.ms = Math.max(allowance.ms, 0);
      if (work === null) taker.onTurn();
      else work();
      this.#usedMs = this.#clock.nowMs() - this.#sliceMs;
    } while (this.#usedMs < limits.turns.sliceMs);
  }
}
