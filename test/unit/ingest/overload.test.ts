import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { limits } from '../../../src/base/limits.ts';
import { Overload } from '../../../src/ingest/overload.ts';
import type { LoadedThread, ThreadLoad } from '../../../src/shm/worker-load.ts';
import { threadLoad } from '../../support/thread-load.ts';

const { fullAfterMs, calmAfterMs, fullBusy, fullDelayMs, calmBusy, calmDelayMs } = limits.overload;
const { sampleMs } = limits.load;

function load(kind: LoadedThread, index: number, busy = 0.3, loopDelayMs = 1): ThreadLoad {
  return threadLoad(kind, index, { busy, loopDelayMs, worstDelayMs: loopDelayMs });
}

/** Feeds an {@link Overload} with one set of figures for a while; `active` says what it decided last. */
class Machine {
  readonly overload = new Overload();
  nowMs = 0;

  run(forMs: number, ...loads: ThreadLoad[]): boolean {
    for (const endMs = this.nowMs + forMs; this.nowMs < endMs; this.nowMs += sampleMs) {
      const before = this.overload.active;
      assert.equal(this.overload.sample(loads, this.nowMs), before !== this.overload.active, 'it tells its changes');
    }
    return this.overload.active;
  }
}

const calm = [load('ingest', 0), load('ingest', 1), load('consumer', 0)];

describe('overload', () => {
  test('a calm machine takes publishers, and so does one whose threads are almost always busy', () => {
    const machine = new Machine();
    assert.equal(machine.run(60_000, ...calm), false);
    assert.equal(machine.run(60_000, load('ingest', 0, 0.97, 200), load('consumer', 0, 0.97, 200)), false);
  });

  test('a burst is no overload', () => {
    const machine = new Machine();
    for (let burst = 0; burst < 10; burst++) {
      assert.equal(machine.run(fullAfterMs - sampleMs, load('ingest', 0, 1, 2000), load('consumer', 0)), false);
      assert.equal(machine.run(sampleMs, ...calm), false);
    }
  });

  for (const [what, figures] of [
    ['works all the time', [fullBusy, 0]],
    ['is much too late', [0.2, fullDelayMs]],
  ] as const) {
    test(`the only ingest worker ${what} for seconds: no new publisher`, () => {
      const machine = new Machine();
      machine.run(5000, load('ingest', 0), load('consumer', 0));
      assert.equal(machine.run(fullAfterMs + sampleMs, load('ingest', 0, ...figures), load('consumer', 0)), true);
      assert.ok(machine.overload.isFull('ingest', 0));
      assert.ok(!machine.overload.isFull('consumer', 0));
    });
  }

  test('one full worker of two leaves room; both do not; a full consumer does not either', () => {
    const machine = new Machine();
    const full = (kind: LoadedThread, index: number) => load(kind, index, 1, 400);
    assert.equal(machine.run(20_000, full('ingest', 0), load('ingest', 1), load('consumer', 0)), false);
    assert.ok(machine.overload.isFull('ingest', 0));
    assert.equal(machine.run(20_000, full('ingest', 0), full('ingest', 1), load('consumer', 0)), true);
    assert.equal(machine.run(20_000, load('ingest', 0), load('ingest', 1), full('consumer', 0)), true);
    const oneOfTwo = [full('consumer', 0), load('consumer', 1)];
    assert.equal(machine.run(20_000, load('ingest', 0), load('ingest', 1), ...oneOfTwo), false);
  });

  test('it ends by itself within 5 s of calm, but not at the first good moment', () => {
    const machine = new Machine();
    const full = [load('ingest', 0, 1, 900), load('consumer', 0)];
    const well = [load('ingest', 0), load('consumer', 0)];
    assert.equal(machine.run(20_000, ...full), true);
    for (let moment = 0; moment < 5; moment++) {
      assert.equal(machine.run(calmAfterMs - sampleMs, ...well), true, 'not yet');
      assert.equal(machine.run(sampleMs, ...full), true);
    }
    // The figures of a thread may be a second old, and so may be the last sample.
    assert.ok(1000 + 2 * sampleMs + calmAfterMs <= 5000);
    assert.equal(machine.run(calmAfterMs + 2 * sampleMs, ...well), false);
  });

  test('between the two limits it stays what it was', () => {
    const between = [load('ingest', 0, (fullBusy + calmBusy) / 2, (fullDelayMs + calmDelayMs) / 2)];
    const machine = new Machine();
    assert.equal(machine.run(60_000, ...between), false);
    machine.run(20_000, load('ingest', 0, 1, 900));
    assert.equal(machine.run(60_000, ...between), true);
  });

  for (const [what, busy, delayMs] of [
    ['in time again but still busy', calmBusy, 0],
    ['idle again but still late', 0, calmDelayMs],
  ] as const) {
    test(`a full thread that is ${what} has no room yet`, () => {
      const machine = new Machine();
      machine.run(20_000, load('ingest', 0, 1, 900));
      assert.equal(machine.run(60_000, load('ingest', 0, busy, delayMs)), true);
      const almost = load('ingest', 0, busy === 0 ? 0 : busy - 0.01, delayMs === 0 ? 0 : delayMs - 1);
      assert.equal(machine.run(calmAfterMs + 2 * sampleMs, almost), false);
    });
  }
});
