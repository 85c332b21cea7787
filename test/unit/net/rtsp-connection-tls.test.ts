import assert from 'node:assert/strict';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import { duplexPair } from 'node:stream';
import { after, describe, test } from 'node:test';
import { setImmediate as turn } from 'node:timers/promises';
import { type ConnectionOptions, type TLSSocket, connect as tlsConnect } from 'node:tls';
import { limits } from '../../../src/base/limits.ts';
import { freshAllowance } from '../../../src/net/read-turns.ts';
import { ReaderTls } from '../../../src/net/reader-tls.ts';
import { RtpPorts } from '../../../src/net/rtp-udp.ts';
import { RtspConnection } from '../../../src/net/rtsp-connection.ts';
import { Tunnels } from '../../../src/net/rtsp-tunnel.ts';
import { TlsMaterialBoard } from '../../../src/net/tls-material.ts';
import { makeCertificate } from '../../support/certificates.ts';
import { FakeSocket } from '../../support/fake-socket.ts';
import { temporaryFolder } from '../../support/media.ts';
import { until } from '../../support/program.ts';
import { RtspSurroundings } from '../../support/rtsp-surroundings.ts';

type Test = { after(cleanup: () => void): void };

const timeout = 20_000;
const pem = makeCertificate(temporaryFolder({ after }), 'server');
const board = new TlsMaterialBoard();
board.publish({ form: 'pem', certificate: readFileSync(pem.cert), key: readFileSync(pem.key), passphrase: '' });
const udp = 'RTP/AVP;unicast;client_port=40000-40001';
const tcp = 'RTP/AVP/TCP;unicast;interleaved=0-1';

