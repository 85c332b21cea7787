import assert from 'node:assert/strict';
import { statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { signedText, signText } from '../../src/publish-auth/signed-url.ts';
import { makeClip, pushArgs, temporaryFolder } from '../support/media.ts';
import { type Program, start, until } from '../support/program.ts';
import { PublishAuthServer } from '../support/publish-auth-server.ts';

const timeout = 60_000;
const badName = 'NetStream.Publish.BadName';
const signSecret = 'a-secret-of-at-least-32-characters';

function signed(path: string, expires: number): string {
  const sign = signText(signSecret, signedText(path, String(expires))).toString('hex');
  return `${path}?expires=${expires}&sign=${sign}`;
}

const soon = (): number => Math.floor(Date.now() / 1000) + 600;

/** A folder with the secret that URLs are signed with. */
function folderOf(t: TestContext): string {
  const folder = temporaryFolder(t);
  writeFileSync(join(folder, 'sign-secret'), `${signSecret}\n`);
  return folder;
}

test('FFmpeg publishes with a right credential, and is refused with any other', { timeout }, async (t) => {
  const folder = folderOf(t);
  const settings = { 'publish-sign-secret-file': 'sign-secret', 'publish-single-use': true };
  const server = await PublishAuthServer.start(t, settings, folder);
  const clip = await makeClip(folder, 'clip', { seconds: 1 });
  const { key } = await server.newKey('/stream1', '--label', 'drone 7');
  const { key: endedKey, id } = await server.newKey('/stream1');
  const past = new Date(Date.now() - 1000).toISOString();
  assert.equal((await server.api('PATCH', `/api/v1/keys/${id}`, { notAfter: past })).status, 200);

  const push = async (path: string): Promise<{ code: number | null; reason: unknown }> => {
    const before = server.reasons.length;
    const { code } = await start(t, 'ffmpeg', pushArgs(clip, server.url(path))).ended;
    return { code, reason: await server.reason(before) };
  };
  const url = signed('/stream2', soon());
  for (const [name, path, reason] of [
    ['a right key', `/stream1?key=${key}`, null],
    ['a key at the end of the path', `/stream1/${key}`, null],
    ['no key', '/stream1', 'credential_missing'],
    ['a wrong key', `/stream1?key=${key.slice(0, -1)}${key.endsWith('0') ? '1' : '0'}`, 'credential_wrong'],
    ['a wrong key at the end of the path', `/stream1/${key}0`, 'credential_wrong'],
    ['the key of another camera', `/stream2?key=${key}`, 'credential_wrong'],
    ['a key that has ended', `/stream1?key=${endedKey}`, 'credential_expired'],
    ['a signed URL', url, null],
    ['the same URL again', url, 'credential_replayed'],
    ['a URL that has ended', signed('/stream2', 1000), 'credential_expired'],
    ['a path that there is not', `/nowhere?key=${key}`, 'path_unknown'],
  ] as const) {
    const { code, reason: got } = await push(path);
    // FFmpeg hangs up when it is done, at times before its last command is read.
    assert.equal(got === 'unpublished' || got === 'peer_closed' ? null : got, reason, name);
    assert.equal(code === 0, reason === null, `${name}: FFmpeg ends with ${code}`);
  }
  const metrics = (await server.api('GET', '/metrics')).text;
  for (const reason of ['missing', 'wrong', 'expired', 'replayed'])
    assert.match(metrics, new RegExp(`skyweir_publish_refused_total\\{reason="credential_${reason}"\\} [1-9]`));
  const { events } = (await server.api('GET', '/api/v1/events')).body;
  const rejected = events.filter(({ type }: { type: string }) => type === 'rejected');
  for (const reason of ['credential_missing', 'credential_wrong', 'credential_expired', 'credential_replayed'])
    assert.ok(
      rejected.some((event: { reason: string }) => event.reason === reason),
      reason,
    );
  const [, granted] = /skyweir_publish_granted_total (\d+)/.exec(metrics)!;
  assert.equal(granted, '3');
  assert.equal(statSync(join(folder, 'state/publish-keys.json')).mode & 0o777, 0o600);
  // Which key it was is known, and nothing else of it.
  assert.match(JSON.stringify(server.says('the publisher may publish')), /keys: key \w{8} \(drone 7\)/);
  const { keys } = (await server.api('GET', '/api/v1/keys')).body;
  assert.deepEqual(
    keys.map(({ state }: { state: string }) => state),
    ['valid', 'expired'],
  );
  assert.notEqual(keys[0].lastUsed, null);
});

test('GStreamer publishes with a key in the query or at the end of the path', { timeout }, async (t) => {
  const server = await PublishAuthServer.start(t, { cameras: [{ path: '/live/cam' }] });
  const { key } = await server.newKey('/live/cam');
  const push = async (sink: string, location: string): Promise<number | null> => {
    const source = ['videotestsrc', 'num-buffers=30', '!', 'x264enc', 'tune=zerolatency', '!', 'flvmux', '!'];
    return (await start(t, 'gst-launch-1.0', [...source, sink, `location=${location}`]).ended).code;
  };
  assert.equal(await push('rtmp2sink', server.url(`/live/cam/${key}`)), 0);
  assert.equal(await push('rtmp2sink', server.url(`/live/cam?key=${key}`)), 0);
  assert.equal(await push('rtmpsink', `${server.url(`/live/cam?key=${key}`)} live=1`), 0);
  await until('all have streamed', () => server.says('Stream Started').length === 3);
  assert.notEqual(await push('rtmp2sink', server.url('/live/cam')), 0);
  await until('it was refused', () => server.reasons.includes('credential_missing'));
  assert.equal(server.says('Stream Started').length, 3);
});

test('a key that is rotated while its drone streams cuts the stream, or leaves it', { timeout }, async (t) => {
  const server = await PublishAuthServer.start(t);
  const clip = await makeClip(server.folder, 'clip', { seconds: 2 });
  /** A drone that streams until it is cut off. */
  const fly = async (path: string, key: string): Promise<Program> => {
    const before = server.says('Stream Started').length;
    const drone = start(t, 'ffmpeg', ['-stream_loop', '-1', ...pushArgs(clip, server.url(`${path}?key=${key}`))]);
    await until('the drone streams', () => server.says('Stream Started').length > before);
    return drone;
  };
  const streams = (drone: Program): boolean => drone.process.exitCode === null;
  const keyOf = async (stream: number): Promise<{ id: string; running: boolean }> => {
    const { keys } = (await server.api('GET', '/api/v1/keys')).body;
    return keys.find((key: { running: boolean; stream: number }) => key.running && key.stream === stream);
  };

  // Over HTTP: the old key is no good any more, the stream goes on.
  const first = await server.api('POST', '/api/v1/keys', { stream: 0, label: 'drone 1' });
  assert.equal(first.status, 201);
  const kept = await fly('/stream1', first.body.key);
  assert.equal((await keyOf(0)).id, first.body.id);
  const second = await server.api('POST', `/api/v1/keys/${first.body.id}/rotate`, { running: 'keep' });
  assert.deepEqual([second.status, second.body.label], [201, 'drone 1']);
  assert.equal(await server.tries(`/stream1?key=${first.body.key}`), badName);
  assert.equal(await server.tries(`/stream1?key=${second.body.key}`), '', 'it is good, but the path is busy');
  assert.ok(streams(kept));

  // Over HTTP: the stream is cut off, and its drone does not come back without the new key.
  const cut = await fly('/stream2', (await server.newKey('/stream2')).key);
  const third = await server.api('POST', `/api/v1/keys/${(await keyOf(1)).id}/rotate`, { running: 'cut' });
  assert.notEqual((await cut.ended).code, 0);
  assert.ok(streams(kept));

  // With the command line, beside the running server: for an hour both keys are good.
  const again = await fly('/stream2', third.body.key);
  await server.keys('rotate', third.body.id, '--grace', '1h');
  await server.knows((ids) => ids.length === 3);
  assert.equal(await server.tries(`/stream2?key=${third.body.key}`), '', 'it is good, but the path is busy');
  await server.keys('revoke', third.body.id, '--cut');
  assert.notEqual((await again.ended).code, 0);
  await until('both are in the log', () => server.reasons.filter((reason) => reason === 'key_revoked').length === 2);
  assert.ok(streams(kept));
});

test('nobody can tell by the answer which paths there are', { timeout }, async (t) => {
  const server = await PublishAuthServer.start(t, {
    cameras: [{ path: '/gate', 'allow-ip': ['192.0.2.0/24'] }, { path: '/yard' }],
  });
  const { key } = await server.newKey('/gate');
  const other = await server.newKey('/yard');
  for (const path of [
    '/gate',
    '/yard',
    '/nowhere',
    `/gate?key=${key}`,
    `/yard?key=${key}`,
    `/nowhere/${key}`,
    '/gate/swk_typed-wrong',
  ])
    assert.equal(await server.tries(path), badName, path);
  assert.equal(await server.tries(`/yard?key=${other.key}`), null);
  await until('all are in the log', () => server.reasons.length === 8);
  assert.deepEqual(server.reasons.slice(0, 7), [
    'credential_missing',
    'credential_missing',
    'path_unknown',
    'address_denied',
    'credential_wrong',
    'path_unknown',
    'path_unknown',
  ]);
});

test('a camera may differ from what holds for all', { timeout }, async (t) => {
  const cameras = [
    { path: '/free' },
    { path: '/asked', 'publish-auth': 'required' },
    { path: '/near', 'allow-ip': '127.0.0.0/8' },
    { path: '/far', 'allow-ip': ['192.0.2.7'] },
  ];
  const server = await PublishAuthServer.start(t, { 'publish-auth': false, cameras });
  const { key } = await server.newKey('/asked');
  const open = await server.api('GET', '/api/v1/publish-auth');
  assert.deepEqual(open.body, { enabled: true, methods: ['keys'], streams: [1] });
  assert.equal(await server.tries('/free'), null);
  assert.equal(await server.tries('/near'), null);
  assert.equal(await server.tries('/far'), badName);
  assert.equal(await server.tries('/asked'), badName);
  assert.equal(await server.tries(`/asked?key=${key}`), null);
});

test('switched off, all is as with the driver, whatever a publisher sends', { timeout }, async (t) => {
  const server = await PublishAuthServer.start(t, { 'publish-auth': false });
  const answer = await server.api('GET', '/api/v1/publish-auth');
  assert.deepEqual(answer.body, { enabled: false, methods: [], streams: [] });
  for (const path of ['/stream1', '/stream1?key=wrong', '/stream1?key=a&key=b'])
    assert.equal(await server.tries(path), null, path);
  // A key that was made before it is needed.
  const { key } = await server.newKey('/stream1');
  assert.equal(await server.tries(`/stream1?key=${key}`), null);
  assert.equal(await server.tries(`/stream1/${key}`), null);
  writeFileSync(join(server.folder, 'skyweir.yaml'), JSON.stringify({ ...settingsOf(server), 'publish-auth': true }));
  await until('the change is in force', () => server.says('configuration changed: publish-auth').length > 0);
  assert.equal(await server.tries('/stream1'), badName);
  assert.equal(await server.tries(`/stream1?key=${key}`), null);
});

function settingsOf(server: PublishAuthServer): object {
  const state = join(server.folder, 'state');
  const ports = { 'rtmp-port': 0, 'rtsp-port': 0, 'http-port': 0, onvif: false };
  const open = { 'rate-limit': false, 'max-connections-per-ip': 0, 'log-format': 'json', 'ingest-workers': 1 };
  return { host: '127.0.0.1', ...ports, ...open, 'state-dir': state };
}

test('secrets that are exchanged take effect while the server runs', { timeout }, async (t) => {
  const folder = folderOf(t);
  const server = await PublishAuthServer.start(t, { 'publish-sign-secret-file': 'sign-secret' }, folder);
  assert.equal(await server.tries(signed('/stream1', soon())), null);
  writeFileSync(join(folder, 'sign-secret'), `# new since today\n${'n'.repeat(40)}\n`);
  await until('it was read', () => server.says('were read anew').length === 1);
  assert.equal(await server.tries(signed('/stream1', soon())), badName);
  writeFileSync(join(folder, 'sign-secret'), 'too short\n');
  await until('the mistake was told', () => server.says('stays in force').length === 1);
  writeFileSync(join(folder, 'sign-secret'), `${'n'.repeat(40)}\n${signSecret}\n`);
  await until('it was read', () => server.says('were read anew').length === 2);
  assert.equal(await server.tries(signed('/stream1', soon())), null);
});
