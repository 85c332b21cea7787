import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect, createServer, type Socket } from 'node:net';
import { test } from 'node:test';
import { type MessagePort, Worker } from 'node:worker_threads';
import { readIntoSharedBuffer } from '../../src/net/socket-handover.ts';

/** An echo server whose sockets are accepted here and served in another thread, through the shared read buffer. */
async function startEcho() {
  const worker = new Worker(new URL('../support/echo-worker.ts', import.meta.url));
  const server = createServer({ pauseOnConnect: true }, (socket) => {
    worker.postMessage({ socket }, [socket as unknown as MessagePort]);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    port: (server.address() as { port: number }).port,
    worker,
    stop: async () => {
      server.close();
      await worker.terminate();
    },
  };
}

async function readAll(socket: Socket, length: number): Promise<Buffer> {
  const parts: Buffer[] = [];
  let total = 0;
  for await (const part of socket) {
    parts.push(part);
    total += part.length;
    if (total >= length) break;
  }
  return Buffer.concat(parts);
}

test('a transferred socket is read through the shared buffer, not through data events', async () => {
  const echo = await startEcho();
  const client = connect(echo.port, '127.0.0.1');
  client.write('hello');
  const [report] = (await once(echo.worker, 'message')) as [{ shared: boolean; remoteAddress: string }];
  assert.equal(report.shared, true, 'this Node release has no handle to take: readIntoSharedBuffer fell back');
  assert.equal(report.remoteAddress, '127.0.0.1');
  assert.equal((await readAll(client, 5)).toString(), 'hello');
  client.destroy();
  await echo.stop();
});

test('data does not pass through the stream; its end and its errors do', async () => {
  const echo = await startEcho();
  for (const ending of ['end', 'ECONNRESET']) {
    const client = connect(echo.port, '127.0.0.1');
    await once(echo.worker, 'message');
    client.write('hello');
    assert.equal((await once(client, 'data')).toString(), 'hello');
    if (ending === 'end') client.end();
    else client.resetAndDestroy();
    const [{ ended, pastStream }] = (await once(echo.worker, 'message')) as [{ ended: string; pastStream?: boolean }];
    assert.equal(ended, ending);
    if (ending === 'end') assert.equal(pastStream, true, 'this Node release reads through the stream: it is slower');
  }
  await echo.stop();
});

test('bytes that arrive before the hand-over, and while reading is paused, are not lost', async () => {
  const echo = await startEcho();
  const client = connect(echo.port, '127.0.0.1');
  const sent = Buffer.alloc(3_000_000, 'abcdefghij');
  client.write(sent);
  const received = await readAll(client, sent.length);
  assert.equal(received.length, sent.length);
  assert.ok(received.equals(sent));
  client.destroy();
  await echo.stop();
});

test('many sockets share one read buffer without mixing their bytes', async () => {
  const echo = await startEcho();
  const clients = Array.from({ length: 50 }, (_, i) => ({
    socket: connect(echo.port, '127.0.0.1'),
    sent: Buffer.alloc(100_000, i + 1),
  }));
  for (const { socket, sent } of clients) socket.write(sent);
  await Promise.all(
    clients.map(async ({ socket, sent }) => {
      assert.ok((await readAll(socket, sent.length)).equals(sent));
      socket.destroy();
    }),
  );
  await echo.stop();
});

test('a socket with a full buffer lets the others read before it goes on', async () => {
  const accepted: Socket[] = [];
  const server = createServer({ pauseOnConnect: true }, (socket) => accepted.push(socket));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const clients: Socket[] = [];
  for (const bytes of [40_000, 100]) {
    const client = connect((server.address() as { port: number }).port, '127.0.0.1');
    clients.push(client);
    await new Promise<unknown>((resolve) => client.write(Buffer.alloc(bytes), resolve));
    while (accepted.length < clients.length) await once(server, 'connection');
  }
  const buffer = Buffer.allocUnsafeSlow(1000);
  const reads: number[] = [];
  let total = 0;
  await new Promise<void>((resolve) => {
    for (const [index, socket] of accepted.entries())
      readIntoSharedBuffer(socket, buffer, {
        onRead(length) {
          reads.push(index);
          total += length;
          if (total === 40_100) resolve();
          return true;
        },
      });
  });
  assert.ok(reads.indexOf(1) <= 1, `the small one came after ${reads.indexOf(1)} reads of the other`);
  assert.equal(reads.length, 41);
  for (const client of clients) client.destroy();
  server.close();
});

test('a socket that is paused or destroyed while others read is not read on', async () => {
  const accepted: Socket[] = [];
  const server = createServer({ pauseOnConnect: true }, (socket) => accepted.push(socket));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as { port: number };
  const buffer = Buffer.allocUnsafeSlow(1000);
  for (const stop of ['pause', 'destroy'] as const) {
    const client = connect(port, '127.0.0.1');
    // Closing on a peer whose bytes were not read resets its connection.
    client.on('error', () => undefined);
    await new Promise<unknown>((resolve) => client.write(Buffer.alloc(5000), resolve));
    while (accepted.length === 0) await once(server, 'connection');
    let reads = 0;
    let socket: Socket | null = null;
    const begun = new Promise<void>((resolve) => {
      socket = readIntoSharedBuffer(accepted.pop()!, buffer, {
        onRead() {
          reads++;
          // In the same turn, after the read has come to its end.
          process.nextTick(() => {
            socket![stop]();
            resolve();
          });
          return true;
        },
      });
    });
    await begun;
    for (let turn = 0; turn < 5; turn++) await new Promise((resolve) => setImmediate(resolve));
    assert.equal(reads, 1, stop);
    socket!.destroy();
    client.destroy();
  }
  server.close();
});
