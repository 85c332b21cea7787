import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { Doorbell } from '../../../src/shm/doorbell.ts';

/** A turn of the event loop, in which a wake-up that is under way arrives; also keeps the loop alive. */
function turn(): Promise<string> {
  return new Promise((resolve) => setTimeout(resolve, 20, 'nothing'));
}

function doorbell(cameras = 1000): { bell: Doorbell; writer: Doorbell; into: Int32Array } {
  const memory = Doorbell.create(cameras);
  return { bell: new Doorbell(memory), writer: new Doorbell(memory), into: new Int32Array(cameras) };
}

describe('doorbell', () => {
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

  test('a ring wakes it, and again', async () => {
    const { bell, writer, into } = doorbell();
    for (let i = 0; i < 3; i++) {
      const asleep = bell.sleep();
      assert.ok(asleep);
      assert.equal(await Promise.race([asleep, turn()]), 'nothing', 'nobody rang');
      writer.ring(i);
      await Promise.race([asleep, turn().then(() => assert.fail('not woken'))]);
      assert.equal(bell.drain(into), 1);
      assert.equal(into[0], i);
    }
  });

  test('a consumer that was up for another reason is still woken after sleeping again', async () => {
    const { bell, writer, into } = doorbell();
    for (let i = 0; i < 100; i++) {
      assert.ok(bell.sleep());
      assert.equal(bell.drain(into), 0);
    }
    const asleep = bell.sleep();
    assert.ok(asleep);
    writer.ring(5);
    await Promise.race([asleep, turn().then(() => assert.fail('not woken'))]);
    assert.equal(bell.drain(into), 1);
  });

  test('rescue wakes it when a writer died between its dirty bit and its notify', async () => {
    const memory = Doorbell.create(64);
    const bell = new Doorbell(memory);
    const into = new Int32Array(64);
    assert.equal(bell.rescue(), false);
    const asleep = bell.sleep();
    assert.ok(asleep);
    assert.equal(bell.rescue(), false);
    // What is left of a ring by a terminated thread: the dirty bit of camera 3 (the bits begin at byte 128).
    Atomics.or(new Int32Array(memory), 32, 1 << 3);
    assert.equal(await Promise.race([asleep, turn()]), 'nothing');
    assert.equal(bell.rescue(), true);
    await Promise.race([asleep, turn().then(() => assert.fail('not woken'))]);
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
