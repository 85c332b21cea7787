import { writeU16, writeU32 } from '../base/bytes.ts';
import { amfMarker } from './decode.ts';
import type { AmfObject, AmfValue } from './value.ts';

/** Writes AMF0 values one after the other into a buffer that grows. Every method returns the encoder. */
export class AmfEncoder {
  #buffer: Buffer;
  #length = 0;

  constructor(capacity = 256) {
    this.#buffer = Buffer.allocUnsafe(capacity);
  }

  get length(): number {
    return this.#length;
  }

  /** A view of what was written; it is valid until the next write. */
  bytes(): Buffer {
    return this.#buffer.subarray(0, this.#length);
  }

  /** Forgets what was written and keeps the buffer. */
  reset(): this {
    this.#length = 0;
    return this;
  }

  number(value: number): this {
    const at = this.#reserve(9);
    this.#buffer[at] = amfMarker.number;
    this.#buffer.writeDoubleBE(value, at + 1);
    return this;
  }

  /** A number as its eight bytes, for values that must be given back bit by bit. */
  rawNumber(bytes: Uint8Array): this {
    const at = this.#reserve(9);
    this.#buffer[at] = amfMarker.number;
    this.#buffer.set(bytes.length === 8 ? bytes : bytes.subarray(0, 8), at + 1);
    return this;
  }

  boolean(value: boolean): this {
    const at = this.#reserve(2);
    this.#buffer[at] = amfMarker.boolean;
    this.#buffer[at + 1] = value ? 1 : 0;
    return this;
  }

  /** A string; beyond 65535 bytes a long string. */
  string(value: string): this {
    const length = Buffer.byteLength(value);
    if (length > 0xffff) {
      const at = this.#reserve(5 + length);
      this.#buffer[at] = amfMarker.longString;
      this.#buffer.write(value, writeU32(this.#buffer, at + 1, length), length, 'utf8');
      return this;
    }
    this.#marker(amfMarker.string);
    return this.#name(value, length);
  }

  null(): this {
    this.#marker(amfMarker.null);
    return this;
  }

  undefined(): this {
    this.#marker(amfMarker.undefined);
    return this;
  }

  /** Starts an anonymous object: `property` and a value in turn, then `endObject`. */
  beginObject(): this {
    this.#marker(amfMarker.object);
    return this;
  }

  /** Starts an ECMA array; `count` is the hint that goes in front. */
  beginEcmaArray(count: number): this {
    const at = this.#reserve(5);
    this.#buffer[at] = amfMarker.ecmaArray;
    writeU32(this.#buffer, at + 1, count);
    return this;
  }

  /** The name of the property whose value is written next. Throws `RangeError` beyond 65535 bytes. */
  property(name: string): this {
    return this.#name(name, Buffer.byteLength(name));
  }

  endObject(): this {
    const at = this.#reserve(3);
    writeU16(this.#buffer, at, 0);
    this.#buffer[at + 2] = amfMarker.objectEnd;
    return this;
  }

  /** An ECMA array, which is how encoders send `onMetaData`. */
  ecmaArray(values: AmfObject): this {
    this.beginEcmaArray(values.size);
    return this.#properties(values);
  }

  /** Any value; Maps become anonymous objects. */
  value(value: AmfValue): this {
    if (typeof value === 'number') return this.number(value);
    if (typeof value === 'string') return this.string(value);
    if (typeof value === 'boolean') return this.boolean(value);
    if (value === null) return this.null();
    if (value === undefined) return this.undefined();
    if (value instanceof Map) return this.beginObject().#properties(value);
    if (value instanceof Date) return this.#date(value);
    const at = this.#reserve(5);
    this.#buffer[at] = amfMarker.strictArray;
    writeU32(this.#buffer, at + 1, value.length);
    for (const entry of value) this.value(entry);
    return this;
  }

  #date(value: Date): this {
    const at = this.#reserve(11);
    this.#buffer[at] = amfMarker.date;
    this.#buffer.writeDoubleBE(value.getTime(), at + 1);
    writeU16(this.#buffer, at + 9, 0);
    return this;
  }

  #properties(values: AmfObject): this {
    for (const [name, value] of values) this.property(name).value(value);
    return this.endObject();
  }

  #name(name: string, length: number): this {
    if (length > 0xffff) throw new RangeError('an AMF0 property name holds at most 65535 bytes');
    const at = this.#reserve(2 + length);
    this.#buffer.write(name, writeU16(this.#buffer, at, length), length, 'utf8');
    return this;
  }

  #marker(marker: number): void {
    // In two steps: reserving may replace the buffer.
    const at = this.#reserve(1);
    this.#buffer[at] = marker;
  }

  #reserve(length: number): number {
    const at = this.#length;
    const needed = at + length;
    if (needed > this.#buffer.length) {
      const grown = Buffer.allocUnsafe(Math.max(needed, this.#buffer.length * 2));
      this.#buffer.copy(grown, 0, 0, at);
      this.#buffer = grown;
    }
    this.#length = needed;
    return at;
  }
}
