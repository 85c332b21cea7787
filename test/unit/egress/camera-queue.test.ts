import assert from 'node:assert/strict';
import { test } from 'node:test';
import { CameraQueue } from '../../../src/egress/camera-queue.ts';

function drain(queue: CameraQueue): number[] {
  const cameras: number[] = [];
  while (queue.length > 0) cameras.push(queue.take());
  return cameras;
}

test('cameras come out in the order in which they were added, each once', () => {
  const queue = new CameraQueue(4);
  for (const camera of [2, 0, 2, 3, 0]) queue.add(camera);
  assert.equal(queue.length, 3);
  assert.deepEqual(drain(queue), [2, 0, 3]);
  queue.add(2);
  assert.deepEqual(drain(queue), [2], 'it may wait again');
});

test('a full queue that goes round keeps its order', () => {
  const queue = new CameraQueue(3);
  for (const camera of [0, 1, 2]) queue.add(camera);
  for (let i = 0; i < 10; i++) {
    const camera = queue.take();
    assert.equal(camera, i % 3);
    queue.add(camera);
    queue.add(camera);
    assert.equal(queue.length, 3);
  }
});
