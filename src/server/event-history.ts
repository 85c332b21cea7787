import { randomBytes } from 'node:crypto';
import type { Clock } from '../base/clock.ts';
import { limits } from '../base/limits.ts';
import { describeViolation } from '../ingest-rules/ingest-rules.ts';
import type { EventRecord } from '../status/event-record.ts';
import type { StreamEvents } from './stream-events.ts';

/**
 * The newest events: of each camera, and of all together, so that a camera which flaps pushes nobody
 * else's out of that camera's own list.
 */
export class EventHistory {
  /** Tells this run of the server from every other; ids of events begin with it. */
  readonly epoch = randomBytes(6).toString('hex');
  readonly #clock: Clock;
  readonly #perCamera: number;
  readonly #all: Newest<EventRecord>;
  readonly #cameras = new Map<number, Newest<EventRecord>>();
  readonly #listeners = new Set<(record: EventRecord) => void>();
  #count = 0;

  constructor(
    events: StreamEvents,
    clock: Clock,
    bounds: { readonly perCamera: number; readonly overall: number } = limits.events,
  ) {
    this.#clock = clock;
    this.#perCamera = bounds.perCamera;
    this.#all = new Newest(bounds.overall);
    events.on('started', ({ camera, publisher }) => this.#add({ type: 'started', camera, publisher, reason: null }));
    events.on('stopped', ({ camera, publisher, reason }) => this.#add({ type: 'stopped', camera, publisher, reason }));
    events.on('rejected', ({ camera, publisher, reason, ...detail }) =>
      this.#add({ type: 'rejected', camera, publisher, reason, detail }),
    );
    for (const type of ['degraded', 'recovered'] as const)
      events.on(type, ({ camera, publisher, ...detail }) =>
        this.#add({ type, camera, publisher, reason: null, detail }),
      );
    events.on('rule', ({ camera, publisher, ...rule }) => {
      const text = rule.state === 'broken' ? `broken: ${describeViolation(rule)}` : `kept again: ${rule.rule}`;
      this.#add({ type: 'rule', camera, publisher, reason: null, detail: { rule, text } });
    });
    for (const type of ['overloaded', 'relieved', 'listener_failed'] as const)
      events.on(type, (detail) => this.#add({ type, camera: null, publisher: null, reason: null, detail }));
  }

  /** The newest events of all, newest first. */
  newest(count = Number.POSITIVE_INFINITY): EventRecord[] {
    return this.#all.list(count);
  }

  /** The newest events of the camera with this index, newest first. */
  ofCamera(camera: number, count = Number.POSITIVE_INFINITY): EventRecord[] {
    return this.#cameras.get(camera)?.list(count) ?? [];
  }

  /** Another camera has this index from now on: what happened to the one before is none of its events. */
  replaced(camera: number): void {
    this.#cameras.delete(camera);
  }

  /** Calls back for every event from now on, when it is kept already. Returns what ends that. */
  onAdded(listener: (record: EventRecord) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  #add(event: Omit<EventRecord, 'number' | 'wallMs'>): void {
    const record = { number: ++this.#count, ...event, wallMs: this.#clock.wallMs() };
    this.#all.add(record);
    if (event.camera !== null) this.#ofCamera(event.camera.index).add(record);
    for (const listener of this.#listeners) listener(record);
  }

  #ofCamera(index: number): Newest<EventRecord> {
    let own = this.#cameras.get(index);
    if (own === undefined) {
      own = new Newest(this.#perCamera);
      this.#cameras.set(index, own);
    }
    return own;
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
