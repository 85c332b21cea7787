import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { AmfDecoder } from '../../src/amf0/decode.ts';
import { AmfEncoder } from '../../src/amf0/encode.ts';
import type { AmfValue } from '../../src/amf0/value.ts';
import { ConnectionError } from '../../src/base/errors.ts';

/** Reads everything and returns how many values there are, following every branch. */
function decodeAll(bytes: Buffer): number {
  const decoder = new AmfDecoder(bytes);
  let nodes = 0;
  try {
    while (decoder.remaining > 0) nodes += count(decoder.value());
    assert.equal(decoder.position, bytes.length);
  } catch (error) {
    if (!(error instanceof ConnectionError)) throw error;
    assert.ok(['amf_malformed', 'amf_too_deep', 'amf_too_large'].includes(error.code), error.code);
  }
  return nodes;
}

function count(value: AmfValue, depth = 0): number {
  assert.ok(depth <= 33, 'deeper than the bound');
  let nodes = 1;
  if (value instanceof Map) for (const inner of value.values()) nodes += count(inner, depth + 1);
  else if (Array.isArray(value)) for (const inner of value) nodes += count(inner, depth + 1);
  return nodes;
}

const { value: amfValue } = fc.letrec<{ value: AmfValue }>((tie) => ({
  value: fc.oneof(
    { maxDepth: 5, withCrossShrink: true },
    fc.double(),
    fc.boolean(),
    fc.string({ unit: 'grapheme' }),
    fc.constant(null),
    fc.constant(undefined),
    fc.date({ noInvalidDate: true }),
    fc.array(tie('value'), { maxLength: 5 }),
    fc.array(fc.tuple(fc.string(), tie('value')), { maxLength: 5 }).map((entries) => new Map(entries)),
  ),
}));

/** Bytes that look like AMF: markers, small lengths and counts, now and then anything. */
const amfLike = fc
  .array(
    fc.oneof(
      { weight: 6, arbitrary: fc.integer({ min: 0, max: 0x12 }).map((marker) => [marker]) },
      { weight: 3, arbitrary: fc.constantFrom([0, 0, 9], [0, 1, 97], [0, 0, 0, 1], [0, 0], [1], [3], [0x0b, 1]) },
      { weight: 1, arbitrary: fc.array(fc.integer({ min: 0, max: 255 }), { maxLength: 8 }) },
    ),
    { maxLength: 80 },
  )
  .map((parts) => Buffer.from(parts.flat()));

test('A1: what is encoded decodes to the same values', () => {
  fc.assert(
    fc.property(fc.array(amfValue, { maxLength: 4 }), (values) => {
      const encoder = new AmfEncoder(8);
      for (const value of values) encoder.value(value);
      const decoder = new AmfDecoder(encoder.bytes());
      const decoded: AmfValue[] = [];
      while (decoder.remaining > 0) decoded.push(decoder.value());
      assert.deepEqual(decoded, values);
    }),
    { numRuns: 2000 },
  );
});

test('A3: any bytes decode to bounded values or end in one of the three errors', () => {
  const prefixed = fc.tuple(fc.constantFrom('', '11', '0a00000003', '08000000ff'), amfLike);
  fc.assert(
    fc.property(prefixed, ([prefix, bytes]) => {
      assert.ok(decodeAll(Buffer.concat([Buffer.from(prefix, 'hex'), bytes])) <= 10_000);
    }),
    { numRuns: 10_000 },
  );
});

test('A3: valid values with a few bytes changed or cut off do the same', () => {
  const changes = fc.array(fc.tuple(fc.nat(), fc.integer({ min: 0, max: 255 })), { maxLength: 3 });
  fc.assert(
    fc.property(amfValue, changes, fc.nat(), (value, bytesToChange, cut) => {
      const bytes = Buffer.from(new AmfEncoder(8).value(value).bytes());
      for (const [at, byte] of bytesToChange) bytes[at % bytes.length] = byte;
      assert.ok(decodeAll(bytes.subarray(0, bytes.length - (cut % 4))) <= 10_000);
    }),
    { numRuns: 4000 },
  );
});
