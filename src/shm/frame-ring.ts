import { constantWord, payloadStartOf, RingMemory, ringMagic, writerWord } from './layout.ts';

/** What a record of a ring holds. */
export const recordKind = {
  /** One access unit: NAL units with 4-byte lengths, contiguous. */
  video: 1,
  /** MessagePack: codec, parameter sets, dimensions. */
  sequenceHeader: 2,
  /** MessagePack: the publisher's metadata. */
  metadata: 3,
  /** No payload: the stream ended in order. */
  endOfStream: 4,
} as const;

/** Bits that describe a video record. */
export const recordFlag = {
  /** An IDR access unit. */
  keyframe: 1,
  /** Time or content does not continue the record before. */
  discontinuity: 2,
  /** The access unit itself holds SPS and PPS. */
  parameterSets: 4,
  /** A recovery point: decoding can start here too, as in streams with intra refresh, which have no IDR. */
  recoveryPoint: 8,
  /** It came while the publisher's thread could not keep up: a burst of such is a backlog of ours. */
  heldUp: 16,
} as const;

/** Bits of which one must be set where a reader starts. */
export const entryFlags = recordFlag.keyframe | recordFlag.recoveryPoint;

/** Sizes of a ring. Bytes count payload only. */
export interface RingOptions {
  /** Records held at most, 2 or more. */
  readonly frames: number;
  /** Capacity at the start. */
  readonly initialBytes: number;
  /** What the capacity follows the bitrate to. */
  readonly maximumBytes: number;
  /** What one large record can make the payload area grow to; address space is reserved for it, memory is not. */
  readonly hardMaximumBytes: number;
  /** Keep the newest group of pictures readable. */
  readonly gopCache: boolean;
  /** Sequence number of the first record; for tests of the wrap at 2^32. */
  readonly firstSequence?: number;
}

/** One ring, empty, for one camera for its life. Throws `RangeError` for sizes that contradict each other. */
export function createRing(options: RingOptions): SharedArrayBuffer {
  const { frames, initialBytes, maximumBytes, hardMaximumBytes } = options;
  if (!(frames >= 2)) throw new RangeError(`a ring holds at least 2 records, not ${frames}`);
  if (!(initialBytes > 0 && maximumBytes >= initialBytes && hardMaximumBytes >= maximumBytes))
    throw new RangeError(`ring sizes must rise: ${initialBytes}, ${maximumBytes}, ${hardMaximumBytes}`);

  const payloadStart = payloadStartOf(frames);
  const ring = new SharedArrayBuffer(payloadStart + initialBytes, { maxByteLength: payloadStart + hardMaximumBytes });
  const words = new Int32Array(ring, 0, payloadStart / Int32Array.BYTES_PER_ELEMENT);
  const first = (options.firstSequence ?? 0) | 0;
  words[constantWord.frames] = frames;
  words[constantWord.payloadStart] = payloadStart;
  words[constantWord.initialBytes] = initialBytes;
  words[constantWord.maximumBytes] = maximumBytes;
  words[constantWord.hardMaximumBytes] = hardMaximumBytes;
  words[constantWord.gopCache] = options.gopCache ? 1 : 0;
  words[writerWord.head] = first;
  words[writerWord.tail] = first;
  words[writerWord.newestKeyframe] = first - 1;
  words[writerWord.capacity] = initialBytes;
  words[constantWord.magic] = ringMagic;
  return ring;
}

/** A look at a ring for statistics; the values may be of slightly different instants. */
export interface RingStatus {
  readonly generation: number;
  /** A stream was started and has not ended in order. */
  readonly live: boolean;
  /** Records that can be read. */
  readonly records: number;
  /** Bytes of payload after which writing wraps. */
  readonly capacityBytes: number;
  /** Bytes of address space in use, an upper bound of the memory it takes. */
  readonly allocatedBytes: number;
}

/** Reads the state of a ring from any thread. */
export function ringStatus(ring: SharedArrayBuffer): RingStatus {
  const { words } = new RingMemory(ring);
  const tail = Atomics.load(words, writerWord.tail);
  return {
    generation: Atomics.load(words, writerWord.generation),
    live: Atomics.load(words, writerWord.live) === 1,
    records: (Atomics.load(words, writerWord.head) - tail) | 0,
    capacityBytes: Atomics.load(words, writerWord.capacity),
    allocatedBytes: ring.byteLength,
  };
}
