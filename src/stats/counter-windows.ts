import type { PublisherSnapshot, StreamCounters } from '../shm/stream-counters.ts';
import { type CameraSnapshot, closeWindow } from './camera-snapshot.ts';

/** Who measures a camera, each over windows of its own: the blocks of statistics, and the judge of streams. */
export type WindowTaker = 'block' | 'judge';

type ExtremeName = 'dtsDeltaMin' | 'dtsDeltaMax' | 'arrivalDeltaMax' | 'lateMax' | 'queueDepthMax';

/** Smallest and largest values of a window, as {@link PublisherSnapshot} has them. */
export type Extremes = Readonly<Pick<PublisherSnapshot, ExtremeName>>;

type Kept = Record<WindowTaker, Extremes | null>;

/**
 * Lets two parties measure the same counters. The shared words have the extremes of one window only, so a window that one party
 * ends is kept for the other until that ends its own. Sums need nothing of the kind: who wants them takes differences.
 */
export class CounterWindows {
  readonly #counters: StreamCounters;
  /** By camera index. */
  readonly #kept = new Map<number, Kept>();

  constructor(counters: StreamCounters) {
    this.#counters = counters;
  }

  /** A stream starts: the extremes of the one before are nobody's. */
  forget(camera: number): void {
    this.#kept.delete(camera);
  }

  /** Ends the taker's window and begins its next one; see {@link closeWindow}. */
  close(camera: number, taker: WindowTaker): CameraSnapshot {
    const snapshot = closeWindow(this.#counters, camera);
    const { publisher } = snapshot;
    // Else no frame came, and the words are those of an earlier window.
    const fresh = publisher.window === publisher.openWindow ? publisher : null;
    let kept = this.#kept.get(camera);
    if (kept === undefined) {
      kept = { block: null, judge: null };
      this.#kept.set(camera, kept);
    }
    const before = kept[taker];
    const other = taker === 'block' ? 'judge' : 'block';
    kept[other] = merge(kept[other], fresh);
    kept[taker] = null;
    // Nobody else ended a window within this one: it has its own extremes, or none.
    if (before === null) return snapshot;
    const own = merge(before, fresh);
    return { ...snapshot, publisher: { ...publisher, ...own, window: publisher.openWindow } };
  }

  /** The extremes that are kept for the taker's window that runs; what the shared words have comes on top. */
  kept(camera: number, taker: WindowTaker): Extremes | null {
    return this.#kept.get(camera)?.[taker] ?? null;
  }
}

function merge(a: Extremes | null, b: Extremes | null): Extremes | null {
  if (b === null) return a;
  return {
    dtsDeltaMin: Math.min(a?.dtsDeltaMin ?? Number.POSITIVE_INFINITY, b.dtsDeltaMin),
    dtsDeltaMax: Math.max(a?.dtsDeltaMax ?? Number.NEGATIVE_INFINITY, b.dtsDeltaMax),
    arrivalDeltaMax: Math.max(a?.arrivalDeltaMax ?? Number.NEGATIVE_INFINITY, b.arrivalDeltaMax),
    lateMax: Math.max(a?.lateMax ?? 0, b.lateMax),
    queueDepthMax: Math.max(a?.queueDepthMax ?? 0, b.queueDepthMax),
  };
}
