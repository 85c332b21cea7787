import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { createRing, recordFlag, recordKind } from '../../../src/shm/frame-ring.ts';
import { ReaderSlot, RingReader } from '../../../src/shm/ring-reader.ts';
import { RingWriter } from '../../../src/shm/ring-writer.ts';
import { put, ringWords, smallRing, take } from './ring-fixture.ts';

const key = recordFlag.keyframe;

function streaming(options: Parameters<typeof smallRing>[0] = {}): { ring: SharedArrayBuffer; writer: RingWriter } {
  const ring = smallRing(options);
  ReaderSlot.claim(ring, 0); // never reads, so that the ring keeps a backlog
  const writer = new RingWriter(ring);
  writer.startStream();
  return { ring, writer };
}

describe('cursor', () => {
  test('a reader starts live, peek does not move it, advance moves it over a loaded record only', () => {
    const { ring, writer } = streaming();
    put(writer, 5, 1);
    const reader = new RingReader(ring);
    assert.equal(reader.peek(), 0);
    reader.advance();
    assert.equal(reader.lag, 0);
    put(writer, 5, 2);
    put(writer, 5, 3);
    assert.equal(reader.lag, 2);
    assert.equal(reader.peek(), 1);
    assert.equal(reader.peek(), 1);
    take(reader, 5, 2);
    reader.advance();
    take(reader, 5, 3);
    assert.equal(reader.peek(), 0);
    assert.equal(reader.lag, 0);
  });

  test('readers are independent and see the same', () => {
    const { ring, writer } = streaming();
    const readers = [new RingReader(ring), new RingReader(ring), new RingReader(ring)];
    for (let i = 0; i < 5; i++) put(writer, 10, i);
    for (const reader of readers) for (let i = 0; i < 5; i++) take(reader, 10, i);
  });

  test('it goes on over the end of a stream and the next generation', () => {
    const { ring, writer } = streaming();
    const reader = new RingReader(ring);
    put(writer, 5, 1);
    writer.endStream();
    writer.startStream();
    put(writer, 5, 2);
    take(reader, 5, 1);
    assert.equal(reader.generation, 1);
    take(reader, 0, 0);
    assert.equal(reader.kind, recordKind.endOfStream);
    take(reader, 5, 2);
    assert.equal(reader.generation, 2);
  });

  test('the view covers a record in an area that grew after the reader was made', () => {
    const { ring, writer } = streaming();
    const reader = new RingReader(ring);
    const view = reader.buffer;
    put(writer, 10, 1);
    take(reader, 10, 1);
    assert.equal(reader.buffer, view, 'the view is kept while it is large enough');
    put(writer, 50_000, 2);
    take(reader, 50_000, 2);
    assert.notEqual(reader.buffer, view);
  });
});

describe('overrun', () => {
  test('validation fails once the record is retired, not before', () => {
    const { ring, writer } = streaming();
    const reader = new RingReader(ring);
    put(writer, 600, 1);
    assert.equal(reader.peek(), 1);
    writer.begin(600);
    assert.ok(reader.stillValid());
    writer.append(Buffer.alloc(1), 0, 1);
    assert.equal(reader.stillValid(), false);
    assert.equal(reader.peek(), -1);
  });

  test('it resumes at the newest keyframe and counts the video records lost, no others', () => {
    const { ring, writer } = streaming({ frames: 4 });
    const reader = new RingReader(ring);
    put(writer, 5, 1, key);
    take(reader, 5, 1);
    put(writer, 5, 2);
    writer.writeMetadata(Buffer.alloc(3), 0, 0);
    put(writer, 5, 3);
    put(writer, 5, 4, key);
    put(writer, 5, 5);
    put(writer, 5, 6);
    assert.equal(reader.peek(), -1);
    assert.equal(reader.skipToNewestKeyframe(), 2);
    assert.equal(reader.lostVideo, 2);
    take(reader, 5, 4);
    take(reader, 5, 5);
  });

  test('a record that was being read when it was overrun is among the lost', () => {
    const { ring, writer } = streaming({ frames: 2 });
    const reader = new RingReader(ring);
    put(writer, 5, 1);
    assert.equal(reader.peek(), 1);
    put(writer, 5, 2);
    put(writer, 5, 3, key);
    assert.equal(reader.stillValid(), false);
    assert.equal(reader.skipToNewestKeyframe(), 2);
    take(reader, 5, 3);
  });

  test('without a readable keyframe it goes live and passes over video until one comes, counting on', () => {
    const { ring, writer } = streaming({ frames: 3 });
    const reader = new RingReader(ring);
    for (let i = 0; i < 5; i++) put(writer, 5, i);
    assert.equal(reader.peek(), -1);
    assert.equal(reader.skipToNewestKeyframe(), 5);
    put(writer, 5, 5);
    assert.equal(reader.peek(), 0);
    writer.writeMetadata(Buffer.alloc(3, 9), 0, 0);
    put(writer, 5, 6);
    take(reader, 3, 9);
    put(writer, 5, 7, key);
    take(reader, 5, 7);
    assert.equal(reader.lostVideo, 7);
    put(writer, 5, 8);
    take(reader, 5, 8);
    assert.equal(reader.lostVideo, 7);
  });

  test('a recovery point will do in place of a keyframe', () => {
    const { ring, writer } = streaming({ frames: 3 });
    const reader = new RingReader(ring);
    for (let i = 0; i < 5; i++) put(writer, 5, i, i === 3 ? recordFlag.recoveryPoint : 0);
    assert.equal(reader.skipToNewestKeyframe(), 3);
    take(reader, 5, 3);
  });

  test('it never goes back: skipping with nothing lost stays where it is or goes live', () => {
    const { ring, writer } = streaming();
    const reader = new RingReader(ring);
    put(writer, 5, 1, key);
    put(writer, 5, 2);
    assert.equal(reader.skipToNewestKeyframe(), 0);
    take(reader, 5, 1);
    assert.equal(reader.skipToNewestKeyframe(), 1);
    assert.equal(reader.lag, 0);
  });

  test('an overrun reader still learns that the stream has ended, once', () => {
    const { ring, writer } = streaming({ frames: 2 });
    const reader = new RingReader(ring);
    for (let i = 0; i < 5; i++) put(writer, 5, i);
    writer.endStream();
    assert.equal(reader.skipToNewestKeyframe(), 5);
    assert.equal(reader.peek(), 1);
    assert.equal(reader.kind, recordKind.endOfStream);
    reader.advance();
    assert.equal(reader.skipToNewestKeyframe(), 0);
    assert.equal(reader.peek(), 0);
  });

  test('it does not resume at a keyframe of the stream before', () => {
    const { ring, writer } = streaming({ frames: 4 });
    const reader = new RingReader(ring);
    for (let i = 0; i < 5; i++) put(writer, 5, i, key);
    writer.startStream();
    put(writer, 5, 5);
    assert.equal(reader.skipToNewestKeyframe(), 6);
    assert.equal(reader.peek(), 0);
  });

  test('losses are counted right although nothing was ever read, and over a wrap of the sequence', () => {
    const { ring, writer } = streaming({ frames: 2, firstSequence: -3 });
    for (let i = 0; i < 2; i++) put(writer, 5, i);
    const reader = new RingReader(ring);
    for (let i = 2; i < 9; i++) put(writer, 5, i);
    assert.equal(reader.peek(), -1);
    assert.equal(reader.skipToNewestKeyframe(), 7);
  });
});

