import { randomBytes } from 'node:crypto';
import type { Clock } from '../../base/clock.ts';
import { limits } from '../../base/limits.ts';
import type { OnvifDevice } from '../device.ts';
import { OnvifFault } from '../fault.ts';
import { namespaces } from '../namespaces.ts';
import type { OnvifService, ServiceAnswer, ServiceCall } from '../service.ts';
import { sourceToken } from '../tokens.ts';
import { childOf, escapeXml, textAt, type XmlElement } from '../xml.ts';
import { notificationFault, notSupported, unknownSubscription } from './event-faults.ts';
import { parseDuration, parseTermination, utcText } from './event-time.ts';
import {
  concreteDialect,
  concreteSetDialect,
  notificationXml,
  type PropertyOperation,
  type StateMessage,
  topicPrefix,
  topicSetXml,
} from './publishing-topic.ts';
import { PullPoint, type WriteMessages } from './pull-point.ts';
import { checkFilter } from './topic-filter.ts';

/** What an {@link EventService} is made with. */
export interface EventServiceOptions {
  readonly device: OnvifDevice;
  /** Wall clock of the times in messages. */
  readonly clock: Pick<Clock, 'wallMs'>;
  /** Makes the part of a subscription's address that nobody can guess; hexadecimal digits. */
  readonly newId?: () => string;
}

/** Path of the subscriptions' addresses, before the id. */
export const subscriptionPath = '/onvif/events/subscription/';

/** tev:Capabilities, which GetServices tells as well. */
export const eventCapabilitiesXml =
  '<tev:Capabilities WSSubscriptionPolicySupport="false" WSPullPointSupport="true"' +
  ' WSPausableSubscriptionManagerInterfaceSupport="false" MaxNotificationProducers="0"' +
  ` MaxPullPoints="${limits.onvifEvents.subscriptions}" PersistentNotificationStorage="false"/>`;

/**
 * The event service of one ONVIF device (Core, clause 9): pull points that tell which cameras are published to. A camera's
 * state is told as `Initialized` to whoever subscribes and as `Changed` whenever it changes, pulled or not.
 */
export class EventService implements OnvifService {
  readonly namespace = namespaces.tev;
  /** The same service under the namespace of Renew and Unsubscribe. */
  readonly notification: OnvifService = {
    namespace: namespaces.wsnt,
    call: (call, nowMs) => this.call(call, nowMs),
  };
  readonly #clock: Pick<Clock, 'wallMs'>;
  readonly #newId: () => string;
  readonly #pullPoints = new Map<string, PullPoint>();
  #device: OnvifDevice;
  /** By place; a place without a camera is not live. */
  #live: boolean[];

  constructor(options: EventServiceOptions) {
    this.#device = options.device;
    this.#clock = options.clock;
    this.#newId = options.newId ?? (() => randomBytes(16).toString('hex'));
    this.#live = options.device.channels.map(() => false);
  }

