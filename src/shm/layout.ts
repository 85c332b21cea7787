import { limits } from '../base/limits.ts';

/**
 * Every word of a frame ring: one growable SharedArrayBuffer per camera.
 *
 *      byte 0  ┌─────────────────────────────┐  written by
 *              │ constants               64  │  createRing, once
 *          64  ├─────────────────────────────┤
 *              │ writer's words          64  │  the ring's writer: head, tail, newest keyframe, ...
 *         128  ├─────────────────────────────┤
 *              │ reader slots        8 x 64  │  slot i: the one thread that claimed it
 *         640  ├─────────────────────────────┤
 *              │ parameters            9216  │  the ring's writer, seqlocked by parametersVersion
 *        9856  ├─────────────────────────────┤
 *              │ descriptors    frames x 64  │  the ring's writer; record s lies in slot s % frames
 *              ├─────────────────────────────┤  (up to the middle of a page)
 *  payloadStart│ payload area                │  the ring's writer; grows, never shrinks
 *              │                             │
 *              │  lap 7         lap 6        │  a lap starts whenever writing starts again at the first byte;
 *              │ ┌──┬────┬───┐  ┌─────┬───┐  │  the records of the lap before lie ahead of the writer, oldest first
 *              │ │s5│ s6 │ s7│..│ s3  │ s4│  │
 *              └─┴──┴────┴───┴──┴─────┴───┴──┘
 *                            ^ open record, not committed, no descriptor
 *
 * Sequence numbers run freely through 32 bits and are kept as signed integers; compare them by `(a - b) | 0`. The records
 * `tail <= s < head` can be read. Units are bytes and 32-bit words; words of different writing threads never share a
 * cache line of 64 bytes.
 */
const lineBytes = 64;
const wordBytes = 4;
const lineWords = lineBytes / wordBytes;

/** Constants of the ring, written once by `createRing` before the ring is shared. Indexes of 32-bit words. */
export const constantWord = {
  /** {@link ringMagic}; anything else is not a ring, or one of another layout. */
  magic: 0,
  /** Records that can be held, also the number of descriptor slots. */
  frames: 1,
  /** Byte offset of the payload area. */
  payloadStart: 2,
  /** Bytes of payload the ring starts with. */
  initialBytes: 3,
  /** Bytes of payload that the capacity follows the bitrate to. */
  maximumBytes: 4,
  /** Bytes of payload that one large record can make the area grow to. */
  hardMaximumBytes: 5,
  /** 1: the newest group of pictures stays readable. */
  gopCache: 6,
} as const;

/** Words that only the ring's writer thread stores. Indexes of 32-bit words. */
export const writerWord = {
  /** Sequence number of the next record to be committed. Its store publishes a record. */
  head: lineWords,
  /** Oldest sequence number that can still be read. Stored before anything of an older record is overwritten. */
  tail: lineWords + 1,
  /** Newest committed record at which decoding can start; none if it lies before the tail. */
  newestKeyframe: lineWords + 2,
  /** Video records before `head`, modulo 2^32: in this word when `head` is even ... */
  videoCount: lineWords + 3,
  /** ... and in this one when it is odd, so that a reader can take both from one instant. */
  videoCountOdd: lineWords + 4,
  /** Counts the streams that were started on this ring. */
  generation: lineWords + 5,
  /** 1 from the start of a stream to its end in order; still 1 after a crash. */
  live: lineWords + 6,
  /** Bytes of payload after which writing wraps to offset 0. */
  capacity: lineWords + 7,
  /** Twice the version of the parameters; odd while they are being written. */
  parametersVersion: lineWords + 8,
  /** Bytes in the parameters area, 0 if there are none. */
  parametersLength: lineWords + 9,
} as const;

/** The word that holds the number of video records before `head`. */
export function videoCountWord(head: number): number {
  return (head & 1) === 0 ? writerWord.videoCount : writerWord.videoCountOdd;
}

/** Number of reader slots: threads that can take part in rewind-when-drained and depth. */
export const readerSlots = limits.ring.readerSlots;

/** First word of reader slot 0; the slots follow each other by {@link readerSlotWords}. Stored by the claiming thread. */
export const readerSlotStart = 2 * lineWords;
/** Words from one reader slot to the next. */
export const readerSlotWords = lineWords;
/** Words of one reader slot. */
export const readerSlotWord = {
  /** 1 while a thread takes part. */
  active: 0,
  /** Sequence number of the oldest record that a cursor of the thread has not done with. */
  cursor: 1,
} as const;

