/**
 * Takes RTP over an RTSP connection (RFC 2326, 10.12; RFC 6184) apart into frames: stamp, checksum of the slices, time stamp.
 * Packets are looked at where they lie in the read buffer; only one that straddles two reads is copied.
 */
import { Stamp } from '../../native-free-bench/system/stamp.ts';
import { type ByteCheck, SliceSum } from './byte-check.ts';

const prefixLength = 4;
const rtpHeaderLength = 12;
const responseLimit = 65_536;
const nothing = Buffer.alloc(0);

const sliceTypes = { first: 1, last: 5 } as const;
const seiType = 6;
const spsType = 7;
const stapA = 24;
const fuA = 28;

/** NAL headers as buffers of one byte: a fragmented unit's header is not in the packet. */
const headerBytes = Array.from({ length: 256 }, (_, byte) => Buffer.of(byte));
/** All parsers of a thread use it in turn. */
const readStamp = new Stamp();

/** One frame; the same object is used again for the next. */
export class ReceivedFrame {
  stamped = false;
  /** From the stamp. */
  camera = 0;
  number = 0;
  dueUs = 0;
  /** {@link SliceSum} of all slices, 0 if bytes are not looked at. */
  checksum = 0;
  /** Payload of all its packets. */
  bytes = 0;
  /** 90 kHz, 32 bits. */
  rtpTime = 0;
  /** profile_idc of the newest sequence parameter set, 0 before the first. */
  profile = 0;
}

export interface RtpFramesHandler {
  /** An RTSP response. */
  onResponse(head: string, body: string): void;
  /** A whole frame; valid during the call. */
  onFrame(frame: ReceivedFrame, nowUs: number): void;
}

/** One RTSP connection's incoming side. */
export class RtpFrames {
  /** RTP packets that did not follow the one before. */
  sequenceGaps = 0;
  readonly #handler: RtpFramesHandler;
  readonly #checkBytes: boolean;
  readonly #sum: SliceSum;
  readonly #frame = new ReceivedFrame();
  #carried: Buffer = nothing;
  #carriedBytes = 0;
  #sequence = -1;
  #text: Buffer = nothing;

  constructor(handler: RtpFramesHandler, check: ByteCheck) {
    this.#handler = handler;
    this.#checkBytes = check !== 'none';
    this.#sum = new SliceSum(check);
  }

  /** Parses bytes[0, end). Throws an Error for what is neither a response nor a packet. */
  receive(bytes: Buffer, end: number, nowUs: number): void {
    let at = this.#carriedBytes > 0 ? this.#completeCarried(bytes, end, nowUs) : 0;
    while (at < end) {
      if (this.#text.length > 0 || bytes[at] !== 0x24) {
        at = this.#readText(bytes, at, end);
        continue;
      }
      const total = end - at < prefixLength ? Number.POSITIVE_INFINITY : packetLength(bytes, at);
      if (at + total > end) {
        this.#carry(bytes, at, end);
        return;
      }
      this.#packet(bytes, at, at + total, nowUs);
      at += total;
    }
  }

