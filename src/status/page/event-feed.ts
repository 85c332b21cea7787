import { askJson } from './api.ts';
import type { Blame } from './words.ts';

/** Something that happened, as the server tells it. Types that the page does not know have a text of their own. */
export interface StreamEvent {
  readonly id: string;
  readonly type: string;
  readonly time: string;
  /** Null for what concerns no camera. */
  readonly stream: number | null;
  readonly name: string | null;
  readonly path: string | null;
  readonly address: string | null;
  readonly reason: string | null;
  readonly count: number;
  readonly blame: Blame | null;
  /** Of an ingest rule: a stream breaks it, or keeps it again. */
  readonly rule: { readonly state: 'broken' | 'kept' } | null;
  readonly text: string | null;
}

/** Events that are kept and shown. */
const keptEvents = 500;
/** Milliseconds from one answer to the next question. */
const pollMs = 2000;

/**
 * The newest events, asked for again and again while somebody looks at the page. Nothing is held open for them: a browser has six
 * connections to one server for all its windows together, and would keep one for each.
 */
export class EventFeed {
  readonly #onChange: () => void;
  #events: readonly StreamEvent[] = [];
  #live = false;
  #isAsking = false;
  #timer: ReturnType<typeof setTimeout> | null = null;
  #running = false;

  constructor(onChange: () => void) {
    this.#onChange = onChange;
  }

  /** Newest first. */
  get events(): readonly StreamEvent[] {
    return this.#events;
  }

  /** New ones come by themselves at this moment. */
  get live(): boolean {
    return this.#live;
  }

  start(): void {
    this.#running = true;
    document.addEventListener('visibilitychange', this.#onVisibility);
    this.#onVisibility();
  }

  stop(): void {
    this.#running = false;
    document.removeEventListener('visibilitychange', this.#onVisibility);
    this.#pause();
    this.#events = [];
  }

  readonly #onVisibility = (): void => {
    this.#pause();
    if (!document.hidden && !this.#isAsking) void this.#poll();
  };

  #pause(): void {
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = null;
  }

  async #poll(): Promise<void> {
    this.#isAsking = true;
    const events = await this.#askNewer();
    this.#isAsking = false;
    if (!this.#running) return;
    this.#take(events);
    if (!document.hidden) this.#timer = setTimeout(() => void this.#poll(), pollMs);
  }

  /** Those that the page does not have yet; null without an answer. */
  async #askNewer(): Promise<readonly StreamEvent[] | null> {
    const newest = this.#events[0]?.id;
    const since = newest === undefined ? '' : `&since=${encodeURIComponent(newest)}`;
    try {
      return (await askJson<{ events: StreamEvent[] }>(`/api/v1/events?limit=${keptEvents}${since}`)).events;
    } catch {
      return null;
    }
  }

  #take(events: readonly StreamEvent[] | null): void {
    const live = events !== null;
    const isNews = live !== this.#live || (live && events.length > 0);
    this.#live = live;
    if (live && events.length > 0) {
      // Another run of the server may have other cameras under the same indexes.
      const before = runOf(events[0]!) === runOf(this.#events[0] ?? events[0]!) ? this.#events : [];
      this.#events = [...events, ...before].slice(0, keptEvents);
    }
    if (isNews) this.#onChange();
  }
}

/** What the ids of all events of one run of the server begin with. */
function runOf({ id }: StreamEvent): string {
  return id.slice(0, id.lastIndexOf('-'));
}
