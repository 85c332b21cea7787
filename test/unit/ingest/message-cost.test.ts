import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { limits } from '../../../src/base/limits.ts';
import { recordFlag } from '../../../src/shm/frame-ring.ts';
import {
  annexB,
  avcc,
  headerTag,
  idr,
  laterSlice,
  naluTag,
  PublisherRig,
  pps,
  recoverySei,
  slice,
  sps,
  userSei,
} from './publisher-rig.ts';

const { units: mostUnits, changedParameterSets: mostChanges, parameterChanges } = limits.h264;

function settled(): PublisherRig {
  const rig = new PublisherRig();
  rig.settle();
  return rig;
}

/** A PPS with id 0 that differs from the one before. */
const changing = (count: number): Buffer[] =>
  Array.from({ length: count }, (_, i) => Buffer.from([0x68, 0xce, 1 + (i & 0x7f), 0x80 | (i >> 7)]));

/** A PPS with this id; `value` makes it one of its own. */
function withId(id: number, value: number): Buffer {
  const code = (id + 1).toString(2);
  const bits = `${'0'.repeat(code.length - 1)}${code}`.padEnd(24, '1');
  return Buffer.from([0x68, ...[0, 8, 16].map((at) => Number.parseInt(bits.slice(at, at + 8), 2)), 0x80 | value]);
}

/** A message with so many pictures, each behind a PPS of its own. */
function pictures(count: number, value: number): Buffer {
  const units = Array.from({ length: count }, (_, i) => [
    withId(200, value + i),
    slice(4, [0x9a, i & 1 ? 0x24 : 0x44]),
  ]);
  return naluTag(avcc(...units.flat()));
}

const empty = Buffer.alloc(0);

describe('NAL units of one message', () => {
  const cases: [name: string, body: (count: number) => Buffer][] = [
    ['slices', (count) => avcc(slice(), ...Array<Buffer>(count - 1).fill(laterSlice(0x41, 2)))],
    ['empty units', (count) => avcc(slice(), ...Array<Buffer>(count - 1).fill(empty))],
    ['SEI', (count) => avcc(...Array<Buffer>(count - 1).fill(userSei), slice())],
  ];
  for (const [name, body] of cases)
    test(`${name}: as many as any encoder sends are taken, one more is a damaged access unit`, () => {
      const rig = settled();
      assert.equal(rig.send(80, naluTag(body(mostUnits))), mostUnits);
      assert.deepEqual([rig.video.length, rig.counters.truncated], [1, 0]);
      assert.equal(rig.send(120, naluTag(body(mostUnits + 1))), mostUnits + 1);
      assert.deepEqual([rig.video.length, rig.counters.truncated], [1, 1]);
      rig.send(160, naluTag(avcc(slice())));
      assert.deepEqual([rig.video.length, rig.counters.truncated], [2, 1]);
    });

  test('pictures of one message share them', () => {
    const rig = settled();
    const picture = avcc(idr(), ...Array<Buffer>(mostUnits / 2).fill(empty));
    rig.send(80, naluTag(Buffer.concat([picture, picture, picture])));
    assert.equal(rig.counters.truncated, 1);
    assert.ok(rig.video.length <= 2, `${rig.video.length} pictures`);
  });

  test('one-byte units that look like start codes are not looked at again', () => {
    const rig = settled();
    const cost = rig.send(80, naluTag(Buffer.concat(Array<Buffer>(300_000).fill(Buffer.from('0000000141', 'hex')))));
    assert.deepEqual([cost, rig.video.length, rig.counters.truncated], [mostUnits + 1, 0, 1]);
  });

  for (const lengthSize of [0, 1, 2])
    test(`empty units behind lengths of ${lengthSize || 'unknown'} bytes are bounded too, and cost what the others do`, () => {
      const rig = new PublisherRig();
      if (lengthSize > 0) rig.send(0, headerTag([sps], [pps], lengthSize));
      const size = lengthSize || 4;
      assert.equal(rig.send(40, naluTag(Buffer.alloc(mostUnits * size))), mostUnits);
      assert.deepEqual([rig.counters.tolerated, rig.counters.truncated], [1, 0]);
      const cost = rig.send(80, naluTag(Buffer.alloc(8 * mostUnits * size)));
      assert.ok(cost > mostUnits && cost < 5 * mostUnits, `${cost} units`);
      assert.deepEqual([rig.counters.tolerated, rig.counters.truncated], [1, 1]);
    });

  test('SEI that waits for its picture is dropped when there is too much of it for one', () => {
    const rig = settled();
    rig.send(80, naluTag(avcc(...Array<Buffer>(mostUnits).fill(Buffer.from([6])))));
    assert.deepEqual([rig.counters.seiOnly, rig.counters.truncated], [1, 0]);
    rig.frame(80, slice());
    assert.deepEqual([rig.video.length, rig.counters.truncated], [0, 1]);
    rig.frame(120, slice());
    assert.deepEqual([rig.video.length, rig.counters.truncated], [1, 1]);
  });

  test('those of a byte stream are bounded too', () => {
    const rig = new PublisherRig();
    rig.send(0, naluTag(annexB([sps, pps, idr()])));
    const cost = rig.send(40, naluTag(annexB(Array<Buffer>(mostUnits + 1).fill(laterSlice()))));
    assert.ok(cost < 3 * mostUnits, `${cost} units`);
    assert.equal(rig.counters.truncated, 1);
  });
});

