/** Bytes of the largest record that passes through a scratch buffer. */
export const scratchBytes = 256 * 1024;

/** Offset of a record in its scratch buffer: half a page, for the reason given at `payloadStartOf`. */
export const scratchStart = 2048;

/** Buffers kept for the next record. Nearly always one is in use: a message that arrives in one read is done with it at once. */
const kept = 64;

const spare: Buffer[] = [];

/** A buffer with room for {@link scratchBytes}: the one given back last, whose memory is still in the processor's cache. */
export function takeScratch(): Buffer {
  return spare.pop() ?? Buffer.allocUnsafeSlow(scratchStart + scratchBytes);
}

/** Gives a buffer back that {@link takeScratch} gave. */
export function giveScratch(buffer: Buffer): void {
  if (spare.length < kept) spare.push(buffer);
}
