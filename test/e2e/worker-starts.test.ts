/** Ingest workers that fail while they start, as when memory is short for a moment. */
import assert from 'node:assert/strict';
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
  const media = await startTestServer(
    { 'ingest-workers': `${workers}`, 'max-connections': '1000', cameras: '1000' },
    { ingest },
  );
  t.after(media.stop);
  return media;
}

/** Brings down the ingest worker that the connection is given to. */
async function fail(port: number): Promise<void> {
  const culprit = await RtmpClient.connect({ port, path: faultPaths.throw });
  await culprit.ended;
}

/** Publishes one stream more and another until each worker has one, whichever of them each is given to. */
function eachPublishes(t: TestContext, { server }: TestServer, streams: NumberedStream[]): Promise<void> {
  const port = server.addresses.rtmpPort;
  return until('each worker has a stream', async () => {
    const ingest = server.load().filter(({ kind }) => kind === 'ingest');
    if (ingest.length < 2) return false;
    if (ingest.every(({ connections }) => connections > 0)) return true;
    streams.push(await NumberedStream.start(t, { port, path: `/stream${streams.length + 1}` }));
    return false;
  });
}

test('a worker whose replacement fails while it starts is replaced all the same, again and again', {
  timeout,
}, async (t) => {
  let expected = starts.count + 2;
  const media = await start(t, 2);
  const streams: NumberedStream[] = [];
  for (const failing of [1, 2, 0]) {
    await eachPublishes(t, media, streams);
    assert.equal(starts.count, expected);
    const before = streams.filter(({ closed }) => !closed);
    starts.failing = failing;
    await fail(media.server.addresses.rtmpPort);
    expected += failing + 1;
    await until('it is replaced', () => starts.count === expected);
    await until('its streams have ended', () => before.some(({ closed }) => closed));
    assert.ok(!before.every(({ closed }) => closed), 'those of the other worker have noticed nothing');
  }
  await eachPublishes(t, media, streams);
  assert.equal(starts.count, expected);
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
