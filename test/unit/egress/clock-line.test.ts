import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { ClockLine } from '../../../src/egress/clock-line.ts';

describe('clock line', () => {
  test('J1: jitter, which only delays, does not move the line', () => {
    const line = new ClockLine();
    for (let frame = 0; frame < 3000; frame++) {
      const media = frame * 33;
      line.observe(media, 1000 + media + (frame % 10 === 0 ? 0 : (frame * 29) % 150));
      assert.equal(line.mediaMsAt(5000), 4000);
    }
  });

  test('a delay that is smaller by up to 100 ms is followed at no more than 0.5 %', () => {
    const line = new ClockLine();
    for (let frame = 0; frame < 300; frame++) line.observe(frame * 40, frame * 40 + 100);
    const before = line.mediaMsAt(0);
    for (let frame = 300; frame < 550; frame++) line.observe(frame * 40, frame * 40);
    const seconds = 10;
    const moved = line.mediaMsAt(0) - before;
    assert.ok(moved > 0 && moved <= seconds * 5 + 1e-6, `${moved} ms in ${seconds} s`);
    for (let frame = 550; frame < 3000; frame++) line.observe(frame * 40, frame * 40);
    assert.equal(line.mediaMsAt(120_000), 120_000);
  });

  test('frames that come earlier than that are not told to be of the future: the line goes to them at once', () => {
    const line = new ClockLine();
    for (let frame = 0; frame < 100; frame++) line.observe(frame * 40, 4000);
    assert.ok(line.mediaMsAt(4000) >= 99 * 40 - 100);
    // From then on jitter does not move it again.
    for (let frame = 100; frame < 3000; frame++) line.observe(frame * 40, frame * 40 + ((frame * 29) % 150));
    assert.ok(Math.abs(line.mediaMsAt(120_000) - 120_000) <= 40);
  });

  test('a stretch starts where the line was at rest, or behind the last frame where that is later', () => {
    const line = new ClockLine();
    line.anchor(0, 1000);
    line.observe(line.startStretch(2000, 0), 2000);
    line.observe(5000, 2100);
    assert.equal(line.mediaMsAt(2100), 5000);
    assert.equal(line.startStretch(8000, 5001), 7000);
    assert.equal(line.startStretch(8100, 7500), 7500);
    assert.equal(line.mediaMsAt(8200), 7600);
  });

  test('a larger delay counts only after the window of two seconds has passed', () => {
    const line = new ClockLine();
    for (let ms = 0; ms <= 10_000; ms += 40) line.observe(ms, ms);
    for (let ms = 10_040; ms <= 11_500; ms += 40) line.observe(ms, ms + 100);
    assert.equal(line.mediaMsAt(0), 0);
    for (let ms = 11_540; ms <= 60_000; ms += 40) line.observe(ms, ms + 100);
    assert.ok(Math.abs(line.mediaMsAt(0) + 100) < 1e-6);
  });

  for (const ppm of [200, -200]) {
    test(`J3: a day of a publisher clock off by ${ppm} ppm stays within 1 ms of the line`, () => {
      const line = new ClockLine();
      let worst = 0;
      for (let media = 0; media < 24 * 3600_000; media += 100) {
        const arrival = media * (1 + ppm / 1e6);
        line.observe(media, arrival);
        worst = Math.max(worst, Math.abs(line.mediaMsAt(arrival) - media));
      }
      assert.ok(worst < 1, `${worst} ms`);
    });
  }

  for (const [stepMs, framesPerSecond] of [
    [33, 30],
    [16, 60],
  ] as const) {
    test(`an encoder that counts ${stepMs} ms a picture at ${framesPerSecond} a second is followed however long it lasts`, () => {
      const line = new ClockLine();
      let worst = 0;
      let worstLast = 0;
      for (let frame = 0; frame < 3600 * framesPerSecond; frame++) {
        const arrival = (frame * 1000) / framesPerSecond + ((frame * 29) % 50);
        line.observe(frame * stepMs, arrival);
        const ahead = Math.abs(line.mediaMsAt(arrival) - frame * stepMs);
        worst = Math.max(worst, ahead);
        if (arrival > 600_000) worstLast = Math.max(worstLast, ahead);
      }
      assert.ok(worst < 2600 && worstLast < 150, `${worst} ms, ${worstLast} ms after the first minutes`);
    });
  }

  test('a link that gets slower once is no slow clock', () => {
    const line = new ClockLine();
    const observe = (fromMs: number, toMs: number, delay: (ms: number) => number) => {
      for (let ms = fromMs; ms < toMs; ms += 40) line.observe(ms, ms + delay(ms));
    };
    observe(0, 95_000, () => 0);
    observe(95_000, 115_000, (ms) => (ms - 95_000) * 0.045);
    observe(115_000, 195_000, () => 900);
    assert.ok(line.mediaMsAt(0) >= -500, `${-line.mediaMsAt(0)} ms`);
  });

  test('after a long silence the line goes on from what comes', () => {
    const line = new ClockLine();
    for (let ms = 0; ms <= 5000; ms += 40) line.observe(ms, ms);
    for (let ms = 3_600_000; ms <= 3_605_000; ms += 40) line.observe(ms, ms + 3);
    assert.ok(Math.abs(line.mediaMsAt(3_605_000) - 3_605_000) <= 3);
  });
});
