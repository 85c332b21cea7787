import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { fourCcAvc, videoCodecName } from '../../../src/flv/video-codec.ts';
import { decodeVideoTag, VideoTag, videoHeadBytes, videoKind, wholeMessage } from '../../../src/flv/video-tag.ts';

const hex = (text: string) => Buffer.from(text.replaceAll(' ', ''), 'hex');
const ascii = (text: string) => Buffer.from(text, 'latin1');

function decode(body: Uint8Array): VideoTag {
  const tag = new VideoTag();
  // Behind foreign bytes, so that an offset taken for a length shows.
  const bytes = Buffer.concat([hex('ffffff'), body, hex('ffff')]);
  decodeVideoTag(tag, bytes, 3, 3 + body.length);
  tag.start -= 3;
  tag.end -= 3;
  return tag;
}

describe('legacy header', () => {
  const cases: [name: string, body: string, kind: number, start: number, compositionMs: number][] = [
    ['F2: AVC NAL units', '27 01 000000 aa', videoKind.frames, 5, 0],
    ['F2: AVC sequence header', '17 00 000000 01', videoKind.sequenceHeader, 5, 0],
    ['F2: AVC end of sequence', '17 02 000000', videoKind.endOfSequence, 5, 0],
    ['T6: positive composition time', '27 01 000050 aa', videoKind.frames, 5, 80],
    ['T6: negative composition time', '27 01 ffffb0 aa', videoKind.frames, 5, -80],
    ['T6: most negative composition time', '27 01 800000 aa', videoKind.frames, 5, -8388608],
    ['F2: AVC packet type 3', '27 03 000000 aa', videoKind.malformed, 5, 0],
    ['F2: empty', '', videoKind.malformed, 0, 0],
    ['F2: 1 byte', '27', videoKind.malformed, 0, 0],
    ['F2: 4 bytes', '27010000', videoKind.malformed, 0, 0],
    ['F1: command frame', '57 00', videoKind.ignored, 0, 0],
    ['F1: command frame of 1 byte', '57', videoKind.ignored, 0, 0],
    ['F1: Sorenson H.263', '22 00', videoKind.otherCodec, 0, 0],
    ['F1: the Chinese HEVC extension', '1c 00 000000', videoKind.otherCodec, 0, 0],
    ['F1: codec 11 of a DJI Mavic 2', '2b 01', videoKind.otherCodec, 0, 0],
  ];
  for (const [name, body, kind, start, compositionMs] of cases) {
    test(name, () => {
      const tag = decode(hex(body));
      assert.equal(tag.kind, kind);
      if (kind === videoKind.frames || kind === videoKind.sequenceHeader) assert.equal(tag.start, start);
      assert.equal(kind === videoKind.malformed ? 0 : tag.compositionMs, compositionMs);
    });
  }
  test('F9: the frame type is kept as a hint only', () => {
    assert.equal(decode(hex('17 01 000000 aa')).keyframe, true);
    assert.equal(decode(hex('27 01 000000 aa')).keyframe, false);
  });
});

