import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { videoCodecName } from '../../src/flv/video-codec.ts';
import { decodeVideoTag, VideoTag, videoHeadBytes, videoKind } from '../../src/flv/video-tag.ts';

const fourCcs = ['avc1', 'hvc1', 'av01', 'zzzz'].map((code) => Buffer.from(code));

/** Random bytes, and bodies that begin like real ones. */
const body = fc.oneof(
  fc.uint8Array({ maxLength: 40 }),
  fc
    .tuple(
      fc.integer({ min: 0x80, max: 0xff }),
      fc.uint8Array({ maxLength: 12 }),
      fc.constantFrom(...fourCcs),
      fc.uint8Array({ maxLength: 30 }),
    )
    .map(([first, extra, code, rest]) => new Uint8Array(Buffer.concat([Buffer.from([first]), extra, code, rest]))),
);

test('any bytes decode to a kind, with the payload inside the message', () => {
  fc.assert(
    fc.property(body, fc.nat(5), (bytes, margin) => {
      const tag = new VideoTag();
      const around = Buffer.concat([Buffer.alloc(margin, 0xff), bytes, Buffer.alloc(margin, 0xff)]);
      decodeVideoTag(tag, around, margin, margin + bytes.length);
      assert.ok(tag.kind >= videoKind.frames && tag.kind <= videoKind.otherCodec);
      assert.ok(tag.start >= margin && tag.start <= tag.end && tag.end <= margin + bytes.length);
      assert.ok(tag.compositionMs >= -0x800000 && tag.compositionMs <= 0x7fffff);
      assert.match(videoCodecName(tag.codec), /^[\x20-\x7e]{2,24}$/);
    }),
    { numRuns: 5000 },
  );
});

test('what is behind the head does not change what the head says', () => {
  fc.assert(
    fc.property(body, fc.uint8Array({ maxLength: 20 }), (bytes, more) => {
      if (bytes.length === 0) return;
      const wanted = videoHeadBytes(bytes[0]!);
      if (wanted > bytes.length) return;
      const [short, long] = [new VideoTag(), new VideoTag()];
      decodeVideoTag(short, bytes, 0, wanted);
      const whole = Buffer.concat([bytes, more]);
      decodeVideoTag(long, whole, 0, whole.length);
      assert.deepEqual(
        [short.kind, short.codec, short.start, short.compositionMs, short.keyframe],
        [long.kind, long.codec, long.start, long.compositionMs, long.keyframe],
      );
    }),
    { numRuns: 3000 },
  );
});
