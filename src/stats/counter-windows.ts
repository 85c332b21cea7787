import type { PublisherSnapshot, StreamCounters } from '../shm/stream-counters.ts';
import { type CameraSnapshot, closeWindow } from './camera-snapshot.ts';

/** Who measures a camera, each over windows of its own: the blocks of statistics, and the judge of streams. */
export type WindowTaker = 'block' | 'judge';

type ExtremeName = 'dtsDeltaMin' | 'dtsDeltaMax' | 'arrivalDeltaMax' | 'lateMax' | 'lateMaxThread' | 'queueDepthMax';

/** Smallest and largest values of a window, as {@link PublisherSnapshot} has them. */
export type Extremes = Readonly<Pick<PublisherSnapshot, ExtremeName>>;

type Kept = Readonly<Record<WindowTaker, KeptExtremes>>;

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
    let kept = this.#kept.get(camera);
    if (kept === undefined) {
      kept = { block: new KeptExtremes(), judge: new KeptExtremes() };
      this.#kept.set(camera, kept);
    }
    const own = kept[taker];
    // Else no frame came, and the words are those of an earlier window.
    if (publisher.window === publisher.openWindow) {
      kept[taker === 'block' ? 'judge' : 'block'].add(publisher);
      if (!own.isEmpty) own.add(publisher);
    }
    // If it is empty, nobody else ended a window within this one: it has its own extremes, or none.
    if (!own.isEmpty) own.moveTo(publisher);
    return snapshot;
  }

  /** The extremes that are kept for the taker's window that runs; what the shared words have comes on top. */
  kept(camera: number, taker: WindowTaker): Extremes | null {
    const kept = this.#kept.get(camera)?.[taker];
    return kept === undefined || kept.isEmpty ? null : kept;
  }
}

/** What is kept for one taker. It changes in place: copies would live for some seconds, and a thousand streams fill the old heap with them. */
class KeptExtremes implements Extremes {
  isEmpty = true;
  dtsDeltaMin = Number.POSITIVE_INFINITY;
  dtsDeltaMax = Number.NEGATIVE_INFINITY;
  arrivalDeltaMax = Number.NEGATIVE_INFINITY;
  lateMax = 0;
  lateMaxThread = 0;
  queueDepthMax = 0;

  add(extremes: Extremes): void {
    this.isEmpty = false;
    this.dtsDeltaMin = Math.min(this.dtsDeltaMin, extremes.dtsDeltaMin);
    this.dtsDeltaMax = Math.max(this.dtsDeltaMax, extremes.dtsDeltaMax);
    this.arrivalDeltaMax = Math.max(this.arrivalDeltaMax, extremes.arrivalDeltaMax);
    if (extremes.lateMax > this.lateMax) {
      this.lateMax = extremes.lateMax;
      this.lateMaxThread = extremes.lateMaxThread;
    }
    this.queueDepthMax = Math.max(this.queueDepthMax, extremes.queueDepthMax);
  }

  /** Puts them into a snapshot, as those of its window, and keeps nothing any more. */
  moveTo(snapshot: PublisherSnapshot): void {
    snapshot.window = snapshot.openWindow;
    snapshot.dtsDeltaMin = this.dtsDeltaMin;
    snapshot.dtsDeltaMax = this.dtsDeltaMax;
    snapshot.arrivalDeltaMax = this.arrivalDeltaMax;
    snapshot.lateMax = this.lateMax;
    snapshot.lateMaxThread = this.lateMaxThread;
    snapshot.queueDepthMax = this.queueDepthMax;
    this.isEmpty = true;
    this.dtsDeltaMin = Number.POSITIVE_INFINITY;
    this.dtsDeltaMax = Number.NEGATIVE_INFINITY;
    this.arrivalDeltaMax = Number.NEGATIVE_INFINITY;
    this.lateMax = 0;
    this.lateMaxThread = 0;
    this.queueDepthMax = 0;
  }
}
