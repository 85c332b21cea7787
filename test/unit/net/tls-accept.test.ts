import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { connect, createServer, type Server, type Socket } from 'node:net';
import { duplexPair } from 'node:stream';
import { after, before, describe, test } from 'node:test';
import { type ConnectionOptions, type TLSSocket, connect as tlsConnect } from 'node:tls';
import type { ConnectionError } from '../../../src/base/errors.ts';
import { acceptTls } from '../../../src/net/tls-accept.ts';
import { createServerContext } from '../../../src/net/tls-context.ts';
import { canAdoptHandle } from '../../../src/net/tls-socket.ts';
import { makeCertificate } from '../../support/certificates.ts';
import { temporaryFolder } from '../../support/media.ts';
import { until } from '../../support/program.ts';

const readBuffer = Buffer.allocUnsafeSlow(64 * 1024);
let context: ReturnType<typeof createServerContext>;
const folder = temporaryFolder({ after });

/** What the accepting side saw of one connection. */
class Accepted {
  readonly received: Buffer[] = [];
  readonly raw: Socket;
  tls: TLSSocket | null = null;
  secure = false;
  failure: ConnectionError | null = null;
  ended = false;
  closed = false;
  /** False pauses reading after each read. */
  flowing = true;
  sharedBuffer = true;
  /** Null lets it start a while later, as when others have their turn first; else it is kept here. */
  turn: { start: () => void } | null = null;

  constructor(raw: Socket, secureContext = () => context) {
    this.raw = raw;
    this.#watch(raw);
    acceptTls(raw, secureContext, readBuffer, {
      onHello: (start) => {
        if (this.turn === null) setImmediate(start);
        else this.turn.start = start;
      },
      onTls: (socket) => {
        this.tls = socket;
        this.#watch(socket);
      },
      onSecure: () => {
        this.secure = true;
      },
      onRead: (length, bytes) => {
        if (bytes !== readBuffer) this.sharedBuffer = false;
        this.received.push(Buffer.from(bytes.subarray(0, length)));
        return this.flowing;
      },
      onFailure: (error) => {
        this.failure ??= error as ConnectionError;
        (this.tls ?? this.raw).destroy();
      },
    });
  }

  get bytes(): Buffer {
    return Buffer.concat(this.received);
  }

  #watch(socket: Socket): void {
    socket.on('error', () => undefined);
    socket.on('end', () => {
      this.ended = true;
    });
    socket.on('close', () => {
      this.closed = true;
    });
  }
}

let server: Server;
const accepted: Accepted[] = [];

before(() => {
  const pem = makeCertificate(folder, 'server');
  context = createServerContext({
    form: 'pem',
    certificate: readFileSync(pem.cert),
    key: readFileSync(pem.key),
    passphrase: '',
  });
  server = createServer({ pauseOnConnect: true }, (socket) => accepted.push(new Accepted(socket)));
  return new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve);
  });
});

after(() => {
  server.close();
  for (const { raw, tls } of accepted) (tls ?? raw).destroy();
});

function port(): number {
  return (server.address() as { port: number }).port;
}

async function openRaw(t: { after(cleanup: () => void): void }): Promise<{ client: Socket; peer: Accepted }> {
  const count = accepted.length;
  const client = connect(port(), '127.0.0.1');
  client.on('error', () => undefined);
  t.after(() => client.destroy());
  await until('the connection is accepted', () => accepted.length > count);
  return { client, peer: accepted[count]! };
}

async function openTls(
  t: { after(cleanup: () => void): void },
  options: ConnectionOptions = {},
): Promise<{ client: TLSSocket; peer: Accepted }> {
  const count = accepted.length;
  const client = tlsConnect({ port: port(), host: '127.0.0.1', rejectUnauthorized: false, ...options });
  client.on('error', () => undefined);
  t.after(() => client.destroy());
  await new Promise((resolve) => client.once('secureConnect', resolve).once('close', resolve));
  await until('the connection is accepted', () => accepted.length > count);
  return { client, peer: accepted[count]! };
}

