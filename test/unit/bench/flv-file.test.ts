import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { demoClipFile, describeClip } from '../../../scripts/demo-clip.ts';
import { clipOf, isKeyframe, parseFlv, readClip } from '../../../scripts/flv-file.ts';

function tag(type: number, timestampMs: number, body: number[]): Buffer {
  const bytes = Buffer.alloc(11 + body.length + 4);
  bytes[0] = type;
  bytes.writeUIntBE(body.length, 1, 3);
  bytes.writeUIntBE(timestampMs % 0x1000000, 4, 3);
  bytes[7] = Math.floor(timestampMs / 0x1000000);
  Buffer.from(body).copy(bytes, 11);
  bytes.writeUInt32BE(11 + body.length, 11 + body.length);
  return bytes;
}

const header = Buffer.from([0x46, 0x4c, 0x56, 1, 5, 0, 0, 0, 9, 0, 0, 0, 0]);

describe('FLV file', () => {
  const file = Buffer.concat([
    header,
    tag(18, 0, [2]),
    tag(9, 0, [0x17, 0, 0, 0, 0, 1]),
    tag(8, 0x1000010, [0xaf, 1]),
    tag(9, 0x1000010, [0x17, 1, 0, 0, 0, 9]),
    tag(9, 0x1000038, [0x27, 1, 0, 0, 0, 8]),
  ]);

  test('tags come back with all 32 bits of their timestamps', () => {
    const tags = parseFlv(file);
    assert.deepEqual(
      tags.map((one) => [one.type, one.timestampMs, one.body.length]),
      [
        [18, 0, 1],
        [9, 0, 6],
        [8, 0x1000010, 2],
        [9, 0x1000010, 6],
        [9, 0x1000038, 6],
      ],
    );
  });

  test('a clip starts at 0, leaves audio out and lasts as long as its last frame', () => {
    const clip = clipOf(parseFlv(file));
    assert.deepEqual(
      clip.frames.map((frame) => frame.timestampMs),
      [0, 40],
    );
    assert.equal(clip.headers.length, 1);
    assert.equal(clip.durationMs, 80);
    assert.deepEqual(clip.frames.map(isKeyframe), [true, false]);
  });

  test('a file that ends inside a tag, another format and a clip without video are errors', () => {
    for (const length of [header.length + 5, file.length - 6])
      assert.throws(() => parseFlv(file.subarray(0, length)), /ends inside/);
    assert.throws(() => parseFlv(Buffer.from('RIFF and so on')), /no FLV/);
    assert.throws(() => clipOf(parseFlv(Buffer.concat([header, tag(8, 0, [1, 2])]))), /no H.264/);
  });

  test('the demo clip is what the demo needs: 10 s, keyframes every 2 s, no B-frames', () => {
    assert.match(describeClip(demoClipFile), /^250 frames, 5 keyframes, 10000 ms/);
    const clip = readClip(demoClipFile);
    const keyframes = clip.frames.flatMap((frame, index) => (isKeyframe(frame) ? [index] : []));
    assert.deepEqual(keyframes, [0, 50, 100, 150, 200]);
  });
});
