import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { FrameCounting } from '../../../src/ingest/frame-counting.ts';
import { Timeline } from '../../../src/ingest/timeline.ts';
import { recordFlag } from '../../../src/shm/frame-ring.ts';
import { type PublisherCounters, publisherWord, StreamCounters } from '../../../src/shm/stream-counters.ts';

function begin(nowMs = 1000): { counting: FrameCounting; block: PublisherCounters } {
  const block = new StreamCounters(StreamCounters.create(1)).publisher(0);
  const counting = new FrameCounting(block, () => 1_700_000_000_000, { saturated: false, lateMs: () => 0 });
  counting.start(7, nowMs);
  return { counting, block };
}

describe('counting of frames', () => {
  test('sums, and distances that follow from first and last', () => {
    const { counting, block } = begin();
    counting.frame(100, recordFlag.keyframe, 0, 1010, 1);
    counting.frame(50, 0, 40, 1050, 4);
    counting.frame(30, recordFlag.discontinuity, 90, 1110, 1);
    const snapshot = block.snapshot();
    assert.deepEqual([snapshot.frames, snapshot.bytes, snapshot.keyframes, snapshot.discontinuities], [3, 180, 1, 1]);
    assert.deepEqual([snapshot.firstDtsMs, snapshot.lastDtsMs], [0, 90]);
    assert.deepEqual([snapshot.firstArrivalMs, snapshot.lastArrivalMs], [1010, 1110]);
    assert.equal(snapshot.arrivalDeltaSquares, 40 * 40 + 60 * 60);
    assert.equal(snapshot.queueDepthSum, 6);
    assert.deepEqual([snapshot.generation, snapshot.startedMs, snapshot.startedWallMs], [7, 1000, 1_700_000_000_000]);
  });

  test('extremes: of one frame none but the queue, then the smallest and largest', () => {
    const { counting, block } = begin();
    counting.frame(1, 0, 0, 1000, 3);
    assert.deepEqual([block.snapshot().dtsDeltaMin, block.snapshot().dtsDeltaMax], [Infinity, -Infinity]);
    assert.equal(block.snapshot().queueDepthMax, 3);
    counting.frame(1, 0, 40, 1045, 9);
    counting.frame(1, 0, 73, 1070, 2);
    const snapshot = block.snapshot();
    assert.deepEqual([snapshot.dtsDeltaMin, snapshot.dtsDeltaMax], [33, 40]);
    assert.equal(snapshot.arrivalDeltaMax, 45);
    assert.equal(snapshot.queueDepthMax, 9);
  });

  test('a new window starts with the next frame, whose distance from the frame before is in it', () => {
    const { counting, block } = begin();
    counting.frame(1, 0, 0, 1000, 8);
    counting.frame(1, 0, 500, 1500, 1);
    block.beginWindow();
    assert.equal(block.snapshot().dtsDeltaMax, 500, 'until then the old extremes stay');
    counting.frame(1, 0, 540, 1540, 2);
    counting.frame(1, 0, 570, 1571, 1);
    const snapshot = block.snapshot();
    assert.equal(snapshot.window, snapshot.openWindow);
    assert.deepEqual([snapshot.dtsDeltaMin, snapshot.dtsDeltaMax], [30, 40]);
    assert.deepEqual([snapshot.arrivalDeltaMax, snapshot.queueDepthMax], [40, 2]);
    assert.equal(snapshot.frames, 4, 'sums go on');
  });

  test('a stream in a camera whose windows were counted before takes the window of now', () => {
    const { counting, block } = begin();
    block.beginWindow();
    counting.start(8, 2000);
    counting.frame(1, 0, 0, 2000, 1);
    counting.frame(1, 0, 40, 2040, 1);
    assert.deepEqual([block.get(publisherWord.window), block.get(publisherWord.dtsDeltaMin)], [1, 40]);
  });
});

