import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { recordFlag, recordKind } from '../../../src/shm/frame-ring.ts';
import {
  annexB,
  avcc,
  delimiter,
  headerTag,
  idr,
  laterSlice,
  naluTag,
  PublisherRig,
  pps,
  pps1,
  prefixed,
  readFlv,
  recoverySei,
  slice,
  sps,
  sps720,
  userSei,
} from './publisher-rig.ts';

const payloads = (rig: PublisherRig) => rig.video.map((record) => record.payload);
const kinds = (rig: PublisherRig) => rig.records.map((record) => record.kind);

describe('F3: length sizes', () => {
  for (const lengthSize of [1, 2, 3, 4]) {
    test(`lengths of ${lengthSize} bytes become lengths of 4`, () => {
      const rig = new PublisherRig();
      const units = [delimiter, idr(), laterSlice(0x65)];
      rig.send(0, headerTag([sps], [pps], lengthSize));
      rig.send(0, naluTag(prefixed(lengthSize, ...units)), [6, 9]);
      rig.send(40, naluTag(prefixed(lengthSize, slice())));
      rig.publisher.stop();
      assert.deepEqual(payloads(rig)[0], avcc(...units));
      assert.equal(rig.video.length, 2);
    });
  }
  test('lengths announced with 2 bytes but sent with 4 are found out', () => {
    const rig = new PublisherRig();
    rig.send(0, headerTag([sps], [pps], 2));
    rig.frame(0, idr(300));
    rig.frame(40, slice(300));
    rig.publisher.stop();
    assert.equal(rig.video.length, 2);
  });
});

describe('F5: no sequence header', () => {
  const units = [sps, pps, idr()];
  const bodies: [name: string, body: (units: readonly Uint8Array[]) => Buffer][] = [
    ['4-byte lengths', (list) => avcc(...list)],
    ['4-byte start codes', (list) => annexB(list)],
    ['3-byte start codes', (list) => annexB(list, 3)],
    ['2-byte lengths', (list) => prefixed(2, ...list)],
    ['1-byte lengths', (list) => prefixed(1, ...list)],
  ];
  for (const [name, body] of bodies) {
    test(`the framing is guessed: ${name}`, () => {
      const rig = new PublisherRig();
      rig.send(0, naluTag(body(units)));
      for (let i = 1; i < 5; i++) rig.send(i * 40, naluTag(body([slice()])));
      rig.publisher.stop();
      assert.deepEqual(kinds(rig).slice(0, 2), [recordKind.sequenceHeader, recordKind.video]);
      assert.equal(rig.headers.length, 1);
      assert.equal(rig.headers[0]?.width, 1920);
      assert.deepEqual(payloads(rig)[0], avcc(...units));
      assert.equal(rig.video.length, 5);
      assert.deepEqual([rig.counters.truncated, rig.counters.tolerated], [0, 0]);
      assert.equal(rig.video[0]?.flags, recordFlag.keyframe | recordFlag.parameterSets);
    });
  }

  test('a length of 256 to 511 looks like a start code but is walked first', () => {
    const rig = new PublisherRig();
    const units = [idr(300), laterSlice(0x65, 450)];
    rig.send(0, naluTag(avcc(...units)));
    rig.send(40, naluTag(avcc(slice())));
    assert.deepEqual(payloads(rig)[0], avcc(...units));
  });

  test('the guess stays: one broken access unit does not change it', () => {
    const rig = new PublisherRig();
    rig.send(0, naluTag(prefixed(2, ...units)));
    rig.send(40, naluTag(Buffer.from('0fff41', 'hex')));
    rig.send(80, naluTag(prefixed(2, slice())));
    rig.publisher.stop();
    assert.deepEqual([rig.video.length, rig.counters.truncated], [2, 1]);
  });

  test('a message in no known framing is dropped, the stream goes on', () => {
    const rig = new PublisherRig();
    rig.send(0, naluTag(Buffer.alloc(50, 0xff)));
    rig.send(40, naluTag(avcc(...units)));
    rig.publisher.stop();
    assert.deepEqual([rig.video.length, rig.counters.truncated], [1, 1]);
  });

  test('a guess by SEI alone is not kept', () => {
    const rig = new PublisherRig();
    rig.send(0, naluTag(avcc(userSei)));
    rig.send(0, naluTag(annexB(units)));
    rig.publisher.stop();
    assert.deepEqual(payloads(rig), [avcc(userSei, ...units)]);
  });

  test('a header that comes late decides', () => {
    const rig = new PublisherRig();
    rig.send(0, naluTag(avcc(...units)));
    rig.send(40, headerTag([sps], [pps], 2));
    rig.send(40, naluTag(prefixed(2, slice())));
    rig.publisher.stop();
    assert.deepEqual([rig.video.length, rig.headers.length], [2, 1]);
  });
});

