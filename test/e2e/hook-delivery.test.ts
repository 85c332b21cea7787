import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { type AddressInfo, createServer as createTcpServer, type Socket } from 'node:net';
import { describe, type TestContext, test } from 'node:test';
import { limits } from '../../src/base/limits.ts';
import { judgeAnswer } from '../../src/hooks/outcome.ts';
import { createHookSender, type HookSender, type Sent } from '../../src/net/hook-delivery.ts';
import { until } from '../support/program.ts';

const timeout = 60_000;
/** Milliseconds until a sender waits no longer for what does not come: long enough, on a machine that stands still now and then, for what does. */
const answerMs = 4000;

function sender(t: TestContext, url: string, timeoutMs = 30_000): HookSender {
  const made = createHookSender({
    url,
    timeoutMs,
    ca: null,
    userAgent: 'test',
    judge: (answer) => judgeAnswer(answer, 0),
  });
  t.after(() => made.close(true));
  return made;
}

/** A server that answers as the test says; its URL, and the connections that came. */
async function serve(
  t: TestContext,
  answer: (request: IncomingMessage, response: ServerResponse) => void,
): Promise<{ url: string; connections: Set<Socket> }> {
  const connections = new Set<Socket>();
  const server = createServer(answer).on('connection', (socket) => connections.add(socket));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => {
    server.close();
    server.closeAllConnections();
  });
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/`, connections };
}

const result = ({ outcome }: Sent): string => `${outcome.result}: ${outcome.detail}`;

describe('one attempt at a target', () => {
  test('that does not answer in time is repeated', { timeout }, async (t) => {
    const { url } = await serve(t, () => undefined);
    assert.equal(result(await sender(t, url, 200).send('{}', {})), 'retry: no answer in time');
  });

  test('that speaks another protocol in place of an answer is repeated', { timeout }, async (t) => {
    const server = createTcpServer((socket) => {
      socket.on('error', () => {});
      socket.once('data', () =>
        socket.write('HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n'),
      );
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    t.after(() => server.close());
    const { port } = server.address() as AddressInfo;
    const sent = await sender(t, `http://127.0.0.1:${port}/`).send('{}', {});
    assert.equal(result(sent), 'retry: the target speaks another protocol');
  });

  test('at a port that cannot be is repeated, and ends nothing', async (t) => {
    assert.match(result(await sender(t, 'udp://127.0.0.1:0').send('text', {})), /^retry: /);
  });

  test('that answers and then hangs, or never ends, has answered', { timeout }, async (t) => {
    const hanging = await serve(t, (_request, response) => void response.writeHead(200).write('half'));
    const half = await sender(t, hanging.url, answerMs).send('{}', {});
    assert.deepEqual([result(half), half.answer], ['delivered: HTTP 200', 'half']);
    const endless = await serve(t, (_request, response) => {
      response.writeHead(200);
      const more = (): void => {
        while (!response.destroyed && response.write('x'.repeat(65_536)));
      };
      response.on('drain', more);
      more();
    });
    const cut = await sender(t, endless.url).send('{}', {});
    assert.deepEqual([result(cut), cut.answer.length], ['delivered: HTTP 200', limits.hooks.answerBytes]);
  });

  test('over a kept connection that the target has closed meanwhile is made again at once', { timeout }, async (t) => {
    let answered = 0;
    const { url, connections } = await serve(t, (request, response) => {
      request.resume();
      answered++;
      if (answered === 2) request.socket.destroy();
      else response.writeHead(204).end();
    });
    const made = sender(t, url);
    assert.equal(result(await made.send('{}', {})), 'delivered: HTTP 204');
    assert.equal(result(await made.send('{}', {})), 'delivered: HTTP 204');
    assert.deepEqual([answered, connections.size], [3, 2]);
  });

  test('keeps its length in bytes and its headers', { timeout }, async (t) => {
    const seen: string[] = [];
    const { url } = await serve(t, async (request, response) => {
      const body = Buffer.concat(await request.toArray()).toString();
      seen.push(`${request.method} ${request.headers['content-length']} ${request.headers['x-a']} ${body}`);
      response.writeHead(200).end();
    });
    await sender(t, url).send('"Größe"', { 'X-A': 'b' });
    assert.deepEqual(seen, ['POST 9 b "Größe"']);
  });

  test('where nobody listens, or the host is unknown, is repeated, and says so', { timeout }, async (t) => {
    const server = createTcpServer().listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { port } = server.address() as AddressInfo;
    server.close();
    await once(server, 'close');
    for (const url of [`http://127.0.0.1:${port}/`, `tcp://127.0.0.1:${port}`])
      assert.match(result(await sender(t, url).send('x', {})), /^retry: .*ECONNREFUSED/);
    for (const url of ['http://nowhere.invalid/', 'tcp://nowhere.invalid:1', 'udp://nowhere.invalid:1'])
      assert.match(result(await sender(t, url).send('x', {})), /^retry: /, url);
  });

  test('over TCP is delivered when the target took it, whether or not it closes', { timeout }, async (t) => {
    const texts: string[] = [];
    const server = createTcpServer({ allowHalfOpen: true }, (socket) => {
      socket.on('error', () => undefined);
      // It keeps its half of the connection.
      socket.on('data', (bytes) => texts.push(bytes.toString()));
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    t.after(() => server.close());
    const { port } = server.address() as AddressInfo;
    assert.equal(result(await sender(t, `tcp://127.0.0.1:${port}`, answerMs).send('Skyweir', {})), 'delivered: sent');
    await until('the target has read it', () => texts.length > 0);
    assert.deepEqual(texts, ['Skyweir']);
  });
});
