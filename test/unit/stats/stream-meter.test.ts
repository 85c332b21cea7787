import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { StreamMetadata } from '../../../src/control/messages.ts';
import { FrameCounting } from '../../../src/ingest/frame-counting.ts';
import { recordFlag } from '../../../src/shm/frame-ring.ts';
import { readerWord, StreamCounters } from '../../../src/shm/stream-counters.ts';
import { closeWindow, readCamera } from '../../../src/stats/camera-snapshot.ts';
import { busyPart, StreamMeter } from '../../../src/stats/stream-meter.ts';

const silent: StreamMetadata = {
  width: 0,
  height: 0,
  fps: 0,
  videoKbps: 0,
  videoCodec: '',
  audioCodec: '',
  audioHz: 0,
  audioKbps: 0,
  audioChannels: 0,
  encoder: '',
};

/** A camera whose counters a test moves by hand; the stream starts at 1000 ms. */
class Rig {
  readonly counters: StreamCounters;
  readonly counting: FrameCounting;
  readonly meter: StreamMeter;
  nowMs = 1000;
  dtsMs = 0;

  constructor(options: { consumers?: number; begin?: boolean; before?: (counters: StreamCounters) => void } = {}) {
    this.counters = new StreamCounters(StreamCounters.create(1, options.consumers ?? 1));
    options.before?.(this.counters);
    this.counting = new FrameCounting(this.counters.publisher(0), () => 0, { saturated: false, lateMs: () => 0 });
    this.meter = new StreamMeter({
      path: '/stream1',
      publisher: '127.0.0.1:5',
      capacity: 300,
      startedMs: 1000,
      startedWallMs: 0,
      before: readCamera(this.counters, 0),
    });
    if (options.begin ?? true) this.counting.start(1, 1000);
  }

  frames(count: number, stepMs = 40, options: { bytes?: number; depth?: number } = {}): void {
    for (let i = 0; i < count; i++) {
      this.counting.frame(
        options.bytes ?? 100,
        this.dtsMs === 0 ? recordFlag.keyframe : 0,
        this.dtsMs,
        this.nowMs,
        options.depth ?? 1,
      );
      this.dtsMs += stepMs;
      this.nowMs += stepMs;
    }
  }

  read(frames: number, consumer = 0): void {
    this.counters.reader(0, consumer).add(readerWord.frames, frames);
  }

  close(final = false) {
    return this.meter.close(closeWindow(this.counters, 0), this.nowMs, [], final);
  }
}

