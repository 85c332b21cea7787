import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { type Attempt, type HookItem, HookQueue, type QueueBounds } from '../../../src/hooks/hook-queue.ts';
import type { Outcome } from '../../../src/hooks/outcome.ts';

const delivered: Outcome = { result: 'delivered', detail: 'HTTP 204' };
const refused: Outcome = { result: 'refused', detail: 'HTTP 410' };
const noTarget: Outcome = { result: 'retry', scope: 'target', detail: 'no answer in time' };
const badEvent: Outcome = { result: 'retry', scope: 'event', detail: 'HTTP 500' };
const hourMs = 3_600_000;

class Rig {
  readonly queue: HookQueue;
  nowMs = 1000;
  #count = 0;

  constructor(bounds: Partial<QueueBounds> = {}) {
    this.queue = new HookQueue(() => 1, { events: 100, bytes: 1e6, parallel: 4, giveUpMs: 24 * hourMs, ...bounds });
  }

  item(lane: string, size = 10): HookItem {
    const id = `${lane}${++this.#count}`;
    const event = 'x'.repeat(size);
    return { id, lane, event, content: event, queuedMs: this.nowMs };
  }

  add(lane: string, count = 1, size?: number): string[] {
    const dropped: string[] = [];
    for (let i = 0; i < count; i++)
      dropped.push(...this.queue.add(this.item(lane, size)).map(({ item, cause }) => `${cause} ${item.id}`));
    return dropped;
  }

  /** All attempts that may be made now. */
  take(): Attempt[] {
    const attempts: Attempt[] = [];
    for (let attempt = this.queue.take(this.nowMs); attempt !== null; attempt = this.queue.take(this.nowMs))
      attempts.push(attempt);
    return attempts;
  }

  settle(attempt: Attempt, outcome: Outcome): string[] {
    return this.queue
      .settle(attempt, outcome, this.nowMs)
      .map(({ item, cause, attempts }) => `${cause} ${item.id} ${attempts}`);
  }
}

const ids = (attempts: readonly Attempt[]): string[] => attempts.map(({ item }) => item.id);