describe('lateness', () => {
  const lateness = (frames: readonly (readonly [dtsMs: number, arrivalMs: number])[]) => {
    const { counting, block } = begin();
    for (const [dtsMs, arrivalMs] of frames) counting.frame(1, 0, dtsMs, arrivalMs, 1);
    return { sum: block.get(publisherWord.lateSum), most: block.get(publisherWord.lateMax) };
  };

  test('frames that keep step are not late', () => {
    assert.deepEqual(
      lateness([
        [0, 5000],
        [40, 5040],
        [80, 5080],
      ]),
      { sum: 0, most: 0 },
    );
  });

  test('a gap makes the frames behind it late, until they have caught up', () => {
    const late = lateness([
      [0, 5000],
      [40, 5640],
      [80, 5650],
      [120, 5660],
      [700, 5700],
    ]);
    assert.deepEqual(late, { sum: 600 + 570 + 540, most: 600 });
  });

  test('frames that come all at once at the start are early, not late', () => {
    assert.deepEqual(
      lateness([
        [0, 5000],
        [1000, 5001],
        [2000, 5002],
        [2040, 5042],
      ]),
      { sum: 0, most: 0 },
    );
  });

  test('a jump of the clock ends the lateness of what was held back before it', () => {
    const { counting } = begin();
    const timeline = new Timeline();
    const lateMs = (fromMs: number, toMs: number, arrivalMs: (ms: number) => number): number => {
      let most = 0;
      for (let ms = fromMs; ms < toMs; ms += 40) {
        const dtsMs = timeline.next(ms, arrivalMs(ms));
        const flags = timeline.discontinuity ? recordFlag.discontinuity : 0;
        counting.frame(1, flags, dtsMs, arrivalMs(ms), 1);
        most = Math.max(most, counting.lateMs);
      }
      return most;
    };
    lateMs(0, 40_000, (ms) => ms + 5000);
    // The link stands still for 15 s: two of them wait in it, of the others the encoder sends nothing.
    assert.equal(
      lateMs(40_000, 42_000, (ms) => 60_000 + (ms - 40_000) / 10),
      15_000,
    );
    assert.equal(
      lateMs(55_200, 56_000, (ms) => ms + 5000),
      0,
    );
    assert.equal(
      lateMs(56_000, 57_000, (ms) => ms + 5600),
      600,
      'what is late after it is seen',
    );
  });

  test('the drift of a clock is forgotten after a minute', () => {
    const { counting, block } = begin();
    for (let s = 0; s <= 3600; s++) counting.frame(1, 0, s * 1000, 5000 + s * 1000.2, 1);
    assert.ok(block.get(publisherWord.lateMax) < 13, `${block.get(publisherWord.lateMax)}`);
  });
});

test('with the latest frame of a window it is noted how late the thread itself was', () => {
  const block = new StreamCounters(StreamCounters.create(1)).publisher(0);
  let ownMs = 0;
  const counting = new FrameCounting(block, () => 0, { saturated: false, lateMs: () => ownMs });
  const late = () => [block.get(publisherWord.lateMax), block.get(publisherWord.lateMaxThread)];
  counting.start(1, 0);
  counting.frame(1, 0, 0, 0, 1);
  ownMs = 700;
  counting.frame(1, 0, 40, 840, 1);
  ownMs = 900;
  counting.frame(1, 0, 80, 880, 1);
  assert.deepEqual(late(), [800, 700], 'the second one was not later');
  ownMs = 0;
  counting.frame(1, 0, 120, 1120, 1);
  assert.deepEqual(late(), [1000, 0]);
  ownMs = 300;
  block.beginWindow();
  counting.frame(1, 0, 160, 560, 1);
  assert.deepEqual(late(), [400, 300]);
});

