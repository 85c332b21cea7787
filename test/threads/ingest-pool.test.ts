/** Ingest workers that the system has no thread for: here because what they are started with cannot be handed over. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { systemClock } from '../../src/base/clock.ts';
import type { Logger } from '../../src/base/logger.ts';
import type { AcceptorToMain } from '../../src/control/messages.ts';
import { Acceptor } from '../../src/net/acceptor.ts';
import { WorkerLoads } from '../../src/shm/worker-load.ts';
import { acceptorBoot } from '../support/acceptor-boot.ts';
import { faultPaths } from '../support/faults.ts';
import { until } from '../support/program.ts';
import { RtmpClient } from '../support/rtmp-client.ts';

const timeout = 60_000;

test('a worker that there is no thread for is started later, and costs nobody else anything', {
  timeout,
}, async (t) => {
  const ingestEntry = new URL('../support/failing-ingest.ts', import.meta.url).href;
  const boot = { ...acceptorBoot(WorkerLoads.create(2, 1)), ingestWorkers: 2, ingestEntry };
  const errors: string[] = [];
  const ignore = () => undefined;
  const write = (_: object, text: string) => errors.push(text);
  const logger = { debug: ignore, info: ignore, warn: ignore, error: write } as unknown as Logger;
  const messages: AcceptorToMain[] = [];
  const acceptor = new Acceptor(boot, (sent) => messages.push(sent), systemClock, logger);
  const told = (type: AcceptorToMain['type']) => messages.filter((message) => message.type === type).length;
  const clients: RtmpClient[] = [];
  t.after(async () => {
    for (const client of clients) client.destroy();
    acceptor.onMain({ type: 'stop' });
    await until('it has stopped', () => told('stopped') === 1);
  });
  await acceptor.listen();
  const listening = messages.find((message) => message.type === 'listening');
  assert.ok(listening?.type === 'listening');
  const { rtmp: port } = listening.listeners[0]!;
  await until('both workers are there', () => told('ingest') === 2);

  const ingest = boot.ingest as { impossible?: () => void };
  ingest.impossible = () => {};
  const culprit = await RtmpClient.connect({ port, path: faultPaths.throw });
  await culprit.ended;
  await until('it was tried', () => errors.length > 0);
  await until('one has failed', () => told('worker_failed') === 1);
  const staying = await RtmpClient.connect({ port, path: '/stream1' });
  clients.push(staying);
  assert.equal(told('ingest'), 2);
  delete ingest.impossible;
  await until('another has been started', () => told('ingest') === 3);
  assert.equal(staying.closed, false);
  assert.deepEqual(errors, ['an ingest worker cannot be started; it is tried until it can']);
});
