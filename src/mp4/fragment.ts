import { writeU32 } from '../base/bytes.ts';
import { boxHeadBytes, typeWord } from './box.ts';
import { trackId } from './init-segment.ts';

/** Samples of one fragment at most. */
export const mostSamples = 32;

/** sample_flags (ISO/IEC 14496-12 clause 8.8.3.1): depends on nothing; or depends on others and is no sync sample. */
const syncFlags = 0x02000000;
const otherFlags = 0x01010000;

/** tf_flags (clause 8.8.7.1): default-base-is-moof. */
const tfFlags = 0x020000;
/** tr_flags (clause 8.8.8.1): data offset, and of each sample duration, size, flags and composition time offset. */
const trFlags = 0x000f01;

/** Sizes of the boxes; only trun grows with the samples. */
const mfhdBytes = boxHeadBytes + 8;
const tfhdBytes = boxHeadBytes + 8;
const tfdtBytes = boxHeadBytes + 12;
const trunBytes = boxHeadBytes + 12;
const sampleBytes = 16;
const trafBytes = boxHeadBytes + tfhdBytes + tfdtBytes + trunBytes;
const moofBytes = boxHeadBytes + mfhdBytes + trafBytes;

/** Room that is kept in front of the samples for the moof and the head of the mdat, whose size is not known before the end. */
const roomBytes = moofBytes + mostSamples * sampleBytes + boxHeadBytes;

/** Bytes for samples that a fragment starts with at least. */
const leastBytes = 4096;

/** Pieces of memory that are kept to be used again, and bytes of one of them: two serve a viewer who keeps up. */
const spares = { most: 2, bytes: 1024 * 1024 };

const typeMoof = typeWord('moof');
const typeMfhd = typeWord('mfhd');
const typeTraf = typeWord('traf');
const typeTfhd = typeWord('tfhd');
const typeTfdt = typeWord('tfdt');
const typeTrun = typeWord('trun');
const typeMdat = typeWord('mdat');

/** A finished fragment: `length` bytes at `offset` of memory that nobody else has. */
export interface Fragment {
  readonly memory: ArrayBuffer;
  readonly offset: number;
  readonly length: number;
}

/**
 * Collects access units and makes one moof with its mdat of them (ISO/IEC 14496-12 clauses 8.8.4 to 8.8.12 and 8.1.1). The bytes
 * are copied once, to their final place. One object makes fragment after fragment; their sequence numbers go on.
 */
export class FragmentWriter {
  /** Samples of the open fragment. */
  count = 0;
  readonly #durations = new Uint32Array(mostSamples);
  readonly #sizes = new Uint32Array(mostSamples);
  readonly #sync = new Uint8Array(mostSamples);
  readonly #compositions = new Int32Array(mostSamples);
  #sequence = 0;
  #buffer: Buffer<ArrayBuffer> | null = null;
  #end = 0;
  /** What the last fragment took: the next one will be about as large. */
  #lastBytes = 0;
  readonly #spares: ArrayBuffer[] = [];

  /** Bytes of samples in the open fragment. */
  get bytes(): number {
    return this.count === 0 ? 0 : this.#end - roomBytes;
  }

  get full(): boolean {
    return this.count === mostSamples;
  }

