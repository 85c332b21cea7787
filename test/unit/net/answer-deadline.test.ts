import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type ServerResponse } from 'node:http';
import { type AddressInfo, connect, type Socket } from 'node:net';
import { type TestContext, test } from 'node:test';
import { limitAnswerTime } from '../../../src/net/answer-deadline.ts';

/** Two requests that came in one piece, and the answer to the first; that to the second is written, and waits for its turn. */
async function twoRequests(t: TestContext, second: string) {
  const both = Promise.withResolvers<ServerResponse>();
  const stalled: string[] = [];
  const responses: ServerResponse[] = [];
  const server = createServer((request, response) => {
    responses.push(response);
    if (responses.length === 1) return;
    limitAnswerTime(response, request.socket as Socket, 10_000, (reason) => stalled.push(reason));
    response.end(second);
    both.resolve(responses[0]!);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const client = connect((server.address() as AddressInfo).port, '127.0.0.1');
  t.after(() => {
    client.destroy();
    server.close();
  });
  const request = 'GET / HTTP/1.1\r\nHost: x\r\n\r\n';
  client.write(request + request);
  return { first: await both.promise, stalled, client };
}

test('the time of an answer does not begin before those ahead of it have gone', async (t) => {
  t.mock.timers.enable({ apis: ['setTimeout'] });
  const { first, stalled, client } = await twoRequests(t, 'second');
  t.mock.timers.tick(25_000);
  assert.deepEqual(stalled, []);
  let text = '';
  client.on('data', (chunk) => {
    text += chunk;
  });
  first.end('first');
  while (!text.includes('second')) await once(client, 'data');
  t.mock.timers.tick(25_000);
  assert.deepEqual(stalled, []);
});

test('a client that does not take its answer is cut off, also where that had to wait', async (t) => {
  t.mock.timers.enable({ apis: ['setTimeout'] });
  // More than any socket holds.
  const { first, stalled, client } = await twoRequests(t, 'x'.repeat(32 * 1024 * 1024));
  t.mock.timers.tick(25_000);
  const gone = once(first, 'finish');
  first.end('first');
  await gone;
  t.mock.timers.tick(9_999);
  assert.deepEqual(stalled, []);
  t.mock.timers.tick(1);
  assert.deepEqual(stalled, ['the client takes no answers']);
  client.resume();
  await once(client, 'close');
});
