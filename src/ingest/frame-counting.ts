import type { SpsFacts } from '../h264/sps.ts';
import { entryFlags, recordFlag } from '../shm/frame-ring.ts';
import { type PublisherCounters, publisherWord } from '../shm/stream-counters.ts';
import type { ThreadPressure } from './shedding.ts';

/**
 * Milliseconds for which the promptest access unit is what others are late against: this span and the one before. Long
 * enough to reach behind a burst, short enough that the drift of a publisher's clock does not look like lateness.
 */
const promptSpanMs = 30_000;

/** Keeps the shared counters of one stream. Nothing here allocates once the stream has started. */
export class FrameCounting {
  /** The words of all streams, and where those of this one begin. */
  readonly #words: Float64Array<SharedArrayBuffer>;
  readonly #at: number;
  // Infinity makes V8 keep these as doubles from the start.
  /** Smallest arrival minus decoding time: of this span and the one before, and of this span. */
  #promptMs = Number.POSITIVE_INFINITY;
  #spanPromptMs = Number.POSITIVE_INFINITY;
  #spanEndMs = Number.NEGATIVE_INFINITY;
  /** How late the newest access unit came, against the promptest one of this span and the one before; milliseconds. */
  lateMs = 0;
  readonly #counters: PublisherCounters;
  readonly #wallMs: () => number;
  readonly #pressure: ThreadPressure;
  /** What {@link threadTime} said first. */
  #firstBusyMs = Number.NaN;
  #firstIdleMs = Number.NaN;

  constructor(counters: PublisherCounters, wallMs: () => number, pressure: ThreadPressure) {
    this.#counters = counters;
    this.#words = counters.table;
    this.#at = counters.at;
    this.#wallMs = wallMs;
    this.#pressure = pressure;
  }

  start(generation: number, nowMs: number): void {
    const counters = this.#counters;
    counters.reset();
    counters.set(publisherWord.generation, generation);
    counters.set(publisherWord.startedWallMs, this.#wallMs());
    counters.set(publisherWord.lastArrivalMs, nowMs);
    counters.set(publisherWord.startedMs, nowMs);
  }

  /** Monotonic ms at which the newest record arrived; the start of the stream before the first. */
  get lastArrivalMs(): number {
    return this.#counters.get(publisherWord.lastArrivalMs);
  }

  /** A video record was committed. `depth`: records that the slowest reader has still to read, this one included. */
  frame(bytes: number, flags: number, dtsMs: number, arrivalMs: number, depth: number): void {
    const words = this.#words;
    const at = this.#at;
    const frames = words[at + publisherWord.frames]!;
    const window = words[at + publisherWord.openWindow]!;
    if (frames === 0) this.#first(dtsMs, arrivalMs);
    if (frames === 0 || window !== words[at + publisherWord.window]) this.#counters.forgetExtremes(window);

    const delayMs = arrivalMs - dtsMs;
    if (arrivalMs >= this.#spanEndMs) this.#beginSpan(arrivalMs);
    if (delayMs < this.#spanPromptMs) this.#spanPromptMs = delayMs;
    if (delayMs < this.#promptMs) this.#promptMs = delayMs;
    const lateMs = delayMs - this.#promptMs;
    this.lateMs = lateMs;
    words[at + publisherWord.frames] = frames + 1;
    words[at + publisherWord.bytes] = words[at + publisherWord.bytes]! + bytes;
    words[at + publisherWord.lateSum] = words[at + publisherWord.lateSum]! + lateMs;
    words[at + publisherWord.queueDepthSum] = words[at + publisherWord.queueDepthSum]! + depth;
    if (depth > words[at + publisherWord.queueDepthMax]!) words[at + publisherWord.queueDepthMax] = depth;
    if (lateMs > words[at + publisherWord.lateMax]!) words[at + publisherWord.lateMax] = lateMs;
    if (frames > 0) {
      const dtsDelta = dtsMs - words[at + publisherWord.lastDtsMs]!;
      if (dtsDelta < words[at + publisherWord.dtsDeltaMin]!) words[at + publisherWord.dtsDeltaMin] = dtsDelta;
      if (dtsDelta > words[at + publisherWord.dtsDeltaMax]!) words[at + publisherWord.dtsDeltaMax] = dtsDelta;
      const arrivalDelta = arrivalMs - words[at + publisherWord.lastArrivalMs]!;
      if (arrivalDelta > words[at + publisherWord.arrivalDeltaMax]!)
        words[at + publisherWord.arrivalDeltaMax] = arrivalDelta;
      words[at + publisherWord.arrivalDeltaSquares] =
        words[at + publisherWord.arrivalDeltaSquares]! + arrivalDelta * arrivalDelta;
    }
    words[at + publisherWord.lastDtsMs] = dtsMs;
    words[at + publisherWord.lastArrivalMs] = arrivalMs;
    if ((flags & (entryFlags | recordFlag.discontinuity)) !== 0) this.#flagged(flags);
  }

  /** The SPS in use; null when it cannot be read. */
  parameters(facts: SpsFacts | null): void {
    const counters = this.#counters;
    counters.set(publisherWord.width, facts?.width ?? 0);
    counters.set(publisherWord.height, facts?.height ?? 0);
    counters.set(publisherWord.profile, facts?.profile ?? 0);
    counters.set(publisherWord.level, facts?.level ?? 0);
  }

  seiOnly(): void {
    this.#counters.add(publisherWord.seiOnly, 1);
  }

  nonH264(): void {
    this.#counters.add(publisherWord.nonH264, 1);
  }

  truncated(): void {
    this.#counters.add(publisherWord.truncated, 1);
  }

  tolerated(count: number): void {
    this.#counters.add(publisherWord.tolerated, count);
  }

  /** The newest one that was counted is not in the ring: the thread has no time for it. */
  shed(): void {
    this.#counters.add(publisherWord.shed, 1);
  }

  /** Milliseconds that this thread was busy and idle, since any moment; counted from the first call. */
  threadTime(busyMs: number, idleMs: number): void {
    if (Number.isNaN(this.#firstBusyMs)) {
      this.#firstBusyMs = busyMs;
      this.#firstIdleMs = idleMs;
    }
    this.#counters.set(publisherWord.threadBusyMs, busyMs - this.#firstBusyMs);
    this.#counters.set(publisherWord.threadIdleMs, idleMs - this.#firstIdleMs);
  }

  #first(dtsMs: number, arrivalMs: number): void {
    this.#counters.set(publisherWord.firstDtsMs, dtsMs);
    this.#counters.set(publisherWord.firstArrivalMs, arrivalMs);
  }

  #beginSpan(arrivalMs: number): void {
    // What is late because of this thread must not become what is usual.
    if (!this.#pressure.saturated || this.#spanPromptMs < this.#promptMs) this.#promptMs = this.#spanPromptMs;
    this.#spanPromptMs = Number.POSITIVE_INFINITY;
    this.#spanEndMs = arrivalMs + promptSpanMs;
  }

  #flagged(flags: number): void {
    if ((flags & entryFlags) !== 0) this.#counters.add(publisherWord.keyframes, 1);
    if ((flags & recordFlag.discontinuity) !== 0) this.#counters.add(publisherWord.discontinuities, 1);
  }
}
