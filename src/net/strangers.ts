import { limits } from '../base/limits.ts';

/**
 * Readers that have not logged in yet, by address. A recorder logs in within a few round trips, so of a thousand cameras that it
 * opens at once only some are strangers at any moment; whoever only holds connections open must not take the places of all.
 */
export class Strangers {
  readonly #counts = new Map<string, number>();

  /** One more came from `address`. False when there are too many of them; then it does not count. */
  enter(address: string): boolean {
    const count = this.#counts.get(address) ?? 0;
    if (count >= limits.rtsp.strangersPerAddress) return false;
    this.#counts.set(address, count + 1);
    return true;
  }

  /** One of them has logged in or gone. */
  leave(address: string): void {
    const left = (this.#counts.get(address) ?? 0) - 1;
    if (left > 0) this.#counts.set(address, left);
    else this.#counts.delete(address);
  }
}
