import assert from 'node:assert/strict';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { createServer } from 'node:https';
import { createServer as createTcpServer } from 'node:net';
import { describe, test } from 'node:test';
import { callHttp, type HttpCall } from '../../../src/net/http-call.ts';
import { makeCertificate } from '../../support/certificates.ts';
import { temporaryFolder } from '../../support/media.ts';
import { OtherServer } from '../../support/publish-auth-server.ts';

const usual = { method: 'GET', timeoutMs: 10_000, maximumBytes: 1000 } as const;

describe('a call of another HTTP server', () => {
  test('brings status and body, and sends what it is given', async (t) => {
    const other = await OtherServer.start(t);
    other.answer = (response) => response.writeHead(404).end('nö');
    const call: HttpCall = { ...usual, url: other.url, method: 'POST', body: '{"ä":1}', headers: { 'X-More': 'yes' } };
    assert.deepEqual(await callHttp(call), { status: 404, body: 'nö' });
    assert.deepEqual([other.requests[0]!.body, other.requests[0]!.headers['x-more']], ['{"ä":1}', 'yes']);
    assert.equal(other.requests[0]!.headers['content-length'], '8');
  });

  test('follows no redirection', async (t) => {
    const other = await OtherServer.start(t);
    other.answer = (response) => response.writeHead(302, { Location: other.url }).end();
    assert.equal((await callHttp({ ...usual, url: other.url })).status, 302);
    assert.equal(other.requests.length, 1);
  });

  test('takes no answer that is too long, however it comes', async (t) => {
    const other = await OtherServer.start(t);
    other.answer = (response) => response.writeHead(200).end('x'.repeat(1001));
    await assert.rejects(callHttp({ ...usual, url: other.url }), /longer than 1000 bytes/);
    other.answer = (response) => response.writeHead(200).end('x'.repeat(1000));
    assert.equal((await callHttp({ ...usual, url: other.url })).body.length, 1000);
  });

  test('ends with its time, whether nothing came or the answer goes on for ever', async (t) => {
    const other = await OtherServer.start(t);
    other.answer = () => {};
    await assert.rejects(callHttp({ ...usual, url: other.url, timeoutMs: 50 }), /no answer within 50 ms/);
    other.answer = (response) => {
      const drip = setInterval(() => response.write('x'), 10);
      response.on('close', () => clearInterval(drip));
    };
    await assert.rejects(callHttp({ ...usual, url: other.url, timeoutMs: 100 }));
  });

  test('takes another protocol in place of an answer for none', async (t) => {
    const server = createTcpServer((socket) => {
      socket.on('error', () => {});
      socket.once('data', () =>
        socket.write('HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n'),
      );
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    t.after(() => server.close());
    const { port } = server.address() as { port: number };
    await assert.rejects(callHttp({ ...usual, url: `http://127.0.0.1:${port}/` }), /another protocol/);
  });

  test('ends when nobody waits for it any more, and when there is no server', async (t) => {
    const other = await OtherServer.start(t);
    other.answer = () => {};
    const leaver = new AbortController();
    const called = callHttp({ ...usual, url: other.url, signal: leaver.signal });
    leaver.abort();
    await assert.rejects(called, /ABORT/i);
    const { url } = other;
    other.stop();
    await assert.rejects(callHttp({ ...usual, url }), /ECONNREFUSED|ECONNRESET/);
  });

  test('trusts no certificate that nobody vouches for', async (t) => {
    const { cert, key } = makeCertificate(temporaryFolder(t), 'other');
    const server = createServer({ cert: readFileSync(cert), key: readFileSync(key) }, (_, response) =>
      response.end('x'),
    );
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    t.after(() => server.close());
    const { port } = server.address() as { port: number };
    for (const scheme of ['https', 'HTTPS'])
      await assert.rejects(
        callHttp({ ...usual, url: `${scheme}://127.0.0.1:${port}/` }),
        /SELF_SIGNED|UNABLE_TO_VERIFY/,
      );
  });
});
