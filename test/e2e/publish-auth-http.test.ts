import assert from 'node:assert/strict';
import { createHmac } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { exportJWK, generateKeyPair, SignJWT } from 'jose';
import { makeClip, pushArgs, temporaryFolder } from '../support/media.ts';
import { start, until } from '../support/program.ts';
import { OtherServer, PublishAuthServer } from '../support/publish-auth-server.ts';
import { RtmpClient } from '../support/rtmp-client.ts';

const timeout = 60_000;
const badName = 'NetStream.Publish.BadName';

test('the callback decides: yes, no, not now, too late, dead', { timeout }, async (t) => {
  const other = await OtherServer.start(t);
  const folder = temporaryFolder(t);
  const secret = 's'.repeat(40);
  writeFileSync(join(folder, 'callback-secret'), secret);
  const settings = {
    'publish-callback': other.url,
    // Answers that do not come are waited for so long; those that come must not take longer on a busy machine.
    'publish-callback-timeout': '3s',
    'publish-callback-secret-file': 'callback-secret',
  };
  const server = await PublishAuthServer.start(t, settings, folder);
  const ask = (query: string): Promise<string | null> => server.tries(`/stream1?${query}`);

  assert.equal(await ask('pin=1234-yes'), null);
  const { url, headers, body } = other.requests[0]!;
  const sent = JSON.parse(body);
  assert.deepEqual(
    [sent.path, sent.camera.index, sent.address, sent.query],
    ['/stream1', 0, '127.0.0.1', { pin: '1234-yes' }],
  );
  assert.equal(sent.listener, server.rtmpPort);
  const [, time = ''] = /^t=(\d+),/.exec(String(headers['skyweir-signature']))!;
  const mac = createHmac('sha256', secret).update(`${time}.${body}`).digest('hex');
  assert.equal(headers['skyweir-signature'], `t=${time},v1=${mac}`);
  assert.ok(
    ![url, JSON.stringify(headers)].some((text) => text.includes('1234')),
    'the credential is in the body alone',
  );

  other.answer = (response) => response.writeHead(403).end('no');
  assert.equal(await ask('pin=no'), badName);
  assert.equal(await server.tries('/nowhere?pin=no'), badName);
  for (const status of [302, 500, 503]) {
    other.answer = (response) => response.writeHead(status, { Location: other.url }).end();
    assert.equal(await ask(`pin=${status}`), '', `status ${status} is not now: the connection is just closed`);
  }
  assert.equal(await server.tries('/nowhere?pin=500'), '', 'the same where there is no camera');
  other.answer = () => {};
  assert.equal(await ask('pin=slow'), '');
  other.answer = (response) => {
    response.writeHead(200, { 'Content-Length': 100 }).write('half an answer');
  };
  assert.equal(await ask('pin=half'), '');
  other.answer = (response) => response.socket?.destroy();
  assert.equal(await ask('pin=broken'), '');
  const asked = other.requests.length;
  other.stop();
  assert.equal(await ask('pin=dead'), '');
  assert.equal(other.requests.length, asked);
  await until('it is in the log', () => server.says('the callback did not decide').length > 0);
  const unavailable = () => server.reasons.filter((reason) => reason === 'credential_unavailable').length;
  await until('all are in the log', () => unavailable() === 8);
  // Keys are good without it.
  const { key } = await server.newKey('/stream1');
  assert.equal(await ask(`key=${key}`), null);
});

test('a publisher that leaves while the callback thinks, or comes twice, takes no path', { timeout }, async (t) => {
  const other = await OtherServer.start(t);
  const server = await PublishAuthServer.start(t, { 'publish-callback': other.url, 'publish-callback-timeout': '5s' });
  const answers: (() => void)[] = [];
  other.answer = (response) => answers.push(() => response.writeHead(200).end());
  const impatient = await RtmpClient.connect({ port: server.rtmpPort, path: '/stream1?pin=1' });
  await until('the callback is asked', () => answers.length === 1);
  impatient.destroy();
  await until('it has gone', () => server.reasons.length === 1);
  assert.deepEqual(server.reasons, ['peer_closed'], 'that is noticed while the callback thinks');
  answers[0]!();
  const second = await RtmpClient.connect({ port: server.rtmpPort, path: '/stream1?pin=2' });
  await until('the callback is asked', () => answers.length === 2);
  answers[1]!();
  assert.equal(await second.accepted, true, 'the path is free');
  second.stop();
  await second.ended;
  await until('it is in the log', () => server.says('Stream Started').length > 0);
  assert.equal(server.says('Stream Started').length, 1);
});

