import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { createRing, recordFlag, recordKind, ringStatus } from '../../../src/shm/frame-ring.ts';
import { parametersBytes, RingMemory, writerWord } from '../../../src/shm/layout.ts';
import { ReaderSlot, RingReader } from '../../../src/shm/ring-reader.ts';
import { RingWriter } from '../../../src/shm/ring-writer.ts';
import { KiB, payloadOf, put, ringWords, smallRing, take } from './ring-fixture.ts';

describe('records', () => {
  test('a committed record carries its fields and its bytes, appended in pieces', () => {
    const ring = smallRing();
    const writer = new RingWriter(ring);
    const reader = new RingReader(ring);
    const generation = writer.startStream();
    const source = Buffer.from('....abcdefgh....');
    writer.begin(8);
    writer.append(source, 4, 7);
    writer.append(source, 7, 12);
    assert.equal(reader.peek(), 0, 'an open record cannot be seen');
    writer.commit(recordFlag.keyframe | recordFlag.discontinuity, 2 ** 33 + 0.5, -40, 1.5e12);
    assert.equal(reader.peek(), 1);
    assert.equal(reader.kind, recordKind.video);
    assert.equal(reader.flags, recordFlag.keyframe | recordFlag.discontinuity);
    assert.equal(reader.generation, generation);
    assert.equal(reader.dtsMs, 2 ** 33 + 0.5);
    assert.equal(reader.ptsOffsetMs, -40);
    assert.equal(reader.arrivalUs, 1.5e12);
    assert.equal(payloadOf(reader).toString(), 'abcdefgh');
    assert.ok(reader.stillValid());
  });

  test('an empty record can be committed', () => {
    const ring = smallRing();
    const writer = new RingWriter(ring);
    const reader = new RingReader(ring);
    put(writer, 0, 1);
    put(writer, 3, 2);
    take(reader, 0, 1);
    take(reader, 3, 2);
  });

  test('misuse is refused: too many bytes, too few, none open, larger than the ring may get', () => {
    const writer = new RingWriter(smallRing());
    assert.throws(() => writer.append(Buffer.alloc(1), 0, 1), RangeError);
    assert.throws(() => writer.commit(0, 0, 0, 0), Error);
    assert.throws(() => writer.begin(100_001), RangeError);
    assert.throws(() => writer.begin(-1), RangeError);
    writer.begin(10);
    assert.throws(() => writer.append(Buffer.alloc(11), 0, 11), RangeError);
    writer.append(Buffer.alloc(9), 0, 9);
    assert.throws(() => writer.commit(0, 0, 0, 0), RangeError);
    assert.throws(() => writer.truncate(10), RangeError);
    assert.throws(() => writer.commitPrefix(10, 0, 0, 0, 0), RangeError);
    assert.throws(() => writer.extend(100_000), RangeError);
    assert.ok(writer.open, 'and the record is still open');
  });

  test('truncate shortens, extend lengthens, begin and abandon give up', () => {
    const ring = smallRing();
    ReaderSlot.claim(ring, 0);
    const writer = new RingWriter(ring);
    const reader = new RingReader(ring);
    writer.begin(10);
    writer.append(Buffer.alloc(10, 1), 0, 10);
    writer.truncate(4);
    writer.extend(2);
    assert.equal(writer.recordLength, 6);
    writer.append(Buffer.alloc(2, 1), 0, 2);
    writer.commit(0, 0, 0, 0);
    writer.begin(10);
    writer.abandon();
    assert.equal(writer.open, false);
    writer.begin(10);
    writer.append(Buffer.alloc(5, 9), 0, 5);
    put(writer, 3, 2);
    take(reader, 6, 1);
    take(reader, 3, 2);
    assert.equal(reader.peek(), 0);
  });

  test('commitPrefix publishes the front and leaves the rest open in place', () => {
    const ring = smallRing();
    const writer = new RingWriter(ring);
    const reader = new RingReader(ring);
    writer.begin(10);
    writer.append(Buffer.concat([Buffer.alloc(4, 1), Buffer.alloc(3, 2)]), 0, 7);
    const start = writer.recordStart;
    writer.commitPrefix(4, recordFlag.keyframe, 0, 0, 0);
    assert.equal(writer.recordStart, start + 4);
    assert.equal(writer.recordLength, 6);
    take(reader, 4, 1);
    assert.equal(reader.peek(), 0);
    writer.append(Buffer.alloc(3, 2), 0, 3);
    writer.commit(0, 0, 0, 0);
    take(reader, 6, 2);
  });

  test('the rest after commitPrefix can be abandoned without touching the prefix', () => {
    const ring = smallRing();
    const writer = new RingWriter(ring);
    const slot = ReaderSlot.claim(ring, 0);
    const reader = new RingReader(ring);
    writer.begin(10);
    writer.append(Buffer.alloc(10, 1), 0, 10);
    writer.commitPrefix(4, 0, 0, 0, 0);
    writer.abandon();
    put(writer, 6, 2);
    take(reader, 4, 1);
    take(reader, 6, 2);
    slot.release();
  });
});

