import type { Socket } from 'node:net';
import type { Clock } from '../base/clock.ts';
import { type Allowance, freshAllowance, type ReadTurns, type TurnTaker } from './read-turns.ts';

/** Bytes that are parsed before the time is looked at: some 40 of the shortest requests. */
const sliceBytes = 2048;

/** What a {@link ReaderInput} works on. */
export interface ReaderInputOptions {
  /** Of the reader, by its `addressKey`. */
  readonly address: string;
  readonly turns: ReadTurns;
  readonly clock: Clock;
  /** The socket that is read at the moment. */
  readonly socket: () => Socket;
  /** It has not logged in. */
  readonly isStranger: () => boolean;
  /** Parses bytes of the peer. */
  readonly deliver: (bytes: Buffer) => void;
}

/** The bytes that a reader sends, parsed as fast as its share of the thread allows. Readers who mean well send a request at a time. */
export class ReaderInput implements TurnTaker {
  address: string;
  readonly allowance: Allowance;
  readonly #options: ReaderInputOptions;
  /** What waits for the turn. */
  #rest: Buffer | null = null;
  #closed = false;

  constructor(options: ReaderInputOptions) {
    this.#options = options;
    this.address = options.address;
    this.allowance = freshAllowance(options.clock.nowMs());
  }

  /** Delivers what came in, now or when it is this reader's turn. */
  receive(bytes: Buffer): void {
    if (this.#mayParse()) {
      this.#parse(bytes);
      return;
    }
    // TLS hands over what it has deciphered also while the socket is paused.
    this.#rest = this.#rest === null ? bytes : Buffer.concat([this.#rest, bytes]);
    this.#options.socket().pause();
  }

  #mayParse(): boolean {
    const { turns, clock, isStranger } = this.#options;
    return !this.allowance.waiting && (!isStranger() || turns.admits(this, clock.nowMs()));
  }

  /** Does something that costs much, after which TLS has taken the socket over, when it is this reader's turn; reads nothing until then. */
  defer(work: () => void): void {
    const { turns, clock, socket } = this.#options;
    socket().pause();
    turns.inTurn(this, clock.nowMs(), work);
  }

  /** Part of {@link TurnTaker}. */
  onTurn(): void {
    const { socket } = this.#options;
    const rest = this.#rest;
    this.#rest = null;
    if (rest !== null) this.#parse(rest);
    if (!this.#closed && !this.allowance.waiting) socket().resume();
  }

  /** The connection has ended. */
  close(): void {
    this.#closed = true;
    this.#rest = null;
    this.#options.turns.leave(this);
  }

  #parse(bytes: Buffer): void {
    const { turns, clock, deliver, socket, isStranger } = this.#options;
    for (let at = 0; at < bytes.length && !this.#closed; at += sliceBytes) {
      const startMs = clock.nowMs();
      deliver(bytes.length <= sliceBytes ? bytes : bytes.subarray(at, at + sliceBytes));
      const costMs = clock.nowMs() - startMs;
      if (isStranger()) turns.charge(costMs);
      if (this.#closed || turns.spend(this, startMs, costMs)) continue;
      if (at + sliceBytes < bytes.length) this.#rest = bytes.subarray(at + sliceBytes);
      socket().pause();
      return;
    }
  }
}