/** Byte offset of the parameters area. */
export const parametersStart = (readerSlotStart + readerSlots * readerSlotWords) * wordBytes;
/** Bytes: the largest SPS and PPS together, and room for the MessagePack around them. */
export const parametersBytes = limits.h264.parameterSetBytes + 1024;

/** First word of descriptor slot 0. Stored by the ring's writer. */
export const descriptorStart = (parametersStart + parametersBytes) / wordBytes;
/** Words from one descriptor to the next. */
export const descriptorWords = lineWords;
/** 32-bit words of a descriptor, relative to its first. */
export const descriptorWord = {
  /** Sequence number of the record. */
  sequence: 0,
  /** A value of `recordKind`. */
  kind: 1,
  /** Bits of `recordFlag`. */
  flags: 2,
  /** The stream that the record belongs to. */
  generation: 3,
  /** Lap in which the payload was written; see the drawing. */
  lap: 4,
  /** Byte offset of the payload in the payload area. */
  offset: 5,
  /** Bytes of payload. */
  length: 6,
  /** Video records before this one, modulo 2^32. */
  videoOrdinal: 7,
  /** Presentation minus decoding time, milliseconds. */
  ptsOffsetMs: 8,
  /** Version of the parameters when the record was committed. */
  parametersVersion: 9,
} as const;
/** 64-bit floating-point words of a descriptor, relative to its first 64-bit word. */
export const descriptorNumber = {
  /** Decoding time, milliseconds, unwrapped. */
  dtsMs: 5,
  /** Arrival of the record's last byte, monotonic microseconds. */
  arrivalUs: 6,
} as const;

/** Marks a ring of this layout ("SKW" and the layout's number). */
export const ringMagic = 0x53_4b_57_01;

const pageBytes = 4096;

/**
 * Byte offset of the payload area of a ring with `frames` descriptors: half a page into a page. Reads arrive at the start of
 * a page, and a copy whose source is up to 15 bytes further into its page than its destination is ten times slower
 * (measured on AMD Zen 4).
 */
export function payloadStartOf(frames: number): number {
  const end = (descriptorStart + frames * descriptorWords) * wordBytes;
  return Math.ceil((end - pageBytes / 2) / pageBytes) * pageBytes + pageBytes / 2;
}

/** The views over a ring that its writer and readers share in form: not in memory, each thread makes its own. */
export class RingMemory {
  readonly ring: SharedArrayBuffer;
  /** All 32-bit words in front of the payload area. */
  readonly words: Int32Array<SharedArrayBuffer>;
  /** The same memory as 64-bit floating-point words. */
  readonly numbers: Float64Array<SharedArrayBuffer>;
  readonly frames: number;
  readonly payloadStart: number;

  /** Throws `TypeError` if `ring` was not made by `createRing` of this layout. */
  constructor(ring: SharedArrayBuffer) {
    const magic = ring.byteLength > lineBytes ? new Int32Array(ring, 0, 1)[constantWord.magic] : 0;
    if (magic !== ringMagic) throw new TypeError('not a frame ring of this version');
    const constants = new Int32Array(ring, 0, lineWords);
    this.ring = ring;
    this.frames = constants[constantWord.frames]!;
    this.payloadStart = constants[constantWord.payloadStart]!;
    this.words = new Int32Array(ring, 0, this.payloadStart / wordBytes);
    this.numbers = new Float64Array(ring, 0, this.payloadStart / Float64Array.BYTES_PER_ELEMENT);
  }

  /** Index of the first 32-bit word of the descriptor of record `sequence`; halve it for the 64-bit words. */
  descriptorOf(sequence: number): number {
    return descriptorStart + ((sequence >>> 0) % this.frames) * descriptorWords;
  }

  /** A view of the payload area as large as the ring is now. */
  payload(): Buffer<SharedArrayBuffer> {
    return Buffer.from(this.ring, this.payloadStart, this.ring.byteLength - this.payloadStart);
  }

  /** A view of the parameters area. */
  parameters(): Uint8Array<SharedArrayBuffer> {
    return new Uint8Array(this.ring, parametersStart, parametersBytes);
  }
}
