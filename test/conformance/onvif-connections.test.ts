import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect, createServer, type Socket } from 'node:net';
import { test } from 'node:test';
import { connect as connectTls } from 'node:tls';
import { limits } from '../../src/base/limits.ts';
import { ListenError } from '../../src/net/listen.ts';
import { readPipeGreeting } from '../../src/net/pipe-greeting.ts';
import { namespaces } from '../../src/onvif/namespaces.ts';
import type { LaterAnswer, OnvifService } from '../../src/onvif/service.ts';
import { startDevice } from '../support/onvif-device.ts';
import { bodyOf } from '../support/onvif-dialogue.ts';
import { authorize, credentials, envelope, makeDevice, post, securityXml } from '../support/onvif-peer.ts';
import { certificate, readUntil, talk } from '../support/raw-socket.ts';

const users = '<tds:GetUsers/>';
const loggedIn = (body: string) => envelope(body, securityXml({ createdMs: Date.now() }));

test('one port takes HTTP and HTTPS, and shows a new certificate at once', async (t) => {
  const contexts = [certificate(t), certificate(t)];
  let now = 0;
  const { port } = await startDevice(t, { secureContext: () => contexts[now]! });
  const shown = async () => {
    const socket = connectTls({ port, host: '127.0.0.1', rejectUnauthorized: false });
    await once(socket, 'secureConnect');
    const { fingerprint256 } = socket.getPeerCertificate();
    socket.destroy();
    return fingerprint256;
  };
  const first = await shown();
  assert.equal((await post(port, loggedIn(users))).status, 200);
  assert.equal((await post(port, loggedIn(users), { secure: true })).status, 200);
  now = 1;
  assert.notEqual(await shown(), first);
});

test('a TLS handshake that fails is told, once', async (t) => {
  const context = certificate(t);
  const { port, counters, lines } = await startDevice(t, { secureContext: () => context });
  await talk(port, Buffer.from([0x16, 3, 1, 0, 5, 1, 2, 3, 4, 5, 6, 7, 8, 9]));
  assert.equal(counters.refused, 1);
  assert.match(lines[0]!.message, /refused at the ONVIF port: the TLS handshake failed/);
  assert.equal((await post(port, loggedIn(users), { secure: true })).status, 200);
});

test('several requests go over one connection, split anywhere', async (t) => {
  const { port } = await startDevice(t, { credentials: null });
  const body = envelope('<tds:GetHostname/>');
  const request = `POST /onvif/device_service HTTP/1.1\r\nHost: a:1\r\nContent-Length: ${body.length}\r\n\r\n${body}`;
  const socket = connect({ port, host: '127.0.0.1', noDelay: true });
  for (const cut of [1, 4, 30, 90, request.length - 1]) {
    const answer = readUntil(socket, 'GetHostnameResponse></s:Body>');
    socket.write(request.slice(0, cut));
    await new Promise((resolve) => setImmediate(resolve));
    socket.write(request.slice(cut));
    assert.match(await answer, /^HTTP\/1\.1 200/);
    socket.removeAllListeners('data').removeAllListeners('close');
  }
  socket.destroy();
});

for (const secure of [false, true]) {
  test(`hundreds of requests at once over one connection are all answered in order${secure ? ', over HTTPS' : ''}`, async (t) => {
    const context = certificate(t);
    const { port } = await startDevice(t, { credentials: null, secureContext: () => context });
    const numbers = Array.from({ length: 300 }, (_, i) => String(i));
    const requests = numbers.map((number) => {
      const body = envelope('<tds:GetHostname/>', `<a:MessageID xmlns:a="${namespaces.wsa}">${number}</a:MessageID>`);
      return `POST / HTTP/1.1\r\nHost: a:1\r\nContent-Length: ${body.length}\r\n\r\n${body}`;
    });
    const options = { port, host: '127.0.0.1', rejectUnauthorized: false };
    const socket: Socket = secure ? connectTls(options) : connect(options);
    t.after(() => socket.destroy());
    const answers = readUntil(socket, '<a:RelatesTo>299</a:RelatesTo>');
    socket.write(requests.join(''));
    assert.deepEqual(
      [...(await answers).matchAll(/<a:RelatesTo>(\d+)</g)].map(([, number]) => number),
      numbers,
    );
  });
}

