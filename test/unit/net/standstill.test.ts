import assert from 'node:assert/strict';
import { test } from 'node:test';
import { limits } from '../../../src/base/limits.ts';
import { Standstill } from '../../../src/net/standstill.ts';

const { standstillMs } = limits.load;
const periodMs = 100;

test('a timer that comes in time, or a little late, is no standstill', () => {
  const standstill = new Standstill(periodMs);
  standstill.start(1000);
  assert.equal(standstill.look(1100), false);
  assert.equal(standstill.look(1200 + standstillMs - 1), false);
});

test('one that comes much too late is, and never twice on end', () => {
  const standstill = new Standstill(periodMs);
  standstill.start(0);
  const found: boolean[] = [];
  for (let look = 1; look <= 4; look++) found.push(standstill.look(look * (periodMs + standstillMs)));
  assert.deepEqual(found, [true, false, true, false]);
});

test('the time in which the timer did not run does not count', () => {
  const standstill = new Standstill(periodMs);
  standstill.start(0);
  standstill.look(100);
  standstill.start(1e6);
  assert.equal(standstill.look(1e6 + periodMs), false);
});