describe('joining', () => {
  test('a reader can start at the newest keyframe in the backlog', () => {
    const { ring, writer } = streaming();
    put(writer, 5, 1, key);
    put(writer, 5, 2);
    put(writer, 5, 3, key);
    put(writer, 5, 4);
    const reader = new RingReader(ring);
    assert.ok(reader.seekNewestKeyframe());
    assert.equal(reader.lag, 2);
    take(reader, 5, 3);
    take(reader, 5, 4);
    assert.equal(reader.lostVideo, 0);
  });

  test('it goes live when there is none: none yet, retired, or the stream has ended', () => {
    const { ring, writer } = streaming({ frames: 3 });
    const reader = new RingReader(ring);
    assert.equal(reader.seekNewestKeyframe(), false);
    put(writer, 5, 1, key);
    for (let i = 2; i < 5; i++) put(writer, 5, i);
    assert.equal(reader.seekNewestKeyframe(), false);
    put(writer, 5, 5, key);
    assert.equal(reader.seekNewestKeyframe(), true);
    writer.endStream();
    assert.equal(reader.seekNewestKeyframe(), false);
    assert.equal(reader.lag, 0);
  });

  test('after going live by choice, video is not passed over', () => {
    const { ring, writer } = streaming();
    const reader = new RingReader(ring);
    put(writer, 5, 1);
    reader.seekLive();
    put(writer, 5, 2);
    take(reader, 5, 2);
  });
});

describe('reader slots', () => {
  test('a claimed slot has nothing left to read; claiming again takes it over from a dead thread', () => {
    const ring = smallRing();
    const writer = new RingWriter(ring);
    ReaderSlot.claim(ring, 2);
    put(writer, 5, 1);
    put(writer, 5, 2);
    assert.equal(writer.depth, 2);
    const again = ReaderSlot.claim(ring, 2);
    assert.equal(writer.depth, 0);
    put(writer, 5, 3);
    assert.equal(writer.depth, 1);
    again.publish(ringWords(ring).head);
    assert.equal(writer.depth, 0);
  });

  test('there are 8 of them', () => {
    const ring = smallRing();
    assert.throws(() => ReaderSlot.claim(ring, 8), RangeError);
    assert.throws(() => ReaderSlot.claim(ring, -1), RangeError);
    ReaderSlot.claim(ring, 7).release();
  });
});

test('memory that is not a ring is refused, and so are sizes that contradict each other', () => {
  assert.throws(() => new RingReader(new SharedArrayBuffer(0)), TypeError);
  assert.throws(() => new RingWriter(new SharedArrayBuffer(4096)), TypeError);
  const sizes = { frames: 10, initialBytes: 100, maximumBytes: 200, hardMaximumBytes: 300, gopCache: false };
  assert.throws(() => createRing({ ...sizes, frames: 1 }), RangeError);
  assert.throws(() => createRing({ ...sizes, maximumBytes: 50 }), RangeError);
  assert.throws(() => createRing({ ...sizes, hardMaximumBytes: 150 }), RangeError);
  assert.throws(() => createRing({ ...sizes, initialBytes: 0 }), RangeError);
});
