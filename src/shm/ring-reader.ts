import { fence } from './fence.ts';
import { entryFlags, recordKind } from './frame-ring.ts';
import {
  descriptorNumber,
  descriptorWord,
  RingMemory,
  readerSlotStart,
  readerSlots,
  readerSlotWord,
  readerSlotWords,
  videoCountWord,
  writerWord,
} from './layout.ts';

/** Looks at words that a writer is changing, before giving up. Only a dead writer leaves them unsteady for longer. */
const attempts = 64;

/**
 * One cursor over a ring. It reads in place and never holds the writer up, so what was read counts only if
 * {@link RingReader.stillValid} says so afterwards:
 *
 *     while (reader.peek() === 1) { use reader.buffer; if (reader.stillValid()) reader.advance(); else <discard> }
 *
 * After a -1 or a failed validation call {@link RingReader.skipToNewestKeyframe}. The cursor outlives the streams of the
 * ring: a stream that ended in order ends with an endOfStream record, after a crash the next record just has another
 * generation. Several readers of a thread share one {@link ReaderSlot}; a reader whose thread has none is not waited for by
 * the rewind and can be overrun by every record.
 */
export class RingReader {
  /** A value of `recordKind`. This and the following fields describe the record that `peek` loaded. */
  kind = 0;
  /** Bits of `recordFlag`. */
  flags = 0;
  /** Sequence number, 32 bits, wrapping, signed. */
  sequence = 0;
  /** The stream of the ring that the record belongs to. */
  generation = 0;
  /** Byte offset of the payload in {@link RingReader.buffer}. */
  offset = 0;
  /** Bytes of payload. */
  length = 0;
  // NaN makes V8 keep these as doubles from the start, so that no number is boxed per record.
  /** Decoding time, milliseconds, unwrapped. */
  dtsMs = Number.NaN;
  /** Presentation minus decoding time, milliseconds. */
  ptsOffsetMs = 0;
  /** Arrival of the last byte, monotonic microseconds. */
  arrivalUs = Number.NaN;
  /** Version of the parameters that apply; when it changes, `readParameters` has them (or newer ones). */
  parametersVersion = 0;
  /**
   * Video records lost so far, exactly: overrun, or passed over after that until a keyframe came. Records of other kinds
   * are not counted. It grows in `skipToNewestKeyframe` and in `peek`.
   */
  lostVideo = 0;

  readonly #memory: RingMemory;
  readonly #words: Int32Array<SharedArrayBuffer>;
  readonly #numbers: Float64Array<SharedArrayBuffer>;
  #buffer: Buffer<SharedArrayBuffer>;
  #cursor = 0;
  /** Video records before the cursor, modulo 2^32. */
  #videoBefore = 0;
  #videoAfter = 0;
  #loaded = false;
  #wantsEntry = false;

  /** Starts live. */
  constructor(ring: SharedArrayBuffer) {
    this.#memory = new RingMemory(ring);
    this.#words = this.#memory.words;
    this.#numbers = this.#memory.numbers;
    this.#buffer = this.#memory.payload();
    this.seekLive();
  }

  /** Puts the cursor at the head: the next record to be written. */
  seekLive(): void {
    const words = this.#words;
    let head = Atomics.load(words, writerWord.head);
    for (;;) {
      // The count belongs to `head` as long as the head has not moved: the writer stores the other word for the next one.
      this.#videoBefore = Atomics.load(words, videoCountWord(head));
      const now = Atomics.load(words, writerWord.head);
      if (now === head) break;
      head = now;
    }
    this.#cursor = head;
    this.#loaded = false;
    this.#wantsEntry = false;
  }

