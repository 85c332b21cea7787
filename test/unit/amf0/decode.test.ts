import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { AmfDecoder } from '../../../src/amf0/decode.ts';
import type { AmfValue } from '../../../src/amf0/value.ts';
import type { ErrorCode } from '../../../src/base/errors.ts';

function decode(hex: string): AmfValue {
  return new AmfDecoder(Buffer.from(hex.replaceAll(' ', ''), 'hex')).value();
}

function fails(hex: string, code: ErrorCode): void {
  assert.throws(() => decode(hex), { name: 'ConnectionError', code });
}

const map = (...entries: [string, AmfValue][]): Map<string, AmfValue> => new Map(entries);

describe('AMF0 values', () => {
  const cases: [string, string, AmfValue][] = [
    ['number', '00 3ff8000000000000', 1.5],
    ['negative infinity', '00 fff0000000000000', -Infinity],
    ['boolean true', '01 01', true],
    ['boolean of any other byte', '01 7f', true],
    ['boolean false', '01 00', false],
    ['string', '02 0003 616263', 'abc'],
    ['string of invalid UTF-8', '02 0003 61ff62', 'a\ufffdb'],
    ['empty string', '02 0000', ''],
    ['object', '03 0001 61 01 01 0000 09', map(['a', true])],
    ['null', '05', null],
    ['undefined', '06', undefined],
    ['ECMA array with count 0', '08 00000000 0001 61 05 0000 09', map(['a', null])],
    ['ECMA array with a huge count', '08 ffffffff 0001 61 05 0000 09', map(['a', null])],
    ['strict array', '0a 00000002 05 01 01', [null, true]],
    ['date with a time zone', '0b 4050000000000000 ffc4', new Date(64)],
    ['long string', '0c 00000002 6869', 'hi'],
    ['unsupported', '0d', undefined],
    ['XML document', '0f 00000003 3c612f', '<a/'],
    ['typed object', '10 0002 5075 0001 61 05 0000 09', map(['a', null])],
    ['object whose end marker is missing', '03 0001 61 05', map(['a', null])],
    ['object that ends within its end marker', '03 0001 61 05 0000', map(['a', null])],
    ['property with an empty name', '03 0000 01 01 0000 09', map(['', true])],
    ['duplicate property', '03 0001 61 05 0001 61 01 01 0000 09', map(['a', true])],
    ['dangerous names', '03 0009 5f5f70726f746f5f5f 05 0000 09', map(['__proto__', null])],
    ['reference', '0a 00000002 03 0001 61 05 0000 09 07 0001', [map(['a', null]), map(['a', null])]],
    ['reference to the object around it', '03 0001 61 07 0000 0000 09', map(['a', undefined])],
  ];
  for (const [name, hex, expected] of cases) test(`A1, A2, A6: ${name}`, () => assert.deepEqual(decode(hex), expected));

  test('A5: a NaN is not an error', () => assert.ok(Number.isNaN(decode('00 7ff8000000abcdef'))));

  for (const [name, hex] of [
    ['movie clip', '04'],
    ['record set', '0e'],
    ['object end alone', '09'],
    ['undefined marker', '55 010203'],
    ['movie clip inside an object', '03 0001 61 04 0001 62 05 0000 09'],
    ['externalizable AMF3 object', '11 0a 07 03 61'],
    ['AMF3 dictionary', '11 11 03 00'],
  ] as const)
    test(`A1: a ${name} makes the rest unreadable`, () => {
      const decoder = new AmfDecoder(Buffer.from(`${hex}0505`.replaceAll(' ', ''), 'hex'));
      decoder.value();
      assert.equal(decoder.unreadable, true);
      assert.equal(decoder.remaining, 0);
    });

  for (const [name, hex] of [
    ['number', '00 3ff80000'],
    ['boolean', '01'],
    ['string', '02 0005 6162'],
    ['string length', '02 00'],
    ['long string', '0c ffffffff 6162'],
    ['ECMA count', '08 0000'],
    ['strict array by its count', '0a 7fffffff 05'],
    ['date', '0b 4050000000000000'],
    ['property value', '03 0001 61'],
    ['reference to a later object', '07 0000'],
    ['nothing at all', ''],
  ] as const)
    test(`A3: a truncated ${name} is malformed`, () => fails(hex, 'amf_malformed'));

  test('A3: 32 levels are read, 33 are not', () => {
    const nested = (levels: number): string => `${'0a 00000001'.repeat(levels)}05`;
    decode(nested(32));
    fails(nested(33), 'amf_too_deep');
    fails('03 0001 61 '.repeat(200), 'amf_too_deep');
  });

  test('A3: 10 000 values are read, more are not', () => {
    const array = (count: number): string => `0a${count.toString(16).padStart(8, '0')}${'05'.repeat(count)}`;
    decode(array(9_999));
    fails(array(10_000), 'amf_too_large');
  });

  test('A3: references cannot blow a small message up', () => {
    // Each array holds ten references to the one before it: 10^6 values from some 250 bytes.
    const first = `0a 0000000a ${'05'.repeat(10)}`;
    const next = (index: number): string => `0a 0000000a ${`07 ${index.toString(16).padStart(4, '0')}`.repeat(10)}`;
    fails(`0a 00000006 ${first}${[1, 2, 3, 4, 5].map(next).join('')}`, 'amf_too_large');
    // One long text in an object that is named again and again.
    const text = `03 0001 61 02 ea60 ${'61'.repeat(60_000)} 0000 09`;
    fails(`0a 00000020 ${text} ${'07 0001'.repeat(31)}`, 'amf_too_large');
  });
});