describe('position', () => {
  test('drained: the next record starts at the first byte; not drained: it follows', () => {
    const ring = smallRing();
    const writer = new RingWriter(ring);
    const slot = ReaderSlot.claim(ring, 3);
    const reader = new RingReader(ring);
    put(writer, 100, 1);
    writer.begin(10);
    assert.equal(writer.recordStart, 100, 'the slot has not read record 1');
    writer.abandon();
    take(reader, 100, 1);
    slot.publish(reader.cursor);
    writer.begin(10);
    assert.equal(writer.recordStart, 0);
  });

  test('every active slot counts, a released one does not', () => {
    const ring = smallRing();
    const writer = new RingWriter(ring);
    const quick = ReaderSlot.claim(ring, 0);
    const slow = ReaderSlot.claim(ring, 7);
    put(writer, 100, 1);
    quick.publish(ringWords(ring).head);
    writer.begin(10);
    assert.equal(writer.recordStart, 100);
    assert.equal(writer.depth, 1);
    slow.release();
    writer.begin(10);
    assert.equal(writer.recordStart, 0);
    assert.equal(writer.depth, 0);
  });

  test('a record is in one piece: it wraps when it does not fit before the end of the capacity', () => {
    const ring = smallRing();
    const writer = new RingWriter(ring);
    const reader = new RingReader(ring);
    ReaderSlot.claim(ring, 0);
    put(writer, 400, 1);
    put(writer, 400, 2);
    writer.begin(300);
    assert.equal(writer.recordStart, 0);
    assert.equal(ringWords(ring).tail, 0, 'nothing is retired before bytes arrive');
    writer.append(Buffer.alloc(300, 3), 0, 300);
    assert.equal(ringWords(ring).tail, 1, 'only what is overlapped is retired');
    writer.commit(0, 0, 0, 0);
    assert.equal(reader.peek(), -1);
    assert.equal(reader.skipToNewestKeyframe(), 3);
  });

  test('a rewound writer retires old records one by one, oldest first, although newer ones lie before them', () => {
    const ring = smallRing();
    const writer = new RingWriter(ring);
    const slot = ReaderSlot.claim(ring, 0);
    for (let i = 0; i < 5; i++) put(writer, 100, i);
    slot.publish(5);
    put(writer, 50, 5);
    assert.equal(ringWords(ring).tail, 1, 'records 1 to 4 are still there');
    slot.publish(6);
    writer.begin(50);
    assert.equal(writer.recordStart, 0);
    writer.append(Buffer.alloc(1), 0, 1);
    assert.equal(ringWords(ring).tail, 6, 'record 5 lay there, and 1 to 4 are older');
  });

  test('abandoned records do not drive out records that their bytes never reached', () => {
    const ring = smallRing();
    const writer = new RingWriter(ring);
    put(writer, 100, 0);
    for (let i = 0; i < 10; i++) {
      writer.begin(500);
      writer.abandon();
    }
    assert.equal(ringWords(ring).tail, 0);
  });

  test('a large declared length retires nothing, takes no capacity, and only its bytes take memory', () => {
    const ring = createRing({
      frames: 300,
      initialBytes: 64 * KiB,
      maximumBytes: 64 * KiB,
      hardMaximumBytes: 24 * KiB * KiB,
      gopCache: false,
    });
    const writer = new RingWriter(ring);
    const reader = new RingReader(ring);
    ReaderSlot.claim(ring, 0);
    for (let i = 0; i < 10; i++) put(writer, 5000, i);
    writer.begin(10 * KiB * KiB);
    assert.equal(writer.recordStart, 50_000);
    assert.equal(ringWords(ring).tail, 0);
    writer.abandon();
    assert.equal(writer.capacityBytes, 64 * KiB);
    put(writer, 20_000, 10);
    assert.equal(ringWords(ring).tail, 4, 'writing wraps where it did before');
    assert.equal(reader.peek(), -1);
  });

  test('two records of 10 MiB lie beside each other in 24 MiB', () => {
    const length = 10 * KiB * KiB;
    const ring = createRing({
      frames: 300,
      initialBytes: KiB * KiB,
      maximumBytes: 8 * KiB * KiB,
      hardMaximumBytes: 24 * KiB * KiB,
      gopCache: false,
    });
    const writer = new RingWriter(ring);
    const reader = new RingReader(ring);
    ReaderSlot.claim(ring, 0);
    for (let i = 0; i < 5; i++) put(writer, length, i);
    assert.equal(ringWords(ring).tail, 3);
    reader.skipToNewestKeyframe();
    assert.ok(ring.byteLength <= ring.maxByteLength);
  });

  test('at most `frames` records are kept', () => {
    const ring = smallRing({ frames: 4 });
    const writer = new RingWriter(ring);
    const reader = new RingReader(ring);
    ReaderSlot.claim(ring, 0);
    for (let i = 0; i < 4; i++) put(writer, 1, i);
    assert.equal(ringWords(ring).tail, 0);
    assert.equal(writer.depth, 4);
    put(writer, 1, 4);
    assert.equal(ringWords(ring).tail, 1);
    assert.equal(writer.depth, 4, 'lost records are no depth');
    assert.equal(reader.peek(), -1);
  });

  test('extend moves a record that no longer fits, with what was appended', () => {
    const ring = smallRing();
    const writer = new RingWriter(ring);
    const reader = new RingReader(ring);
    ReaderSlot.claim(ring, 0);
    put(writer, 400, 1);
    put(writer, 400, 2);
    writer.begin(200);
    writer.append(Buffer.alloc(200, 3), 0, 200);
    assert.equal(writer.recordStart, 800);
    assert.equal(ringWords(ring).tail, 0);
    writer.extend(100);
    assert.equal(writer.recordStart, 0);
    assert.equal(ringWords(ring).tail, 1);
    writer.append(Buffer.alloc(100, 3), 0, 100);
    writer.commit(recordFlag.keyframe, 0, 0, 0);
    assert.equal(reader.skipToNewestKeyframe(), 2);
    take(reader, 300, 3);
  });

  test('extend beyond the capacity grows in place, or moves to the front when even that is not enough', () => {
    const ring = smallRing({ hardMaximumBytes: 2000 });
    const writer = new RingWriter(ring);
    const reader = new RingReader(ring);
    ReaderSlot.claim(ring, 0);
    put(writer, 500, 1);
    writer.begin(400);
    writer.append(Buffer.alloc(400, 2), 0, 400);
    writer.extend(1000);
    assert.equal(writer.recordStart, 500);
    writer.append(Buffer.alloc(1000, 2), 0, 1000);
    assert.equal(ringWords(ring).tail, 0);
    writer.extend(200);
    assert.equal(writer.recordStart, 0, 'moved over its own old place');
    writer.append(Buffer.alloc(200, 2), 0, 200);
    writer.commit(recordFlag.keyframe, 0, 0, 0);
    reader.skipToNewestKeyframe();
    take(reader, 1600, 2);
  });
});

