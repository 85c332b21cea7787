import { createHash } from 'node:crypto';
import { type EventType, eventTitles } from '../base/event-types.ts';
import { type EventRecord, eventFields } from '../status/event-record.ts';

/** An event as hooks tell it: a record of the history, or a trial that an operator asked for. */
export interface HookEvent {
  /** Unique; the same as in the API. */
  readonly id: string;
  readonly type: EventType | 'test';
  readonly record: Omit<EventRecord, 'number' | 'type'>;
}

/** Where a camera stands in the configuration: what XProtect knows it by. */
export interface CameraPlace {
  /** Name of its ONVIF device, and that device's port. */
  readonly hardware: string;
  readonly onvifPort: number;
  /** Which of the device's cameras it is, from 0. */
  readonly channel: number;
}

/** What an event is called by people. */
export function titleOf(type: HookEvent['type']): string {
  return type === 'test' ? 'RTMP Test Event' : eventTitles[type];
}

/** The JSON that webhooks get. Fields that an event does not have are null. */
export function hookJson({ id, type, record }: HookEvent): string {
  const { camera, publisher, wallMs, detail = {} } = record;
  return JSON.stringify({
    id,
    event: type,
    title: titleOf(type),
    time: new Date(wallMs).toISOString(),
    camera: camera && { index: camera.index, name: camera.name, path: camera.path, rtspPath: camera.rtspPath },
    publisher: publisher && { connection: publisher.id, address: publisher.address, port: publisher.port },
    path: camera?.path ?? detail.path ?? null,
    address: publisher?.address ?? detail.address ?? null,
    ...eventFields(record),
  });
}

/** Words that stand for something in a template: `{event}`. */
export const templateWords = [
  'event',
  'title',
  'id',
  'time',
  'camera',
  'path',
  'address',
  'reason',
  'blame',
  'text',
  'count',
  'hardware',
  'onvif-port',
  'channel',
] as const;

/**
 * Fills a template. Values cannot break out of their place: control characters, and the text that separates records, become
 * spaces.
 */
export function fillTemplate(
  template: string,
  event: HookEvent,
  place: CameraPlace | null,
  separators: readonly string[] = [],
): string {
  const { id, type, record } = event;
  const { camera, publisher, wallMs, reason, detail = {} } = record;
  const values: Record<(typeof templateWords)[number], string | number | null | undefined> = {
    event: type,
    title: titleOf(type),
    id,
    time: new Date(wallMs).toISOString(),
    camera: camera?.name,
    path: camera?.path ?? detail.path,
    address: publisher?.address ?? detail.address,
    reason,
    blame: detail.blame,
    text: detail.text,
    count: detail.count ?? 1,
    hardware: place?.hardware,
    'onvif-port': place?.onvifPort,
    channel: place?.channel,
  };
  return template.replaceAll(/\{([a-z-]+)\}/g, (whole, word: string) => {
    if (!Object.hasOwn(values, word)) return whole;
    const value = String(values[word as keyof typeof values] ?? '').replaceAll(/\p{Cc}/gu, ' ');
    return separators.reduce((text, separator) => text.replaceAll(separator, ' '), value);
  });
}

/** A GUID that is always the same for the same event (RFC 9562, version 8), for targets that want one. */
export function eventGuid(id: string): string {
  const hash = createHash('sha256').update(`skyweir event ${id}`).digest();
  hash[6] = (hash[6]! & 0x0f) | 0x80;
  hash[8] = (hash[8]! & 0x3f) | 0x80;
  const hex = hash.toString('hex');
  return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20, 32)].join('-');
}
