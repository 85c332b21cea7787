import type { SpsFacts } from '../h264/sps.ts';
import { entryFlags, recordFlag } from '../shm/frame-ring.ts';
import { type PublisherCounters, publisherWord } from '../shm/stream-counters.ts';

/** Keeps the shared counters of one stream. Nothing here allocates once the stream has started. */
export class FrameCounting {
  readonly #counters: PublisherCounters;
  readonly #wallMs: () => number;
  /** Of the access unit before; -1 before the first. */
  #lastDtsMs = -1;
  #lastArrivalMs = 0;

  constructor(counters: PublisherCounters, wallMs: () => number) {
    this.#counters = counters;
    this.#wallMs = wallMs;
  }

  start(generation: number, nowMs: number): void {
    const counters = this.#counters;
    counters.reset();
    counters.set(publisherWord.generation, generation);
    counters.set(publisherWord.startedMs, nowMs);
    counters.set(publisherWord.startedWallMs, this.#wallMs());
  }

  /** A video record was committed. `depth`: records that the slowest reader has still to read, this one included. */
  frame(bytes: number, flags: number, dtsMs: number, arrivalMs: number, depth: number): void {
    const counters = this.#counters;
    counters.add(publisherWord.frames, 1);
    counters.add(publisherWord.bytes, bytes);
    if ((flags & entryFlags) !== 0) counters.add(publisherWord.keyframes, 1);
    if ((flags & recordFlag.discontinuity) !== 0) counters.add(publisherWord.discontinuities, 1);
    counters.sampleQueueDepth(depth);
    if (this.#lastDtsMs >= 0) {
      counters.sampleDtsDelta(dtsMs - this.#lastDtsMs);
      counters.sampleArrivalDelta(arrivalMs - this.#lastArrivalMs);
    }
    this.#lastDtsMs = dtsMs;
    this.#lastArrivalMs = arrivalMs;
    counters.set(publisherWord.lastDtsMs, dtsMs);
    counters.set(publisherWord.lastArrivalMs, arrivalMs);
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

  tolerated(): void {
    this.#counters.add(publisherWord.tolerated, 1);
  }
}
