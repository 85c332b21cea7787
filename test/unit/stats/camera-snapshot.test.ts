import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { FrameCounting } from '../../../src/ingest/frame-counting.ts';
import { readerWord, StreamCounters } from '../../../src/shm/stream-counters.ts';
import { closeWindow, readCamera } from '../../../src/stats/camera-snapshot.ts';

function camera(consumers = 1) {
  const counters = new StreamCounters(StreamCounters.create(1, consumers));
  const counting = new FrameCounting(counters.publisher(0), () => 0, { saturated: false, lateMs: () => 0 });
  counting.start(1, 10);
  return { counters, counting };
}

describe('camera snapshot', () => {
  test('readers of all consumers are added up, and stay apart', () => {
    const { counters } = camera(3);
    counters.reader(0, 0).add(readerWord.overflow, 2);
    counters.reader(0, 2).add(readerWord.overflow, 5);
    const snapshot = readCamera(counters, 0);
    assert.equal(snapshot.reader.overflow, 7);
    assert.deepEqual(
      snapshot.consumers.map(({ overflow }) => overflow),
      [2, 0, 5],
    );
  });

  test('each window has its own extremes', () => {
    const { counters, counting } = camera();
    counting.frame(1, 0, 0, 100, 1);
    counting.frame(1, 0, 300, 400, 1);
    const first = closeWindow(counters, 0).publisher;
    counting.frame(1, 0, 340, 440, 1);
    const second = closeWindow(counters, 0).publisher;
    assert.deepEqual([first.dtsDeltaMax, second.dtsDeltaMax], [300, 40]);
    assert.deepEqual([first.window === first.openWindow, second.window === second.openWindow], [true, true]);
  });

  test('a window without a frame says so', () => {
    const { counters, counting } = camera();
    counting.frame(1, 0, 0, 100, 1);
    closeWindow(counters, 0);
    const { window, openWindow } = closeWindow(counters, 0).publisher;
    assert.notEqual(window, openWindow);
  });

  test('a frame that comes while a window is closed is in its extremes', () => {
    const { counters, counting } = camera();
    counting.frame(1, 0, 0, 100, 1);
    counting.frame(1, 0, 40, 140, 1);
    const block = counters.publisher(0);
    // The publisher's thread is between its look at the open window and its stores, when main has read the block.
    const table = {
      publisher: () => ({
        snapshot: () => block.snapshot(),
        beginWindow: () => {
          counting.frame(1, 0, 740, 840, 1);
          return block.beginWindow();
        },
        readExtremes: block.readExtremes.bind(block),
      }),
      consumers: 1,
      reader: counters.reader.bind(counters),
    } as unknown as StreamCounters;
    const { publisher } = closeWindow(table, 0);
    assert.deepEqual([publisher.frames, publisher.dtsDeltaMax], [2, 700]);
  });
});
