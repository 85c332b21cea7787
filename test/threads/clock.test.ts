import assert from 'node:assert/strict';
import { once } from 'node:events';
import { test } from 'node:test';
import { Worker } from 'node:worker_threads';
import { systemClock } from '../../src/base/clock.ts';

test('what one thread reads after another is not earlier', async () => {
  const source = `
    const { parentPort } = require('node:worker_threads');
    import(${JSON.stringify(new URL('../../src/base/clock.ts', import.meta.url).href)}).then(({ systemClock }) => {
      parentPort.on('message', () => parentPort.postMessage(systemClock.nowMs()));
      parentPort.postMessage('ready');
    });`;
  const worker = new Worker(source, { eval: true });
  await once(worker, 'message');
  for (let i = 0; i < 200; i++) {
    const before = systemClock.nowMs();
    worker.postMessage('now');
    const [there] = (await once(worker, 'message')) as [number];
    const after = systemClock.nowMs();
    // The origins are measured to a few microseconds.
    assert.ok(there >= before - 0.05 && there <= after + 0.05, `${before} ${there} ${after}`);
  }
  await worker.terminate();
});
