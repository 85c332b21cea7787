import { type EventRecord, eventFields } from './event-record.ts';

/** An event as clients get it. */
export function eventBody(epoch: string, event: EventRecord): Record<string, unknown> {
  const { number, type, camera, publisher, wallMs, detail = {} } = event;
  return {
    id: `${epoch}-${number}`,
    type,
    time: new Date(wallMs).toISOString(),
    stream: camera?.index ?? null,
    name: camera?.name ?? null,
    path: camera?.path ?? detail.path ?? null,
    connection: publisher?.id ?? null,
    address: publisher?.address ?? detail.address ?? null,
    ...eventFields(event),
  };
}

/** An event in the form of server-sent events (HTML, clause 9.2.6). */
export function eventMessage(epoch: string, event: EventRecord): string {
  const body = eventBody(epoch, event);
  return `id: ${body['id']}\nevent: ${event.type}\ndata: ${JSON.stringify(body)}\n\n`;
}

/**
 * The events after the one with this id, of a history that has the newest first. An id of another run of the server comes before
 * all events. `complete`: none of them has been forgotten.
 */
export function eventsSince(
  history: readonly EventRecord[],
  epoch: string,
  id: string,
): { readonly events: readonly EventRecord[]; readonly complete: boolean } {
  const after = id.startsWith(`${epoch}-`) ? Number(id.slice(epoch.length + 1)) : 0;
  const number = Number.isSafeInteger(after) && after >= 0 ? after : 0;
  const events = history.filter((event) => event.number > number);
  const oldest = events.at(-1);
  return { events, complete: oldest === undefined || oldest.number === number + 1 };
}