test('more requests at once than any client sends end their connection, and no other', async (t) => {
  const { port, counters, lines } = await startDevice(t, { credentials: null });
  await talk(port, 'GET / HTTP/1.1\r\nHost: x\r\n\r\n'.repeat(2 * limits.onvif.requestsAtOnce));
  assert.equal(counters.connections, 0);
  assert.ok(lines.some(({ message }) => message === 'refused at the ONVIF port: too many requests at once'));
  assert.equal((await post(port, envelope(users))).status, 200);
});

test('addresses in answers are those that the client called', async (t) => {
  const { port } = await startDevice(t, { credentials: null });
  const services = async (host: string) =>
    (await post(port, envelope('<tds:GetServices/>'), { headers: { Host: host } })).body;
  assert.match(await services('camera.example:99'), /<tds:XAddr>http:\/\/camera\.example:99\/onvif\/device_service</);
  assert.match(await services('x"><script>'), new RegExp(`<tds:XAddr>http://127.0.0.1:${port}/onvif/device_service<`));
});

test('a device can be replaced while it runs', async (t) => {
  const { port, server } = await startDevice(t, { credentials: null });
  server.replaceDevice({ ...makeDevice(2), name: 'Other' });
  server.rtspPort = 7777;
  const sources = await post(port, envelope('<trt:GetVideoSources/>'));
  assert.equal(bodyOf(sources).children.length, 2);
  assert.match((await post(port, envelope('<tds:GetNetworkProtocols/>'))).body, /<tt:Port>7777</);
  assert.match((await post(port, envelope('<tds:GetScopes/>'))).body, /name\/Other</);
});

test('a port in use is told with its number', async (t) => {
  const { port } = await startDevice(t);
  await assert.rejects(
    startDevice(t, { port }),
    (error) => error instanceof ListenError && error.code === 'EADDRINUSE' && error.port === port,
  );
});

// ---- answers that come later --------------------------------------------------------------------------------------------

/** A service whose answers all come later. */
class LaterService implements OnvifService {
  readonly namespace = namespaces.tev;
  readonly waiting: LaterAnswer[] = [];
  readonly timeoutMs: number;
  cancelled = 0;
  onCall: () => void = () => {};

  constructor(timeoutMs: number) {
    this.timeoutMs = timeoutMs;
  }

  call(_: unknown, nowMs: number): LaterAnswer {
    const later: LaterAnswer = {
      deadlineMs: nowMs + this.timeoutMs,
      onAnswer: null,
      expire: () => '<tev:Empty/>',
      cancel: () => {
        this.cancelled++;
        this.onCall();
      },
    };
    this.waiting.push(later);
    this.onCall();
    return later;
  }

  next(): Promise<void> {
    return new Promise((resolve) => {
      this.onCall = resolve;
    });
  }
}

test('a long poll is answered when there is something to say', async (t) => {
  const service = new LaterService(60_000);
  const { port } = await startDevice(t, { services: [service] });
  const called = service.next();
  const answer = post(port, loggedIn('<tev:PullMessages/>'));
  await called;
  service.waiting[0]!.onAnswer!('<tev:PullMessagesResponse/>');
  assert.equal(bodyOf(await answer).name, 'PullMessagesResponse');
  assert.equal(service.cancelled, 0);
});

test('a long poll is answered when its time is up', async (t) => {
  const service = new LaterService(1);
  const { port } = await startDevice(t, { services: [service] });
  assert.equal(bodyOf(await post(port, loggedIn('<tev:PullMessages/>'))).name, 'Empty');
});

