import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { choosePace, PictureAge, pace } from '../../../../src/status/page/preview-pace.ts';

describe('the pace of a preview', () => {
  test('is real time near the end, faster behind it, and a jump far behind', () => {
    assert.deepEqual(choosePace({ current: 9.8, start: 0, end: 10 }), { seekTo: null, rate: 1 });
    const little = choosePace({ current: 9.5, start: 0, end: 10 });
    const more = choosePace({ current: 9.2, start: 0, end: 10 });
    assert.ok(little.seekTo === null && more.seekTo === null && little.rate > 1 && more.rate > little.rate);
    assert.deepEqual(choosePace({ current: 5, start: 0, end: 10 }), { seekTo: 10 - pace.aim, rate: 1 });
  });

  test('jumps over a gap, and never in front of what is there', () => {
    assert.deepEqual(choosePace({ current: 3, start: 9, end: 9.1 }), { seekTo: 9, rate: 1 });
  });
});

describe('the age of a picture', () => {
  test('is the time since its frame arrived at the server, whatever the clocks say', () => {
    const age = new PictureAge();
    assert.equal(age.of(1, 0), null);
    // The own clock shows 500 when the server's shows 1 000 000; the frame of second 4 arrived 20 ms before.
    age.note({ mediaMs: 4000, arrivalWallMs: 999_980, nowWallMs: 1_000_000 }, 500);
    assert.equal(age.of(4, 500), 20);
    assert.equal(age.of(4, 620), 140);
    assert.equal(age.of(3.9, 620), 240);
    // A message that was long on its way says nothing new about the clocks.
    age.note({ mediaMs: 5000, arrivalWallMs: 1_000_980, nowWallMs: 1_001_000 }, 1800);
    assert.equal(age.of(5, 1620), 140);
    age.restart();
    assert.equal(age.of(5, 1620), null);
  });

  test('stays right when one clock runs faster for hours, and after the server has put its clock back', () => {
    const age = new PictureAge();
    const note = (second: number, wallMs: number, ownMs: number) =>
      age.note({ mediaMs: second * 1000, arrivalWallMs: wallMs, nowWallMs: wallMs }, ownMs);
    const hours = 8 * 3600;
    const ownMs = (second: number) => second * 1000.05;
    for (let second = 0; second <= hours; second++) note(second, second * 1000, ownMs(second));
    assert.ok(Math.abs(age.of(hours, ownMs(hours) + 200)! - 200) < 5);
    for (let second = hours; second <= hours + 60; second++) note(second, second * 1000 - 5000, ownMs(second));
    assert.ok(Math.abs(age.of(hours + 60, ownMs(hours + 60) + 200)! - 200) < 5);
  });
});
