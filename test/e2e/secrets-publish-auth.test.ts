/**
 * What publishers show to be let in is never seen again: not in the log at the level trace, not in metrics, not in any answer of the
 * API, whether it was right or wrong, and wherever in the URL it stood.
 */
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { exportJWK, generateKeyPair, SignJWT } from 'jose';
import { signedText, signText } from '../../src/publish-auth/signed-url.ts';
import { newStreamKey } from '../../src/publish-auth/stream-key.ts';
import { temporaryFolder } from '../support/media.ts';
import { until } from '../support/program.ts';
import { OtherServer, PublishAuthServer } from '../support/publish-auth-server.ts';

const signSecret = 'sign-secret-that-nobody-may-see-71';
const callbackSecret = 'callback-secret-nobody-may-see-72';

test('no credential of a publisher is ever shown', { timeout: 90_000 }, async (t) => {
  const folder = temporaryFolder(t);
  const { publicKey, privateKey } = await generateKeyPair('ES256');
  writeFileSync(join(folder, 'jwks.json'), JSON.stringify({ keys: [{ ...(await exportJWK(publicKey)), kid: 'a' }] }));
  writeFileSync(join(folder, 'sign-secret'), signSecret);
  writeFileSync(join(folder, 'callback-secret'), callbackSecret);
  const other = await OtherServer.start(t);
  other.answer = (response, body) => response.writeHead(body.includes('pin-that-is-right') ? 200 : 403).end();
  const settings = {
    'log-level': 'trace',
    'publish-jwks': 'jwks.json',
    'publish-sign-secret-file': 'sign-secret',
    'publish-callback': other.url,
    'publish-callback-secret-file': 'callback-secret',
    'publish-single-use': true,
  };
  const server = await PublishAuthServer.start(t, settings, folder);
  const secrets = new Map<string, string>();
  const hide = (what: string, value: string): string => {
    const forms = [
      value,
      value.toUpperCase(),
      encodeURIComponent(value),
      Buffer.from(value).toString('base64'),
      Buffer.from(value).toString('hex'),
    ];
    for (const form of forms) secrets.set(form, what);
    return value;
  };
  hide('the secret for signatures', signSecret);
  hide('the secret of the callback', callbackSecret);

  const made = await server.newKey('/stream1', '--label', 'drone 7');
  const key = hide('a key', made.key);
  const hash = createHash('sha256').update(key).digest();
  for (const form of ['hex', 'base64'] as const) secrets.set(hash.toString(form), 'the hash of a key');
  const chosen = hide('a secret of a person', 'a-secret-thought-up-by-somebody');
  assert.equal((await server.api('POST', '/api/v1/keys', { stream: 1, label: 'x', secret: chosen })).status, 201);
  const exp = Math.floor(Date.now() / 1000) + 600;
  const sign = hide('a signature', signText(signSecret, signedText('/stream3', String(exp))).toString('hex'));
  const token = await new SignJWT({ path: '/stream4', exp })
    .setProtectedHeader({ alg: 'ES256', kid: 'a' })
    .sign(privateKey);
  for (const part of token.split('.').slice(1)) hide('a part of a token', part);
  hide('a token', token);
  const wrong = hide('a wrong key', newStreamKey());
  const pin = hide('what the callback accepts', 'pin-that-is-right');
  const badPin = hide('what the callback refuses', 'pin-that-is-no-good');

  for (const path of [
    `/stream1?key=${key}`,
    `/stream1/${key}`,
    `/stream2?key=${chosen}`,
    `/stream3?expires=${exp}&sign=${sign}`,
    `/stream4?token=${token}`,
    `/stream5?pin=${pin}`,
  ])
    assert.equal(await server.tries(path), null, path);
  for (const path of [
    `/stream1?key=${wrong}`,
    `/stream1/${wrong}`,
    `/stream1/${wrong}x`,
    `/stream1%3Fkey=${key}`,
    `/stream1&key=${chosen}`,
    `/stream1/key=${key}`,
    `/stream1/%20${key}`,
    `/stream1:${key}`,
    `/stream4%3Ftoken=${token}`,
    `/stream5%3Fpin%3D${pin}`,
    `/nowhere/${key}`,
    `/${key}`,
    `/${key}/stream1`,
    `/live/${key.toUpperCase()}/stream1`,
    `/live?key=${key}/stream1`,
    `/stream1?key=${key}&key=${wrong}`,
    `/stream3?expires=${exp}&sign=${sign}`,
    `/stream3?expires=${exp + 1}&sign=${sign}`,
    `/stream4?token=${token}`,
    `/stream1?token=${token}`,
    `/stream5?pin=${badPin}`,
    `/../${key}`,
  ])
    assert.notEqual(await server.tries(path), null, path);
  await server.keys('list');
  await server.api('PATCH', `/api/v1/keys/${made.id}`, { label: 'drone 8' });

  const shown: [string, string][] = [];
  for (const path of [
    'keys',
    'publish-auth',
    'streams',
    'streams/0',
    'streams/0/events',
    'connections',
    'events',
    'hardware',
    'config',
    'overview',
    'overview/names',
    'openapi.json',
  ])
    shown.push([path, (await server.api('GET', `/api/v1/${path}`)).text]);
  shown.push(['metrics', (await server.api('GET', '/metrics')).text]);
  shown.push(['the list of the command line', await server.keys('list')]);
  await until('the log is complete', () => server.reasons.length >= 28);
  server.program.kill('SIGTERM');
  const { stdout, stderr } = await server.program.ended;
  shown.push(['standard output', stdout], ['standard error', stderr]);

  for (const reason of ['credential_wrong', 'credential_replayed', 'path_unknown', 'path_invalid'])
    assert.ok(stdout.includes(`"reason":"${reason}"`), `there was ${reason}, so the log could have shown something`);
  for (const [where, text] of shown) {
    assert.notEqual(where === 'standard error' ? 'x' : text, '');
    for (const [secret, what] of secrets) assert.ok(!text.includes(secret), `${what} is in ${where}`);
  }
  // The callback was told, in its body.
  assert.ok(other.requests.some(({ body }) => body.includes(pin)));
  assert.ok(!other.requests.some(({ url, headers }) => (url + JSON.stringify(headers)).includes(pin)));
});
