import { decodeSps } from '../h264/sps.ts';
import { avcCodecText, encodeAvcConfiguration } from './avc-configuration.ts';
import { box, fullBox, typeWord, words } from './box.ts';

/** Units of all times: milliseconds, as the publishers' time stamps are. */
const timescale = 1000;

/** The one track of a stream. */
export const trackId = 1;

/** What a player needs before the first fragment. */
export interface InitSegment {
  /** Media type with codecs, for `MediaSource.isTypeSupported` and the like. */
  readonly mime: string;
  /** Luma samples after cropping. */
  readonly width: number;
  readonly height: number;
  /** ftyp and moov. */
  readonly bytes: Buffer;
}

/**
 * The initialisation segment of a fragmented file with one H.264 track. `sps` and `pps` are whole NAL units, that in use first. Null
 * when the SPS cannot be read, which no player could either.
 */
export function createInitSegment(sps: readonly Uint8Array[], pps: readonly Uint8Array[]): InitSegment | null {
  const [first] = sps;
  const facts = first === undefined ? null : decodeSps(first);
  if (first === undefined || facts === null || pps.length === 0) return null;
  const { width, height } = facts;
  return {
    mime: `video/mp4; codecs="${avcCodecText(first)}"`,
    width,
    height,
    bytes: Buffer.concat([fileType(), movie(width, height, encodeAvcConfiguration(sps, pps))]),
  };
}

/** ftyp (ISO/IEC 14496-12 clause 4.3): `iso6` has tfdt and data offsets that count from the moof; `avc1` is H.264. */
function fileType(): Buffer {
  return box('ftyp', words(typeWord('iso6'), 0, typeWord('iso6'), typeWord('avc1')));
}

/** moov (clause 8.2.1): no samples of its own, they all come in fragments. */
function movie(width: number, height: number, configuration: Buffer): Buffer {
  return box('moov', movieHeader(), track(width, height, configuration), box('mvex', trackExtends()));
}

/** The identity transformation (clause 8.2.2.3). */
const matrix = words(0x10000, 0, 0, 0, 0x10000, 0, 0, 0, 0x40000000);

/** mvhd (clause 8.2.2): times of creation 0, duration 0 as it is not known, normal rate and volume. */
function movieHeader(): Buffer {
  const next = trackId + 1;
  return fullBox(
    'mvhd',
    0,
    0,
    words(0, 0, timescale, 0, 0x10000, 0x1000000, 0, 0),
    matrix,
    Buffer.alloc(24),
    words(next),
  );
}

function track(width: number, height: number, configuration: Buffer): Buffer {
  // tkhd (clause 8.3.2): enabled and in the movie; sizes are 16.16 fixed point.
  const sizes = words(width * 0x10000, height * 0x10000);
  const header = fullBox('tkhd', 0, 3, words(0, 0, trackId, 0, 0, 0, 0, 0, 0), matrix, sizes);
  // mdhd (clause 8.4.2): the language is `und`, three times five bits.
  const mediaHeader = fullBox('mdhd', 0, 0, words(0, 0, timescale, 0, 0x55c40000));
  // hdlr (clause 8.4.3).
  const handler = fullBox('hdlr', 0, 0, words(0, typeWord('vide'), 0, 0, 0), Buffer.from('Video\0', 'latin1'));
  // vmhd (clause 12.1.2) has flag 1; dref (clause 8.7.2) has one entry that says: in this file.
  const videoHeader = fullBox('vmhd', 0, 1, words(0, 0));
  const references = fullBox('dref', 0, 0, words(1), fullBox('url ', 0, 1));
  const information = box('minf', videoHeader, box('dinf', references), sampleTable(width, height, configuration));
  return box('trak', header, box('mdia', mediaHeader, handler, information));
}

/** stbl (clause 8.5.1): the sample entry, and empty tables, which must be there. */
function sampleTable(width: number, height: number, configuration: Buffer): Buffer {
  const description = fullBox('stsd', 0, 0, words(1), sampleEntry(width, height, configuration));
  const times = fullBox('stts', 0, 0, words(0));
  const chunks = fullBox('stsc', 0, 0, words(0));
  const sizes = fullBox('stsz', 0, 0, words(0, 0));
  const offsets = fullBox('stco', 0, 0, words(0));
  return box('stbl', description, times, chunks, sizes, offsets);
}

/** avc1 (ISO/IEC 14496-12 clause 12.1.3, ISO/IEC 14496-15 clause 5.4.2.1): 72 dpi, one frame a sample, no name, depth 24. */
function sampleEntry(width: number, height: number, configuration: Buffer): Buffer {
  const fields = Buffer.alloc(78);
  fields.writeUInt16BE(1, 6); // data_reference_index
  fields.writeUInt16BE(width, 24);
  fields.writeUInt16BE(height, 26);
  fields.writeUInt32BE(0x480000, 28);
  fields.writeUInt32BE(0x480000, 32);
  fields.writeUInt16BE(1, 40);
  fields.writeUInt16BE(24, 74);
  fields.writeInt16BE(-1, 76);
  return box('avc1', fields, box('avcC', configuration));
}

/** trex (clause 8.8.3): every fragment says all by itself. */
function trackExtends(): Buffer {
  return fullBox('trex', 0, 0, words(trackId, 1, 0, 0, 0));
}