describe('Enhanced RTMP header', () => {
  const head = (type: number, frameType = 1) => Buffer.from([0x80 | (frameType << 4) | type]);
  const join = (...parts: Uint8Array[]) => decode(Buffer.concat(parts));

  test('X5: avc1 sequence start', () => {
    const tag = join(head(0), ascii('avc1'), hex('0142'));
    assert.deepEqual([tag.kind, tag.start, tag.end, tag.codec], [videoKind.sequenceHeader, 5, 7, fourCcAvc]);
  });
  test('X1: coded frames carry a composition time', () => {
    const tag = join(head(1, 2), ascii('avc1'), hex('ffffff aabb'));
    assert.deepEqual([tag.kind, tag.start, tag.end, tag.compositionMs], [videoKind.frames, 8, 10, -1]);
  });
  test('X1: coded frames X carry none', () => {
    const tag = join(head(3, 2), ascii('avc1'), hex('aabb'));
    assert.deepEqual([tag.kind, tag.start, tag.end, tag.compositionMs], [videoKind.frames, 5, 7, 0]);
  });
  test('X1: sequence end', () => assert.equal(join(head(2), ascii('avc1')).kind, videoKind.endOfSequence));
  test('X2: FFmpeg 7 sends HEVC metadata with frame type 5', () => {
    assert.equal(join(hex('d4'), ascii('hvc1'), hex('00')).kind, videoKind.ignored);
  });
  test('X2: frame type 5 with another packet type is a command of one byte without FourCC', () => {
    assert.equal(join(hex('d1 00')).kind, videoKind.ignored);
  });
  test('X5: other codecs are named, their metadata is ignored', () => {
    for (const [code, name] of [
      ['hvc1', 'HEVC'],
      ['av01', 'AV1'],
      ['vp09', 'VP9'],
      ['vp08', 'VP8'],
      ['vvc1', 'VVC'],
      ['zz\x01!', 'FourCC zz.!'],
    ] as const) {
      const tag = join(head(1), ascii(code), hex('000000 aa'));
      assert.deepEqual([tag.kind, videoCodecName(tag.codec)], [videoKind.otherCodec, name]);
    }
  });
  test('X3: ModEx is stepped over, with short and long data', () => {
    const short = join(head(7, 2), hex('02 aabbcc 01'), ascii('avc1'), hex('000007 ee'));
    assert.deepEqual([short.kind, short.compositionMs, short.end - short.start], [videoKind.frames, 7, 1]);
    const long = join(head(7, 2), hex('ff 0101'), Buffer.alloc(258), hex('03'), ascii('avc1'), hex('ee'));
    assert.deepEqual([long.kind, long.end - long.start], [videoKind.frames, 1]);
  });
  test('X3: ModEx without end is malformed', () => {
    assert.equal(join(head(7), Buffer.alloc(40).fill(hex('00 00 07'))).kind, videoKind.malformed);
    assert.equal(join(head(7), hex('05 aa')).kind, videoKind.malformed);
    assert.equal(join(head(7), hex('ff 00')).kind, videoKind.malformed);
  });
  test('X4: one track', () => {
    const tag = join(head(6, 2), hex('03'), ascii('avc1'), hex('00 aabb'));
    assert.deepEqual([tag.kind, tag.end - tag.start], [videoKind.frames, 2]);
  });
  test('X4: of many tracks the one with id 0 is taken', () => {
    const tag = join(head(6, 2), hex('11'), ascii('avc1'), hex('01 000004 00000011  00 000005 000009 2233'));
    assert.deepEqual([tag.kind, tag.compositionMs, tag.start, tag.end], [videoKind.frames, 9, 21, 23]);
  });
  test('X4: many tracks with a codec each', () => {
    const tag = join(head(6), hex('20'), ascii('hvc1'), hex('01 000001 ff'), ascii('avc1'), hex('00 000002 0142'));
    assert.deepEqual([tag.kind, tag.end - tag.start], [videoKind.sequenceHeader, 2]);
  });
  test('X4: without a track 0 nothing is taken', () => {
    assert.equal(join(head(6, 2), hex('13'), ascii('avc1'), hex('05 000001 ff')).kind, videoKind.ignored);
  });
  test('X4: a track longer than the message, and nested multitrack, are malformed', () => {
    assert.equal(join(head(6, 2), hex('13'), ascii('avc1'), hex('00 000009 ff')).kind, videoKind.malformed);
    assert.equal(join(head(6, 2), hex('16'), ascii('avc1'), hex('00 000001 ff')).kind, videoKind.malformed);
    assert.equal(join(head(6, 2), hex('07'), ascii('avc1'), hex('00 000001 ff')).kind, videoKind.malformed);
  });
  test('short and unknown packets are malformed', () => {
    for (const body of ['90', '90 6176', '91 61766331 0000', '9f 61766331 00'])
      assert.equal(decode(hex(body)).kind, videoKind.malformed, body);
  });
});

test('the head that must be seen is as long as the header, and the whole message where offsets vary', () => {
  assert.equal(videoHeadBytes(0x17), 5);
  assert.equal(videoHeadBytes(0x22), 1);
  assert.equal(videoHeadBytes(0x57), 1);
  assert.equal(videoHeadBytes(0x91), 8);
  assert.equal(videoHeadBytes(0x93), 5);
  assert.equal(videoHeadBytes(0x97), wholeMessage);
  assert.equal(videoHeadBytes(0x96), wholeMessage);
});
