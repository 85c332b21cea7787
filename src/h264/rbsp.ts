/**
 * Copies [start, end) without the emulation prevention bytes (H.264 clause 7.4.1) into `into`, as far as it fits. Returns the
 * number of bytes written.
 */
export function copyRbsp(into: Uint8Array, bytes: Uint8Array, start: number, end: number): number {
  let zeros = 0;
  let length = 0;
  for (let at = start; at < end && length < into.length; at++) {
    const byte = bytes[at]!;
    if (zeros >= 2 && byte === 3) {
      zeros = 0;
      continue;
    }
    zeros = byte === 0 ? zeros + 1 : 0;
    into[length++] = byte;
  }
  return length;
}
