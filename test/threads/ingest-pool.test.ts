/** The pool of ingest workers as an acceptor uses it: workers that are slow to start, that hang, and that the system has no thread for. */
import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { systemClock } from '../../src/base/clock.ts';
import type { Logger } from '../../src/base/logger.ts';
import type { AcceptorToMain } from '../../src/control/messages.ts';
import { Acceptor } from '../../src/net/acceptor.ts';
import { WorkerLoads } from '../../src/shm/worker-load.ts';
import { acceptorBoot } from '../support/acceptor-boot.ts';
import { breakWorkers } from '../support/breaking.ts';
import { faultPaths } from '../support/faults.ts';
import { until } from '../support/program.ts';
import { RtmpClient } from '../support/rtmp-client.ts';
import { WorkerStarts } from '../support/worker-starts.ts';

const timeout = 60_000;

/** An acceptor in this thread, with so many ingest workers from that entry of `test/support`. */
async function rig(t: TestContext, ingestWorkers: number, entry: string) {
  const memory = WorkerLoads.create(ingestWorkers, 1);
  const ingestEntry = new URL(`../support/${entry}`, import.meta.url).href;
  const boot = { ...acceptorBoot(memory), ingestWorkers, ingestEntry };
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
  const loads = new WorkerLoads(memory);
  return {
    boot,
    loads,
    errors,
    told,
    connect: async (path: string) => {
      const client = await RtmpClient.connect({ port, path });
      clients.push(client);
      return client;
    },
    /** Of each worker. */
    connections: () =>
      loads
        .read(performance.now())
        .slice(0, ingestWorkers)
        .map((load) => load.connections),
  };
}

test('connections that come while the workers start are spread over all of them', { timeout }, async (t) => {
  const starts = new WorkerStarts();
  starts.slow(1, 2000);
  const { told, connect, connections } = await rig(t, 2, 'faint-ingest.ts');
  await until('one is there', () => told('ingest') === 1);
  for (const path of ['/stream1', '/stream2', '/stream3', '/stream4']) await connect(path);
  await until('all are served', () => connections().reduce((sum, count) => sum + count) === 4);
  assert.deepEqual(connections(), [2, 2]);
});

test('a worker that takes long to start counts neither as overloaded nor as one that hangs', { timeout }, async (t) => {
  const starts = new WorkerStarts();
  starts.slow(1, 12_000);
  const { loads, errors, connect, connections } = await rig(t, 1, 'faint-ingest.ts');
  await connect('/stream1');
  let overloaded = false;
  await until(
    'who waited is served',
    () => {
      overloaded ||= loads.overloaded;
      return connections()[0] === 1;
    },
    30_000,
  );
  assert.equal(overloaded, false);
  assert.deepEqual(errors, []);
  assert.equal(starts.count, 1);
});

test('a worker that hangs while it has nothing to do is replaced when it is given something', {
  timeout,
}, async (t) => {
  const { loads, errors, told, connect, connections } = await rig(t, 1, 'fragile-ingest.ts');
  const before = await connect('/stream1');
  await until('it has served somebody', () => connections()[0] === 1);
  before.destroy();
  await until('who has left', () => connections()[0] === 0);
  breakWorkers('ingest', 'hang');
  const lost = await connect('/stream1');
  await until('it has failed', () => told('worker_failed') === 1, 40_000);
  await lost.ended;
  await until('it does not count as overloaded any more', () => !loads.overloaded);
  await connect('/stream1');
  await until('another one serves', () => connections()[0] === 1);
  assert.deepEqual(errors, ['an ingest worker hangs; its connections are closed and it is replaced']);
});

test('a worker that there is no thread for is started later, and costs nobody else anything', {
  timeout,
}, async (t) => {
  const { boot, errors, told, connect } = await rig(t, 2, 'failing-ingest.ts');
  await until('both workers are there', () => told('ingest') === 2);

  // It cannot be handed over.
  const ingest = boot.ingest as { impossible?: () => void };
  ingest.impossible = () => {};
  const culprit = await connect(faultPaths.throw);
  await culprit.ended;
  await until('it was tried', () => errors.length > 0);
  await until('one has failed', () => told('worker_failed') === 1);
  const staying = await connect('/stream1');
  assert.equal(told('ingest'), 2);
  delete ingest.impossible;
  await until('another has been started', () => told('ingest') === 3);
  assert.equal(staying.closed, false);
  assert.deepEqual(errors, ['an ingest worker cannot be started; it is tried until it can']);
});

test('a connection that no worker could be started for has ended when one can', { timeout }, async (t) => {
  const { boot, errors, told, connect, connections } = await rig(t, 1, 'failing-ingest.ts');
  await until('the worker is there', () => told('ingest') === 1);

  const ingest = boot.ingest as { impossible?: () => void };
  ingest.impossible = () => {};
  const culprit = await connect(faultPaths.throw);
  await culprit.ended;
  await until('it was tried', () => errors.length > 0);
  const refused = await connect('/stream1');
  await refused.ended;
  delete ingest.impossible;
  await until('another has been started', () => told('ingest') === 2);
  await connect('/stream1');
  await until('it serves', () => connections()[0] === 1);
  assert.deepEqual(errors, ['an ingest worker cannot be started; it is tried until it can']);
});