describe('start codes of one message', () => {
  const most = limits.h264.searchedStartCodes;
  /** A NAL unit with start codes that no usual NAL unit follows. */
  const noisy = (codes: number): Buffer => Buffer.from(`412484${'000001'.repeat(codes)}84`, 'hex');
  /** SEI with a start code inside: the whole message is searched. */
  const careless = Buffer.from('06050000010680', 'hex');

  test('all its NAL units share what may be searched, and it is charged', () => {
    const rig = settled();
    const units = Array<Buffer>(20).fill(noisy(most - 1));
    const cost = rig.send(80, naluTag(avcc(careless, slice(), ...units)));
    assert.ok(cost >= 2 * most && cost <= 2 * 2 * most + 4 * units.length, `${cost} units`);
    assert.deepEqual([rig.video.length, rig.counters.truncated], [1, 0]);
  });

  const sei = (bytes: number, value: number): Buffer =>
    Buffer.concat([Buffer.from([6]), Buffer.alloc(bytes - 1, value)]);

  for (const [name, units] of [
    ['one SEI', [sei(8_000_000, 0xff)]],
    ['SEI of many messages', [sei(8_000_000, 1)]],
    ['many SEI', Array<Buffer>(mostUnits - 1).fill(sei(500, 1))],
  ] as const)
    test(`${name}: what is searched byte by byte is charged, and bounded`, () => {
      const rig = settled();
      const cost = rig.send(80, naluTag(avcc(...units, slice())));
      assert.ok(cost >= 2 * most && cost <= 2 * (most + 1) + mostUnits, `${cost} units`);
      rig.send(120, naluTag(avcc(slice())));
      assert.deepEqual([rig.video.length, rig.counters.truncated], [2, 0]);
    });

  test('a recovery point behind as much SEI as a camera sends is found', () => {
    const rig = settled();
    rig.frame(80, sei(100_000, 1), recoverySei(0), slice());
    assert.equal(rig.video.at(-1)!.flags & recordFlag.keyframe, recordFlag.keyframe);
  });

  test('a byte stream of nothing else is charged too', () => {
    const rig = new PublisherRig();
    rig.send(0, naluTag(annexB([sps, pps, idr()])));
    const cost = rig.send(40, naluTag(Buffer.from('000001'.repeat(3 * most), 'hex')));
    assert.ok(cost >= 2 * most && cost <= 2 * 2 * most + 20, `${cost} units`);
    assert.equal(rig.counters.truncated, 1);
  });
});

