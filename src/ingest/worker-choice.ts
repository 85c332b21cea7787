import { limits } from '../base/limits.ts';

/** An ingest worker that a new connection may be given to. */
export interface WorkerCandidate {
  /** Its line in the load table. */
  readonly index: number;
  /** Connections that it has now, exactly. */
  readonly connections: number;
  /** It has no time for more. */
  readonly full: boolean;
}

/** Milliseconds of one count of recent connections. */
const slotMs = 500;
const { assumedBitsPerSecond, connectionBitsPerSecond, measuredAfterMs } = limits.load;
const slots = Math.ceil(measuredAfterMs / slotMs);

/**
 * Decides which ingest worker a new connection is given to: the one with the least to do. What a worker has to do is what it
 * receives, and a share for each connection, since a picture costs something whatever its size. A connection that was given
 * away a moment ago is not in the measured figures yet, or only in part; else all that come within one second would go to the
 * same worker. So a worker counts with what it receives now, or, if that is more, with what it received a few seconds ago and
 * an assumed bitrate for each connection since.
 */
export class WorkerChoice {
  readonly #bitsPerSecond: Float64Array;
  /** What each worker received when the newest {@link slots} slots of time began, as a ring ... */
  readonly #before: Float64Array;
  /** ... and the connections that it was given in them. */
  readonly #recent: Uint32Array;
  #slot = 0;

  constructor(workers: number) {
    this.#bitsPerSecond = new Float64Array(workers);
    this.#before = new Float64Array(workers * slots);
    this.#recent = new Uint32Array(workers * slots);
  }

  /** What a worker receives now. Smoothed, since keyframes make a stream uneven from second to second. */
  measured(index: number, bitsPerSecond: number, nowMs: number): void {
    this.#advance(nowMs);
    this.#bitsPerSecond[index] = (this.#bitsPerSecond[index]! + bitsPerSecond) / 2;
  }

  /** Another thread works under this index now. */
  reset(index: number): void {
    this.#bitsPerSecond[index] = 0;
    this.#before.fill(0, index * slots, (index + 1) * slots);
    this.#recent.fill(0, index * slots, (index + 1) * slots);
  }

  /** The best of the candidates, which is given the connection; null if there is none. One that is full only if all are. */
  choose<T extends WorkerCandidate>(candidates: readonly T[], nowMs: number): T | null {
    this.#advance(nowMs);
    let best: T | null = null;
    let least = Number.POSITIVE_INFINITY;
    for (const candidate of candidates) {
      const load = this.#load(candidate);
      if (best !== null && (best.full !== candidate.full ? candidate.full : load >= least)) continue;
      best = candidate;
      least = load;
    }
    if (best !== null) {
      const at = best.index * slots + (this.#slot % slots);
      this.#recent[at] = this.#recent[at]! + 1;
    }
    return best;
  }

  /** In bits per second. */
  #load({ index, connections }: WorkerCandidate): number {
    const now = this.#bitsPerSecond[index]!;
    const before = this.#before[index * slots + ((this.#slot + 1) % slots)]!;
    let recent = 0;
    for (let slot = 0; slot < slots; slot++) recent += this.#recent[index * slots + slot]!;
    // Some may have left already.
    const assumed = Math.min(recent, connections) * assumedBitsPerSecond;
    return Math.max(now, Math.min(now, before) + assumed) + connections * connectionBitsPerSecond;
  }

  /** Begins the slots of time up to now. */
  #advance(nowMs: number): void {
    const slot = Math.floor(nowMs / slotMs);
    for (let begun = Math.max(this.#slot, slot - slots) + 1; begun <= slot; begun++) {
      for (let index = 0; index < this.#bitsPerSecond.length; index++) {
        this.#before[index * slots + (begun % slots)] = this.#bitsPerSecond[index]!;
        this.#recent[index * slots + (begun % slots)] = 0;
      }
    }
    this.#slot = slot;
  }
}
