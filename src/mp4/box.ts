/** A box: its size, its type of four characters, and what is in it (ISO/IEC 14496-12 clause 4.2). */
export function box(type: string, ...parts: readonly Uint8Array[]): Buffer {
  let size = boxHeadBytes;
  for (const part of parts) size += part.length;
  const bytes = Buffer.allocUnsafe(size);
  bytes.writeUInt32BE(size, 0);
  bytes.write(type, 4, 'latin1');
  let at = boxHeadBytes;
  for (const part of parts) {
    bytes.set(part, at);
    at += part.length;
  }
  return bytes;
}

/** A box that begins with a version and 24 bits of flags (clause 4.2). */
export function fullBox(type: string, version: number, flags: number, ...parts: readonly Uint8Array[]): Buffer {
  return box(type, words((version << 24) | flags), ...parts);
}

/** 32-bit numbers, big-endian. */
export function words(...values: readonly number[]): Buffer {
  const bytes = Buffer.allocUnsafe(values.length * 4);
  for (let i = 0; i < values.length; i++) bytes.writeInt32BE(values[i]! | 0, i * 4);
  return bytes;
}

/** Bytes of a box in front of what is in it. */
export const boxHeadBytes = 8;

/** A type of four characters as the number that its bytes are. */
export function typeWord(type: string): number {
  return Buffer.from(type, 'latin1').readInt32BE(0);
}
