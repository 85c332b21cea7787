import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { decodeSps } from '../../../src/h264/sps.ts';

const hex = (text: string) => Buffer.from(text, 'hex');

describe('F12: SPS of real encoders', () => {
  // From libx264; see the samples' README for how.
  const cases: [
    name: string,
    unit: string,
    width: number,
    height: number,
    fps: number,
    profile: number,
    level: number,
  ][] = [
    ['1080p30 with cropping', '6742c028da01e0089f970110000003001000000303c0f1832a', 1920, 1080, 30, 66, 40],
    ['720p60', '6742c020da014016ec0440000003004000001e03c60ca8', 1280, 720, 60, 66, 32],
    ['NTSC rate', '6742c01eda0280bfe5c04400000fa40003a9803c58ba80', 640, 360, 30000 / 1001, 66, 30],
    ['odd size', '6742c01eda02e0d7889b011000000300100000030320f162ea', 722, 406, 25, 66, 30],
    ['4:4:4', '67f40016919680b435f8dc0440000003004000000783c58ba8', 720, 404, 15, 244, 22],
    ['10 bit', '676e000ba6cb40a0fd8088000003000800000300a078a155', 320, 240, 10, 110, 11],
    ['4:2:2', '677a001ebcb405a1afc5e022000003000200000300641e2c5d40', 720, 406, 25, 122, 30],
    ['1080i', '674d4028f403c0227ef011000003000100000300321f162ea0', 1920, 1080, 25, 77, 40],
  ];
  for (const [name, unit, width, height, fps, profile, level] of cases) {
    test(name, () => {
      const facts = decodeSps(hex(unit));
      assert.ok(facts);
      assert.deepEqual(
        [facts.id, facts.width, facts.height, facts.fps, facts.profile, facts.level],
        [0, width, height, fps, profile, level],
      );
      assert.equal(facts.frameMbsOnly, name !== '1080i');
    });
  }
});

describe('F12: bounds', () => {
  test('an SPS that ends early, is empty or is all zeros cannot be read', () => {
    const whole = hex('6742c028da01e0089f970110000003001000000303c0f1832a');
    for (let length = 0; length < 9; length++) assert.equal(decodeSps(whole.subarray(0, length)), null, `${length}`);
    assert.equal(decodeSps(Buffer.alloc(100)), null);
    assert.equal(decodeSps(Buffer.alloc(9000, 0xff)), null);
  });
  test('a VUI that ends early costs the frame rate only', () => {
    const facts = decodeSps(hex('6742c028da01e0089f9701'));
    assert.deepEqual([facts?.width, facts?.height, facts?.fps], [1920, 1080, 0]);
  });
  /** Bits as text to an SPS unit: baseline, level 3, then these. */
  const fromBits = (bits: string) =>
    Buffer.concat([
      hex('6742001e'),
      Buffer.from(
        bits
          .padEnd(Math.ceil(bits.length / 8) * 8 + 8, '0')
          .match(/.{8}/g)!
          .map((byte) => Number.parseInt(byte, 2)),
      ),
    ]);
  const ue = (value: number) => {
    const code = (value + 1).toString(2);
    return '0'.repeat(code.length - 1) + code;
  };
  /** Id, frame_num bits, POC type 2, 1 reference, no gaps, size in macroblocks, progressive, 8x8, cropping, no VUI. */
  const shape = (id: number, width: number, height: number, crop = '0') =>
    fromBits(`${ue(id)}${ue(0)}${ue(2)}${ue(1)}0${ue(width - 1)}${ue(height - 1)}11${crop}01`);

  test('the largest dimension passes, one macroblock more does not', () => {
    assert.equal(decodeSps(shape(0, 1024, 1024))?.width, 16384);
    assert.equal(decodeSps(shape(0, 1025, 10)), null);
    assert.equal(decodeSps(shape(0, 10, 2 ** 31)), null);
  });
  test('cropping must leave a picture', () => {
    assert.equal(decodeSps(shape(0, 2, 2, `1${ue(0)}${ue(15)}${ue(0)}${ue(0)}`))?.width, 2);
    assert.equal(decodeSps(shape(0, 2, 2, `1${ue(0)}${ue(16)}${ue(0)}${ue(0)}`)), null);
    assert.equal(decodeSps(shape(0, 2, 2, `1${ue(2 ** 31)}${ue(2 ** 31)}${ue(0)}${ue(0)}`)), null);
  });
  test('ids go to 31', () => {
    assert.equal(decodeSps(shape(31, 2, 2))?.id, 31);
    assert.equal(decodeSps(shape(32, 2, 2)), null);
  });
});
