import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { crc32 } from 'node:zlib';
import { SyntheticStream } from '../../../native-free-bench/system/synthetic-stream.ts';
import { type ByteCheck, SliceSum } from '../../../scripts/fleet/byte-check.ts';
import { syntheticBook } from '../../../scripts/fleet/frame-book.ts';
import { partsOf, promptReaders } from '../../../scripts/fleet/reader-threads.ts';

const bytes = Buffer.from(Array.from({ length: 5000 }, (_, i) => (i * 31) & 0xff));

function sumOf(check: ByteCheck, ...pieces: Buffer[]): number {
  const sum = new SliceSum(check);
  for (const piece of pieces) sum.add(piece, 0, piece.length);
  return sum.take();
}

describe('the sum of a frame', () => {
  test('does not depend on where its packets were cut', () => {
    for (const check of ['sample', 'all'] as const) {
      const whole = sumOf(check, bytes);
      for (const cut of [1, 255, 256, 257, 1400, 4999])
        assert.equal(sumOf(check, bytes.subarray(0, cut), bytes.subarray(cut)), whole, `${check}, ${cut}`);
    }
    assert.equal(sumOf('all', bytes), crc32(bytes));
    assert.equal(sumOf('none', bytes), 0);
  });

  test('a sample sees a missing, a further, a shifted and a sampled byte that is wrong', () => {
    const good = sumOf('sample', bytes);
    assert.notEqual(sumOf('sample', bytes.subarray(0, -1)), good);
    assert.notEqual(sumOf('sample', bytes, Buffer.of(0)), good);
    assert.notEqual(sumOf('sample', bytes.subarray(1), bytes.subarray(0, 1)), good);
    const wrong = Buffer.from(bytes);
    wrong[512]! ^= 1;
    assert.notEqual(sumOf('sample', wrong), good);
  });

  test('begins anew for the next frame', () => {
    const sum = new SliceSum('sample');
    sum.add(bytes, 0, 700);
    sum.take();
    sum.add(bytes, 0, bytes.length);
    assert.equal(sum.take(), sumOf('sample', bytes));
  });

  test('tells all kinds of synthetic frames apart', () => {
    const stream = new SyntheticStream({ bitsPerSecond: 4e6, framesPerSecond: 30, gop: 60, chunkSize: 4096 });
    const { checksums } = syntheticBook(stream, 'sample');
    assert.equal(new Set(checksums).size, 5);
  });
});

describe('the threads of the readers', () => {
  const options = (count: number, measureLatency: boolean) => ({
    host: 'h',
    port: 1,
    cameras: Array.from({ length: count }, (_, i) => ({ url: `rtsp://h/${i}`, book: 0 })),
    books: [],
    credentials: null,
    checkBytes: 'sample' as const,
    measureLatency,
  });

  test('every camera is read by one of them, under its own number', () => {
    const parts = partsOf(options(250, true), promptReaders);
    assert.deepEqual(
      parts.map(({ cameras, firstCamera = 0, restMs = 0, measureLatency }) => [
        cameras.length,
        firstCamera,
        restMs > 0,
        measureLatency,
      ]),
      [
        [promptReaders, 0, false, true],
        [250 - promptReaders, promptReaders, true, false],
      ],
    );
    assert.equal(parts[1]!.cameras[0]!.url, `rtsp://h/${promptReaders}`);
  });

  test('few cameras, and those of FFmpeg, are read by one thread that takes every frame at once', () => {
    assert.deepEqual(partsOf(options(promptReaders, true), promptReaders), [options(promptReaders, true)]);
    assert.deepEqual(partsOf(options(500, false), promptReaders), [options(500, false)]);
  });
});
