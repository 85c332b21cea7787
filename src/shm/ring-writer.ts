import { fence } from './fence.ts';
import { entryFlags, recordFlag, recordKind } from './frame-ring.ts';
import {
  constantWord,
  descriptorNumber,
  descriptorWord,
  parametersBytes,
  RingMemory,
  readerSlotStart,
  readerSlots,
  readerSlotWord,
  readerSlotWords,
  videoCountWord,
  writerWord,
} from './layout.ts';
import { RingSpace } from './ring-space.ts';
import { giveScratch, scratchBytes, scratchStart, takeScratch } from './scratch-pool.ts';

/**
 * Video records of a stream that are kept whether or not somebody reads: about two seconds, for a reader that waited for
 * the camera and is just about to find its ring.
 */
const keptRecords = 64;

/** Who may read the rings of a thread's cameras. One object for all of them, so that it is at hand when a frame comes. */
export interface Readership {
  /** Whether somebody reads the camera now. */
  isRead(camera: number): boolean;
  /** Threads that may: those of the reader slots from 0 on. The others are not looked at. */
  readonly threads: number;
}

/**
 * The one writer of a ring. It never waits: what is in its way is retired, and readers find out.
 *
 * At most one record is open; its bytes are appended in place and nobody sees them before the commit. Everything that a
 * record says is stored before the head, so a writer that dies at any point leaves a ring that the next one can take over.
 * Sizes are bytes, `dtsMs` is unwrapped milliseconds, `arrivalUs` monotonic microseconds.
 */
export class RingWriter {
  // What every record touches comes first; see ServerSession.
  readonly #hardMaximumBytes: number;
  #open = false;
  #start = 0;
  #length = 0;
  #received = 0;
  /** Where the open record lies when nobody reads, null when it lies in the ring. */
  #scratch: Buffer | null = null;
  /** Nobody reads, and the ring holds nothing that could be read. */
  #unread = false;
  /** Video records of this stream so far. */
  #records = 0;
  readonly #gopCache: boolean;
  readonly #readership: Readership;
  readonly #camera: number;
  readonly #space: RingSpace;
  readonly #memory: RingMemory;
  readonly #words: Int32Array<SharedArrayBuffer>;
  readonly #numbers: Float64Array<SharedArrayBuffer>;
  #head: number;
  /** Offset at which the next record can start; without meaning while one is open. */
  #position = 0;
  #videoCount: number;
  #generation: number;
  #parametersVersion: number;
  #lastDtsMs = 0;
  #lastArrivalUs = 0;
  #waitingMetadata: Uint8Array | null = null;
  #waitingDtsMs = 0;
  #waitingArrivalUs = 0;

