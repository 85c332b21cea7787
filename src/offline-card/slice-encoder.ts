import { BitWriter, nalUnitOf } from './bit-writer.ts';
import { MacroblockEncoder, macroblockAt } from './macroblock-encoder.ts';
import { macroblockColumns, macroblockRows, Picture, pictureHeight, pictureWidth } from './picture.ts';
import { chromaQp, lumaQp } from './transform.ts';

/** NAL unit header bytes: nal_ref_idc 3 and the type. */
const spsHeader = 0x67;
const ppsHeader = 0x68;
const idrHeader = 0x65;
const sliceHeader = 0x61;

/** frame_num has four bits: an IDR every 16 pictures at the latest. */
export const frameNumBits = 4;

/** A slice with the place of the one field of its header that changes from use to use. */
export interface Slice {
  readonly unit: Buffer;
  /** Bit offset in `unit` of the last bit of that field: idr_pic_id of an IDR slice, frame_num of the others. */
  readonly lastFieldBit: number;
}

/** The SPS of every card: constrained baseline, level 3.1, one picture a second, BT.709 limited range (H.264 annex E). */
export function sequenceParameterSet(): Buffer {
  const bits = new BitWriter();
  bits.put(66, 8);
  bits.put(0b1100_0000, 8);
  bits.put(31, 8);
  bits.ue(0);
  bits.ue(frameNumBits - 4);
  bits.ue(2); // pic_order_cnt_type: output order is decoding order
  bits.ue(1); // max_num_ref_frames
  bits.put(0, 1);
  bits.ue(macroblockColumns - 1);
  bits.ue(macroblockRows - 1);
  bits.put(0b11, 2); // frame_mbs_only_flag, direct_8x8_inference_flag
  bits.put(0, 1); // no cropping
  bits.put(1, 1); // VUI
  bits.put(1, 1);
  bits.put(1, 8); // square samples
  bits.put(0, 1); // overscan_info_present_flag
  bits.put(1, 1); // video_signal_type_present_flag
  bits.put(5, 3); // video_format unspecified
  bits.put(0, 1); // limited range
  bits.put(1, 1);
  bits.put(1, 8); // colour_primaries BT.709
  bits.put(1, 8); // transfer_characteristics
  bits.put(1, 8); // matrix_coefficients
  bits.put(1, 1); // chroma_loc_info_present_flag: a chroma sample is the mean of the four luma samples around it
  bits.ue(1);
  bits.ue(1);
  bits.put(1, 1); // timing_info_present_flag
  bits.put(0, 16);
  bits.put(1, 16); // num_units_in_tick
  bits.put(0, 16);
  bits.put(2, 16); // time_scale: two ticks a frame
  bits.put(1, 1); // fixed_frame_rate_flag
  bits.put(0, 3); // no HRD parameters, no pic_struct
  bits.put(1, 1); // bitstream_restriction_flag: decoders need not wait for reordered pictures
  bits.put(1, 1);
  bits.ue(0);
  bits.ue(0);
  bits.ue(11);
  bits.ue(11);
  bits.ue(0); // max_num_reorder_frames
  bits.ue(1); // max_dec_frame_buffering
  bits.trailing();
  return nalUnitOf(spsHeader, bits.bytes());
}

/** The PPS of every card: CAVLC, one slice group, the fixed quantisers, deblocking under control of the slices. */
export function pictureParameterSet(): Buffer {
  const bits = new BitWriter();
  bits.ue(0);
  bits.ue(0);
  bits.put(0, 2); // CAVLC, no bottom_field_pic_order
  bits.ue(0);
  bits.ue(0);
  bits.ue(0);
  bits.put(0, 3); // no weighted prediction
  bits.se(lumaQp - 26);
  bits.se(0);
  bits.se(chromaQp - lumaQp);
  bits.put(0b100, 3); // deblocking_filter_control_present_flag
  bits.trailing();
  return nalUnitOf(ppsHeader, bits.bytes());
}

/** Encodes slices of the picture that `canvas` holds. `decoded` is what a decoder has after the slices encoded last. */
export class SliceEncoder {
  readonly canvas = new Picture();
  readonly decoded = new Picture();
  readonly #bits = new BitWriter();
  readonly #macroblocks = new MacroblockEncoder(this.canvas, this.decoded, this.#bits);

