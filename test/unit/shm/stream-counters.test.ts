import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { planMemory } from '../../../src/shm/memory-plan.ts';
import { publisherWord, readerWord, StreamCounters } from '../../../src/shm/stream-counters.ts';

describe('stream counters', () => {
  test('no two blocks share a word, and no two writing threads a cache line', () => {
    const memory = StreamCounters.create(20, 3);
    const table = new StreamCounters(memory);
    const blocks: Float64Array[] = [];
    for (let camera = 0; camera < 20; camera++) {
      blocks.push(table.publisher(camera).words);
      for (let consumer = 0; consumer < 3; consumer++) blocks.push(table.reader(camera, consumer).words);
    }
    const lines = new Set<number>();
    for (const block of blocks) {
      assert.equal(block.byteOffset % 64, 0);
      for (let at = block.byteOffset; at < block.byteOffset + block.byteLength; at += 64) {
        assert.ok(!lines.has(at));
        lines.add(at);
      }
    }
    assert.equal(memory.byteLength, 64 + lines.size * 64);
    assert.ok(Object.keys(publisherWord).length <= table.publisher(0).words.length);
    assert.ok(Object.keys(readerWord).length <= table.reader(0, 0).words.length);
    assert.equal(new Set(Object.values(publisherWord)).size, Object.keys(publisherWord).length);
    assert.equal(new Set(Object.values(readerWord)).size, Object.keys(readerWord).length);
  });

  test('what one thread counts, the snapshot of another shows by name', () => {
    const memory = StreamCounters.create(4);
    const writer = new StreamCounters(memory).publisher(2);
    const reader = new StreamCounters(memory).reader(2, 7);
    writer.add(publisherWord.frames, 3);
    writer.add(publisherWord.bytes, 2 ** 40);
    writer.set(publisherWord.width, 1920);
    reader.add(readerWord.overflow, 5);
    const snapshot = new StreamCounters(memory).publisher(2).snapshot();
    assert.equal(snapshot.frames, 3);
    assert.equal(snapshot.bytes, 2 ** 40);
    assert.equal(snapshot.width, 1920);
    assert.equal(snapshot.keyframes, 0);
    assert.equal(new StreamCounters(memory).reader(2, 7).snapshot().overflow, 5);
    assert.equal(new StreamCounters(memory).reader(2, 6).snapshot().overflow, 0);
  });

  test('the words of every frame lie in the first line, those of a window in the second', () => {
    const lineOf = (word: number) => Math.floor((word * 8) / 64);
    const { frames, bytes, lastArrivalMs, lastDtsMs, arrivalDeltaSquares, lateSum, queueDepthSum } = publisherWord;
    const everyFrame = [frames, bytes, lastArrivalMs, lastDtsMs, arrivalDeltaSquares, lateSum, queueDepthSum];
    assert.deepEqual(new Set(everyFrame.map(lineOf)), new Set([0]));
    const { window, dtsDeltaMin, dtsDeltaMax, arrivalDeltaMax, lateMax, queueDepthMax, openWindow, lateMaxThread } =
      publisherWord;
    const extremes = [window, dtsDeltaMin, dtsDeltaMax, arrivalDeltaMax, lateMax, queueDepthMax, openWindow];
    assert.deepEqual(new Set([...extremes, lateMaxThread].map(lineOf)), new Set([1]));
  });

  test('a reset zeroes every word but the one that is not of the publisher', () => {
    const block = new StreamCounters(StreamCounters.create(1)).publisher(0);
    block.words.fill(5, 0, publisherWord.openWindow);
    block.words.fill(5, publisherWord.openWindow + 1);
    assert.equal(block.beginWindow(), 1);
    assert.equal(block.beginWindow(), 2);
    block.reset();
    const { openWindow, ...others } = block.snapshot();
    assert.equal(openWindow, 2);
    assert.ok(Object.values(others).every((value) => value === 0));
  });

  test('a camera or consumer that is not there is refused', () => {
    const table = new StreamCounters(StreamCounters.create(2, 1));
    assert.throws(() => table.publisher(2), RangeError);
    assert.throws(() => table.publisher(-1), RangeError);
    assert.throws(() => table.reader(0, 1), RangeError);
    assert.throws(() => table.reader(2, 0), RangeError);
  });
});

test('the memory plan adds up: head, descriptors and capacity, times the cameras', () => {
  const MiB = 1024 * 1024;
  const plan = planMemory({
    cameras: 1000,
    frames: 300,
    initialBytes: MiB,
    maximumBytes: 8 * MiB,
    hardMaximumBytes: 24 * MiB,
  });
  const head = plan.ringAtStart - MiB;
  assert.ok(head >= 300 * 64 && head <= 48 * 1024, `${head}`);
  assert.equal(plan.ringAtMaximum, head + 8 * MiB);
  assert.equal(plan.ringAtHardMaximum, head + 24 * MiB);
  assert.equal(plan.atStart, plan.ringAtStart * 1000);
  assert.equal(plan.worstCase, plan.ringAtMaximum * 1000);
  assert.equal(plan.reserved, plan.ringAtHardMaximum * 1000);
});
