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