describe('F5: parameter sets in the stream', () => {
  test('F3: a header without any waits for them', () => {
    const rig = new PublisherRig();
    rig.send(0, headerTag([], []));
    rig.frame(0, sps, pps, idr());
    rig.publisher.stop();
    assert.deepEqual(kinds(rig), [recordKind.sequenceHeader, recordKind.video, recordKind.endOfStream]);
  });

  test('known ones change nothing, new ones are written in front of their access unit', () => {
    const rig = new PublisherRig();
    rig.settle();
    rig.frame(80, sps, pps, idr());
    assert.deepEqual(kinds(rig), [recordKind.video]);
    const unit = [delimiter, sps720, pps, idr(3000)];
    rig.frame(120, ...unit);
    assert.deepEqual(kinds(rig), [recordKind.video, recordKind.sequenceHeader, recordKind.video]);
    assert.deepEqual(payloads(rig)[1], avcc(...unit));
    assert.equal(rig.headers[0]?.width, 1280);
  });

  test('F3: all are kept by id; the one in use comes first', () => {
    const rig = new PublisherRig();
    rig.settle();
    rig.frame(80, pps1, slice());
    assert.deepEqual(rig.headers[0]?.pps.map(Buffer.from), [pps, pps1]);
    const second = Buffer.from(sps720);
    // The id is the first Exp-Golomb code behind the level: 1 (0) becomes 010 (1), which the rest of this unit does not follow.
    second[4] = 0x40 | (second[4]! & 0x1f);
    rig.frame(120, second, slice());
    assert.deepEqual(rig.headers[1]?.sps.map(Buffer.from), [second, sps]);
  });

  test('F12: an SPS that cannot be read is passed on', () => {
    const rig = new PublisherRig();
    const broken = Buffer.from('674200ff800000000000', 'hex');
    rig.send(0, headerTag([broken], [pps]));
    rig.frame(0, idr());
    rig.publisher.stop();
    assert.deepEqual(rig.headers[0]?.sps.map(Buffer.from), [broken]);
    assert.deepEqual([rig.headers[0]?.width, rig.headers[0]?.profile], [0, 0x42]);
    assert.equal(rig.video.length, 1);
  });

  test('endless new parameter sets are bounded', () => {
    const rig = new PublisherRig();
    rig.settle();
    for (let id = 0; id < 200; id++) {
      const large = Buffer.concat([Buffer.from([0x68]), Buffer.from([0, 0x80 | (id >> 1)]), Buffer.alloc(500, 0x55)]);
      rig.frame(80 + id * 40, large, slice());
    }
    assert.equal(rig.video.length, 200);
    assert.ok(rig.headers.at(-1)!.pps.reduce((sum, unit) => sum + unit.length, 0) <= 8192);
    assert.ok(rig.counters.tolerated > 0);
  });
});

