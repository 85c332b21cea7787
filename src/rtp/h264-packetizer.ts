import { readU32 } from '../base/bytes.ts';
import { interleavedMaximumBytes, interleavedPrefixBytes } from './interleaved-frame.ts';
import type { PacketBatch } from './packet-batch.ts';

/** What an {@link H264Packetizer} starts with. */
export interface H264PacketizerOptions {
  readonly ssrc: number;
  /** Dynamic payload type, 96 to 127. */
  readonly payloadType: number;
  /** Sequence number of the first packet, 16 bits, random. */
  readonly sequence: number;
  /** Channel of the interleaved frames, or -1 for packets without a prefix (UDP). */
  readonly interleavedChannel: number;
  /** Bytes of RTP payload at most: about 1400 to fit an Ethernet frame over UDP. */
  readonly maxPayloadBytes: number;
}

/** The largest `maxPayloadBytes`: with its RTP header it still fits the 16-bit length of an interleaved frame. */
export const maximumPayloadBytes = interleavedMaximumBytes - 12;

const rtpHeaderBytes = 12;
const stapA = 24;
const fuA = 28;
/** One bit per NAL unit type that is sent: not 0 and 24 to 31 (undefined in H.264), 9 to 12 (delimiter, ends, filler). */
const sentTypes = 0x00ff_e1fe;
/** Types that share a STAP-A: SEI, SPS, PPS, SPS extension, subset SPS. Slices never do. */
const aggregatedTypes = (1 << 6) | (1 << 7) | (1 << 8) | (1 << 13) | (1 << 15);

/**
 * H.264 access units to RTP packets (RFC 6184, packetization-mode 1): single NAL unit packets, STAP-A for neighbouring
 * parameter sets and SEI, FU-A for what is too long. One instance is one RTP stream: it owns the sequence number.
 */
export class H264Packetizer {
  /** Packets and payload octets built so far, for sender reports; take the low 32 bits. */
  packets = 0;
  octets = 0;
  /** Sequence number of the next packet, 16 bits. */
  nextSequence: number;
  readonly ssrc: number;
  readonly #payloadType: number;
  readonly #channel: number;
  readonly #prefixBytes: number;
  readonly #maxPayload: number;
  #timestamp = 0;
  /** Offset of the open STAP-A's RTP header in the batch's buffer, -1 if none is open; it reaches to `batch.length`. */
  #aggregateAt = -1;
  #aggregateUnits = 0;
  /** F and NRI of the open STAP-A: any F, the highest NRI (RFC 6184 section 5.7). */
  #aggregateHeader = 0;

  constructor(options: H264PacketizerOptions) {
    const { maxPayloadBytes } = options;
    if (!(maxPayloadBytes >= 64 && maxPayloadBytes <= maximumPayloadBytes))
      throw new RangeError(`maxPayloadBytes must be 64 to ${maximumPayloadBytes}, not ${maxPayloadBytes}`);
    this.ssrc = options.ssrc >>> 0;
    this.nextSequence = options.sequence & 0xffff;
    this.#payloadType = options.payloadType & 0x7f;
    this.#channel = options.interleavedChannel;
    this.#prefixBytes = this.#channel < 0 ? 0 : interleavedPrefixBytes;
    this.#maxPayload = maxPayloadBytes;
  }

  /**
   * Appends the packets of one access unit, 4-byte length-prefixed NAL units in `source[start, end)`, to `batch` and
   * returns their number. `parameterSets` (length-prefixed SPS and PPS) go in front; null for none. An access unit with
   * nothing to send makes no packet, not even of `parameterSets`. A truncated last NAL unit is left out.
   */
  packetize(
    batch: PacketBatch,
    source: Buffer,
    start: number,
    end: number,
    rtpTimestamp: number,
    parameterSets: Buffer | null,
  ): number {
    const first = batch.count;
    let sets = parameterSets;
    this.#timestamp = rtpTimestamp;
    for (let at = start; end - at > 4; ) {
      const length = readU32(source, at);
      at += 4;
      if (length > end - at) break;
      if (length > 0 && ((sentTypes >>> (source[at]! & 0x1f)) & 1) === 1) {
        if (sets !== null) {
          this.#parameterSets(batch, sets);
          sets = null;
        }
        this.#unit(batch, source, at, length);
      }
      at += length;
    }
    if (this.#aggregateAt >= 0) this.#closeAggregate(batch);
    const count = batch.count - first;
    if (count > 0) {
      const marker = batch.starts[batch.count - 1]! + 1;
      batch.buffer[marker] = batch.buffer[marker]! | 0x80;
      this.packets += count;
    }
    return count;
  }

  #parameterSets(batch: PacketBatch, source: Buffer): void {
    for (let at = 0; source.length - at > 4; ) {
      const length = readU32(source, at);
      at += 4;
      if (length > source.length - at) break;
      if (length > 0 && ((sentTypes >>> (source[at]! & 0x1f)) & 1) === 1) this.#unit(batch, source, at, length);
      at += length;
    }
  }

