import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect, createServer, type Socket } from 'node:net';
import { after, describe, it } from 'node:test';
import { DirectWriter } from '../../../src/net/direct-writer.ts';
import { InterleavedTransport } from '../../../src/net/rtp-interleaved.ts';
import { PacketBatch } from '../../../src/rtp/packet-batch.ts';

const server = createServer({ pauseOnConnect: true });
server.listen(0, '127.0.0.1');
await once(server, 'listening');
after(() => server.close());

/** Both ends of a connection; `theirs` does not read yet. */
async function pair(): Promise<{ ours: Socket; theirs: Socket }> {
  const theirs = connect((server.address() as { port: number }).port, '127.0.0.1').pause();
  const [ours] = (await once(server, 'connection')) as [Socket];
  return { ours, theirs };
}

/** All that comes until the end. */
async function readAll(socket: Socket): Promise<Buffer> {
  const parts: Buffer[] = [];
  for await (const part of socket) parts.push(part as Buffer);
  return Buffer.concat(parts);
}

/** A buffer of 64 KiB that begins with its number. */
function numbered(number: number): Buffer {
  const buffer = Buffer.alloc(65_536, number & 0xff);
  buffer.writeUInt32BE(number, 0);
  return buffer;
}

describe('DirectWriter', () => {
  it('is there: this Node release has the handle that it needs', async () => {
    const { ours, theirs } = await pair();
    assert.notEqual(
      DirectWriter.open(ours, () => undefined),
      null,
    );
    ours.destroy();
    theirs.destroy();
  });

  it('says when the kernel takes no more, then when it has all, and keeps the order', async () => {
    const { ours, theirs } = await pair();
    const flushed = Promise.withResolvers<void>();
    const writer = DirectWriter.open(ours, flushed.resolve)!;
    const sent: Buffer[] = [];
    do sent.push(numbered(sent.length));
    while (writer.write(sent.at(-1)!));
    const received = readAll(theirs);
    await flushed.promise;
    ours.end();
    assert.ok((await received).equals(Buffer.concat(sent)));
  });

  it('an end of the stream leaves time for what still waits', async () => {
    const { ours, theirs } = await pair();
    const writer = DirectWriter.open(ours, () => undefined)!;
    const sent: Buffer[] = [];
    do sent.push(numbered(sent.length));
    while (writer.write(sent.at(-1)!));
    const last = Buffer.from('written to the stream');
    ours.write(last);
    ours.destroySoon();
    assert.ok((await readAll(theirs)).equals(Buffer.concat([...sent, last])));
  });

  it('a peer that has gone is an error of the socket, once', async () => {
    const { ours, theirs } = await pair();
    const flushes: string[] = [];
    const writer = DirectWriter.open(ours, () => flushes.push('flushed'))!;
    const errors: (string | undefined)[] = [];
    ours.on('error', (error: NodeJS.ErrnoException) => errors.push(error.code));
    const closed = new Promise((resolve) => ours.on('close', resolve));
    while (writer.write(numbered(0)));
    theirs.resetAndDestroy();
    await closed;
    assert.equal(errors.length, 1);
    assert.match(errors[0]!, /^(ECONNRESET|EPIPE)$/);
    // What is written to a socket that is closed goes nowhere.
    assert.equal(writer.write(numbered(1)), true);
    assert.deepEqual(flushes, []);
  });

  it('a socket that is destroyed while bytes wait is told of no flush', async () => {
    const { ours, theirs } = await pair();
    const writer = DirectWriter.open(ours, () => assert.fail('nothing was flushed'))!;
    while (writer.write(numbered(0)));
    ours.destroy();
    await once(ours, 'close');
    theirs.destroy();
  });
});

describe('InterleavedTransport', () => {
  it('is not ready while the stream holds something back, and sends behind that', async () => {
    const { ours, theirs } = await pair();
    const ready = Promise.withResolvers<void>();
    const transport = new InterleavedTransport(ours, [0, 1], { onReady: ready.resolve, onLost: () => undefined });
    const answers = Array.from({ length: 200 }, (_, number) => numbered(number));
    for (const answer of answers) {
      ours.write(answer);
      transport.streamWritten();
    }
    assert.equal(transport.ready(), false);
    assert.ok(transport.pendingBytes() > 0);
    const received = readAll(theirs);
    await ready.promise;
    assert.equal(transport.ready(), true);
    assert.equal(transport.pendingBytes(), 0);
    const batch = new PacketBatch();
    batch.reserve(5, 1);
    batch.length = batch.buffer.write('video');
    transport.sendPackets(batch);
    ours.end();
    assert.ok((await received).equals(Buffer.concat([...answers, Buffer.from('video')])));
  });

  it('keeps the bytes of a full connection from the next batch, and counts them until they are gone', async () => {
    const { ours, theirs } = await pair();
    const ready = Promise.withResolvers<void>();
    const transport = new InterleavedTransport(ours, [0, 1], { onReady: ready.resolve, onLost: () => undefined });
    const batch = new PacketBatch();
    let sent = 0;
    while (transport.ready()) {
      batch.reset();
      batch.reserve(65_536, 1);
      numbered(sent++).copy(batch.buffer);
      batch.length = 65_536;
      transport.sendPackets(batch);
    }
    const pending = transport.pendingBytes();
    assert.ok(pending > 0 && pending <= 65_536);
    batch.buffer.fill(0xff);
    const received = readAll(theirs);
    await ready.promise;
    assert.equal(transport.pendingBytes(), 0);
    ours.end();
    const all = await received;
    assert.ok(all.equals(Buffer.concat(Array.from({ length: sent }, (_, number) => numbered(number)))));
  });
});