/** A TLS client whose ciphertext passes through the test: `forward` sends it on. */
async function openThrough(
  t: { after(cleanup: () => void): void },
  forward: (part: Buffer, client: Socket, peer: Accepted) => void,
): Promise<{ client: Socket; secure: TLSSocket; peer: Accepted }> {
  const { client, peer } = await openRaw(t);
  const [inner, outer] = duplexPair();
  const secure = tlsConnect({ socket: inner as Socket, rejectUnauthorized: false });
  secure.on('error', () => undefined);
  client.setNoDelay(true);
  outer.on('data', (part: Buffer) => forward(part, client, peer));
  client.on('data', (part: Buffer) => outer.write(part));
  await once(secure, 'secureConnect');
  return { client, secure, peer };
}

describe('TLS on a socket that is read through the shared buffer', () => {
  test('this Node release lets a TLS socket adopt a handle', () => assert.ok(canAdoptHandle));

  for (const version of ['TLSv1.2', 'TLSv1.3'] as const) {
    test(`${version}: bytes arrive whole and in order, both ways, without a data event`, async (t) => {
      const { client, peer } = await openTls(t, { minVersion: version, maxVersion: version });
      assert.equal(client.getProtocol(), version);
      const sent = randomBytes(1_000_000);
      client.write(sent);
      await until('all is received', () => peer.bytes.length >= sent.length);
      assert.ok(peer.bytes.equals(sent));
      assert.ok(peer.secure && peer.sharedBuffer);
      assert.equal(peer.tls?.listenerCount('data'), 0);
      assert.equal(peer.tls?.remoteAddress, '127.0.0.1');
      const answer = randomBytes(300_000);
      const parts: Buffer[] = [];
      client.on('data', (part: Buffer) => parts.push(part));
      peer.tls?.write(answer);
      await until('the answer is received', () => Buffer.concat(parts).length >= answer.length);
      assert.ok(Buffer.concat(parts).equals(answer));
      client.end();
      await until('the connection is closed', () => peer.closed);
      assert.ok(peer.ended);
      assert.equal(peer.failure, null);
    });
  }

  test('a first flight that comes byte by byte', async (t) => {
    const bytes: number[] = [];
    let sender: NodeJS.Timeout | null = null;
    const { secure, peer } = await openThrough(t, (part, client) => {
      bytes.push(...part);
      sender ??= setInterval(() => bytes.length > 0 && client.write(Buffer.of(bytes.shift()!)), 0);
    });
    t.after(() => clearInterval(sender ?? undefined));
    secure.write('hello');
    await until('the text is received', () => peer.bytes.length > 0);
    assert.equal(peer.bytes.toString(), 'hello');
  });

  test('a first flight of which the rest comes while it waits for its turn', async (t) => {
    let isFirst = true;
    const waits = () => assert.fail('it has not said anything yet');
    const { secure, peer } = await openThrough(t, async (part, client, peer) => {
      if (!isFirst) {
        client.write(part);
        return;
      }
      isFirst = false;
      const turn = { start: waits as () => void };
      peer.turn = turn;
      client.write(part.subarray(0, 200));
      await until('it waits for its turn', () => turn.start !== waits);
      client.write(part.subarray(200));
      await until('the rest is here', () => peer.raw.readableLength === part.length - 200);
      turn.start();
    });
    secure.write('hello');
    await until('the text is received', () => peer.bytes.length > 0);
    assert.equal(peer.bytes.toString(), 'hello');
    assert.ok(peer.sharedBuffer);
  });

  test('reading can be paused and goes on without a loss; what had arrived still comes', async (t) => {
    const { client, peer } = await openTls(t);
    peer.flowing = false;
    const sent = randomBytes(800_000);
    client.write(sent);
    await until('something is received', () => peer.received.length > 0);
    while (peer.bytes.length < sent.length) {
      const before = peer.bytes.length;
      assert.ok(before < sent.length);
      peer.tls?.resume();
      await until('more is received', () => peer.bytes.length > before);
      // One turn of the loop reads no more than Node's own buffer for it.
      assert.ok(peer.bytes.length - before <= 128 * 1024, `${peer.bytes.length - before} bytes in one go`);
    }
    assert.ok(peer.bytes.equals(sent));
  });

  test('a peer that closes before it says anything, or in the middle of the handshake', async (t) => {
    for (const said of [Buffer.alloc(0), Buffer.from([0x16, 3, 1])]) {
      const { client, peer } = await openRaw(t);
      client.end(said);
      await until('the connection is closed', () => peer.closed);
      assert.ok(peer.ended && !peer.secure);
      assert.equal(peer.failure, null);
    }
  });

  test('a peer that says the rest and leaves while it waits for its turn', async (t) => {
    const { client, peer } = await openRaw(t);
    const turn: { start: (() => void) | null } = { start: null };
    peer.turn = turn as { start: () => void };
    client.write(Buffer.from([0x16, 3, 1]));
    await until('it waits for its turn', () => turn.start !== null);
    client.end(Buffer.from([0, 10]));
    await until('the rest is here', () => peer.raw.readableLength === 2);
    turn.start!();
    await until('the connection is closed', () => peer.closed);
    assert.ok(peer.ended && !peer.secure);
    assert.equal(peer.failure, null);
  });

  test('without a handle to take, the bytes come by data events', async (t) => {
    const [near, far] = duplexPair();
    const peer = new Accepted(near as Socket);
    const client = tlsConnect({ socket: far as Socket, rejectUnauthorized: false });
    t.after(() => client.destroy());
    await once(client, 'secureConnect');
    const sent = randomBytes(200_000);
    client.write(sent);
    await until('all is received', () => peer.bytes.length >= sent.length);
    assert.ok(peer.bytes.equals(sent));
    assert.ok(!peer.sharedBuffer);
  });

  test('the same when the first flight comes in two parts', async (t) => {
    const [near, far] = duplexPair();
    const [inner, outer] = duplexPair();
    const peer = new Accepted(near as Socket);
    const turn = { start: () => {} };
    peer.turn = turn;
    const client = tlsConnect({ socket: inner as Socket, rejectUnauthorized: false });
    t.after(() => client.destroy());
    const [hello] = (await once(outer, 'data')) as [Buffer];
    outer.on('data', (part: Buffer) => far.write(part));
    far.on('data', (part: Buffer) => outer.write(part));
    const { start } = turn;
    far.write(hello.subarray(0, 200));
    await until('it waits for its turn', () => turn.start !== start);
    far.write(hello.subarray(200));
    await until('the rest is here', () => near.readableLength === hello.length - 200);
    turn.start();
    await once(client, 'secureConnect');
    assert.ok(peer.secure);
  });

  test('the context is asked for at each connection, so that a new certificate is seen', async (t) => {
    const pem = makeCertificate(folder, 'next');
    const next = createServerContext({
      form: 'pem',
      certificate: readFileSync(pem.cert),
      key: readFileSync(pem.key),
      passphrase: '',
    });
    const old = context;
    const { client: before } = await openTls(t);
    context = next;
    t.after(() => {
      context = old;
    });
    const { client: later } = await openTls(t);
    assert.notEqual(before.getPeerCertificate().fingerprint256, later.getPeerCertificate().fingerprint256);
  });
});