  /**
   * Puts the cursor at the newest keyframe (or recovery point) of a stream that has not ended, if that is still readable.
   * Otherwise goes live and returns false.
   */
  seekNewestKeyframe(): boolean {
    const live = Atomics.load(this.#words, writerWord.live) === 1;
    if (live && this.#seekEntry(Atomics.load(this.#words, writerWord.tail))) return true;
    this.seekLive();
    return false;
  }

  /** Puts the cursor at the oldest record that is readable; live if there is none. */
  seekOldest(): void {
    const words = this.#words;
    for (let i = 0; i < attempts; i++) {
      const tail = Atomics.load(words, writerWord.tail);
      if (tail === Atomics.load(words, writerWord.head)) break;
      const ordinal = words[this.#memory.descriptorOf(tail) + descriptorWord.videoOrdinal]!;
      fence();
      // Still the oldest, so the count was its own.
      if (Atomics.load(words, writerWord.tail) !== tail) continue;
      this.#cursor = tail;
      this.#videoBefore = ordinal;
      this.#loaded = false;
      this.#wantsEntry = false;
      return;
    }
    this.seekLive();
  }

  /** Loads the record at the cursor into the fields: 1. Returns 0 if there is none, -1 if the cursor was overrun. */
  peek(): number {
    const words = this.#words;
    const head = Atomics.load(words, writerWord.head);
    while (this.#cursor !== head) {
      const sequence = this.#cursor;
      const at = this.#memory.descriptorOf(sequence);
      this.sequence = sequence;
      this.kind = words[at + descriptorWord.kind]!;
      this.flags = words[at + descriptorWord.flags]!;
      this.generation = words[at + descriptorWord.generation]!;
      this.offset = words[at + descriptorWord.offset]!;
      this.length = words[at + descriptorWord.length]!;
      this.ptsOffsetMs = words[at + descriptorWord.ptsOffsetMs]!;
      this.parametersVersion = words[at + descriptorWord.parametersVersion]!;
      this.dtsMs = this.#numbers[at / 2 + descriptorNumber.dtsMs]!;
      this.arrivalUs = this.#numbers[at / 2 + descriptorNumber.arrivalUs]!;
      const ordinal = words[at + descriptorWord.videoOrdinal]!;
      this.#loaded = this.stillValid();
      if (!this.#loaded) return -1;

      const video = this.kind === recordKind.video;
      this.#videoBefore = ordinal;
      this.#videoAfter = video ? (ordinal + 1) | 0 : ordinal;
      if (!this.#wantsEntry || !video) return 1;
      if ((this.flags & entryFlags) !== 0) {
        this.#wantsEntry = false;
        return 1;
      }
      this.lostVideo++;
      this.advance();
    }
    this.#loaded = false;
    return 0;
  }

  /** A view of the payload area that covers the loaded record. */
  get buffer(): Buffer {
    if (this.offset + this.length > this.#buffer.length) this.#buffer = this.#memory.payload();
    return this.#buffer;
  }

  /** Whether everything that was read of the loaded record up to now was the record's. */
  stillValid(): boolean {
    // The writer moves the tail over a record before it overwrites the descriptor or a byte of it. The fence keeps the
    // loads of the caller in front of the load of the tail; an acquiring load alone would not.
    fence();
    return ((this.sequence - Atomics.load(this.#words, writerWord.tail)) | 0) >= 0;
  }

  /** Whether another stream has begun in the ring since the one that the loaded record is of. */
  get outlived(): boolean {
    // A plain load: it is for the statistics, and in the line that has just been looked at.
    return this.generation !== this.#words[writerWord.generation];
  }

  /** Moves the cursor over the loaded record; does nothing if none is loaded. */
  advance(): void {
    if (!this.#loaded) return;
    this.#cursor = (this.#cursor + 1) | 0;
    this.#videoBefore = this.#videoAfter;
    this.#loaded = false;
  }

  /**
   * After an overrun, or to catch up: resumes at the newest keyframe at or after the cursor. If there is none, resumes live,
   * and `peek` passes over video records until a keyframe (or recovery point) comes; an endOfStream that is the newest
   * record is not skipped. Returns the number of video records lost by this call.
   */
  skipToNewestKeyframe(): number {
    const due = this.#videoBefore;
    const from = this.#cursor;
    if (!this.#seekEntry(from)) {
      this.seekLive();
      if (Atomics.load(this.#words, writerWord.live) === 0) this.#stepBackToEnd(from);
      this.#wantsEntry = true;
    }
    const lost = (this.#videoBefore - due) | 0;
    this.lostVideo += lost;
    return lost;
  }

  /** Sequence number of the next record to be read. */
  get cursor(): number {
    return this.#cursor;
  }

  /** Records between the cursor and the head. */
  get lag(): number {
    return (Atomics.load(this.#words, writerWord.head) - this.#cursor) | 0;
  }

  /** A copy of the stream's newest parameters (MessagePack), or null if there are none yet. */
  readParameters(): { version: number; payload: Uint8Array } | null {
    const words = this.#words;
    for (let i = 0; i < attempts; i++) {
      const version = Atomics.load(words, writerWord.parametersVersion);
      if ((version & 1) === 1) continue;
      const length = words[writerWord.parametersLength]!;
      const payload = new Uint8Array(length);
      payload.set(this.#memory.parameters().subarray(0, length));
      fence();
      if (Atomics.load(words, writerWord.parametersVersion) === version)
        return length === 0 ? null : { version: version >> 1, payload };
    }
    return null;
  }

  /** Puts the cursor at the newest record where decoding can start, if it is readable and not before `from`. */
  #seekEntry(from: number): boolean {
    const words = this.#words;
    for (let i = 0; i < attempts; i++) {
      const entry = Atomics.load(words, writerWord.newestKeyframe);
      const tail = Atomics.load(words, writerWord.tail);
      if (((entry - tail) | 0) < 0 || ((entry - from) | 0) < 0) return false;
      const ordinal = words[this.#memory.descriptorOf(entry) + descriptorWord.videoOrdinal]!;
      fence();
      if (((entry - Atomics.load(words, writerWord.tail)) | 0) < 0) continue;
      this.#cursor = entry;
      this.#videoBefore = ordinal;
      this.#loaded = false;
      this.#wantsEntry = false;
      return true;
    }
    return false;
  }

  /** If the record before the (live) cursor is a readable endOfStream and not before `from`, goes back to that. */
  #stepBackToEnd(from: number): void {
    const words = this.#words;
    const last = (this.#cursor - 1) | 0;
    if (((last - from) | 0) < 0) return;
    const kind = words[this.#memory.descriptorOf(last) + descriptorWord.kind];
    fence();
    if (kind === recordKind.endOfStream && ((last - Atomics.load(words, writerWord.tail)) | 0) >= 0)
      this.#cursor = last;
  }
}

/**
 * What a thread tells the writer about its readers of one ring: the oldest record that any of them still needs. The writer
 * uses it to rewind when drained and for its queue depth; it never waits for it. One thread stores one slot; the owner of
 * the threads gives each its index. Claiming the slot of a dead thread takes it over.
 */
export class ReaderSlot {
  readonly #words: Int32Array<SharedArrayBuffer>;
  readonly #at: number;

  private constructor(words: Int32Array<SharedArrayBuffer>, at: number) {
    this.#words = words;
    this.#at = at;
  }

  /**
   * Takes part in `ring` as slot `index`; `cursor` is the oldest record that is still needed, by default none of those that
   * are there. Throws `RangeError` for an index that is not there.
   */
  static claim(ring: SharedArrayBuffer, index: number, cursor?: number): ReaderSlot {
    if (!(index >= 0 && index < readerSlots)) throw new RangeError(`no reader slot ${index}`);
    const { words } = new RingMemory(ring);
    const slot = new ReaderSlot(words, readerSlotStart + index * readerSlotWords);
    slot.publish(cursor ?? Atomics.load(words, writerWord.head));
    Atomics.store(words, slot.#at + readerSlotWord.active, 1);
    return slot;
  }

  /** Tells the oldest cursor of the thread's readers, after they have done with what lies before it. */
  publish(cursor: number): void {
    Atomics.store(this.#words, this.#at + readerSlotWord.cursor, cursor);
  }

  /** Takes no part any more. Also to be called for the slot of a thread that died, or the ring is never drained. */
  release(): void {
    Atomics.store(this.#words, this.#at + readerSlotWord.active, 0);
  }
}
