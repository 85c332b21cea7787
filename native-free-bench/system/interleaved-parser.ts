/**
 * Reads RTP over an RTSP connection (RFC 2326, 10.12) for one reader of a load process: only the front of each packet is
 * looked at, in place; what is kept between two reads is at most one such front.
 */
import type { FrameChecker } from './frame-checker.ts';
import { Stamp } from './stamp.ts';

/** Longest front of an interleaved packet that is looked at: prefixes, SPS, PPS and the stamp of an aggregate fit. */
const frontLength = 320;
const prefixLength = 4;
const rtpHeaderLength = 12;
const responseLimit = 65536;
const nothing = Buffer.alloc(0);
/** All parsers of a process run in one thread and never keep it between two packets. */
const stamp = new Stamp();

/** One RTSP connection's incoming side. */
export class InterleavedParser {
  sequenceGaps = 0;
  readonly #reader: number;
  readonly #checker: FrameChecker;
  readonly #onResponse: (head: string, body: string) => void;
  readonly #front = Buffer.allocUnsafe(frontLength);
  #frontBytes = 0;
  #skip = 0;
  #marker = false;
  #stamped = false;
  #dueUs = 0;
  #lateUs = 0;
  #frame = 0;
  #publisher = 0;
  #sequence = -1;
  #text: Buffer = nothing;

  /** `onResponse` gets the head of each RTSP response and its body. */
  constructor(reader: number, checker: FrameChecker, onResponse: (head: string, body: string) => void) {
    this.#reader = reader;
    this.#checker = checker;
    this.#onResponse = onResponse;
  }

  /** Parses bytes[0, end) that arrived at `nowUs`. */
  receive(bytes: Buffer, end: number, nowUs: number): void {
    let at = 0;
    while (at < end) {
      if (this.#skip > 0) {
        const step = Math.min(this.#skip, end - at);
        at += step;
        this.#skip -= step;
        if (this.#skip === 0 && this.#marker) this.#complete(nowUs);
      } else if (this.#frontBytes > 0) {
        at = this.#fillFront(bytes, at, end, nowUs);
      } else if (this.#text.length > 0 || bytes[at] !== 0x24) {
        at = this.#readText(bytes, at, end);
      } else {
        at = this.#readPacket(bytes, at, end, nowUs);
      }
    }
  }

  /** A packet begins at `at`: read in place if its front is all there. */
  #readPacket(bytes: Buffer, at: number, end: number, nowUs: number): number {
    const there = end - at;
    if (there >= prefixLength) {
      const total = prefixLength + ((bytes[at + 2]! << 8) | bytes[at + 3]!);
      if (there >= total) {
        this.#packet(bytes, at, at + total);
        if (this.#marker) this.#complete(nowUs);
        return at + total;
      }
      if (there >= frontLength) {
        this.#packet(bytes, at, at + frontLength);
        this.#skip = total - there;
        return end;
      }
    }
    bytes.copy(this.#front, 0, at, end);
    this.#frontBytes = there;
    return end;
  }

  /** Completes a front that began in an earlier read. */
  #fillFront(bytes: Buffer, at: number, end: number, nowUs: number): number {
    const front = this.#front;
    let next = at;
    if (this.#frontBytes < prefixLength) {
      while (this.#frontBytes < prefixLength && next < end) front[this.#frontBytes++] = bytes[next++]!;
      if (this.#frontBytes < prefixLength) return next;
    }
    const total = prefixLength + ((front[2]! << 8) | front[3]!);
    const wanted = Math.min(total, frontLength);
    const missing = wanted - this.#frontBytes;
    const step = Math.min(missing, end - next);
    bytes.copy(front, this.#frontBytes, next, next + step);
    this.#frontBytes += step;
    next += step;
    if (this.#frontBytes < wanted) return next;
    this.#frontBytes = 0;
    this.#packet(front, 0, wanted);
    this.#skip = total - wanted;
    if (this.#skip === 0 && this.#marker) this.#complete(nowUs);
    return next;
  }

  /** Looks at the interleaved packet at `at`, of which bytes up to `end` are there. */
  #packet(bytes: Buffer, at: number, end: number): void {
    const payload = at + prefixLength + rtpHeaderLength + 4 * (bytes[at + prefixLength]! & 0x0f);
    if (bytes[at + 1] !== 0 || payload >= end) {
      this.#marker = false;
      return;
    }
    const second = bytes[at + prefixLength + 1]!;
    this.#marker = second >= 0x80;
    const sequence = (bytes[at + prefixLength + 2]! << 8) | bytes[at + prefixLength + 3]!;
    if (this.#sequence >= 0 && sequence !== ((this.#sequence + 1) & 0xffff)) this.sequenceGaps++;
    this.#sequence = sequence;
    if (this.#stamped) return;
    const type = bytes[payload]! & 0x1f;
    if (type === 6) this.#readStamp(bytes, payload, end);
    else if (type === 24) this.#readAggregate(bytes, payload + 1, end);
  }

  /** STAP-A (RFC 6184, 5.7.1): size and NAL unit, repeated. */
  #readAggregate(bytes: Buffer, start: number, end: number): void {
    let at = start;
    while (at + 2 < end && !this.#stamped) {
      const length = (bytes[at]! << 8) | bytes[at + 1]!;
      if ((bytes[at + 2]! & 0x1f) === 6) this.#readStamp(bytes, at + 2, end);
      at += 2 + length;
    }
  }

  #readStamp(bytes: Buffer, at: number, end: number): void {
    if (!stamp.read(bytes, at, end)) return;
    this.#stamped = true;
    this.#publisher = stamp.publisher;
    this.#frame = stamp.frame;
    this.#dueUs = stamp.dueUs;
    this.#lateUs = stamp.lateUs;
  }

  /** The last byte of the packet with the marker bit is there. */
  #complete(nowUs: number): void {
    this.#marker = false;
    if (this.#stamped) {
      this.#stamped = false;
      stamp.publisher = this.#publisher;
      stamp.frame = this.#frame;
      stamp.dueUs = this.#dueUs;
      stamp.lateUs = this.#lateUs;
      this.#checker.stamped(this.#reader, stamp, nowUs);
    } else this.#checker.bare();
  }

  /** Gathers an RTSP response; rare, so it may allocate. */
  #readText(bytes: Buffer, at: number, end: number): number {
    const before = this.#text.length;
    const text = Buffer.concat([this.#text, bytes.subarray(at, end)]);
    const headEnd = text.indexOf('\r\n\r\n');
    if (headEnd >= 0) {
      const head = text.toString('latin1', 0, headEnd);
      const length = Number(/^content-length:\s*(\d+)/im.exec(head)?.[1] ?? 0);
      const total = headEnd + 4 + length;
      if (text.length >= total) {
        this.#text = nothing;
        this.#onResponse(head, text.toString('utf8', headEnd + 4, total));
        return at + total - before;
      }
    }
    if (text.length > responseLimit) throw new Error('an RTSP response is too long');
    this.#text = text;
    return end;
  }
}
