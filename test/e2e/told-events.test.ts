import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect } from 'node:net';
import { describe, type TestContext, test } from 'node:test';
import { breakWorkers } from '../support/breaking.ts';
import { HookTarget } from '../support/hook-target.ts';
import { temporaryFolder } from '../support/media.ts';
import { startTestServer, type TestServer, testCredentials } from '../support/media-server.ts';
import { NumberedStream } from '../support/numbered-stream.ts';
import { until } from '../support/program.ts';
import { RtmpClient } from '../support/rtmp-client.ts';

const timeout = 60_000;

interface ShownEvent {
  readonly id: string;
  readonly type: string;
  readonly stream: number | null;
  readonly path: string | null;
  readonly address: string | null;
  readonly reason: string | null;
  readonly count: number;
  readonly blame: string | null;
  readonly text: string | null;
  readonly figures: Record<string, number> | null;
}

/** Milliseconds. Recovery takes three good windows of 5 s in a row, and a machine that holds the sender up makes bad ones. */
const recoveryMs = 60_000;

/** A server, and its events as the API shows them, oldest first. */
async function watch(
  t: TestContext,
  flags: Record<string, string | boolean> = {},
  entries: Parameters<typeof startTestServer>[1] = {},
): Promise<{
  media: TestServer;
  events(): Promise<ShownEvent[]>;
  expect(type: string, timeoutMs?: number): Promise<ShownEvent>;
}> {
  const media = await startTestServer({ onvif: false, 'state-dir': temporaryFolder(t), ...flags }, entries);
  t.after(media.stop);
  const { user, password } = testCredentials;
  const headers = { Authorization: `Basic ${Buffer.from(`${user}:${password}`).toString('base64')}` };
  const events = async (): Promise<ShownEvent[]> => {
    const response = await fetch(`http://127.0.0.1:${media.server.addresses.httpPort}/api/v1/events`, { headers });
    assert.equal(response.status, 200);
    return ((await response.json()) as { events: ShownEvent[] }).events.toReversed();
  };
  const expect = async (type: string, timeoutMs = 30_000): Promise<ShownEvent> => {
    await until(`${type} is told`, () => media.server.history.newest().some((event) => event.type === type), timeoutMs);
    return (await events()).find((event) => event.type === type)!;
  };
  return { media, events, expect };
}

describe('events besides starts and stops', () => {
  test('a publisher of an unknown or busy path is told as rejected, and many of them as one', {
    timeout,
  }, async (t) => {
    const { media, events } = await watch(t);
    const port = media.server.addresses.rtmpPort;
    for (let i = 0; i < 5; i++) await assert.rejects(RtmpClient.publish({ port, path: '/nowhere' }));
    await NumberedStream.start(t, { port, path: '/stream2' });
    await assert.rejects(RtmpClient.publish({ port, path: '/stream2' }));
    const shown = await events();
    assert.deepEqual(
      shown.map(({ type, stream, path, reason, count, address }) => [type, stream, path, reason, count, address]),
      [
        ['rejected', null, '/nowhere', 'path_unknown', 1, '127.0.0.1'],
        ['started', 1, '/stream2', null, 1, '127.0.0.1'],
        ['rejected', 1, '/stream2', 'path_busy', 1, '127.0.0.1'],
      ],
    );
    assert.equal(media.server.history.ofCamera(1).length, 2);
  });

  test('a connection that is not admitted is told with its address', { timeout }, async (t) => {
    const { media, expect } = await watch(t, { 'max-connections': '1' });
    const port = media.server.addresses.rtmpPort;
    await NumberedStream.start(t, { port, path: '/stream1' });
    const refused = connect(port, '127.0.0.1');
    refused.on('error', () => undefined);
    await once(refused, 'close');
    const { reason, address, path, stream } = await expect('rejected');
    assert.deepEqual([reason, address, path, stream], ['connections_exceeded', '127.0.0.1', null, null]);
  });

  test('a stream that goes silent is told as degraded, with who is to blame, then as recovered, to hooks too', {
    timeout: timeout + recoveryMs,
  }, async (t) => {
    const target = await HookTarget.open(t);
    const { media, expect } = await watch(t, { 'video-timeout': '60s' });
    const { server } = media;
    await server.apply({ ...server.config, hooks: [{ url: target.url, events: ['degraded', 'recovered'] }] });
    // So few pictures that a machine which stands still for a moment makes no bad window.
    const slow = { intervalMs: 500, gop: 4 };
    const stream = await NumberedStream.start(t, { port: server.addresses.rtmpPort, path: '/stream1', ...slow });
    // Half of what is sent, so that it keeps its word when it stands still as well.
    stream.client.session.sendMetadata(new Map([['framerate', 1]]));
    await until('frames came', () => stream.sent > 4);
    stream.pause();
    const { blame, text, figures, stream: index } = await expect('degraded');
    assert.deepEqual([blame, index], ['network', 0]);
    assert.match(text ?? '', /nothing arrived/);
    assert.ok((figures?.['silentSeconds'] ?? 0) >= 4);
    stream.resume();
    const recovered = await expect('recovered', recoveryMs);
    assert.equal(recovered.blame, 'none');
    assert.ok((recovered.figures?.['framesPerSecond'] ?? 0) > 1);
    await target.has(2);
    assert.deepEqual(target.events, ['degraded Stream 1', 'recovered Stream 1']);
    const logged = media.log.map(({ msg }) => msg);
    assert.ok(logged.includes('RTMP Stream Degraded') && logged.includes('RTMP Stream Recovered'));
  });

  test('listeners that fail are told', { timeout }, async (t) => {
    const fragile = new URL('../support/fragile-acceptor.ts', import.meta.url);
    const { media, expect } = await watch(t, {}, { acceptor: fragile });
    await NumberedStream.start(t, { port: media.server.addresses.rtmpPort, path: '/stream1' });
    breakWorkers('acceptor', 'throw');
    assert.match((await expect('listener_failed')).text ?? '', /listeners failed/);
  });
});