  #carry(bytes: Buffer, start: number, end: number): void {
    const wanted = this.#carriedBytes + end - start;
    if (wanted > this.#carried.length) {
      const larger = Buffer.allocUnsafeSlow(Math.max(wanted, (prefixLength + 0xffff) >>> 2, 2 * this.#carried.length));
      this.#carried.copy(larger, 0, 0, this.#carriedBytes);
      this.#carried = larger;
    }
    bytes.copy(this.#carried, this.#carriedBytes, start, end);
    this.#carriedBytes = wanted;
  }

  /** Adds to the carried packet what belongs to it; returns where the next one begins. */
  #completeCarried(bytes: Buffer, end: number, nowUs: number): number {
    let at = 0;
    if (this.#carriedBytes < prefixLength) {
      at = Math.min(end, prefixLength - this.#carriedBytes);
      this.#carry(bytes, 0, at);
      if (this.#carriedBytes < prefixLength) return at;
    }
    const total = packetLength(this.#carried, 0);
    const step = Math.min(end - at, total - this.#carriedBytes);
    this.#carry(bytes, at, at + step);
    if (this.#carriedBytes === total) {
      this.#carriedBytes = 0;
      this.#packet(this.#carried, 0, total, nowUs);
    }
    return at + step;
  }

  #packet(bytes: Buffer, at: number, end: number, nowUs: number): void {
    // Channel 1 carries RTCP.
    if (bytes[at + 1] !== 0) return;
    const rtp = at + prefixLength;
    const first = bytes[rtp]!;
    let payload = rtp + rtpHeaderLength + 4 * (first & 0x0f);
    if ((first & 0x10) !== 0) payload += 4 + 4 * ((bytes[payload + 2]! << 8) | bytes[payload + 3]!);
    const payloadEnd = (first & 0x20) !== 0 ? end - bytes[end - 1]! : end;
    if (payload >= payloadEnd) return;
    const sequence = (bytes[rtp + 2]! << 8) | bytes[rtp + 3]!;
    if (this.#sequence >= 0 && sequence !== ((this.#sequence + 1) & 0xffff)) this.sequenceGaps++;
    this.#sequence = sequence;
    const frame = this.#frame;
    frame.bytes += payloadEnd - payload;
    this.#payload(bytes, payload, payloadEnd);
    if (bytes[rtp + 1]! >= 0x80) {
      frame.rtpTime = bytes.readUInt32BE(rtp + 4);
      frame.checksum = this.#sum.take();
      this.#handler.onFrame(frame, nowUs);
      frame.stamped = false;
      frame.bytes = 0;
    }
  }

  #payload(bytes: Buffer, start: number, end: number): void {
    const type = bytes[start]! & 0x1f;
    if (type === fuA) this.#fragment(bytes, start, end);
    else if (type === stapA) {
      for (let at = start + 1; at + 2 < end; ) {
        const length = (bytes[at]! << 8) | bytes[at + 1]!;
        this.#unit(bytes, at + 2, Math.min(end, at + 2 + length));
        at += 2 + length;
      }
    } else this.#unit(bytes, start, end);
  }

  #unit(bytes: Buffer, start: number, end: number): void {
    const type = bytes[start]! & 0x1f;
    const frame = this.#frame;
    if (type >= sliceTypes.first && type <= sliceTypes.last) {
      this.#sum.add(bytes, start, end);
    } else if (type === seiType) {
      if (!readStamp.read(bytes, start, end)) return;
      frame.stamped = true;
      frame.camera = readStamp.publisher;
      frame.number = readStamp.frame;
      frame.dueUs = readStamp.dueUs;
    } else if (type === spsType && end - start > 1) frame.profile = bytes[start + 1]!;
  }

  #fragment(bytes: Buffer, start: number, end: number): void {
    const fragmentHeader = bytes[start + 1]!;
    const type = fragmentHeader & 0x1f;
    if (!this.#checkBytes || type < sliceTypes.first || type > sliceTypes.last) return;
    if ((fragmentHeader & 0x80) !== 0) this.#sum.add(headerBytes[(bytes[start]! & 0xe0) | type]!, 0, 1);
    this.#sum.add(bytes, start + 2, end);
  }

  /** Gathers an RTSP response; rare, so it may allocate. */
  #readText(bytes: Buffer, at: number, end: number): number {
    const before = this.#text.length;
    const text = Buffer.concat([this.#text, bytes.subarray(at, end)]);
    const headEnd = text.indexOf('\r\n\r\n');
    if (headEnd >= 0) {
      const head = text.toString('latin1', 0, headEnd);
      const total = headEnd + 4 + Number(/^content-length:\s*(\d+)/im.exec(head)?.[1] ?? 0);
      if (text.length >= total) {
        this.#text = nothing;
        this.#handler.onResponse(head, text.toString('utf8', headEnd + 4, total));
        return at + total - before;
      }
    }
    if (text.length > responseLimit) throw new Error('the server does not speak RTSP');
    this.#text = text;
    return end;
  }
}

function packetLength(bytes: Buffer, at: number): number {
  return prefixLength + ((bytes[at + 2]! << 8) | bytes[at + 3]!);
}
