/** A queue of what waits, by address (its `addressKey`): of each address one after the other, and of one address first come first served. */
export class FairQueue<Key, Value> {
  readonly #addresses = new Map<string, Map<Key, Value>>();
  #size = 0;

  get size(): number {
    return this.#size;
  }

  /** A key that waits already keeps its place, with the new value. */
  add(address: string, key: Key, value: Value): void {
    let own = this.#addresses.get(address);
    if (own === undefined) {
      own = new Map();
      this.#addresses.set(address, own);
    }
    const before = own.size;
    own.set(key, value);
    this.#size += own.size - before;
  }

  /** Does nothing when the key does not wait. */
  remove(address: string, key: Key): void {
    const own = this.#addresses.get(address);
    if (!own?.delete(key)) return;
    this.#size--;
    if (own.size === 0) this.#addresses.delete(address);
  }

  /** Removes and returns whose turn it is; null when nobody waits. */
  take(): readonly [Key, Value] | null {
    const [first] = this.#addresses;
    if (first === undefined) return null;
    const [address, own] = first;
    const next = own.entries().next().value!;
    own.delete(next[0]);
    this.#size--;
    // Its others wait until each other address had a turn.
    this.#addresses.delete(address);
    if (own.size > 0) this.#addresses.set(address, own);
    return next;
  }
}
