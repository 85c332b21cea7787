import { limits } from '../base/limits.ts';

/**
 * Counters of all cameras in one SharedArrayBuffer of 64-bit floating-point words.
 *
 *      camera 0   ┌────────────────────────┐  written by
 *                 │ publisher words    256 │  the thread that the camera's publisher lives in
 *                 ├────────────────────────┤
 *                 │ reader words, 0     64 │  consumer thread 0
 *                 │ reader words, 1     64 │  consumer thread 1 ...
 *      camera 1   ├────────────────────────┤
 *
 * Stores are plain: one aligned 64-bit store each, which the 64-bit machines Node runs on do not tear. Who reads them sees
 * each word a moment late and words of different instants; that is good enough for statistics and for nothing else.
 */

/** Words of a camera's publisher block. Those of a stream start at zero with it ({@link PublisherCounters.reset}). */
export const publisherWord = {
  /** The ring's generation of this stream. */
  generation: 0,
  /** Start of the stream, wall-clock milliseconds since 1970. */
  startedWallMs: 1,
  /** Start of the stream, monotonic milliseconds. */
  startedMs: 2,
  /** Access units committed to the ring. */
  frames: 3,
  /** Bytes of those access units. */
  bytes: 4,
  /** IDR access units. */
  keyframes: 5,
  /** Access units without a picture, held back and joined to the next. */
  seiOnly: 6,
  /** Video messages of another codec, dropped. */
  nonH264: 7,
  /** Access units dropped because a NAL length points past their end. */
  truncated: 8,
  /** Jumps of the timestamps. */
  discontinuities: 9,
  /** Oddities of the peer that were tolerated. */
  tolerated: 10,
  /** Records that the slowest reader had still to read, summed over the samples. */
  queueDepthSum: 11,
  /** Samples of the queue depth. */
  queueDepthSamples: 12,
  /** Largest queue depth sampled. */
  queueDepthMax: 13,
  /** Arrival of the newest access unit, monotonic milliseconds. */
  lastArrivalMs: 14,
  /** Decoding time of the newest access unit, milliseconds. */
  lastDtsMs: 15,
  /** Luma samples. */
  width: 16,
  /** Luma samples. */
  height: 17,
  /** profile_idc. */
  profile: 18,
  /** level_idc. */
  level: 19,
  /** Milliseconds of decoding time between access units: sum, ... */
  dtsDeltaSum: 20,
  /** ... smallest (without meaning while there are no samples), ... */
  dtsDeltaMin: 21,
  /** ... largest, ... */
  dtsDeltaMax: 22,
  /** ... and how many. */
  dtsDeltaSamples: 23,
  /** Milliseconds between arrivals: sum, ... */
  arrivalDeltaSum: 24,
  /** ... sum of squares, for the jitter, ... */
  arrivalDeltaSumSquares: 25,
  /** ... smallest (without meaning while there are no samples), ... */
  arrivalDeltaMin: 26,
  /** ... largest, ... */
  arrivalDeltaMax: 27,
  /** ... and how many. */
  arrivalDeltaSamples: 28,
} as const;

/** Words of a block of one camera and one consumer thread. */
export const readerWord = {
  /** Access units delivered to at least one reader. */
  frames: 0,
  /** Bytes of those access units. */
  bytes: 1,
  /** Readers now. */
  readers: 2,
  /** Access units lost because the ring overran the readers. */
  overflow: 3,
  /** Times that pacing held an access unit back. */
  pacingSleeps: 4,
  /** Milliseconds that it was held back, in total. */
  pacingSleepMs: 5,
  /** Access units sent, summed over the readers. */
  framesSent: 6,
  /** Readers disconnected because they were too slow. */
  cutOff: 7,
} as const;

/** Name of a publisher word. */
export type PublisherWordName = keyof typeof publisherWord;
/** Name of a reader word. */
export type ReaderWordName = keyof typeof readerWord;
/** The values of a publisher block, by name. */
export type PublisherSnapshot = Record<PublisherWordName, number>;
/** The values of a reader block, by name. */
export type ReaderSnapshot = Record<ReaderWordName, number>;

const lineWords = 8;
const publisherWords = 4 * lineWords;
const readerWords = lineWords;
const publisherNames = Object.keys(publisherWord) as PublisherWordName[];
const readerNames = Object.keys(readerWord) as ReaderWordName[];

/** A block of words with one writing thread. */
class CounterBlock {
  /** The words, for code that reads or writes many of them; index by {@link publisherWord} or {@link readerWord}. */
  readonly words: Float64Array<SharedArrayBuffer>;

  constructor(memory: SharedArrayBuffer, at: number, count: number) {
    this.words = new Float64Array(memory, at * Float64Array.BYTES_PER_ELEMENT, count);
  }

  add(word: number, amount: number): void {
    this.words[word] = this.words[word]! + amount;
  }

  set(word: number, value: number): void {
    this.words[word] = value;
  }

  get(word: number): number {
    return this.words[word]!;
  }

