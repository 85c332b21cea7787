import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { decodeAvcDecoderConfig } from '../../../src/h264/avc-decoder-config.ts';
import { createInitSegment } from '../../../src/mp4/init-segment.ts';
import { boxAt, readBoxes } from '../../support/mp4-reader.ts';
import { pps, readFlv, sps, sps720 } from '../ingest/publisher-rig.ts';

/** Bytes in front of the boxes of these. */
const skip = { stsd: 8, avc1: 78, dref: 8 };
const toSampleTable = ['moov', 'trak', 'mdia', 'minf', 'stbl'];

/** The parameter sets in the sequence header of a sample. */
function setsOf(name: string) {
  const { body } = readFlv(name)[0]!;
  return decodeAvcDecoderConfig(body, 5, body.length)!;
}

describe('the initialisation segment', () => {
  test('has the boxes of a fragmented file in their order', () => {
    const { bytes } = createInitSegment([sps], [pps])!;
    const types = (path: string[]) => readBoxes(boxAt(bytes, path, skip)).map(({ type }) => type);
    assert.deepEqual(types([]), ['ftyp', 'moov']);
    assert.deepEqual(types(['moov']), ['mvhd', 'trak', 'mvex']);
    assert.deepEqual(types(['moov', 'trak']), ['tkhd', 'mdia']);
    assert.deepEqual(types(['moov', 'trak', 'mdia']), ['mdhd', 'hdlr', 'minf']);
    assert.deepEqual(types(['moov', 'trak', 'mdia', 'minf']), ['vmhd', 'dinf', 'stbl']);
    assert.deepEqual(types(toSampleTable), ['stsd', 'stts', 'stsc', 'stsz', 'stco']);
    assert.deepEqual(types(['moov', 'mvex']), ['trex']);
    assert.deepEqual(types([...toSampleTable, 'stsd', 'avc1']), ['avcC']);
  });

  test('has the sizes that ISO/IEC 14496-12 gives its boxes', () => {
    const { bytes } = createInitSegment([sps], [pps])!;
    const size = (...path: string[]) => boxAt(bytes, path).length + 8;
    assert.equal(size('ftyp'), 24);
    assert.equal(size('moov', 'mvhd'), 108);
    assert.equal(size('moov', 'trak', 'tkhd'), 92);
    assert.equal(size('moov', 'trak', 'mdia', 'mdhd'), 32);
    assert.equal(size('moov', 'trak', 'mdia', 'hdlr'), 38);
    assert.equal(size('moov', 'trak', 'mdia', 'minf', 'vmhd'), 20);
    assert.equal(size(...toSampleTable, 'stsz'), 20);
    assert.equal(size('moov', 'mvex', 'trex'), 32);
  });

  test('says the size of the picture, its media type, and times in milliseconds', () => {
    const { bytes, mime, width, height } = createInitSegment([sps720], [pps])!;
    assert.deepEqual([mime, width, height], ['video/mp4; codecs="avc1.42c020"', 1280, 720]);
    const tkhd = boxAt(bytes, ['moov', 'trak', 'tkhd']);
    assert.deepEqual([tkhd.readUInt32BE(76), tkhd.readUInt32BE(80)], [1280 * 65536, 720 * 65536]);
    const avc1 = boxAt(bytes, [...toSampleTable, 'stsd', 'avc1'], { stsd: 8 });
    assert.deepEqual([avc1.readUInt16BE(24), avc1.readUInt16BE(26)], [1280, 720]);
    assert.equal(boxAt(bytes, ['moov', 'mvhd']).readUInt32BE(12), 1000);
    assert.equal(boxAt(bytes, ['moov', 'trak', 'mdia', 'mdhd']).readUInt32BE(12), 1000);
  });

  test('carries the parameter sets, and in the High profiles the chroma format and bit depths', () => {
    const avcC = (name: string) => {
      const sets = setsOf(name);
      const record = boxAt(
        createInitSegment(sets.sps, sets.pps)!.bytes,
        [...toSampleTable, 'stsd', 'avc1', 'avcC'],
        skip,
      );
      assert.deepEqual(decodeAvcDecoderConfig(record, 0, record.length), { ...sets, lengthSize: 4 });
      return record;
    };
    assert.equal(avcC('b-frames.flv').subarray(-4).toString('hex'), 'fdf8f800');
    assert.equal(avcC('high-422.flv').subarray(-4).toString('hex'), 'fef8f800');
    const { bytes } = createInitSegment([sps], [pps])!;
    const baseline = boxAt(bytes, [...toSampleTable, 'stsd', 'avc1', 'avcC'], skip);
    assert.equal(baseline.length, 6 + 2 + sps.length + 1 + 2 + pps.length);
  });

  test('leaves out sets that the counts of the record have no room for', () => {
    const many = Array.from({ length: 32 }, () => sps);
    const { bytes } = createInitSegment(many, [pps])!;
    const record = boxAt(bytes, [...toSampleTable, 'stsd', 'avc1', 'avcC'], skip);
    const { sps: kept, pps: keptPps } = decodeAvcDecoderConfig(record, 0, record.length)!;
    assert.deepEqual([kept.length, keptPps.length], [31, 1]);
  });

  test('is not there for parameter sets that nobody can read', () => {
    assert.equal(createInitSegment([], [pps]), null);
    assert.equal(createInitSegment([sps], []), null);
    assert.equal(createInitSegment([sps.subarray(0, 5)], [pps]), null);
  });
});
