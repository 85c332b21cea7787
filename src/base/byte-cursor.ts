import { readU16, readU24, readU32 } from './bytes.ts';

/** A bounded reader over one buffer. Running past the end throws `RangeError`, which callers map to their own error. */
export class ByteCursor {
  readonly bytes: Uint8Array;
  readonly end: number;
  position: number;

  constructor(bytes: Uint8Array, start = 0, end = bytes.length) {
    this.bytes = bytes;
    this.position = start;
    this.end = end;
  }

  get remaining(): number {
    return this.end - this.position;
  }

  u8(): number {
    return this.bytes[this.#take(1)]!;
  }

  u16(): number {
    return readU16(this.bytes, this.#take(2));
  }

  u24(): number {
    return readU24(this.bytes, this.#take(3));
  }

  u32(): number {
    return readU32(this.bytes, this.#take(4));
  }

  /** IEEE 754 double, big-endian. */
  f64(): number {
    const at = this.#take(8);
    return new DataView(this.bytes.buffer, this.bytes.byteOffset + at, 8).getFloat64(0);
  }

  /** A view of the next `length` bytes; it shares memory with the buffer. */
  view(length: number): Uint8Array {
    const at = this.#take(length);
    return this.bytes.subarray(at, at + length);
  }

  skip(length: number): void {
    this.#take(length);
  }

  #take(length: number): number {
    const at = this.position;
    if (length > this.end - at) throw new RangeError(`${length} bytes wanted, ${this.end - at} left`);
    this.position = at + length;
    return at;
  }
}