describe('F6: byte streams and start codes where there should be lengths', () => {
  for (const code of [3, 4]) {
    test(`a byte stream with ${code}-byte start codes after a header that announces lengths`, () => {
      const rig = new PublisherRig();
      rig.settle();
      const units = [delimiter, slice(), laterSlice(0x41, 300)];
      for (let i = 0; i < 4; i++) rig.send(80 + i * 40, naluTag(annexB(units, code)), [7, 20]);
      rig.frame(240, ...units);
      assert.deepEqual(payloads(rig), Array(5).fill(avcc(...units)));
      assert.equal(rig.counters.truncated, 0);
    });
  }

  for (const [name, first, length] of [
    ['a delimiter', Buffer.from([9, 0x30]), 0x109],
    ['SEI', userSei, 0x106],
  ] as const)
    test(`a picture of just the bytes that the start code of ${name} would be the length of`, () => {
      const rig = new PublisherRig();
      rig.settle();
      const units = [first, slice(length - first.length - 5)];
      assert.equal(annexB(units, 3).length, 4 + length);
      rig.send(80, naluTag(annexB([first, slice(900)])));
      rig.send(120, naluTag(annexB(units, 3)));
      assert.deepEqual(payloads(rig)[1], avcc(...units));
      assert.equal(rig.video[1]?.flags, 0);

      const guessed = new PublisherRig();
      guessed.send(0, naluTag(annexB(units, 3)));
      guessed.publisher.stop();
      assert.deepEqual(payloads(guessed), [avcc(...units)]);
    });

  test('one length around a whole picture, also where it looks like a start code', () => {
    const rig = new PublisherRig();
    const glued = (...units: Buffer[]): Buffer => annexB(units, 4).subarray(4);
    const lengths = [300, 0x141, 400];
    rig.frame(0, glued(delimiter, sps, pps, idr()));
    const units = lengths.map((length) => [delimiter, slice(length - delimiter.length - 7)]);
    for (const [i, pair] of units.entries()) rig.frame(40 + i * 40, glued(...pair));
    rig.publisher.stop();
    assert.deepEqual(
      payloads(rig).slice(1),
      units.map((pair) => avcc(...pair)),
    );
  });

  test('a start code inside a slice at the beginning of a stream is found, and looked for from then on', () => {
    const rig = new PublisherRig();
    rig.send(0, headerTag([sps], [pps]));
    const glued = Buffer.concat([sps, Buffer.from([0, 0, 0, 1]), pps, Buffer.from([0, 0, 1]), idr(600)]);
    const [first, second] = [slice(700), laterSlice(0x41, 700)];
    const gluedSlices = Buffer.concat([first, Buffer.from([0, 0, 0, 1]), second]);
    rig.frame(0, glued);
    for (let i = 1; i <= 20; i++) rig.frame(i * 40, gluedSlices);
    rig.publisher.stop();
    assert.deepEqual(payloads(rig)[0], avcc(sps, pps, glued.subarray(glued.length - 603)));
    assert.deepEqual(payloads(rig).slice(1), Array(20).fill(avcc(first, second)));
  });

  test('binary data in SEI without emulation prevention is not taken for a start code', () => {
    const rig = new PublisherRig();
    rig.settle();
    const sei = Buffer.concat([
      userSei.subarray(0, 2),
      Buffer.from('20 000001 00 000001 2c 000001 05 000001 ff 80'.replaceAll(' ', ''), 'hex'),
    ]);
    const picture = slice();
    rig.frame(80, sei, picture);
    assert.deepEqual(payloads(rig), [avcc(sei, picture)]);
  });

  test('later it is still found in small units without a picture', () => {
    const rig = new PublisherRig();
    rig.settle();
    for (let i = 0; i < 20; i++) rig.frame(80 + i * 40, slice());
    const glued = Buffer.concat([sps, Buffer.from([0, 0, 0, 1]), pps]);
    const key = idr();
    rig.frame(1000, glued, key);
    assert.deepEqual(payloads(rig).at(-1), avcc(sps, pps, key));
    assert.equal(rig.video.at(-1)?.flags, recordFlag.keyframe | recordFlag.parameterSets);
  });
});

describe('F7: odd lengths', () => {
  test('empty units stay, the packetizer skips them; a message of nothing else is ignored', () => {
    const rig = new PublisherRig();
    rig.settle();
    const body = Buffer.concat([Buffer.alloc(4), avcc(slice()), Buffer.alloc(8)]);
    rig.send(80, naluTag(body));
    rig.send(120, naluTag(Buffer.alloc(4)));
    assert.deepEqual(payloads(rig), [body]);
    assert.deepEqual([rig.counters.tolerated, rig.counters.seiOnly, rig.counters.truncated], [1, 0, 0]);
  });

  test('a length past the end drops that access unit and counts it', () => {
    const rig = new PublisherRig();
    rig.settle();
    const body = avcc(slice(), slice());
    rig.send(80, naluTag(body.subarray(0, body.length - 1)));
    rig.frame(120, slice());
    assert.deepEqual([rig.video.length, rig.counters.truncated], [1, 1]);
    assert.equal(rig.video[0]?.dtsMs, 120);
  });

  test('up to three stray bytes are cut off', () => {
    const rig = new PublisherRig();
    rig.settle();
    const body = avcc(slice());
    rig.send(80, naluTag(Buffer.concat([body, Buffer.from([0, 1, 2])])));
    assert.deepEqual(payloads(rig), [body]);
    assert.equal(rig.counters.tolerated, 1);
  });
});

