import { escapeXml } from '../xml.ts';
import { utcText } from './event-time.ts';

/** Namespace of Skyweir's own topics. Recorders keep it in their configuration: it never changes. */
export const topicNamespace = 'urn:skyweir:onvif:topics';

export const concreteDialect = 'http://docs.oasis-open.org/wsn/t-1/TopicExpression/Concrete';
export const concreteSetDialect = 'http://www.onvif.org/ver10/tev/topicExpression/ConcreteSet';

/** Local names on the way to the one topic: a camera is published to, or not. */
export const topicPath = ['VideoSource', 'RtmpPublishing'] as const;

/** As it stands in messages and in the configuration of recorders. */
const topicText = `tns1:${topicPath[0]}/skyweir:${topicPath[1]}`;

/** Declares the one prefix that envelopes do not. */
export const topicPrefix = `xmlns:skyweir="${topicNamespace}"`;

/** What a message says of a property (ONVIF Core, clause 9.4.2). */
export type PropertyOperation = 'Initialized' | 'Changed' | 'Deleted';

/** One state of one camera, at one time. */
export interface StateMessage {
  /** The channel's place in its device, from 0. */
  readonly slot: number;
  readonly operation: PropertyOperation;
  readonly live: boolean;
  /** Wall-clock milliseconds. */
  readonly wallMs: number;
}

/**
 * The topic set with the description of the one message. Nothing in it depends on cameras: XProtect reads it once, when
 * hardware is added.
 */
export const topicSetXml =
  `<wstop:TopicSet xmlns=""><tns1:${topicPath[0]}><skyweir:${topicPath[1]} wstop:topic="true">` +
  '<tt:MessageDescription IsProperty="true">' +
  '<tt:Source><tt:SimpleItemDescription Name="VideoSourceToken" Type="tt:ReferenceToken"/></tt:Source>' +
  '<tt:Data><tt:SimpleItemDescription Name="State" Type="xs:boolean"/></tt:Data>' +
  `</tt:MessageDescription></skyweir:${topicPath[1]}></tns1:${topicPath[0]}></wstop:TopicSet>`;

/** A wsnt:NotificationMessage. `producer` is the device's endpoint address. */
export function notificationXml(message: StateMessage, sourceToken: string, producer: string): string {
  const data =
    message.operation === 'Deleted'
      ? ''
      : `<tt:Data><tt:SimpleItem Name="State" Value="${message.live ? 'true' : 'false'}"/></tt:Data>`;
  return (
    `<wsnt:NotificationMessage><wsnt:Topic Dialect="${concreteSetDialect}">${topicText}</wsnt:Topic>` +
    `<wsnt:ProducerReference><wsa:Address>${escapeXml(producer)}</wsa:Address></wsnt:ProducerReference>` +
    `<wsnt:Message><tt:Message UtcTime="${utcText(message.wallMs)}" PropertyOperation="${message.operation}">` +
    `<tt:Source><tt:SimpleItem Name="VideoSourceToken" Value="${escapeXml(sourceToken)}"/></tt:Source>` +
    `${data}</tt:Message></wsnt:Message></wsnt:NotificationMessage>`
  );
}
