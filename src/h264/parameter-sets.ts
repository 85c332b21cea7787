import { BitCursor } from '../base/bit-cursor.ts';
import { nalType } from './nal-unit.ts';

/** Highest ids the syntax allows (H.264 clauses 7.4.2.1.1 and 7.4.2.2). */
const highestSpsId = 31;
const highestPpsId = 255;

/** SPS and PPS as 4-byte length-prefixed NAL units in one buffer, ready to stand in front of an IDR. */
export function parameterSetsToAvcc(sps: readonly Uint8Array[], pps: readonly Uint8Array[]): Buffer {
  let length = 0;
  for (const unit of sps) length += 4 + unit.length;
  for (const unit of pps) length += 4 + unit.length;
  const into = Buffer.allocUnsafe(length);
  let at = 0;
  for (const units of [sps, pps]) {
    for (const unit of units) {
      at = into.writeUInt32BE(unit.length, at);
      into.set(unit, at);
      at += unit.length;
    }
  }
  return into;
}

/**
 * seq_parameter_set_id or pic_parameter_set_id of the NAL unit [start, end), header byte included; -1 when it is neither an
 * SPS nor a PPS, is too short, or has an id out of range. Does not allocate.
 */
export function parameterSetId(bytes: Uint8Array, start: number, end: number): number {
  if (start >= end) return -1;
  const type = bytes[start]! & 0x1f;
  if (type === nalType.sps) return idAt(bytes, start + 4, end, highestSpsId);
  if (type === nalType.pps) return idAt(bytes, start + 1, end, highestPpsId);
  return -1;
}

/** seq_parameter_set_id of a PPS NAL unit: the SPS that it is for; -1 when it cannot be read. */
export function referredSpsId(pps: Uint8Array): number {
  try {
    // Two ids in a row leave no place for emulation prevention.
    const bits = new BitCursor(pps.subarray(1));
    bits.ue(); // pic_parameter_set_id
    return bits.ue();
  } catch (error) {
    if (error instanceof RangeError) return -1;
    throw error;
  }
}

/** An id is the first ue(v) there: at most 17 bits, in which no emulation prevention can be due. */
function idAt(bytes: Uint8Array, at: number, end: number, highest: number): number {
  if (at >= end) return -1;
  const bits = (bytes[at]! << 16) | ((at + 1 < end ? bytes[at + 1]! : 0) << 8) | (at + 2 < end ? bytes[at + 2]! : 0);
  const zeros = Math.clz32(bits << 8);
  if (zeros > 8) return -1;
  const id = ((bits >>> (23 - 2 * zeros)) & ((2 << zeros) - 1)) - 1;
  return id <= highest ? id : -1;
}