describe('F8: no picture in the message', () => {
  test('SEI is held for the next access unit and counted, delimiters are not held', () => {
    const rig = new PublisherRig();
    rig.settle();
    const picture = slice();
    rig.frame(80, delimiter, userSei);
    rig.frame(80, Buffer.from([0x2c, 1, 2]), userSei);
    rig.frame(80, picture);
    rig.frame(120, picture);
    assert.deepEqual(payloads(rig), [avcc(userSei, userSei, picture), avcc(picture)]);
    assert.equal(rig.counters.seiOnly, 2);
  });

  test('a keyframe flag does not make it a frame', () => {
    const rig = new PublisherRig();
    rig.settle();
    rig.send(80, naluTag(avcc(userSei), { key: true }));
    assert.deepEqual([rig.records.length, rig.counters.seiOnly, rig.counters.keyframes], [0, 1, 1]);
  });

  test('parameter sets of their own message are learned at once and kept with the picture', () => {
    const rig = new PublisherRig();
    rig.settle();
    const key = idr();
    rig.frame(80, sps720, pps);
    assert.deepEqual(kinds(rig), [recordKind.sequenceHeader]);
    rig.frame(80, key);
    assert.deepEqual(payloads(rig), [avcc(sps720, pps, key)]);
    assert.equal(rig.video[0]?.flags, recordFlag.keyframe | recordFlag.parameterSets);
  });

  test('a dropped access unit does not take what is held with it', () => {
    const rig = new PublisherRig();
    rig.settle();
    const picture = slice();
    rig.frame(80, userSei);
    rig.send(80, naluTag(Buffer.from('00000009 41'.replace(' ', ''), 'hex')));
    rig.frame(80, picture);
    assert.deepEqual(payloads(rig), [avcc(userSei, picture)]);
  });

  test('endless SEI is bounded', () => {
    const rig = new PublisherRig();
    rig.settle();
    const sei = Buffer.concat([userSei.subarray(0, 2), Buffer.alloc(1000, 0x11)]);
    for (let i = 0; i < 500; i++) rig.frame(80, sei);
    rig.frame(80, slice());
    assert.ok(rig.video[0]!.payload.length < 70_000);
    assert.ok(rig.counters.tolerated > 400);
  });
});

describe('F9: keyframes', () => {
  test('the flag is not believed, in either direction', () => {
    const rig = new PublisherRig();
    rig.settle();
    rig.send(80, naluTag(avcc(slice()), { key: true }));
    rig.send(120, naluTag(avcc(idr()), { key: false }));
    assert.deepEqual(
      rig.video.map((record) => record.flags),
      [0, recordFlag.keyframe],
    );
  });

  test('F10: a stream without IDR is reported once and gets start points', () => {
    const rig = new PublisherRig();
    rig.send(0, headerTag([sps], [pps]));
    for (let i = 0; i < 200; i++) rig.frame(i * 40, slice());
    rig.publisher.stop();
    assert.equal(rig.events.filter((event) => event.type === 'no_idr').length, 1);
    assert.ok(rig.video.filter((record) => record.flags & recordFlag.recoveryPoint).length >= 3);
  });

  test('F10: a held recovery point counts for the picture it comes before', () => {
    const rig = new PublisherRig();
    rig.settle();
    rig.frame(80, recoverySei(0));
    rig.frame(80, slice());
    assert.equal(rig.video[0]?.flags, recordFlag.keyframe | recordFlag.recoveryPoint);
  });
});