describe('H5, H7: what is not TLS is told apart', () => {
  const cases: [string, Buffer, string, RegExp][] = [
    ['plain RTMP', Buffer.concat([Buffer.of(3), Buffer.alloc(1536)]), 'not_tls_rtmp', /rtmps:\/\//],
    ['RTMP whose time looks like a TLS version', Buffer.from([3, 3, 3, 0, 0, 0, 0, 0, 0]), 'not_tls_rtmp', /rtmps/],
    ['a web browser', Buffer.from('GET / HTTP/1.1\r\n\r\n'), 'not_tls', /HTTP/],
    ['a PROXY protocol header', Buffer.from('PROXY TCP4 1.2.3.4 5.6.7.8 1 2\r\n'), 'not_tls', /PROXY/],
    ['RTMPE', Buffer.concat([Buffer.of(6), Buffer.alloc(1536)]), 'not_tls', /RTMPE/],
    ['garbage', Buffer.from('deadbeef0102030405', 'hex'), 'not_tls', /deadbeef/],
  ];
  for (const [name, bytes, code, words] of cases) {
    test(name, async (t) => {
      const { client, peer } = await openRaw(t);
      client.write(bytes);
      await until('it is refused', () => peer.failure !== null);
      assert.equal(peer.failure?.code, code);
      assert.match(peer.failure?.message ?? '', words);
      assert.equal(peer.tls, null, 'no TLS was set up');
    });
  }

  test('a word that may still become something is waited for', async (t) => {
    const { client, peer } = await openRaw(t);
    client.setNoDelay(true);
    for (const letter of 'OPTION') {
      client.write(letter);
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
    assert.equal(peer.failure, null);
    client.write('S ');
    await until('it is refused', () => peer.closed);
    assert.equal((peer.failure as ConnectionError | null)?.code, 'not_tls');
  });
});

describe('H7: a handshake that fails ends that connection only, with a reason', () => {
  const cases: [string, ConnectionOptions, RegExp][] = [
    [
      'TLS 1.1',
      { minVersion: 'TLSv1.1', maxVersion: 'TLSv1.1', ciphers: 'DEFAULT@SECLEVEL=0' },
      /TLS 1\.2 or newer \(unsupported protocol\)/,
    ],
    ['no cipher in common', { maxVersion: 'TLSv1.2', ciphers: 'ECDHE-RSA-AES128-GCM-SHA256' }, /no cipher in common/],
  ];
  for (const [name, options, words] of cases) {
    test(name, async (t) => {
      const { peer } = await openTls(t, options);
      await until('it has failed', () => peer.failure !== null);
      assert.equal(peer.failure?.code, 'tls_handshake_failed');
      assert.match(peer.failure?.detail ?? '', words);
      await until('the connection is closed', () => peer.closed);
    });
  }

  test('garbage behind a first byte that is right', async (t) => {
    for (const bytes of [Buffer.concat([Buffer.of(0x16), Buffer.alloc(500, 0x55)]), Buffer.alloc(500, 0x16)]) {
      const { client, peer } = await openRaw(t);
      client.write(bytes);
      await until('it has failed', () => peer.failure !== null);
      assert.equal(peer.failure?.code, 'tls_handshake_failed');
    }
  });

  test('a client that does not trust the certificate', async (t) => {
    const { client, peer } = await openTls(t, { rejectUnauthorized: true, maxVersion: 'TLSv1.2' });
    await until('the client gives up', () => client.destroyed);
    await until('the connection is closed', () => peer.closed);
    assert.ok(peer.bytes.length === 0);
  });

  test('a renegotiation is refused', async (t) => {
    const { client, peer } = await openTls(t, { maxVersion: 'TLSv1.2' });
    await until('both sides are secure', () => peer.secure);
    const finished = peer.tls?.getFinished();
    const outcome = await new Promise((resolve) => {
      client.on('error', resolve);
      client.renegotiate({ rejectUnauthorized: false }, (error) => resolve(error ?? 'done'));
    });
    assert.match(String(outcome), /no renegotiation/);
    assert.deepEqual(peer.tls?.getFinished(), finished, 'it was not done');
    await until('the connection has failed', () => peer.failure !== null);
    assert.equal(peer.failure?.code, 'tls_failed');
  });

  test('garbage after the handshake breaks the connection', async (t) => {
    const { client, peer } = await openThrough(t, (part, client) => client.write(part));
    await until('both sides are secure', () => peer.secure);
    client.write(Buffer.concat([Buffer.from([0x17, 3, 3, 0, 64]), Buffer.alloc(64, 9)]));
    await until('it has failed', () => peer.failure !== null);
    assert.equal(peer.failure?.code, 'tls_failed');
    assert.match(peer.failure?.detail ?? '', /changed on the way/);
  });

  test('a context that cannot be had is passed on, not thrown', async (t) => {
    const wanted = new Error('no certificate');
    const failing = createServer({ pauseOnConnect: true });
    failing.listen(0, '127.0.0.1');
    await once(failing, 'listening');
    t.after(() => failing.close());
    const client = connect((failing.address() as { port: number }).port, '127.0.0.1');
    t.after(() => client.destroy());
    const [socket] = (await once(failing, 'connection')) as [Socket];
    const peer = new Accepted(socket, () => {
      throw wanted;
    });
    client.write(Buffer.from([0x16, 3, 1, 0, 10]));
    await until('it is refused', () => peer.failure !== null);
    assert.equal(peer.failure, wanted);
  });
});
