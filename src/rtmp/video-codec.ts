import { readU32 } from '../base/bytes.ts';

/** FLV 10.1, table E.4.3.1: CodecID of AVC. */
const codecAvc = 7;
/** Enhanced RTMP: packet types from here on have their FourCC further in. */
const packetTypeMultitrack = 6;
const fourCcAvc1 = 0x61766331;

/**
 * Can a video message whose body begins with `bytes[start, end)` be H.264? Errs towards yes: the answer only decides
 * whether it counts as video for the video timeout.
 */
export function mayBeAvc(bytes: Uint8Array, start: number, end: number): boolean {
  const first = bytes[start]!;
  if ((first & 0x80) === 0) return (first & 0x0f) === codecAvc;
  if ((first & 0x0f) >= packetTypeMultitrack || end - start < 5) return true;
  return readU32(bytes, start + 1) === fourCcAvc1;
}
