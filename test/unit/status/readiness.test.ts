import assert from 'node:assert/strict';
import { test } from 'node:test';
import { limits } from '../../../src/base/limits.ts';
import { judgeReadiness } from '../../../src/status/readiness.ts';
import { threadLoad } from '../../support/thread-load.ts';

const load = threadLoad('ingest', 0, { busy: 0.5, loopDelayMs: 5, worstDelayMs: 9 });
const good = { draining: false, overloaded: false, listening: true, consumersReady: 2, consumers: 2, threads: [load] };

test('a server that serves is ready', () => {
  assert.deepEqual(judgeReadiness(good), { ready: true, reasons: [] });
});

test('everything that speaks against it is told', () => {
  const hung = { ...load, kind: 'consumer', index: 1, loopDelayMs: limits.http.hungThreadMs } as const;
  const facts = {
    draining: true,
    overloaded: true,
    listening: false,
    consumersReady: 1,
    consumers: 2,
    threads: [load, hung],
  };
  const { ready, reasons } = judgeReadiness(facts);
  assert.equal(ready, false);
  assert.deepEqual(
    reasons.map(({ code }) => code),
    ['draining', 'listeners_closed', 'consumer_down', 'thread_hung', 'overloaded'],
  );
  assert.deepEqual(
    [reasons[2]!.text, reasons[3]!.text],
    ['1 of 2 consumers are running', 'consumer 1 has not answered for 10 s'],
  );
});
