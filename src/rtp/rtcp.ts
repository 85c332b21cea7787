import { readU16, writeU16, writeU32 } from '../base/bytes.ts';

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
 * Whether `bytes[start, end)` is a well-formed compound of RTCP packets with a receiver or sender report in it: then the reader of a stream
 * is alive, and what it says about our stream is of no use to a server that sends at the pace of the camera. Never throws.
 */
export function isReaderReport(bytes: Uint8Array, start: number, end: number): boolean {
  let found = false;
  let at = start;
  for (let packets = 0; at < end; packets++) {
    if (packets === packetsInCompound || end - at < 4 || bytes[at]! >>> 6 !== 2) return false;
    const next = at + 4 + 4 * readU16(bytes, at + 2);
    if (next > end) return false;
    const type = bytes[at + 1]!;
    if (type === receiverReport || type === senderReport) {
      const blocks = at + (type === senderReport ? 28 : 8);
      if (blocks + 24 * (bytes[at]! & 0x1f) > next) return false;
      found = true;
    }
    at = next;
  }
  return found;
}
