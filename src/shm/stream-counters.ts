import { limits } from '../base/limits.ts';

/**
 * Counters of all cameras in one SharedArrayBuffer of 64-bit floating-point words.
 *
 *      camera 0   ┌────────────────────────┐  written by
 *                 │ every frame         64 │  ┐
 *                 │ window              64 │  │ the thread that the camera's publisher lives in,
 *                 │ stream             192 │  ┘ except the word `openWindow`: main
 *                 ├────────────────────────┤
 *                 │ reader words, 0    128 │  consumer thread 0
 *                 │ reader words, 1    128 │  consumer thread 1 ...
 *      camera 1   ├────────────────────────┤
 *
 * Stores are plain: one aligned 64-bit store each, which the 64-bit machines Node runs on do not tear. Who reads them sees
 * each word a moment late and words of different instants; that is good enough for statistics and for nothing else.
 *
 * Sums run from the start of the stream, and a reader takes differences. Smallest and largest values cannot be taken apart
 * that way, so they are kept for one window of time only, and the windows are main's:
 *
 *      main        1. reads the block   2. stores `openWindow` = w + 1   3. reads the window line again, if it is still w's
 *      publisher   before each frame: `openWindow` differs from `window`? Forget the extremes, `window` = `openWindow`
 *
 * Each of the two words has one writer. `openWindow` lies in the publisher's line, which the publisher reads for each frame
 * anyway; main stores it once in a window, so the line hardly moves between caches. A frame that comes between 1 and 2 is
 * in the extremes that 3 reads, and in the sums of the next window.
 */

/** Words of a camera's publisher block. Those of a stream start at zero with it ({@link PublisherCounters.reset}). */
export const publisherWord = {
  // First line: stored with every frame, but for the last word.

  /** Access units received, those that were shed included; also the samples of the queue depth. */
  frames: 0,
  /** Bytes of those access units. */
  bytes: 1,
  /** Arrival of the newest access unit, monotonic milliseconds. */
  lastArrivalMs: 2,
  /** Decoding time of the newest access unit, milliseconds. */
  lastDtsMs: 3,
  /** Milliseconds between arrivals, squared and summed: for the jitter. */
  arrivalDeltaSquares: 4,
  /** Milliseconds that access units arrived later, against their decoding times, than the promptest one before; summed. */
  lateSum: 5,
  /** Records that the slowest reader had still to read, summed over the access units. */
  queueDepthSum: 6,
  /** Access units that decoding can start at. */
  keyframes: 7,

  // Second line: loaded with every frame, stored at a new window or a new extreme.

  /** The window that the five words below, and {@link publisherWord.lateMaxThread}, belong to. */
  window: 8,
  /** Milliseconds of decoding time between two access units: smallest, Infinity without any, ... */
  dtsDeltaMin: 9,
  /** ... and largest, -Infinity without any. */
  dtsDeltaMax: 10,
  /** Milliseconds between two arrivals: largest, -Infinity without any. */
  arrivalDeltaMax: 11,
  /** What {@link publisherWord.lateSum} sums: largest. */
  lateMax: 12,
  /** Largest queue depth. */
  queueDepthMax: 13,
  /** The window that counts now. Stored by main, through {@link PublisherCounters.beginWindow}. */
  openWindow: 14,
  /** Milliseconds by which the thread itself came late to its work when the frame of {@link publisherWord.lateMax} came. */
  lateMaxThread: 15,

  // Third to fifth line: stored rarely.

  /** Start of the stream, monotonic milliseconds; 0 before the first. Stored last when a stream starts. */
  startedMs: 16,
  /** Start of the stream, wall-clock milliseconds since 1970. */
  startedWallMs: 17,
  /** The ring's generation of this stream. */
  generation: 18,
  /** Arrival of the first access unit, monotonic milliseconds. */
  firstArrivalMs: 19,
  /** Decoding time of the first access unit, milliseconds. */
  firstDtsMs: 20,
  /** Access units without a picture, held back and joined to the next. */
  seiOnly: 21,
  /** Video messages of another codec, dropped. */
  nonH264: 22,
  /** Access units dropped because a NAL length points past their end. */
  truncated: 23,
  /** Jumps of the timestamps. */
  discontinuities: 24,
  /** Oddities of the peer that were tolerated. */
  tolerated: 25,
  /** Luma samples. */
  width: 26,
  /** Luma samples. */
  height: 27,
  /** profile_idc. */
  profile: 28,
  /** level_idc. */
  level: 29,
  /** Milliseconds of the stream that the publisher's thread, with all its work, was busy, ... */
  threadBusyMs: 30,
  /** ... and that it waited for work. Both are about a second old: they are as at {@link publisherWord.threadNotedMs}. */
  threadIdleMs: 31,
  /** Access units that came and were not put into the ring, because the thread could not keep up. */
  shed: 32,
  /** What nothing can be decoded without, and has not come: a value of {@link awaited}. */
  awaits: 33,
  /** Access units before the first that could be decoded, once that has come. */
  leading: 34,
  /** Newest note of the publisher's thread, monotonic milliseconds; the start of the stream before the first. */
  threadNotedMs: 35,
  /** The newest such note before which audio had come, and behind which no video was on its way; 0 without any. */
  audioNotedMs: 36,
} as const;

