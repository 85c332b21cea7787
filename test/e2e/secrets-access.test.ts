/**
 * Nothing of the users, logins and tokens of the HTTP port that opens a door is ever logged. The whole output of the program at the
 * level trace is searched, and its files, after logins and changes of every kind, right and wrong.
 */
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { startCliServer } from '../support/cli-server.ts';
import { temporaryFolder } from '../support/media.ts';
import { testCredentials } from '../support/media-server.ts';

const owner = `Basic ${Buffer.from(`${testCredentials.user}:${testCredentials.password}`).toString('base64')}`;

test('no password, session or token of the HTTP port is logged, or kept as it is', { timeout: 60_000 }, async (t) => {
  const stateDir = temporaryFolder(t);
  const server = await startCliServer(t, ['--log-level', 'trace', '--state-dir', stateDir]);
  const ready = server.lines().find(({ msg }) => msg === 'Skyweir is ready')!;
  const url = `http://127.0.0.1:${String(ready['http']).split(':').at(-1)}`;
  const secrets = new Map<string, string>();
  const ask = (method: string, path: string, headers: Record<string, string>, body?: unknown) =>
    fetch(`${url}${path}`, {
      method,
      headers: { ...headers, ...(body !== undefined && { 'Content-Type': 'application/json' }) },
      ...(body !== undefined && { body: typeof body === 'string' ? body : JSON.stringify(body) }),
    });
  const secret = (what: string, value: string): string => {
    secrets.set(value, what);
    secrets.set(JSON.stringify(value).slice(1, -1), what);
    secrets.set(encodeURIComponent(value), what);
    secrets.set(Buffer.from(value).toString('base64'), what);
    secrets.set(createHash('sha256').update(value).digest('hex'), `the hash of ${what}`);
    return value;
  };

  const admin = { Authorization: owner };
  secret('the password of the settings', testCredentials.password);
  const first = secret('the first password', 'first "pass\\wörd of anna');
  const second = secret('the second password', 'second-passwörd-of-anna');
  const third = secret('the third password', 'third-password-of-anna');
  const weak = secret('a password that is refused', 'wéak-pass');
  const wrong = secret('a wrong password', 'wrong-password-of-anna');
  const users = '/api/v1/users';
  assert.equal((await ask('POST', users, admin, { name: 'anna', password: weak, role: 'viewer' })).status, 422);
  assert.equal((await ask('POST', users, admin, { name: 'anna', password: first, role: 'viewer' })).status, 201);
  assert.equal((await ask('PATCH', `${users}/anna`, admin, { password: second })).status, 200);

  const login = (user: string, password: string) => ask('POST', '/api/v1/login', {}, { user, password });
  assert.equal((await login('anna', wrong)).status, 401);
  assert.equal((await login(second, 'anna')).status, 401, 'the two exchanged');
  const accepted = await login('anna', second);
  assert.equal(accepted.status, 204);
  const cookie = accepted.headers.get('set-cookie')!.split(';', 1)[0]!;
  secret('a session', cookie.split('=')[1]!);
  const session = { Cookie: cookie };
  const own = await ask('PUT', '/api/v1/me/password', session, { current: second, password: third });
  assert.equal(own.status, 204);
  assert.equal((await ask('GET', '/api/v1/me', session)).status, 401);

  const made = await ask('POST', '/api/v1/tokens', admin, { label: 'prometheus', role: 'viewer' });
  const { token, id } = (await made.json()) as { token: string; id: string };
  secret('a token', token);
  const bearer = { Authorization: `Bearer ${token}` };
  assert.equal((await ask('GET', '/metrics', bearer)).status, 200);
  assert.equal((await ask('POST', '/api/v1/streams/0/kick', bearer)).status, 403);
  assert.equal((await ask('DELETE', `/api/v1/tokens/${id}`, admin)).status, 204);
  assert.equal((await ask('GET', '/metrics', bearer)).status, 401);
  // What is broken in the middle of a secret, and what is in the wrong place.
  assert.equal((await ask('POST', '/api/v1/login', {}, `{"user":"anna","password":"${third}`)).status, 400);
  assert.equal((await ask('POST', '/api/v1/login', {}, { user: 'anna', password: third, more: wrong })).status, 400);
  await ask('GET', `/api/v1/me?password=${encodeURIComponent(third)}`, admin);
  await ask('DELETE', `/api/v1/nothing?token=${token}`, admin);
  await ask('GET', '/api/v1/me', { Authorization: `Digest ${token}` });
  await ask('DELETE', `${users}/anna`, admin);

  server.program.kill('SIGTERM');
  const { code, stdout, stderr } = await server.program.ended;
  assert.equal(code, 0);
  // Otherwise there was nothing in which a secret could have been.
  assert.match(stdout, /"audit":true/);
  assert.match(stdout, /an HTTP login failed/);
  assert.match(stdout, /logged in at the HTTP port/);
  for (const [value, what] of secrets)
    assert.equal((stdout + stderr).includes(value), false, `${what} is in the output`);
  assert.doesNotMatch(stdout, /scrypt|__Host-|Bearer|Set-Cookie/i);
  for (const name of readdirSync(stateDir, { recursive: true, withFileTypes: true })) {
    if (!name.isFile()) continue;
    const text = readFileSync(join(name.parentPath, name.name), 'utf8');
    for (const [value, what] of secrets) assert.equal(text.includes(value), false, `${what} is in ${name.name}`);
  }
});