  /** Keeps the larger of the word and `value`. */
  max(word: number, value: number): void {
    if (value > this.words[word]!) this.words[word] = value;
  }

  /** All words to zero. */
  reset(): void {
    this.words.fill(0);
  }
}

/** A camera's publisher block; its methods are for the publisher's thread, except `get` and `snapshot`. */
export class PublisherCounters extends CounterBlock {
  /** Milliseconds of decoding time since the access unit before. */
  sampleDtsDelta(ms: number): void {
    const words = this.words;
    const first = words[publisherWord.dtsDeltaSamples] === 0;
    words[publisherWord.dtsDeltaSum] = words[publisherWord.dtsDeltaSum]! + ms;
    words[publisherWord.dtsDeltaSamples] = words[publisherWord.dtsDeltaSamples]! + 1;
    if (first || ms < words[publisherWord.dtsDeltaMin]!) words[publisherWord.dtsDeltaMin] = ms;
    if (first || ms > words[publisherWord.dtsDeltaMax]!) words[publisherWord.dtsDeltaMax] = ms;
  }

  /** Milliseconds since the arrival of the access unit before. */
  sampleArrivalDelta(ms: number): void {
    const words = this.words;
    const first = words[publisherWord.arrivalDeltaSamples] === 0;
    words[publisherWord.arrivalDeltaSum] = words[publisherWord.arrivalDeltaSum]! + ms;
    words[publisherWord.arrivalDeltaSumSquares] = words[publisherWord.arrivalDeltaSumSquares]! + ms * ms;
    words[publisherWord.arrivalDeltaSamples] = words[publisherWord.arrivalDeltaSamples]! + 1;
    if (first || ms < words[publisherWord.arrivalDeltaMin]!) words[publisherWord.arrivalDeltaMin] = ms;
    if (first || ms > words[publisherWord.arrivalDeltaMax]!) words[publisherWord.arrivalDeltaMax] = ms;
  }

  /** The ring's queue depth after a commit. */
  sampleQueueDepth(depth: number): void {
    const words = this.words;
    words[publisherWord.queueDepthSum] = words[publisherWord.queueDepthSum]! + depth;
    words[publisherWord.queueDepthSamples] = words[publisherWord.queueDepthSamples]! + 1;
    if (depth > words[publisherWord.queueDepthMax]!) words[publisherWord.queueDepthMax] = depth;
  }

  /** A plain object with every word, for statistics. */
  snapshot(): PublisherSnapshot {
    const snapshot = {} as PublisherSnapshot;
    for (const name of publisherNames) snapshot[name] = this.words[publisherWord[name]]!;
    return snapshot;
  }
}

/** A block of one camera and one consumer; its methods are for that consumer's thread, except `get` and `snapshot`. */
export class ReaderCounters extends CounterBlock {
  /** A plain object with every word, for statistics. */
  snapshot(): ReaderSnapshot {
    const snapshot = {} as ReaderSnapshot;
    for (const name of readerNames) snapshot[name] = this.words[readerWord[name]]!;
    return snapshot;
  }
}

/** The table of counters; every thread opens its own over the same memory. */
export class StreamCounters {
  readonly #memory: SharedArrayBuffer;
  readonly #consumers: number;

  /** Memory for cameras 0 to `cameras` - 1, all words zero; see {@link StreamCounters.bytes}. */
  static create(cameras: number, consumers: number = limits.ring.readerSlots): SharedArrayBuffer {
    const memory = new SharedArrayBuffer(StreamCounters.bytes(cameras, consumers));
    new Float64Array(memory, 0, 1)[0] = consumers;
    return memory;
  }

  /** Bytes that {@link StreamCounters.create} allocates. */
  static bytes(cameras: number, consumers: number = limits.ring.readerSlots): number {
    return (lineWords + cameras * (publisherWords + consumers * readerWords)) * Float64Array.BYTES_PER_ELEMENT;
  }

  constructor(memory: SharedArrayBuffer) {
    this.#memory = memory;
    this.#consumers = new Float64Array(memory, 0, 1)[0]!;
  }

  /** The publisher block of a camera. Throws `RangeError` if there is no such camera. */
  publisher(camera: number): PublisherCounters {
    return new PublisherCounters(this.#memory, this.#blockOf(camera), publisherWords);
  }

  /** The block of a camera and a consumer thread. Throws `RangeError` if there is no such camera or consumer. */
  reader(camera: number, consumer: number): ReaderCounters {
    if (!(consumer >= 0 && consumer < this.#consumers)) throw new RangeError(`no consumer ${consumer}`);
    return new ReaderCounters(
      this.#memory,
      this.#blockOf(camera) + publisherWords + consumer * readerWords,
      readerWords,
    );
  }

  #blockOf(camera: number): number {
    if (!(camera >= 0)) throw new RangeError(`no camera ${camera}`);
    return lineWords + camera * (publisherWords + this.#consumers * readerWords);
  }
}
