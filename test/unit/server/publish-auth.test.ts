import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, type TestContext, test } from 'node:test';
import { exportJWK, generateKeyPair, SignJWT } from 'jose';
import { StartError } from '../../../src/config/errors.ts';
import { type AdmissionRequest, PublishAuth } from '../../../src/server/publish-auth.ts';
import { publishKeyFile } from '../../../src/server/publish-key-file.ts';
import { addKey } from '../../../src/server/publish-keys.ts';
import { loadText } from '../../support/config-text.ts';
import { temporaryFolder } from '../../support/media.ts';
import { OtherServer } from '../../support/publish-auth-server.ts';
import { testCamera } from '../../support/test-camera.ts';

const never = new AbortController().signal;
const cameras = [
  { path: '/stream1' },
  { path: '/free', 'publish-auth': 'off' },
  { path: '/near', 'allow-ip': '10.0.0.0/8' },
];

function authOf(t: TestContext) {
  const folder = temporaryFolder(t);
  const clock = { now: 1_000_000, nowMs: () => clock.now, wallMs: () => clock.now };
  const logged: string[] = [];
  const log = (_: object, text: string) => logged.push(text);
  const logger = { debug: log, info: log, warn: log, error: log };
  const auth = new PublishAuth({ stateDir: folder, clock, logger, onCut: () => {} });
  t.after(() => auth.close());
  const configOf = (settings: Record<string, string | boolean> = {}) =>
    loadText(JSON.stringify({ cameras }), settings).config;
  const put = async (settings: Record<string, string | boolean> = {}) =>
    (await auth.prepare(configOf(settings))).commit();
  const ask = (path: string, changes: Partial<AdmissionRequest> = {}) => {
    const index = cameras.findIndex((camera) => camera.path === path);
    const camera = index < 0 ? null : testCamera({ index, path });
    const peer = { id: 'r1', address: '10.0.0.1', port: 1 };
    const rest = { query: '', pathKey: null, listenerPort: 1935, tls: false, deadlineMs: clock.now + 10_000 };
    return auth.check({ camera, path, peer, ...rest, ...changes }, never);
  };
  const reason = async (...args: Parameters<typeof ask>) => {
    const answer = await ask(...args);
    return answer === null ? 'not asked' : answer.type === 'refused' ? answer.reason : answer.type;
  };
  return { auth, folder, clock, logged, configOf, put, ask, reason };
}

describe('whether publishers are asked', () => {
  test('nobody is while it is off: the path alone decides, at once', async (t) => {
    const { put, ask, auth } = authOf(t);
    await put();
    for (const path of ['/stream1', '/free', '/nowhere']) assert.equal(ask(path), null);
    assert.deepEqual([auth.enabled, auth.methods], [false, []]);
  });

  test('everybody is when it is on, also for paths that there are not, but for the cameras that are left out', async (t) => {
    const { put, reason, auth } = authOf(t);
    await put({ 'publish-auth': true });
    assert.equal(await reason('/stream1'), 'credential_missing');
    assert.equal(await reason('/nowhere'), 'credential_missing');
    assert.equal(await reason('/free'), 'not asked');
    assert.deepEqual([auth.enabled, auth.methods], [true, ['keys']]);
  });

  test('addresses of a camera count with it and without it', async (t) => {
    const { put, reason, folder } = authOf(t);
    const { secret } = await addKey(
      publishKeyFile(folder),
      { camera: '/near', label: '', notBeforeMs: null, notAfterMs: null },
      0,
    );
    const far = { peer: { id: 'r1', address: '192.0.2.1', port: 1 } };
    await put();
    assert.equal(await reason('/near'), 'admitted');
    assert.equal(await reason('/near', far), 'address_denied');
    await put({ 'publish-auth': true });
    assert.equal(await reason('/near'), 'credential_missing');
    assert.equal(await reason('/near', { query: `key=${secret}` }), 'admitted');
    assert.equal(await reason('/near', { query: `key=${secret}`, ...far }), 'address_denied');
  });
});

