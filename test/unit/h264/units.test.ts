import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { limits } from '../../../src/base/limits.ts';
import { beginsWithStartCode, findStartCode, joinAnnexB, listAnnexB } from '../../../src/h264/annexb.ts';
import { decodeAvcDecoderConfig, encodeAvcDecoderConfig } from '../../../src/h264/avc-decoder-config.ts';
import { listLengthPrefixed, NalList } from '../../../src/h264/nal-unit.ts';
import { parameterSetId, parameterSetsToAvcc } from '../../../src/h264/parameter-sets.ts';
import { copyRbsp } from '../../../src/h264/rbsp.ts';
import { recoveryFrameCount } from '../../../src/h264/sei.ts';
import { pps, pps1, recoverySei, sps, sps720, userSei } from '../ingest/publisher-rig.ts';

const hex = (text: string) => Buffer.from(text.replaceAll(' ', ''), 'hex');

function units(list: NalList, bytes: Buffer): string[] {
  return Array.from({ length: list.count }, (_, i) => bytes.toString('hex', list.starts[i]!, list.ends[i]!));
}

describe('length-prefixed units', () => {
  const cases: [name: string, bytes: string, lengthSize: number, left: number, found: string[]][] = [
    ['4-byte lengths', '00000002 6501 00000001 41', 4, 0, ['6501', '41']],
    ['3-byte lengths', '000002 6501', 3, 0, ['6501']],
    ['2-byte lengths', '0002 6501 0001 41', 2, 0, ['6501', '41']],
    ['1-byte lengths', '02 6501 01 41', 1, 0, ['6501', '41']],
    ['F7: empty units are left out', '00000000 00000001 41 00000000', 4, 0, ['41']],
    ['F7: stray bytes behind the last unit', '00000001 41 0000', 4, 2, ['41']],
    ['F7: a length past the end', '00000001 41 00000009 41', 4, -1, ['41']],
    ['a length with its top bit set', 'ffffffff 41', 4, -1, []],
    ['nothing', '', 4, 0, []],
  ];
  for (const [name, text, lengthSize, left, found] of cases) {
    test(name, () => {
      const bytes = hex(text);
      const list = new NalList();
      assert.equal(listLengthPrefixed(list, bytes, 0, bytes.length, lengthSize), left);
      assert.deepEqual(units(list, bytes), found);
    });
  }
  test('a list grows to its bound and no further', () => {
    const list = new NalList();
    let added = 0;
    while (list.add(added, added + 1)) added++;
    assert.equal(added, limits.h264.units);
    assert.equal(list.starts[8_000], 8_000);
  });
});

describe('byte streams', () => {
  const cases: [name: string, bytes: string, found: string[]][] = [
    ['4-byte start codes', '00000001 6501 00000001 4102', ['6501', '4102']],
    ['3-byte start codes', '000001 6501 000001 4102', ['6501', '4102']],
    ['trailing zero bytes', '00000001 6501 0000000000 01 4102 0000', ['6501', '4102']],
    ['bytes in front of the first start code', 'aabb 000001 6501', ['6501']],
    ['empty units', '000001 000001 6501', ['6501']],
    ['no start code', '6501', []],
  ];
  for (const [name, text, found] of cases) {
    test(name, () => {
      const bytes = Buffer.concat([hex('000001ff'), hex(text), hex('000001ff')]);
      const list = new NalList();
      assert.equal(listAnnexB(list, bytes, 4, bytes.length - 4), true);
      assert.deepEqual(units(list, bytes), found);
    });
  }
  test('what comes before the first start code counts when asked for', () => {
    const bytes = hex('6501 00000001 4102');
    const list = new NalList();
    listAnnexB(list, bytes, 0, bytes.length, true);
    assert.deepEqual(units(list, bytes), ['6501', '4102']);
  });
  test('a start code with a header behind it that no unit has is none', () => {
    const bytes = hex('65 000001 00 000001 c1 000001 1f 000001 41');
    assert.equal(findStartCode(bytes, 0, bytes.length), 13);
    assert.equal(findStartCode(bytes, 0, 13), -1);
    const storm = Buffer.concat([...Array<Buffer>(300_000).fill(Buffer.of(0, 0, 1)), Buffer.of(0, 0, 1, 0x65)]);
    assert.equal(findStartCode(storm, 0, storm.length), -1, 'the search ends where no data has so many by chance');
    assert.equal(findStartCode(storm, storm.length - 100, storm.length), storm.length - 4);
  });
  test('where a byte stream begins', () => {
    for (const [text, begins] of [
      ['00000001', true],
      ['000001', true],
      ['0000000001', true],
      ['0001', false],
      ['000002', false],
      ['0000', false],
      ['', false],
    ] as const) {
      const bytes = hex(text);
      assert.equal(beginsWithStartCode(bytes, 0, bytes.length), begins, text);
    }
  });
  test('joining and listing are inverse', () => {
    const bytes = joinAnnexB([sps, pps]);
    const list = new NalList();
    listAnnexB(list, bytes, 0, bytes.length);
    assert.deepEqual(units(list, bytes), [sps.toString('hex'), pps.toString('hex')]);
  });

  test('start codes with nothing between them are searched for so often only', () => {
    const list = new NalList();
    const codes = (count: number) => Buffer.concat([...Array<Buffer>(count).fill(hex('000001')), pps]);
    const { searchedStartCodes } = limits.h264;
    assert.equal(listAnnexB(list, codes(searchedStartCodes), 0, 3 * searchedStartCodes + pps.length), true);
    assert.equal(list.count, 1);
    list.clear();
    assert.equal(listAnnexB(list, codes(searchedStartCodes + 1), 0, 3 * searchedStartCodes + 3 + pps.length), false);
  });
});

