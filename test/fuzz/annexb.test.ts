import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { limits } from '../../src/base/limits.ts';
import { AccessUnit } from '../../src/h264/access-unit.ts';
import { findStartCode, joinAnnexB, listAnnexB } from '../../src/h264/annexb.ts';
import { listLengthPrefixed, NalList } from '../../src/h264/nal-unit.ts';
import { guessFraming, splitAtStartCodes } from '../../src/ingest/framing.ts';

/** Bytes in which zeros, ones and small lengths are common. */
const dense = fc
  .array(fc.oneof(fc.constantFrom(0, 0, 0, 1, 2, 3, 5, 0x65, 0x41), fc.nat(255)), { maxLength: 80 })
  .map((values) => Buffer.from(values));

/** A NAL unit that a byte stream can carry: no start code inside, no zero byte at the end. */
const unit = fc
  .uint8Array({ minLength: 1, maxLength: 40 })
  .map((rest) => Buffer.from([0x41, ...rest.map((byte) => byte || 7), 0x80]));

function spans(list: NalList): [number, number][] {
  return Array.from({ length: list.count }, (_, i) => [list.starts[i]!, list.ends[i]!]);
}

test('listed units are in order, not empty, inside the bytes and without start codes', () => {
  const list = new NalList();
  fc.assert(
    fc.property(dense, fc.boolean(), (bytes, headless) => {
      list.clear();
      listAnnexB(list, bytes, 0, bytes.length, headless);
      let last = 0;
      for (const [start, end] of spans(list)) {
        assert.ok(start >= last && end > start && end <= bytes.length);
        assert.equal(bytes.subarray(start, end).indexOf(Buffer.from([0, 0, 1])), -1);
        assert.notEqual(bytes[end - 1], 0);
        last = end;
      }
    }),
    { numRuns: 3000 },
  );
});

test('a byte stream that is joined is listed again as it was', () => {
  const list = new NalList();
  fc.assert(
    fc.property(fc.array(unit, { maxLength: 8 }), (units) => {
      const bytes = joinAnnexB(units);
      list.clear();
      listAnnexB(list, bytes, 0, bytes.length);
      assert.deepEqual(
        spans(list).map(([start, end]) => bytes.subarray(start, end)),
        units,
      );
    }),
    { numRuns: 500 },
  );
});

/** NAL unit headers of slices, SEI, parameter sets and delimiters. */
const usual = [1, 0x21, 0x41, 0x61, 0x25, 0x45, 0x65, 6, 0x27, 0x47, 0x67, 0x28, 0x48, 0x68, 9];

test('the native search finds what a plain one finds', () => {
  fc.assert(
    fc.property(dense, (bytes) => {
      let expected = -1;
      for (let at = 0; at + 3 < bytes.length && expected < 0; at++) {
        if (bytes[at] === 0 && bytes[at + 1] === 0 && bytes[at + 2] === 1 && usual.includes(bytes[at + 3]!))
          expected = at;
      }
      assert.equal(findStartCode(bytes, 0, bytes.length), expected);
    }),
    { numRuns: 3000 },
  );
});

test('length-prefixed units and their leftovers add up to the bytes', () => {
  const list = new NalList();
  fc.assert(
    fc.property(dense, fc.integer({ min: 1, max: 4 }), (bytes, lengthSize) => {
      const left = listLengthPrefixed(list, bytes, 0, bytes.length, lengthSize);
      assert.ok(left >= -1 && left < lengthSize);
      let last = 0;
      for (const [start, end] of spans(list)) {
        assert.ok(start >= last + lengthSize && end > start && end <= bytes.length);
        last = end;
      }
    }),
    { numRuns: 3000 },
  );
});

test('a guess names a framing in which the bytes can be listed, and splitting keeps every unit inside the bytes', () => {
  const [list, split] = [new NalList(), new NalList()];
  fc.assert(
    fc.property(dense, (bytes) => {
      const framing = guessFraming(list, bytes, 0, bytes.length);
      assert.ok([0, 1, 2, 4, 5].includes(framing));
      if (framing === 0) return;
      assert.ok(list.count > 0);
      splitAtStartCodes(split, list, bytes);
      for (const [start, end] of spans(split)) assert.ok(start < end && end <= bytes.length);
    }),
    { numRuns: 3000 },
  );
});

test('an access unit ends inside the bytes, whatever they are', () => {
  const unit = new AccessUnit();
  const prefixedUnits = fc
    .array(fc.tuple(fc.constantFrom(1, 1, 2, 3, 5, 6, 7, 8, 9, 12, 14), fc.uint8Array({ maxLength: 12 })), {
      maxLength: 12,
    })
    .map((list) =>
      Buffer.concat(list.flatMap(([type, rest]) => [Buffer.from([0, 0, 0, rest.length + 1, type]), Buffer.from(rest)])),
    );
  fc.assert(
    fc.property(fc.oneof(dense, prefixedUnits), (bytes) => {
      unit.examine(bytes, 0, bytes.length, null, limits.h264.units);
      if (unit.truncated) return;
      assert.ok(unit.end >= 0 && unit.end <= bytes.length);
      assert.ok(unit.vcl <= unit.units);
      if (unit.more) assert.ok(unit.end > 0 && unit.vcl > 0);
      else assert.equal(unit.end + unit.stray, bytes.length);
    }),
    { numRuns: 4000 },
  );
});
