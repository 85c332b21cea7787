import { BitCursor } from '../base/bit-cursor.ts';
import { limits } from '../base/limits.ts';
import { copyRbsp } from './rbsp.ts';

/** What a sequence parameter set says about the pictures, as far as anything here needs it. */
export interface SpsFacts {
  readonly id: number;
  readonly profile: number;
  /** Constraint flags, as in the second byte of a profile-level-id. */
  readonly constraints: number;
  readonly level: number;
  /** Luma samples after cropping. */
  readonly width: number;
  readonly height: number;
  /** Frames per second by the VUI timing, 0 when it is absent or makes no sense. */
  readonly fps: number;
  // What a slice header cannot be read without:
  readonly separateColourPlanes: boolean;
  readonly frameNumBits: number;
  /** False when pictures may be fields. */
  readonly frameMbsOnly: boolean;
  readonly pocType: number;
  /** Bits of pic_order_cnt_lsb, for pocType 0. */
  readonly pocLsbBits: number;
}

/** Profiles whose SPS carries chroma format and scaling lists (clause 7.3.2.1.1). */
const highProfiles = new Set([100, 110, 122, 244, 44, 83, 86, 118, 128, 138, 139, 134, 135]);

/** aspect_ratio_idc that is followed by an explicit width and height (table E-1). */
const extendedSar = 255;

/** Frame rates above this come from broken VUI timing. */
const highestFps = 1000;

/** Bytes that one SPS is read from; a full set of scaling lists and HRD parameters stays below. */
const rbspBytes = limits.h264.parameterSetBytes;

/** Decodes a NAL unit of type 7 (H.264 clause 7.3.2.1.1), header byte included. Returns null when it cannot be read; never throws. */
export function decodeSps(unit: Uint8Array): SpsFacts | null {
  if (unit.length < 5 || unit.length > rbspBytes) return null;
  const rbsp = new Uint8Array(unit.length);
  const length = copyRbsp(rbsp, unit, 1, unit.length);
  try {
    return readSps(new BitCursor(rbsp.subarray(0, length)));
  } catch (error) {
    if (error instanceof RangeError) return null;
    throw error;
  }
}

function readSps(bits: BitCursor): SpsFacts | null {
  const profile = bits.bits(8);
  const constraints = bits.bits(8);
  const level = bits.bits(8);
  const id = bits.ue();
  if (id > 31) return null;
  let chromaFormat = 1;
  let separateColourPlanes = false;
  if (highProfiles.has(profile)) {
    chromaFormat = bits.ue();
    if (chromaFormat > 3) return null;
    if (chromaFormat === 3) separateColourPlanes = bits.bit() === 1;
    bits.ue(); // bit_depth_luma_minus8
    bits.ue(); // bit_depth_chroma_minus8
    bits.bit(); // qpprime_y_zero_transform_bypass_flag
    if (bits.bit() === 1) skipScalingLists(bits, chromaFormat === 3 ? 12 : 8);
  }
  const frameNumBits = bits.ue() + 4;
  const pocType = bits.ue();
  if (frameNumBits > 16 || pocType > 2) return null;
  let pocLsbBits = 0;
  if (pocType === 0) {
    pocLsbBits = bits.ue() + 4;
    if (pocLsbBits > 16) return null;
  } else if (pocType === 1) {
    bits.bit(); // delta_pic_order_always_zero_flag
    bits.se(); // offset_for_non_ref_pic
    bits.se(); // offset_for_top_to_bottom_field
    const cycle = bits.ue();
    if (cycle > 255) return null;
    for (let i = 0; i < cycle; i++) bits.se();
  }
  bits.ue(); // max_num_ref_frames
  bits.bit(); // gaps_in_frame_num_value_allowed_flag
  const widthMbs = bits.ue() + 1;
  const heightUnits = bits.ue() + 1;
  const frameMbsOnly = bits.bit() === 1;
  if (!frameMbsOnly) bits.bit(); // mb_adaptive_frame_field_flag
  bits.bit(); // direct_8x8_inference_flag

  const fieldFactor = frameMbsOnly ? 1 : 2;
  let width = widthMbs * 16;
  let height = heightUnits * 16 * fieldFactor;
  if (width > limits.h264.dimension || height > limits.h264.dimension) return null;
  if (bits.bit() === 1) {
    // Crop units, clause 7.4.2.1.1: whole chroma samples, and pairs of rows where pictures may be fields.
    const arrayType = separateColourPlanes ? 0 : chromaFormat;
    const unitX = arrayType === 1 || arrayType === 2 ? 2 : 1;
    const unitY = (arrayType === 1 ? 2 : 1) * fieldFactor;
    const cropX = (bits.ue() + bits.ue()) * unitX;
    const cropY = (bits.ue() + bits.ue()) * unitY;
    if (cropX >= width || cropY >= height) return null;
    width -= cropX;
    height -= cropY;
  }
  const fps = readFps(bits);
  return {
    id,
    profile,
    constraints,
    level,
    width,
    height,
    fps,
    separateColourPlanes,
    frameNumBits,
    frameMbsOnly,
    pocType,
    pocLsbBits,
  };
}

/** Clause 7.3.2.1.1.1. */
function skipScalingLists(bits: BitCursor, lists: number): void {
  for (let list = 0; list < lists; list++) {
    if (bits.bit() === 0) continue;
    const size = list < 6 ? 16 : 64;
    let last = 8;
    let next = 8;
    for (let i = 0; i < size; i++) {
      if (next !== 0) next = (last + bits.se() + 256) & 255;
      if (next !== 0) last = next;
    }
  }
}

/** The VUI as far as its timing (clause E.1.1). A VUI that is cut short costs the frame rate, not the whole SPS. */
function readFps(bits: BitCursor): number {
  try {
    if (bits.bit() === 0) return 0;
    if (bits.bit() === 1 && bits.bits(8) === extendedSar) bits.bits(32);
    if (bits.bit() === 1) bits.bit(); // overscan
    if (bits.bit() === 1) {
      bits.bits(4); // video_format, video_full_range_flag
      if (bits.bit() === 1) bits.bits(24); // colour description
    }
    if (bits.bit() === 1) {
      bits.ue(); // chroma sample location
      bits.ue();
    }
    if (bits.bit() === 0) return 0;
    const unitsInTick = bits.bits(32);
    const timeScale = bits.bits(32);
    // A tick is a field, also in progressive video (clause E.2.1).
    const fps = unitsInTick === 0 ? 0 : timeScale / (2 * unitsInTick);
    return fps <= highestFps ? fps : 0;
  } catch (error) {
    if (error instanceof RangeError) return 0;
    throw error;
  }
}
