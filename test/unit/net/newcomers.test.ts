import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { IngestTask } from '../../../src/control/messages.ts';
import { Newcomers } from '../../../src/net/newcomers.ts';

function task(id: string, listener = '1935'): IngestTask {
  const timeouts = { handshakeMs: 1, publishMs: 1, videoMs: 1, receiveMs: 1 };
  return { socket: null, peer: { id, address: '10.0.0.1', port: 1 }, listener, acceptedMs: 5, tls: false, timeouts };
}

const ids = (peers: readonly { readonly id: string }[]) => peers.map(({ id }) => id);

test('who comes and goes between two notes is a figure only', () => {
  const newcomers = new Newcomers();
  for (const id of ['r1', 'r2']) newcomers.add(task(id));
  newcomers.add(task('r3', '1936'));
  newcomers.ended(task('r1').peer, 'peer_closed');
  const note = newcomers.take()!;
  assert.deepEqual(note.accepted, [
    ['1935', 2],
    ['1936', 1],
  ]);
  assert.deepEqual(note.ended, [['peer_closed', 1]]);
  assert.deepEqual(ids(note.came.map(({ peer }) => peer)), ['r2', 'r3']);
  assert.deepEqual(note.left, []);
  assert.equal(newcomers.take(), null);
});

test('who was in a note is named when it ends, unless main has come to know it by itself', () => {
  const newcomers = new Newcomers();
  for (const id of ['r1', 'r2']) newcomers.add(task(id));
  newcomers.take();
  newcomers.promote(task('r1').peer);
  newcomers.ended(task('r2').peer, 'handshake_timeout');
  newcomers.add(task('r3'));
  newcomers.promote(task('r3').peer);
  const note = newcomers.take()!;
  assert.deepEqual([note.left, note.came], [['r2'], []]);
  assert.deepEqual(note.ended, [['handshake_timeout', 1]]);
});

test('a path that could not be asked for is told with who wanted it', () => {
  const newcomers = new Newcomers();
  newcomers.add(task('r1'));
  newcomers.ended(task('r1').peer, 'path_invalid');
  assert.deepEqual(ids(newcomers.take()!.misled), ['r1']);
});