describe('changed parameter sets of one message', () => {
  test('as many as make sense are learned, with one more it is damaged; what was learned stays', () => {
    const rig = settled();
    const most = changing(mostChanges);
    rig.send(80, naluTag(avcc(...most, slice())));
    assert.deepEqual([rig.video.length, rig.counters.truncated], [1, 0]);
    assert.deepEqual(rig.headers.at(-1)?.pps, [most.at(-1)]);

    const more = changing(mostChanges + 9).reverse();
    rig.send(120, naluTag(avcc(...more, slice())));
    assert.deepEqual([rig.video.length, rig.counters.truncated], [1, 1]);
    assert.deepEqual(rig.headers.at(-1)?.pps, [more[mostChanges]]);
    rig.frame(160, slice());
    assert.deepEqual([rig.video.length, rig.counters.truncated], [2, 1]);
  });

  test('in a message without a picture too, and nothing of it is held', () => {
    const rig = settled();
    const cost = rig.send(80, naluTag(avcc(...changing(mostChanges * 10))));
    assert.equal(rig.counters.truncated, 1);
    assert.equal(cost, mostChanges * 10 + 8 * (mostChanges + 1) + 21);
    rig.send(80, naluTag(avcc(slice(4))));
    assert.deepEqual(rig.video.at(-1)?.payload.length, avcc(slice(4)).length);
  });

  test('the same one again and again is no change', () => {
    const rig = settled();
    rig.send(80, naluTag(avcc(...Array<Buffer>(1000).fill(sps), slice())));
    assert.deepEqual([rig.video.length, rig.counters.truncated], [1, 0]);
  });
});

describe('what a message costs beside its bytes', () => {
  test('a NAL unit is one, a changed parameter set eight more, and the record of all sets that follows twenty-one', () => {
    const rig = settled();
    assert.equal(rig.send(80, naluTag(avcc(slice()))), 1);
    assert.equal(rig.send(120, naluTag(avcc(sps, pps, slice()))), 3);
    assert.equal(rig.send(160, naluTag(avcc(sps, ...changing(2), slice()))), 4 + 2 * 8 + 21);
  });

  test('parameter sets change in front of some pictures of a message, with one more it is damaged', () => {
    const rig = settled();
    rig.send(80, pictures(parameterChanges, 0));
    assert.deepEqual([rig.video.length, rig.counters.truncated], [parameterChanges, 0]);
    rig.send(120, pictures(parameterChanges + 9, 20));
    assert.deepEqual([rig.video.length, rig.counters.truncated], [2 * parameterChanges, 1]);
    assert.deepEqual(rig.headers.at(-1)?.pps.at(-1), withId(200, 20 + parameterChanges));
  });

  test('each of their records is of all sets, and costs more the more there are', () => {
    const rig = settled();
    const few = rig.send(80, pictures(parameterChanges, 0));
    assert.ok(few >= parameterChanges * (8 + 20), `${few} units`);
    for (let id = 0; id < 192; id += 48)
      rig.send(120 + id, naluTag(avcc(...Array.from({ length: 48 }, (_, i) => withId(id + i, 1)), slice())));
    const many = rig.send(400, pictures(parameterChanges, 20));
    assert.ok(many >= few + (parameterChanges * 190) / 2, `${many} units, not ${few}`);
  });

  test('a sequence header costs when it changes', () => {
    const rig = settled();
    assert.equal(rig.send(80, headerTag([sps], [pps])), 0);
    const changed = rig.send(80, headerTag([sps], changing(1)));
    assert.ok(changed >= 50 && changed < 100, `${changed} units`);
    const many = rig.send(
      80,
      headerTag(
        [sps],
        Array.from({ length: 200 }, (_, i) => Buffer.from([0x68, i, 1])),
      ),
    );
    assert.ok(many > 200 * 8, `${many} units`);
    const nonsense = rig.send(80, Buffer.from([0x17, 0, 0, 0, 0, 9, 9, 9]));
    assert.equal(nonsense, 50);
  });

  test('what is not H.264 costs nothing', () => {
    assert.equal(settled().send(80, Buffer.from([0x1c, 1, 0, 0, 0, 1, 2, 3])), 0);
    assert.equal(settled().send(80, empty), 0);
  });

  test('a message that is gathered counts the units of its list and those that it is made of', () => {
    const rig = new PublisherRig();
    rig.send(0, headerTag([sps], [pps], 2));
    const cost = rig.send(0, naluTag(Buffer.from([0, 2, 0x65, 0x88, 0, 2, 0x65, 0x24])));
    assert.equal(cost, 4);
  });
});
