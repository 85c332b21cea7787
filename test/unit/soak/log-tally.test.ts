import assert from 'node:assert/strict';
import { test } from 'node:test';
import { LogTally } from '../../../scripts/soak/log-tally.ts';

const line = (fields: object): string => `${JSON.stringify({ level: 'info', msg: 'x', ...fields })}\n`;
const closed = (peer: string, conn: string, reason: string) =>
  line({ msg: 'connection closed: x', peer, conn, reason });

test('lines are counted however they are cut', () => {
  const tally = new LogTally();
  const text =
    closed('a:1', 'r1', 'peer_closed') + line({ reason: 'rate_limited', count: 7 }) + closed('a:2', 'r2', 'not_tls');
  for (const character of text) tally.take(character);
  assert.equal(tally.lines, 3);
  assert.deepEqual(
    [...tally.reasons],
    [
      ['peer_closed', 1],
      ['rate_limited', 7],
      ['not_tls', 1],
    ],
  );
  assert.equal(tally.faultCount, 0);
});

test('streams that started and stopped are counted, and the end of a stream is no ending of a connection', () => {
  const tally = new LogTally();
  tally.take(line({ msg: 'RTMP Stream Started' }) + line({ msg: 'RTMP Stream Stopped', reason: 'peer_closed' }));
  assert.deepEqual([tally.started, tally.stopped, tally.reasons.size], [1, 1, 0]);
});

test('errors, internal reasons and what is no log are faults', () => {
  const tally = new LogTally();
  tally.take(
    [line({ level: 'error' }), closed('a:1', 'r1', 'internal'), line({ reason: 'worker_failed' }), 'Error: x\n'].join(
      '',
    ),
  );
  assert.equal(tally.faultCount, 4);
  assert.equal(tally.faults.length, 4);
});

test('endings are those of the newest connection of a peer', () => {
  const tally = new LogTally();
  tally.take(closed('a:1', 'r1', 'not_tls') + closed('b:1', 'r2', 'not_tls') + closed('a:1', 'r3', 'peer_closed'));
  assert.deepEqual(
    tally.endings('a:1').map(({ conn, reason }) => [conn, reason]),
    [['r3', 'peer_closed']],
  );
  assert.deepEqual(tally.endings('c:1'), []);
});

test('what is kept is bounded', () => {
  const tally = new LogTally();
  for (let i = 0; i < 10_000; i++) tally.take(closed(`a:${i}`, `r${i}`, 'internal'));
  assert.equal(tally.faultCount, 10_000);
  assert.equal(tally.faults.length, 50);
  assert.deepEqual(tally.endings('a:1'), []);
  assert.equal(tally.endings('a:9999').length, 1);
});
