import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { Timeline } from '../../../src/ingest/timeline.ts';

/** Feeds [timestamp, arrival] pairs and returns the results. */
function feed(timeline: Timeline, pairs: readonly (readonly [number, number])[]): number[] {
  return pairs.map(([timestampMs, arrivalMs]) => timeline.next(timestampMs, arrivalMs));
}

/** Timestamps that arrive exactly when they say, from an arbitrary moment on. */
function onTime(timestamps: readonly number[]): [number, number][] {
  return timestamps.map((timestampMs) => [timestampMs, 90_000 + timestampMs]);
}

describe('Timeline', () => {
  test('J1: steps of 33, 33, 34 ms are kept exactly', () => {
    const steps = Array.from({ length: 300 }, (_, i) => Math.floor((i * 100) / 3));
    assert.deepEqual(feed(new Timeline(), onTime(steps)), steps);
  });

  test('T4: the first timestamp is arbitrary and becomes 0', () => {
    for (const first of [0, 16_779_615, 0x7fffffff, 0x80000000, 0xffffffff, 123_456_789]) {
      const timeline = new Timeline();
      assert.deepEqual(
        feed(timeline, [
          [first, 0],
          [(first + 40) >>> 0, 40],
          [(first + 80) >>> 0, 80],
        ]),
        [0, 40, 80],
        `${first}`,
      );
    }
  });

  test('T2: 2^32 wraps without a trace', () => {
    const timeline = new Timeline();
    assert.deepEqual(
      feed(timeline, [
        [0xffffffd8, 0],
        [0, 40],
        [40, 80],
      ]),
      [0, 40, 80],
    );
    assert.equal(timeline.discontinuity, false);
  });

  test('T2: the 2^31 wrap of OBS goes on where it was', () => {
    const timeline = new Timeline();
    assert.deepEqual(
      feed(timeline, [
        [0x80000000 - 50, 0],
        [0x80000000 - 10, 40],
        [30, 80],
        [70, 120],
      ]),
      [0, 40, 80, 120],
    );
    assert.equal(timeline.discontinuity, false);
  });

  test('T2: a publisher that goes on above 2^31 is not taken for one that wraps', () => {
    assert.deepEqual(
      feed(new Timeline(), [
        [0x80000000 - 20, 0],
        [0x80000000 + 20, 40],
      ]),
      [0, 40],
    );
  });

  test('T1: three wraps of 2^32 add up', () => {
    const timeline = new Timeline();
    const step = 9000;
    const count = Math.ceil((3 * 2 ** 32) / step);
    for (let i = 0; i <= count; i++) timeline.next((i * step) % 2 ** 32, i * step);
    assert.equal(timeline.dtsMs, count * step);
    assert.equal(timeline.corrected, 0);
  });

  test('T4: a small step back keeps the order and returns to the true time', () => {
    const timeline = new Timeline();
    assert.deepEqual(feed(timeline, onTime([0, 40, 80, 60, 100, 140])), [0, 40, 80, 81, 100, 140]);
    assert.equal(timeline.corrected, 1);
    assert.equal(timeline.discontinuity, false);
  });

  test('T4: duplicates move by a millisecond each', () => {
    assert.deepEqual(feed(new Timeline(), onTime([0, 40, 40, 40, 80])), [0, 40, 41, 42, 80]);
  });

  test('T4: a step back of exactly 1 s is tolerated, one of more is a discontinuity', () => {
    const tolerated = new Timeline();
    feed(tolerated, onTime([0, 5000]));
    assert.equal(tolerated.next(4000, 95_040), 5001);
    assert.equal(tolerated.discontinuity, false);
    const jumped = new Timeline();
    feed(jumped, onTime([0, 5000]));
    assert.equal(jumped.next(3999, 95_040), 5040);
    assert.equal(jumped.discontinuity, true);
    assert.deepEqual([jumped.fromMs, jumped.toMs], [5000, 3999]);
    assert.equal(jumped.next(4039, 95_080), 5080);
    assert.equal(jumped.discontinuity, false);
  });

  test('T4: small steps back do not add up unseen', () => {
    const timeline = new Timeline();
    let raw = 100_000;
    let seen = 0;
    timeline.next(raw, 0);
    for (let i = 1; i <= 100; i++) {
      raw -= 300;
      timeline.next(raw, i * 40);
      if (timeline.discontinuity) seen++;
    }
    assert.ok(seen > 10, `${seen}`);
    assert.ok(timeline.dtsMs > 900, `${timeline.dtsMs}`);
  });

  test('T4, J6: forward by 10 s is a slow stream, by more a discontinuity that takes the time of arrival', () => {
    const slow = new Timeline();
    assert.deepEqual(feed(slow, onTime([0, 10_000])), [0, 10_000]);
    assert.equal(slow.discontinuity, false);
    const jumped = new Timeline();
    feed(jumped, onTime([0, 40]));
    assert.equal(jumped.next(3_600_000, 90_080), 80);
    assert.equal(jumped.discontinuity, true);
    assert.equal(jumped.next(3_600_040, 90_120), 120);
  });

  test('J6: 1 and 0.2 frames per second are left alone', () => {
    for (const step of [1000, 5000]) {
      const timestamps = Array.from({ length: 30 }, (_, i) => i * step);
      const timeline = new Timeline();
      assert.deepEqual(feed(timeline, onTime(timestamps)), timestamps);
      assert.equal(timeline.stuck, false);
    }
  });

  test('J4: a burst after a gap keeps its true times', () => {
    const timestamps = Array.from({ length: 150 }, (_, i) => i * 40);
    const timeline = new Timeline();
    const results = timestamps.map((timestampMs) =>
      timeline.next(timestampMs, timestampMs < 1000 ? timestampMs : 6000),
    );
    assert.deepEqual(results, timestamps);
  });

  test('T5: a clock that stands still is replaced by the time of arrival, once', () => {
    const timeline = new Timeline();
    const results = Array.from({ length: 60 }, (_, i) => timeline.next(777, 1000 + i * 40));
    assert.equal(timeline.stuck, true);
    assert.deepEqual(results.slice(0, 4), [0, 1, 2, 3]);
    // 26 x 40 ms is the first moment beyond a second.
    assert.equal(results[25], 25);
    assert.deepEqual(results.slice(26, 30), [1040, 1080, 1120, 1160]);
    assert.equal(results[59], 2360);
  });

  test('T5: a clock that stood still and goes on for some seconds is used again', () => {
    const timeline = new Timeline();
    for (let i = 0; i < 30; i++) timeline.next(0, 1000 + i * 40);
    assert.equal(timeline.stuck, true);
    // On a link that holds back every other picture for 30 ms.
    const sent = Array.from({ length: 300 }, (_, i) => 40 + i * 40);
    const results = sent.map((timestampMs, i) => timeline.next(timestampMs, 2200 + i * 40 + (i % 2) * 30));
    assert.equal(timeline.stuck, false);
    const steps = results.slice(1).map((dtsMs, i) => dtsMs - results[i]!);
    assert.deepEqual(new Set(steps.slice(0, 100)), new Set([70, 10]), 'by arrival at first');
    assert.deepEqual(new Set(steps.slice(150)), new Set([40]));
    assert.ok(Math.abs(results.at(-1)! - (299 * 40 + 1200)) <= 30, `${results.at(-1)}`);
  });

  for (const [name, clock] of [
    ['moves once in a while', (i: number) => Math.floor(i / 25) * 1000],
    ['creeps', (i: number) => i],
    ['runs away', (i: number) => i * 400],
    ['goes back and forth', (i: number) => i * 40 - (i % 50 === 0 ? 30 : 0) - (i % 50 === 1 ? 80 : 0)],
  ] as const)
    test(`T5: one that only ${name} is not`, () => {
      const timeline = new Timeline();
      for (let i = 0; i < 30; i++) timeline.next(0, i * 40);
      for (let i = 0; i < 1000; i++) timeline.next(1000 + clock(i), 1200 + i * 40);
      assert.equal(timeline.stuck, true);
      assert.equal(timeline.dtsMs, 1200 + 999 * 40);
    });

  test('T5: nine duplicates, or ten within a second, do not count as standing still', () => {
    const few = new Timeline();
    for (let i = 0; i < 9; i++) few.next(0, i * 500);
    assert.equal(few.stuck, false);
    const fast = new Timeline();
    for (let i = 0; i < 60; i++) fast.next(0, i * 10);
    assert.equal(fast.stuck, false);
  });

  test('T5: a publisher that only pauses is not stuck', () => {
    const timeline = new Timeline();
    feed(timeline, [
      [0, 0],
      [40, 40],
      [80, 9000],
      [120, 9040],
    ]);
    assert.equal(timeline.stuck, false);
    assert.equal(timeline.dtsMs, 120);
  });
});
