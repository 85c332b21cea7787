import assert from 'node:assert/strict';
import { once } from 'node:events';
import type { Socket } from 'node:net';
import { Duplex } from 'node:stream';
import { test } from 'node:test';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { limits } from '../../../src/base/limits.ts';
import { RequestTurns } from '../../../src/net/request-turns.ts';

const { requests: perTurn } = limits.turns;

/** A connection that its owner reads from. */
function openSocket(): Socket {
  const socket = new Duplex({ read() {}, write: (_chunk, _encoding, done) => done() });
  return socket.resume() as Socket;
}

/** Takes so many requests of one connection; each writes its name and number down when it is served. */
function take(turns: RequestTurns, socket: Socket, name: string, count: number, served: string[]): void {
  for (let i = 0; i < count; i++) turns.take(socket, () => void served.push(`${name}${i}`));
}

test('a few requests are served at once, and the rest in later turns, in order', async () => {
  const turns = new RequestTurns();
  const served: string[] = [];
  take(turns, openSocket(), 'a', 2 * perTurn + 1, served);
  assert.equal(served.length, perTurn);
  await nextTurn();
  assert.equal(served.length, 2 * perTurn);
  await nextTurn();
  assert.deepEqual(
    served,
    Array.from({ length: 2 * perTurn + 1 }, (_, i) => `a${i}`),
  );
});

test('other connections come between', async () => {
  const turns = new RequestTurns();
  const served: string[] = [];
  take(turns, openSocket(), 'a', 10 * perTurn, served);
  take(turns, openSocket(), 'b', 1, served);
  assert.equal(served.at(-1), 'b0');
  await nextTurn();
  take(turns, openSocket(), 'c', 2 * perTurn, served);
  await nextTurn();
  assert.equal(served.filter((name) => name.startsWith('c')).length, 2 * perTurn);
  assert.equal(served.filter((name) => name.startsWith('a')).length, 3 * perTurn);
});

test('what comes while others wait is not served before them', async () => {
  const turns = new RequestTurns();
  const served: string[] = [];
  const socket = openSocket();
  take(turns, socket, 'a', perTurn + 1, served);
  take(turns, socket, 'b', 1, served);
  await nextTurn();
  assert.deepEqual(served.slice(-2), [`a${perTurn}`, 'b0']);
});

test('a connection is not read on while requests of it wait, whoever resumes it', async () => {
  const turns = new RequestTurns();
  const socket = openSocket();
  take(turns, socket, 'a', 2 * perTurn + 1, []);
  assert.equal(socket.isPaused(), true);
  socket.resume();
  await once(socket, 'resume');
  assert.equal(socket.isPaused(), true);
  await nextTurn();
  await nextTurn();
  assert.equal(socket.isPaused(), false);
  assert.equal(socket.listenerCount('resume'), 0);
});

test('what a connection that has closed still waits for is forgotten', async () => {
  const turns = new RequestTurns();
  const served: string[] = [];
  const socket = openSocket();
  take(turns, socket, 'a', 10 * perTurn, served);
  socket.destroy();
  await nextTurn();
  await nextTurn();
  assert.equal(served.length, perTurn);
  assert.equal(socket.listenerCount('resume'), 0);
});
