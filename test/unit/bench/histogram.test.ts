import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { Histogram } from '../../../native-free-bench/system/histogram.ts';

describe('histogram', () => {
  test('percentiles are within 2 % of the exact ones', () => {
    const histogram = new Histogram();
    for (let value = 1; value <= 100_000; value++) histogram.add(value);
    for (const q of [0.01, 0.5, 0.95, 0.99, 0.999]) {
      const exact = q * 100_000;
      assert.ok(Math.abs(histogram.percentileUs(q) - exact) <= exact * 0.02, `q ${q}: ${histogram.percentileUs(q)}`);
    }
    assert.equal(histogram.percentileUs(1), 100_000);
  });

  test('a single slow value is the maximum exactly and does not move the median', () => {
    const histogram = new Histogram();
    for (let i = 0; i < 999; i++) histogram.add(10);
    histogram.add(1_234_567);
    const summary = histogram.summary();
    assert.equal(summary.p50Ms, 0.01);
    assert.equal(summary.p99Ms, 0.01);
    assert.equal(summary.maximumMs, 1234.567);
    assert.equal(summary.count, 1000);
  });

  test('merging what another process counted is the same as counting it here', () => {
    const [left, right, all] = [new Histogram(), new Histogram(), new Histogram()];
    for (let i = 0; i < 5000; i++) {
      const value = (i * 7919) % 900_001;
      (i % 2 === 0 ? left : right).add(value);
      all.add(value);
    }
    const merged = new Histogram();
    merged.merge(JSON.parse(JSON.stringify(left.toData())));
    merged.merge(JSON.parse(JSON.stringify(right.toData())));
    assert.deepEqual(merged.summary(), all.summary());
  });

  test('negative and huge values are clipped, and an empty histogram is all zero', () => {
    const histogram = new Histogram();
    assert.deepEqual(histogram.summary().p99Ms, 0);
    histogram.add(-5);
    histogram.add(1e12);
    assert.equal(histogram.percentileUs(0.5), 0);
    assert.equal(histogram.percentileUs(1), 0x7fffffff);
    histogram.reset();
    assert.equal(histogram.count, 0);
  });
});
