import { readU32 } from '../base/bytes.ts';
import { limits } from '../base/limits.ts';

/** nal_unit_type (H.264 table 7-1), those that something here asks for. */
export const nalType = {
  slice: 1,
  partitionA: 2,
  partitionC: 4,
  idr: 5,
  sei: 6,
  sps: 7,
  pps: 8,
  delimiter: 9,
  endOfSequence: 10,
  endOfStream: 11,
  filler: 12,
} as const;

/** Offset pairs of NAL units in one buffer; one object is used again and again. */
export class NalList {
  starts = new Uint32Array(16);
  ends = new Uint32Array(16);
  count = 0;
  /** NAL units of the newest walk that were left out because there is nothing in them. */
  empty = 0;

  clear(): void {
    this.count = 0;
    this.empty = 0;
  }

  /** Adds [start, end); returns false when the list is full. */
  add(start: number, end: number): boolean {
    const at = this.count;
    if (at === this.starts.length && !this.#grow()) return false;
    this.starts[at] = start;
    this.ends[at] = end;
    this.count = at + 1;
    return true;
  }

  /** Bytes that the units take with a 4-byte length in front of each. */
  get prefixedBytes(): number {
    let total = this.count * 4;
    for (let i = 0; i < this.count; i++) total += this.ends[i]! - this.starts[i]!;
    return total;
  }

  #grow(): boolean {
    const capacity = Math.min(4 * this.starts.length, limits.h264.units);
    if (capacity === this.starts.length) return false;
    const starts = new Uint32Array(capacity);
    const ends = new Uint32Array(capacity);
    starts.set(this.starts);
    ends.set(this.ends);
    this.starts = starts;
    this.ends = ends;
    return true;
  }
}

/** A NAL unit header that a decoder could accept: forbidden_zero_bit is 0 and the type is one that H.264 specifies. */
export function plausibleNalHeader(header: number): boolean {
  const type = header & 0x1f;
  return header < 0x80 && type !== 0 && type <= 21;
}

/**
 * A NAL unit header as encoders write it: of a slice, SEI, parameter set or delimiter, with a nal_ref_idc that its type may
 * have (H.264 clause 7.4.1). For places where any other bytes are more likely than a NAL unit.
 */
export function usualNalHeader(header: number): boolean {
  const type = header & 0x1f;
  if (header >= 0x80) return false;
  if (type === nalType.idr || type === nalType.sps || type === nalType.pps) return header > 0x1f;
  return type === nalType.slice || header === nalType.sei || header === nalType.delimiter;
}

/** Reads a NAL unit length of 1 to 4 bytes. */
export function readNalLength(bytes: Uint8Array, at: number, lengthSize: number): number {
  if (lengthSize === 4) return readU32(bytes, at);
  let length = bytes[at]!;
  for (let i = 1; i < lengthSize; i++) length = (length << 8) | bytes[at + i]!;
  return length;
}

/**
 * Lists the non-empty length-prefixed NAL units of [start, end). Returns the bytes left over: 0 for an exact walk, less than
 * `lengthSize` for stray bytes behind the last unit, or -1 when a length reaches past the end, the list is full, or there are
 * as many empty ones.
 */
export function listLengthPrefixed(
  list: NalList,
  bytes: Uint8Array,
  start: number,
  end: number,
  lengthSize: number,
): number {
  list.clear();
  let at = start;
  while (end - at >= lengthSize) {
    const length = readNalLength(bytes, at, lengthSize);
    at += lengthSize;
    if (length > end - at) return -1;
    if (length === 0) {
      if (++list.empty > limits.h264.units) return -1;
    } else if (!list.add(at, at + length)) return -1;
    at += length;
  }
  return end - at;
}
