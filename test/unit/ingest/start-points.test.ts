import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { limits } from '../../../src/base/limits.ts';
import { AccessUnit } from '../../../src/h264/access-unit.ts';
import { StartPoints } from '../../../src/ingest/start-points.ts';
import { recordFlag } from '../../../src/shm/frame-ring.ts';
import { avcc, idr, intraSlice, pps, recoverySei, slice, sps } from './publisher-rig.ts';

const both = recordFlag.keyframe | recordFlag.recoveryPoint;

function judge(points: StartPoints, dtsMs: number, units: readonly Uint8Array[], parametersKnown = true): number {
  const unit = new AccessUnit();
  const bytes = avcc(...units);
  unit.examine(bytes, 0, bytes.length, null, limits.h264.units);
  return points.judge(unit, dtsMs, parametersKnown);
}

describe('StartPoints', () => {
  test('F9: an IDR is a keyframe, a P slice is not', () => {
    const points = new StartPoints();
    assert.equal(judge(points, 0, [idr()]), recordFlag.keyframe);
    assert.equal(judge(points, 40, [slice()]), 0);
  });

  test('F9: a recovery point at once, and an I picture with parameter sets, are keyframes', () => {
    const points = new StartPoints();
    assert.equal(judge(points, 0, [recoverySei(0), slice()]), both);
    assert.equal(judge(points, 40, [sps, pps, intraSlice()]), both);
  });

  test('F9: an I picture alone, P with parameter sets, and I mixed with P are not', () => {
    const points = new StartPoints();
    judge(points, 0, [idr()]);
    assert.equal(judge(points, 40, [intraSlice()]), 0);
    assert.equal(judge(points, 80, [sps, pps, slice()]), 0);
    const laterP = Buffer.concat([Buffer.from([0x41, 0x26, 0x84]), Buffer.alloc(9, 7)]);
    assert.equal(judge(points, 120, [sps, pps, intraSlice(), laterP]), 0);
  });

  test('F10: a gradual refresh is a start point at once if there was none, else after 2 s', () => {
    const fresh = new StartPoints();
    assert.equal(judge(fresh, 0, [recoverySei(10), slice()]), recordFlag.recoveryPoint);
    const points = new StartPoints();
    judge(points, 0, [idr()]);
    assert.equal(judge(points, 1000, [recoverySei(10), slice()]), 0);
    assert.equal(judge(points, 2040, [recoverySei(10), slice()]), recordFlag.recoveryPoint);
    assert.equal(points.withoutIdr, false);
  });

  test('F10: without IDR and recovery points, parameter sets in the stream mark the start after 2 s', () => {
    const points = new StartPoints();
    const starts: number[] = [];
    for (let dtsMs = 0; dtsMs < 5000; dtsMs += 40) {
      const units = dtsMs % 1000 === 0 ? [sps, pps, slice()] : [slice()];
      if (judge(points, dtsMs, units) !== 0) starts.push(dtsMs);
    }
    assert.deepEqual(starts, [2040, 3000, 4000]);
    assert.equal(points.withoutIdr, true);
  });

  test('F10: with nothing to go by, a frame every 2 s has to do', () => {
    const points = new StartPoints();
    const starts: number[] = [];
    for (let dtsMs = 0; dtsMs < 8000; dtsMs += 40) if (judge(points, dtsMs, [slice()]) !== 0) starts.push(dtsMs);
    assert.deepEqual(starts, [2040, 4080, 6120]);
  });

  test('F10: without parameter sets nothing can be decoded and nothing is a start', () => {
    const points = new StartPoints();
    for (let dtsMs = 0; dtsMs < 8000; dtsMs += 40) assert.equal(judge(points, dtsMs, [slice()], false), 0);
  });

  test('F10: a GOP of 20 s has no start points but its IDR', () => {
    const points = new StartPoints();
    judge(points, 0, [idr()]);
    for (let dtsMs = 40; dtsMs < 20_000; dtsMs += 40) assert.equal(judge(points, dtsMs, [slice()]), 0);
    assert.equal(judge(points, 20_000, [idr()]), recordFlag.keyframe);
    assert.equal(points.withoutIdr, false);
  });

  test('F10: a stream that lost its IDR for 30 s goes on by the weaker rules until one comes', () => {
    const points = new StartPoints();
    judge(points, 0, [idr()]);
    assert.equal(judge(points, 30_000, [slice()]), 0);
    assert.equal(judge(points, 30_040, [slice()]), recordFlag.recoveryPoint);
    assert.equal(points.withoutIdr, true);
    assert.equal(judge(points, 30_080, [idr()]), recordFlag.keyframe);
    assert.equal(points.withoutIdr, false);
    assert.equal(judge(points, 40_000, [slice()]), 0);
  });
});
