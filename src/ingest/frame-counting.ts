import type { SpsFacts } from '../h264/sps.ts';
import { entryFlags, recordFlag } from '../shm/frame-ring.ts';
import { awaited, type PublisherCounters, publisherWord } from '../shm/stream-counters.ts';
import type { ThreadPressure } from './shedding.ts';

/**
 * Milliseconds for which the promptest access unit is what others are late against: this span and the one before. Long
 * enough to reach behind a burst, short enough that a link that is slower for good is told of once.
 */
const promptSpanMs = 30_000;

/** Milliseconds of the first two spans; each that follows is twice as long. So a drift is known before it looks like lateness. */
const firstSpanMs = 1_000;

/** Milliseconds by which a later frame may lie below the line before the one that it was drawn through is taken to have been late. */
const lateAnchorMs = 5;

/**
 * The steepest drift that is taken out, as a part of the time. Encoders that count their time stamps in whole milliseconds a picture
 * lose 1 % at 30 frames a second (33 ms) and 4 % at 60 and 120 (16 and 8 ms). A link whose frames fall behind faster is slow. A clock
 * that is too fast needs no line: each of its frames is the promptest.
 */
const steepestDrift = 0.05;

/**
 * Keeps the shared counters of one stream. Nothing here allocates once the stream has started.
 *
 * A frame is as late as it lies above a line: through the promptest frame of the span before, with the slope from one such frame to the
 * next, which is the drift of the publisher's clock against ours.
 *
 *     arrival - decoding time                       x       x  late frames
 *       │                                x      x       ____o
 *       │                            ____o-----------              o  promptest of their span
 *       │            ____o-----------
 *       │___o--------
 *       └──────────────────────────────────────────────────── arrival
 */
export class FrameCounting {
  /** The words of all streams, and where those of this one begin. */
  readonly #words: Float64Array<SharedArrayBuffer>;
  readonly #at: number;
  // Infinity makes V8 keep these as doubles from the start.
  /** Where the line is at the arrival {@link #anchorMs}, and what it rises by in a millisecond. */
  #promptMs = Number.POSITIVE_INFINITY;
  #drift = Number.NaN;
  #anchorMs = Number.NaN;
  /** The promptest frame of this span: where a parallel line through it is at the anchor, and its arrival. */
  #spanPromptMs = Number.POSITIVE_INFINITY;
  #spanPromptAtMs = Number.NaN;
  #spanEndMs = Number.NEGATIVE_INFINITY;
  /** Arrival minus decoding time of the frame that the line was drawn through; infinite before the end of the first span. */
  #anchorDelayMs = Number.POSITIVE_INFINITY;
  /** The drift as the newest span has it, infinite before the first. */
  #spanDrift = Number.POSITIVE_INFINITY;
  #spanMs = firstSpanMs;
  /** How late the newest access unit came, against the promptest one of this span and the one before, drift aside; milliseconds. */
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
    counters.set(publisherWord.threadNotedMs, nowMs);
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

