import assert from 'node:assert/strict';
import { createRing, type RingOptions, recordFlag } from '../../../src/shm/frame-ring.ts';
import { RingMemory, writerWord } from '../../../src/shm/layout.ts';
import type { RingReader } from '../../../src/shm/ring-reader.ts';
import type { RingWriter } from '../../../src/shm/ring-writer.ts';

export const KiB = 1024;

/** A ring small enough to see its edges. */
export function smallRing(options: Partial<RingOptions> = {}): SharedArrayBuffer {
  return createRing({
    frames: 300,
    initialBytes: 1000,
    maximumBytes: 1000,
    hardMaximumBytes: 100_000,
    gopCache: false,
    ...options,
  });
}

/** Commits a video record of `length` bytes of value `fill`; record i of a test is often `fill` i. */
export function put(writer: RingWriter, length: number, fill: number, flags = 0, arrivalUs = fill * 1000): void {
  writer.begin(length, (flags & recordFlag.keyframe) !== 0);
  writer.append(Buffer.alloc(length, fill), 0, length);
  writer.commit(flags, fill * 40, 0, arrivalUs);
}

/** The payload of the record that the reader has loaded, as a copy. */
export function payloadOf(reader: RingReader): Buffer {
  return Buffer.from(reader.buffer.subarray(reader.offset, reader.offset + reader.length));
}

/** Takes the next record, which must be there and be `length` bytes of `fill`. */
export function take(reader: RingReader, length: number, fill: number): void {
  assert.equal(reader.peek(), 1, `record ${fill} is there`);
  assert.deepEqual(payloadOf(reader), Buffer.alloc(length, fill));
  assert.ok(reader.stillValid());
  reader.advance();
}

/** The words of the writer, as another thread sees them. */
export function ringWords(ring: SharedArrayBuffer): { head: number; tail: number } {
  const { words } = new RingMemory(ring);
  return { head: Atomics.load(words, writerWord.head), tail: Atomics.load(words, writerWord.tail) };
}