/** A listener with RTSP connections behind it. */
async function listen(
  t: Test,
  around: RtspSurroundings,
): Promise<{ port: number; sockets: readonly Socket[]; closed: string[]; sweep(): void; count(): number }> {
  const sockets: Socket[] = [];
  const connections: RtspConnection[] = [];
  const closed: string[] = [];
  const server = createServer({ pauseOnConnect: true }, (socket) => {
    sockets.push(socket);
    const peer = { id: `s${connections.length + 1}`, address: '127.0.0.1', port: socket.remotePort! };
    connections.push(new RtspConnection(around.context, socket, peer, () => closed.push(peer.id)));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => {
    server.close();
    for (const connection of connections) connection.destroy();
  });
  return {
    port: (server.address() as AddressInfo).port,
    sockets,
    closed,
    sweep: () => {
      for (const connection of connections) connection.sweep(around.nowMs);
    },
    count: () => connections.length,
  };
}

function encrypted(ports: RtpPorts | null = null): RtspSurroundings {
  return new RtspSurroundings(ports, new Tunnels(null), new ReaderTls(board.memory));
}

async function openTls(t: Test, port: number, options: ConnectionOptions = {}): Promise<TLSSocket> {
  const socket = tlsConnect({ port, host: '127.0.0.1', rejectUnauthorized: false, ...options });
  socket.on('error', () => undefined);
  t.after(() => socket.destroy());
  await new Promise((settled) => socket.once('secureConnect', settled).once('close', settled));
  return socket;
}

/** Sends one request and returns its answer with the body. */
async function ask(socket: Socket, request: string, ...headers: string[]): Promise<string> {
  let text = '';
  const take = (bytes: Buffer) => {
    text += bytes.toString('latin1');
  };
  socket.on('data', take);
  socket.write([`${request} RTSP/1.0`, 'CSeq: 1', ...headers, '', ''].join('\r\n'));
  const whole = () => {
    const end = text.indexOf('\r\n\r\n');
    return end >= 0 && text.length >= end + 4 + Number(/Content-Length: (\d+)/.exec(text)?.[1] ?? 0);
  };
  await until(`${request} is answered`, whole);
  socket.off('data', take);
  return text;
}

describe('RTSPS', { timeout }, () => {
  test('one port serves plain RTSP and RTSPS; URLs keep their scheme', async (t) => {
    const { port } = await listen(t, encrypted());
    const plain = connect(port, '127.0.0.1');
    t.after(() => plain.destroy());
    const secure = await openTls(t, port);
    assert.match(await ask(plain, 'DESCRIBE /stream1'), /\r\nContent-Base: rtsp:\/\/127\.0\.0\.1:\d+\/stream1\/\r\n/);
    assert.match(await ask(secure, 'DESCRIBE /stream1'), /\r\nContent-Base: rtsps:\/\/127\.0\.0\.1:\d+\/stream1\/\r\n/);
    const named = `rtsps://camera.example:${port}/stream1`;
    assert.ok((await ask(secure, `DESCRIBE ${named}`)).includes(`\r\nContent-Base: ${named}/\r\n`));
  });

  test('UDP is refused, so that no picture goes out in the clear, and TCP is taken after it', async (t) => {
    const ports = await RtpPorts.open('127.0.0.1');
    assert.ok(ports);
    t.after(() => ports.close());
    const { port } = await listen(t, encrypted(ports));
    const secure = await openTls(t, port);
    const url = `rtsps://h:${port}/stream1`;
    assert.match(await ask(secure, `SETUP ${url}/trackID=0`, `Transport: ${udp}`), /^RTSP\/1\.0 461 /);
    const both = await ask(secure, `SETUP ${url}/trackID=0`, `Transport: ${udp},${tcp}`);
    assert.match(both, /^RTSP\/1\.0 200 [\s\S]*\r\nTransport: RTP\/AVP\/TCP;unicast;interleaved=0-1;/);
    const plain = connect(port, '127.0.0.1');
    t.after(() => plain.destroy());
    assert.match(await ask(plain, `SETUP ${url}/trackID=0`, `Transport: ${udp}`), /^RTSP\/1\.0 200 /);
  });

  test('TLS inside TLS is a malformed request', async (t) => {
    const around = encrypted();
    const { port, closed } = await listen(t, around);
    const secure = await openTls(t, port);
    secure.write(Buffer.from([0x16, 3, 1, 2, 0, 1, 0, 1, 0xfc]));
    await until('it is closed', () => closed.length === 1);
    assert.equal(around.log[0]!.fields['reason'], 'rtsp_malformed');
  });

  test('a request that comes byte by byte, each in its own record', async (t) => {
    const { port } = await listen(t, encrypted());
    const secure = await openTls(t, port);
    let answer = '';
    secure.on('data', (bytes: Buffer) => {
      answer += bytes;
    });
    for (const byte of Buffer.from('GET_PARAMETER * RTSP/1.0\r\nCSeq: 5\r\n\r\n')) secure.write(Buffer.of(byte));
    await until('it is answered', () => answer.endsWith('\r\n\r\n'));
    assert.match(answer, /^RTSP\/1\.0 200 OK\r\nCSeq: 5\r\n/);
  });

  test('a first flight of which the rest comes while the connection waits for its turn is whole', async (t) => {
    const due: (() => void)[] = [];
    const tls = new ReaderTls(board.memory);
    const around = new RtspSurroundings(null, new Tunnels(null), tls, (callback) => void due.push(callback));
    const server = await listen(t, around);
    const raw = connect(server.port, '127.0.0.1');
    raw.on('error', () => undefined);
    t.after(() => raw.destroy());
    const [inner, outer] = duplexPair();
    const client = tlsConnect({ socket: inner as Socket, rejectUnauthorized: false });
    client.on('error', () => undefined);
    const [hello] = (await once(outer, 'data')) as [Buffer];
    outer.on('data', (part: Buffer) => raw.write(part));
    raw.on('data', (part: Buffer) => outer.write(part));
    await until('the connection is accepted', () => server.count() === 1);
    const { turns } = around.context;
    // Another one has come before it in this slice of time, and used it up.
    turns.inTurn({ address: '192.0.2.1', allowance: freshAllowance(0), onTurn: assert.fail }, around.nowMs, () => {});
    turns.charge(limits.turns.sliceMs);
    raw.write(hello.subarray(0, 200));
    await until('it waits for its turn', () => turns.waiting === 1);
    raw.write(hello.subarray(200));
    await until('the rest is here', () => server.sockets[0]!.readableLength === hello.length - 200);
    around.nowMs += limits.turns.everyMs;
    due.shift()!();
    await once(client, 'secureConnect');
    client.destroy();
  });

  test('without a certificate a TLS peer is told so by one clear reason, and plain peers are served', async (t) => {
    const around = new RtspSurroundings();
    const { port, closed } = await listen(t, around);
    const secure = await openTls(t, port);
    assert.equal(secure.getProtocol() ?? 'none', 'none');
    await until('it is closed', () => closed.length === 1);
    assert.deepEqual(
      around.log.map(({ level, fields }) => [level, fields['reason']]),
      [['warn', 'rtsps_off']],
    );
    const plain = connect(port, '127.0.0.1');
    t.after(() => plain.destroy());
    assert.match(await ask(plain, 'OPTIONS *'), /^RTSP\/1\.0 200 /);
  });

  const hello = Buffer.from([0x16, 3, 1, 1, 0, 1, 0, 0]);
  test('a handshake that is not done in time is closed', async (t) => {
    const around = encrypted();
    const { port, closed, sweep, count } = await listen(t, around);
    const slow = connect(port, '127.0.0.1');
    slow.on('error', () => undefined);
    t.after(() => slow.destroy());
    await until('it is accepted', () => count() === 1);
    const startMs = around.nowMs;
    // The beginning of a long ClientHello, which trickles in and does not move the deadline.
    const part = Buffer.concat([Buffer.from([0x16, 3, 1, 2, 0, 1, 0, 1, 0xfc, 3, 3]), Buffer.alloc(9)]);
    let sent = 0;
    await until('some of it has come', () => {
      slow.write(part.subarray(sent, ++sent));
      return sent === part.length;
    });
    around.nowMs = startMs + limits.rtsp.handshakeMs - 1;
    sweep();
    assert.equal(around.log.length, 0);
    around.nowMs++;
    sweep();
    await until('it is closed', () => closed.length === 1);
    const [line] = around.log;
    assert.equal(line!.fields['reason'], 'handshake_timeout');
    assert.equal(line!.fields['detail'], 'during the TLS handshake');
  });

  test('once the handshake is done its deadline is of no account', async (t) => {
    const around = encrypted();
    const { port, closed, sweep } = await listen(t, around);
    const secure = await openTls(t, port);
    await ask(secure, 'OPTIONS *');
    around.nowMs += limits.rtsp.handshakeMs + 1;
    sweep();
    await turn();
    assert.equal(closed.length, 0);
    assert.match(await ask(secure, 'OPTIONS *'), /^RTSP\/1\.0 200 /);
  });

  const failures: [string, string, RegExp, (t: Test, port: number) => unknown][] = [
    [
      'TLS 1.1',
      'tls_handshake_failed',
      /TLS 1\.2/,
      (t, port) => openTls(t, port, { minVersion: 'TLSv1.1', maxVersion: 'TLSv1.1', ciphers: 'DEFAULT@SECLEVEL=0' }),
    ],
    [
      'garbage behind the first byte',
      'tls_handshake_failed',
      /not TLS/,
      (_, port) => connect(port, '127.0.0.1').end(Buffer.concat([Buffer.of(0x16), Buffer.alloc(50, 0xee)])),
    ],
    [
      'a peer that goes in the middle of the handshake',
      'peer_closed',
      /during the TLS handshake/,
      (_, port) => connect(port, '127.0.0.1').end(hello),
    ],
    ['a client that leaves in order', 'peer_closed', /^$/, async (t, port) => (await openTls(t, port)).end()],
    [
      'a client that is killed',
      'peer_closed',
      /^(ECONNRESET)?$/,
      async (t, port) => {
        const below = connect(port, '127.0.0.1');
        const socket = await openTls(t, port, { socket: below });
        await ask(socket, 'OPTIONS *');
        below.resetAndDestroy();
      },
    ],
  ];
  for (const [name, reason, detail, attempt] of failures) {
    test(`${name} ends with one reason`, async (t) => {
      const around = encrypted();
      const { port, closed } = await listen(t, around);
      await attempt(t, port);
      await until('it is closed', () => closed.length === 1);
      await turn();
      assert.equal(around.log.length, 1, JSON.stringify(around.log));
      assert.equal(around.log[0]!.fields['reason'], reason);
      assert.match(String(around.log[0]!.fields['detail'] ?? ''), detail);
    });
  }

  test('while there is no certificate, TLS is refused', async () => {
    const around = new RtspSurroundings(null, new Tunnels(null), new ReaderTls(new TlsMaterialBoard().memory));
    const { socket } = new FakeSocket();
    let closed = 0;
    new RtspConnection(around.context, socket, { id: 's1', address: '192.0.2.9', port: 1 }, () => closed++);
    socket.push(hello);
    await until('it is closed', () => closed === 1);
    assert.deepEqual(
      around.log.map(({ fields }) => fields['reason']),
      ['rtsps_off'],
    );
  });
});

describe('a certificate that cannot be used', { timeout }, () => {
  test('ends the connection, not the thread', async (t) => {
    const broken = new TlsMaterialBoard();
    broken.publish({ form: 'pem', certificate: Buffer.from('no PEM'), key: Buffer.from('no PEM'), passphrase: '' });
    const around = new RtspSurroundings(null, new Tunnels(null), new ReaderTls(broken.memory));
    const { port, closed } = await listen(t, around);
    await openTls(t, port);
    await until('it is closed', () => closed.length === 1);
    const reasons = around.log.map(({ fields }) => fields['reason']).filter((reason) => reason !== undefined);
    assert.deepEqual(reasons, ['internal']);
    const plain = connect(port, '127.0.0.1');
    t.after(() => plain.destroy());
    assert.match(await ask(plain, 'OPTIONS *'), /^RTSP\/1\.0 200 /);
  });
});

describe('RTSP over HTTPS', { timeout }, () => {
  test('GET and POST are joined; the answers come encrypted on the GET', async (t) => {
    const around = encrypted();
    const { port } = await listen(t, around);
    const [get, post] = [await openTls(t, port), await openTls(t, port)];
    let answer = '';
    get.on('data', (bytes: Buffer) => {
      answer += bytes;
    });
    get.write('GET /stream1 HTTP/1.0\r\nx-sessioncookie: abc\r\n\r\n');
    await until('the GET is answered', () => answer.includes('\r\n\r\n'));
    assert.match(answer, /^HTTP\/1\.0 200 OK\r\n/);
    answer = '';
    const url = `rtsps://h:${port}/stream1`;
    const requests = [`DESCRIBE ${url}`, `SETUP ${url}/trackID=0`]
      .map((line) => `${line} RTSP/1.0\r\nCSeq: 1\r\nTransport: ${udp},${tcp}\r\n\r\n`)
      .join('');
    post.write('POST /stream1 HTTP/1.0\r\nx-sessioncookie: abc\r\nContent-Length: 32767\r\n\r\n');
    const encoded = Buffer.from(requests).toString('base64');
    for (let at = 0; at < encoded.length; at += 50) post.write(encoded.slice(at, at + 50));
    await until('both are answered', () => /Session: /.test(answer));
    assert.deepEqual(answer.match(/RTSP\/1\.0 \d+/g), Array(2).fill('RTSP/1.0 200'));
    assert.match(answer, /Transport: RTP\/AVP\/TCP/);
  });
});
