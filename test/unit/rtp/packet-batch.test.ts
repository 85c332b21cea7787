import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { PacketBatch } from '../../../src/rtp/packet-batch.ts';

describe('packet batch', () => {
  test('growing keeps the bytes and the offsets that are in it', () => {
    const batch = new PacketBatch(16);
    batch.buffer.write('0123456789');
    batch.length = 10;
    batch.starts[0] = 4;
    batch.ends[0] = 10;
    batch.count = 1;
    batch.reserve(100, 1000);
    assert.equal(batch.buffer.toString('latin1', 0, 10), '0123456789');
    assert.ok(batch.buffer.length >= 110);
    assert.ok(batch.starts.length >= 1001 && batch.ends.length >= 1001);
    assert.deepEqual([batch.starts[0], batch.ends[0]], [4, 10]);
  });

  test('a reserve that fits leaves the buffer where it is', () => {
    const batch = new PacketBatch(64);
    const { buffer } = batch;
    batch.reserve(64, 1);
    assert.equal(batch.buffer, buffer);
  });

  test('instead of a lent buffer there is another one of the first size, and the batch is empty', () => {
    const batch = new PacketBatch(32);
    batch.reserve(1000, 1);
    const grown = batch.buffer;
    batch.length = 900;
    batch.count = 1;
    batch.lendBuffer();
    assert.notEqual(batch.buffer, grown);
    assert.equal(batch.buffer.length, 32);
    assert.deepEqual([batch.length, batch.count], [0, 0]);
  });

  test('a lent buffer that comes back is used again, unless it has grown', () => {
    const batch = new PacketBatch(32);
    const lent = batch.lendBuffer();
    batch.giveBack(lent);
    batch.reserve(1000, 1);
    batch.giveBack(batch.lendBuffer());
    assert.equal(batch.buffer, lent);
    batch.lendBuffer();
    assert.equal(batch.buffer.length, 32, 'the grown one was let go');
  });

  test('what grew for a picture far larger than usual is let go when usual ones follow, not between readers of it', () => {
    const batch = new PacketBatch(64 * 1024);
    const huge = 40 * 1024 * 1024;
    const build = (bytes: number, packets: number) => {
      batch.reset();
      batch.reserve(bytes, packets);
      batch.length = bytes;
      batch.count = packets;
    };
    build(huge, 1_000_000);
    const grown = batch.buffer;
    for (let reader = 0; reader < 1000; reader++)
      build(reader % 4 === 0 ? huge : 1000, reader % 4 === 0 ? 1_000_000 : 1);
    assert.equal(batch.buffer, grown);
    for (let picture = 0; picture < 100; picture++) build(1000, 1);
    assert.ok(batch.buffer.length <= 64 * 1024);
    assert.ok(batch.starts.length <= 1024 && batch.ends.length <= 1024);
    // A large keyframe in each second is usual.
    build(4_000_000, 3000);
    const large = batch.buffer;
    for (let picture = 0; picture < 1000; picture++) build(1000, 1);
    assert.equal(batch.buffer, large);
  });

  test('an index that grew for many small packets is let go also when the buffer was lent', () => {
    const batch = new PacketBatch(1024);
    batch.reserve(2000, 1_000_000);
    batch.length = 2000;
    batch.count = 1_000_000;
    batch.lendBuffer();
    for (let picture = 0; picture < 100; picture++) batch.reset();
    assert.ok(batch.starts.length <= 1024);
  });

  test('reset keeps the grown buffer', () => {
    const batch = new PacketBatch(32);
    batch.reserve(1000, 1);
    const grown = batch.buffer;
    batch.length = 900;
    batch.count = 3;
    batch.reset();
    assert.equal(batch.buffer, grown);
    assert.deepEqual([batch.length, batch.count], [0, 0]);
  });
});
