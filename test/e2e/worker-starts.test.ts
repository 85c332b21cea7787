/** Ingest workers that fail while they start, as when memory is short for a moment. */
import assert from 'node:assert/strict';
import { connect } from 'node:net';
import { type TestContext, test } from 'node:test';
import { faultPaths } from '../support/faults.ts';
import { startTestServer, type TestServer } from '../support/media-server.ts';
import { NumberedStream } from '../support/numbered-stream.ts';
import { until } from '../support/program.ts';
import { RtmpClient } from '../support/rtmp-client.ts';
import { WorkerStarts } from '../support/worker-starts.ts';

const timeout = 60_000;
const starts = new WorkerStarts();

async function start(t: TestContext, workers: number): Promise<TestServer> {
  const ingest = new URL('../support/faint-ingest.ts', import.meta.url);
  const media = await startTestServer({ 'ingest-workers': `${workers}`, 'max-connections': '1000' }, { ingest });
  t.after(media.stop);
  return media;
}

/** Brings down the ingest worker that the connection is given to. */
async function fail(port: number): Promise<void> {
  const culprit = await RtmpClient.connect({ port, path: faultPaths.throw });
  await culprit.ended;
}

/** Resolves when each worker serves somebody: one that has just come is given the next connection. */
function allServe(t: TestContext, { server }: TestServer): Promise<void> {
  return until('all workers serve somebody', () => {
    const socket = connect(server.addresses.rtmpPort, '127.0.0.1').on('error', () => undefined);
    t.after(() => socket.destroy());
    const ingest = server.load().filter(({ kind }) => kind === 'ingest');
    return ingest.length === 2 && ingest.every(({ connections }) => connections > 0);
  });
}

test('a worker whose replacement fails while it starts is replaced all the same, again and again', {
  timeout,
}, async (t) => {
  const before = starts.count;
  const media = await start(t, 2);
  const port = media.server.addresses.rtmpPort;
  const paths = ['/stream1', '/stream2', '/stream3', '/stream4'];
  const streams = await Promise.all(paths.map((path) => NumberedStream.start(t, { port, path })));
  let expected = before + 2;
  for (const failing of [1, 2, 0]) {
    starts.failing = failing;
    await fail(port);
    expected += failing + 1;
    await until('it is replaced', () => starts.count === expected);
    await allServe(t, media);
  }
  assert.equal(starts.count, expected);
  assert.equal(streams.filter(({ closed }) => closed).length, 2, 'those of the other worker have noticed nothing');
});

test('when no worker is left at all, who comes waits for the next one', { timeout }, async (t) => {
  const media = await start(t, 1);
  const port = media.server.addresses.rtmpPort;
  for (const failing of [1, 3]) {
    starts.failing = failing;
    await fail(port);
    const client = await RtmpClient.connect({ port, path: '/stream1' });
    assert.equal(await client.accepted, true);
    client.destroy();
    await until('no connection is left', () => media.server.connections === 0);
  }
});
