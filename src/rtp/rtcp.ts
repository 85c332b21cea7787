import { readU16, readU24, readU32, writeU16, writeU32 } from '../base/bytes.ts';

/** What a sender report says of one RTP stream (RFC 3550 section 6.4.1). */
export interface SenderReport {
  readonly ssrc: number;
  /** Wall clock of the report, milliseconds since 1970 with a fraction. */
  readonly wallMs: number;
  /** The 90 kHz timestamp of that same instant, not of the last packet: readers map the one clock to the other by it. */
  readonly rtpTimestamp: number;
  /** Packets and payload octets sent so far; the low 32 bits are written. */
  readonly packets: number;
  readonly octets: number;
  /** Canonical name, the same for the life of the server, at most 255 bytes of ASCII. */
  readonly cname: string;
}

const senderReport = 200;
const receiverReport = 201;
const sourceDescription = 202;
const goodbye = 203;
/** Seconds from 1900 (NTP) to 1970 (Unix). */
const ntpOffsetSeconds = 2_208_988_800;
/** RTCP packets of one datagram or interleaved frame that are looked at. Receivers send two or three. */
const packetsInCompound = 32;

/** Bytes that {@link writeSenderReport} and {@link writeBye} never exceed, whatever the CNAME. */
export const rtcpMaximumBytes = 28 + 8 + 260 + 8;

/** Writes a compound of sender report and SDES with the CNAME at `at` and returns the offset after it. */
export function writeSenderReport(into: Uint8Array, at: number, report: SenderReport): number {
  const seconds = Math.floor(report.wallMs / 1000);
  into[at] = 0x80;
  into[at + 1] = senderReport;
  writeU16(into, at + 2, 6);
  writeU32(into, at + 4, report.ssrc);
  writeU32(into, at + 8, (seconds + ntpOffsetSeconds) % 2 ** 32);
  writeU32(into, at + 12, ((report.wallMs - seconds * 1000) / 1000) * 2 ** 32);
  writeU32(into, at + 16, report.rtpTimestamp);
  writeU32(into, at + 20, report.packets % 2 ** 32);
  writeU32(into, at + 24, report.octets % 2 ** 32);
  return writeCname(into, at + 28, report.ssrc, report.cname);
}

/** Writes a compound of sender report, SDES and BYE, the last words of a stream, and returns the offset after it. */
export function writeBye(into: Uint8Array, at: number, report: SenderReport): number {
  const bye = writeSenderReport(into, at, report);
  into[bye] = 0x81;
  into[bye + 1] = goodbye;
  writeU16(into, bye + 2, 1);
  return writeU32(into, bye + 4, report.ssrc);
}

/** One chunk with one CNAME item, ended and padded with zeros to 32 bits (RFC 3550 section 6.5). */
function writeCname(into: Uint8Array, at: number, ssrc: number, cname: string): number {
  const length = Math.min(cname.length, 255);
  const bytes = 8 + Math.ceil((2 + length + 1) / 4) * 4;
  into.fill(0, at, at + bytes);
  into[at] = 0x81;
  into[at + 1] = sourceDescription;
  writeU16(into, at + 2, bytes / 4 - 1);
  writeU32(into, at + 4, ssrc);
  into[at + 8] = 1;
  into[at + 9] = length;
  for (let i = 0; i < length; i++) into[at + 10 + i] = cname.charCodeAt(i) & 0x7f;
  return at + bytes;
}

/**
 * What the reader of one stream tells in a compound of RR, SR, SDES and BYE packets. One instance is reused: `decode`
 * overwrites the fields and allocates nothing.
 */
export class ReaderReport {
  /** A receiver report, with or without blocks, was in the compound: the reader is alive. */
  alive = false;
  /** A BYE was in the compound. */
  bye = false;
  /** A block about our stream was in the compound; the fields below are its. */
  reported = false;
  /** Share lost since the last report, in 256ths. */
  fractionLost = 0;
  /** Packets lost since the start; negative after duplicates. */
  cumulativeLost = 0;
  /** Extended highest sequence number received. */
  highestSequence = 0;
  /** Interarrival jitter in units of 90 kHz. */
  jitter = 0;
  /** Middle 32 bits of the NTP time of the last sender report that arrived, 0 for none. */
  lastSenderReport = 0;
  /** Since that report, in units of 1/65536 s. */
  delaySinceLastSenderReport = 0;

  /**
   * Reads `bytes[start, end)` and takes the block about `ssrc`. Returns whether all of it was well formed; what stands
   * before a malformed packet counts. Never throws.
   */
  decode(bytes: Uint8Array, start: number, end: number, ssrc: number): boolean {
    this.alive = false;
    this.bye = false;
    this.reported = false;
    let at = start;
    for (let packets = 0; at < end; packets++) {
      if (packets === packetsInCompound || end - at < 4 || bytes[at]! >>> 6 !== 2) return false;
      const next = at + 4 + 4 * readU16(bytes, at + 2);
      if (next > end) return false;
      const count = bytes[at]! & 0x1f;
      const type = bytes[at + 1]!;
      if (type === receiverReport || type === senderReport) {
        const blocks = at + (type === senderReport ? 28 : 8);
        if (blocks + 24 * count > next) return false;
        this.alive = true;
        for (let i = 0; i < count; i++) this.#block(bytes, blocks + 24 * i, ssrc);
      } else if (type === goodbye) {
        this.bye = true;
      }
      at = next;
    }
    return at > start;
  }

  #block(bytes: Uint8Array, at: number, ssrc: number): void {
    if (readU32(bytes, at) !== ssrc >>> 0) return;
    this.reported = true;
    this.fractionLost = bytes[at + 4]!;
    this.cumulativeLost = (readU24(bytes, at + 5) << 8) >> 8;
    this.highestSequence = readU32(bytes, at + 8);
    this.jitter = readU32(bytes, at + 12);
    this.lastSenderReport = readU32(bytes, at + 16);
    this.delaySinceLastSenderReport = readU32(bytes, at + 20);
  }
}