/** Values of {@link publisherWord.awaits}. */
export const awaited = {
  nothing: 0,
  /** A picture to start at. */
  entry: 1,
  /** SPS and PPS, and then a picture to start at. */
  parameters: 2,
} as const;

/** Words of a block of one camera and one consumer thread. They run from the start of the process. */
export const readerWord = {
  /** Access units delivered to at least one reader. */
  frames: 0,
  /** Bytes of those access units. */
  bytes: 1,
  /** Readers now. */
  readers: 2,
  /** Access units that readers lost because they were too far behind, summed over them. */
  overflow: 3,
  /** Times that pacing held an access unit back. */
  pacingSleeps: 4,
  /** Milliseconds that it was held back, in total. */
  pacingSleepMs: 5,
  /** Access units sent, summed over the readers. */
  framesSent: 6,
  /** Readers disconnected because they were too slow. */
  cutOff: 7,

  // Second line: stored rarely.

  /** Of the lost access units those that this thread left out because it could not keep up. */
  shed: 8,
  /** Of the delivered access units those of a stream that another one had followed by then. */
  earlier: 9,
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
const publisherWords = 5 * lineWords;
const readerWords = 2 * lineWords;

/** A block of words with one writing thread. */
class CounterBlock {
  /**
   * The words of the whole table, and where those of this block begin: for code that stores with every frame. A view of one's
   * own for each block would be one more object to touch.
   */
  readonly table: Float64Array<SharedArrayBuffer>;
  readonly at: number;
  readonly #count: number;

  constructor(table: Float64Array<SharedArrayBuffer>, at: number, count: number) {
    if (at + count > table.length) throw new RangeError(`no block at word ${at}`);
    this.table = table;
    this.at = at;
    this.#count = count;
  }

  /** The words of this block; index by {@link publisherWord} or {@link readerWord}. */
  get words(): Float64Array<SharedArrayBuffer> {
    return this.table.subarray(this.at, this.at + this.#count);
  }

  add(word: number, amount: number): void {
    this.table[this.at + word] = this.get(word) + amount;
  }

  set(word: number, value: number): void {
    this.table[this.at + word] = value;
  }

  get(word: number): number {
    return this.table[this.at + word]!;
  }
}

/**
 * A camera's publisher block; its methods are for the publisher's thread, except `get`, `snapshot`, `beginWindow` and
 * `readExtremes`.
 */
export class PublisherCounters extends CounterBlock {
  /** All words of the publisher's thread to zero, the start of the stream first: what is read before that is set is nobody's. */
  reset(): void {
    const { words } = this;
    words[publisherWord.startedMs] = 0;
    words.fill(0, 0, publisherWord.openWindow);
    words.fill(0, publisherWord.openWindow + 1);
  }

  /** For the publisher's thread: the extremes from here on are those of window `window`. */
  forgetExtremes(window: number): void {
    this.set(publisherWord.dtsDeltaMin, Number.POSITIVE_INFINITY);
    this.set(publisherWord.dtsDeltaMax, Number.NEGATIVE_INFINITY);
    this.set(publisherWord.arrivalDeltaMax, Number.NEGATIVE_INFINITY);
    this.set(publisherWord.lateMax, 0);
    this.set(publisherWord.lateMaxThread, 0);
    this.set(publisherWord.queueDepthMax, 0);
    this.set(publisherWord.window, window);
  }

  /** For main: the next frame is the first one of a new window, whose number is returned. */
  beginWindow(): number {
    const window = this.get(publisherWord.openWindow) + 1;
    this.set(publisherWord.openWindow, window);
    return window;
  }

  /** For main: reads the extremes of a snapshot's window once more, in case that no frame of the next one has come yet. */
  readExtremes(snapshot: PublisherSnapshot): void {
    const window = this.get(publisherWord.window);
    if (window !== snapshot.openWindow) return;
    snapshot.window = window;
    snapshot.dtsDeltaMin = this.get(publisherWord.dtsDeltaMin);
    snapshot.dtsDeltaMax = this.get(publisherWord.dtsDeltaMax);
    snapshot.arrivalDeltaMax = this.get(publisherWord.arrivalDeltaMax);
    snapshot.lateMax = this.get(publisherWord.lateMax);
    snapshot.lateMaxThread = this.get(publisherWord.lateMaxThread);
    snapshot.queueDepthMax = this.get(publisherWord.queueDepthMax);
  }

  /** A plain object with every word, for statistics. Written out: a loop over the names takes five times as long. */
  snapshot(): PublisherSnapshot {
    const { table, at } = this;
    return {
      frames: table[at + publisherWord.frames]!,
      bytes: table[at + publisherWord.bytes]!,
      lastArrivalMs: table[at + publisherWord.lastArrivalMs]!,
      lastDtsMs: table[at + publisherWord.lastDtsMs]!,
      arrivalDeltaSquares: table[at + publisherWord.arrivalDeltaSquares]!,
      lateSum: table[at + publisherWord.lateSum]!,
      queueDepthSum: table[at + publisherWord.queueDepthSum]!,
      keyframes: table[at + publisherWord.keyframes]!,
      window: table[at + publisherWord.window]!,
      dtsDeltaMin: table[at + publisherWord.dtsDeltaMin]!,
      dtsDeltaMax: table[at + publisherWord.dtsDeltaMax]!,
      arrivalDeltaMax: table[at + publisherWord.arrivalDeltaMax]!,
      lateMax: table[at + publisherWord.lateMax]!,
      queueDepthMax: table[at + publisherWord.queueDepthMax]!,
      openWindow: table[at + publisherWord.openWindow]!,
      lateMaxThread: table[at + publisherWord.lateMaxThread]!,
      startedMs: table[at + publisherWord.startedMs]!,
      startedWallMs: table[at + publisherWord.startedWallMs]!,
      generation: table[at + publisherWord.generation]!,
      firstArrivalMs: table[at + publisherWord.firstArrivalMs]!,
      firstDtsMs: table[at + publisherWord.firstDtsMs]!,
      seiOnly: table[at + publisherWord.seiOnly]!,
      nonH264: table[at + publisherWord.nonH264]!,
      truncated: table[at + publisherWord.truncated]!,
      discontinuities: table[at + publisherWord.discontinuities]!,
      tolerated: table[at + publisherWord.tolerated]!,
      width: table[at + publisherWord.width]!,
      height: table[at + publisherWord.height]!,
      profile: table[at + publisherWord.profile]!,
      level: table[at + publisherWord.level]!,
      threadBusyMs: table[at + publisherWord.threadBusyMs]!,
      threadIdleMs: table[at + publisherWord.threadIdleMs]!,
      shed: table[at + publisherWord.shed]!,
      awaits: table[at + publisherWord.awaits]!,
      leading: table[at + publisherWord.leading]!,
      threadNotedMs: table[at + publisherWord.threadNotedMs]!,
      audioNotedMs: table[at + publisherWord.audioNotedMs]!,
    };
  }
}

/** A block of one camera and one consumer; its methods are for that consumer's thread, except `get` and `snapshot`. */
export class ReaderCounters extends CounterBlock {
  /** A plain object with every word, for statistics. */
  snapshot(): ReaderSnapshot {
    const { table, at } = this;
    return {
      frames: table[at + readerWord.frames]!,
      bytes: table[at + readerWord.bytes]!,
      readers: table[at + readerWord.readers]!,
      overflow: table[at + readerWord.overflow]!,
      pacingSleeps: table[at + readerWord.pacingSleeps]!,
      pacingSleepMs: table[at + readerWord.pacingSleepMs]!,
      framesSent: table[at + readerWord.framesSent]!,
      cutOff: table[at + readerWord.cutOff]!,
      shed: table[at + readerWord.shed]!,
      earlier: table[at + readerWord.earlier]!,
    };
  }
}

/** The table of counters; every thread opens its own over the same memory. */
export class StreamCounters {
  readonly #table: Float64Array<SharedArrayBuffer>;
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
    this.#table = new Float64Array(memory);
    this.#consumers = this.#table[0]!;
  }

  /** Consumer threads that the table has blocks for. */
  get consumers(): number {
    return this.#consumers;
  }

  /** The publisher block of a camera. Throws `RangeError` if there is no such camera. */
  publisher(camera: number): PublisherCounters {
    return new PublisherCounters(this.#table, this.#blockOf(camera), publisherWords);
  }

  /** The block of a camera and a consumer thread. Throws `RangeError` if there is no such camera or consumer. */
  reader(camera: number, consumer: number): ReaderCounters {
    if (!(consumer >= 0 && consumer < this.#consumers)) throw new RangeError(`no consumer ${consumer}`);
    return new ReaderCounters(
      this.#table,
      this.#blockOf(camera) + publisherWords + consumer * readerWords,
      readerWords,
    );
  }

  #blockOf(camera: number): number {
    if (!(camera >= 0)) throw new RangeError(`no camera ${camera}`);
    return lineWords + camera * (publisherWords + this.#consumers * readerWords);
  }
}