describe('F3: AVCDecoderConfigurationRecord', () => {
  const decode = (bytes: Buffer) => decodeAvcDecoderConfig(bytes, 0, bytes.length);
  const plain = (config: ReturnType<typeof decode>) =>
    config && { ...config, sps: config.sps.map(Buffer.from), pps: config.pps.map(Buffer.from) };

  test('all sets, in every length size', () => {
    for (const lengthSize of [1, 2, 3, 4]) {
      const record = encodeAvcDecoderConfig([sps, sps720], [pps, pps1], lengthSize);
      assert.deepEqual(plain(decode(record)), { lengthSize, sps: [sps, sps720], pps: [pps, pps1] });
    }
  });
  test('another version, cleared reserved bits and a tail are tolerated', () => {
    const record = encodeAvcDecoderConfig([sps], [pps]);
    record[0] = 0;
    record[4] = 3;
    record[5] = 1;
    const config = decode(Buffer.concat([record, hex('fdf8f800 aabbcc')]));
    assert.deepEqual(plain(config), { lengthSize: 4, sps: [sps], pps: [pps] });
  });
  test('no SPS, and empty sets', () => {
    assert.deepEqual(decode(hex('01 42001e ff e0 00')), { lengthSize: 4, sps: [], pps: [] });
    assert.deepEqual(decode(hex('01 42001e ff e1 0000 01 0000')), { lengthSize: 4, sps: [], pps: [] });
  });
  test('a record that ends early yields what was complete', () => {
    const record = encodeAvcDecoderConfig([sps], [pps]);
    assert.deepEqual(plain(decode(record.subarray(0, record.length - 1))), { lengthSize: 4, sps: [sps], pps: [] });
    assert.deepEqual(plain(decode(record.subarray(0, 20))), { lengthSize: 4, sps: [], pps: [] });
    assert.equal(decode(record.subarray(0, 5)), null);
  });
  test('a byte stream in its place', () => {
    assert.deepEqual(plain(decode(joinAnnexB([sps, pps]))), { lengthSize: 0, sps: [sps], pps: [pps] });
    assert.equal(decode(hex('00000001 41aabbcc')), null);
  });
});

describe('parameter sets', () => {
  test('ids of SPS and PPS', () => {
    assert.equal(parameterSetId(sps, 0, sps.length), 0);
    assert.equal(parameterSetId(pps, 0, pps.length), 0);
    assert.equal(parameterSetId(pps1, 0, pps1.length), 1);
    assert.equal(parameterSetId(hex('68 008000'), 0, 4), 255);
    assert.equal(parameterSetId(hex('68 008080'), 0, 4), -1);
    assert.equal(parameterSetId(hex('67 42001e 0400'), 0, 6), 31);
    assert.equal(parameterSetId(hex('67 42001e 0420'), 0, 6), -1);
    assert.equal(parameterSetId(hex('67 42001e'), 0, 4), -1);
    assert.equal(parameterSetId(hex('68'), 0, 1), -1);
    assert.equal(parameterSetId(hex('68 000000'), 0, 4), -1);
    assert.equal(parameterSetId(hex('65 80'), 0, 2), -1);
    assert.equal(parameterSetId(hex(''), 0, 0), -1);
  });
  test('one buffer to put in front of an IDR', () => {
    assert.deepEqual(
      parameterSetsToAvcc([hex('67aa')], [hex('68'), hex('68bbcc')]),
      hex('00000002 67aa 00000001 68 00000003 68bbcc'),
    );
  });
});

describe('F9: recovery point', () => {
  const count = (unit: Buffer) => recoveryFrameCount(unit, 0, unit.length);
  test('its frame count', () => {
    for (const frames of [0, 1, 2, 6, 14]) assert.equal(count(recoverySei(frames)), frames);
  });
  test('behind other messages', () => {
    assert.equal(count(Buffer.concat([hex('06 05 03 aabbcc'), recoverySei(2).subarray(1)])), 2);
    assert.equal(count(Buffer.concat([hex('06 05 ff05'), Buffer.alloc(260, 7), recoverySei(0).subarray(1)])), 0);
  });
  test('behind a message with emulation prevention in it', () => {
    assert.equal(count(Buffer.concat([hex('06 05 04 0000 03 01 aa'), recoverySei(3).subarray(1)])), 3);
  });
  test('none, or cut short', () => {
    for (const unit of [
      userSei,
      hex('06'),
      hex('06 06'),
      hex('06 06 01'),
      hex('06 ffffff'),
      hex('06 06 00 80'),
      hex('06 05 80 01 80'),
    ])
      assert.equal(count(unit), -1, unit.toString('hex'));
  });
});

test('emulation prevention bytes are taken out', () => {
  const into = new Uint8Array(16);
  const bytes = hex('00000301 000003 000003 03 0000');
  const length = copyRbsp(into, bytes, 0, bytes.length);
  assert.equal(Buffer.from(into.subarray(0, length)).toString('hex'), '000001' + '0000' + '0000' + '03' + '0000');
});
