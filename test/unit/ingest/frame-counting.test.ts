import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { FrameCounting } from '../../../src/ingest/frame-counting.ts';
import { recordFlag } from '../../../src/shm/frame-ring.ts';
import { type PublisherCounters, publisherWord, StreamCounters } from '../../../src/shm/stream-counters.ts';

function begin(nowMs = 1000): { counting: FrameCounting; block: PublisherCounters } {
  const block = new StreamCounters(StreamCounters.create(1)).publisher(0);
  const counting = new FrameCounting(block, () => 1_700_000_000_000, { saturated: false });
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

  test('the drift of a clock is forgotten after a minute', () => {
    const { counting, block } = begin();
    for (let s = 0; s <= 3600; s++) counting.frame(1, 0, s * 1000, 5000 + s * 1000.2, 1);
    assert.ok(block.get(publisherWord.lateMax) < 13, `${block.get(publisherWord.lateMax)}`);
  });
});

test('the time of the thread counts from the first note', () => {
  const { counting, block } = begin();
  counting.threadTime(5000, 90_000);
  counting.threadTime(5600, 90_400);
  assert.deepEqual([block.get(publisherWord.threadBusyMs), block.get(publisherWord.threadIdleMs)], [600, 400]);
});
