/**
 * Synthetic 1080p H.264 as ready RTMP bytes. The frames of all publishers share these buffers: only the timestamp and the
 * stamp at the front differ, so that a generator pays one small patch and one write per frame.
 */
import { createStampNal, stampFieldsOffset, stampNalLength, writeStamp } from './stamp.ts';

/** Sequence and picture parameter sets of a 1920x1080 Main profile stream made by x264, 30 frames per second. */
export const syntheticSps = Buffer.from('674d4028d900780227e5c044000003000400000300f03c60c920', 'hex');
/** The picture parameter set that belongs to `syntheticSps`. */
export const syntheticPps = Buffer.from('68ebc3cb20', 'hex');

/** Shape of the load: what one publisher sends. */
export interface StreamShape {
  readonly bitsPerSecond: number;
  readonly framesPerSecond: number;
  /** Frames from one IDR to the next. */
  readonly gop: number;
  /** RTMP chunk size announced and used, 128 to 0xffffff bytes. */
  readonly chunkSize: number;
}

/** How many times larger than a P frame an IDR is. */
const idrFactor = 8;
/** Sizes of P frames around their mean, repeating; the mean of the list is 1. */
const predictedFactors = [0.7, 1.05, 0.9, 1.35] as const;
/** Chunk stream id of video. */
const videoCsid = 6;
/** Basic header and message header of type 0 (RTMP 1.0, 5.3.1.2.1). */
const chunkHeaderLength = 12;
/** FLV VideoTagHeader of AVC: frame type and codec, packet type, composition time. */
const tagHeaderLength = 5;
const lengthPrefix = 4;

/** Bytes at the front of a frame that change from frame to frame; all that follows is the same for ever. */
export const frameHeadLength = chunkHeaderLength + tagHeaderLength + lengthPrefix + stampNalLength;
const stampAt = chunkHeaderLength + tagHeaderLength + lengthPrefix + stampFieldsOffset;

/** One kind of frame as RTMP bytes. `bytes` is patched in place; whoever lets a socket keep it must call `replace`. */
export class FrameTemplate {
  bytes: Buffer;
  readonly keyframe: boolean;

  constructor(bytes: Buffer, keyframe: boolean) {
    this.bytes = bytes;
    this.keyframe = keyframe;
  }

  /** Puts the timestamp (below 2^24 - 1 ms) and the stamp of one frame into the head. */
  patch(timestampMs: number, publisher: number, frame: number, dueUs: number, lateUs: number): void {
    const bytes = this.bytes;
    bytes[1] = timestampMs >>> 16;
    bytes[2] = timestampMs >>> 8;
    bytes[3] = timestampMs;
    writeStamp(bytes, stampAt, publisher, frame, dueUs, lateUs);
  }

  /** Goes on with a copy: the old bytes still wait in a socket and must not change. */
  replace(): void {
    this.bytes = Buffer.from(this.bytes);
  }
}

/** Everything a publisher sends besides its commands. */
export class SyntheticStream {
  readonly shape: StreamShape;
  /** The sequence header message. */
  readonly header: Buffer;
  readonly idr: FrameTemplate;
  readonly predicted: readonly FrameTemplate[];

  constructor(shape: StreamShape) {
    this.shape = shape;
    this.header = rtmpMessage(videoCsid, 9, 1, sequenceHeaderBody(), shape.chunkSize);
    const meanBytes = shape.bitsPerSecond / 8 / shape.framesPerSecond;
    const predictedBytes = (shape.gop * meanBytes) / (shape.gop - 1 + idrFactor);
    this.idr = this.#template(true, Math.round(predictedBytes * idrFactor));
    this.predicted = predictedFactors.map((factor) => this.#template(false, Math.round(predictedBytes * factor)));
  }

  /** The template of frame `index` counted from the publisher's first IDR. */
  frame(index: number): FrameTemplate {
    if (index % this.shape.gop === 0) return this.idr;
    return this.predicted[index % this.predicted.length]!;
  }

  /** Mean of all frames of one GOP as sent, in bytes with RTMP headers. */
  get meanFrameBytes(): number {
    let total = 0;
    for (let i = 0; i < this.shape.gop; i++) total += this.frame(i).bytes.length;
    return total / this.shape.gop;
  }

  #template(keyframe: boolean, length: number): FrameTemplate {
    const body = frameBody(keyframe, Math.max(length, 256));
    return new FrameTemplate(rtmpMessage(videoCsid, 9, 1, body, this.shape.chunkSize), keyframe);
  }
}

/** An RTMP message as chunks: a type 0 header with timestamp 0, then type 3 headers. */
export function rtmpMessage(
  csid: number,
  type: number,
  messageStreamId: number,
  body: Uint8Array,
  chunkSize: number,
): Buffer {
  const continuations = body.length === 0 ? 0 : Math.ceil(body.length / chunkSize) - 1;
  const bytes = Buffer.alloc(chunkHeaderLength + body.length + continuations);
  bytes[0] = csid;
  bytes.writeUIntBE(body.length, 4, 3);
  bytes[7] = type;
  bytes.writeUInt32LE(messageStreamId, 8);
  let at = chunkHeaderLength;
  for (let start = 0; start < body.length; start += chunkSize) {
    if (start > 0) bytes[at++] = 0xc0 | csid;
    const part = body.subarray(start, start + chunkSize);
    bytes.set(part, at);
    at += part.length;
  }
  return bytes;
}

/** FLV AVC sequence header: tag header and AVCDecoderConfigurationRecord (ISO/IEC 14496-15, 5.3.3.1). */
function sequenceHeaderBody(): Buffer {
  const sps = syntheticSps;
  const pps = syntheticPps;
  return Buffer.concat([
    Buffer.from([0x17, 0, 0, 0, 0, 1, sps[1]!, sps[2]!, sps[3]!, 0xff, 0xe1, 0, sps.length]),
    sps,
    Buffer.from([1, 0, pps.length]),
    pps,
  ]);
}

/** FLV video tag body of about `length` bytes: stamp and one slice of bytes that can form no start code. */
function frameBody(keyframe: boolean, length: number): Buffer {
  const body = Buffer.alloc(length);
  body[0] = keyframe ? 0x17 : 0x27;
  body[1] = 1;
  body.writeUInt32BE(stampNalLength, tagHeaderLength);
  createStampNal().copy(body, tagHeaderLength + lengthPrefix);
  const slice = tagHeaderLength + lengthPrefix + stampNalLength;
  body.writeUInt32BE(length - slice - lengthPrefix, slice);
  let state = 0x2545f491;
  for (let i = slice + lengthPrefix; i < length; i++) {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    body[i] = (state >>> 24) | 1;
  }
  // NAL header, then first_mb_in_slice 0 and the slice type: I for the IDR, P else (ITU-T H.264, 7.3.3).
  body[slice + lengthPrefix] = keyframe ? 0x65 : 0x41;
  body[slice + lengthPrefix + 1] = keyframe ? 0x88 : 0x9a;
  return body;
}
