import assert from 'node:assert/strict';
import { once } from 'node:events';
import { test } from 'node:test';
import { Worker } from 'node:worker_threads';
import { Doorbell } from '../../src/shm/doorbell.ts';
import type { RingerData } from './doorbell-ringer-thread.ts';

test('no wake-up is lost in 200 000 rings by two threads in bursts', async (t) => {
  const cameras = 100;
  const memory = Doorbell.create(cameras);
  const bell = new Doorbell(memory);
  const posted = new Int32Array(new SharedArrayBuffer(4 * cameras));
  const seen = new Int32Array(new SharedArrayBuffer(4 * cameras));
  const keepAlive = setInterval(() => {}, 1000);
  const into = new Int32Array(cameras);
  let running = 2;
  let lost = 0;
  for (let i = 0; i < running; i++) {
    const workerData: RingerData = {
      bell: memory,
      posted,
      seen,
      rings: 100_000,
      seed: i,
      firstCamera: i * 50,
      cameras: 50,
    };
    const worker = new Worker(new URL('./doorbell-ringer-thread.ts', import.meta.url), { workerData });
    once(worker, 'message').then(([count]) => {
      lost += count as number;
      running--;
      bell.ring(0);
    });
  }

  let sleeps = 0;
  while (running > 0) {
    const asleep = bell.sleep();
    if (asleep !== null) {
      sleeps++;
      await asleep;
    } else if (sleeps % 64 === 0) {
      await new Promise((resolve) => setImmediate(resolve));
    }
    const count = bell.drain(into);
    for (let i = 0; i < count; i++) {
      const camera = into[i]!;
      // The dirty bit came after the post, so this sees every post that the bit stands for.
      Atomics.store(seen, camera, Atomics.load(posted, camera));
      Atomics.notify(seen, camera);
    }
  }
  clearInterval(keepAlive);
  t.diagnostic(`${sleeps} sleeps`);
  assert.equal(lost, 0);
  assert.ok(sleeps > 1000, 'it really slept');
  assert.deepEqual(seen, posted);
  assert.equal(
    posted.reduce((sum, count) => sum + count, 0),
    200_000,
  );
});