describe('the queue of a hook', () => {
  test('delivers the events of one camera one after the other, several cameras at the same time', () => {
    const rig = new Rig();
    rig.add('a', 2);
    rig.add('b', 2);
    const first = rig.take();
    assert.deepEqual(ids(first), ['a1', 'b3']);
    assert.equal(rig.queue.nextMs, null, 'nothing to wait for but them');
    rig.settle(first[1]!, delivered);
    assert.deepEqual(ids(rig.take()), ['b4']);
    rig.settle(first[0]!, delivered);
    assert.deepEqual(ids(rig.take()), ['a2']);
    assert.equal(rig.queue.length, 2);
  });

  test('makes no more attempts at once than it may, and gives every camera its turn', () => {
    const rig = new Rig({ parallel: 2 });
    for (const lane of ['a', 'b', 'c']) rig.add(lane, 2);
    const order: string[] = [];
    for (let attempts = rig.take(); attempts.length > 0; attempts = [...attempts.slice(1), ...rig.take()]) {
      assert.ok(attempts.length <= 2);
      order.push(attempts[0]!.item.id);
      rig.settle(attempts[0]!, delivered);
    }
    assert.deepEqual(order, ['a1', 'b3', 'c5', 'a2', 'b4', 'c6']);
    assert.deepEqual([rig.queue.length, rig.queue.bytes], [0, 0]);
  });

  test('a target that is not there is asked with one event at a time, 1 s, 2 s, 4 s to 5 min apart, and then all goes on', () => {
    const rig = new Rig();
    for (const lane of ['a', 'b', 'c']) rig.add(lane, 3);
    for (const attempt of rig.take()) rig.settle(attempt, noTarget);
    const pauses: number[] = [];
    for (let i = 0; i < 12; i++) {
      assert.ok(rig.queue.down);
      pauses.push(rig.queue.nextMs! - rig.nowMs);
      rig.nowMs = rig.queue.nextMs! - 1;
      assert.deepEqual(rig.take(), []);
      rig.nowMs++;
      const [attempt, ...others] = rig.take();
      assert.deepEqual(others, []);
      rig.settle(attempt!, i < 11 ? noTarget : delivered);
    }
    // Three failed at the same time, which is one failure of the target.
    assert.deepEqual(pauses.slice(0, 5), [1000, 2000, 4000, 8000, 16_000]);
    assert.equal(pauses.at(-1), 300_000);
    assert.ok(!rig.queue.down);
    const order: string[] = [];
    for (let attempts = rig.take(); attempts.length > 0; attempts = rig.take()) {
      assert.ok(attempts.length >= 2, 'in parallel again');
      for (const attempt of attempts) {
        order.push(attempt.item.id);
        rig.settle(attempt, delivered);
      }
    }
    for (const lane of ['a', 'b', 'c']) {
      const own = order.filter((id) => id.startsWith(lane)).map((id) => Number(id.slice(1)));
      assert.deepEqual(
        own,
        own.toSorted((x, y) => x - y),
        'in order',
      );
    }
    assert.equal(rig.queue.length, 0);
  });

  test('an event that alone fails holds up its own camera and nobody else', () => {
    const rig = new Rig();
    rig.add('a', 2);
    rig.add('b', 1);
    const [poison, good] = rig.take();
    rig.settle(poison!, badEvent);
    rig.settle(good!, delivered);
    assert.ok(!rig.queue.down);
    rig.add('b', 1);
    assert.deepEqual(ids(rig.take()), ['b4'], 'at once');
    assert.equal(rig.queue.nextMs, rig.nowMs + 1000);
    rig.nowMs += 1000;
    assert.deepEqual(ids(rig.take()), ['a1']);
  });

  test('waits as long as the target asks', () => {
    const rig = new Rig();
    rig.add('a', 1);
    rig.settle(rig.take()[0]!, { ...noTarget, afterMs: 90_000 });
    assert.equal(rig.queue.nextMs, rig.nowMs + 90_000);
  });

  test('waits so long also where attempts that began before are answered later, well or not', () => {
    const rig = new Rig();
    for (const lane of ['a', 'b', 'c', 'd']) rig.add(lane, 2);
    const [busy, good, refusing, later] = rig.take();
    rig.settle(busy!, { ...noTarget, afterMs: 60_000 });
    rig.settle(good!, delivered);
    rig.settle(refusing!, refused);
    assert.deepEqual([rig.queue.down, rig.take()], [true, []]);
    rig.settle(later!, { ...noTarget, afterMs: 90_000 });
    assert.equal(rig.queue.nextMs, rig.nowMs + 90_000);
    rig.nowMs += 90_000;
    const [probe] = rig.take();
    rig.settle(probe!, delivered);
    assert.equal(rig.take().length, 4);
  });

  test('another target is asked at once, also for what the one before could not take a moment later', () => {
    const rig = new Rig();
    for (const lane of ['a', 'b']) rig.add(lane);
    const [first, second] = rig.take();
    rig.queue.retarget();
    rig.settle(first!, { ...noTarget, afterMs: 90_000 });
    rig.settle(second!, { ...noTarget, scope: 'event', afterMs: 90_000 });
    assert.equal(rig.queue.down, false);
    assert.equal(rig.take().length, 2);
  });

  test('a refusal takes the event away, and the next one follows', () => {
    const rig = new Rig();
    rig.add('a', 2);
    assert.deepEqual(rig.settle(rig.take()[0]!, refused), ['refused a1 1']);
    assert.deepEqual(ids(rig.take()), ['a2']);
  });

  test('gives up after a day, oldest first, and not what is younger', () => {
    const rig = new Rig();
    rig.add('a', 1);
    rig.add('b', 1);
    rig.nowMs += hourMs;
    rig.add('a', 1);
    let letters: string[] = [];
    while (letters.length === 0) {
      letters = rig.take().flatMap((attempt) => rig.settle(attempt, noTarget));
      rig.nowMs = Math.max(rig.nowMs, rig.queue.nextMs ?? 0);
    }
    assert.deepEqual(letters.map((letter) => letter.split(' ').slice(0, 2).join(' ')).sort(), [
      'expired a1',
      'expired b2',
    ]);
    assert.ok(rig.nowMs >= 1000 + 24 * hourMs);
    assert.equal(rig.queue.length, 1);
  });

  test('is bounded by events and by bytes: the oldest of the fullest camera goes, never the one being delivered', () => {
    const rig = new Rig({ events: 4 });
    assert.deepEqual(rig.add('a', 1), []);
    assert.deepEqual(rig.add('b', 3), []);
    assert.deepEqual(ids(rig.take()), ['a1', 'b2']);
    assert.deepEqual(rig.add('c', 1), ['dropped b3']);
    assert.deepEqual(rig.add('c', 1), ['dropped c5']);
    assert.deepEqual(rig.add('c', 1), ['dropped c6']);
    assert.equal(rig.queue.length, 4);

    const heavy = new Rig({ bytes: 100 });
    assert.deepEqual(heavy.add('a', 2, 40), []);
    assert.deepEqual(heavy.add('b', 1, 40), ['dropped a1']);
    assert.equal(heavy.queue.bytes, 80);
  });

  test('what is emptied is told with its attempts, and what runs is settled without harm', () => {
    const rig = new Rig();
    rig.add('a', 2);
    const [running] = rig.take();
    const letters = rig.queue.empty('removed', 'gone');
    assert.deepEqual(
      letters.map(({ item, cause }) => `${cause} ${item.id}`),
      ['removed a1', 'removed a2'],
    );
    assert.deepEqual(rig.settle(running!, delivered), []);
    assert.deepEqual([rig.queue.length, rig.queue.bytes], [0, 0]);
  });
});
