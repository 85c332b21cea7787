import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { RingStore } from '../../../src/server/ring-store.ts';
import { recordKind } from '../../../src/shm/frame-ring.ts';
import { ReaderSlot, RingReader } from '../../../src/shm/ring-reader.ts';
import { testCamera } from '../../support/test-camera.ts';
import { smallRing, TestStream } from '../../support/test-stream.ts';

const camera = testCamera({ index: 1 });

const options = { ...smallRing, initialBytes: 16 * 1024 };

function store(consumers: number[] = []) {
  const announced: SharedArrayBuffer[] = [];
  const clock = { ms: 5000, nowMs: () => clock.ms, wallMs: () => 0 };
  const rings = new RingStore(
    2,
    options,
    () => consumers,
    (_, ring) => announced.push(ring),
    clock,
  );
  return { rings, announced, clock };
}

/** Publishes a frame that makes the ring grow. */
function outgrow(ring: SharedArrayBuffer): void {
  const stream = new TestStream(ring, 2 * options.initialBytes);
  stream.start();
  stream.keyframe(0);
}

const minuteMs = 60_000;

describe('ring store', () => {
  test('one ring serves the publishers of a camera after each other', () => {
    const { rings, announced } = store();
    const ring = rings.acquire(camera);
    assert.equal(rings.acquire(camera), ring);
    assert.deepEqual(announced, [ring]);
    assert.deepEqual(rings.all, [null, ring]);
  });

  test('a ring that has grown is replaced after ten minutes', () => {
    const { rings, announced, clock } = store();
    const ring = rings.acquire(camera);
    outgrow(ring);
    clock.ms += 10 * minuteMs;
    const next = rings.acquire(camera);
    assert.notEqual(next, ring);
    assert.deepEqual(announced, [ring, next]);
    assert.equal(rings.all[1], next);
  });

  test('a publisher that makes its ring grow and comes back again and again leaves no rings behind', () => {
    const { rings, announced, clock } = store();
    const first = rings.acquire(camera);
    for (let i = 0; i < 400; i++) {
      outgrow(rings.acquire(camera));
      clock.ms += 1000;
    }
    assert.equal(rings.all[1], first);
    assert.equal(announced.length, 1);
  });

  test('the longer a camera needs a large ring, the longer it keeps it', () => {
    const { rings, announced, clock } = store();
    const madeAt: number[] = [];
    for (let minute = 0; minute <= 24 * 60; minute++) {
      outgrow(rings.acquire(camera));
      if (announced.length > madeAt.length) madeAt.push(minute);
      clock.ms += minuteMs;
    }
    assert.deepEqual(madeAt, [0, 10, 30, 70, 150, 310, 630, 1270]);
  });

  test('never longer than a day, and ten minutes again once a ring did not grow', () => {
    const { rings, announced, clock } = store();
    for (let hour = 0; hour < 24 * 14; hour++) {
      outgrow(rings.acquire(camera));
      clock.ms += 60 * minuteMs;
    }
    const before = announced.length;
    clock.ms += 24 * 60 * minuteMs;
    rings.acquire(camera);
    assert.equal(announced.length, before + 1);
    // This one served a stream without growing.
    clock.ms += 24 * 60 * minuteMs;
    outgrow(rings.acquire(camera));
    rings.acquire(camera);
    assert.equal(announced.length, before + 2);
  });

  test('readers go on with what they had not fetched from a ring that serves the next publisher', () => {
    const { rings } = store();
    const ring = rings.acquire(camera);
    const reader = new RingReader(ring);
    ReaderSlot.claim(ring, 0, reader.cursor);
    outgrow(ring);
    const stream = new TestStream(rings.acquire(camera), 2 * options.initialBytes);
    stream.start();
    stream.keyframe(40);
    const seen: (readonly [generation: number, dtsMs: number])[] = [];
    for (; reader.peek() === 1; reader.advance())
      if (reader.kind === recordKind.video) seen.push([reader.generation, reader.dtsMs]);
    assert.deepEqual(seen, [
      [1, 0],
      [2, 40],
    ]);
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
