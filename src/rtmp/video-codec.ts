import { readU32 } from '../base/bytes.ts';

/** FLV 10.1, table E.4.3.1: CodecID of AVC. */
const codecAvc = 7;
/** Enhanced RTMP: packet types from here on have their FourCC further in. */
const packetTypeMultitrack = 6;
const fourCcAvc1 = 0x61766331;

/** Bytes at the beginning of a video message that say what its codec is. */
export const codecHeadBytes = 5;

/**
 * Can a video message be H.264? `first` is the first byte of its body, `fourCc` the four behind it, 32 bits, and `seen` how many
 * of these {@link codecHeadBytes} it has. Errs towards yes: the answer only decides whether it counts as video for the video timeout.
 */
export function mayBeAvc(first: number, fourCc: number, seen: number): boolean {
  if (seen === 0) return false;
  if ((first & 0x80) === 0) return (first & 0x0f) === codecAvc;
  return (first & 0x0f) >= packetTypeMultitrack || (seen === codecHeadBytes && fourCc === fourCcAvc1);
}

/** The same of a whole body, `bytes[start, end)`. */
export function bodyMayBeAvc(bytes: Uint8Array, start: number, end: number): boolean {
  const seen = Math.min(end - start, codecHeadBytes);
  return seen > 0 && mayBeAvc(bytes[start]!, seen === codecHeadBytes ? readU32(bytes, start + 1) : 0, seen);
}
