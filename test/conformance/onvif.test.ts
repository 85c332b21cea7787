import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { test } from 'node:test';
import { systemClock } from '../../src/base/clock.ts';
import { limits } from '../../src/base/limits.ts';
import { soap11 } from '../../src/onvif/namespaces.ts';
import { startDevice } from '../support/onvif-device.ts';
import { bodyOf, faultCodes } from '../support/onvif-dialogue.ts';
import { authorize, credentials, envelope, post, securityXml } from '../support/onvif-peer.ts';
import { closed, readAll, talk } from '../support/raw-socket.ts';

const users = '<tds:GetUsers/>';
const loggedIn = (body: string) => envelope(body, securityXml({ createdMs: Date.now() }));

// ---- logging in ---------------------------------------------------------------------------------------------------------

test('only the time is told to whoever asks', async (t) => {
  const { port, counters } = await startDevice(t);
  const time = await post(port, envelope('<tds:GetSystemDateAndTime/>'));
  assert.equal(time.status, 200);
  for (const operation of ['GetServices', 'GetCapabilities', 'GetHostname', 'GetUsers', 'GetEndpointReference']) {
    const answer = await post(port, envelope(`<tds:${operation}/>`));
    assert.equal(answer.status, 401);
    assert.match(String(answer.headers['www-authenticate']), /^Digest realm="Skyweir", nonce="[0-9a-f]+", qop="auth"$/);
    assert.deepEqual(faultCodes(bodyOf(answer)), ['Sender', 'ter:NotAuthorized']);
  }
  // The name alone does not open another service.
  assert.equal((await post(port, envelope('<trt:GetSystemDateAndTime/>'))).status, 401);
  assert.equal(counters.authFailures, 0);
});

test('the time is told to a client whose clock is off, so that it can set it', async (t) => {
  const { port } = await startDevice(t);
  const header = securityXml({ createdMs: Date.now() - 86_400_000 });
  assert.equal((await post(port, envelope('<tds:GetSystemDateAndTime/>', header))).status, 200);
});

test('HTTP digest lets in', async (t) => {
  const { port } = await startDevice(t);
  const path = '/onvif/device_service';
  const challenge = String((await post(port, envelope(users))).headers['www-authenticate']);
  const headers = { Authorization: authorize(challenge, credentials.password, path) };
  assert.equal((await post(port, envelope(users), { headers })).status, 200);
  const wrong = { Authorization: authorize(challenge, 'wrong', path) };
  assert.equal((await post(port, envelope(users), { headers: wrong })).status, 401);
});

test('a user with letters beyond ASCII logs in by HTTP digest, which is sent in UTF-8', async (t) => {
  const user = 'jürgen-太郎';
  const { port } = await startDevice(t, { credentials: { ...credentials, user } });
  const challenge = String((await post(port, envelope(users))).headers['www-authenticate']);
  const header = authorize(challenge, credentials.password, '/onvif/device_service', user);
  // Node writes each character as a byte, unless the body is a text.
  const headers = { Authorization: Buffer.from(header).toString('latin1') };
  assert.equal((await post(port, Buffer.from(envelope(users)), { headers })).status, 200);
});

test('a request without a body is asked to log in: libcurl sends one to be asked', async (t) => {
  const { port, counters } = await startDevice(t);
  const path = '/onvif/device_service';
  const first = await post(port, '', { headers: { 'Content-Length': '0' } });
  assert.equal(first.status, 401);
  const challenge = String(first.headers['www-authenticate']);
  const headers = { Authorization: authorize(challenge, credentials.password, path) };
  assert.equal((await post(port, envelope(users), { headers })).status, 200);
  assert.deepEqual([counters.faults, counters.authFailures], [0, 0]);
  // Whoever has logged in is told what is wrong.
  const again = authorize(String((await post(port, '')).headers['www-authenticate']), credentials.password, path);
  const empty = await post(port, '', { headers: { Authorization: again } });
  assert.deepEqual([empty.status, faultCodes(bodyOf(empty))], [400, ['Sender', 'ter:WellFormed']]);
});

test('HTTP digest is checked first when both are given', async (t) => {
  const { port } = await startDevice(t);
  const challenge = String((await post(port, envelope(users))).headers['www-authenticate']);
  const path = '/onvif/device_service';
  const wrong = { Authorization: authorize(challenge, 'wrong', path) };
  assert.equal((await post(port, loggedIn(users), { headers: wrong })).status, 401);
  const right = { Authorization: authorize(challenge, credentials.password, path) };
  const badToken = envelope(users, securityXml({ createdMs: 0, password: 'wrong' }));
  assert.equal((await post(port, badToken, { headers: right })).status, 200);
});

