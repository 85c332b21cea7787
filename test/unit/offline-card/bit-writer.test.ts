import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { BitCursor } from '../../../src/base/bit-cursor.ts';
import { copyRbsp } from '../../../src/h264/rbsp.ts';
import { BitWriter, nalUnitOf } from '../../../src/offline-card/bit-writer.ts';

const field = fc.oneof(
  fc.tuple(fc.constant('u' as const), fc.nat(0xffffff), fc.integer({ min: 1, max: 24 })),
  fc.tuple(fc.constant('ue' as const), fc.nat(65_534), fc.constant(0)),
  fc.tuple(fc.constant('se' as const), fc.integer({ min: -32_000, max: 32_000 }), fc.constant(0)),
);

describe('bit writer', () => {
  test('what is written is read back, field by field', () => {
    fc.assert(
      fc.property(fc.array(field, { maxLength: 200 }), (fields) => {
        const bits = new BitWriter();
        for (const [kind, value, count] of fields) {
          if (kind === 'u') bits.put(value, count);
          else if (kind === 'ue') bits.ue(value);
          else bits.se(value);
        }
        const length = bits.bitLength;
        bits.trailing();
        assert.equal(bits.bytes().length, Math.floor(length / 8) + 1);
        const cursor = new BitCursor(bits.bytes());
        for (const [kind, value, count] of fields) {
          if (kind === 'u') assert.equal(cursor.bits(count), value % 2 ** count);
          else assert.equal(kind === 'ue' ? cursor.ue() : cursor.se() + 0, value);
        }
        assert.equal(cursor.bit(), 1);
      }),
      { numRuns: 200 },
    );
  });

  test('the buffer grows, and a reset starts over', () => {
    const bits = new BitWriter();
    for (let i = 0; i < 40_000; i++) bits.put(i, 16);
    assert.equal(bits.bytes().length, 80_000);
    assert.equal(Buffer.from(bits.bytes()).readUInt16BE(79_998), 39_999);
    bits.reset();
    bits.put(0xab, 8);
    assert.deepEqual([...bits.bytes()], [0xab]);
  });
});

describe('NAL unit', () => {
  test('holds no start code and gives back its content', () => {
    const bytes = fc.array(fc.constantFrom(0, 0, 0, 1, 2, 3, 4, 255), { maxLength: 60 });
    fc.assert(
      fc.property(bytes, (content) => {
        const unit = nalUnitOf(0x65, Uint8Array.from(content));
        assert.equal(unit[0], 0x65);
        for (let i = 1; i + 2 < unit.length; i++) {
          assert.ok(unit[i] !== 0 || unit[i + 1] !== 0 || unit[i + 2]! > 2, `start code at ${i}`);
        }
        const back = new Uint8Array(content.length + 8);
        const length = copyRbsp(back, unit, 1, unit.length);
        assert.deepEqual([...back.subarray(0, length)], content);
      }),
      { numRuns: 300 },
    );
  });
});