describe('capacity', () => {
  const options = { initialBytes: 256 * KiB, maximumBytes: 1024 * KiB, hardMaximumBytes: 2048 * KiB };

  test('follows the bitrate to about 2 s of it', () => {
    const writer = new RingWriter(smallRing(options));
    for (let i = 0; i < 90; i++) put(writer, 10_000, i, 0, i * 33_333);
    assert.ok(writer.capacityBytes >= 600_000 && writer.capacityBytes <= 900_000, `${writer.capacityBytes}`);
  });

  test('stops at the maximum, and never shrinks', () => {
    const writer = new RingWriter(smallRing(options));
    for (let i = 0; i < 90; i++) put(writer, 40_000, i, 0, i * 33_333);
    assert.equal(writer.capacityBytes, 1024 * KiB);
    for (let i = 90; i < 300; i++) put(writer, 100, i & 255, 0, i * 33_333);
    assert.equal(writer.capacityBytes, 1024 * KiB);
  });

  test('a burst of what a link has held back is not taken for a bitrate', () => {
    const writer = new RingWriter(smallRing(options));
    for (let i = 0; i < 60; i++) put(writer, 10_000, i, 0, i * 2_000);
    assert.ok(writer.capacityBytes >= 500_000 && writer.capacityBytes <= 800_000, `${writer.capacityBytes}`);
  });

  test('time stamps that run ten times too fast hide no bitrate', () => {
    const writer = new RingWriter(smallRing(options));
    for (let i = 0; i < 600; i++) put(writer, 1_000, i & 255, 0, i * 4_000);
    assert.ok(writer.capacityBytes >= 500_000 && writer.capacityBytes <= 800_000, `${writer.capacityBytes}`);
  });

  test('one keyframe at the start is not taken for a bitrate, nor is a clock that steps back', () => {
    const writer = new RingWriter(smallRing(options));
    put(writer, 50_000, 0, recordFlag.keyframe, 1e12);
    put(writer, 5_000, 1, 0, 1e12 + 33_000);
    assert.equal(writer.capacityBytes, 256 * KiB);
    put(writer, 5_000, 2, 0, 1e11);
    put(writer, 5_000, 3, 0, 1e11 + 33_000);
    assert.equal(writer.capacityBytes, 256 * KiB);
  });

  test('a later writer goes on with it', () => {
    const ring = smallRing(options);
    const writer = new RingWriter(ring);
    for (let i = 0; i < 90; i++) put(writer, 40_000, i, 0, i * 33_333);
    assert.equal(new RingWriter(ring).capacityBytes, 1024 * KiB);
    assert.equal(ringStatus(ring).capacityBytes, 1024 * KiB);
  });
});