describe('files of a configuration', () => {
  test('that are no good keep it from being put in force', async (t) => {
    const { auth, folder, configOf } = authOf(t);
    const file = join(folder, 'file');
    for (const [flag, content, message] of [
      ['publish-sign-secret-file', null, /no such file/],
      ['publish-sign-secret-file', 'short-but-secret', /at least 32 characters/],
      ['publish-sign-secret-file', '# only a remark\n', /at least 32 characters/],
      ['publish-sign-secret-file', `${'x'.repeat(40)}\nshort-but-secret`, /at least 32 characters/],
      ['publish-callback-secret-file', 'short-but-secret', /at least 32 characters/],
      ['publish-jwks', 'short-but-secret', /not JSON/],
      ['publish-jwks', '{"keys":[{"kty":"oct","k":"short-but-secret"}]}', /only public keys/],
      ['publish-jwks', 'x'.repeat(300_000), /longer than/],
    ] as const) {
      if (content !== null) writeFileSync(file, content);
      const named = content === null ? join(folder, 'none') : file;
      await assert.rejects(
        auth.prepare(configOf({ 'publish-auth': true, [flag]: named })),
        (error: Error) =>
          error instanceof StartError && message.test(error.message) && !/but-secret/.test(error.message),
      );
      // Nobody is asked, so nothing depends on it.
      await auth.prepare(configOf({ [flag]: named }));
    }
    assert.equal(auth.enabled, false);
  });

  test('of stream keys that are no good keep the server from starting only where keys are asked for', async (t) => {
    const { auth, folder, configOf, logged } = authOf(t);
    writeFileSync(publishKeyFile(folder), 'nonsense');
    await assert.rejects(auth.prepare(configOf({ 'publish-auth': true })), StartError);
    (await auth.prepare(configOf())).commit();
    assert.match(logged.join(), /these are no stream keys/);
    await assert.rejects(auth.prepare(configOf({ 'publish-auth': true })), StartError);
  });
});

describe('the key server', () => {
  test('that was exchanged while nobody was asked is the one whose keys count', async (t) => {
    const { put, ask, clock } = authOf(t);
    const { publicKey, privateKey } = await generateKeyPair('ES256', { extractable: true });
    const servers = [await OtherServer.start(t), await OtherServer.start(t)] as const;
    const sets = [{ keys: [await exportJWK(publicKey)] }, { keys: [] }];
    servers.forEach((server, i) => {
      server.answer = (response) => response.end(JSON.stringify(sets[i]));
    });
    const exp = Math.ceil(clock.now / 1000) + 60;
    const token = await new SignJWT({ path: '/*', exp }).setProtectedHeader({ alg: 'ES256' }).sign(privateKey);
    const answer = async () => (await ask('/stream1', { query: `token=${token}` }))?.type;
    await put({ 'publish-auth': true, 'publish-jwks': servers[0].url });
    assert.equal(await answer(), 'admitted');
    await put({ 'publish-jwks': servers[1].url });
    await put({ 'publish-auth': true, 'publish-jwks': servers[1].url });
    assert.equal(await answer(), 'refused');
    assert.deepEqual([servers[0].requests.length, servers[1].requests.length], [1, 1]);
  });
});

describe('the decision', () => {
  test('is there before the connection runs out of time', async (t) => {
    const { put, reason, clock } = authOf(t);
    const other = await OtherServer.start(t);
    other.answer = () => {};
    await put({ 'publish-auth': true, 'publish-callback': other.url, 'publish-callback-timeout': '5s' });
    // With a hanging callback nothing but the deadline can have answered.
    assert.equal(await reason('/stream1', { deadlineMs: clock.now + 400 }), 'credential_unavailable');
    assert.equal(await reason('/stream1', { deadlineMs: clock.now - 1 }), 'credential_unavailable');
  });

  test('for a key that is revoked at the last moment is no longer good', async (t) => {
    const { auth, put, ask, folder } = authOf(t);
    const wish = { camera: '/stream1', label: '', notBeforeMs: null, notAfterMs: null };
    const { secret, record } = await addKey(publishKeyFile(folder), wish, 0);
    await put({ 'publish-auth': true });
    const answer = await ask('/stream1', { query: `key=${secret}` });
    assert.equal(answer?.type, 'admitted');
    await auth.keys.revoke(record.id, false);
    assert.equal(answer?.type === 'admitted' && answer.use(), 'credential_wrong');
  });
});
