import { limits } from '../base/limits.ts';

/**
 * Readers that have not logged in yet, by address. A recorder logs in within a few round trips, so of a thousand cameras that it
 * opens at once only some are strangers at any moment; whoever only holds connections open must not take the places of all.
 */
export class Strangers {
  readonly #places: number;
  readonly #counts = new Map<string, number>();

  /** `consumers`: threads that readers are spread over, each of which has its own strangers. */
  constructor(consumers: number) {
    this.#places = Math.ceil(limits.rtsp.strangersPerAddress / consumers);
  }

  /** One more came from an address, which is given by its `addressKey`. False when there are too many of them; then it does not count. */
  enter(key: string): boolean {
    const count = this.#counts.get(key) ?? 0;
    if (count >= this.#places) return false;
    this.#counts.set(key, count + 1);
    return true;
  }

  /** One of them has logged in or gone. */
  leave(key: string): void {
    const left = (this.#counts.get(key) ?? 0) - 1;
    if (left > 0) this.#counts.set(key, left);
    else this.#counts.delete(key);
  }
}

/** What one connection takes of the strangers' places until it has logged in. */
export class StrangerPlace {
  readonly #strangers: Strangers;
  #key: string | null = null;

  constructor(strangers: Strangers) {
    this.#strangers = strangers;
  }

  get taken(): boolean {
    return this.#key !== null;
  }

  /** Returns false when those of the address, given by its `addressKey`, are all taken. */
  take(key: string): boolean {
    if (!this.#strangers.enter(key)) return false;
    this.#key = key;
    return true;
  }

  /** It has logged in or gone. */
  leave(): void {
    if (this.#key !== null) this.#strangers.leave(this.#key);
    this.#key = null;
  }
}
