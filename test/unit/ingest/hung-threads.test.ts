import assert from 'node:assert/strict';
import { test } from 'node:test';
import { limits } from '../../../src/base/limits.ts';
import { HungThreads } from '../../../src/ingest/hung-threads.ts';
import type { LoadedThread, ThreadLoad } from '../../../src/shm/worker-load.ts';
import { threadLoad } from '../../support/thread-load.ts';

const { hungSamples, sampleMs } = limits.load;

function load(kind: LoadedThread, index: number, silentMs: number): ThreadLoad {
  return threadLoad(kind, index, { silentMs, busy: 1 });
}

test('a thread that is silent for all of the time hangs, which is told once; the others do not', () => {
  const threads = new HungThreads();
  for (let sample = 1; sample <= 2 * hungSamples; sample++) {
    const hung = threads.sample([
      load('ingest', 0, (sample - 1) * sampleMs),
      load('ingest', 1, 20),
      load('consumer', 0, 20),
    ]);
    assert.deepEqual(
      hung.map(({ kind, index }) => [kind, index]),
      sample === hungSamples + 1 ? [['ingest', 0]] : [],
      `sample ${sample}`,
    );
  }
});

test('one that moves now and then is slow, but does not hang', () => {
  const threads = new HungThreads();
  for (let sample = 1; sample <= 5 * hungSamples; sample++)
    assert.deepEqual(threads.sample([load('ingest', 0, (sample % hungSamples) * sampleMs + 9000)]), []);
});

test('one that looks at its timer as often as it is sampled does not hang, however late the samples come', () => {
  for (const laterMs of [1, 10, 24, 100]) {
    const threads = new HungThreads();
    for (let sample = 1; sample <= 20 * hungSamples; sample++)
      assert.deepEqual(threads.sample([load('ingest', 0, (sample * laterMs) % sampleMs)]), [], `${laterMs} ms later`);
  }
});

test('one that hangs is found also by samples of which every other comes late, and the next one soon after it', () => {
  const threads = new HungThreads();
  let found = 0;
  for (let pair = 1; pair <= hungSamples + 1; pair++)
    for (const laterMs of [0, sampleMs / 10])
      found += threads.sample([load('ingest', 0, pair * 2 * sampleMs + laterMs)]).length;
  assert.equal(found, 1);
});

test('the whole process stood still: nobody hangs', () => {
  const threads = new HungThreads();
  for (const silentMs of [0, 3_600_000, 0]) assert.deepEqual(threads.sample([load('consumer', 0, silentMs)]), []);
});
