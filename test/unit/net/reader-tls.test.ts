import assert from 'node:assert/strict';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { connect, createServer, type Server, type Socket } from 'node:net';
import { after, before, describe, test } from 'node:test';
import { type TLSSocket, connect as tlsConnect } from 'node:tls';
import type { ConnectionError } from '../../../src/base/errors.ts';
import { ReaderTls } from '../../../src/net/reader-tls.ts';
import { InterleavedTransport } from '../../../src/net/rtp-interleaved.ts';
import { TlsMaterialBoard } from '../../../src/net/tls-material.ts';
import { PacketBatch } from '../../../src/rtp/packet-batch.ts';
import { fingerprintOf, makeCertificate, type PemFiles } from '../../support/certificates.ts';
import { temporaryFolder } from '../../support/media.ts';
import { until } from '../../support/program.ts';

const folder = temporaryFolder({ after });
const board = new TlsMaterialBoard();
const tls = new ReaderTls(board.memory);
const timeout = 20_000;

function putUp(pem: PemFiles): void {
  board.publish({ form: 'pem', certificate: readFileSync(pem.cert), key: readFileSync(pem.key), passphrase: '' });
}

/** The server's side of one connection. */
class Accepted {
  readonly received: Buffer[] = [];
  readonly failures: ConnectionError[] = [];
  socket: Socket;
  secure = 0;
  closed = false;

  constructor(bare: Socket) {
    this.socket = bare;
    bare.on('error', () => undefined);
    bare.once('data', (head: Buffer) => {
      bare.pause();
      this.socket = tls.start(bare, head, {
        onSecure: () => this.secure++,
        onData: (bytes) => this.received.push(bytes),
        onFailure: (failure) => this.failures.push(failure),
      });
      this.socket.on('error', () => undefined);
      this.socket.on('close', () => {
        this.closed = true;
      });
    });
    bare.resume();
  }
}

let server: Server;
const accepted: Accepted[] = [];

before(async () => {
  putUp(makeCertificate(folder, 'first'));
  server = createServer({ pauseOnConnect: true }, (socket) => accepted.push(new Accepted(socket)));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
});

after(() => {
  server.close();
  for (const { socket } of accepted) socket.destroy();
});

const port = () => (server.address() as { port: number }).port;

async function open(t: { after(cleanup: () => void): void }): Promise<{ client: TLSSocket; peer: Accepted }> {
  const client = tlsConnect({ port: port(), host: '127.0.0.1', rejectUnauthorized: false });
  client.on('error', () => undefined);
  t.after(() => client.destroy());
  await once(client, 'secureConnect');
  const peer = accepted.at(-1)!;
  await until('the server is secure', () => peer.secure === 1);
  return { client, peer };
}

/** Fills the batch with `bytes` of a pattern that begins with `seed`. */
function fill(batch: PacketBatch, bytes: number, seed: number): void {
  batch.reset();
  batch.reserve(bytes, 1);
  batch.buffer.fill(pattern(bytes, seed), 0, bytes);
  batch.length = bytes;
  batch.count = 1;
}

function pattern(bytes: number, seed: number): Buffer {
  return Buffer.from(Uint8Array.from({ length: Math.min(bytes, 251) }, (_, i) => (i * 7 + seed) & 0xff));
}

function patterned(bytes: number, seed: number): Buffer {
  return Buffer.alloc(bytes, pattern(bytes, seed));
}

