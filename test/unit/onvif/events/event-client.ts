import { createRequire } from 'node:module';
import type { OnvifChannel, OnvifDevice } from '../../../../src/onvif/device.ts';
import { closeEnvelope, unknownRequest } from '../../../../src/onvif/envelope.ts';
import { EventService } from '../../../../src/onvif/events/event-service.ts';
import { OnvifFault } from '../../../../src/onvif/fault.ts';
import type { LaterAnswer, ServiceAnswer } from '../../../../src/onvif/service.ts';
import { childOf, parseXml, textAt, type XmlElement } from '../../../../src/onvif/xml.ts';

const { parseSOAPString, linerase } = createRequire(import.meta.url)('onvif/lib/utils.js') as {
  parseSOAPString(xml: string, done: (error: Error | null, body: unknown) => void, status: number): void;
  linerase(xml: unknown): Record<string, never>;
};

/** 2026-01-02T03:04:05Z. */
export const startWallMs = Date.UTC(2026, 0, 2, 3, 4, 5);

export const origin = 'http://192.0.2.1:8081';

/** A device with these cameras at its places, null for a place without one. */
export function deviceOf(...cameras: readonly (number | null)[]): OnvifDevice {
  const channel = (camera: number): OnvifChannel => ({
    camera,
    name: `Camera ${camera}`,
    rtspPath: `/stream${camera}`,
  });
  return {
    name: 'Test',
    identity: { uuid: '11111111-2222-4333-8444-555555555555', mac: '02:00:00:00:00:01', serial: '1', hardwareId: 'h' },
    channels: cameras.map((camera) => (camera === null ? null : channel(camera))),
  };
}

/** One notification as a client sees it. */
export interface Seen {
  readonly source: string;
  readonly operation: string;
  /** Absent in messages about what is gone. */
  readonly state?: boolean;
  readonly utcTime: string;
}

/** An event service with a clock of its own, and requests as clients send them. */
export class EventClient {
  nowMs = 1000;
  readonly service: EventService;
  #ids = 0;

  constructor(device = deviceOf(0, 1)) {
    this.service = new EventService({
      device,
      clock: { wallMs: () => this.wallMs },
      newId: () => (++this.#ids).toString(16).padStart(32, '0'),
    });
  }

  get wallMs(): number {
    return startWallMs + this.nowMs - 1000;
  }

  setState(slot: number, live: boolean): void {
    this.service.setState(slot, live, this.wallMs, this.nowMs);
  }

  /** `content` may use the prefixes tev, wsnt and tns1. */
  call(operation: string, content = '', path = '/onvif/event_service', prefix = 'tev'): ServiceAnswer {
    const body = parseXml(
      `<${prefix}:${operation} xmlns:tev="http://www.onvif.org/ver10/events/wsdl"` +
        ` xmlns:wsnt="http://docs.oasis-open.org/wsn/b-2" xmlns:tns1="http://www.onvif.org/ver10/topics">` +
        `${content}</${prefix}:${operation}>`,
    );
    const service = prefix === 'tev' ? this.service : this.service.notification;
    return service.call({ operation, body, origin, path }, this.nowMs);
  }

  /** The answer, which must be there at once. */
  ask(operation: string, content = '', path?: string, prefix?: string): XmlElement {
    const answer = this.call(operation, content, path, prefix);
    if (typeof answer !== 'string') throw new Error('the answer comes later');
    return parseBody(answer);
  }

  /** Subscribes, and returns the path of the subscription. */
  subscribe(content = ''): string {
    const answer = this.ask('CreatePullPointSubscription', content);
    return textAt(answer, 'SubscriptionReference', 'Address').slice(origin.length);
  }

  pull(path: string, timeout = 'PT1M', limit: number | string = 100): ServiceAnswer {
    const content = `<tev:Timeout>${timeout}</tev:Timeout><tev:MessageLimit>${limit}</tev:MessageLimit>`;
    return this.call('PullMessages', content, path);
  }

  /** Whether a subscription has not ended; it is asked for nothing, so that it lives no longer for that. */
  isThere(path: string): boolean {
    try {
      this.pull(path, 'none');
    } catch (error) {
      if (error instanceof OnvifFault) return !error.detail.includes('ResourceUnknownFault');
      throw error;
    }
    throw new Error('a pull without a time was answered');
  }

  /** What waits, at once. */
  messages(path: string, limit: number | string = 100): Seen[] {
    return messagesIn(this.pull(path, 'PT0S', limit));
  }

  /** A pull that waits, with what it is answered. */
  wait(path: string, timeout = 'PT1M', limit = 100): { readonly later: LaterAnswer; readonly bodies: string[] } {
    const later = this.pull(path, timeout, limit);
    if (typeof later === 'string') throw new Error('the answer came at once');
    const bodies: string[] = [];
    later.onAnswer = (body) => bodies.push(body);
    return { later, bodies };
  }
}

/** An answer as it stands in its envelope. */
export function parseBody(answer: string): XmlElement {
  return childOf(parseXml(closeEnvelope(unknownRequest, answer)), 'Body')!.children[0]!;
}

/** The notifications of a PullMessagesResponse. */
export function messagesIn(answer: ServiceAnswer): Seen[] {
  if (typeof answer !== 'string') throw new Error('the answer comes later');
  const holders = parseBody(answer).children.filter((child) => child.name === 'NotificationMessage');
  return holders.map((holder) => {
    const message = childOf(childOf(holder, 'Message'), 'Message')!;
    const item = (group: string) => childOf(childOf(message, group), 'SimpleItem')?.attributes.get('Value');
    const state = item('Data');
    return {
      source: item('Source')!,
      operation: message.attributes.get('PropertyOperation')!,
      utcTime: message.attributes.get('UtcTime')!,
      ...(state === undefined ? {} : { state: state === 'true' }),
    };
  });
}

/** Source, operation and state in short: `1 Changed true`. */
export function brief(messages: readonly Seen[]): string[] {
  return messages.map(({ source, operation, state }) =>
    [source.slice('VideoSource_'.length), operation, state].join(' ').trim(),
  );
}

/** A body as the npm client `onvif` reads it. */
export function readByOnvifClient(body: string): Record<string, never> {
  let parsed: unknown;
  parseSOAPString(
    closeEnvelope(unknownRequest, body),
    (error, data) => {
      if (error) throw error;
      parsed = data;
    },
    200,
  );
  return linerase(parsed);
}