describe('stream meter', () => {
  test('windows follow each other without a frame between them', () => {
    const rig = new Rig();
    rig.frames(50, 40, { depth: 2 });
    rig.read(48);
    const first = rig.close();
    rig.frames(25, 40, { bytes: 300, depth: 4 });
    rig.read(27);
    const second = rig.close();
    assert.deepEqual(first.window.push, { frames: 50, bytes: 5000, keyframes: 1 });
    assert.deepEqual(second.window.push, { frames: 25, bytes: 7500, keyframes: 0 });
    assert.deepEqual([first.window.seconds, second.window.seconds], [2, 1]);
    assert.deepEqual(first.window.queue, { average: 2, maximum: 2, capacity: 300 });
    assert.deepEqual(second.window.queue, { average: 4, maximum: 4, capacity: 300 });
    assert.deepEqual(second.total.push, { frames: 75, bytes: 12_500 });
    assert.deepEqual(second.total.pop, { frames: 75 });
    assert.equal(second.uptimeMs, 3000);
  });

  test('the first frame of a stream has no distance, the first of a later window has', () => {
    const rig = new Rig();
    rig.frames(10);
    const first = rig.close();
    rig.dtsMs += 2000;
    rig.nowMs += 2000;
    rig.frames(10);
    const second = rig.close();
    assert.deepEqual(first.window.interFrame, { average: 40, minimum: 40, maximum: 40, samples: 9 });
    const average = (2000 + 10 * 40) / 10;
    assert.deepEqual(second.window.interFrame, { average, minimum: 40, maximum: 2040, samples: 10 });
    assert.equal(second.window.arrival!.maximum, 2040);
    assert.ok(Math.abs(second.window.arrival!.deviation - 600) < 1e-6);
    assert.deepEqual(second.window.lateness, { average: 0, maximum: 0 });
  });

  test('a window without frames, and rates of a short one', () => {
    const rig = new Rig();
    rig.frames(5);
    const short = rig.close();
    assert.deepEqual([short.window.measuredMs, short.window.seconds], [200, 1]);
    rig.nowMs += 5000;
    const empty = rig.close();
    assert.equal(empty.window.push.frames, 0);
    assert.equal(empty.window.interFrame, null);
    assert.equal(empty.window.arrival, null);
    assert.equal(empty.window.lateness, null);
    assert.deepEqual(empty.window.queue, { average: 0, maximum: 0, capacity: 300 });
    assert.equal(empty.window.silentMs, 5040);
  });

  test('one frame has no distances', () => {
    const rig = new Rig();
    rig.frames(1);
    const { window } = rig.close();
    assert.equal(window.interFrame, null);
    assert.equal(window.arrival, null);
    assert.deepEqual(window.lateness, { average: 0, maximum: 0 });
  });

  test('counters of the stream before are not this one’s, neither the readers’ nor those not reset yet', () => {
    const rig = new Rig({
      begin: false,
      before: (counters) => {
        const old = new FrameCounting(counters.publisher(0), () => 0, { saturated: false, lateMs: () => 0 });
        old.start(1, 500);
        for (let i = 0; i < 7; i++) old.frame(1, 0, i * 40, 500 + i * 40, 1);
        counters.reader(0, 0).add(readerWord.frames, 7);
        counters.reader(0, 0).add(readerWord.overflow, 3);
      },
    });
    const early = rig.close();
    assert.deepEqual([early.total.push.frames, early.total.pop.frames, early.total.drops.overflow], [0, 0, 0]);
    assert.equal(early.codec, null);
    rig.counting.start(2, 1000);
    rig.frames(3);
    rig.read(2);
    const report = rig.close();
    assert.deepEqual([report.total.push.frames, report.total.pop.frames], [3, 2]);
  });

  test('frames that readers in two consumers got count once', () => {
    const rig = new Rig({ consumers: 2 });
    rig.frames(10);
    rig.read(10, 0);
    rig.read(8, 1);
    rig.close();
    rig.frames(10);
    rig.read(4, 0);
    rig.read(10, 1);
    assert.equal(rig.close().total.pop.frames, 20);
  });

  test('a reader that comes back to another consumer gets the frames that follow', () => {
    const rig = new Rig({ consumers: 2 });
    const readers = (first: number, second: number) => {
      rig.counters.reader(0, 0).set(readerWord.readers, first);
      rig.counters.reader(0, 1).set(readerWord.readers, second);
    };
    readers(1, 0);
    rig.frames(100);
    rig.read(100);
    rig.close();
    rig.frames(100);
    rig.read(48, 0);
    rig.read(51, 1);
    readers(0, 1);
    const { window, total, verdict } = rig.close();
    assert.deepEqual([window.pop.frames, total.pop.frames, verdict.blame], [99, 199, 'none']);
    rig.frames(100);
    rig.read(100, 0);
    rig.read(100, 1);
    readers(1, 1);
    assert.equal(rig.close().window.pop.frames, 100);
    rig.frames(100);
    rig.read(100, 0);
    rig.read(90, 1);
    readers(0, 0);
    assert.equal(rig.close().window.pop.frames, 100);
  });

  test('readers who come to two consumers of a stream that nobody read get the same frames, also when one soon leaves', () => {
    const rig = new Rig({ consumers: 2 });
    rig.frames(1000);
    rig.close();
    rig.frames(100);
    for (const consumer of [0, 1]) {
      rig.read(90 + consumer, consumer);
      rig.counters.reader(0, consumer).set(readerWord.readers, 1);
    }
    assert.equal(rig.close().window.pop.frames, 91);
    rig.frames(100);
    rig.read(100, 0);
    rig.read(80, 1);
    rig.counters.reader(0, 1).set(readerWord.readers, 0);
    assert.equal(rig.close().window.pop.frames, 100);
    rig.frames(100);
    rig.read(70, 0);
    rig.read(60, 1);
    rig.counters.reader(0, 0).set(readerWord.readers, 0);
    rig.counters.reader(0, 1).set(readerWord.readers, 1);
    assert.equal(rig.close().window.pop.frames, 101, 'one may have waited since the window before');
  });

  test('what a publisher leaves out of later metadata stays', () => {
    const rig = new Rig();
    assert.equal(rig.close().declared, null);
    rig.meter.declare({ ...silent, width: 1280, fps: 25, audioCodec: 'AAC' });
    rig.meter.declare({ ...silent, fps: 30 });
    const { declared } = rig.close();
    assert.deepEqual([declared?.width, declared?.fps, declared?.audioCodec], [1280, 30, 'AAC']);
  });

  test('the frame rate expected is the declared one, else that of the SPS if it can be one', () => {
    const blame = (declared: number, sps: number) => {
      const rig = new Rig();
      if (declared > 0) rig.meter.declare({ ...silent, fps: declared });
      rig.meter.encodedFps(sps);
      rig.frames(50);
      return rig.close().verdict.blame;
    };
    assert.deepEqual([blame(0, 0), blame(30, 0), blame(0, 50), blame(25, 50)], ['none', 'source', 'source', 'none']);
    assert.equal(blame(0, 1000), 'none');
    assert.equal(blame(1000, 0), 'none', 'some declare the tick rate of their clock');
    assert.deepEqual([blame(90_000, 25), blame(90_000, 50)], ['none', 'source']);
  });

  test('frames that nobody could decode: those before parameter sets have come, and a picture to start at after them', () => {
    const rig = new Rig();
    rig.counting.awaitParameters();
    const unplayable = () => {
      const { window, verdict } = rig.close();
      return [window.unplayable, window.parametersMissing, verdict.blame];
    };
    rig.frames(50);
    assert.deepEqual(unplayable(), [50, true, 'source'], 'the first one is a keyframe, but without parameter sets');
    rig.counting.parameters(null);
    rig.frames(25);
    assert.deepEqual(unplayable(), [25, false, 'none']);
    rig.frames(10);
    rig.counting.frame(100, recordFlag.keyframe, rig.dtsMs, rig.nowMs, 1);
    rig.counting.frame(100, 0, rig.dtsMs + 40, rig.nowMs + 40, 1);
    assert.deepEqual(unplayable(), [10, false, 'none']);
    rig.dtsMs += 80;
    rig.nowMs += 80;
    rig.frames(25);
    assert.deepEqual(unplayable(), [0, false, 'none']);
  });

  test('a picture that brings its parameter sets with it can be decoded', () => {
    const rig = new Rig();
    rig.counting.awaitParameters();
    rig.counting.frame(100, recordFlag.keyframe | recordFlag.parameterSets, 0, rig.nowMs, 1);
    assert.deepEqual([rig.close().window.unplayable, rig.close().window.parametersMissing], [0, false]);
  });

  test('how busy the publisher’s thread was in the window', () => {
    const rig = new Rig();
    rig.counting.threadTime(1000, 1000, 1000);
    rig.counting.threadTime(1900, 1100, 2000);
    assert.equal(rig.close().window.ingestLoad, 0.9);
    rig.counting.threadTime(2000, 1500, 3000);
    assert.equal(rig.close().window.ingestLoad, 0.2);
  });

  test('since when the publisher’s thread has made no note, from the start on', () => {
    const rig = new Rig({ begin: false });
    rig.nowMs += 3000;
    assert.equal(rig.close().window.threadSilentMs, 3000);
    rig.counting.start(1, rig.nowMs);
    rig.nowMs += 400;
    assert.equal(rig.close().window.threadSilentMs, 400);
    rig.counting.threadTime(0, 0, rig.nowMs);
    rig.nowMs += 100;
    assert.equal(rig.close().window.threadSilentMs, 100);
  });

  test('a thread that was replaced has no load', () => {
    assert.equal(busyPart(-500, 20), 0);
    assert.equal(busyPart(20, -500), 0);
    assert.equal(busyPart(0, 0), 0);
    assert.equal(busyPart(1, 3), 0.25);
  });
});
