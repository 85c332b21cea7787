import { fence } from './fence.ts';

/**
 * Wakes one consumer thread when cameras of its have new records.
 *
 *      byte 0  ┌──────────────────┐  written by
 *              │ sleeping      64 │  the consumer
 *          64  ├──────────────────┤
 *              │ rings         64 │  any writer, by Atomics.add: the word that the consumer waits on
 *         128  ├──────────────────┤
 *              │ dirty bits       │  set by any writer, taken by the consumer, both by read-modify-write
 *              ├──────────────────┤  (up to the next 64)
 *              │ interest bits    │  the consumer
 *              └──────────────────┘
 *
 * `rings` and the dirty bits are the exception to "one writing thread per word": every access to them is a
 * read-modify-write, so no update is lost.
 *
 * No wake-up is lost. A writer: (1) sets the dirty bit, (2) loads `sleeping`, and if that is set (3) counts `rings` up and
 * (4) notifies. The consumer: (a) sets `sleeping`, (b) loads `rings`, (c) looks at the dirty bits, (d) waits while `rings`
 * is what it loaded. Atomics have one total order. Either (1) is before (c), and the consumer does not sleep; or (c) is
 * before (1), so (a) is before (2), the writer sees a sleeper, and (3) is after (b): if it is before (d) the wait returns at
 * once, else (4) finds the waiter.
 *
 * A writer thread that is terminated between (1) and (4) leaves its bit set and nobody woken. Since only the consumer
 * changes `sleeping`, the next ring of any camera mends that; for the case that none comes, the consumer calls
 * {@link Doorbell.rescue} from a timer that it has anyway (1 s is plenty).
 *
 * A pending `sleep` does not keep the thread's event loop alive: a consumer needs a socket, port or timer that does.
 */
const lineBytes = 64;
const sleepingWord = 0;
const ringsWord = lineBytes / 4;
const dirtyStart = (2 * lineBytes) / 4;

/** See the drawing above; one per consumer thread, opened by that thread and by every writer. */
export class Doorbell {
  readonly #words: Int32Array<SharedArrayBuffer>;
  readonly #groups: number;
  readonly #interestStart: number;
  #asleep = false;
  #pending: Promise<void> | null = null;
  readonly #woken = (): void => {
    this.#pending = null;
  };

  /** The memory of the doorbell of one consumer thread, for cameras 0 to `cameras` - 1. */
  static create(cameras: number): SharedArrayBuffer {
    return new SharedArrayBuffer(2 * lineBytes + 2 * Math.ceil(Math.max(cameras, 1) / (8 * lineBytes)) * lineBytes);
  }

  constructor(memory: SharedArrayBuffer) {
    this.#words = new Int32Array(memory);
    this.#groups = (this.#words.length - dirtyStart) / 2;
    this.#interestStart = dirtyStart + this.#groups;
  }

  /** Writers: `camera` has a new record. Call it after the commit. Wakes the consumer only if it says that it sleeps. */
  ring(camera: number): void {
    const words = this.#words;
    Atomics.or(words, dirtyStart + (camera >>> 5), 1 << (camera & 31));
    if (Atomics.load(words, sleepingWord) === 0) return;
    Atomics.add(words, ringsWord, 1);
    Atomics.notify(words, ringsWord, 1);
  }

  /** Consumer: whether writers of `camera` should ring. Set it before looking at the camera's ring for the first time. */
  setInterest(camera: number, on: boolean): void {
    const at = this.#interestStart + (camera >>> 5);
    const bit = 1 << (camera & 31);
    if (on) Atomics.or(this.#words, at, bit);
    else Atomics.and(this.#words, at, ~bit);
  }

  /** Writers: whether the consumer has readers of `camera`. */
  interested(camera: number): boolean {
    return ((Atomics.load(this.#words, this.#interestStart + (camera >>> 5)) >>> (camera & 31)) & 1) === 1;
  }

  /**
   * Consumer: takes the indexes of all dirty cameras into `into`, which has room for every camera, and returns how many.
   * A camera that is rung from now on is dirty again, so read its ring after this, until `peek` returns 0.
   */
  drain(into: Int32Array): number {
    const words = this.#words;
    if (this.#asleep) {
      this.#asleep = false;
      Atomics.store(words, sleepingWord, 0);
    }
    let count = 0;
    for (let group = 0; group < this.#groups; group++) {
      // A plain load: a bit that it misses is seen by `sleep`, which looks again, atomically.
      if (words[dirtyStart + group] === 0) continue;
      let bits = Atomics.exchange(words, dirtyStart + group, 0);
      while (bits !== 0) {
        const bit = 31 - Math.clz32(bits & -bits);
        into[count++] = group * 32 + bit;
        bits &= bits - 1;
      }
    }
    return count;
  }

  /** Consumer: null if something is dirty already, else a promise that resolves when something is. Then `drain`. */
  sleep(): Promise<void> | null {
    const words = this.#words;
    this.#asleep = true;
    Atomics.store(words, sleepingWord, 1);
    const rings = Atomics.load(words, ringsWord);
    if (this.#dirty()) return null;
    // A consumer that was up for another reason still has its old wait in the list. A second one behind it would be
    // notified after it; the old one serves as well.
    if (this.#pending !== null) return this.#pending;
    const wait = Atomics.waitAsync(words, ringsWord, rings);
    if (!wait.async) return null;
    this.#pending = wait.value.then(this.#woken);
    return this.#pending;
  }

  /** Consumer: resolves a pending `sleep` if something is dirty although nobody woke it; true if that was so. */
  rescue(): boolean {
    if (!this.#asleep || !this.#dirty()) return false;
    Atomics.add(this.#words, ringsWord, 1);
    Atomics.notify(this.#words, ringsWord, 1);
    return true;
  }

  /** Plain loads, which cost a tenth of atomic ones: the fence puts all of them behind the store of `sleeping`. */
  #dirty(): boolean {
    const words = this.#words;
    fence();
    for (let group = 0; group < this.#groups; group++) if (words[dirtyStart + group] !== 0) return true;
    return false;
  }
}
