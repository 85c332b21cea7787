import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { RingStore } from '../../../src/server/ring-store.ts';
import { recordKind } from '../../../src/shm/frame-ring.ts';
import { RingReader } from '../../../src/shm/ring-reader.ts';
import { testCamera } from '../../support/test-camera.ts';
import { smallRing, TestStream } from '../../support/test-stream.ts';

const camera = testCamera({ index: 1 });

function store(consumers: number[] = []) {
  const announced: SharedArrayBuffer[] = [];
  const rings = new RingStore(
    2,
    smallRing,
    () => consumers,
    (_, ring) => announced.push(ring),
  );
  return { rings, announced };
}

describe('ring store', () => {
  test('one ring serves the publishers of a camera after each other', () => {
    const { rings, announced } = store();
    const ring = rings.acquire(camera);
    assert.equal(rings.acquire(camera), ring);
    assert.deepEqual(announced, [ring]);
    assert.deepEqual(rings.all, [null, ring]);
  });

  test('a ring that has grown is replaced', () => {
    const { rings, announced } = store();
    const ring = rings.acquire(camera);
    const stream = new TestStream(ring, 2 * smallRing.initialBytes);
    stream.start();
    stream.keyframe(0);
    const next = rings.acquire(camera);
    assert.notEqual(next, ring);
    assert.deepEqual(announced, [ring, next]);
    assert.equal(rings.all[1], next);
  });

  test('what comes before a consumer with readers has heard of the ring is kept for it', () => {
    for (const [consumers, oldest] of [
      [[0], 0],
      [[], 4],
    ] as const) {
      const ring = store([...consumers]).rings.acquire(camera);
      const stream = new TestStream(ring);
      stream.start();
      for (let i = 0; i < 5; i++) stream.keyframe(i * 40);
      const reader = new RingReader(ring);
      reader.seekOldest();
      while (reader.peek() === 1 && reader.kind !== recordKind.video) reader.advance();
      assert.equal(reader.dtsMs, oldest * 40, 'without readers a ring starts again at its first byte with each record');
    }
  });
});
