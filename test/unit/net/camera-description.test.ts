import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { ParameterSets } from '../../../src/egress/parameter-sets.ts';
import { describeCamera } from '../../../src/net/camera-description.ts';
import { BitWriter, nalUnitOf } from '../../../src/offline-card/bit-writer.ts';
import { RtspSurroundings } from '../../support/rtsp-surroundings.ts';
import { testCamera } from '../../support/test-camera.ts';

const camera = testCamera({ index: 0, name: 'North gate' });

/** The beginning of an SPS and of a PPS that refers to one: as much of them as is looked at. */
function spsOf(id: number, level = 31): Buffer {
  const bits = new BitWriter();
  for (const byte of [66, 0xc0, level]) bits.put(byte, 8);
  bits.ue(id);
  bits.trailing();
  return nalUnitOf(0x67, bits.bytes());
}

function ppsOf(id: number, spsId: number): Buffer {
  const bits = new BitWriter();
  bits.ue(id);
  bits.ue(spsId);
  bits.trailing();
  return nalUnitOf(0x68, bits.bytes());
}

/** What DESCRIBE says of a stream with these parameter sets, those in use first. */
function described(sps: Buffer[], pps: Buffer[]): [Uint8Array | null, Uint8Array | null] {
  const { context } = new RtspSurroundings();
  const parameters: ParameterSets = { version: 1, sps, pps, units: Buffer.alloc(0), fps: 25 };
  const loop = Object.assign(context.loop, { parameters: () => parameters });
  const description = describeCamera({ ...context, loop }, camera, false);
  return [description.sps, description.pps];
}

describe('what DESCRIBE says of a camera', () => {
  test('the SPS in use, and the PPS that refers to it, not those of the picture size before', () => {
    const [before, now] = [spsOf(0), spsOf(1, 40)];
    const [ppsBefore, ppsNow] = [ppsOf(0, 0), ppsOf(1, 1)];
    assert.deepEqual(described([now, before], [ppsBefore, ppsNow]), [now, ppsNow]);
    assert.deepEqual(described([before, now], [ppsBefore, ppsNow]), [before, ppsBefore]);
  });

  test('of several PPS for one SPS the first; any when none can be read', () => {
    const unreadable = Buffer.from([0x68]);
    assert.deepEqual(described([spsOf(0)], [ppsOf(0, 0), ppsOf(255, 0)]), [spsOf(0), ppsOf(0, 0)]);
    assert.deepEqual(described([spsOf(31)], [ppsOf(0, 7), ppsOf(255, 31)]), [spsOf(31), ppsOf(255, 31)]);
    assert.deepEqual(described([spsOf(0)], [unreadable]), [spsOf(0), unreadable]);
  });

  test('no parameter sets while there are none', () => {
    assert.deepEqual(described([], []), [null, null]);
  });
});