  /** Tells whether the channel at this place, from 0, is published to. What is known already is not told again. */
  setState(slot: number, live: boolean, wallMs: number, nowMs: number): void {
    if (!this.#device.channels[slot] || this.#live[slot] === live) return;
    this.#live[slot] = live;
    this.#tell([{ slot, operation: 'Changed', live, wallMs }], nowMs);
  }

  /** Takes new channels over. One at a place that had none starts as not live, and so does another camera. */
  replaceDevice(device: OnvifDevice, nowMs: number): void {
    const before = this.#device.channels;
    const wallMs = this.#clock.wallMs();
    const messages: StateMessage[] = [];
    const live: boolean[] = [];
    for (let slot = 0; slot < Math.max(before.length, device.channels.length); slot++) {
      const old = before[slot] ?? null;
      const now = device.channels[slot] ?? null;
      const wasLive = this.#live[slot] ?? false;
      const isLive = wasLive && old !== null && old.camera === now?.camera;
      live.push(isLive);
      const operation = operationOf(old !== null, now !== null, wasLive !== isLive);
      if (operation !== null) messages.push({ slot, operation, live: isLive, wallMs });
    }
    this.#device = device;
    this.#live = live;
    this.#tell(messages, nowMs);
  }

  call(call: ServiceCall, nowMs: number): ServiceAnswer {
    this.#expire(nowMs);
    switch (call.operation) {
      case 'GetServiceCapabilities':
        return response('tev:GetServiceCapabilities', eventCapabilitiesXml);
      case 'GetEventProperties':
        return response('tev:GetEventProperties', eventPropertiesXml);
      case 'CreatePullPointSubscription':
        return this.#create(call, nowMs);
      case 'PullMessages':
        return this.#pull(call, nowMs);
      case 'Renew':
        return this.#renew(call, nowMs);
      case 'Unsubscribe':
        return this.#unsubscribe(call, nowMs);
      case 'SetSynchronizationPoint':
        this.#find(call.path)[1].add(this.#states(), nowMs);
        return response('tev:SetSynchronizationPoint', '');
      default:
        throw notSupported(call.operation);
    }
  }

  /** Forgets subscriptions whose time is up: nobody can tell that it was not at once. */
  #expire(nowMs: number): void {
    for (const [id, pullPoint] of this.#pullPoints)
      if (!pullPoint.isPulled && pullPoint.terminationMs <= nowMs) this.#end(id, pullPoint, nowMs);
  }

  #create(call: ServiceCall, nowMs: number): string {
    const wallMs = this.#clock.wallMs();
    checkFilter(childOf(call.body, 'Filter'), wallMs);
    const lifetimeMs = lifetimeOf(call.body, 'InitialTerminationTime', wallMs);
    if (this.#pullPoints.size >= limits.onvifEvents.subscriptions)
      throw notificationFault('SubscribeCreationFailedFault', 'There are too many subscriptions', wallMs);
    const id = this.#newId();
    const changedOnly = childOf(childOf(call.body, 'SubscriptionPolicy'), 'ChangedOnly') !== null;
    const pullPoint = new PullPoint({ changedOnly, lifetimeMs, write: this.#writeMessages }, nowMs);
    pullPoint.add(this.#states(), nowMs);
    this.#pullPoints.set(id, pullPoint);
    const address = escapeXml(`${call.origin}${subscriptionPath}${id}`);
    return response(
      'tev:CreatePullPointSubscription',
      `<tev:SubscriptionReference><wsa:Address>${address}</wsa:Address></tev:SubscriptionReference>` +
        `<wsnt:CurrentTime>${utcText(wallMs)}</wsnt:CurrentTime>` +
        `<wsnt:TerminationTime>${utcText(wallMs + lifetimeMs)}</wsnt:TerminationTime>`,
    );
  }

  #pull(call: ServiceCall, nowMs: number): ServiceAnswer {
    const pullPoint = this.#find(call.path)[1];
    const timeoutMs = parseDuration(textAt(call.body, 'Timeout'));
    const limit = textAt(call.body, 'MessageLimit');
    if (timeoutMs === null || !/^[+-]?\d{1,20}$/.test(limit))
      throw new OnvifFault('Sender', ['ter:InvalidArgVal'], 'Timeout or MessageLimit is not valid');
    if (pullPoint.isPulled)
      throw notificationFault('UnableToGetMessagesFault', 'Another PullMessages is waiting', this.#clock.wallMs());
    // Beyond the bounds ONVIF has a fault for the timeout, but not for the limit; clients do better with less than asked.
    return pullPoint.pull(
      Math.min(Math.max(timeoutMs, 0), limits.onvifEvents.pullTimeoutMs),
      Math.min(Math.max(Number(limit), 1), limits.onvifEvents.messagesPerAnswer),
      nowMs,
    );
  }

  #renew(call: ServiceCall, nowMs: number): string {
    const pullPoint = this.#find(call.path)[1];
    const wallMs = this.#clock.wallMs();
    pullPoint.renew(lifetimeOf(call.body, 'TerminationTime', wallMs), nowMs);
    return response(
      'wsnt:Renew',
      `<wsnt:TerminationTime>${utcText(wallMs + pullPoint.terminationMs - nowMs)}</wsnt:TerminationTime>` +
        `<wsnt:CurrentTime>${utcText(wallMs)}</wsnt:CurrentTime>`,
    );
  }

  #unsubscribe(call: ServiceCall, nowMs: number): string {
    const [id, pullPoint] = this.#find(call.path);
    this.#end(id, pullPoint, nowMs);
    return response('wsnt:Unsubscribe', '');
  }

  #find(path: string): readonly [id: string, pullPoint: PullPoint] {
    const id = path.startsWith(subscriptionPath) ? path.slice(subscriptionPath.length) : '';
    const pullPoint = this.#pullPoints.get(id);
    if (pullPoint === undefined) throw unknownSubscription(this.#clock.wallMs());
    return [id, pullPoint];
  }

  #end(id: string, pullPoint: PullPoint, nowMs: number): void {
    this.#pullPoints.delete(id);
    pullPoint.close(nowMs);
  }

  #tell(messages: readonly StateMessage[], nowMs: number): void {
    if (messages.length === 0) return;
    this.#expire(nowMs);
    for (const pullPoint of this.#pullPoints.values()) pullPoint.add(messages, nowMs);
  }

  /** Every camera's state, as a new subscriber wants it. */
  #states(): StateMessage[] {
    const wallMs = this.#clock.wallMs();
    const states: StateMessage[] = [];
    for (const [slot, channel] of this.#device.channels.entries())
      if (channel !== null) states.push({ slot, operation: 'Initialized', live: this.#live[slot] === true, wallMs });
    return states;
  }

  readonly #writeMessages: WriteMessages = (messages, terminationMs, nowMs) => {
    const wallMs = this.#clock.wallMs();
    const producer = `urn:uuid:${this.#device.identity.uuid}`;
    return response(
      'tev:PullMessages',
      `<tev:CurrentTime>${utcText(wallMs)}</tev:CurrentTime>` +
        `<tev:TerminationTime>${utcText(wallMs + terminationMs - nowMs)}</tev:TerminationTime>` +
        messages.map((message) => notificationXml(message, sourceToken(message.slot), producer)).join(''),
    );
  };
}

const eventPropertiesXml =
  '<tev:TopicNamespaceLocation>http://www.onvif.org/onvif/ver10/topics/topicns.xml</tev:TopicNamespaceLocation>' +
  `<wsnt:FixedTopicSet>true</wsnt:FixedTopicSet>${topicSetXml}` +
  `<wsnt:TopicExpressionDialect>${concreteDialect}</wsnt:TopicExpressionDialect>` +
  `<wsnt:TopicExpressionDialect>${concreteSetDialect}</wsnt:TopicExpressionDialect>` +
  // Empty: filters of message contents are not supported.
  '<tev:MessageContentFilterDialect></tev:MessageContentFilterDialect>' +
  '<tev:MessageContentSchemaLocation>http://www.onvif.org/onvif/ver10/schema/onvif.xsd</tev:MessageContentSchemaLocation>';

/** `operation` with the prefix of its namespace. */
function response(operation: string, content: string): string {
  return `<${operation}Response ${topicPrefix}>${content}</${operation}Response>`;
}

function operationOf(wasThere: boolean, isThere: boolean, changed: boolean): PropertyOperation | null {
  if (wasThere && isThere) return changed ? 'Changed' : null;
  if (wasThere) return 'Deleted';
  return isThere ? 'Initialized' : null;
}

/**
 * Milliseconds that a subscription may live from the time that a request names. What is longer than the bound is cut, and
 * told in the answer, rather than refused: clients that ask for a day know how to renew.
 */
function lifetimeOf(body: XmlElement, name: string, wallMs: number): number {
  const text = textAt(body, name);
  if (text === '') return limits.onvifEvents.lifetimeMs;
  const asked = parseTermination(text, wallMs);
  if (asked !== null && asked > 0) return Math.min(asked, limits.onvifEvents.longestLifetimeMs);
  const fault =
    name === 'TerminationTime' ? 'UnacceptableTerminationTimeFault' : 'UnacceptableInitialTerminationTimeFault';
  const reason = asked === null ? `${name} is not a time` : `${name} is past`;
  throw notificationFault(fault, reason, wallMs, `<f:MinimumTime>${utcText(wallMs)}</f:MinimumTime>`);
}
