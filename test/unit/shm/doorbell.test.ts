import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { setImmediate as turn } from 'node:timers/promises';
import { Doorbell } from '../../../src/shm/doorbell.ts';

/** Milliseconds for a sleep that nobody ends; no test waits for it. */
const timeout = 20_000;

/**
 * Whether a sleep goes on although all wake-ups so far have arrived. That is known without a clock: they arrive in the order in which
 * waiters were notified, so this one notifies a waiter of its own and looks when that is awake.
 */
async function goesOn(asleep: Promise<void>): Promise<boolean> {
  let woken = false;
  void asleep.then(() => {
    woken = true;
  });
  const word = new Int32Array(new SharedArrayBuffer(4));
  const wait = Atomics.waitAsync(word, 0, 0);
  assert.ok(wait.async);
  Atomics.notify(word, 0);
  await wait.value;
  // Both may arrive at once, and what hangs on the other promise comes after.
  await turn();
  return !woken;
}

function doorbell(cameras = 1000): { bell: Doorbell; writer: Doorbell; into: Int32Array } {
  const memory = Doorbell.create(cameras);
  return { bell: new Doorbell(memory), writer: new Doorbell(memory), into: new Int32Array(cameras) };
}

describe('doorbell', () => {
  // A wait on Atomics does not keep the event loop alive.
  let alive: NodeJS.Timeout;
  before(() => {
    alive = setInterval(() => undefined, 1000);
  });
  after(() => clearInterval(alive));

  test('every camera index is taken once, whatever its place in the bitmap', () => {
    for (const cameras of [1, 31, 32, 33, 512, 513, 1000]) {
      const { bell, writer, into } = doorbell(cameras);
      for (let camera = cameras - 1; camera >= 0; camera--) {
        writer.ring(camera);
        writer.ring(camera);
      }
      assert.equal(bell.drain(into), cameras);
      for (let camera = 0; camera < cameras; camera++) assert.equal(into[camera], camera);
      assert.equal(bell.drain(into), 0);
    }
  });

  test('it does not sleep over a ring that came before', () => {
    const { bell, writer, into } = doorbell();
    writer.ring(999);
    assert.equal(bell.sleep(), null);
    assert.equal(bell.drain(into), 1);
    assert.equal(into[0], 999);
  });

  test('a ring wakes it, and again', { timeout }, async () => {
    const { bell, writer, into } = doorbell();
    for (let i = 0; i < 3; i++) {
      const asleep = bell.sleep();
      assert.ok(asleep);
      assert.ok(await goesOn(asleep), 'nobody rang');
      writer.ring(i);
      await asleep;
      assert.equal(bell.drain(into), 1);
      assert.equal(into[0], i);
    }
  });

  test('a consumer that was up for another reason is still woken after sleeping again', { timeout }, async () => {
    const { bell, writer, into } = doorbell();
    for (let i = 0; i < 100; i++) {
      assert.ok(bell.sleep());
      assert.equal(bell.drain(into), 0);
    }
    const asleep = bell.sleep();
    assert.ok(asleep);
    writer.ring(5);
    await asleep;
    assert.equal(bell.drain(into), 1);
  });

  test('rescue wakes it when a writer died between its dirty bit and its notify', { timeout }, async () => {
    const memory = Doorbell.create(64);
    const bell = new Doorbell(memory);
    const into = new Int32Array(64);
    assert.equal(bell.rescue(), false);
    const asleep = bell.sleep();
    assert.ok(asleep);
    assert.equal(bell.rescue(), false);
    // What is left of a ring by a terminated thread: the dirty bit of camera 3 (the bits begin at byte 128).
    Atomics.or(new Int32Array(memory), 32, 1 << 3);
    assert.ok(await goesOn(asleep));
    assert.equal(bell.rescue(), true);
    await asleep;
    assert.equal(bell.drain(into), 1);
    assert.equal(into[0], 3);
  });

  test('interest is kept per camera', () => {
    const { bell, writer } = doorbell();
    for (const camera of [0, 31, 32, 999]) {
      assert.equal(writer.interested(camera), false);
      bell.setInterest(camera, true);
      assert.equal(writer.interested(camera), true);
      assert.equal(writer.interested(camera ^ 1), false);
    }
    bell.setInterest(31, false);
    assert.equal(writer.interested(31), false);
    assert.equal(writer.interested(0), true);
    assert.equal(bell.drain(new Int32Array(1000)), 0, 'interest rings nothing');
  });
});
