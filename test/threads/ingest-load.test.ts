import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { blockWorkers } from '../support/blocking.ts';
import { startTestServer } from '../support/media-server.ts';
import { isRun, NumberedStream, receivedNumbers } from '../support/numbered-stream.ts';
import { until } from '../support/program.ts';
import { RtmpClient } from '../support/rtmp-client.ts';

const timeout = 90_000;
const intervalMs = 20;
const entries = { ingest: new URL('../support/blockable-ingest.ts', import.meta.url) };

/** Mbit/s of drones in the order in which they come: in turn over three workers the first would get 31, the last 8.5. */
const drones = [16, 1, 1, 8, 1, 1, 4, 8, 2, 2, 4, 4, 1, 2, 0.5];
/** Of those Mbit/s that must have been measured before the next one comes: on a busy machine all of them send less. */
const leastPart = 0.6;

describe('the ingest workers', () => {
  test('receive about the same, though drones of very different bitrates come one by one', { timeout }, async (t) => {
    const media = await startTestServer({ 'ingest-workers': '3' });
    t.after(media.stop);
    const { server } = media;
    const ingest = () => server.load().filter(({ kind }) => kind === 'ingest');
    const connections = () => ingest().map((load) => load.connections);
    const sent = [0, 0, 0];
    for (const [i, mbit] of drones.entries()) {
      const before = connections();
      const bytes = (mbit * 1e6 * intervalMs) / 8000;
      const options = { port: server.addresses.rtmpPort, path: `/stream${i + 1}`, bytes, intervalMs, gop: 50 };
      await NumberedStream.start(t, options);
      const taken = () => connections().findIndex((count, index) => count > before[index]!);
      await until('a worker has noted it', () => taken() >= 0);
      sent[taken()]! += mbit * 1e6;
      await until('it is measured', () => ingest().every((load, k) => load.bitsPerSecond >= leastPart * sent[k]!));
    }
    const rates = ingest().map(({ bitsPerSecond }) => bitsPerSecond);
    t.diagnostic(`Mbit/s: ${rates.map((rate) => (rate / 1e6).toFixed(1)).join(', ')}; connections: ${connections()}`);
    assert.ok(Math.max(...sent) / Math.min(...sent) < 2.5, `${sent}`);
    assert.equal(
      connections().reduce((sum, count) => sum + count, 0),
      drones.length,
    );
    for (const { busy, loopDelayMs } of ingest()) assert.ok(busy > 0 && busy <= 1 && loopDelayMs >= 0);
    assert.equal(server.overloaded, false);
  });

  test('that cannot keep up: new publishers are refused, those that are there stay, and then all is as before', {
    timeout,
  }, async (t) => {
    const media = await startTestServer({ 'ingest-workers': '2', 'video-timeout': '60s' }, entries);
    t.after(media.stop);
    const { server } = media;
    const port = server.addresses.rtmpPort;
    const reader = await media.play('/stream1');
    const streams = [
      await NumberedStream.start(t, { port, path: '/stream1' }),
      await NumberedStream.start(t, { port, path: '/stream2' }),
    ];
    await reader.until((r) => receivedNumbers(r).length >= 5);
    await until('both workers have a stream', () => {
      return server.load().filter(({ kind, connections }) => kind === 'ingest' && connections === 1).length === 2;
    });

    const release = blockWorkers('ingest');
    t.after(release);
    await until('the server is overloaded', () => server.overloaded);
    const late = server.load().filter(({ kind, loopDelayMs }) => kind === 'ingest' && loopDelayMs > 1000);
    assert.equal(late.length, 2);
    await assert.rejects(RtmpClient.publish({ port, path: '/stream3' }), /refused/);
    assert.equal(server.connections, 2, 'it never came to a worker');

    release();
    await until('there is room again', () => !server.overloaded);
    const third = await RtmpClient.publish({ port, path: '/stream3' });
    t.after(() => third.destroy());
    assert.deepEqual(
      streams.map(({ closed }) => closed),
      [false, false],
    );
    const goal = streams[0]!.next + 10;
    await reader.until((r) => receivedNumbers(r).at(-1)! >= goal);
    assert.ok(isRun(receivedNumbers(reader)), 'nothing was lost meanwhile');
  });
});
