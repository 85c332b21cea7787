import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import {
  createStampNal,
  Stamp,
  stampFieldsOffset,
  stampNalLength,
  writeStamp,
} from '../../../native-free-bench/system/stamp.ts';

describe('frame stamp', () => {
  test('every field comes back as it was written, at the ends of its range too', () => {
    const cases = [
      [0, 0, 0, 0],
      [16383, 0xfffffff, 2 ** 49 - 1, 0x1fffff],
      [999, 123456, 86_400_000_000_123, 1500],
    ] as const;
    for (const [publisher, frame, dueUs, lateUs] of cases) {
      const nal = createStampNal();
      writeStamp(nal, stampFieldsOffset, publisher, frame, dueUs, lateUs);
      const stamp = new Stamp();
      assert.ok(stamp.read(nal, 0, nal.length));
      assert.deepEqual({ ...stamp }, { publisher, frame, dueUs, lateUs });
    }
  });

  test('lateness is clipped instead of wrapped, and an early frame counts as on time', () => {
    const nal = createStampNal();
    const stamp = new Stamp();
    writeStamp(nal, stampFieldsOffset, 1, 1, 1, 5e6);
    stamp.read(nal, 0, nal.length);
    assert.equal(stamp.lateUs, 0x1fffff);
    writeStamp(nal, stampFieldsOffset, 1, 1, 1, -3);
    stamp.read(nal, 0, nal.length);
    assert.equal(stamp.lateUs, 0);
  });

  test('no stamp needs emulation prevention: no payload byte is zero', () => {
    const nal = createStampNal();
    writeStamp(nal, stampFieldsOffset, 0, 0, 0, 0);
    assert.ok(nal.subarray(3).every((byte) => byte >= 0x80));
  });

  test('another SEI, another identifier and a cut-off NAL unit are no stamps', () => {
    const nal = createStampNal();
    const stamp = new Stamp();
    assert.equal(stamp.read(nal, 0, stampNalLength - 1), false);
    assert.equal(stamp.read(Buffer.concat([Buffer.from([0x06, 0x04]), nal.subarray(2)]), 0, stampNalLength), false);
    nal[10]! ^= 1;
    assert.equal(stamp.read(nal, 0, nal.length), false);
  });
});