  /**
   * An I slice of an IDR picture over the macroblock rows [first, end), one row at each step. Nothing else may be encoded before
   * the last. `idr_pic_id` is 1, of three bits: see `markIdr`.
   */
  *encodeIdrRows(first: number, end: number): Generator<void, Slice> {
    const bits = this.#bits;
    bits.reset();
    bits.ue(macroblockAt(0, first));
    bits.ue(7); // every slice of the picture is an I slice
    bits.ue(0);
    bits.put(0, frameNumBits);
    bits.ue(1); // idr_pic_id
    const lastFieldBit = 8 + bits.bitLength - 1;
    bits.put(0, 2); // dec_ref_pic_marking
    this.#endHeader();
    this.decoded.copyRows(this.canvas, first, end);
    this.#macroblocks.beginSlice(first);
    for (let row = first; row < end; row++) {
      for (let column = 0; column < macroblockColumns; column++) this.#macroblocks.write(column, row, 0);
      yield;
    }
    bits.trailing();
    return { unit: nalUnitOf(idrHeader, bits.bytes()), lastFieldBit };
  }

  /**
   * A P slice over the whole picture: the macroblocks at `addresses` (ascending) are coded anew, as intra, all others skipped.
   * What is next to a coded macroblock must already be shown exactly as the canvas has it. frame_num is 0: see `markDelta`.
   */
  encodeDelta(addresses: readonly number[]): Slice {
    const bits = this.#bits;
    bits.reset();
    bits.ue(0);
    bits.ue(5); // P
    bits.ue(0);
    bits.put(0, frameNumBits);
    const lastFieldBit = 8 + bits.bitLength - 1;
    bits.put(0, 1); // num_ref_idx_active_override_flag
    bits.put(0, 1); // ref_pic_list_modification_flag_l0
    bits.put(0, 1); // adaptive_ref_pic_marking_mode_flag
    this.#endHeader();
    this.decoded.copyRows(this.canvas, 0, macroblockRows);
    this.#macroblocks.beginSlice(0);
    let next = 0;
    for (const address of addresses) {
      bits.ue(address - next);
      this.#macroblocks.write(address % macroblockColumns, Math.trunc(address / macroblockColumns), 5);
      next = address + 1;
    }
    const rest = (pictureWidth / 16) * (pictureHeight / 16) - next;
    if (rest > 0) bits.ue(rest);
    bits.trailing();
    return { unit: nalUnitOf(sliceHeader, bits.bytes()), lastFieldBit };
  }

  #endHeader(): void {
    this.#bits.se(0); // slice_qp_delta
    this.#bits.ue(1); // no deblocking: it would blur what is exact
  }
}

/**
 * Copies an IDR slice to `into` at `at` with a 4-byte length in front and idr_pic_id 1 or 2. The bits around the field hold ones, so
 * neither value calls for emulation prevention. Returns the offset after it.
 */
export function markIdr(slice: Slice, odd: boolean, into: Buffer, at: number): number {
  const end = copyPrefixed(slice.unit, into, at);
  // 1 is written 010 and 2 is 011.
  if (odd) into[at + 4 + (slice.lastFieldBit >> 3)]! |= 0x80 >> (slice.lastFieldBit & 7);
  return end;
}

/** A P slice with a 4-byte length in front and its frame_num. Ones stand on either side of the field, as above. */
export function markDelta(slice: Slice, frameNum: number): Buffer {
  const into = Buffer.allocUnsafeSlow(4 + slice.unit.length);
  copyPrefixed(slice.unit, into, 0);
  for (let i = 0; i < frameNumBits; i++) {
    const bit = slice.lastFieldBit - i;
    if ((frameNum >> i) & 1) into[4 + (bit >> 3)]! |= 0x80 >> (bit & 7);
  }
  return into;
}

function copyPrefixed(unit: Buffer, into: Buffer, at: number): number {
  const start = into.writeUInt32BE(unit.length, at);
  return start + unit.copy(into, start);
}
