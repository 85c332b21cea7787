import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { DueTimes } from '../../../src/server/due-times.ts';

function rig(context: TestContext, earlyMs = 0) {
  context.mock.timers.enable({ apis: ['setTimeout'] });
  let nowMs = 1000;
  const served: string[] = [];
  const clock = { nowMs: () => nowMs, wallMs: () => nowMs };
  const due = new DueTimes<{ name: string; dueMs: number }>(
    clock,
    () => earlyMs,
    (items) => served.push(`${nowMs}: ${items.map(({ name }) => name).join(' ')}`),
  );
  const wait = (ms: number) => {
    for (let i = 0; i < ms; i++) {
      nowMs++;
      context.mock.timers.tick(1);
    }
  };
  return { due, served, wait };
}

test('each is served at its time, whatever the order in which they came', (t) => {
  const { due, served, wait } = rig(t);
  for (const [name, dueMs] of [
    ['b', 1020],
    ['c', 1030],
    ['a', 1010],
  ] as const)
    due.add({ name, dueMs });
  wait(100);
  assert.deepEqual(served, ['1010: a', '1020: b', '1030: c']);
});

test('what is due a moment later is served with the first, what is due later is not', (t) => {
  const { due, served, wait } = rig(t, 5);
  for (const dueMs of [1010, 1014, 1015, 1016]) due.add({ name: String(dueMs), dueMs });
  wait(100);
  assert.deepEqual(served, ['1010: 1010 1014 1015', '1016: 1016']);
});

test('what is taken back is not served, and the others keep their times', (t) => {
  const { due, served, wait } = rig(t);
  const [first, second, third] = [1010, 1020, 1030].map((dueMs) => ({ name: String(dueMs), dueMs }));
  for (const item of [first!, second!, third!]) due.add(item);
  due.delete(first!);
  due.delete(third!);
  due.delete(third!);
  wait(100);
  assert.deepEqual(served, ['1020: 1020']);
});

test('what is overdue when it comes is served at once', (t) => {
  const { due, served, wait } = rig(t);
  due.add({ name: 'late', dueMs: 900 });
  wait(1);
  assert.deepEqual(served, ['1001: late']);
});