describe('F11: access units over several messages', () => {
  test('slices of one picture in messages of one timestamp are joined, from the first access unit on', () => {
    const rig = new PublisherRig();
    rig.send(0, headerTag([sps], [pps]));
    const pictures: Buffer[] = [];
    for (let i = 0; i < 5; i++) {
      const slices = i === 0 ? [idr(), laterSlice(0x65), laterSlice(0x65)] : [slice(), laterSlice(), laterSlice()];
      pictures.push(avcc(...slices));
      for (const unit of slices) rig.send(i * 40, naluTag(avcc(unit)), [3, 9]);
      rig.nowMs += 40;
    }
    rig.publisher.stop();
    assert.deepEqual(payloads(rig), pictures);
    assert.deepEqual(
      rig.video.map((record) => record.dtsMs),
      [0, 40, 80, 120, 160],
    );
    assert.equal(rig.video[0]?.flags, recordFlag.keyframe);
  });

  test('the first access unit of any stream waits for the next message, or for its deadline', () => {
    const rig = new PublisherRig();
    rig.send(0, headerTag([sps], [pps]));
    assert.equal(rig.publisher.deadlineMs, Number.POSITIVE_INFINITY);
    rig.send(0, naluTag(avcc(idr())));
    assert.equal(rig.video.length, 0);
    assert.equal(rig.publisher.deadlineMs, rig.nowMs + 50);
    rig.publisher.flush(rig.nowMs + 49);
    assert.equal(rig.video.length, 0);
    rig.publisher.flush(rig.nowMs + 50);
    assert.equal(rig.video.length, 1);
    assert.equal(rig.publisher.deadlineMs, Number.POSITIVE_INFINITY);
    rig.send(40, naluTag(avcc(slice())));
    assert.equal(rig.video.length, 2);
  });

  test('a continuation that comes later in a stream is passed on by itself, and joined from then on', () => {
    const rig = new PublisherRig();
    rig.settle();
    rig.frame(80, slice());
    rig.send(80, naluTag(avcc(laterSlice())));
    rig.nowMs += 40;
    const picture = [slice(), laterSlice()];
    rig.send(120, naluTag(avcc(picture[0]!)));
    rig.send(120, naluTag(avcc(picture[1]!)));
    rig.publisher.flush(rig.nowMs + 60);
    assert.equal(rig.video.length, 3);
    assert.deepEqual(payloads(rig)[2], avcc(...picture));
  });

  test('a later slice with another timestamp is not a continuation', () => {
    const rig = new PublisherRig();
    rig.settle();
    rig.frame(80, slice());
    rig.frame(120, laterSlice());
    rig.frame(160, slice());
    assert.equal(rig.video.length, 3);
  });

  test('two whole access units with one timestamp stay two', () => {
    const rig = new PublisherRig();
    rig.send(0, headerTag([sps], [pps]));
    const units = [idr(), slice(), slice()];
    for (const unit of units) rig.send(0, naluTag(avcc(unit)));
    rig.publisher.stop();
    assert.deepEqual(
      payloads(rig),
      units.map((unit) => avcc(unit)),
    );
    assert.deepEqual(
      rig.video.map((record) => record.dtsMs),
      [0, 1, 2],
    );
  });

  test('what else comes while an access unit waits completes it', () => {
    const first = avcc(idr());
    const cases: [name: string, send: (rig: PublisherRig) => void][] = [
      ['SEI', (rig) => rig.send(0, naluTag(avcc(userSei)))],
      ['a new sequence header', (rig) => rig.send(0, headerTag([sps720], [pps]))],
      ['the end of the sequence', (rig) => rig.send(0, Buffer.from('1702000000', 'hex'))],
      ['another timestamp', (rig) => rig.publisher.begin(40, 100, rig.nowMs)],
      ['the end of the stream', (rig) => rig.publisher.stop()],
    ];
    for (const [name, send] of cases) {
      const rig = new PublisherRig();
      rig.send(0, headerTag([sps], [pps]));
      rig.send(0, naluTag(first));
      assert.equal(rig.video.length, 0, name);
      send(rig);
      assert.deepEqual(payloads(rig), [first], name);
    }
  });

  test('what is broken while an access unit waits leaves it alone', () => {
    const rig = new PublisherRig();
    rig.send(0, headerTag([sps], [pps]));
    const slices = [idr(), laterSlice(0x65)];
    rig.send(0, naluTag(avcc(slices[0]!)));
    rig.send(0, naluTag(Buffer.from('0000000965', 'hex')));
    const body = naluTag(avcc(laterSlice(0x65)));
    rig.publisher.begin(0, body.length, rig.nowMs);
    rig.publisher.append(body, 0, body.length - 3);
    rig.publisher.flush(rig.nowMs + 1000);
    assert.equal(rig.video.length, 0);
    rig.publisher.abort();
    rig.send(0, naluTag(avcc(slices[1]!)));
    rig.publisher.stop();
    assert.deepEqual(payloads(rig), [avcc(...slices)]);
  });

  test('a continuation with the next picture behind it is split there', () => {
    const rig = new PublisherRig();
    rig.send(0, headerTag([sps], [pps]));
    const slices = [idr(), laterSlice(0x65)];
    const next = [userSei, slice(), laterSlice()];
    rig.send(0, naluTag(avcc(slices[0]!)));
    rig.send(0, naluTag(avcc(slices[1]!, ...next)));
    rig.publisher.stop();
    assert.deepEqual(payloads(rig), [avcc(...slices), avcc(...next)]);
    assert.deepEqual(
      rig.video.map((record) => record.flags),
      [recordFlag.keyframe, 0],
    );
  });
});