describe('TLS of readers', { timeout }, () => {
  test('what is received stays as it is when more comes on this and on other connections', async (t) => {
    const [one, other] = [await open(t), await open(t)];
    for (let i = 0; i < 50; i++) {
      one.client.write(`one ${i};`);
      other.client.write(`other ${i};`);
    }
    await until('all is there', () => [one, other].every(({ peer }) => Buffer.concat(peer.received).includes(' 49;')));
    const expected = (name: string) => Array.from({ length: 50 }, (_, i) => `${name} ${i};`).join('');
    assert.equal(Buffer.concat(one.peer.received).toString(), expected('one'));
    assert.equal(Buffer.concat(other.peer.received).toString(), expected('other'));
  });

  test('each connection gets the certificate that is in force when it begins', async (t) => {
    const { client } = await open(t);
    const second = makeCertificate(folder, 'second');
    putUp(second);
    const later = await open(t);
    assert.equal(later.client.getPeerCertificate().fingerprint256, fingerprintOf(second.cert));
    assert.notEqual(client.getPeerCertificate().fingerprint256, fingerprintOf(second.cert));
    client.write('still here');
    await until('the earlier one goes on', () => Buffer.concat(accepted.at(-2)!.received).includes('still here'));
  });

  test('a handshake that fails is told once, with the reason, and closes the connection', async (t) => {
    const client = connect(port(), '127.0.0.1');
    client.on('error', () => undefined);
    t.after(() => client.destroy());
    client.write(Buffer.concat([Buffer.of(0x16), Buffer.alloc(50, 0xee)]));
    await once(client, 'close');
    const peer = accepted.at(-1)!;
    await until('it is closed', () => peer.closed);
    assert.deepEqual(
      peer.failures.map(({ code }) => code),
      ['tls_handshake_failed'],
    );
    assert.equal(peer.secure, 0);
  });
});

describe('media inside TLS', { timeout }, () => {
  test('packets arrive as they were though the batch is filled again at once', async (t) => {
    const { client, peer } = await open(t);
    const batch = new PacketBatch();
    let ready = 0;
    const transport = new InterleavedTransport(peer.socket, [0, 1], { onReady: () => ready++, onLost: assert.fail });
    const received: Buffer[] = [];
    client.on('data', (bytes: Buffer) => received.push(bytes));
    const sizes = [100, 16_384, 65_000, 300_000, 1, 2_000_000, 5000];
    for (const [seed, size] of sizes.entries()) {
      await until('the transport takes more', () => transport.ready());
      fill(batch, size, seed);
      transport.sendPackets(batch);
      // The next access unit of another reader is built in the same batch.
      fill(batch, 70_000, 255);
    }
    const total = sizes.reduce((sum, size) => sum + size, 0);
    await until('all has arrived', () => received.reduce((sum, { length }) => sum + length, 0) >= total);
    const expected = Buffer.concat(sizes.map((size, seed) => patterned(size, seed)));
    assert.ok(Buffer.concat(received).equals(expected));
    await until('the transport has nothing left', () => transport.pendingBytes() === 0);
    assert.ok(ready > 0);
  });

  test('a peer that reads nothing is seen to make no progress, one that reads slowly is', async (t) => {
    const { client, peer } = await open(t);
    const batch = new PacketBatch();
    const transport = new InterleavedTransport(peer.socket, [0, 1], { onReady: () => undefined, onLost: assert.fail });
    client.pause();
    // More than the kernel's buffers of both sides hold.
    const bytes = 16 * 1024 * 1024;
    fill(batch, bytes, 1);
    transport.sendPackets(batch);
    assert.equal(transport.ready(), false);
    let before = 0;
    await until('the kernel is full', () => {
      const now = transport.pendingBytes();
      const same = now === before;
      before = now;
      return same;
    });
    assert.ok(before > 0);
    let taken = 0;
    let portion = 0;
    client.on('data', ({ length }: Buffer) => {
      taken += length;
      portion -= length;
      if (portion <= 0) client.pause();
    });
    const steps = new Set<number>();
    await until('it has all', () => {
      steps.add(transport.pendingBytes());
      portion = 256 * 1024;
      client.resume();
      return taken >= bytes;
    });
    assert.ok(steps.size > 5, String([...steps]));
    await until('nothing is left', () => transport.pendingBytes() === 0);
  });

  test('this Node release tells what waits below TLS', async (t) => {
    const { peer } = await open(t);
    const handle = (peer.socket as unknown as { _handle: { _parent?: { writeQueueSize?: number } } })._handle;
    assert.equal(typeof handle._parent?.writeQueueSize, 'number');
  });
});
