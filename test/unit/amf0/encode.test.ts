import assert from 'node:assert/strict';
import { test } from 'node:test';
import { AmfDecoder } from '../../../src/amf0/decode.ts';
import { AmfEncoder } from '../../../src/amf0/encode.ts';

const hex = (encoder: AmfEncoder): string => encoder.bytes().toString('hex');

test('A1: values have the bytes of the specification', () => {
  assert.equal(hex(new AmfEncoder().number(1.5)), '003ff8000000000000');
  assert.equal(hex(new AmfEncoder().boolean(true)), '0101');
  assert.equal(hex(new AmfEncoder().string('abc')), '020003616263');
  assert.equal(hex(new AmfEncoder().null()), '05');
  assert.equal(hex(new AmfEncoder().undefined()), '06');
  assert.equal(hex(new AmfEncoder().value(new Map([['a', true]]))), '030001610101000009');
  assert.equal(hex(new AmfEncoder().ecmaArray(new Map([['a', null]]))), '080000000100016105000009');
  assert.equal(hex(new AmfEncoder().value([null, false])), '0a00000002050100');
  assert.equal(hex(new AmfEncoder().value(new Date(64))), '0b40500000000000000000');
});

test('A1: text beyond 65535 bytes becomes a long string, and the buffer grows for it', () => {
  const text = 'é'.repeat(40_000);
  const bytes = new AmfEncoder(16).string(text).bytes();
  assert.equal(bytes[0], 0x0c);
  assert.equal(new AmfDecoder(bytes).value(), text);
});

test('A5: a raw number keeps every bit of a NaN', () => {
  const raw = Buffer.from('7ff8000000abcdef', 'hex');
  assert.equal(hex(new AmfEncoder().rawNumber(raw)), '007ff8000000abcdef');
});

test('a property name that does not fit is refused', () => {
  assert.throws(() => new AmfEncoder().property('a'.repeat(65_536)), RangeError);
});

test('reset starts over', () => {
  assert.equal(hex(new AmfEncoder().string('abc').reset().null()), '05');
});

test('every value survives the growth of the buffer in its midst', () => {
  const values = ['abc', null, undefined, new Map([['a', null]]), [true], 1.5];
  for (let capacity = 0; capacity < 48; capacity++) {
    const encoder = new AmfEncoder(capacity);
    for (const value of values) encoder.value(value);
    const decoder = new AmfDecoder(encoder.bytes());
    assert.deepEqual(
      values.map(() => decoder.value()),
      values,
      `capacity ${capacity}`,
    );
  }
});