describe('F11: several access units in one message', () => {
  test('they become records of their own; what comes before a picture goes with it', () => {
    const rig = new PublisherRig();
    rig.settle();
    const units = [
      [delimiter, slice(), laterSlice()],
      [delimiter, userSei, slice(20, [0x9a, 0x44])],
      [slice(20, [0x9a, 0x64]), laterSlice(), laterSlice()],
    ];
    rig.frame(80, ...units.flat());
    rig.frame(120, slice());
    assert.deepEqual(
      payloads(rig).slice(0, 3),
      units.map((list) => avcc(...list)),
    );
    assert.deepEqual(
      rig.video.map((record) => record.dtsMs),
      [80, 81, 82, 120],
    );
  });

  test('new parameter sets in the second one come in front of that one', () => {
    const rig = new PublisherRig();
    rig.settle();
    const [first, second] = [[slice()], [sps720, pps, idr()]];
    rig.frame(80, ...first, ...second);
    assert.deepEqual(kinds(rig), [recordKind.video, recordKind.sequenceHeader, recordKind.video]);
    assert.deepEqual(payloads(rig), [avcc(...first), avcc(...second)]);
  });

  test('F12: both fields of a frame stay one access unit', () => {
    // frame_mbs_only_flag 0, baseline syntax: field_pic_flag and bottom_field_flag follow frame_num.
    const rig = new PublisherRig();
    const interlaced = Buffer.from('674d4028f403c0227ef011000003000100000300321f162ea0', 'hex');
    rig.send(0, headerTag([interlaced], [pps]));
    rig.frame(0, idr());
    rig.frame(40, slice());
    // first_mb 0, slice_type 5, PPS 0, frame_num 0001, field 1, bottom 0 or 1, POC lsb.
    const bits = (bottom: number) => Number.parseInt(`1001101${'0001'}1${bottom}000`, 2);
    const unit = (bottom: number) =>
      Buffer.concat([Buffer.from([0x41, bits(bottom) >> 8, bits(bottom) & 255]), Buffer.alloc(20, 7)]);
    rig.frame(80, unit(0), unit(1));
    assert.deepEqual(payloads(rig).at(-1), avcc(unit(0), unit(1)));
    assert.equal(rig.video.length, 3);
  });

  test('more pictures than any encoder puts into a message are dropped', () => {
    const rig = new PublisherRig();
    rig.settle();
    rig.frame(80, ...Array.from({ length: 100 }, (_, i) => slice(4, [0x9a, i % 2 === 0 ? 0x24 : 0x44])));
    assert.deepEqual([rig.video.length, rig.counters.truncated], [16, 1]);
    rig.frame(120, slice());
    assert.equal(rig.video.length, 17);
  });
});

test('F11: a sample of libx264 cut into a message per NAL unit is joined again', () => {
  const rig = new PublisherRig();
  const tags = readFlv('four-slices.flv');
  for (const tag of tags) {
    if (tag.body[1] !== 1) rig.send(tag.timestampMs, tag.body);
    for (let at = 5; tag.body[1] === 1 && at < tag.body.length; ) {
      const next = at + 4 + tag.body.readUInt32BE(at);
      rig.send(tag.timestampMs, Buffer.concat([tag.body.subarray(0, 5), tag.body.subarray(at, next)]));
      at = next;
    }
    rig.nowMs += 40;
  }
  rig.publisher.stop();
  const sent = tags.filter((tag) => tag.body[1] === 1);
  assert.deepEqual(
    payloads(rig),
    sent.map((tag) => tag.body.subarray(5)),
  );
});
