import assert from 'node:assert/strict';
import { test } from 'node:test';
import { quantile, type Reading, trendOf } from '../../../scripts/soak/trend.ts';

const readings = (count: number, value: (i: number) => number): Reading[] =>
  Array.from({ length: count }, (_, i) => ({ atMs: i * 5000, value: value(i) }));

test('a figure that grows steadily has its slope', () => {
  const trend = trendOf(readings(721, (i) => 1000 + i))!;
  assert.equal(Math.round(trend.perHour), 720);
  assert.deepEqual([trend.first, trend.last, trend.highest, trend.readings], [1119, 1600, 1720, 721]);
});

test('single peaks do not count', () => {
  const trend = trendOf(readings(300, (i) => (i % 50 === 49 ? 5000 : 100)))!;
  assert.deepEqual([trend.first, trend.last, trend.perHour, trend.highest], [100, 100, 0, 5000]);
});

test('a saw, as a heap is, has no slope', () => {
  const trend = trendOf(readings(600, (i) => 20 + (i % 30)))!;
  assert.ok(Math.abs(trend.perHour) < 5, `${trend.perHour}`);
  assert.ok(Math.abs(trend.last - trend.first) <= 1);
});

test('of less than three readings nothing can be said', () => {
  assert.equal(trendOf([]), null);
  assert.equal(trendOf(readings(2, () => 1)), null);
});

test('a low quantile is what a figure comes back to', () => {
  const swinging = (floor: (i: number) => number) => readings(600, (i) => floor(i) + (i % 40 < 30 ? 100 : 0));
  const steady = trendOf(
    swinging(() => 200),
    0.1,
  )!;
  assert.deepEqual([steady.first, steady.last, steady.highest], [200, 200, 300]);
  const leaking = trendOf(
    swinging((i) => 200 + i / 10),
    0.1,
  )!;
  assert.ok(leaking.last - leaking.first > 30, `${leaking.first} ${leaking.last}`);
});

test('quantiles', () => {
  assert.deepEqual(
    [0, 0.1, 0.5, 1].map((share) => quantile([4, 1, 3, 2], share)),
    [1, 1, 2, 4],
  );
  assert.equal(quantile([], 0.5), 0);
});
