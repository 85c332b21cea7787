import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { PublisherSnapshot } from '../../../src/shm/stream-counters.ts';
import { CameraVideoMeter } from '../../../src/stats/camera-video.ts';

const picture = { width: 640, height: 360, profile: 100 };

/** Counters of a stream that began at `startedMs` with its first picture 20 ms later, `fps` a second, after `seconds`. */
function counters(startedMs: number, fps: number, seconds: number, gop = 25): Partial<PublisherSnapshot> {
  const frames = Math.floor(seconds * fps) + 1;
  const keyframes = Math.ceil(frames / gop);
  return { ...picture, startedMs, firstArrivalMs: startedMs + 20, frames, bytes: frames * 1000, keyframes };
}

function measure(meter: CameraVideoMeter, given: Partial<PublisherSnapshot>, nowMs: number) {
  return meter.measure(0, given as PublisherSnapshot, nowMs);
}

describe('what a camera shows', () => {
  test('is its size at once, and its rates after a second', () => {
    const meter = new CameraVideoMeter();
    const early = measure(meter, counters(1000, 25, 0.5), 1520);
    assert.deepEqual(early, { ...picture, fps: 0, kbps: 0, gop: 0 });
    const { fps, kbps } = measure(meter, counters(1000, 25, 2), 3020);
    assert.ok(Math.abs(fps - 25) < 1 && Math.abs(kbps - 200) < 8, `${fps} ${kbps}`);
  });

  test('has no rates while no picture has come, and true ones afterwards, whenever it is asked for', () => {
    const meter = new CameraVideoMeter();
    const nothing = { ...picture, startedMs: 100_000, firstArrivalMs: 0, frames: 0, bytes: 0, keyframes: 0 };
    assert.deepEqual(measure(meter, nothing, 100_010), { ...picture, fps: 0, kbps: 0, gop: 0 });
    const { fps } = measure(meter, counters(100_000, 25, 2), 102_020);
    assert.ok(Math.abs(fps - 25) < 1, `${fps} frames per second`);
  });

  test('follows a rate that changes, within two windows', () => {
    const meter = new CameraVideoMeter();
    measure(meter, counters(0, 25, 10), 10_020);
    measure(meter, counters(0, 25, 16), 16_020);
    const slower = counters(0, 25, 16);
    for (let seconds = 1; seconds <= 12; seconds++) {
      const frames = slower.frames! + seconds * 10;
      const { fps } = measure(meter, { ...slower, frames }, 16_020 + seconds * 1000);
      if (seconds === 12) assert.ok(Math.abs(fps - 10) < 1, `${fps} frames per second`);
    }
  });

  test('starts anew with a new stream', () => {
    const meter = new CameraVideoMeter();
    measure(meter, counters(1000, 50, 60), 61_020);
    assert.equal(measure(meter, counters(70_000, 10, 0.1), 70_120).fps, 0);
    const { fps } = measure(meter, counters(70_000, 10, 3), 73_020);
    assert.ok(Math.abs(fps - 10) < 0.5, `${fps} frames per second`);
  });

  test('has a keyframe distance that is right on average, at any moment between two keyframes', () => {
    let sum = 0;
    for (let frames = 101; frames <= 125; frames++) {
      const given = { ...counters(0, 25, 0), frames, keyframes: Math.ceil(frames / 25) };
      sum += measure(new CameraVideoMeter(), given, 5000).gop;
    }
    assert.ok(Math.abs(sum / 25 - 25) < 0.5, `${sum / 25}`);
  });
});
