import { createRing } from '../../src/shm/frame-ring.ts';

/** What the threads of the ring tests are given. */
export interface RingThreadData {
  readonly ring: SharedArrayBuffer;
  /** [0] becomes 1 when the threads may start; writers wait for it. */
  readonly gate: Int32Array;
  readonly seed: number;
  /** Video records to write; after them the stream ends. */
  readonly records: number;
  /** Bytes of the largest video record. */
  readonly largest: number;
  /** Number of the first video record: what earlier writers committed. */
  readonly first: number;
  /** After this many records: open one, append half of it, set gate[1] and hang. -1: never. */
  readonly dieAt: number;
}

/** What a verifying thread saw. */
export interface ReaderReport {
  readonly received: number;
  readonly lost: number;
  readonly overruns: number;
  /** Records that were torn and were found out by validation. */
  readonly tornCaught: number;
  readonly generations: number;
  /** The first thing that must not happen, or ''. */
  readonly problem: string;
}

/** A ring in which a writer at full speed overruns its readers all the time. */
export function tightRing(gopCache = false): SharedArrayBuffer {
  return createRing({
    frames: 24,
    initialBytes: 64 * 1024,
    maximumBytes: 128 * 1024,
    hardMaximumBytes: 1024 * 1024,
    gopCache,
  });
}

/** mulberry32: a small seeded generator of fractions in [0, 1). */
export function seededRandom(seed: number): () => number {
  let state = seed | 0;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
}

/** Bytes of the smallest record: number, length and the canary at the end. */
export const smallest = 12;
const longest = 1024 * 1024;
const fills = Array.from({ length: 256 }, (_, value) => (value < 8 ? Buffer.alloc(longest, value * 31 + 1) : null));

function fillOf(number: number): Buffer {
  return fills[number & 7]!;
}

/** Record `number`, `length` bytes: canaries with its number at both ends, between them a byte that depends on it. */
export function fillRecord(into: Buffer, number: number, length: number): void {
  fillOf(number).copy(into, 0, 0, length);
  into.writeUInt32LE(number, 0);
  into.writeUInt32LE(length, 4);
  into.writeUInt32LE(~number >>> 0, length - 4);
}

/** The number of the record in `buffer[offset, offset + length)`, or -1 if anything about it is wrong. */
export function checkRecord(buffer: Buffer, offset: number, length: number): number {
  if (length < smallest || offset + length > buffer.length) return -1;
  const number = buffer.readUInt32LE(offset);
  if (buffer.readUInt32LE(offset + 4) !== length) return -1;
  if (buffer.readUInt32LE(offset + length - 4) !== ~number >>> 0) return -1;
  if (buffer.compare(fillOf(number), 8, length - 4, offset + 8, offset + length - 4) !== 0) return -1;
  return number;
}