test('a nonce lets in once', async (t) => {
  const { port, counters, lines } = await startDevice(t);
  const request = envelope(users, securityXml({ createdMs: Date.now(), nonce: randomBytes(16) }));
  assert.equal((await post(port, request)).status, 200);
  const again = await post(port, request);
  assert.equal(again.status, 400);
  assert.deepEqual(faultCodes(bodyOf(again)), ['Sender', 'ter:NotAuthorized']);
  assert.equal(counters.authFailures, 1);
  assert.match(lines[0]!.message, /nonce was used before/);
});

test('a clock that is ten minutes off does not let in, and is said so', async (t) => {
  const { port, lines } = await startDevice(t);
  for (const minutes of [-10, 10]) {
    const header = securityXml({ createdMs: Date.now() + minutes * 60_000 });
    const answer = await post(port, envelope(users, header));
    assert.equal(answer.status, 400);
    assert.match(answer.body, /more than 5 minutes from ours/);
  }
  assert.equal(lines.length, 2);
});

test('the password in plain text does not let in', async (t) => {
  const { port } = await startDevice(t);
  const answer = await post(port, envelope(users, securityXml({ createdMs: Date.now(), text: true })));
  assert.equal(answer.status, 400);
  assert.match(answer.body, /PasswordDigest/);
});

test('guessing passwords comes to a halt, and the log does not hold them', async (t) => {
  // No time goes by between two logins, however long they take.
  const { port, counters, lines } = await startDevice(t, { clock: { ...systemClock, nowMs: () => 0 } });
  const statuses: number[] = [];
  for (let i = 0; i < limits.onvif.failedLogins + 2; i++)
    statuses.push(
      (await post(port, envelope(users, securityXml({ createdMs: Date.now(), password: `guess${i}` })))).status,
    );
  assert.deepEqual(statuses, [400, 400, 400, 400, 400, 429, 429]);
  assert.equal(counters.authFailures, statuses.length);
  assert.ok(lines.length > 0);
  assert.doesNotMatch(JSON.stringify(lines), /guess|drone-and-dive/);
  // The right one from elsewhere is none the worse for it, nor is the time.
  assert.equal((await post(port, envelope('<tds:GetSystemDateAndTime/>'))).status, 200);
});

test('without credentials nobody has to log in', async (t) => {
  const { port } = await startDevice(t, { credentials: null });
  assert.equal((await post(port, envelope(users))).status, 200);
  const header = securityXml({ createdMs: 0, password: 'whatever' });
  assert.equal((await post(port, envelope(users, header))).status, 200);
});

// ---- what is no request -------------------------------------------------------------------------------------------------

const entities = Array.from({ length: 9 }, (_, i) => `<!ENTITY l${i + 1} "${`&l${i};`.repeat(10)}">`).join('');
const hostile: Readonly<Record<string, string | Buffer>> = {
  'a billion laughs': `<!DOCTYPE x [<!ENTITY l0 "lol">${entities}]>${envelope('<tds:GetUsers>&l9;</tds:GetUsers>')}`,
  'a document type that reads a file': `<!DOCTYPE x [<!ENTITY f SYSTEM "file:///etc/passwd">]>${envelope('<x>&f;</x>')}`,
  'a bomb of depth': envelope('<a>'.repeat(2000) + '</a>'.repeat(2000)),
  'a bomb of attributes': envelope(`<a ${Array.from({ length: 1400 }, (_, i) => `a${i}=""`).join(' ')}/>`),
  'a bomb of elements': envelope('<a/>'.repeat(3500)),
  'a processing instruction': envelope('<?php system("reboot") ?><tds:GetUsers/>'),
  'a name of the prototype': envelope('<__proto__/>'),
  'an envelope without a body': envelope(''),
  'no envelope': '<x/>',
  'no XML': randomBytes(500),
};
for (const [what, body] of Object.entries(hostile)) {
  test(`${what} is a fault, and the device lives on`, async (t) => {
    const { port, counters } = await startDevice(t);
    const answer = await post(port, body);
    assert.equal(answer.status, 400);
    assert.deepEqual(faultCodes(bodyOf(answer)), ['Sender', 'ter:WellFormed']);
    assert.doesNotMatch(answer.body, /root:/);
    assert.equal(counters.faults, 1);
    assert.equal((await post(port, loggedIn(users))).status, 200);
  });
}

test('an operation or a namespace that is not known is a fault', async (t) => {
  const { port } = await startDevice(t);
  for (const body of ['<tds:MakeCoffee/>', '<trt:GetUsers/>', '<x:GetUsers xmlns:x="urn:x"/>', '<tds:toString/>']) {
    const answer = await post(port, loggedIn(body));
    assert.equal(answer.status, 500);
    assert.deepEqual(faultCodes(bodyOf(answer)), ['Receiver', 'ter:ActionNotSupported']);
  }
});

