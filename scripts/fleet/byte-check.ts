/** How closely the bytes of a frame's slices are looked at, and the sum that says whether they are those that were sent. */
import { crc32 } from 'node:zlib';

/** `sample`: the length, and each {@link sampleEvery}th byte; a twentieth of the price of `all`. */
export type ByteCheck = 'none' | 'sample' | 'all';

const sampleEvery = 256;
/** FNV-1a. */
const offsetBasis = 0x811c9dc5;
const prime = 0x01000193;

/** Sums the slices of one frame after the other; they may come in pieces. */
export class SliceSum {
  readonly #check: ByteCheck;
  #sum = 0;
  #length = 0;

  constructor(check: ByteCheck) {
    this.#check = check;
  }

  /** The next piece, bytes[start, end). */
  add(bytes: Uint8Array, start: number, end: number): void {
    if (this.#check === 'all') {
      this.#sum = crc32(bytes.subarray(start, end), this.#sum);
      return;
    }
    if (this.#check === 'none') return;
    let sum = this.#sum;
    const first = (sampleEvery - (this.#length & (sampleEvery - 1))) & (sampleEvery - 1);
    for (let at = start + first; at < end; at += sampleEvery) sum = Math.imul(sum ^ bytes[at]!, prime);
    this.#sum = sum;
    this.#length += end - start;
  }

  /** The sum of all pieces, 0 for 'none'; the next frame begins. */
  take(): number {
    const sum = this.#check === 'sample' ? Math.imul(this.#sum ^ this.#length ^ offsetBasis, prime) : this.#sum;
    this.#sum = 0;
    this.#length = 0;
    return this.#check === 'none' ? 0 : sum >>> 0;
  }
}
