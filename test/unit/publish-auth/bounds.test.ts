import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { limits } from '../../../src/base/limits.ts';
import { BoundedWork } from '../../../src/publish-auth/bounded-work.ts';
import { ReplayMemory } from '../../../src/publish-auth/replay-memory.ts';

describe('credentials for one use', () => {
  test('are used once, until they end by themselves', () => {
    const memory = new ReplayMemory();
    assert.equal(memory.take('a', 1000, 0), 'taken');
    assert.equal(memory.take('a', 1000, 999), 'used');
    assert.equal(memory.take('b', 1000, 0), 'taken');
  });

  test('may be used again when nothing came of the first use', () => {
    const memory = new ReplayMemory();
    memory.take('a', 1000, 0);
    memory.giveBack('a');
    assert.equal(memory.take('a', 1000, 1), 'taken');
  });

  test('a full memory refuses new ones, and forgets none before its time', () => {
    const memory = new ReplayMemory();
    const most = limits.publishAuth.usedCredentials;
    for (let i = 0; i < most; i++) assert.equal(memory.take(`${i}`, i === 0 ? 5_000 : 10_000, 0), 'taken');
    assert.equal(memory.take('more', 10_000, 10), 'full');
    assert.equal(memory.take('0', 5_000, 20), 'used');
    assert.equal(memory.take('more', 10_000, 5_000), 'taken');
    assert.equal(memory.size, most);
  });
});

describe('work that is bounded', () => {
  const never = new AbortController().signal;
  const task = () => Promise.withResolvers<string>();

  test('runs a few at a time, in order, and turns the rest away', async () => {
    const work = new BoundedWork({ parallel: 1, waiting: 1 });
    const [first, second] = [task(), task()];
    const begun: number[] = [];
    const results = [first, second, task()].map((one, place) =>
      work.run(() => {
        begun.push(place);
        return one.promise;
      }, never),
    );
    assert.equal(await results[2], null);
    assert.deepEqual(begun, [0]);
    first.resolve('a');
    assert.equal(await results[0], 'a');
    second.resolve('b');
    assert.equal(await results[1], 'b');
    assert.deepEqual(begun, [0, 1]);
    assert.equal(await work.run(async () => 'again', never), 'again');
  });

  test('whoever leaves the queue makes room, and is not run', async () => {
    const work = new BoundedWork({ parallel: 1, waiting: 1 });
    const first = task();
    const running = work.run(() => first.promise, never);
    const leaver = new AbortController();
    const left = work.run(async () => assert.fail('nobody waits for it'), leaver.signal);
    leaver.abort();
    assert.equal(await left, null);
    const next = work.run(async () => 'next', never);
    first.resolve('a');
    assert.deepEqual(await Promise.all([running, next]), ['a', 'next']);
  });

  test('work that fails gives its place on', async () => {
    const work = new BoundedWork({ parallel: 1, waiting: 1 });
    const failing = work.run(() => Promise.reject(new Error('no')), never);
    const next = work.run(async () => 'next', never);
    await assert.rejects(failing, /no/);
    assert.equal(await next, 'next');
  });
});
