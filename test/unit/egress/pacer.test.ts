import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { Pacer } from '../../../src/egress/pacer.ts';

/** Runs frames through a pacer as a feed does, and returns how long each was kept (ms). */
function run(pacer: Pacer, arrivalsMs: ArrayLike<number>, dtsMs: (frame: number) => number): Float64Array {
  const kept = new Float64Array(arrivalsMs.length);
  let arrived = 0;
  let nowMs = 0;
  for (let frame = 0; frame < arrivalsMs.length; frame++) {
    const arrivalMs = arrivalsMs[frame]!;
    nowMs = Math.max(nowMs, arrivalMs);
    for (;;) {
      while (arrived < arrivalsMs.length && arrivalsMs[arrived]! <= nowMs) arrived++;
      const dueMs = pacer.due(dtsMs(frame), arrivalMs, arrived - frame - 1, nowMs);
      if (dueMs <= nowMs) break;
      nowMs = arrived < arrivalsMs.length ? Math.min(dueMs, arrivalsMs[arrived]!) : dueMs;
    }
    pacer.released(dtsMs(frame), arrivalMs, nowMs);
    kept[frame] = nowMs - arrivalMs;
  }
  return kept;
}

const at30 = (frame: number) => Math.round((frame * 1000) / 30);

describe('pacer', () => {
  test('J2: without a backlog a frame goes at once, however much arrivals jitter', () => {
    const pacer = new Pacer();
    const arrivals = Array.from({ length: 300 }, (_, frame) => at30(frame) + ((frame * 7) % 30));
    assert.ok(run(pacer, arrivals, at30).every((ms) => ms === 0));
    assert.equal(pacer.sleeps, 0);
    assert.equal(pacer.sleepMs, 0);
  });

  test('a burst of frames is spread by their time stamps, a little faster than they were taken', () => {
    const pacer = new Pacer();
    const kept = run(pacer, Array(10).fill(1000), (frame) => frame * 40);
    // The last of the burst has nothing behind it: from there on arrival is the pace.
    assert.deepEqual([...kept], [0, 35, 70, 105, 140, 175, 210, 245, 280, 280]);
    assert.equal(pacer.sleeps, 8);
    assert.equal(pacer.sleepMs, 280);
  });

  test('a backlog of more than 30 frames drains unpaced down to 30', () => {
    const kept = run(new Pacer(), Array(50).fill(0), (frame) => frame * 33);
    assert.ok(kept.slice(0, 19).every((ms) => ms === 0));
    assert.ok(kept[19]! > 0, 'the frame with 30 behind it waits');
  });

  test('frames that came in time and wait only because of us are not held again', () => {
    const pacer = new Pacer();
    for (let frame = 0; frame < 5; frame++) pacer.released(frame * 33, frame * 33, frame * 33);
    // The thread was busy for 165 ms; five frames arrived meanwhile, each in its time.
    const nowMs = 4 * 33 + 165;
    for (let frame = 5; frame < 10; frame++) {
      const depth = 9 - frame;
      assert.equal(pacer.due(frame * 33, frame * 33, depth, nowMs), nowMs);
      pacer.released(frame * 33, frame * 33, nowMs);
    }
    assert.equal(pacer.sleeps, 0);
  });

  test('a wait of 200 ms or more is not waited: a slow stream is no burst', () => {
    const kept = run(new Pacer(), Array(6).fill(0), (frame) => frame * 1000);
    assert.ok(kept.every((ms) => ms === 0));
    // The next frame is due 280 ms after the one before.
    const pacer = new Pacer();
    pacer.released(0, 0, 0);
    assert.equal(pacer.due(320, 0, 5, 80), 80, '200 ms');
    assert.equal(pacer.due(320, 0, 5, 81), 280, '199 ms');
  });

  test('J6: a time stamp that stands still or steps back is not waited for', () => {
    for (const step of [0, -5000])
      assert.ok(run(new Pacer(), Array(6).fill(0), (frame) => frame * step).every((ms) => ms === 0));
  });

  test('after a reset the next frame goes at once', () => {
    const pacer = new Pacer();
    pacer.released(0, 0, 0);
    assert.equal(pacer.due(33, 0, 5, 0) > 0, true);
    pacer.reset();
    assert.equal(pacer.due(33, 0, 5, 0), 0);
  });

  test('a frame that is held goes as soon as the backlog grows too deep', () => {
    const pacer = new Pacer();
    pacer.released(0, 0, 0);
    assert.equal(pacer.due(40, 0, 30, 1), 35);
    assert.equal(pacer.due(40, 0, 31, 2), 2);
  });

  test('a timer that fires late does not push back the frames behind', () => {
    const pacer = new Pacer();
    pacer.released(0, 0, 0);
    pacer.due(40, 0, 3, 0);
    pacer.released(40, 0, 45);
    assert.equal(pacer.due(80, 0, 2, 45), 70, '35 ms after the time at which the frame before was due');
  });

  for (const ppm of [200, -200]) {
    test(`J3: a day with a publisher clock off by ${ppm} ppm holds nothing in steady state`, () => {
      const pacer = new Pacer();
      const frames = 24 * 3600 * 30;
      const arrivals = new Float64Array(frames);
      for (let frame = 0; frame < frames; frame++)
        arrivals[frame] = (frame * 1000 * (1 + ppm / 1e6)) / 30 + ((frame * 13) % 20);
      const kept = run(pacer, arrivals, at30);
      assert.equal(pacer.sleeps, 0);
      assert.ok(kept.every((ms) => ms === 0));
    });

    test(`J3: a day of radio gaps with a publisher clock off by ${ppm} ppm leaves no standing delay`, () => {
      const pacer = new Pacer();
      const minute = 60 * 30;
      const frames = 24 * 3600 * 30;
      const arrivals = new Float64Array(frames);
      for (let frame = 0; frame < frames; frame++) {
        const sentMs = (frame * 1000 * (1 + ppm / 1e6)) / 30;
        const inMinute = frame % minute;
        // Once a minute nothing comes for 700 ms, then 21 frames at once.
        const gapEndMs = ((frame - inMinute + 21) * 1000 * (1 + ppm / 1e6)) / 30;
        arrivals[frame] = inMinute < 21 ? gapEndMs : sentMs;
      }
      const kept = run(pacer, arrivals, at30);
      assert.ok(pacer.sleeps > 24 * 60 * 19, 'bursts are spread');
      for (let frame = minute - 1; frame < frames; frame += minute) assert.equal(kept[frame], 0);
      assert.ok(Math.max(...kept.slice(-minute)) < 700, 'the last burst is kept no longer than the first');
    });
  }
});
