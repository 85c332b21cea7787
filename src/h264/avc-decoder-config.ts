import { ByteCursor } from '../base/byte-cursor.ts';
import { beginsWithStartCode, listAnnexB } from './annexb.ts';
import { NalList, nalType } from './nal-unit.ts';

/** The parameter sets of a sequence header. The arrays' elements are views of the bytes that were decoded. */
export interface AvcDecoderConfig {
  /** Bytes of a NAL unit length, 1 to 4; 0 when the record was a byte stream and says nothing about it. */
  readonly lengthSize: number;
  readonly sps: Uint8Array[];
  readonly pps: Uint8Array[];
}

/**
 * Decodes an AVCDecoderConfigurationRecord (ISO/IEC 14496-15, 5.3.3.1). The version byte, the reserved bits, the High profile
 * tail and bytes behind it are not looked at; empty units are left out; a byte stream in its place is taken too. A record that
 * ends early yields what was complete. Returns null when nothing can be made of it. Never throws.
 */
export function decodeAvcDecoderConfig(bytes: Buffer, start: number, end: number): AvcDecoderConfig | null {
  if (beginsWithStartCode(bytes, start, end)) return fromByteStream(bytes, start, end);
  if (end - start < 6) return null;
  const lengthSize = (bytes[start + 4]! & 3) + 1;
  const config: AvcDecoderConfig = { lengthSize, sps: [], pps: [] };
  const cursor = new ByteCursor(bytes, start + 5, end);
  takeSets(cursor, cursor.u8() & 0x1f, config.sps);
  if (cursor.remaining > 0) takeSets(cursor, cursor.u8(), config.pps);
  return config;
}

/** Takes `count` length-prefixed units, as many as are complete. */
function takeSets(cursor: ByteCursor, count: number, into: Uint8Array[]): void {
  for (let i = 0; i < count && cursor.remaining >= 2; i++) {
    const length = cursor.u16();
    if (length > cursor.remaining) {
      cursor.skip(cursor.remaining);
      return;
    }
    if (length > 0) into.push(cursor.view(length));
  }
}

function fromByteStream(bytes: Buffer, start: number, end: number): AvcDecoderConfig | null {
  const list = new NalList();
  listAnnexB(list, bytes, start, end);
  const config: AvcDecoderConfig = { lengthSize: 0, sps: [], pps: [] };
  for (let i = 0; i < list.count; i++) {
    const unit = bytes.subarray(list.starts[i]!, list.ends[i]!);
    const type = unit[0]! & 0x1f;
    if (type === nalType.sps) config.sps.push(unit);
    else if (type === nalType.pps) config.pps.push(unit);
  }
  return config.sps.length + config.pps.length > 0 ? config : null;
}

/** The record for these parameter sets, without the High profile tail that nobody reads. For fixtures and our own clients. */
export function encodeAvcDecoderConfig(sps: readonly Uint8Array[], pps: readonly Uint8Array[], lengthSize = 4): Buffer {
  const first = sps[0] ?? new Uint8Array([0x67, 66, 0, 30]);
  const parts: Uint8Array[] = [
    Uint8Array.of(1, first[1]!, first[2]!, first[3]!, 0xfc | (lengthSize - 1), 0xe0 | sps.length),
  ];
  for (const unit of sps) parts.push(Uint8Array.of(unit.length >> 8, unit.length), unit);
  parts.push(Uint8Array.of(pps.length));
  for (const unit of pps) parts.push(Uint8Array.of(unit.length >> 8, unit.length), unit);
  return Buffer.concat(parts);
}
