import { BitCursor } from '../base/bit-cursor.ts';
import { encodeAvcDecoderConfig } from '../h264/avc-decoder-config.ts';
import { copyRbsp } from '../h264/rbsp.ts';

/** Baseline, Main and Extended: the record of every other profile ends with the chroma format and the bit depths. */
const profilesWithoutTail = new Set([66, 77, 88]);

/** What the counts of SPS (5 bits) and PPS (8 bits) in the record have room for. */
const mostSps = 31;
const mostPps = 255;

/** Bytes of an SPS in which these three fields lie for certain: they come before anything long. */
const headBytes = 32;

/**
 * The AVCDecoderConfigurationRecord (ISO/IEC 14496-15 clause 5.3.3.1.2) of these NAL units, with lengths of 4 bytes in the samples.
 * The first SPS is the one in use.
 */
export function encodeAvcConfiguration(sps: readonly Uint8Array[], pps: readonly Uint8Array[]): Buffer {
  const record = encodeAvcDecoderConfig(sps.slice(0, mostSps), pps.slice(0, mostPps));
  const [first] = sps;
  if (first === undefined || profilesWithoutTail.has(first[1]!)) return record;
  const tail = readChroma(first);
  // A reader that needs the tail finds the same in the SPS.
  return tail === null ? record : Buffer.concat([record, tail]);
}

/** The `codecs` parameter of the media type (RFC 6381 clause 3.3): profile, constraints and level as the SPS has them. */
export function avcCodecText(sps: Uint8Array): string {
  return `avc1.${Buffer.from(sps.subarray(1, 4)).toString('hex')}`;
}

/** chroma_format and the two bit depths, each with its reserved ones, and no SPS extension; null when the SPS cannot be read. */
function readChroma(sps: Uint8Array): Uint8Array | null {
  const rbsp = new Uint8Array(headBytes);
  const length = copyRbsp(rbsp, sps, 4, sps.length);
  const bits = new BitCursor(rbsp.subarray(0, length));
  try {
    bits.ue(); // seq_parameter_set_id
    const chromaFormat = bits.ue();
    if (chromaFormat > 3) return null;
    if (chromaFormat === 3) bits.bit(); // separate_colour_plane_flag
    const lumaDepth = bits.ue();
    const chromaDepth = bits.ue();
    if (lumaDepth > 6 || chromaDepth > 6) return null;
    return Uint8Array.of(0xfc | chromaFormat, 0xf8 | lumaDepth, 0xf8 | chromaDepth, 0);
  } catch (error) {
    if (error instanceof RangeError) return null;
    throw error;
  }
}
