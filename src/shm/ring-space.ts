import { fence } from './fence.ts';
import { constantWord, descriptorWord, type RingMemory, writerWord } from './layout.ts';

/** Bytes. The payload area grows in such steps, so that a creeping bitrate does not make a new view per frame. */
const growthStep = 256 * 1024;
/** Microseconds of video that the capacity holds, and over which the bitrate is measured. */
const windowUs = 2_000_000;
/** Microseconds. A bitrate is not taken from less, or the first keyframe would look like a flood. */
const shortestWindowUs = 500_000;

/**
 * Where records lie in the payload area, and which old ones must go for them. Belongs to the ring's writer.
 *
 * Within a lap offsets only rise. Ahead of the writer lie the records of the lap before, oldest first, so room is made by
 * retiring from the tail until the oldest record of the lap before lies behind the bytes wanted. Records that are two or
 * more laps old are older than what lies ahead and go first.
 */
export class RingSpace {
  readonly #memory: RingMemory;
  readonly #words: Int32Array<SharedArrayBuffer>;
  readonly #maximumBytes: number;
  readonly #hardMaximumBytes: number;
  readonly #gopCache: boolean;
  /** View of the whole payload area; replaced when the area grows. */
  payload: Buffer<SharedArrayBuffer>;
  /** Sequence number of the oldest readable record. */
  tail: number;
  lap = 0;
  /** Bytes before this offset and not before the writer's position belong to nobody. */
  freeEnd = 0;
  /** Bytes after which writing wraps. The area can be larger, for the sake of one large record. */
  capacity: number;
  #windowStartUs = Number.NaN;
  #windowStartDtsMs = 0;
  #windowBytes = 0;
  #gopBytes = 0;

  constructor(memory: RingMemory) {
    const words = memory.words;
    this.#memory = memory;
    this.#words = words;
    this.#maximumBytes = words[constantWord.maximumBytes]!;
    this.#hardMaximumBytes = words[constantWord.hardMaximumBytes]!;
    this.#gopCache = words[constantWord.gopCache] === 1;
    this.payload = memory.payload();
    this.tail = Atomics.load(words, writerWord.tail);
    this.capacity = Math.min(Atomics.load(words, writerWord.capacity), this.payload.length);
  }

  /** Writing starts again at offset 0. Nothing is retired before bytes arrive there. */
  startLap(): void {
    this.lap = (this.lap + 1) | 0;
    this.freeEnd = 0;
  }

  /**
   * The offset at which a record of `length` bytes can lie if the writer stands at `position`: there, or at 0 in a new lap
   * when the capacity ends before. Grows the area for a record that is larger than the capacity.
   */
  place(position: number, length: number): number {
    const end = position + length;
    if (end <= this.capacity) return position;
    if (position === 0 || (length > this.capacity && end <= this.#hardMaximumBytes)) {
      this.#reach(end);
      return position;
    }
    this.startLap();
    this.#reach(length);
    return 0;
  }

  /** Retires what lies before offset `to` and is not of this lap. `head`: the ring's head. */
  makeRoom(to: number, head: number): void {
    const words = this.#words;
    const lapBefore = (this.lap - 1) | 0;
    let tail = this.tail;
    let freeEnd = this.payload.length;
    for (; tail !== head; tail = (tail + 1) | 0) {
      const at = this.#memory.descriptorOf(tail);
      const lap = words[at + descriptorWord.lap]!;
      if (lap === this.lap) break;
      const offset = words[at + descriptorWord.offset]!;
      if (lap === lapBefore && offset >= to) {
        freeEnd = offset;
        break;
      }
    }
    this.freeEnd = freeEnd;
    if (tail !== this.tail) this.retire(tail);
  }

  /** Makes `tail` the oldest readable record. What was in front of it may be overwritten as soon as this returns. */
  retire(tail: number): void {
    this.tail = tail;
    // Publishes that the records before are gone. A reader that sees one byte of what is written after the fence, and then
    // fences and loads the tail, sees this value or a later one.
    Atomics.store(this.#words, writerWord.tail, tail);
    fence();
  }

  /** Lets the capacity follow the bitrate: 2 s of it, and twice the newest group of pictures if that is kept. */
  follow(bytes: number, arrivalUs: number, dtsMs: number, keyframe: boolean): void {
    this.#gopBytes = keyframe ? bytes : this.#gopBytes + bytes;
    this.#windowBytes += bytes;
    const elapsedUs = arrivalUs - this.#windowStartUs;
    if (!(elapsedUs >= 0)) {
      this.#windowStartUs = arrivalUs;
      this.#windowStartDtsMs = dtsMs;
      this.#windowBytes = bytes;
      return;
    }
    const isOver = elapsedUs >= windowUs;
    // Seconds of video may come at once, when a link or this machine was held up: that is no bitrate. But clocks that run too
    // fast must not hide one for ever.
    const videoUs = isOver ? 0 : (dtsMs - this.#windowStartDtsMs) * 1000;
    let target = (this.#windowBytes * windowUs) / Math.max(elapsedUs, videoUs, shortestWindowUs);
    if (this.#gopCache && target < 2 * this.#gopBytes) target = 2 * this.#gopBytes;
    if (target > this.capacity && this.capacity < this.#maximumBytes) {
      this.capacity = Math.min(Math.ceil(target / growthStep) * growthStep, this.#maximumBytes);
      Atomics.store(this.#words, writerWord.capacity, this.capacity);
      this.#reach(this.capacity);
    }
    if (isOver) {
      this.#windowStartUs = arrivalUs;
      this.#windowStartDtsMs = dtsMs;
      this.#windowBytes = 0;
    }
  }

  /** Grows the area to at least `bytes`. Growing takes address space, not memory, until bytes are written there. */
  #reach(bytes: number): void {
    if (bytes <= this.payload.length) return;
    const grown = Math.min(Math.ceil(bytes / growthStep) * growthStep, this.#hardMaximumBytes);
    this.#memory.ring.grow(this.#memory.payloadStart + grown);
    this.payload = this.#memory.payload();
  }
}
