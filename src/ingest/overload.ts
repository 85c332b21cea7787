import { limits } from '../base/limits.ts';
import type { LoadedThread, ThreadLoad } from '../shm/worker-load.ts';

/** When a thread is full, and when it has room again. */
export type OverloadLimits = Readonly<Record<keyof typeof limits.overload, number>>;

interface ThreadState {
  readonly kind: LoadedThread;
  full: boolean;
  /** Since when its figures speak against that, monotonic ms; null if they do not. */
  sinceMs: number | null;
}

/**
 * Decides whether the machine has room for further publishers. A thread is full when it works all the time, or comes much too
 * late to everything, for some seconds on end; it has room again only when it is clearly better for a while. New publishers are
 * refused while every ingest worker is full, or every consumer. Those that are there are not touched: their readers lose frames
 * up to a keyframe first, and all get what the machine can give.
 */
export class Overload {
  readonly #limits: OverloadLimits;
  readonly #threads = new Map<string, ThreadState>();
  #active = false;

  constructor(figures: OverloadLimits = limits.overload) {
    this.#limits = figures;
  }

  /** New publishers are refused. */
  get active(): boolean {
    return this.#active;
  }

  /** This thread has no time for more. */
  isFull(kind: LoadedThread, index: number): boolean {
    return this.#threads.get(`${kind} ${index}`)?.full ?? false;
  }

  /** Takes the figures of all threads, several times a second or so. Returns whether {@link active} has changed. */
  sample(loads: readonly ThreadLoad[], nowMs: number): boolean {
    const rooms = { ingest: false, consumer: false };
    const known = { ingest: false, consumer: false };
    for (const load of loads) {
      known[load.kind] = true;
      if (!this.#sampleThread(load, nowMs)) rooms[load.kind] = true;
    }
    const active = (known.ingest && !rooms.ingest) || (known.consumer && !rooms.consumer);
    const changed = active !== this.#active;
    this.#active = active;
    return changed;
  }

  /** Returns whether the thread is full. */
  #sampleThread({ kind, index, busy, loopDelayMs }: ThreadLoad, nowMs: number): boolean {
    const key = `${kind} ${index}`;
    let state = this.#threads.get(key);
    if (state === undefined) {
      state = { kind, full: false, sinceMs: null };
      this.#threads.set(key, state);
    }
    const { fullBusy, fullDelayMs, fullAfterMs, calmBusy, calmDelayMs, calmAfterMs } = this.#limits;
    const otherwise = state.full
      ? busy < calmBusy && loopDelayMs < calmDelayMs
      : busy >= fullBusy || loopDelayMs >= fullDelayMs;
    if (!otherwise) state.sinceMs = null;
    else if (state.sinceMs === null) state.sinceMs = nowMs;
    else if (nowMs - state.sinceMs >= (state.full ? calmAfterMs : fullAfterMs)) {
      state.full = !state.full;
      state.sinceMs = null;
    }
    return state.full;
  }
}
