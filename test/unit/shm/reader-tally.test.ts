import assert from 'node:assert/strict';
import { test } from 'node:test';
import { firstPictureBounds, ReaderTally, readTallies } from '../../../src/shm/reader-tally.ts';

test('what the consumers count is summed, each reason by itself', () => {
  const memory = ReaderTally.create(2);
  const [first, second] = [new ReaderTally(memory, 0), new ReaderTally(memory, 1)];
  for (const tally of [first, second, second]) tally.connected();
  first.ended('teardown', 0);
  second.ended('teardown', 2);
  // A consumer that replaces a failed one goes on counting.
  new ReaderTally(memory, 1).ended('authentication_failed', 8);
  for (const ms of [0, 500, 501, 29_999, 30_001]) first.firstPicture(ms);
  const { connections, failedLogins, ends, firstPicture } = readTallies(memory);
  assert.deepEqual([connections, failedLogins], [3, 10]);
  assert.deepEqual([...ends].sort(), [
    ['authentication_failed', 1],
    ['teardown', 2],
  ]);
  assert.equal(firstPicture.counts.length, firstPictureBounds.length + 1);
  assert.deepEqual(firstPicture.counts, [2, 1, 0, 0, 0, 0, 1, 1]);
  assert.ok(Math.abs(firstPicture.sum - 61.001) < 1e-9);
});

test('connections that a failed consumer took with it have ended, once', () => {
  const memory = ReaderTally.create(2);
  const [failed, other] = [new ReaderTally(memory, 0), new ReaderTally(memory, 1)];
  failed.takeOver();
  for (const tally of [failed, failed, failed, other]) tally.connected();
  failed.ended('teardown', 0);
  for (let i = 0; i < 2; i++) new ReaderTally(memory, 0).takeOver();
  const { connections, ends } = readTallies(memory);
  assert.equal(connections, 4);
  assert.deepEqual([...ends].sort(), [
    ['teardown', 1],
    ['worker_failed', 2],
  ]);
});