test('a long poll whose client leaves is given up', async (t) => {
  const service = new LaterService(60_000);
  const { port } = await startDevice(t, { credentials: null, services: [service] });
  const called = service.next();
  const body = envelope('<tev:PullMessages/>');
  const socket = connect(port, '127.0.0.1');
  socket.write(`POST / HTTP/1.1\r\nHost: x\r\nContent-Length: ${body.length}\r\n\r\n${body}`);
  await called;
  const cancelled = service.next();
  socket.destroy();
  await cancelled;
  assert.equal(service.cancelled, 1);
});

test('closing ends long polls too', async (t) => {
  const service = new LaterService(60_000);
  const { port, server } = await startDevice(t, { services: [service] });
  const called = service.next();
  const answer = post(port, loggedIn('<tev:PullMessages/>'));
  await called;
  await Promise.all([server.close(), assert.rejects(answer)]);
});

// ---- RTSP over HTTP -----------------------------------------------------------------------------------------------------

for (const secure of [false, true]) {
  test(`tunnelled RTSP is passed on to the RTSP port${secure ? ', deciphered' : ''}`, async (t) => {
    const heard: string[] = [];
    const rtsp = createServer((socket) => {
      socket.on('error', () => {});
      socket.on('data', (chunk: Buffer) => {
        heard.push(chunk.toString('latin1'));
        socket.write('HTTP/1.0 200 OK\r\n\r\nhello');
      });
    });
    rtsp.listen(0, '127.0.0.1');
    await once(rtsp, 'listening');
    t.after(() => rtsp.close());
    const context = certificate(t);
    const rtspPort = (rtsp.address() as { port: number }).port;
    const { port, counters } = await startDevice(t, { rtspPort, secureContext: () => context });
    const requests = [
      'GET /stream1 HTTP/1.0\r\nx-sessioncookie: abc\r\nAccept: application/x-rtsp-tunnelled\r\n\r\n',
      'POST /stream1 HTTP/1.0\r\nX-SessionCookie: abc\r\nContent-Length: 32767\r\n\r\nT1BUSU9OUw==',
      'POST /stream1 HTTP/1.1\r\nContent-Type: application/x-rtsp-tunnelled\r\n\r\n',
    ];
    for (const request of requests) {
      const options = { port, host: '127.0.0.1', rejectUnauthorized: false };
      const socket: Socket = secure ? connectTls(options) : connect(options);
      const answer = readUntil(socket, 'hello');
      socket.write(request);
      await answer;
      socket.destroy();
    }
    const greeted = heard.map((text) => readPipeGreeting('pass', Buffer.from(text, 'latin1')));
    assert.deepEqual(
      greeted.map((greeting) => greeting?.client.address),
      requests.map(() => '127.0.0.1'),
    );
    assert.deepEqual(
      heard.map((text, i) => text.slice(greeted[i]?.end)),
      requests,
    );
    assert.equal(counters.tunnels, requests.length);
    assert.equal(counters.requests, 0);
  });
}

test('a tunnel to an RTSP port that is not open ends', async (t) => {
  const { port, counters } = await startDevice(t, { rtspPort: 1 });
  assert.equal(await talk(port, 'GET /s HTTP/1.0\r\nx-sessioncookie: abc\r\n\r\n'), '');
  assert.equal(counters.refused, 1);
});

test('a stranger’s request may not be as large as that of one who is logged in', async (t) => {
  const { port } = await startDevice(t);
  const large = envelope(`<tds:GetUsers>${' '.repeat(limits.onvif.strangerBytes)}</tds:GetUsers>`);
  const path = '/onvif/device_service';
  assert.equal((await post(port, large)).status, 413);
  const challenge = String((await post(port, envelope(users))).headers['www-authenticate']);
  const headers = { Authorization: authorize(challenge, credentials.password, path) };
  assert.equal((await post(port, large, { headers })).status, 200);
});