test('the decision is there before the publish timeout', { timeout }, async (t) => {
  const other = await OtherServer.start(t);
  other.answer = () => {};
  const settings = { 'publish-callback': other.url, 'publish-callback-timeout': '5s', 'publish-timeout': '3s' };
  const server = await PublishAuthServer.start(t, settings);
  assert.equal(await server.tries('/stream1'), '');
  assert.equal(await server.reason(0), 'credential_unavailable');
});

test('tokens are checked with keys that come over HTTP', { timeout }, async (t) => {
  const other = await OtherServer.start(t);
  const folder = temporaryFolder(t);
  const pairs = new Map<string, CryptoKey>();
  const keys: object[] = [];
  const addKey = async (kid: string): Promise<void> => {
    const { publicKey, privateKey } = await generateKeyPair('ES256');
    keys.push({ ...(await exportJWK(publicKey)), kid });
    pairs.set(kid, privateKey);
  };
  await addKey('first');
  other.answer = (response) => response.writeHead(200).end(JSON.stringify({ keys }));
  const server = await PublishAuthServer.start(
    t,
    { 'publish-jwks': other.url, 'publish-jwt-issuer': 'flights' },
    folder,
  );
  const token = (claims: object, kid = 'first'): Promise<string> =>
    new SignJWT({ iss: 'flights', path: '/stream1', ...claims })
      .setProtectedHeader({ alg: 'ES256', kid })
      .sign(pairs.get(kid)!);
  const exp = Math.floor(Date.now() / 1000) + 600;

  const clip = await makeClip(folder, 'clip', { seconds: 1 });
  const good = await token({ exp });
  const url = server.url(`/stream1?token=${good}`);
  const { code, stderr } = await start(t, 'ffmpeg', pushArgs(clip, url)).ended;
  assert.equal(code, 0, stderr);
  await server.reason(0);
  assert.equal(await server.tries(`/stream1?jwt=${good}`), null);
  assert.equal(await server.tries(`/stream2?token=${good}`), badName);
  assert.equal(await server.tries(`/stream1?token=${await token({ exp: exp - 900 })}`), badName);
  assert.equal(await server.tries(`/stream1?token=${await token({ exp, iss: 'others' })}`), badName);
  assert.equal(other.requests.length, 1, 'the keys are asked for once');
  assert.equal(other.requests[0]!.body, '');

  // A key that came later: it cannot be known yet, and nobody can make the server ask without end.
  await addKey('second');
  for (let i = 0; i < 3; i++) assert.equal(await server.tries(`/stream1?token=${await token({ exp }, 'second')}`), '');
  assert.equal(other.requests.length, 1);
  other.stop();
  assert.equal(await server.tries(`/stream1?token=${good}`), null, 'the keys that are there serve on');
  const { body } = await server.api('GET', '/api/v1/publish-auth');
  assert.deepEqual(body.methods, ['keys', 'jwt']);
});

test('a key server that does not answer, or answers nonsense, lets nobody in', { timeout }, async (t) => {
  const other = await OtherServer.start(t);
  other.answer = (response) => response.writeHead(200).end('x'.repeat(400 * 1024));
  const server = await PublishAuthServer.start(t, { 'publish-jwks': other.url });
  const { privateKey } = await generateKeyPair('ES256');
  const claims = { path: '/stream1', exp: Math.floor(Date.now() / 1000) + 600 };
  const token = await new SignJWT(claims).setProtectedHeader({ alg: 'ES256', kid: 'x' }).sign(privateKey);
  assert.equal(await server.tries(`/stream1?token=${token}`), '');
  await until('it is in the log', () => server.says('could not be had: the answer is longer than').length === 1);
});
