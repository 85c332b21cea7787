import assert from 'node:assert/strict';
import { execFile as execFileOf } from 'node:child_process';
import { createHash } from 'node:crypto';
import { readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { get } from 'node:https';
import { join, resolve } from 'node:path';
import { describe, test } from 'node:test';
import { promisify } from 'node:util';
import { systemClock } from '../../src/base/clock.ts';
import { includesRole, type Role, roles } from '../../src/status/route.ts';
import { makeCertificate } from '../support/certificates.ts';
import { AccessServer, type Answer, basic, builtIn } from '../support/http-access-server.ts';
import { temporaryFolder } from '../support/media.ts';
import { startTestServer, testCredentials } from '../support/media-server.ts';
import { until } from '../support/program.ts';

const execFile = promisify(execFileOf);
const timeout = 60_000;
const password = 'vier gruene Fische';
const admin = basic(builtIn.user, builtIn.password);
const json = (answer: Answer) => JSON.parse(answer.text) as Record<string, unknown>;

/** One login of each role. */
async function logins(server: AccessServer): Promise<Record<Role, Record<string, string>>> {
  const found: Partial<Record<Role, Record<string, string>>> = {};
  for (const role of roles) {
    const name = `a-${role}`;
    const added = await server.ask('POST', '/api/v1/users', admin, { name, password, role });
    assert.equal(added.status, 201, added.text);
    found[role] = await server.login(name, password);
  }
  return found as Record<Role, Record<string, string>>;
}

interface Operation {
  readonly security?: readonly unknown[];
  readonly 'x-role'?: Role;
}

type Asker = readonly [name: string, role: Role | null, headers: Record<string, string>];

/** Asks for everything that the document has in the name of everybody, and checks who is let in. */
async function walk(
  document: Readonly<Record<string, unknown>>,
  askers: readonly Asker[],
  ask: (method: string, path: string, headers: Record<string, string>, body?: string) => Promise<number>,
): Promise<number> {
  const paths = Object.entries(document['paths'] as Record<string, Record<string, Operation>>);
  let checked = 0;
  for (const [path, operations] of paths)
    for (const [method, operation] of Object.entries(operations))
      for (const [name, role, headers] of askers) {
        const isGet = method === 'get';
        const target = path.replaceAll(/\{\w+\}/g, '1');
        // What is let in goes no further than to its body, which is of a kind that nothing takes.
        const status = isGet
          ? await ask('HEAD', target, headers)
          : await ask(method.toUpperCase(), target, { ...headers, 'Content-Type': 'image/png' }, 'x');
        const needed = operation['x-role'];
        const isOpen = operation.security?.length === 0;
        assert.equal(needed === undefined, isOpen);
        const what = `${method} ${path} of ${name}: ${status}`;
        if (!isOpen && role === null) assert.equal(status, 401, what);
        else if (!isOpen && !includesRole(role!, needed!)) assert.equal(status, 403, what);
        else if (!isGet) assert.equal(status, 415, what);
        else assert.ok(status !== 401 && status !== 403, what);
        checked++;
      }
  return checked;
}

describe('roles', () => {
  test('every route lets in whom it should, and nobody else', { timeout }, async (t) => {
    const server = await AccessServer.start(t);
    const by = await logins(server);
    const { secret } = await server.access.http.control.addToken({ label: 'x', role: 'operator', notAfter: null }, 'x');
    const askers: Asker[] = [
      ['nobody', null, {}],
      ...roles.map((role): Asker => [role, role, by[role]]),
      ['the user of the settings', 'admin', admin],
      ['a token', 'operator', { Authorization: `Bearer ${secret}` }],
    ];
    const checked = await walk(
      json(await server.ask('GET', '/api/v1/openapi.json', admin)),
      askers,
      async (...asked) => {
        return (await server.ask(...asked)).status;
      },
    );
    assert.ok(checked > 100, `${checked} were checked`);
  });

  test('so does every route of the whole server', { timeout }, async (t) => {
    const media = await startTestServer({ 'state-dir': temporaryFolder(t) });
    t.after(media.stop);
    const url = `http://127.0.0.1:${media.server.addresses.httpPort}`;
    const owner = basic(testCredentials.user, testCredentials.password);
    const askers: Asker[] = [['nobody', null, {}]];
    for (const role of roles) {
      const headers = { ...owner, 'Content-Type': 'application/json' };
      const body = JSON.stringify({ label: role, role });
      const made = await fetch(`${url}/api/v1/tokens`, { method: 'POST', headers, body });
      const { token } = (await made.json()) as { token: string };
      askers.push([role, role, { Authorization: `Bearer ${token}` }]);
    }
    const document = await (await fetch(`${url}/api/v1/openapi.json`, { headers: owner })).json();
    const checked = await walk(document as Record<string, unknown>, askers, async (method, path, headers, body) => {
      const { status } = await fetch(url + path, { method, headers, ...(body !== undefined && { body }) });
      return status;
    });
    t.diagnostic(`${checked} requests were checked`);
  });

  test('what is refused says which role it needs', { timeout }, async (t) => {
    const server = await AccessServer.start(t);
    const { viewer } = await logins(server);
    const refused = await server.ask('POST', '/api/v1/streams/0/kick', viewer);
    assert.equal(refused.status, 403);
    assert.match(refused.headers['content-type']!, /^application\/problem\+json/);
    assert.equal(json(refused)['detail'], 'this needs the role operator; a-viewer is viewer');
  });
});

describe('a login of a browser', () => {
  for (const tls of [false, true]) {
    test(`over ${tls ? 'HTTPS' : 'HTTP'} is a cookie that scripts and other sites cannot use`, {
      timeout,
    }, async (t) => {
      const server = await AccessServer.start(t, { tls });
      const login = await server.ask('POST', '/api/v1/login', {}, builtIn);
      assert.equal(login.status, 204);
      assert.equal(login.headers['www-authenticate'], undefined);
      const [cookie] = login.headers['set-cookie']!;
      const secure = /^__Host-skyweir=[\w-]{43}; Path=\/; HttpOnly; SameSite=Strict; Secure$/;
      assert.match(cookie!, tls ? secure : /^skyweir=[\w-]{43}; Path=\/; HttpOnly; SameSite=Strict$/);
      const session = { Cookie: cookie!.split(';', 1)[0]! };
      const me = await server.ask('GET', '/api/v1/me', session);
      const role = 'admin';
      const expected = { user: builtIn.user, role, via: 'session', authentication: 'on', secure: tls };
      assert.deepEqual(json(me), expected);
      const logout = await server.ask('POST', '/api/v1/logout', session);
      assert.match(logout.headers['set-cookie']![0]!, /^[\w-]+=; Max-Age=0; /);
      assert.equal((await server.ask('GET', '/api/v1/me', session)).status, 401);
    });
  }

  test('a session of HTTPS is worth nothing over HTTP on the same port', { timeout }, async (t) => {
    const server = await AccessServer.start(t, { tls: true });
    const session = await server.login(builtIn.user, builtIn.password);
    const url = server.url.replace('https', 'http');
    for (const cookie of [session['Cookie']!, session['Cookie']!.replace('__Host-', '')])
      assert.equal((await fetch(`${url}/api/v1/me`, { headers: { Cookie: cookie } })).status, 401);
    const plain = await fetch(`${url}/api/v1/me`, { headers: admin });
    assert.equal(((await plain.json()) as { secure: boolean }).secure, false);
  });

  test('the page gets no challenge, so that it and not the browser asks for the password', { timeout }, async (t) => {
    const server = await AccessServer.start(t);
    const page = await server.ask('GET', '/api/v1/me', { 'X-Skyweir-Page': '1' });
    assert.deepEqual([page.status, page.headers['www-authenticate']], [401, undefined]);
    const other = await server.ask('GET', '/api/v1/me');
    assert.match(String(other.headers['www-authenticate']), /^Digest .*, Basic .*, Bearer /);
  });

  test('a wrong one is a problem, counted, and slowed down; who has logged in does not notice', {
    timeout,
  }, async (t) => {
    // No time goes by between two logins, however long they take.
    const server = await AccessServer.start(t, { clock: { ...systemClock, nowMs: () => 0 } });
    const session = await server.login(builtIn.user, builtIn.password);
    const answers: number[] = [];
    for (let i = 0; i < 7; i++)
      answers.push((await server.ask('POST', '/api/v1/login', {}, { user: 'x', password: 'y' })).status);
    assert.deepEqual(answers, [401, 401, 401, 401, 401, 429, 429]);
    const waiting = await server.ask('POST', '/api/v1/login', {}, builtIn);
    assert.equal(waiting.status, 429);
    assert.ok(Number(waiting.headers['retry-after']) >= 1);
    assert.equal((await server.ask('GET', '/api/v1/me', session)).status, 200);
    assert.equal(server.counts.authFailures, 8);
    assert.equal(server.log.filter(({ msg }) => msg === 'an HTTP login failed').length, 5, 'the log is limited');
  });

  test('a form or a page of another site can neither log in nor change anything', { timeout }, async (t) => {
    const server = await AccessServer.start(t);
    const session = await server.login(builtIn.user, builtIn.password);
    const body = JSON.stringify(builtIn);
    for (const type of ['text/plain', 'application/x-www-form-urlencoded', 'multipart/form-data; boundary=x'])
      for (const path of ['/api/v1/login', '/api/v1/users', '/api/v1/streams/0/kick']) {
        const { status } = await server.ask('POST', path, { ...session, 'Content-Type': type }, body);
        assert.equal(status, 415, `${type} to ${path}`);
      }
    for (const header of [{ Origin: 'https://example.com' }, { Origin: 'null' }, { 'Sec-Fetch-Site': 'same-site' }])
      for (const path of ['/api/v1/login', '/api/v1/logout', '/api/v1/users', '/api/v1/streams/0/kick'])
        assert.equal((await server.ask('POST', path, { ...session, ...header }, builtIn)).status, 403, path);
    assert.equal((await server.ask('GET', '/api/v1/me', session)).status, 200);
  });

  test('the page of this server can log in and change things, also behind a proxy', { timeout }, async (t) => {
    const server = await AccessServer.start(t);
    const login = async (headers: Record<string, string>) =>
      (await server.ask('POST', '/api/v1/login', headers, builtIn)).status;
    // A proxy that names itself, as nginx does unless told otherwise, and one that names the usual port.
    const [Host, Origin] = ['10.0.0.5:8080', 'https://cameras.example'];
    assert.equal(await login({ Host, Origin, 'Sec-Fetch-Site': 'same-origin' }), 204);
    assert.equal(await login({ Host: 'cameras.example:443', Origin }), 204);
    assert.equal(await login({ Host: 'Cameras.example', Origin }), 204);
    // Browsers say from where a request comes to HTTPS and to this machine only.
    assert.equal(await login({ Host, Origin }), 403);
    assert.equal(await login({ Host: 'cameras.example:80', Origin }), 403);
    assert.equal(await login({ Host: '', Origin }), 403);
    assert.equal(await login({ Host: 'cameras.example', Origin, 'Sec-Fetch-Site': 'cross-site' }), 403);
  });

  test('ends with its open streams when password or role change, or the user goes', { timeout }, async (t) => {
    const server = await AccessServer.start(t);
    const changes: [string, string, unknown][] = [
      ['PATCH', '', { role: 'operator' }],
      ['PATCH', '', { password: 'fuenf blaue Voegel' }],
      ['DELETE', '', undefined],
    ];
    for (const [method, , body] of changes) {
      await server.ask('POST', '/api/v1/users', admin, { name: 'anna', password, role: 'viewer' });
      await server.ask('PATCH', '/api/v1/users/anna', admin, { password, role: 'viewer' });
      const session = await server.login('anna', password);
      const events = await server.follow('/api/v1/events/live', session);
      const others = await server.follow('/api/v1/events/live', admin);
      assert.deepEqual([events.status, others.status], [200, 200]);
      const changed = await server.ask(method, '/api/v1/users/anna', admin, body);
      assert.ok(changed.status < 300, changed.text);
      await until('the events have ended', () => events.closed);
      assert.equal(others.closed, false);
      assert.equal((await server.ask('GET', '/api/v1/me', session)).status, 401);
    }
    assert.equal(server.counts.eventClients, 3);
  });

  test('a user changes the own password with the current one', { timeout }, async (t) => {
    const server = await AccessServer.start(t);
    const { viewer } = await logins(server);
    const change = (headers: Record<string, string>, current: string, next: string) =>
      server.ask('PUT', '/api/v1/me/password', headers, { current, password: next });
    assert.equal((await change(viewer, 'wrong', 'fuenf blaue Voegel')).status, 403);
    assert.equal((await change(viewer, password, 'short')).status, 422);
    assert.equal((await change(admin, builtIn.password, 'fuenf blaue Voegel')).status, 409);
    assert.equal((await change(viewer, password, 'fuenf blaue Voegel')).status, 204);
    assert.equal((await server.ask('GET', '/api/v1/me', viewer)).status, 401);
    await server.login('a-viewer', 'fuenf blaue Voegel');
  });
});

test('HTTPS needs a certificate, and no listener that speaks TLS', { timeout }, async (t) => {
  const folder = temporaryFolder(t);
  const { cert, key } = makeCertificate(folder, 'http');
  const media = await startTestServer({ 'state-dir': folder, 'tls-cert': cert, 'tls-key': key });
  t.after(media.stop);
  const { httpPort, rtmpsPort } = media.server.addresses;
  assert.equal(rtmpsPort, null);
  const me = await new Promise<{ status: number | undefined; text: string }>((resolve, reject) => {
    const headers = basic(testCredentials.user, testCredentials.password);
    const options = { headers, ca: readFileSync(cert), agent: false };
    get(`https://127.0.0.1:${httpPort}/api/v1/me`, options, async (response) => {
      resolve({ status: response.statusCode, text: Buffer.concat(await response.toArray()).toString() });
    }).on('error', reject);
  });
  assert.equal(me.status, 200);
  assert.equal((JSON.parse(me.text) as { secure: boolean }).secure, true);
  assert.equal((await fetch(`http://127.0.0.1:${httpPort}/healthz`)).status, 200, 'plain HTTP is still there');
});

describe('users and tokens', () => {
  test('are kept for their owner alone, without secrets, over a restart', { timeout }, async (t) => {
    const first = await AccessServer.start(t);
    await logins(first);
    const made = await first.ask('POST', '/api/v1/tokens', admin, { label: 'prometheus', role: 'viewer' });
    assert.equal(made.status, 201);
    const { token, id } = json(made) as { token: string; id: string };
    const names = readdirSync(first.stateDir).sort();
    assert.deepEqual(names, ['tokens.json', 'users.json'], 'nothing half-written stays');
    for (const name of names) {
      const file = join(first.stateDir, name);
      assert.equal(statSync(file).mode & 0o777, 0o600);
      const text = readFileSync(file, 'utf8');
      assert.ok(!text.includes(password) && !text.includes(token));
    }
    const second = await AccessServer.start(t, { stateDir: first.stateDir });
    await second.login('a-operator', password);
    const bearer = { Authorization: `Bearer ${token}` };
    const me = await second.ask('GET', '/api/v1/me', bearer);
    assert.deepEqual([json(me)['user'], json(me)['role'], json(me)['via']], ['token:prometheus', 'viewer', 'token']);
    const listed = (await second.ask('GET', '/api/v1/tokens', admin)).text;
    assert.ok(listed.includes(id) && !listed.includes(token) && !listed.includes('sha256'));
    const stream = await second.follow('/api/v1/events/live', bearer);
    assert.equal((await second.ask('DELETE', `/api/v1/tokens/${id}`, admin)).status, 204);
    await until('its events have ended', () => stream.closed);
    assert.equal((await second.ask('GET', '/api/v1/me', bearer)).status, 401);
    assert.equal((await second.ask('DELETE', `/api/v1/tokens/${id}`, admin)).status, 404);
  });

  test('a name may have any letters, and its path is found again', { timeout }, async (t) => {
    const server = await AccessServer.start(t);
    const name = 'Ωμέγα-'.padEnd(32, 'ß');
    const added = await server.ask('POST', '/api/v1/users', admin, { name, password, role: 'viewer' });
    assert.equal(added.status, 201, added.text);
    const { location } = added.headers;
    assert.equal((await server.ask('PATCH', location!, admin, { role: 'operator' })).status, 200);
    assert.equal((await server.ask('DELETE', location!, admin)).status, 204);
    assert.equal((await server.ask('DELETE', location!, admin)).status, 404);
  });

  test('what the command line changes is taken over while the server runs', { timeout }, async (t) => {
    const server = await AccessServer.start(t);
    const cli = resolve(import.meta.dirname, '../../src/cli.ts');
    const users = async (input: string, ...args: string[]): Promise<string> => {
      const command = [cli, 'users', ...args, '--state-dir', server.stateDir];
      const options = { timeout: 30_000, encoding: 'utf8', env: { PATH: process.env['PATH'] } } as const;
      const ran = execFile(process.execPath, command, options);
      ran.child.stdin!.end(input);
      return (await ran).stdout;
    };
    await users(`${password}\n`, 'add', 'anna', '--role', 'operator');
    const listed = async () => (await server.ask('GET', '/api/v1/users', admin)).text.includes('"anna"');
    await until('anna is listed', listed);
    const session = await server.login('anna', password);
    const events = await server.follow('/api/v1/events/live', session);
    await users('', 'remove', 'anna');
    await until('her events have ended', () => events.closed);
    assert.equal((await server.ask('GET', '/api/v1/me', session)).status, 401);
  });

  test('a file with a mistake is told, and the users stay as they were', { timeout }, async (t) => {
    const server = await AccessServer.start(t);
    const { operator } = await logins(server);
    writeFileSync(join(server.stateDir, 'users.json'), '{"version": 1, "users": [{"name": "x"}]}');
    await until('it is told', () => server.log.some(({ level }) => level === 'error'));
    const { msg } = server.log.find(({ level }) => level === 'error')!;
    assert.match(
      String(msg),
      /users\.json: cannot be used: entry 1 \(x\): role must be .*; users and tokens stay as they/,
    );
    assert.equal((await server.ask('GET', '/api/v1/me', operator)).status, 200);
    await assert.rejects(AccessServer.start(t, { stateDir: server.stateDir }), /users\.json: cannot be used/);
  });
});

describe('--no-auth', () => {
  test('beyond this machine everybody may look, and only users of the list may change', { timeout }, async (t) => {
    const server = await AccessServer.start(t, { auth: false, host: '0.0.0.0' });
    assert.match(
      String(server.log[0]!['msg']),
      /--no-auth: whoever reaches the HTTP port may see everything there; to change/,
    );
    const me = json(await server.ask('GET', '/api/v1/me'));
    assert.deepEqual(me, { user: null, role: 'viewer', via: 'none', authentication: 'off', secure: false });
    assert.equal((await server.ask('GET', '/api/v1/streams', basic('any', 'thing'))).status, 200);
    const kick = await server.ask('POST', '/api/v1/streams/0/kick');
    assert.equal(kick.status, 403);
    assert.match(String(json(kick)['detail']), /role operator; without a login \(--no-auth\) only looking is open/);
    assert.equal((await server.ask('GET', '/api/v1/users')).status, 403);
    await server.access.http.control.addUser('anna', password, 'admin');
    const session = await server.login('anna', password);
    assert.equal((await server.ask('GET', '/api/v1/users', session)).status, 200);
  });

  test('on this machine alone everybody may change, but no site whose name leads here and nobody behind a proxy', {
    timeout,
  }, async (t) => {
    const server = await AccessServer.start(t, { auth: false, host: '127.0.0.1' });
    const kick = (headers: Record<string, string>) => server.ask('POST', '/api/v1/streams/0/kick', headers);
    assert.equal((await kick({})).status, 404);
    assert.equal((await kick({ Host: 'localhost:8080' })).status, 404);
    assert.equal((await kick({ Host: '[::1]' })).status, 404);
    for (const headers of [
      { Host: 'attacker.example:8080', Origin: 'http://attacker.example:8080' },
      { Host: '127.0.0.1.attacker.example' },
      { 'X-Forwarded-For': '203.0.113.5' },
      { Via: '1.1 proxy' },
    ])
      assert.equal((await kick(headers as Record<string, string>)).status, 403, JSON.stringify(headers));
  });
});

test('every change is one line in the log, with who, what, from where and what came of it', { timeout }, async (t) => {
  const server = await AccessServer.start(t);
  const { operator } = await logins(server);
  server.log.length = 0;
  await server.ask('GET', '/api/v1/me', operator);
  await server.ask('POST', '/api/v1/streams/7/kick?x=secret', operator);
  await server.ask('DELETE', '/api/v1/users/a-viewer', operator);
  await server.ask('PATCH', '/api/v1/users/a-viewer', admin, { password: 'fuenf blaue Voegel', role: 'operator' });
  await server.ask('POST', '/api/v1/tokens', admin, { label: 'ci', role: 'viewer', notAfter: '2099-01-01T00:00:00Z' });
  await server.ask('DELETE', '/api/v1/users/a-viewer');
  await server.ask('DELETE', '/api/v1/nothing', admin);
  const lines = server.log.filter(({ audit }) => audit === true);
  const shown = lines.map(({ user, role, via, address, method, path, status, change }) => {
    const { token: _, ...rest } = (change ?? {}) as Record<string, unknown>;
    return [user, role, via, address, method, path, status, JSON.stringify(rest)].join(' ');
  });
  assert.deepEqual(shown, [
    'a-operator operator session 127.0.0.1 POST /api/v1/streams/7/kick 404 {}',
    'a-operator operator session 127.0.0.1 DELETE /api/v1/users/a-viewer 403 {}',
    'skyweir admin password 127.0.0.1 PATCH /api/v1/users/a-viewer 200 {"user":"a-viewer","password":"changed","role":"operator"}',
    'skyweir admin password 127.0.0.1 POST /api/v1/tokens 201 {"label":"ci","role":"viewer","notAfter":"2099-01-01T00:00:00Z"}',
  ]);
  assert.ok(!JSON.stringify(server.log).includes('secret') && !JSON.stringify(server.log).includes('Voegel'));
});

/** The Digest header that answers a challenge, as a client sends it: in UTF-8, of which Node writes each byte as a character. */
function digest(challenge: string, user: string, path: string): string {
  const nonce = /nonce="([^"]+)"/.exec(challenge)![1]!;
  const md5 = (text: string) => createHash('md5').update(text).digest('hex');
  const account = md5(`${user}:Skyweir:${builtIn.password}`);
  const response = md5(`${account}:${nonce}:00000001:cn:auth:${md5(`POST:${path}`)}`);
  const header = `Digest username="${user}", realm="Skyweir", nonce="${nonce}", uri="${path}", qop=auth, nc=00000001, cnonce="cn", response="${response}"`;
  return Buffer.from(header).toString('latin1');
}

test('a user with letters beyond ASCII logs in by Digest', { timeout }, async (t) => {
  const user = 'jürgen-太郎';
  const server = await AccessServer.start(t, { user });
  const path = '/api/v1/streams/0/kick';
  const challenge = String((await server.ask('POST', path)).headers['www-authenticate']);
  assert.equal((await server.ask('POST', path, { Authorization: digest(challenge, user, path) })).status, 404);
});

test('a Digest header that was overheard is of no use', { timeout }, async (t) => {
  const server = await AccessServer.start(t);
  const path = '/api/v1/streams/0/kick';
  const challenge = String((await server.ask('POST', path)).headers['www-authenticate']);
  const Authorization = digest(challenge, builtIn.user, path);
  assert.equal((await server.ask('POST', path, { Authorization })).status, 404);
  const again = await server.ask('POST', path, { Authorization });
  assert.equal(again.status, 401);
  assert.match(String(again.headers['www-authenticate']), /stale=true/);
  assert.equal(server.counts.authFailures, 0);
});
