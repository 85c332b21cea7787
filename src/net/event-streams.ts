import type { ServerResponse } from 'node:http';
import { limits } from '../base/limits.ts';
import type { HttpCounts } from '../status/counts.ts';
import { eventMessage, eventsSince } from '../status/event-feed.ts';
import type { EventRecord } from '../status/event-record.ts';
import type { StatusSource } from '../status/status-source.ts';

/** The clients that follow the events live (server-sent events). One that does not read is cut off; it asks again by itself. */
export class EventStreams {
  readonly #source: StatusSource;
  readonly #epoch: string;
  readonly #counts: HttpCounts;
  readonly #clients = new Set<ServerResponse>();
  readonly #stop: () => void;
  #pinger: NodeJS.Timeout | null = null;

  constructor(source: StatusSource, epoch: string, counts: HttpCounts) {
    this.#source = source;
    this.#epoch = epoch;
    this.#counts = counts;
    this.#stop = source.onEvent((event) => this.#broadcast(event));
  }

  get full(): boolean {
    return this.#clients.size >= limits.http.eventClients;
  }

  /** Answers with the events after `lastId`, where that is given, and with all that follow until the client leaves. */
  open(response: ServerResponse, headers: Readonly<Record<string, string>>, lastId: string | undefined): void {
    // nginx would keep the events until there are some KiB of them.
    const live = { 'Content-Type': 'text/event-stream; charset=utf-8', 'X-Accel-Buffering': 'no' };
    response.writeHead(200, { ...headers, ...live });
    response.write(`retry: ${reconnectMs}\n\n`);
    if (lastId !== undefined) {
      const { events, complete } = eventsSince(this.#source.events(), this.#epoch, lastId);
      if (!complete) response.write('event: missed\ndata: {}\n\n');
      for (const event of events.toReversed()) response.write(eventMessage(this.#epoch, event));
    }
    this.#clients.add(response);
    this.#counts.eventClients++;
    response.once('close', () => {
      this.#clients.delete(response);
      this.#counts.eventClients--;
      if (this.#clients.size === 0) this.#stopPinging();
    });
    this.#pinger ??= setInterval(() => this.#send(':\n\n'), limits.http.eventPingMs).unref();
  }

  /** Ends all of them. */
  close(): void {
    this.#stop();
    this.#stopPinging();
    for (const client of this.#clients) client.destroy();
  }

  #broadcast(event: EventRecord): void {
    if (this.#clients.size > 0) this.#send(eventMessage(this.#epoch, event));
  }

  #send(message: string): void {
    for (const client of this.#clients) {
      if (client.writableLength + message.length > limits.http.eventBytes) client.destroy();
      else client.write(message);
    }
  }

  #stopPinging(): void {
    if (this.#pinger !== null) clearInterval(this.#pinger);
    this.#pinger = null;
  }
}

/** Milliseconds that clients wait before they come again. */
const reconnectMs = 3000;
