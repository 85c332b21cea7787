/** Bytes of the prefix of an interleaved frame: '$', channel, 16-bit length (RFC 2326 section 10.12). */
export const interleavedPrefixBytes = 4;

/** Longest payload of an interleaved frame: its length field has 16 bits. */
export const interleavedMaximumBytes = 0xffff;

/** Writes the prefix of an interleaved frame of `length` payload bytes and returns the offset after it. */
export function writeInterleavedPrefix(into: Uint8Array, at: number, channel: number, length: number): number {
  into[at] = 0x24;
  into[at + 1] = channel;
  into[at + 2] = length >>> 8;
  into[at + 3] = length;
  return at + interleavedPrefixBytes;
}
