/**
 * Puts a stamp into every frame of an FLV file, so that each frame that comes back says which camera sent it, in which of its
 * connections, and which frame of the clip it is. The slices stay as they are: their checksums go into the book.
 */
import { crc32 } from 'node:zlib';
import { createStampNal, stampFieldsOffset, stampNalLength, writeStamp } from '../../native-free-bench/system/stamp.ts';
import { type FlvTag, parseFlv } from '../flv-file.ts';
import { type FrameBook, frameNumber } from './frame-book.ts';

const fileHeaderLength = 9;
const tagHeaderLength = 11;
const backPointerLength = 4;
const videoTag = 9;
/** VideoTagHeader of AVC: frame type and codec, packet type, composition time. */
const videoHeaderLength = 5;
const lengthPrefix = 4;

/** A clip with room for stamps. */
export class StampedClip {
  readonly book: FrameBook;
  readonly #bytes: Buffer;
  /** Where the changing fields of each frame's stamp begin. */
  readonly #fieldsAt: readonly number[];

  /** Throws an Error if `file` is no H.264 clip with NAL lengths of four bytes. */
  constructor(file: Buffer, framesPerSecond: number) {
    const checksums: number[] = [];
    const fieldsAt: number[] = [];
    const parts: Buffer[] = [Buffer.concat([file.subarray(0, fileHeaderLength), Buffer.alloc(backPointerLength)])];
    let length = parts[0]!.length;
    for (const tag of parseFlv(file)) {
      const body = tag.type === videoTag ? stampedBody(tag) : { bytes: tag.body, stampAt: -1, checksum: 0 };
      if (body === null) continue;
      if (body.stampAt >= 0) {
        fieldsAt.push(length + tagHeaderLength + body.stampAt + stampFieldsOffset);
        checksums.push(body.checksum);
      }
      const whole = tagBytes(tag, body.bytes);
      parts.push(whole);
      length += whole.length;
    }
    if (checksums.length === 0) throw new Error('the clip has no H.264 frame');
    this.#bytes = Buffer.concat(parts);
    this.#fieldsAt = fieldsAt;
    this.book = {
      period: checksums.length,
      numbersRepeat: true,
      framesPerSecond,
      checksums: Uint32Array.from(checksums),
    };
  }

  /** Of each rendered clip. */
  get byteLength(): number {
    return this.#bytes.length;
  }

  /** The file for one connection of one camera; `startUs` is when it begins, monotonic microseconds. */
  render(camera: number, run: number, startUs: number): Buffer {
    const bytes = Buffer.from(this.#bytes);
    for (const [index, at] of this.#fieldsAt.entries())
      writeStamp(bytes, at, camera, frameNumber(run, index), startUs, 0);
    return bytes;
  }
}

interface StampedBody {
  readonly bytes: Buffer;
  /** Offset of the stamp in `bytes`, -1 for a sequence header. */
  readonly stampAt: number;
  readonly checksum: number;
}

/** Null for what is left out: the end of sequence, which would come in the middle of a repeated clip. */
function stampedBody({ body }: FlvTag): StampedBody | null {
  if (body.length < videoHeaderLength || (body[0]! & 0x0f) !== 7) throw new Error('the clip is not H.264');
  if (body[1] === 0) {
    if ((body[videoHeaderLength + 4]! & 3) !== lengthPrefix - 1) throw new Error('the clip has short NAL lengths');
    return { bytes: body, stampAt: -1, checksum: 0 };
  }
  if (body[1] !== 1) return null;
  let checksum = 0;
  let sliceAt = -1;
  for (let at = videoHeaderLength; at + lengthPrefix < body.length; ) {
    const end = at + lengthPrefix + body.readUInt32BE(at);
    const type = body[at + lengthPrefix]! & 0x1f;
    if (type >= 1 && type <= 5) {
      if (sliceAt < 0) sliceAt = at;
      checksum = crc32(body.subarray(at + lengthPrefix, end), checksum);
    }
    at = end;
  }
  if (sliceAt < 0) throw new Error('a frame of the clip has no slice');
  const prefix = Buffer.alloc(lengthPrefix);
  prefix.writeUInt32BE(stampNalLength);
  const bytes = Buffer.concat([body.subarray(0, sliceAt), prefix, createStampNal(), body.subarray(sliceAt)]);
  return { bytes, stampAt: sliceAt + lengthPrefix, checksum };
}

function tagBytes(tag: FlvTag, body: Buffer): Buffer {
  const bytes = Buffer.alloc(tagHeaderLength + body.length + backPointerLength);
  bytes[0] = tag.type;
  bytes.writeUIntBE(body.length, 1, 3);
  bytes.writeUIntBE(tag.timestampMs & 0xffffff, 4, 3);
  bytes[7] = tag.timestampMs >>> 24;
  body.copy(bytes, tagHeaderLength);
  bytes.writeUInt32BE(tagHeaderLength + body.length, tagHeaderLength + body.length);
  return bytes;
}
