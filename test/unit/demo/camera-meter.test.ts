import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { CameraMeter, type CameraSample } from '../../../scripts/demo/camera-meter.ts';

/** A stream of `fps` with a keyframe every `gop` frames and 2000 bytes a frame, as seen at `nowMs`; it began at `startMs`. */
function sampleAt(nowMs: number, fps: number, gop = 50, startMs = 0): CameraSample {
  const frames = Math.floor(((nowMs - startMs) * fps) / 1000) + 1;
  return {
    atMs: nowMs,
    generation: startMs + 1,
    frames,
    bytes: 2000 * frames,
    keyframes: Math.ceil(frames / gop),
    queueDepthSum: 3 * frames,
    discontinuities: 0,
    lastArrivalMs: startMs + ((frames - 1) * 1000) / fps,
    width: 640,
    height: 360,
    readers: 2,
    sent: 2 * frames,
    dropped: 0,
  };
}

function metered(seconds: number, fps: number, stepMs = 97): CameraMeter {
  const meter = new CameraMeter();
  for (let nowMs = 0; nowMs <= 1000 * seconds; nowMs += stepMs) meter.add(sampleAt(nowMs, fps));
  return meter;
}

describe('camera meter', () => {
  test('a steady stream has exactly its rate, whenever it is looked at', () => {
    const meter = new CameraMeter();
    for (let nowMs = 0; nowMs <= 20_000; nowMs += 97) {
      meter.add(sampleAt(nowMs, 25));
      if (nowMs > 3000) assert.ok(Math.abs(meter.framesPerSecond - 25) < 1e-9, `${meter.framesPerSecond} at ${nowMs}`);
    }
    assert.ok(Math.abs(meter.bitsPerSecond - 8 * 2000 * 25) < 1e-6);
    assert.ok(Math.abs(meter.sentPerSecond - 50) < 1e-9);
    assert.equal(meter.queueDepth, 3);
  });

  test('slow streams too', () => {
    assert.ok(Math.abs(metered(20, 5).framesPerSecond - 5) < 1e-9);
  });

  test('nothing is claimed before there are two samples', () => {
    const meter = new CameraMeter();
    assert.equal(meter.newest, null);
    assert.equal(meter.silent, false);
    meter.add(sampleAt(0, 25));
    for (const value of [meter.framesPerSecond, meter.bitsPerSecond, meter.queueDepth, meter.gop])
      assert.ok(Number.isNaN(value));
  });

  test('a stream that stopped sending is silent and its rate falls to zero', () => {
    const meter = metered(10, 25);
    assert.equal(meter.silent, false);
    for (let nowMs = 10_100; nowMs <= 14_000; nowMs += 100) meter.add({ ...sampleAt(10_000, 25), atMs: nowMs });
    assert.equal(meter.silent, true);
    assert.equal(meter.framesPerSecond, 0);
    assert.ok(Number.isNaN(meter.queueDepth));
  });

  test('the GOP is right to a frame after some keyframes', () => {
    for (const gop of [12, 50, 125]) {
      const meter = new CameraMeter();
      for (let nowMs = 0; nowMs <= 30_000; nowMs += 97) meter.add(sampleAt(nowMs, 25, gop));
      assert.equal(Math.round(meter.gop), gop);
    }
  });

  test('a new stream of the camera does not mix with the one before', () => {
    const meter = metered(10, 25);
    for (let nowMs = 10_100; nowMs <= 15_000; nowMs += 100) {
      meter.add(sampleAt(nowMs, 10, 50, 10_100));
      assert.ok(!(meter.framesPerSecond < 0));
    }
    assert.ok(Math.abs(meter.framesPerSecond - 10) < 1e-9);
  });

  test('the history has the frames of each second, thirty at most', () => {
    const meter = metered(40, 25);
    assert.equal(meter.history.length, 30);
    assert.ok(meter.history.every((frames) => frames >= 22 && frames <= 28));
    const short = metered(3, 25, 100);
    assert.equal(short.history.length, 3);
  });
});
