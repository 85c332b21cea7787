import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { BoundedWork } from '../../../src/base/bounded-work.ts';

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