describe('GOP cache', () => {
  test('drained or not, the newest group of pictures stays readable; a keyframe rewinds', () => {
    const ring = smallRing({ gopCache: true });
    const writer = new RingWriter(ring);
    const slot = ReaderSlot.claim(ring, 0);
    writer.startStream();
    put(writer, 200, 0, recordFlag.keyframe);
    for (let i = 1; i < 5; i++) {
      slot.publish(ringWords(ring).head);
      put(writer, 100, i);
    }
    const reader = new RingReader(ring);
    assert.ok(reader.seekNewestKeyframe());
    take(reader, 200, 0);
    for (let i = 1; i < 5; i++) take(reader, 100, i);

    slot.publish(ringWords(ring).head);
    writer.begin(200, true);
    assert.equal(writer.recordStart, 0);
  });

  test('the capacity follows a long group of pictures up to the maximum', () => {
    const ring = smallRing({ gopCache: true, maximumBytes: 2048 * KiB, hardMaximumBytes: 2048 * KiB });
    const writer = new RingWriter(ring);
    writer.startStream();
    put(writer, 20_000, 0, recordFlag.keyframe, 0);
    for (let i = 1; i < 200; i++) put(writer, 4_000, i, 0, i * 200_000);
    const reader = new RingReader(ring);
    assert.ok(reader.seekNewestKeyframe());
    assert.equal(reader.lag, 200);
  });

  test('without it a drained ring keeps little', () => {
    const ring = smallRing();
    const writer = new RingWriter(ring);
    writer.startStream();
    put(writer, 200, 0, recordFlag.keyframe);
    put(writer, 100, 1);
    assert.equal(new RingReader(ring).seekNewestKeyframe(), false);
  });
});

