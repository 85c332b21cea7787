import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { limits } from '../../src/base/limits.ts';
import { recoveryFrameCount } from '../../src/h264/sei.ts';
import { SliceHeader } from '../../src/h264/slice-header.ts';
import { decodeSps } from '../../src/h264/sps.ts';

const real = [
  '6742c028da01e0089f970110000003001000000303c0f1832a',
  '67f40016919680b435f8dc0440000003004000000783c58ba8',
  '676e000ba6cb40a0fd8088000003000800000300a078a155',
  '674d4028f403c0227ef011000003000100000300321f162ea0',
].map((text) => Buffer.from(text, 'hex'));

/** A real SPS with bytes changed and its end cut or prolonged. */
const damaged = fc
  .tuple(
    fc.constantFrom(...real),
    fc.array(fc.tuple(fc.nat(24), fc.nat(255)), { maxLength: 4 }),
    fc.nat(30),
    fc.uint8Array({ maxLength: 40 }),
  )
  .map(([unit, changes, length, tail]) => {
    const bytes = Buffer.concat([unit.subarray(0, Math.max(1, length)), tail]);
    for (const [at, value] of changes) if (at < bytes.length) bytes[at] = value;
    return bytes;
  });
const bytes = fc.oneof(
  damaged,
  fc.uint8Array({ maxLength: 60 }).map((rest) => Buffer.from([0x67, ...rest])),
);

test('any SPS is read to facts within the bounds, or to null', () => {
  fc.assert(
    fc.property(bytes, (unit) => {
      const facts = decodeSps(unit);
      if (facts === null) return;
      assert.ok(facts.id >= 0 && facts.id <= 31);
      assert.ok(facts.width > 0 && facts.width <= limits.h264.dimension);
      assert.ok(facts.height > 0 && facts.height <= limits.h264.dimension);
      assert.ok(facts.fps >= 0 && facts.fps <= 1000);
      assert.ok(facts.frameNumBits >= 4 && facts.frameNumBits <= 16);
      assert.ok(facts.pocLsbBits >= 0 && facts.pocLsbBits <= 16);
    }),
    { numRuns: 5000 },
  );
});

test('any slice head is read with any SPS', () => {
  const header = new SliceHeader();
  fc.assert(
    fc.property(bytes, fc.uint8Array({ minLength: 1, maxLength: 50 }), (unit, slice) => {
      const read = header.read(slice, 0, slice.length, decodeSps(unit));
      assert.equal(typeof read, 'boolean');
      assert.ok(read || !header.complete);
      assert.ok(Number.isInteger(header.firstMb) && header.firstMb >= 0);
    }),
    { numRuns: 3000 },
  );
});

test('any SEI has a recovery point with a count, or none', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 80 }), (rest) => {
      const sei = Buffer.from([6, ...rest]);
      const count = recoveryFrameCount(sei, 0, sei.length);
      assert.ok(Number.isInteger(count) && count >= -1 && count < 2 ** 17);
    }),
    { numRuns: 5000 },
  );
});
