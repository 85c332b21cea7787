import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { createRing, recordFlag, recordKind } from '../../../src/shm/frame-ring.ts';
import { RingReader } from '../../../src/shm/ring-reader.ts';
import { RingWriter } from '../../../src/shm/ring-writer.ts';
import { scratchBytes } from '../../../src/shm/scratch-pool.ts';

const kept = 64;

function rig(gopCache = false) {
  const ring = createRing({
    frames: 100,
    initialBytes: 1024 * 1024,
    maximumBytes: 1024 * 1024,
    hardMaximumBytes: 1024 * 1024,
    gopCache,
  });
  const state = { read: false, threads: 1, isRead: () => state.read };
  const writer = new RingWriter(ring, state);
  writer.startStream();
  const write = (fill: number, flags = 0, length = 100) => {
    writer.begin(length, (flags & recordFlag.keyframe) !== 0);
    writer.append(Buffer.alloc(length, fill), 0, length);
    writer.commit(flags, fill, 0, fill * 1000);
  };
  return { ring, writer, state, write };
}

describe('a camera that nobody reads', () => {
  test('keeps the first records of a stream, for a reader that is just arriving', () => {
    const { ring, write } = rig();
    const reader = new RingReader(ring);
    write(1, recordFlag.keyframe);
    assert.equal(reader.peek(), 1);
  });

  test('keeps no record after that, and nothing old to start at', () => {
    const { ring, write } = rig();
    for (let i = 0; i < kept + 10; i++) write(i, recordFlag.keyframe);
    const reader = new RingReader(ring);
    assert.equal(reader.seekNewestKeyframe(), false);
    assert.equal(reader.peek(), 0);
  });

  test('says so, until something lies in the ring again', () => {
    const { ring, writer, state, write } = rig();
    for (let i = 0; i < kept; i++) write(i);
    assert.equal(writer.unread, false);
    write(kept);
    assert.equal(writer.unread, true);
    assert.equal(writer.depth, 0);
    writer.writeMetadata(Buffer.from('metadata'), 0, 0);
    assert.equal(writer.unread, false);
    write(kept + 1);
    assert.equal(writer.unread, true);
    assert.equal(new RingReader(ring).peek(), 0, 'the metadata went with the next record that was not kept');
    state.read = true;
    write(kept + 2);
    assert.equal(writer.unread, false);
  });

  test('its open record can be looked at and cut like any other', () => {
    const { writer, write } = rig();
    for (let i = 0; i < kept; i++) write(i);
    writer.begin(10);
    writer.append(Buffer.from('abcdefghij'), 0, 10);
    const { buffer, recordStart, recordLength } = writer;
    assert.equal(buffer.toString('latin1', recordStart, recordStart + recordLength), 'abcdefghij');
    writer.commitPrefix(4, 0, 1, 0, 1);
    assert.equal(
      writer.buffer.toString('latin1', writer.recordStart, writer.recordStart + writer.recordLength),
      'efghij',
    );
    writer.truncate(3);
    writer.extend(2);
    writer.append(Buffer.from('XY'), 0, 2);
    assert.equal(
      writer.buffer.toString('latin1', writer.recordStart, writer.recordStart + writer.recordLength),
      'efgXY',
    );
    writer.abandon();
    assert.equal(writer.open, false);
  });

  test('the first record that begins after a reader came is the first it gets', () => {
    const { ring, writer, state, write } = rig();
    for (let i = 0; i < kept; i++) write(i);
    writer.begin(5);
    const reader = new RingReader(ring);
    state.read = true;
    writer.append(Buffer.from('early'), 0, 5);
    writer.commit(0, 1000, 0, 1000);
    write(7, recordFlag.keyframe, 3);
    assert.equal(reader.peek(), 1);
    assert.deepEqual([...reader.buffer.subarray(reader.offset, reader.offset + reader.length)], [7, 7, 7]);
    reader.advance();
    assert.equal(reader.peek(), 0);
  });

  test('a reader that joins finds the parameters that were written meanwhile', () => {
    const { ring, writer, write } = rig();
    for (let i = 0; i < kept; i++) write(i);
    writer.begin(5);
    writer.writeSequenceHeader(Buffer.from('sets'), 0, 0);
    writer.abandon();
    assert.equal(Buffer.from(new RingReader(ring).readParameters()!.payload).toString(), 'sets');
  });

  test('a record that outgrows the scratch buffer goes on in the ring', () => {
    const { ring, writer, write } = rig();
    for (let i = 0; i < kept; i++) write(i);
    const reader = new RingReader(ring);
    const first = Buffer.alloc(scratchBytes, 1);
    const second = Buffer.alloc(1000, 2);
    writer.begin(first.length);
    writer.append(first, 0, first.length);
    writer.extend(second.length);
    writer.append(second, 0, second.length);
    writer.commit(recordFlag.keyframe, 5000, 0, 5000);
    assert.equal(reader.peek(), 1);
    assert.equal(reader.kind, recordKind.video);
    const payload = reader.buffer.subarray(reader.offset, reader.offset + reader.length);
    assert.ok(payload.equals(Buffer.concat([first, second])));
  });

  test('two writers of a thread do not share an open record', () => {
    const one = rig();
    const other = rig();
    for (let i = 0; i < kept; i++) {
      one.write(i);
      other.write(i);
    }
    one.writer.begin(3);
    other.writer.begin(3);
    one.writer.append(Buffer.from('one'), 0, 3);
    other.writer.append(Buffer.from('two'), 0, 3);
    const { buffer, recordStart } = one.writer;
    assert.equal(buffer.toString('latin1', recordStart, recordStart + 3), 'one');
  });

  test('with the GOP cache everything is kept', () => {
    const { ring, write } = rig(true);
    for (let i = 0; i < kept + 10; i++) write(i, i % 10 === 0 ? recordFlag.keyframe : 0);
    assert.equal(new RingReader(ring).seekNewestKeyframe(), true);
  });
});
