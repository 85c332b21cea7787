import assert from 'node:assert/strict';
import { test } from 'node:test';
import { PreviewTimeline } from '../../../src/egress/preview-timeline.ts';

test('a frame whose end was not told yet ends where the next one begins', () => {
  const timeline = new PreviewTimeline();
  timeline.step(1000, 0);
  assert.deepEqual(
    [1040, 1073, 1700, 1701].map((dtsMs) => timeline.step(dtsMs, 0)),
    [40, 33, 627, 1],
  );
});

test('a frame that was told to last too short is followed where it was said to end, beyond what players bear', () => {
  const timeline = new PreviewTimeline();
  timeline.step(0, 0);
  assert.equal(timeline.step(80, 40), 80);
  assert.equal(timeline.step(161, 40), 40);
  assert.equal(timeline.step(1161, 100), 100);
});

test('one that was told to last too long is followed when its successor says', () => {
  const timeline = new PreviewTimeline();
  timeline.step(0, 0);
  assert.equal(timeline.step(40, 500), 40);
});

test('what is no step of a stream is taken for a usual one: back, none, too long, after a break', () => {
  const timeline = new PreviewTimeline();
  timeline.step(0, 0);
  timeline.step(33, 0);
  assert.deepEqual(
    [33, 0, 90_000, 90_033].map((dtsMs) => timeline.step(dtsMs, 0)),
    [33, 33, 33, 33],
  );
  timeline.breakStretch();
  assert.equal(timeline.step(90_100, 0), 33);
  timeline.breakStretch();
  assert.equal(timeline.step(90_200, 250), 250);
});

test('an estimate is a usual step, or the time that has gone by without the next frame', () => {
  const timeline = new PreviewTimeline();
  timeline.restart(1000 / 30);
  assert.deepEqual([timeline.estimate(0), timeline.estimate(120.4), timeline.estimate(60_000)], [33, 120, 2000]);
  timeline.restart(0);
  assert.equal(timeline.estimate(0), 40);
  timeline.restart(0.2);
  assert.equal(timeline.estimate(0), 1);
});