describe('parameters and side records', () => {
  test('a sequence header is a record in order and the parameters for readers that join', () => {
    const ring = smallRing();
    ReaderSlot.claim(ring, 0);
    const writer = new RingWriter(ring);
    const reader = new RingReader(ring);
    writer.startStream();
    assert.equal(reader.readParameters(), null);
    writer.writeSequenceHeader(Buffer.from('first'), 1, 2);
    put(writer, 3, 1);
    assert.equal(reader.peek(), 1);
    assert.equal(reader.kind, recordKind.sequenceHeader);
    assert.equal(payloadOf(reader).toString(), 'first');
    assert.equal(reader.dtsMs, 1);
    assert.equal(reader.arrivalUs, 2);
    reader.advance();
    assert.equal(reader.peek(), 1);
    const parameters = reader.readParameters();
    assert.equal(Buffer.from(parameters!.payload).toString(), 'first');
    assert.equal(parameters!.version, reader.parametersVersion);
    writer.writeSequenceHeader(Buffer.from('2nd'), 1, 2);
    assert.notEqual(reader.readParameters()!.version, parameters!.version);
    assert.equal(Buffer.from(reader.readParameters()!.payload).toString(), '2nd');
    assert.equal(Buffer.from(parameters!.payload).toString(), 'first', 'what was given out is a copy');
    writer.startStream();
    assert.equal(reader.readParameters(), null, 'a new stream has none');
  });

  test('parameters larger than their area are refused and change nothing', () => {
    const ring = smallRing();
    const writer = new RingWriter(ring);
    const reader = new RingReader(ring);
    assert.throws(() => writer.writeSequenceHeader(Buffer.alloc(parametersBytes + 1), 0, 0), RangeError);
    assert.equal(reader.peek(), 0);
    writer.writeSequenceHeader(Buffer.alloc(parametersBytes, 7), 0, 0);
    assert.equal(reader.readParameters()!.payload.length, parametersBytes);
  });

  test('a sequence header goes in front of an open record, wherever that has to move', () => {
    for (const before of [0, 880, 995]) {
      const ring = smallRing();
      const writer = new RingWriter(ring);
      const reader = new RingReader(ring);
      ReaderSlot.claim(ring, 0);
      put(writer, before, 1);
      take(reader, before, 1);
      writer.begin(100);
      writer.append(Buffer.alloc(60, 2), 0, 60);
      writer.writeSequenceHeader(Buffer.alloc(30, 9), 0, 0);
      assert.equal(writer.recordLength, 100);
      writer.append(Buffer.alloc(40, 2), 0, 40);
      writer.commit(recordFlag.parameterSets, 0, 0, 0);
      take(reader, 30, 9);
      assert.equal(reader.peek(), 1);
      assert.equal(reader.parametersVersion, reader.readParameters()!.version);
      take(reader, 100, 2);
    }
  });

  test('room is made for a sequence header in front of a record that wraps and so stays where it was', () => {
    const ring = smallRing();
    const writer = new RingWriter(ring);
    const reader = new RingReader(ring);
    ReaderSlot.claim(ring, 0);
    put(writer, 254, 1);
    writer.begin(493);
    writer.writeSequenceHeader(Buffer.alloc(254, 9), 0, 0);
    assert.equal(writer.recordStart, 254);
    assert.equal(reader.peek(), -1, 'the header lies where record 1 was');
  });

  test('metadata goes behind an open record, the newest only, also when that is abandoned', () => {
    const ring = smallRing();
    const writer = new RingWriter(ring);
    const reader = new RingReader(ring);
    ReaderSlot.claim(ring, 0);
    writer.writeMetadata(Buffer.alloc(5, 1), 0, 0);
    writer.begin(10);
    writer.append(Buffer.alloc(5, 2), 0, 5);
    writer.writeMetadata(Buffer.alloc(6, 3), 0, 0);
    writer.writeMetadata(Buffer.alloc(7, 4), 0, 0);
    writer.append(Buffer.alloc(5, 2), 0, 5);
    writer.commit(0, 0, 0, 0);
    writer.begin(10);
    writer.writeMetadata(Buffer.alloc(8, 5), 0, 0);
    writer.abandon();
    take(reader, 5, 1);
    take(reader, 10, 2);
    take(reader, 7, 4);
    assert.equal(reader.kind, recordKind.metadata);
    take(reader, 8, 5);
    assert.equal(reader.peek(), 0);
  });

  test('the end of a stream is a record without payload, and an open record is given up', () => {
    const ring = smallRing();
    const writer = new RingWriter(ring);
    const reader = new RingReader(ring);
    writer.startStream();
    assert.ok(ringStatus(ring).live);
    put(writer, 5, 1);
    writer.begin(10);
    writer.endStream();
    assert.equal(writer.open, false);
    assert.equal(ringStatus(ring).live, false);
    take(reader, 5, 1);
    take(reader, 0, 0);
    assert.equal(reader.kind, recordKind.endOfStream);
    assert.equal(reader.dtsMs, 40);
  });
});

