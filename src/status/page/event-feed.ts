import { ApiError, askJson, pageHeaders } from './api.ts';
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
  readonly text: string | null;
}

/** Events that are kept and shown. */
const keptEvents = 500;
/** Milliseconds until a broken connection is tried again. */
const retryMs = 3000;

/**
 * The newest events, and then those that happen (server-sent events). Browsers' own EventSource cannot send the page's header,
 * and a browser has few connections to one server, so the connection is closed while nobody looks at the page.
 */
export class EventFeed {
  readonly #onChange: () => void;
  #events: readonly StreamEvent[] = [];
  #live = false;
  #abort: AbortController | null = null;
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
    if (!document.hidden) void this.#follow();
  }

  stop(): void {
    this.#running = false;
    document.removeEventListener('visibilitychange', this.#onVisibility);
    this.#abort?.abort();
    this.#events = [];
  }

  readonly #onVisibility = (): void => {
    if (document.hidden) this.#abort?.abort();
    else if (this.#abort === null) void this.#follow();
  };

  async #follow(): Promise<void> {
    const abort = new AbortController();
    this.#abort = abort;
    while (this.#running && !abort.signal.aborted) {
      try {
        await this.#readNewest();
        await this.#readLive(abort.signal);
      } catch (error) {
        if (error instanceof ApiError && error.status === 401) break;
      }
      this.#setLive(false);
      if (!abort.signal.aborted) await new Promise((resolve) => setTimeout(resolve, retryMs));
    }
    this.#abort = null;
    // It became visible again before this one had ended.
    if (this.#running && !document.hidden && abort.signal.aborted) void this.#follow();
  }

  async #readNewest(): Promise<void> {
    const { events } = await askJson<{ events: StreamEvent[] }>(`/api/v1/events?limit=${keptEvents}`);
    this.#events = events;
    this.#onChange();
  }

  async #readLive(signal: AbortSignal): Promise<void> {
    // Without any event so far, an id of another run stands for the beginning.
    const lastId = this.#events[0]?.id ?? 'none-0';
    const headers = { ...pageHeaders, 'Last-Event-ID': lastId };
    const response = await fetch('/api/v1/events/live', { headers, cache: 'no-store', signal });
    if (!response.ok || response.body === null) throw new ApiError(response.status, 'no live events');
    this.#setLive(true);
    let text = '';
    const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
    for (let read = await reader.read(); !read.done; read = await reader.read()) {
      text += read.value;
      const messages = text.split('\n\n');
      text = messages.pop() ?? '';
      for (const message of messages) this.#take(message);
    }
  }

  /** One message (HTML, clause 9.2.6). The server writes each field on one line. */
  #take(message: string): void {
    // Not with a dot, which ends at U+2028, too: names may hold it.
    const data = /^data: ([^\n]*)/m.exec(message)?.[1];
    if (data === undefined || !/^id: /m.test(message)) return;
    this.#events = [JSON.parse(data) as StreamEvent, ...this.#events].slice(0, keptEvents);
    this.#onChange();
  }

  #setLive(live: boolean): void {
    if (this.#live === live) return;
    this.#live = live;
    this.#onChange();
  }
}