  /**
   * Adds the access unit [start, end) of `source`, NAL units with 4-byte lengths. `compositionMs` is presentation minus decoding
   * time and may be negative. Its duration is 0 until {@link lengthen}.
   */
  add(source: Buffer, start: number, end: number, isSync: boolean, compositionMs: number): void {
    const length = end - start;
    const buffer = this.#room(length);
    source.copy(buffer, this.#end, start, end);
    this.#end += length;
    const at = this.count++;
    this.#sizes[at] = length;
    this.#sync[at] = isSync ? 1 : 0;
    this.#compositions[at] = compositionMs;
    this.#durations[at] = 0;
  }

  /** Takes the newest sample back. */
  undo(): void {
    this.#end -= this.#sizes[--this.count]!;
  }

  /** Makes the newest sample last so many milliseconds longer. */
  lengthen(ms: number): void {
    this.#durations[this.count - 1]! += ms;
  }

  /** Forgets all samples of the open fragment. */
  discard(): void {
    this.count = 0;
    this.#end = roomBytes;
  }

  /** Ends the open fragment, which must not be empty; `decodeMs` is the decoding time of its first sample. */
  finish(decodeMs: number): Fragment {
    const buffer = this.#buffer!;
    const { count } = this;
    const trun = trunBytes + count * sampleBytes;
    const moof = moofBytes + count * sampleBytes;
    const start = roomBytes - moof - boxHeadBytes;
    let at = head(buffer, start, moof, typeMoof);
    // mfhd (clause 8.8.5)
    at = head(buffer, at, mfhdBytes, typeMfhd);
    at = writeU32(buffer, at, 0);
    at = writeU32(buffer, at, ++this.#sequence);
    at = head(buffer, at, trafBytes + count * sampleBytes, typeTraf);
    // tfhd (clause 8.8.7)
    at = head(buffer, at, tfhdBytes, typeTfhd);
    at = writeU32(buffer, at, tfFlags);
    at = writeU32(buffer, at, trackId);
    // tfdt (clause 8.8.12) version 1: 64 bits
    at = head(buffer, at, tfdtBytes, typeTfdt);
    at = writeU32(buffer, at, 0x01000000);
    at = writeU32(buffer, at, Math.floor(decodeMs / 2 ** 32));
    at = writeU32(buffer, at, decodeMs % 2 ** 32);
    // trun (clause 8.8.8) version 1: signed composition time offsets
    at = head(buffer, at, trun, typeTrun);
    at = writeU32(buffer, at, 0x01000000 | trFlags);
    at = writeU32(buffer, at, count);
    at = writeU32(buffer, at, moof + boxHeadBytes);
    for (let i = 0; i < count; i++) {
      at = writeU32(buffer, at, this.#durations[i]!);
      at = writeU32(buffer, at, this.#sizes[i]!);
      at = writeU32(buffer, at, this.#sync[i] === 1 ? syncFlags : otherFlags);
      at = writeU32(buffer, at, this.#compositions[i]!);
    }
    // mdat (clause 8.1.1)
    head(buffer, at, boxHeadBytes + this.#end - roomBytes, typeMdat);
    const fragment = { memory: buffer.buffer, offset: start, length: this.#end - start };
    this.#lastBytes = this.#end - roomBytes;
    this.#buffer = null;
    this.discard();
    return fragment;
  }

  /** Takes the memory of a fragment back that has gone where it should: without new memory there is no garbage. */
  recycle(memory: ArrayBuffer): void {
    if (this.#spares.length < spares.most && memory.byteLength <= spares.bytes) this.#spares.push(memory);
  }

  /** Memory that has room for `length` more bytes. It is the fragment's alone, so that it can be given away. */
  #room(length: number): Buffer<ArrayBuffer> {
    const buffer = this.#buffer;
    if (buffer === null) {
      this.#end = roomBytes;
      const spare = this.#spares.pop();
      // One that is too small has had its time.
      const isEnough = spare !== undefined && spare.byteLength >= roomBytes + length;
      const wanted = roomBytes + Math.max(length, leastBytes, this.#lastBytes);
      this.#buffer = isEnough ? Buffer.from(spare) : Buffer.allocUnsafeSlow(wanted);
      return this.#buffer;
    }
    if (buffer.length - this.#end >= length) return buffer;
    const larger = Buffer.allocUnsafeSlow(Math.max(this.#end + length, buffer.length + buffer.length / 2) | 0);
    buffer.copy(larger, 0, 0, this.#end);
    this.#buffer = larger;
    return larger;
  }
}

function head(buffer: Buffer, at: number, size: number, type: number): number {
  return writeU32(buffer, writeU32(buffer, at, size), type);
}