    if ((flags & recordFlag.discontinuity) !== 0) this.#breakLine(arrivalMs);
    else if (arrivalMs >= this.#spanEndMs) this.#beginSpan(arrivalMs);
    const delayMs = arrivalMs - dtsMs - this.#drift * (arrivalMs - this.#anchorMs);
    if (delayMs < this.#spanPromptMs) {
      this.#spanPromptMs = delayMs;
      this.#spanPromptAtMs = arrivalMs;
    }
    if (delayMs < this.#promptMs) this.#promptMs = delayMs;
    const lateMs = delayMs - this.#promptMs;
    this.lateMs = lateMs;
    words[at + publisherWord.frames] = frames + 1;
    words[at + publisherWord.bytes] = words[at + publisherWord.bytes]! + bytes;
    words[at + publisherWord.lateSum] = words[at + publisherWord.lateSum]! + lateMs;
    words[at + publisherWord.queueDepthSum] = words[at + publisherWord.queueDepthSum]! + depth;
    if (depth > words[at + publisherWord.queueDepthMax]!) words[at + publisherWord.queueDepthMax] = depth;
    if (lateMs > words[at + publisherWord.lateMax]!) {
      words[at + publisherWord.lateMax] = lateMs;
      words[at + publisherWord.lateMaxThread] = this.#pressure.lateMs(arrivalMs);
    }
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

  /** Nothing of the stream can be decoded before {@link parameters} are known, and a picture to start at comes after them. */
  awaitParameters(): void {
    this.#counters.set(publisherWord.awaits, awaited.parameters);
  }

  /** There are an SPS and a PPS. `facts`: of the SPS in use; null when it cannot be read. */
  parameters(facts: SpsFacts | null): void {
    const counters = this.#counters;
    if (counters.get(publisherWord.awaits) === awaited.parameters) counters.set(publisherWord.awaits, awaited.entry);
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

  /** A note at `nowMs`: milliseconds that this thread was busy and idle, since any moment; counted from the first call. */
  threadTime(busyMs: number, idleMs: number, nowMs: number): void {
    if (Number.isNaN(this.#firstBusyMs)) {
      this.#firstBusyMs = busyMs;
      this.#firstIdleMs = idleMs;
    }
    this.#counters.set(publisherWord.threadBusyMs, busyMs - this.#firstBusyMs);
    this.#counters.set(publisherWord.threadIdleMs, idleMs - this.#firstIdleMs);
    this.#counters.set(publisherWord.threadNotedMs, nowMs);
  }

  /** The same note: audio has come since the one before. */
  audio(nowMs: number): void {
    this.#counters.set(publisherWord.audioNotedMs, nowMs);
  }

  #first(dtsMs: number, arrivalMs: number): void {
    this.#counters.set(publisherWord.firstDtsMs, dtsMs);
    this.#counters.set(publisherWord.firstArrivalMs, arrivalMs);
  }

  #beginSpan(arrivalMs: number): void {
    if (Number.isNaN(this.#drift)) {
      this.#drift = 0;
      this.#anchorMs = arrivalMs;
      // What is late because of this thread must not become what is usual: meanwhile the line goes on as it was.
    } else if (!this.#pressure.saturated) this.#endSpan();
    this.#spanPromptMs = Number.POSITIVE_INFINITY;
    this.#spanEndMs = arrivalMs + this.#spanMs;
  }

  /** The publisher's clock jumped: the frame is where it is by its arrival, so it is the first on a new line. What drift was learned stays. */
  #breakLine(arrivalMs: number): void {
    if (Number.isNaN(this.#drift)) this.#drift = 0;
    this.#anchorMs = arrivalMs;
    this.#anchorDelayMs = Number.POSITIVE_INFINITY;
    this.#promptMs = Number.POSITIVE_INFINITY;
    this.#spanPromptMs = Number.POSITIVE_INFINITY;
    this.#spanMs = firstSpanMs;
    this.#spanEndMs = arrivalMs + firstSpanMs;
  }

  /** Draws the line anew. */
  #endSpan(): void {
    const atMs = this.#spanPromptAtMs;
    const delayMs = this.#spanPromptMs + this.#drift * (atMs - this.#anchorMs);
    const isFirst = this.#anchorDelayMs === Number.POSITIVE_INFINITY;
    if (isFirst) {
      this.#moveAnchor(atMs, delayMs);
      return;
    }
    const isWhole = this.#spanMs === promptSpanMs;
    const elapsedMs = atMs - this.#anchorMs;
    if (elapsedMs < this.#spanMs / 2) {
      // The end of a span and the beginning of the next: too near to each other for a slope.
      if (isWhole) this.#promptMs = this.#spanPromptMs;
      return;
    }
    const drift = (delayMs - this.#anchorDelayMs) / elapsedMs;
    // As the first frames of a stream often are: what was measured from there says little.
    const wasLate = !isWhole && this.#spanPromptMs < this.#anchorDelayMs - lateAnchorMs;
    // What is steeper is no clock, but a link that stood still and has not caught up.
    if (drift <= steepestDrift) {
      // The smaller of two: neither is a link that gets slower for a while.
      this.#drift = Math.max(0, Math.min(drift, this.#spanDrift));
      this.#spanDrift = wasLate ? Number.POSITIVE_INFINITY : drift;
    }
    if (isWhole || wasLate) this.#moveAnchor(atMs, delayMs);
    else this.#promptMs = Math.min(this.#anchorDelayMs, delayMs - this.#drift * elapsedMs);
    this.#spanMs = Math.min(2 * this.#spanMs, promptSpanMs);
  }

  #moveAnchor(atMs: number, delayMs: number): void {
    this.#anchorMs = atMs;
    this.#anchorDelayMs = delayMs;
    this.#promptMs = delayMs;
  }

  #flagged(flags: number): void {
    if ((flags & entryFlags) !== 0) this.#entry(flags);
    if ((flags & recordFlag.discontinuity) !== 0) this.#counters.add(publisherWord.discontinuities, 1);
  }

  #entry(flags: number): void {
    const counters = this.#counters;
    counters.add(publisherWord.keyframes, 1);
    const awaits = counters.get(publisherWord.awaits);
    if (awaits === awaited.nothing) return;
    if (awaits === awaited.parameters && (flags & recordFlag.parameterSets) === 0) return;
    counters.set(publisherWord.leading, counters.get(publisherWord.frames) - 1);
    counters.set(publisherWord.awaits, awaited.nothing);
  }
}