  /**
   * Attaches as THE writer, after any earlier one, whether it ended in order or died in mid-frame. While `readership` says that
   * nobody reads `camera`, video records are not kept: they pass through a scratch buffer that all writers of the thread share, so
   * that a camera nobody reads takes no memory and leaves the processor's cache to the others. With the GOP cache every
   * record is kept.
   */
  constructor(ring: SharedArrayBuffer, readership: Readership = always, camera = 0) {
    const memory = new RingMemory(ring);
    const words = memory.words;
    this.#memory = memory;
    this.#words = words;
    this.#numbers = memory.numbers;
    this.#space = new RingSpace(memory);
    this.#hardMaximumBytes = words[constantWord.hardMaximumBytes]!;
    this.#gopCache = words[constantWord.gopCache] === 1;
    this.#readership = readership;
    this.#camera = camera;
    this.#head = Atomics.load(words, writerWord.head);
    this.#videoCount = Atomics.load(words, videoCountWord(this.#head));
    this.#generation = Atomics.load(words, writerWord.generation);
    this.#parametersVersion = Atomics.load(words, writerWord.parametersVersion);
    if ((this.#parametersVersion & 1) === 1) this.#storeParameters(null);
    if (this.#space.tail !== this.#head) {
      // Go on behind the newest record: what the readers still have to read stays where it is.
      const last = memory.descriptorOf((this.#head - 1) | 0);
      this.#space.lap = words[last + descriptorWord.lap]!;
      this.#position = words[last + descriptorWord.offset]! + words[last + descriptorWord.length]!;
      this.#space.freeEnd = this.#position;
    }
  }

  /** Begins a new stream: no parameters, no keyframe, the next generation, which it returns. */
  startStream(): number {
    this.#discard();
    this.#records = 0;
    this.#generation = (this.#generation + 1) | 0;
    this.#storeParameters(null);
    Atomics.store(this.#words, writerWord.newestKeyframe, (this.#space.tail - 1) | 0);
    Atomics.store(this.#words, writerWord.generation, this.#generation);
    Atomics.store(this.#words, writerWord.live, 1);
    return this.#generation;
  }

  /**
   * Opens a video record of `length` bytes, in one piece; one that was open is abandoned. Old records go only as bytes are
   * appended. `keyframe` says that the record will be a keyframe: with the GOP cache only that lets the ring rewind.
   * Throws `RangeError` when the record is larger than a ring may get.
   */
  begin(length: number, keyframe = false): void {
    this.#checkLength(length);
    if (this.#open) this.abandon();
    const isLong = length > scratchBytes;
    if (this.#records < keptRecords || isLong || this.#gopCache || this.#readership.isRead(this.#camera))
      this.#start = this.#choosePlace(length, keyframe);
    else this.#beginUnread();
    this.#length = length;
    this.#received = 0;
    this.#open = true;
  }

  /** The open record will hold `length` bytes more; it moves if there is no room behind it. Throws like {@link begin}. */
  extend(length: number): void {
    this.#checkOpen();
    this.#checkLength(this.#length + length);
    if (this.#scratch === null) this.#moveOpen(this.#length + length, 0);
    else if (this.#start + this.#length + length > this.#scratch.length) this.#moveToRing(this.#length + length);
    this.#length += length;
  }

  /** Appends `bytes[start, end)` to the open record. Throws `RangeError` when that is more than it was opened for. */
  append(bytes: Buffer, start: number, end: number): void {
    const count = end - start;
    if (!this.#open || count > this.#length - this.#received) throw new RangeError('more bytes than the record has');
    const at = this.#start + this.#received;
    this.#received += count;
    if (this.#scratch !== null) {
      bytes.copy(this.#scratch, at, start, end);
      return;
    }
    if (at + count > this.#space.freeEnd) this.#space.makeRoom(at + count, this.#head);
    bytes.copy(this.#space.payload, at, start, end);
  }

  /** What the open record lies in. Of it the caller may change the record's appended bytes, nothing else. */
  get buffer(): Buffer {
    return this.#scratch ?? this.#space.payload;
  }

  /** Offset of the open record in {@link buffer}; changes with `extend`, `commitPrefix` and `writeSequenceHeader`. */
  get recordStart(): number {
    return this.#start;
  }

  /** Bytes that the open record is to hold. */
  get recordLength(): number {
    return this.#length;
  }

  /** Bytes that were appended to the open record. */
  get appendedLength(): number {
    return this.#received;
  }

  get open(): boolean {
    return this.#open;
  }

  /** The open record ends after its first `length` bytes, which must have been appended. */
  truncate(length: number): void {
    this.#checkAppended(length);
    this.#length = length;
    this.#received = length;
  }

  /** Publishes the open record as a video record. Throws `RangeError` when bytes of it are missing. */
  commit(flags: number, dtsMs: number, ptsOffsetMs: number, arrivalUs: number): void {
    this.#checkOpen();
    if (this.#received !== this.#length)
      throw new RangeError(`${this.#length - this.#received} bytes of the record are missing`);
    this.#records++;
    if (this.#scratch === null) this.#publish(recordKind.video, flags, this.#length, dtsMs, ptsOffsetMs, arrivalUs);
    this.#close(this.#start + this.#length);
  }

  /** Publishes the first `length` bytes of the open record as a video record; the rest of it stays open. */
  commitPrefix(length: number, flags: number, dtsMs: number, ptsOffsetMs: number, arrivalUs: number): void {
    this.#checkAppended(length);
    this.#records++;
    if (this.#scratch === null) this.#publish(recordKind.video, flags, length, dtsMs, ptsOffsetMs, arrivalUs);
    this.#start += length;
    this.#length -= length;
    this.#received -= length;
  }

  /** Gives the open record up, if there is one. */
  abandon(): void {
    if (this.#open) this.#close(this.#start);
  }

  /**
   * Makes `payload` the parameters of the stream, for readers that join and for those that read on; if a record is open,
   * in front of it. Throws `RangeError` when it is larger than the parameters area.
   */
  writeSequenceHeader(payload: Uint8Array, dtsMs: number, arrivalUs: number): void {
    if (payload.length > parametersBytes) throw new RangeError(`${payload.length} bytes of parameters are too many`);
    this.#checkLength(payload.length + (this.#open ? this.#length : 0));
    this.#storeParameters(payload);
    if (this.#scratch !== null) return;
    this.#writeRecord(recordKind.sequenceHeader, payload, dtsMs, arrivalUs);
  }

  /** Adds a metadata record; if a record is open, behind it, and then only the newest one is kept. */
  writeMetadata(payload: Uint8Array, dtsMs: number, arrivalUs: number): void {
    this.#checkLength(payload.length);
    if (this.#open) {
      // The open record is still arriving: to put this in front would cost a move per message, as often as the peer likes.
      this.#waitingMetadata = payload.slice();
      this.#waitingDtsMs = dtsMs;
      this.#waitingArrivalUs = arrivalUs;
    } else {
      this.#writeRecord(recordKind.metadata, payload, dtsMs, arrivalUs);
    }
  }

  /** Ends the stream in order; an open record is abandoned. */
  endStream(): void {
    this.#discard();
    this.#start = this.#position;
    this.#publish(recordKind.endOfStream, 0, 0, this.#lastDtsMs, 0, this.#lastArrivalUs);
    Atomics.store(this.#words, writerWord.live, 0);
  }

  /** Committed records that the slowest active reader slot has not done with, a moment ago; 0 without readers. */
  get depth(): number {
    if (this.#unread) return 0;
    const words = this.#words;
    const { threads } = this.#readership;
    let depth = 0;
    for (let slot = 0, at = readerSlotStart; slot < threads; slot++, at += readerSlotWords) {
      if (words[at + readerSlotWord.active] === 0) continue;
      const lag = (this.#head - words[at + readerSlotWord.cursor]!) | 0;
      if (lag > depth) depth = lag;
    }
    return Math.min(depth, (this.#head - this.#space.tail) | 0);
  }

  /** The newest records were not kept because nobody reads: there is nothing in the ring that anybody could want to know of. */
  get unread(): boolean {
    return this.#unread;
  }

  /** Bytes of payload after which writing wraps. */
  get capacityBytes(): number {
    return this.#space.capacity;
  }

  /** The stream that is being written; 0 before the first. */
  get generation(): number {
    return this.#generation;
  }

  #choosePlace(length: number, keyframe: boolean): number {
    // Rewind when drained: live traffic then touches only the first pages of the ring.
    if (this.#position !== 0 && (keyframe || !this.#gopCache) && this.#drained()) {
      this.#space.startLap();
      this.#position = 0;
    }
    return this.#space.place(this.#position, length);
  }

  /** The record that is about to open will not be kept, and neither is what a reader could otherwise find, ever older. */
  #beginUnread(): void {
    if (!this.#unread) {
      if (this.#space.tail !== this.#head) this.#space.retire(this.#head);
      this.#unread = true;
    }
    this.#scratch = takeScratch();
    this.#start = scratchStart;
  }

  /** The open record outgrows its scratch buffer: it goes on in the ring, with room for `length` bytes. */
  #moveToRing(length: number): void {
    const scratch = this.#scratch!;
    const from = this.#start;
    this.#scratch = null;
    this.#start = this.#choosePlace(length, false);
    const end = this.#start + this.#received;
    if (end > this.#space.freeEnd) this.#space.makeRoom(end, this.#head);
    scratch.copy(this.#space.payload, this.#start, from, from + this.#received);
    giveScratch(scratch);
  }

  /** Whether every active reader slot has done with every record. */
  #drained(): boolean {
    const words = this.#words;
    const { threads } = this.#readership;
    for (let slot = 0, at = readerSlotStart; slot < threads; slot++, at += readerSlotWords) {
      // Plain loads, which cost a tenth of atomic ones: readers validate, so an old value here costs pages or frames of a
      // reader that joins this very moment, never a torn record.
      if (words[at + readerSlotWord.active] !== 0 && words[at + readerSlotWord.cursor] !== this.#head) return false;
    }
    return true;
  }

  /** Places the open record anew for `length` bytes and moves what was appended to `shift` bytes behind its start. */
  #moveOpen(length: number, shift: number): void {
    const from = this.#start;
    const to = this.#space.place(from, length);
    this.#start = to;
    const end = to + shift + this.#received;
    if (end > this.#space.freeEnd) this.#space.makeRoom(end, this.#head);
    if (to + shift !== from) this.#space.payload.copyWithin(to + shift, from, from + this.#received);
  }

  #writeRecord(kind: number, payload: Uint8Array, dtsMs: number, arrivalUs: number): void {
    const count = payload.length;
    if (this.#open) {
      this.#moveOpen(this.#length + count, count);
    } else {
      this.#start = this.#choosePlace(count, false);
      if (this.#start + count > this.#space.freeEnd) this.#space.makeRoom(this.#start + count, this.#head);
    }
    this.#space.payload.set(payload, this.#start);
    this.#publish(kind, 0, count, dtsMs, 0, arrivalUs);
    this.#start += count;
    this.#position = this.#start;
  }

  /** Writes the descriptor of the record at `#start` and moves the head over it. */
  #publish(kind: number, flags: number, length: number, dtsMs: number, ptsOffsetMs: number, arrivalUs: number): void {
    const words = this.#words;
    const head = this.#head;
    const space = this.#space;
    this.#unread = false;
    // 2^32 is not a multiple of the slots: at the wrap, once in years, the slots start anew, so nothing may live in them.
    if (head === 0 && space.tail !== 0) space.retire(0);
    if (((head - space.tail) | 0) >= this.#memory.frames) space.retire((head - this.#memory.frames + 1) | 0);

    const at = this.#memory.descriptorOf(head);
    words[at + descriptorWord.sequence] = head;
    words[at + descriptorWord.kind] = kind;
    words[at + descriptorWord.flags] = flags;
    words[at + descriptorWord.generation] = this.#generation;
    words[at + descriptorWord.lap] = space.lap;
    words[at + descriptorWord.offset] = this.#start;
    words[at + descriptorWord.length] = length;
    words[at + descriptorWord.videoOrdinal] = this.#videoCount;
    words[at + descriptorWord.ptsOffsetMs] = ptsOffsetMs;
    words[at + descriptorWord.parametersVersion] = this.#parametersVersion >> 1;
    this.#numbers[at / 2 + descriptorNumber.dtsMs] = dtsMs;
    this.#numbers[at / 2 + descriptorNumber.arrivalUs] = arrivalUs;

    const next = (head + 1) | 0;
    if (kind === recordKind.video) this.#videoCount = (this.#videoCount + 1) | 0;
    // Not the word that belongs to the head as it is now: a reader that still sees that head finds its count unchanged.
    Atomics.store(words, videoCountWord(next), this.#videoCount);
    // Publishes the record: everything above, and its payload, is seen by whoever sees this head.
    Atomics.store(words, writerWord.head, next);
    this.#head = next;
    this.#lastDtsMs = dtsMs;
    this.#lastArrivalUs = arrivalUs;
    // After the head, so that a reader never finds a keyframe that is not committed.
    if ((flags & entryFlags) !== 0) Atomics.store(words, writerWord.newestKeyframe, head);
    space.follow(length, arrivalUs, dtsMs, (flags & recordFlag.keyframe) !== 0);
  }

  /** Writes the parameters area under its seqlock, which readers check as they check the tail. */
  #storeParameters(payload: Uint8Array | null): void {
    const words = this.#words;
    Atomics.store(words, writerWord.parametersVersion, this.#parametersVersion | 1);
    fence();
    words[writerWord.parametersLength] = payload === null ? 0 : payload.length;
    if (payload !== null) this.#memory.parameters().set(payload);
    this.#parametersVersion = ((this.#parametersVersion | 1) + 1) | 0;
    Atomics.store(words, writerWord.parametersVersion, this.#parametersVersion);
  }

  /** No record is open any more; the next one can start at `position`. */
  #close(position: number): void {
    this.#open = false;
    if (this.#scratch !== null) {
      giveScratch(this.#scratch);
      this.#scratch = null;
      this.#waitingMetadata = null;
      return;
    }
    this.#position = position;
    const metadata = this.#waitingMetadata;
    if (metadata !== null) {
      this.#waitingMetadata = null;
      this.#writeRecord(recordKind.metadata, metadata, this.#waitingDtsMs, this.#waitingArrivalUs);
    }
  }

  #discard(): void {
    this.#waitingMetadata = null;
    this.abandon();
  }

  #checkOpen(): void {
    if (!this.#open) throw new Error('no record is open');
  }

  #checkAppended(length: number): void {
    this.#checkOpen();
    if (!(length >= 0 && length <= this.#received)) throw new RangeError(`${length} bytes have not been appended`);
  }

  #checkLength(length: number): void {
    if (!(length >= 0 && length <= this.#hardMaximumBytes))
      throw new RangeError(`a record of ${length} bytes is larger than the ring may get`);
  }
}

const always: Readership = { isRead: () => true, threads: readerSlots };
