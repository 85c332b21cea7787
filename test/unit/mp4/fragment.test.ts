import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { type Fragment, FragmentWriter, mostSamples } from '../../../src/mp4/fragment.ts';
import { readSamples } from '../../support/mp4-reader.ts';

function bytesOf({ memory, offset, length }: Fragment): Buffer {
  return Buffer.from(memory, offset, length);
}

describe('a fragment', () => {
  test('of one sample is these bytes', () => {
    const writer = new FragmentWriter();
    writer.add(Buffer.from('xx\0\0\0\x02\x65\x88x', 'latin1'), 2, 8, true, 0);
    writer.lengthen(40);
    const expected = [
      '00000068 6d6f6f66', // moof
      '00000010 6d666864 00000000 00000001', // mfhd: number 1
      '00000050 74726166', // traf
      '00000010 74666864 00020000 00000001', // tfhd: default-base-is-moof, track 1
      '00000014 74666474 01000000 0000000100000002', // tfdt: 64 bits
      '00000024 7472756e 01000f01 00000001 00000070', // trun: one sample, 112 bytes from here
      '00000028 00000006 02000000 00000000', // 40 ms, 6 bytes, a sync sample, presented when it is decoded
      '0000000e 6d646174 000000026588', // mdat
    ];
    assert.equal(bytesOf(writer.finish(2 ** 32 + 2)).toString('hex'), expected.join('').replaceAll(' ', ''));
  });

  test('gives back what was put in, with offsets of either sign', () => {
    const writer = new FragmentWriter();
    const source = Buffer.from(Array.from({ length: 200 }, (_, i) => i));
    writer.add(source, 0, 100, true, 0);
    writer.lengthen(40);
    writer.add(source, 100, 150, false, 80);
    writer.lengthen(20);
    writer.lengthen(21);
    writer.add(source, 150, 151, false, -40);
    writer.lengthen(39);
    assert.equal(writer.bytes, 151);
    assert.deepEqual(readSamples(bytesOf(writer.finish(7))), [
      { decodeMs: 7, durationMs: 40, compositionMs: 0, isSync: true, data: source.subarray(0, 100) },
      { decodeMs: 47, durationMs: 41, compositionMs: 80, isSync: false, data: source.subarray(100, 150) },
      { decodeMs: 88, durationMs: 39, compositionMs: -40, isSync: false, data: source.subarray(150, 151) },
    ]);
    assert.deepEqual([writer.count, writer.bytes], [0, 0]);
  });

  test('forgets the sample that is taken back, and all samples that are discarded', () => {
    const writer = new FragmentWriter();
    const source = Buffer.alloc(10_000, 1);
    writer.add(source, 0, 5, true, 0);
    writer.add(source, 0, 10_000, false, 0);
    writer.undo();
    writer.add(Buffer.from([9]), 0, 1, false, 0);
    assert.deepEqual(
      readSamples(bytesOf(writer.finish(0))).map(({ data }) => data.toString('hex')),
      ['0101010101', '09'],
    );
    writer.add(source, 0, 5, true, 0);
    writer.discard();
    writer.add(source, 0, 6, true, 0);
    assert.deepEqual(
      readSamples(bytesOf(writer.finish(0))).map(({ data }) => data.length),
      [6],
    );
  });

  test('grows with its samples, up to the last one that fits in the head', () => {
    const writer = new FragmentWriter();
    for (let i = 0; i < mostSamples; i++) {
      assert.equal(writer.full, false);
      writer.add(Buffer.alloc(1000 * (i + 1), i), 0, 1000 * (i + 1), i === 0, 0);
      writer.lengthen(1);
    }
    assert.equal(writer.full, true);
    const samples = readSamples(bytesOf(writer.finish(0)));
    assert.equal(samples.length, mostSamples);
    for (const [i, { data }] of samples.entries()) assert.ok(data.equals(Buffer.alloc(1000 * (i + 1), i)));
  });

  test('has memory of its own, so that it can be given away; numbers count on', () => {
    const writer = new FragmentWriter();
    const fragments = [1, 2, 3].map((value) => {
      writer.add(Buffer.alloc(100, value), 0, 100, true, 0);
      return writer.finish(0);
    });
    assert.equal(new Set(fragments.map(({ memory }) => memory)).size, 3);
    const numbers = fragments.map((fragment) => bytesOf(fragment).readUInt32BE(20));
    assert.deepEqual(numbers, [1, 2, 3]);
    for (const { memory } of fragments) structuredClone(memory, { transfer: [memory] });
    writer.add(Buffer.alloc(5, 4), 0, 5, true, 0);
    assert.equal(readSamples(bytesOf(writer.finish(0))).length, 1);
  });

  test('is made in memory that came back, where that is large enough', () => {
    const writer = new FragmentWriter();
    const make = (bytes: number) => {
      writer.add(Buffer.alloc(bytes, bytes), 0, bytes, true, 0);
      const fragment = writer.finish(0);
      assert.ok(readSamples(bytesOf(fragment))[0]!.data.equals(Buffer.alloc(bytes, bytes)));
      return fragment.memory;
    };
    const first = make(20_000);
    writer.recycle(first);
    assert.equal(make(10_000), first);
    writer.recycle(first);
    const larger = make(40_000);
    assert.notEqual(larger, first);
    writer.recycle(larger);
    assert.equal(make(40_000), larger);
  });

  test('keeps little memory: two pieces, and none of an extraordinary size', () => {
    const writer = new FragmentWriter();
    for (let i = 0; i < 5; i++) writer.recycle(new ArrayBuffer(10_000));
    writer.recycle(new ArrayBuffer(8 * 1024 * 1024));
    const sizes = [1, 2, 3].map(() => {
      writer.add(Buffer.alloc(5), 0, 5, true, 0);
      return writer.finish(0).memory.byteLength;
    });
    assert.deepEqual(sizes.slice(0, 2), [10_000, 10_000]);
    assert.notEqual(sizes[2], 10_000);
  });
});