describe('one writer after another', () => {
  test('a new writer goes on behind the committed head; what its predecessor left open is never seen', () => {
    const ring = smallRing();
    const slot = ReaderSlot.claim(ring, 0);
    const reader = new RingReader(ring);
    const first = new RingWriter(ring);
    assert.equal(first.startStream(), 1);
    put(first, 100, 1);
    put(first, 100, 2);
    first.begin(500);
    first.append(Buffer.alloc(300, 99), 0, 300);

    const second = new RingWriter(ring);
    assert.equal(second.generation, 1);
    assert.equal(second.startStream(), 2);
    second.begin(50);
    assert.equal(second.recordStart, 200);
    second.append(Buffer.alloc(50, 3), 0, 50);
    second.commit(0, 0, 0, 0);
    take(reader, 100, 1);
    take(reader, 100, 2);
    assert.equal(reader.generation, 1);
    take(reader, 50, 3);
    assert.equal(reader.generation, 2);
    slot.release();
  });

  test('a writer that died after wrapping leaves its readers what it had not overwritten', () => {
    const ring = smallRing();
    ReaderSlot.claim(ring, 0);
    const reader = new RingReader(ring);
    const first = new RingWriter(ring);
    for (let i = 0; i < 9; i++) put(first, 100, i);
    first.begin(250);
    first.append(Buffer.alloc(150, 99), 0, 150);

    const second = new RingWriter(ring);
    put(second, 100, 9);
    assert.equal(reader.peek(), -1);
    const late = new RingReader(ring);
    assert.equal(late.lag, 0);
    assert.equal(ringWords(ring).tail, 2);
    put(second, 150, 10, recordFlag.keyframe);
    assert.equal(ringWords(ring).tail, 2, 'wrapped into the room that the dead writer had made');
    assert.equal(reader.skipToNewestKeyframe(), 10);
    take(reader, 150, 10);
  });

  test('a writer that died while it wrote the parameters leaves none', () => {
    const ring = smallRing();
    const first = new RingWriter(ring);
    const reader = new RingReader(ring);
    first.writeSequenceHeader(Buffer.from('old'), 0, 0);
    const { words } = new RingMemory(ring);
    Atomics.add(words, writerWord.parametersVersion, 1);
    assert.equal(reader.readParameters(), null, 'unsteady, and the reader does not hang');
    const second = new RingWriter(ring);
    assert.equal(reader.readParameters(), null);
    second.writeSequenceHeader(Buffer.from('new'), 0, 0);
    assert.equal(Buffer.from(reader.readParameters()!.payload).toString(), 'new');
  });
});

test('sequence numbers wrap at 2^31 and at 2^32 although 300 slots do not divide it', () => {
  for (const firstSequence of [0x7fff_fff0, 0xffff_ff00]) {
    const ring = smallRing({ firstSequence, initialBytes: 50_000, maximumBytes: 50_000 });
    ReaderSlot.claim(ring, 0);
    const writer = new RingWriter(ring);
    const reader = new RingReader(ring);
    for (let i = 0; i < 700; i++) {
      put(writer, 20, i & 255, recordFlag.keyframe);
      if (i % 3 === 1) continue;
      if (reader.peek() === -1) reader.skipToNewestKeyframe();
      while (reader.peek() === 1) {
        assert.equal(payloadOf(reader)[0], (reader.sequence - firstSequence) & 255);
        reader.advance();
      }
    }
    assert.equal(reader.cursor, (firstSequence + 700) | 0);
    assert.ok(reader.lostVideo <= 2, 'at the wrap a reader may lose what it had not read');
  }
});

test('at the wrap of the sequence no record that can still be read loses its descriptor to a new one', () => {
  const ring = smallRing({ firstSequence: -299, initialBytes: 50_000, maximumBytes: 50_000 });
  ReaderSlot.claim(ring, 0);
  const writer = new RingWriter(ring);
  const laggard = new RingReader(ring);
  for (let i = 0; i < 300; i++) put(writer, 20, i & 255);
  // Sequence 0 takes slot 0, where sequence -296 lay: 2^32 is not a multiple of 300.
  assert.equal(laggard.peek(), -1);
  assert.equal(ringWords(ring).tail, 0);
  assert.equal(laggard.skipToNewestKeyframe(), 300);
});