describe('AMF3 values behind marker 0x11', () => {
  const cases: [string, string, AmfValue][] = [
    ['undefined', '00', undefined],
    ['null', '01', null],
    ['false', '02', false],
    ['true', '03', true],
    ['integer of one byte', '04 7f', 127],
    ['integer of two bytes', '04 8100', 128],
    ['integer of four bytes', '04 bfffffff', 268_435_455],
    ['negative integer', '04 ffffffff', -1],
    ['smallest integer', '04 c0808000', -268_435_456],
    ['double', '05 3ff8000000000000', 1.5],
    ['string', '06 07 616263', 'abc'],
    ['date', '08 01 4050000000000000', new Date(64)],
    ['array', '09 05 01 03 04 02', [true, 2]],
    ['array with names', '09 03 03 61 03 01 04 02', map(['a', true], ['0', 2])],
    ['array with a string by reference', '09 05 01 06 03 61 06 00', ['a', 'a']],
    ['dynamic object', '0a 0b 01 03 61 03 01', map(['a', true])],
    ['object with a class', '0a 23 03 43 03 61 03 62 03 02', map(['a', true], ['b', false])],
    ['two objects of one class', '09 05 01 0a 13 03 43 03 61 03 0a 01 02', [map(['a', true]), map(['a', false])]],
    ['object by reference', '09 05 01 0a 0b 01 01 0a 02', [map(), map()]],
    ['byte array', '0c 05 aabb', undefined],
    ['vector of integers', '0d 05 00 ffffffff 00000001', [-1, 1]],
    ['vector of doubles', '0f 03 00 3ff8000000000000', [1.5]],
    ['vector of objects', '10 05 00 01 02 03', [false, true]],
  ];
  for (const [name, hex, expected] of cases) test(`A4: ${name}`, () => assert.deepEqual(decode(`11 ${hex}`), expected));

  test('A4: the switch holds for one value', () => {
    const decoder = new AmfDecoder(Buffer.from('110302000161', 'hex'));
    assert.deepEqual([decoder.value(), decoder.value()], [true, 'a']);
  });

  for (const [name, hex] of [
    ['a string reference to nothing', '06 00'],
    ['an object reference to nothing', '0a 00'],
    ['traits that were not sent', '0a 01'],
    ['an array longer than its message', '09 ffffff7f 01'],
    ['a vector longer than its message', '0f 05 00 3ff8000000000000'],
    ['a class with more names than bytes', '0a fffffff3 01'],
    ['a truncated integer', '04 ff'],
    ['no marker', ''],
  ] as const)
    test(`A4: ${name} is malformed`, () => fails(`11 ${hex}`, 'amf_malformed'));

  test('A4: an array that contains itself does not', () => assert.deepEqual(decode('11 09 03 01 09 00'), [undefined]));

  test('A3: depth and repetition are bounded as in AMF0', () => {
    fails(`11 ${'09 03 01'.repeat(33)} 01`, 'amf_too_deep');
    fails(`11 09 be01 01 06 87a941 ${'61'.repeat(60_000)}${'06 00'.repeat(94)}`.replaceAll(' ', ''), 'amf_too_large');
  });
});
