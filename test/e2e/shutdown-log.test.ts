/** Lines are gathered before they are written; a stop must not lose those that wait. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { PublishAuthServer } from '../support/publish-auth-server.ts';
import { RtmpClient } from '../support/rtmp-client.ts';

const timeout = 60_000;
const settings = { 'publish-auth': false, 'ingest-workers': 2 };

test('the log says of each publisher why it ended when the server is stopped', { timeout }, async (t) => {
  const server = await PublishAuthServer.start(t, settings);
  for (let i = 1; i <= 5; i++) {
    const client = await RtmpClient.connect({ port: server.rtmpPort, path: `/stream${i}` });
    t.after(() => client.socket.destroy());
    assert.equal(await client.accepted, true);
  }
  server.program.kill('SIGTERM');
  await server.program.ended;
  assert.deepEqual(server.reasons, Array(5).fill('shutdown'));
});

test('so it does of one that left a moment before, when its worker has nobody any more', { timeout }, async (t) => {
  const server = await PublishAuthServer.start(t, settings);
  const staying = await RtmpClient.connect({ port: server.rtmpPort, path: '/stream1' });
  t.after(() => staying.socket.destroy());
  assert.equal(await staying.accepted, true);
  const refused = await RtmpClient.connect({ port: server.rtmpPort, path: '/nowhere' });
  await refused.ended;
  server.program.kill('SIGTERM');
  await server.program.ended;
  assert.deepEqual(server.reasons.toSorted(), ['path_unknown', 'shutdown']);
});