test('a request is answered at any path, by its namespace', async (t) => {
  const { port } = await startDevice(t);
  for (const path of [
    '/onvif/media_service',
    '/onvif/event_service',
    '/onvif/events/subscription/7',
    '/onvif/x?y=z',
    '/',
  ])
    assert.equal((await post(port, loggedIn(users), { path })).status, 200);
});

test('SOAP 1.1 is answered in SOAP 1.1, its faults with 500', async (t) => {
  const { port } = await startDevice(t, { credentials: null });
  const answer = await post(port, envelope(users, '', soap11));
  assert.match(String(answer.headers['content-type']), /^text\/xml/);
  assert.match(answer.body, new RegExp(soap11));
  const fault = await post(port, envelope('<trt:GetProfile/>', '', soap11));
  assert.equal(fault.status, 500);
  assert.match(fault.body, /<faultcode>s:Client/);
  const asks = await startDevice(t);
  const token = securityXml({ createdMs: Date.now(), password: 'wrong' });
  const refused = await post(asks.port, envelope(users, token, soap11));
  assert.equal(refused.status, 500);
  assert.match(refused.body, /<faultstring>The user name or password is wrong/);
});

test('a method other than POST is refused', async (t) => {
  const { port, counters } = await startDevice(t);
  for (const method of ['GET', 'PUT', 'DELETE', 'OPTIONS']) {
    const answer = await post(port, '', { method });
    assert.equal(answer.status, 405);
    assert.equal(answer.headers['allow'], 'POST');
  }
  assert.equal(counters.refused, 4);
});

test('ten megabytes are refused by their announcement, and by their coming', async (t) => {
  const { port, counters } = await startDevice(t);
  const announced = await talk(
    port,
    `POST /onvif/device_service HTTP/1.1\r\nHost: x\r\nContent-Length: ${10 * 1024 * 1024}\r\n\r\n`,
  );
  assert.match(announced, /^HTTP\/1\.1 413 /);
  const socket = connect(port, '127.0.0.1');
  const answer = readAll(socket);
  socket.write('POST /onvif/device_service HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n');
  const piece = Buffer.concat([Buffer.from('4000\r\n'), Buffer.alloc(0x4000, 0x61), Buffer.from('\r\n')]);
  for (let i = 0; i < 640 && !socket.destroyed; i++)
    if (!socket.write(piece)) await Promise.race([once(socket, 'drain').catch(() => {}), answer]);
  assert.match(await answer, /^(HTTP\/1\.1 413 |$)/);
  assert.equal(counters.refused, 2);
});

test('a head that is too long, and garbage, end the connection', async (t) => {
  const { port, counters } = await startDevice(t);
  const long = await talk(port, `POST / HTTP/1.1\r\nHost: x\r\nA: ${'a'.repeat(2 * limits.onvif.headBytes)}\r\n\r\n`);
  assert.match(long, /^HTTP\/1\.1 431 /);
  for (const garbage of [randomBytes(200), 'RTSP/1.0 hello\r\n\r\n', 'POST / HTTP/9.9\r\n\r\n', 'GET\r\n\r\n'])
    assert.match(await talk(port, Buffer.concat([Buffer.of(0x20), Buffer.from(garbage)])), /^HTTP\/1\.1 400 /);
  assert.equal(counters.refused, 5);
  assert.equal(counters.connections, 0);
});

test('TLS is refused while there is no certificate', async (t) => {
  const { port, counters } = await startDevice(t);
  await assert.rejects(post(port, envelope(users), { secure: true }));
  assert.equal(counters.refused, 1);
});

test('connections have a bound', async (t) => {
  const { port, counters } = await startDevice(t);
  const sockets: Socket[] = [];
  for (let i = 0; i < limits.onvif.connectionsPerAddress; i++) {
    const socket = connect(port, '127.0.0.1');
    socket.on('error', () => {});
    sockets.push(socket);
    await once(socket, 'connect');
  }
  const tooMany = connect(port, '127.0.0.1');
  await closed(tooMany);
  assert.equal(counters.connections, limits.onvif.connectionsPerAddress);
  for (const socket of sockets) socket.destroy();
  while (counters.connections > 0) await new Promise((resolve) => setImmediate(resolve));
});

test('a head that comes byte by byte does not hold a connection for ever', async (t) => {
  t.mock.timers.enable({ apis: ['setTimeout'] });
  const { port, counters, lines } = await startDevice(t);
  const socket = connect(port, '127.0.0.1');
  const end = closed(socket);
  socket.write('POST /onvif/device_service HTTP/1.1\r\nHost: ');
  while (counters.connections === 0) await new Promise((resolve) => setImmediate(resolve));
  t.mock.timers.tick(limits.onvif.headTimeoutMs);
  await end;
  assert.equal(counters.refused, 1);
  assert.match(lines[0]!.message, /no request came in time/);
});
