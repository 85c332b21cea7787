import { readU24 } from '../base/bytes.ts';
import { limits } from '../base/limits.ts';
import { messageType } from './message.ts';

/** Bytes of an FLV tag header, and of the back pointer behind its body (FLV 10.1, clause E.4.1). */
const tagHeaderBytes = 11;
const backPointerBytes = 4;

/**
 * Walks the FLV tags of an aggregate message (RTMP 1.0, clause 7.1.6). Tag times count from the first tag's, which is
 * the message's. `onTag` gets offsets into `bytes` and returns whether the tag was taken; aggregates inside are left out.
 * Returns false if the walk met such a tag, one that was not taken, one that runs past the end, or one too many, where it stops.
 */
export function walkAggregate(
  bytes: Buffer,
  start: number,
  end: number,
  timestampMs: number,
  onTag: (type: number, timestampMs: number, bytes: Buffer, start: number, end: number) => boolean,
): boolean {
  let at = start;
  let firstMs = -1;
  let clean = true;
  for (let tags = 0; at < end; tags++) {
    if (end - at < tagHeaderBytes || tags === limits.rtmp.aggregateTags) return false;
    // The upper three bits of the first byte are flags, never a part of the type.
    const type = bytes[at]! & 0x1f;
    const length = readU24(bytes, at + 1);
    const tagMs = (readU24(bytes, at + 4) | (bytes[at + 7]! << 24)) >>> 0;
    const body = at + tagHeaderBytes;
    if (length > end - body) return false;
    if (firstMs < 0) firstMs = tagMs;
    if (type === messageType.aggregate) clean = false;
    else if (!onTag(type, (timestampMs + tagMs - firstMs) >>> 0, bytes, body, body + length)) clean = false;
    // Some senders leave the last back pointer out.
    at = Math.min(body + length + backPointerBytes, end);
  }
  return clean;
}
