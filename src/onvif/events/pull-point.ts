import { limits } from '../../base/limits.ts';
import type { LaterAnswer } from '../service.ts';
import type { PropertyOperation, StateMessage } from './publishing-topic.ts';

/** Makes the body of an answer of messages; the subscription ends at `terminationMs` of the monotonic clock. */
export type WriteMessages = (messages: readonly StateMessage[], terminationMs: number, nowMs: number) => string;

/** What a {@link PullPoint} starts with. */
export interface PullPointOptions {
  /** Only `Changed` is wanted (tev:ChangedOnly). */
  readonly changedOnly: boolean;
  readonly lifetimeMs: number;
  readonly write: WriteMessages;
}

/**
 * One client's subscription: messages wait in it until they are pulled (ONVIF Core, clause 9.1). Of each camera it keeps
 * the newest, and beyond the bound drops the oldest of that camera: what was last is always told.
 */
export class PullPoint {
  readonly #changedOnly: boolean;
  readonly #write: WriteMessages;
  readonly #waiting: StateMessage[] = [];
  #pull: Pull | null = null;
  #lifetimeMs: number;
  #terminationMs: number;

  constructor(options: PullPointOptions, nowMs: number) {
    this.#changedOnly = options.changedOnly;
    this.#write = options.write;
    this.#lifetimeMs = options.lifetimeMs;
    this.#terminationMs = nowMs + options.lifetimeMs;
  }

  /** Monotonic milliseconds at which it ends without a further request. */
  get terminationMs(): number {
    return this.#terminationMs;
  }

  /** Whether a client waits for an answer; there can be one only. */
  get isPulled(): boolean {
    return this.#pull !== null;
  }

  /** Lets it live that long from now, but no waiting pull is cut short. */
  renew(lifetimeMs: number, nowMs: number): void {
    this.#lifetimeMs = lifetimeMs;
    this.#terminationMs = Math.max(nowMs + lifetimeMs, this.#pull?.deadlineMs ?? 0);
  }

  /** Adds messages that belong together, and answers the waiting pull. */
  add(messages: readonly StateMessage[], nowMs: number): void {
    for (const message of messages) this.#add(message);
    if (this.#waiting.length > 0) this.#pull?.wake(nowMs);
  }

  /** The answer to PullMessages: now if messages wait, else later. Not to be called while {@link PullPoint.isPulled}. */
  pull(timeoutMs: number, limit: number, nowMs: number): string | LaterAnswer {
    this.#extend(timeoutMs, nowMs);
    if (this.#waiting.length > 0 || timeoutMs <= 0) return this.#take(limit, nowMs);
    this.#pull = new Pull(nowMs + timeoutMs, (atMs) => {
      this.#pull = null;
      this.#extend(timeoutMs, atMs);
      return this.#take(limit, atMs);
    });
    this.#pull.onCancel = () => {
      this.#pull = null;
    };
    return this.#pull;
  }

  /** Ends it; a client that still waits gets an empty answer. */
  close(nowMs: number): void {
    this.#waiting.length = 0;
    this.#pull?.wake(nowMs);
  }

  /**
   * ONVIF wants life for at least the timeout. A client that asks often with a short one and never renews is alive as
   * well, so that the lifetime it was given starts anew.
   */
  #extend(timeoutMs: number, nowMs: number): void {
    this.#terminationMs = Math.max(this.#terminationMs, nowMs + Math.max(timeoutMs, this.#lifetimeMs));
  }

  #take(limit: number, nowMs: number): string {
    return this.#write(this.#waiting.splice(0, limit), this.#terminationMs, nowMs);
  }

  #add(message: StateMessage): void {
    if (this.#changedOnly && message.operation !== 'Changed') return;
    const own = this.#waiting.filter((other) => other.slot === message.slot);
    if (isRepeated(own.at(-1)?.operation, message.operation)) return;
    if (own.length >= limits.onvifEvents.messagesPerCamera) {
      // Two at once: what is told of a camera still goes up and down in turn.
      for (const oldest of own.slice(0, 2)) this.#waiting.splice(this.#waiting.indexOf(oldest), 1);
    }
    this.#waiting.push(message);
  }
}

/** A synchronization point that was asked for twice says the same twice. */
function isRepeated(last: PropertyOperation | undefined, operation: PropertyOperation): boolean {
  return last === 'Initialized' && operation === 'Initialized';
}

/** A PullMessages request that waits. */
class Pull implements LaterAnswer {
  readonly deadlineMs: number;
  onAnswer: ((body: string) => void) | null = null;
  onCancel: (() => void) | null = null;
  /** Null once it was answered or given up. */
  #finish: ((nowMs: number) => string) | null;

  constructor(deadlineMs: number, finish: (nowMs: number) => string) {
    this.deadlineMs = deadlineMs;
    this.#finish = finish;
  }

  /** Answers at once, if there is anybody to answer; messages stay where they are otherwise. */
  wake(nowMs: number): void {
    const answer = this.onAnswer;
    if (answer !== null && this.#finish !== null) answer(this.expire(nowMs));
  }

  expire(nowMs: number): string {
    const finish = this.#finish;
    if (finish === null) throw new Error('a pull is answered once');
    this.#finish = null;
    return finish(nowMs);
  }

  cancel(): void {
    if (this.#finish === null) return;
    this.#finish = null;
    this.onCancel?.();
  }
}
