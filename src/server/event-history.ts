import type { Clock } from '../base/clock.ts';
import type { ErrorCode } from '../base/errors.ts';
import { limits } from '../base/limits.ts';
import type { Camera, Peer } from '../control/messages.ts';
import type { StreamEvents } from './stream-events.ts';

/** One start or stop of a stream, as it is kept. */
export interface StreamEventRecord {
  /** Counts all events of this process from 1; a gap is what was forgotten. */
  readonly number: number;
  readonly type: 'started' | 'stopped';
  readonly camera: Camera;
  readonly publisher: Peer;
  /** Wall-clock milliseconds since 1970. */
  readonly wallMs: number;
  /** Why it stopped; null for a start. */
  readonly reason: ErrorCode | null;
}

/**
 * The newest starts and stops of streams: of each camera, and of all together, so that a camera which flaps pushes nobody
 * else's out of that camera's own list.
 */
export class EventHistory {
  readonly #clock: Clock;
  readonly #perCamera: number;
  readonly #all: Newest<StreamEventRecord>;
  readonly #cameras = new Map<number, Newest<StreamEventRecord>>();
  readonly #listeners = new Set<(record: StreamEventRecord) => void>();
  #count = 0;

  constructor(
    events: StreamEvents,
    clock: Clock,
    bounds: { readonly perCamera: number; readonly overall: number } = limits.events,
  ) {
    this.#clock = clock;
    this.#perCamera = bounds.perCamera;
    this.#all = new Newest(bounds.overall);
    events.on('started', ({ camera, publisher }) => this.#add('started', camera, publisher, null));
    events.on('stopped', ({ camera, publisher, reason }) => this.#add('stopped', camera, publisher, reason));
  }

  /** The newest events of all cameras, newest first. */
  newest(count = Number.POSITIVE_INFINITY): StreamEventRecord[] {
    return this.#all.list(count);
  }

  /** The newest events of the camera with this index, newest first. */
  ofCamera(camera: number, count = Number.POSITIVE_INFINITY): StreamEventRecord[] {
    return this.#cameras.get(camera)?.list(count) ?? [];
  }

  /** Calls back for every event from now on, when it is kept already. Returns what ends that. */
  onAdded(listener: (record: StreamEventRecord) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  #add(type: StreamEventRecord['type'], camera: Camera, publisher: Peer, reason: ErrorCode | null): void {
    const record = { number: ++this.#count, type, camera, publisher, wallMs: this.#clock.wallMs(), reason };
    this.#all.add(record);
    let own = this.#cameras.get(camera.index);
    if (own === undefined) {
      own = new Newest(this.#perCamera);
      this.#cameras.set(camera.index, own);
    }
    own.add(record);
    for (const listener of this.#listeners) listener(record);
  }
}

/** The newest `bound` items. */
class Newest<T> {
  readonly #bound: number;
  readonly #items: T[] = [];
  /** Where the next item goes; the oldest lies there once all places are taken. */
  #next = 0;

  constructor(bound: number) {
    this.#bound = bound;
  }

  add(item: T): void {
    this.#items[this.#next] = item;
    this.#next = (this.#next + 1) % this.#bound;
  }

  /** At most `count` of them, newest first. */
  list(count: number): T[] {
    const kept = this.#items.length;
    const length = Math.min(count, kept);
    return Array.from({ length }, (_, i) => this.#items[(this.#next - 1 - i + 2 * kept) % kept]!);
  }
}
