import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { limits } from '../../../src/base/limits.ts';
import { WorkerChoice } from '../../../src/ingest/worker-choice.ts';

const Mbit = 1_000_000;
const { measuredAfterMs, sampleMs } = limits.load;

/** Workers whose connections send from `delayMs` after they came; their rates are means over the last second, as in life. */
class Workers {
  readonly connections: { readonly bits: number; readonly sinceMs: number }[][];
  nowMs = 1_000_000;
  readonly #choice: WorkerChoice;
  #sampledMs = this.nowMs;

  constructor(count: number) {
    this.#choice = new WorkerChoice(count);
    this.connections = Array.from({ length: count }, () => []);
  }

  wait(ms: number): void {
    const endMs = this.nowMs + ms;
    while (this.#sampledMs + sampleMs <= endMs) {
      this.#sampledMs += sampleMs;
      this.nowMs = this.#sampledMs;
      for (const [index, list] of this.connections.entries()) {
        // Worked out once a second.
        const notedMs = Math.floor(this.nowMs / 1000) * 1000;
        const rate = list.reduce((sum, { bits, sinceMs }) => {
          return sum + bits * Math.min(1, Math.max(0, notedMs - sinceMs) / 1000);
        }, 0);
        this.#choice.measured(index, rate, this.nowMs);
      }
    }
    this.nowMs = endMs;
  }

  connect(bits: number, full: readonly number[] = []): number {
    const candidates = this.connections.map((list, index) => {
      return { index, connections: list.length, full: full.includes(index) };
    });
    const { index } = this.#choice.choose(candidates, this.nowMs)!;
    this.connections[index]!.push({ bits, sinceMs: this.nowMs + 500 });
    return index;
  }

  get counts(): number[] {
    return this.connections.map((list) => list.length);
  }

  /** Of bits per second, the highest over the lowest. */
  get spread(): number {
    const sums = this.connections.map((list) => list.reduce((sum, { bits }) => sum + bits, 0));
    return Math.max(...sums) / Math.min(...sums);
  }
}

/** What stands on a field: one 4K drone to four of 1080p and four of 360p, in an order that repeats. */
const field = [25, 0.5, 4.5, 0.5, 4.5, 8, 0.5, 4.5, 0.5].map((mbit) => mbit * Mbit);

describe('the choice of the ingest worker', () => {
  test('a burst is spread evenly, since nothing of it is measured yet', () => {
    const workers = new Workers(3);
    for (let i = 0; i < 1000; i++) workers.connect(4.5 * Mbit);
    assert.deepEqual(workers.counts, [334, 333, 333]);
  });

  test('a 4K drone weighs more than four of 360p', () => {
    const workers = new Workers(2);
    assert.equal(workers.connect(25 * Mbit), 0);
    workers.wait(10_000);
    for (let i = 0; i < 4; i++) {
      assert.equal(workers.connect(0.5 * Mbit), 1);
      workers.wait(10_000);
    }
    assert.deepEqual(workers.counts, [1, 4]);
  });

  test('of idle connections there are as many everywhere', () => {
    const workers = new Workers(4);
    for (let i = 0; i < 40; i++) {
      workers.connect(0);
      workers.wait(10_000);
    }
    assert.deepEqual(workers.counts, [10, 10, 10, 10]);
  });

  for (const everyMs of [10_000, 1000, 300]) {
    test(`drones of very different bitrates, one every ${everyMs} ms: the workers receive about the same`, () => {
      const workers = new Workers(3);
      for (let i = 0; i < 90; i++) {
        workers.connect(field[i % field.length]!);
        workers.wait(everyMs);
      }
      assert.ok(workers.spread < 1.5, `${workers.spread}`);
      // In turn, as by the number of connections alone, all the large ones meet: the pattern has three times three.
      const inTurn = [0, 1, 2].map((worker) => field.filter((_, i) => i % 3 === worker).reduce((a, b) => a + b));
      assert.ok(Math.max(...inTurn) / Math.min(...inTurn) > 2, `${inTurn}`);
    });
  }

  test('a worker that was emptied by drones that left is filled again', () => {
    const workers = new Workers(2);
    for (let i = 0; i < 8; i++) workers.connect(4.5 * Mbit);
    workers.wait(measuredAfterMs);
    workers.connections[0]!.length = 0;
    workers.wait(5000);
    for (let i = 0; i < 4; i++) {
      assert.equal(workers.connect(4.5 * Mbit), 0);
      workers.wait(500);
    }
  });

  test('connections that came and went do not count for a while as if they were there', () => {
    const workers = new Workers(2);
    for (let i = 0; i < 100; i++) {
      const index = workers.connect(0);
      if (index === 0) workers.connections[0]!.pop();
    }
    workers.connections[1]!.length = 0;
    assert.deepEqual(workers.counts, [0, 0]);
    const next = Array.from({ length: 10 }, () => workers.connect(4.5 * Mbit));
    assert.equal(next.filter((index) => index === 0).length, 5);
  });

  test('a worker that is full gets nothing unless all are', () => {
    const workers = new Workers(3);
    for (let i = 0; i < 10; i++) workers.connect(4.5 * Mbit, [0, 2]);
    assert.deepEqual(workers.counts, [0, 10, 0]);
    for (let i = 0; i < 20; i++) workers.connect(4.5 * Mbit, [0, 1, 2]);
    assert.deepEqual(workers.counts, [10, 10, 10]);
    assert.equal(new WorkerChoice(2).choose([], 0), null);
  });

  test('another thread under the same index starts from nothing', () => {
    const choice = new WorkerChoice(2);
    const both = [0, 1].map((index) => ({ index, connections: 0, full: false }));
    choice.measured(0, 100 * Mbit, 0);
    assert.equal(choice.choose(both, 0)!.index, 1);
    choice.reset(0);
    assert.equal(choice.choose(both, 0)!.index, 0);
  });
});
