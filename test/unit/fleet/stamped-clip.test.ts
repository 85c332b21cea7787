import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { describe, test } from 'node:test';
import { crc32 } from 'node:zlib';
import { Stamp, stampNalLength } from '../../../native-free-bench/system/stamp.ts';
import { SyntheticStream } from '../../../native-free-bench/system/synthetic-stream.ts';
import { chunkPayload } from '../../../scripts/fleet/chunk-payload.ts';
import { frameNumber, runFactor, syntheticBook } from '../../../scripts/fleet/frame-book.ts';
import { StampedClip } from '../../../scripts/fleet/stamped-clip.ts';
import { clipOf, parseFlv } from '../../../scripts/flv-file.ts';

const file = readFileSync(resolve(import.meta.dirname, '../../../assets/demo-clip.flv'));

interface Unit {
  readonly type: number;
  readonly bytes: Buffer;
}

function units(body: Buffer): Unit[] {
  const found: Unit[] = [];
  for (let at = 5; at < body.length; ) {
    const end = at + 4 + body.readUInt32BE(at);
    found.push({ type: body[at + 4]! & 0x1f, bytes: body.subarray(at + 4, end) });
    at = end;
  }
  return found;
}

describe('a clip with stamps', () => {
  const clip = new StampedClip(file, 25);
  const before = clipOf(parseFlv(file));
  const after = clipOf(parseFlv(clip.render(12, 3, 123_456_789)));

  test('every frame says camera, run, number and start, in front of its slices', () => {
    assert.equal(after.frames.length, before.frames.length);
    const stamp = new Stamp();
    for (const [index, { body }] of after.frames.entries()) {
      const all = units(body);
      const sei = all.findIndex(({ bytes }) => stamp.read(bytes, 0, bytes.length));
      assert.equal(all[sei + 1]!.type, all.find(({ type }) => type <= 5)!.type);
      assert.deepEqual(
        [stamp.publisher, stamp.frame, stamp.dueUs],
        [12, 3 * runFactor + index, 123_456_789],
        `frame ${index}`,
      );
    }
  });

  test('nothing else is changed', () => {
    assert.deepEqual(after.headers, before.headers);
    assert.deepEqual(
      after.frames.map(({ timestampMs }) => timestampMs),
      before.frames.map(({ timestampMs }) => timestampMs),
    );
    for (const [index, { body }] of before.frames.entries()) {
      const rest = units(after.frames[index]!.body).filter(({ bytes }) => bytes.length !== stampNalLength);
      assert.deepEqual(
        rest,
        units(body).filter(({ bytes }) => bytes.length !== stampNalLength),
      );
    }
  });

  test('the book holds the checksum of the slices of each frame', () => {
    const { checksums, period, numbersRepeat } = clip.book;
    assert.deepEqual([period, numbersRepeat], [before.frames.length, true]);
    const expected = before.frames.map(({ body }) =>
      units(body)
        .filter(({ type }) => type >= 1 && type <= 5)
        .reduce((sum, { bytes }) => crc32(bytes, sum), 0),
    );
    assert.deepEqual([...checksums], expected);
  });

  test('two cameras have different files of the same length', () => {
    const [one, other] = [clip.render(0, 0, 0), clip.render(1, 0, 0)];
    assert.equal(one.length, other.length);
    assert.notDeepEqual(one, other);
  });

  test('what is no H.264 clip is refused', () => {
    assert.throws(() => new StampedClip(Buffer.from('no clip'), 25), /no FLV file/);
    assert.throws(() => new StampedClip(file.subarray(0, 13), 25), /no H.264 frame/);
  });
});

describe('the book of synthetic frames', () => {
  test('holds the checksum of each frame as it is sent', () => {
    const stream = new SyntheticStream({ bitsPerSecond: 4e6, framesPerSecond: 30, gop: 6, chunkSize: 1000 });
    const book = syntheticBook(stream, 'all');
    assert.deepEqual([book.period, book.numbersRepeat], [12, false]);
    for (let index = 0; index < 2 * book.period; index++) {
      const body = chunkPayload(stream.frame(index).bytes, 12, 1000);
      const slice = units(body).at(-1)!;
      assert.equal(slice.type, index % 6 === 0 ? 5 : 1);
      assert.equal(book.checksums[index % book.period], crc32(slice.bytes), `frame ${index}`);
    }
  });

  test('numbers of runs and frames stay in their parts of the stamp', () => {
    assert.equal(frameNumber(0, 5), 5);
    assert.equal(frameNumber(2, 5), 2 * runFactor + 5);
    assert.equal(frameNumber(256, 5), 5);
    assert.ok(frameNumber(255, runFactor - 1) < 2 ** 28);
  });
});
