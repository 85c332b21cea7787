import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { publishCommands } from '../../../native-free-bench/system/rtmp-dialogue.ts';
import { frameHeadLength, SyntheticStream } from '../../../native-free-bench/system/synthetic-stream.ts';

describe('synthetic stream', () => {
  const shape = { bitsPerSecond: 4.67e6, framesPerSecond: 30, gop: 60, chunkSize: 4096 };
  const stream = new SyntheticStream(shape);

  test('the mean of all frames is the bit rate asked for', () => {
    const bitsPerSecond = stream.meanFrameBytes * 8 * shape.framesPerSecond;
    assert.ok(Math.abs(bitsPerSecond / shape.bitsPerSecond - 1) < 0.01, `${bitsPerSecond}`);
  });

  test('one frame of a GOP is an IDR, and it is several times larger than the others', () => {
    const kinds = Array.from({ length: 120 }, (_, i) => stream.frame(i).keyframe);
    assert.equal(kinds.filter(Boolean).length, 2);
    assert.ok(kinds[0] && kinds[60]);
    assert.ok(stream.idr.bytes.length > 5 * stream.predicted[0]!.bytes.length);
  });

  test('payload holds no start code and chunk headers stand at every chunk size', () => {
    const bytes = stream.idr.bytes;
    const length = bytes.readUIntBE(4, 3);
    const body = Buffer.alloc(length);
    let at = 12;
    let filled = 0;
    while (filled < length) {
      if (filled > 0) assert.equal(bytes[at++], 0xc6);
      const step = Math.min(4096, length - filled);
      bytes.copy(body, filled, at, at + step);
      at += step;
      filled += step;
    }
    assert.equal(at, bytes.length);
    assert.equal(body.indexOf(Buffer.from([0, 0, 1]), 9), -1);
    assert.equal(body[9 + 36 + 4], 0x65);
    // Length prefixes walk exactly to the end of the body.
    let nal = 5;
    while (nal < length) nal += 4 + body.readUInt32BE(nal);
    assert.equal(nal, length);
  });

  test('patching changes only the head, and a replaced template leaves the old bytes alone', () => {
    const template = stream.predicted[1]!;
    template.patch(0, 0, 0, 0, 0);
    const before = Buffer.from(template.bytes);
    template.patch(40_000, 900, 70_000, 5e12, 77);
    assert.ok(!before.subarray(0, frameHeadLength).equals(template.bytes.subarray(0, frameHeadLength)));
    assert.ok(before.subarray(frameHeadLength).equals(template.bytes.subarray(frameHeadLength)));
    const old = template.bytes;
    const kept = Buffer.from(old);
    template.replace();
    template.patch(1, 1, 1, 1, 1);
    assert.ok(old.equals(kept));
  });

  test('commands longer than the chunk size are split', () => {
    const commands = publishCommands({ app: 'live', name: 'stream1', port: 1935 }, 128);
    assert.ok(commands.includes('publish'));
    assert.equal(commands.indexOf(0xc3, 1536 + 16 + 12), 1536 + 16 + 12 + 128);
  });
});
