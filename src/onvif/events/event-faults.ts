import { OnvifFault } from '../fault.ts';
import { namespaces } from '../namespaces.ts';
import { escapeXml } from '../xml.ts';
import { utcText } from './event-time.ts';

const resource = 'http://docs.oasis-open.org/wsrf/r-2';
const baseFaults = 'http://docs.oasis-open.org/wsrf/bf-2';

/**
 * A fault of WS-BaseNotification by its element, such as `TopicNotSupportedFault`. ONVIF sends all of them as the
 * receiver's (Core, clause 9.9). `content` is XML after the base fault's own.
 */
export function notificationFault(name: string, reason: string, wallMs: number, content = ''): OnvifFault {
  return fault(namespaces.wsnt, name, reason, wallMs, content);
}

/** There is no such subscription (any more). */
export function unknownSubscription(wallMs: number): OnvifFault {
  return fault(resource, 'ResourceUnknownFault', 'There is no such subscription', wallMs, '');
}

/** An operation that the specification leaves to us, and that we leave out. */
export function notSupported(operation: string): OnvifFault {
  return new OnvifFault('Receiver', ['ter:ActionNotSupported'], `${operation} is not supported`);
}

function fault(namespace: string, name: string, reason: string, wallMs: number, content: string): OnvifFault {
  const detail =
    `<f:${name} xmlns:f="${namespace}" xmlns:bf="${baseFaults}"><bf:Timestamp>${utcText(wallMs)}</bf:Timestamp>` +
    `<bf:Description>${escapeXml(reason)}</bf:Description>${content}</f:${name}>`;
  return new OnvifFault('Receiver', ['ter:InvalidArgVal'], reason, detail);
}
