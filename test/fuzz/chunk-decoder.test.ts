import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { ChunkEncoder } from '../../src/rtmp/chunk-encoder.ts';
import { runChunks } from '../golden/run.ts';
import { basic, body, bytes, event, u24, u32 } from '../golden/wire.ts';

/** Offsets at which input is cut into reads, in order. */
const cuts = fc.array(fc.nat(), { maxLength: 12 });
const cutAt = (length: number, places: number[]): number[] =>
  [...new Set(places.map((place) => place % (length + 1)))].sort((a, b) => a - b);

const csid = fc.constantFrom(2, 3, 4, 63, 64, 319, 320, 65_599);
const time = fc.oneof(
  fc.constantFrom(0, 1, 40, 4999, 5001, 0xfffffe, 0xffffff, 0x1000000, 0xffffffff),
  fc.integer({ min: 0, max: 0xffffffff }),
);

/** One chunk with a header that may or may not fit what came before it. */
const chunk = fc
  .record({
    fmt: fc.integer({ min: 0, max: 3 }),
    csid,
    time,
    length: fc.constantFrom(0, 1, 3, 127, 128, 129, 300),
    type: fc.constantFrom(1, 2, 8, 9, 18, 20),
    repeat: fc.boolean(),
    payload: fc.constantFrom(0, 1, 3, 4, 127, 128),
    seed: fc.nat({ max: 255 }),
  })
  .map((value) => {
    const field = value.fmt === 3 ? [] : u24(Math.min(value.time, 0xffffff));
    const rest = value.fmt < 2 ? bytes(u24(value.length), [value.type]) : [];
    const stream = value.fmt === 0 ? u32(0x01000000) : [];
    const extended = value.time >= 0xffffff && (value.fmt < 3 || value.repeat) ? u32(value.time) : [];
    // Set Chunk Size and Abort are read by the runner: their bodies are small numbers.
    const content = value.type < 3 ? bytes(u32(1 + value.seed), body(value.payload)) : body(value.payload, value.seed);
    return bytes(basic(value.fmt, value.csid), field, rest, stream, extended, content.subarray(0, value.payload));
  });

/** The runner reads a number from the bodies of types 1 and 2; other lengths than its four bytes mean nothing there. */
function run(input: Buffer, places: number[]): readonly string[] | string {
  try {
    return runChunks(input, places).events;
  } catch (error) {
    if (error instanceof RangeError && /out of range|outside buffer/i.test(error.message)) return 'runner';
    throw error;
  }
}

test('C1 to C10: any chunks mean the same however they are cut into reads', () => {
  fc.assert(
    fc.property(fc.array(chunk, { maxLength: 20 }), cuts, (chunks, places) => {
      const input = Buffer.concat(chunks);
      const whole = run(input, []);
      assert.deepEqual(run(input, cutAt(input.length, places)), whole);
      const each = Array.from({ length: Math.max(0, input.length - 1) }, (_, i) => i + 1);
      if (input.length < 600) assert.deepEqual(run(input, each), whole);
    }),
    { numRuns: 1200 },
  );
});

test('C1 to C10: any bytes end in a declared error or in none', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 400 }), cuts, (input, places) => {
      const whole = run(Buffer.from(input), []);
      assert.deepEqual(run(Buffer.from(input), cutAt(input.length, places)), whole);
    }),
    { numRuns: 3000 },
  );
});

test('C2 to C5: what the encoder writes decodes to the same messages', () => {
  const message = fc.record({
    csid: fc.integer({ min: 2, max: 63 }),
    type: fc.constantFrom(8, 9, 18, 20),
    stream: fc.constantFrom(0, 1, 7),
    time,
    length: fc.integer({ min: 0, max: 700 }),
    seed: fc.nat({ max: 255 }),
  });
  const streams = fc.array(message, { maxLength: 15 });
  fc.assert(
    fc.property(streams, fc.constantFrom(1, 64, 128, 4096), cuts, (messages, chunkSize, places) => {
      const encoder = new ChunkEncoder();
      // The runner takes the chunk size from the stream.
      encoder.write(2, 1, 0, 0, u32(chunkSize));
      encoder.chunkSize = chunkSize;
      const expected = [event(2, 1, 0, 0, u32(chunkSize))];
      for (const { csid: id, type, stream, time: at, length, seed } of messages) {
        const content = body(length, seed);
        encoder.write(id, type, stream, at, content);
        expected.push(event(id, type, stream, at, content));
      }
      const input = Buffer.from(encoder.take());
      const result = runChunks(input, cutAt(input.length, places));
      // A long run of one-byte chunks is more work than a connection may make.
      if (chunkSize === 1 && result.events.at(-1) === 'error work_exceeded') return;
      assert.deepEqual(result.events, expected);
    }),
    { numRuns: 700 },
  );
});
