import assert from 'node:assert/strict';
import { describe, type TestContext, test } from 'node:test';
import { breakWorkers } from '../support/breaking.ts';
import { startTestServer, type TestServer } from '../support/media-server.ts';
import { until } from '../support/program.ts';
import { RtmpClient } from '../support/rtmp-client.ts';
import { headerTag, idr, naluTag, pps, prefixed, sps } from '../unit/ingest/publisher-rig.ts';

const timeout = 60_000;
const fragile = (name: string) => new URL(`../support/fragile-${name}.ts`, import.meta.url);

/** A server and the starts and stops of its streams, as texts. */
async function watch(
  t: TestContext,
  flags: Record<string, string | boolean> = {},
  entries: Parameters<typeof startTestServer>[1] = {},
): Promise<{ media: TestServer; events: string[]; publish(path?: string): Promise<RtmpClient> }> {
  const media = await startTestServer(flags, entries);
  t.after(media.stop);
  const events: string[] = [];
  media.server.events.on('started', ({ camera }) => events.push(`started ${camera.path}`));
  media.server.events.on('stopped', ({ camera, reason }) => events.push(`stopped ${camera.path} ${reason}`));
  const publish = async (path = '/stream1') => {
    const client = await RtmpClient.publish({ port: media.server.addresses.rtmpPort, path });
    t.after(() => client.destroy());
    client.send(0, headerTag([sps], [pps]));
    client.send(0, naluTag(prefixed(4, idr()), { key: true }));
    return client;
  };
  return { media, events, publish };
}

describe('RTMP Stream Started and RTMP Stream Stopped, with nobody reading', () => {
  const ends: readonly [name: string, end: (client: RtmpClient) => void, reason: string][] = [
    ['unpublish', (client) => client.stop(), 'unpublished'],
    ['a connection that is closed', (client) => client.socket.end(), 'peer_closed'],
    ['a connection that is reset', (client) => client.reset(), 'peer_reset'],
    ['video that stops', () => undefined, 'video_timeout'],
    ['bytes that are not RTMP', (client) => client.socket.write(Buffer.alloc(5000, 0xff)), 'chunk_no_state'],
  ];
  for (const [name, end, reason] of ends) {
    test(name, { timeout }, async (t) => {
      // A deadline that is not looked at must not end what a busy machine takes long for.
      const flags = reason === 'video_timeout' ? { 'video-timeout': '400ms' } : {};
      const { media, events, publish } = await watch(t, flags);
      const client = await publish();
      end(client);
      await until('it has stopped', () => events.length > 1);
      await until('the connection is gone', () => media.server.connections === 0);
      assert.equal(events[0], 'started /stream1');
      assert.equal(events[1], `stopped /stream1 ${reason}`);
      await media.stop();
      assert.equal(events.length, 2, events.join());
      const records = media.server.history.ofCamera(0).map((record) => [record.type, record.publisher?.id]);
      assert.deepEqual(records, [
        ['stopped', 'r1'],
        ['started', 'r1'],
      ]);
    });
  }

  test('takeover: stopped, then started', { timeout }, async (t) => {
    const { media, events, publish } = await watch(t, { 'publish-conflict': 'takeover' });
    await publish();
    const second = await publish();
    second.stop();
    await until('both have stopped', () => events.length >= 4);
    await media.stop();
    assert.deepEqual(events, [
      'started /stream1',
      'stopped /stream1 taken_over',
      'started /stream1',
      'stopped /stream1 unpublished',
    ]);
  });

  for (const thread of ['ingest', 'acceptor'] as const) {
    test(`the ${thread} thread fails`, { timeout }, async (t) => {
      const { media, events, publish } = await watch(t, { 'ingest-workers': '1' }, { [thread]: fragile(thread) });
      await publish('/stream1');
      await publish('/stream2');
      breakWorkers(thread, 'throw');
      await until('both have stopped', () => events.length >= 4);
      assert.deepEqual(events.slice(2).sort(), ['stopped /stream1 worker_failed', 'stopped /stream2 worker_failed']);
      await until('publishing works again', () => media.server.connections === 0);
      await until('the path is taken again', async () => (await publish('/stream1').catch(() => null)) !== null);
      assert.deepEqual(events.slice(4), ['started /stream1']);
    });
  }

  test('shutdown', { timeout }, async (t) => {
    const { media, events, publish } = await watch(t);
    await publish('/stream1');
    await publish('/stream2');
    await media.stop();
    assert.deepEqual(events.slice(2).sort(), ['stopped /stream1 shutdown', 'stopped /stream2 shutdown']);
  });

  test('shutdown while the ingest thread hangs', { timeout }, async (t) => {
    const { media, events, publish } = await watch(
      t,
      { 'ingest-workers': '1', 'drain-timeout': '500ms' },
      { ingest: fragile('ingest') },
    );
    await publish();
    breakWorkers('ingest', 'hang');
    await media.stop();
    assert.deepEqual(events, ['started /stream1', 'stopped /stream1 shutdown']);
    const titles = media.log.map(({ msg }) => msg).filter((message) => String(message).includes('Stats'));
    assert.deepEqual(titles, ['RTMP Stream Stats: /stream1 (final, publisher disconnected)']);
  });
});
