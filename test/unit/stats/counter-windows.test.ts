import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { FrameCounting } from '../../../src/ingest/frame-counting.ts';
import { StreamCounters } from '../../../src/shm/stream-counters.ts';
import { CounterWindows, type WindowTaker } from '../../../src/stats/counter-windows.ts';

class Rig {
  readonly counters = new StreamCounters(StreamCounters.create(1, 1));
  readonly windows = new CounterWindows(this.counters);
  readonly #counting = new FrameCounting(this.counters.publisher(0), () => 0, { saturated: false, lateMs: () => 0 });
  #nowMs = 0;
  #dtsMs = 0;

  constructor() {
    this.#counting.start(1, 0);
    this.#counting.frame(100, 0, 0, 0, 1);
  }

  /** A frame whose time stamp is this much after the one before. */
  frame(deltaMs: number): void {
    this.#nowMs += deltaMs;
    this.#dtsMs += deltaMs;
    this.#counting.frame(100, 0, this.#dtsMs, this.#nowMs, 1);
  }

  /** Smallest and largest distance in the taker's window; null if no frame came in it. */
  close(taker: WindowTaker): number[] | null {
    const { publisher } = this.windows.close(0, taker);
    return publisher.window === publisher.openWindow ? [publisher.dtsDeltaMin, publisher.dtsDeltaMax] : null;
  }
}

describe('windows of two takers over one set of counters', () => {
  test('each has the extremes of its own window, whoever closes first', () => {
    const rig = new Rig();
    rig.frame(40);
    rig.frame(900);
    assert.deepEqual(rig.close('judge'), [40, 900]);
    rig.frame(50);
    assert.deepEqual(rig.close('judge'), [50, 50]);
    rig.frame(60);
    assert.deepEqual(rig.close('block'), [40, 900]);
    rig.frame(70);
    assert.deepEqual(rig.close('judge'), [60, 70], 'what came before the other closed is in it');
    assert.deepEqual(rig.close('block'), [70, 70]);
  });

  test('a window without a frame has none, also when the words still show an earlier one', () => {
    const rig = new Rig();
    rig.frame(900);
    rig.close('judge');
    assert.equal(rig.close('judge'), null);
    assert.deepEqual(rig.close('block'), [900, 900]);
    assert.equal(rig.close('block'), null);
  });

  test('a stream that starts has nothing of the one before, and what is kept can be looked at', () => {
    const rig = new Rig();
    rig.frame(900);
    rig.close('judge');
    assert.equal(rig.windows.kept(0, 'block')?.dtsDeltaMax, 900);
    rig.windows.forget(0);
    assert.equal(rig.windows.kept(0, 'block'), null);
    assert.equal(rig.close('block'), null);
  });
});