describe('lateness of a clock that is not ours', () => {
  /** A stream of pictures, whose clock shows `stepMs` more with each. */
  class Drifting {
    readonly block = new StreamCounters(StreamCounters.create(1)).publisher(0);
    readonly pressure = { saturated: false, lateMs: () => 0 };
    readonly #counting = new FrameCounting(this.block, () => 0, this.pressure);
    readonly #fps: number;
    readonly #stepMs: number;
    #n = 0;

    constructor(fps: number, stepMs = 1000 / fps) {
      this.#fps = fps;
      this.#stepMs = stepMs;
      this.#counting.start(1, 5000);
    }

    /** Runs up to second `end`; `delayMs` of a picture at a second is what it comes late. Returns how late it was found to be. */
    until(end: number, delayMs: (second: number) => number = () => 0): { least: number; most: number } {
      let least = Number.POSITIVE_INFINITY;
      let most = 0;
      for (; this.#n < end * this.#fps; this.#n++) {
        const second = this.#n / this.#fps;
        this.#counting.frame(1, 0, Math.floor(this.#n * this.#stepMs), 5000 + second * 1000 + delayMs(second), 1);
        least = Math.min(least, this.#counting.lateMs);
        most = Math.max(most, this.#counting.lateMs);
      }
      return { least, most };
    }
  }

  /** Frames a second, and what the time stamps of encoders go on with each that count in whole milliseconds. */
  const clocks = [
    [30, 33],
    [29.97, 33],
    [24, 41],
    [60, 16],
    [59.94, 16],
    [120, 8],
    [60, 17],
    [25, 40],
    [1, 990],
  ] as const;

  /** Up to 40 ms, most of the time much less. */
  const jitter = (): ((second: number) => number) => {
    let state = 1;
    return () => {
      state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
      return 40 * (state / 2 ** 32) ** 4;
    };
  };

  test('time stamps that go on by whole milliseconds are not late, from the first seconds on', () => {
    for (const [fps, stepMs] of clocks) {
      const stream = new Drifting(fps, stepMs);
      const start = stream.until(8).most;
      const later = stream.until(600).most;
      assert.ok(start < 250 && later < 20, `${fps} fps, ${stepMs} ms: ${start} and ${later} ms late`);
    }
  });

  test('nor are they on a link with jitter, or after a start that is slow', () => {
    for (const [fps, stepMs] of clocks.slice(0, -1)) {
      const stream = new Drifting(fps, stepMs);
      const random = jitter();
      const most = stream.until(600, (second) => random(second) + (second < 2 ? 50 : 0)).most;
      assert.ok(most < 400, `${fps} fps, ${stepMs} ms: ${most} ms late, and from 500 ms on the network is blamed`);
    }
  });

  test('a link that stood still is seen, and nothing after it', () => {
    for (const [fps, stepMs] of clocks) {
      for (const from of [1, 9, 40, 200]) {
        const stream = new Drifting(fps, stepMs);
        const held = (second: number) =>
          Math.max(0, second >= from && second < from + 3 ? 3000 - (second - from) * 1000 : 0);
        const { most } = stream.until(from + 3, held);
        assert.ok(most > 2700 && most < 3200, `${fps} fps, ${stepMs} ms, after ${from} s: ${most} ms`);
        stream.until(from + 5);
        const after = stream.until(from + 200).most;
        assert.ok(after < 250, `${fps} fps, ${stepMs} ms, after ${from} s: ${after} ms afterwards`);
      }
    }
  });

  test('a link that gets slower and slower is seen', () => {
    for (const [fps, stepMs] of clocks) {
      for (const msPerSecond of [50, 100, 300]) {
        const stream = new Drifting(fps, stepMs);
        stream.until(100);
        const { most } = stream.until(140, (second) => (second - 100) * msPerSecond);
        assert.ok(most > 20 * msPerSecond, `${fps} fps, ${stepMs} ms, ${msPerSecond} ms in a second: ${most} ms`);
      }
    }
  });

  test('a link that is slower than before, for good, is seen for half a minute', () => {
    const stream = new Drifting(30, 33);
    stream.until(100);
    const { least } = stream.until(130, () => 2000);
    assert.ok(least > 1900, `${least}`);
    stream.until(200, () => 2000);
    assert.ok(stream.until(400, () => 2000).most < 100);
  });

  test('a link that stood still soon after the start and never caught up is no slow clock', () => {
    for (const heldMs of [1000, 2000, 5000]) {
      const stream = new Drifting(25);
      stream.until(1);
      assert.ok(stream.until(10, () => heldMs).least > heldMs - 100);
      stream.pressure.saturated = true;
      assert.ok(stream.until(200, () => heldMs).least > heldMs - 100, `${heldMs}`);
    }
  });

  test('while the thread has nothing but work, the drift goes on as before and lateness does not become usual', () => {
    for (const [fps, stepMs] of clocks) {
      const stream = new Drifting(fps, stepMs);
      stream.until(50);
      stream.pressure.saturated = true;
      const punctual = stream.until(350).most;
      assert.ok(punctual < 100, `${fps} fps, ${stepMs} ms: ${punctual} ms`);
      if (fps * stepMs > 1000) continue;
      const { least } = stream.until(500, () => 2000);
      assert.ok(least > 1800, `${fps} fps, ${stepMs} ms: ${least} ms`);
    }
  });

  test('a stream that begins while the thread has nothing but work: what it learns then is no drift', () => {
    const stream = new Drifting(25);
    stream.pressure.saturated = true;
    const { most } = stream.until(60, (second) => second * 40);
    assert.ok(most > 2300, `${most}`);
  });

  test('a clock that is set right is followed', () => {
    const drift = new Drifting(30, 33);
    drift.until(100);
    // The picture comes when its time stamp says, with what has gathered.
    assert.ok(drift.until(300, (second) => -(second - 100) * 10).most < 20);
  });
});

test('the time of the thread counts from the first note', () => {
  const { counting, block } = begin();
  assert.equal(block.get(publisherWord.threadNotedMs), 1000);
  counting.threadTime(5000, 90_000, 2000);
  counting.threadTime(5600, 90_400, 3000);
  assert.equal(block.get(publisherWord.threadNotedMs), 3000);
  assert.deepEqual([block.get(publisherWord.threadBusyMs), block.get(publisherWord.threadIdleMs)], [600, 400]);
});