  #unit(batch: PacketBatch, source: Buffer, at: number, length: number): void {
    if (((aggregatedTypes >>> (source[at]! & 0x1f)) & 1) === 1 && length + 3 <= this.#maxPayload) {
      this.#aggregate(batch, source, at, length);
      return;
    }
    if (this.#aggregateAt >= 0) this.#closeAggregate(batch);
    if (length <= this.#maxPayload) this.#single(batch, source, at, length);
    else this.#fragment(batch, source, at, length);
  }

  #single(batch: PacketBatch, source: Buffer, at: number, length: number): void {
    batch.reserve(this.#prefixBytes + rtpHeaderBytes + length, 1);
    const to = this.#header(batch.buffer, batch.length, length);
    batch.starts[batch.count] = to - rtpHeaderBytes;
    source.copy(batch.buffer, to, at, at + length);
    batch.length = to + length;
    batch.ends[batch.count++] = batch.length;
    this.octets += length;
  }

  #fragment(batch: PacketBatch, source: Buffer, at: number, length: number): void {
    const room = this.#maxPayload - 2;
    const count = Math.ceil((length - 1) / room);
    batch.reserve(length - 1 + count * (this.#prefixBytes + rtpHeaderBytes + 2), count);
    const { buffer, starts, ends } = batch;
    const type = source[at]! & 0x1f;
    const indicator = (source[at]! & 0xe0) | fuA;
    const end = at + length;
    let index = batch.count;
    let to = batch.length;
    let from = at + 1;
    let header = 0x80 | type;
    while (from < end) {
      let size = end - from;
      if (size > room) size = room;
      else header |= 0x40;
      to = this.#header(buffer, to, size + 2);
      starts[index] = to - rtpHeaderBytes;
      buffer[to] = indicator;
      buffer[to + 1] = header;
      to += 2;
      source.copy(buffer, to, from, from + size);
      from += size;
      to += size;
      ends[index++] = to;
      header = type;
    }
    batch.count = index;
    batch.length = to;
    this.octets += length - 1 + 2 * count;
  }

  /**
   * Adds a short unit to the open STAP-A, or opens one. Its headers are written when it closes. Until a second unit comes the
   * first one lies where it would as a packet of its own, which is what most become.
   */
  #aggregate(batch: PacketBatch, source: Buffer, at: number, length: number): void {
    if (this.#aggregateAt >= 0) {
      const payload = batch.length - this.#aggregateAt - rtpHeaderBytes;
      const headers = this.#aggregateUnits === 1 ? 3 + 2 : 2;
      if (payload + headers + length > this.#maxPayload) this.#closeAggregate(batch);
    }
    batch.reserve(this.#prefixBytes + rtpHeaderBytes + 3 + 2 + length, 1);
    if (this.#aggregateAt < 0) {
      this.#aggregateAt = batch.length + this.#prefixBytes;
      this.#aggregateUnits = 0;
      this.#aggregateHeader = 0;
      batch.length = this.#aggregateAt + rtpHeaderBytes;
    } else {
      if (this.#aggregateUnits === 1) this.#prefixFirst(batch);
      batch.buffer[batch.length++] = length >>> 8;
      batch.buffer[batch.length++] = length;
    }
    const header = source[at]!;
    source.copy(batch.buffer, batch.length, at, at + length);
    batch.length += length;
    this.#aggregateUnits++;
    const nri = Math.max(header & 0x60, this.#aggregateHeader & 0x60);
    this.#aggregateHeader = ((this.#aggregateHeader | header) & 0x80) | nri;
  }

  /** Makes room in front of the first unit for the header of the STAP-A and the length of the unit. */
  #prefixFirst(batch: PacketBatch): void {
    const { buffer } = batch;
    const payloadAt = this.#aggregateAt + rtpHeaderBytes;
    const length = batch.length - payloadAt;
    buffer.copyWithin(payloadAt + 3, payloadAt, batch.length);
    buffer[payloadAt + 1] = length >>> 8;
    buffer[payloadAt + 2] = length;
    batch.length += 3;
  }

  /** Completes the open STAP-A; with one unit in it, it is a single NAL unit packet. */
  #closeAggregate(batch: PacketBatch): void {
    const { buffer } = batch;
    const start = this.#aggregateAt;
    const payloadAt = start + rtpHeaderBytes;
    if (this.#aggregateUnits > 1) buffer[payloadAt] = this.#aggregateHeader | stapA;
    const payload = batch.length - payloadAt;
    this.#header(buffer, start - this.#prefixBytes, payload);
    batch.starts[batch.count] = start;
    batch.ends[batch.count++] = batch.length;
    this.octets += payload;
    this.#aggregateAt = -1;
  }

  /** Interleaved prefix, if any, and RTP header (RFC 3550 section 5.1). Returns the offset of the payload. */
  #header(buffer: Buffer, at: number, payloadBytes: number): number {
    const sequence = this.nextSequence;
    const timestamp = this.#timestamp;
    const ssrc = this.ssrc;
    if (this.#channel >= 0) {
      const length = payloadBytes + rtpHeaderBytes;
      buffer[at] = 0x24;
      buffer[at + 1] = this.#channel;
      buffer[at + 2] = length >>> 8;
      buffer[at + 3] = length;
      at += interleavedPrefixBytes;
    }
    buffer[at] = 0x80;
    buffer[at + 1] = this.#payloadType;
    buffer[at + 2] = sequence >>> 8;
    buffer[at + 3] = sequence;
    buffer[at + 4] = timestamp >>> 24;
    buffer[at + 5] = timestamp >>> 16;
    buffer[at + 6] = timestamp >>> 8;
    buffer[at + 7] = timestamp;
    buffer[at + 8] = ssrc >>> 24;
    buffer[at + 9] = ssrc >>> 16;
    buffer[at + 10] = ssrc >>> 8;
    buffer[at + 11] = ssrc;
    this.nextSequence = (sequence + 1) & 0xffff;
    return at + rtpHeaderBytes;
  }
}
