import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { readStreamMetadata } from '../../../src/ingest/stream-metadata.ts';

const read = (values: Record<string, unknown>) => readStreamMetadata(new Map(Object.entries(values)));

describe('readStreamMetadata', () => {
  test('F14: the usual fields', () => {
    assert.deepEqual(
      read({
        width: 1920,
        height: 1080,
        framerate: 30,
        videodatarate: 4500,
        videocodecid: 7,
        audiocodecid: 10,
        audiosamplerate: 48000,
        audiodatarate: 160,
        stereo: true,
        encoder: 'Lavf59.27.100',
      }),
      {
        width: 1920,
        height: 1080,
        fps: 30,
        videoKbps: 4500,
        videoCodec: 'H.264',
        audioCodec: 'AAC',
        audioHz: 48000,
        audioKbps: 160,
        audioChannels: 2,
        encoder: 'Lavf59.27.100',
      },
    );
  });

  test('F14: aliases', () => {
    assert.equal(read({ fps: 25 }).fps, 25);
    assert.equal(read({ videoFrameRate: 24 }).fps, 24);
    assert.equal(read({ videoBitrate: 100 }).videoKbps, 100);
    assert.equal(read({ audioBitrate: 64 }).audioKbps, 64);
    assert.equal(read({ framerate: Number.NaN, fps: 15 }).fps, 15);
    assert.equal(read({ audiochannels: 1, stereo: true }).audioChannels, 1);
  });

  test('F14: codec ids as numbers, text, FourCC numbers and FourCC text', () => {
    for (const [id, name] of [
      [7, 'H.264'],
      ['7', 'H.264'],
      ['avc1', 'H.264'],
      [1752589105, 'HEVC'],
      ['hvc1', 'HEVC'],
      [12, 'HEVC'],
      [0, ''],
      [-1, ''],
      [7.5, ''],
      ['', ''],
      ['H264 High', 'H264 High'],
      [null, ''],
    ])
      assert.equal(read({ videocodecid: id }).videoCodec, name, String(id));
    assert.equal(read({ audiocodecid: 'mp4a' }).audioCodec, 'AAC');
    assert.equal(read({ audiocodecid: 1332770163 }).audioCodec, 'Opus');
  });

  test('T7: frame rates that make no sense are nothing', () => {
    for (const value of [
      0,
      -5,
      Number.NaN,
      Number.POSITIVE_INFINITY,
      1e12,
      'fast',
      '',
      null,
      undefined,
      true,
      new Date(),
      [],
    ])
      assert.equal(read({ framerate: value }).fps, 0, String(value));
    assert.equal(read({ framerate: '29.97' }).fps, 29.97);
  });

  test('text is bounded and without control characters', () => {
    assert.equal(read({ encoder: `a\n\x1b[31m${'x'.repeat(1000)}` }).encoder.length <= 64, true);
    assert.equal(read({ encoder: 'a\nb\u0085c' }).encoder, 'abc');
  });

  test('names that mean something to JavaScript mean nothing here', () => {
    const values = new Map<string, unknown>([
      ['__proto__', 5],
      ['constructor', 5],
    ]);
    assert.equal(Object.getPrototypeOf(readStreamMetadata(values)), Object.prototype);
    assert.equal(readStreamMetadata(values).encoder, '');
  });
});
