import type { DiscoverableDevice } from '../../src/onvif/discovery/discovery-message.ts';
import { childOf, parseXml, textAt } from '../../src/onvif/xml.ts';

/** Devices on ports 8081, 8082 and so on. */
export function discoverableDevices(count: number): DiscoverableDevice[] {
  return Array.from({ length: count }, (_, i) => ({
    uuid: `00000000-0000-5000-8000-${String(i + 1).padStart(12, '0')}`,
    port: 8081 + i,
    scopes: ['onvif://www.onvif.org/Profile/Streaming', `onvif://www.onvif.org/name/Tower%20${i + 1}`],
  }));
}

/** What a Probe asks for. */
export interface ProbeContent {
  readonly messageId?: string;
  /** Content of d:Types; null for none. */
  readonly types?: string | null;
  /** The element itself. */
  readonly scopes?: string;
}

/** A Probe as ONVIF clients send it. */
export function probe({
  messageId = 'urn:uuid:1',
  types = 'dn:NetworkVideoTransmitter',
  scopes = '',
}: ProbeContent = {}): Buffer {
  const typesXml = types === null ? '' : `<d:Types>${types}</d:Types>`;
  return question('Probe', messageId, `<d:Probe>${typesXml}${scopes}</d:Probe>`);
}

/** A Resolve of an endpoint address. */
export function resolve(address: string, messageId = 'urn:uuid:2'): Buffer {
  const reference = `<a:EndpointReference><a:Address>${address}</a:Address></a:EndpointReference>`;
  return question('Resolve', messageId, `<d:Resolve>${reference}</d:Resolve>`);
}

function question(action: string, messageId: string, body: string): Buffer {
  return Buffer.from(
    '<?xml version="1.0" encoding="utf-8"?><s:Envelope xmlns:s="http://www.w3.org/2003/05/soap-envelope"' +
      ' xmlns:a="http://schemas.xmlsoap.org/ws/2004/08/addressing"' +
      ' xmlns:d="http://schemas.xmlsoap.org/ws/2005/04/discovery"' +
      ' xmlns:dn="http://www.onvif.org/ver10/network/wsdl" xmlns:tds="http://www.onvif.org/ver10/device/wsdl"' +
      ' xmlns:wsdp="http://schemas.xmlsoap.org/ws/2006/02/devprof">' +
      `<s:Header><a:Action>http://schemas.xmlsoap.org/ws/2005/04/discovery/${action}</a:Action>` +
      `<a:MessageID>${messageId}</a:MessageID><a:To>urn:schemas-xmlsoap-org:ws:2005:04:discovery</a:To></s:Header>` +
      `<s:Body>${body}</s:Body></s:Envelope>`,
  );
}

/** What a message of ours says. */
export interface Announced {
  /** Last word of the action: ProbeMatches, ResolveMatches, Hello or Bye. */
  readonly action: string;
  readonly messageId: string;
  readonly relatesTo: string;
  readonly endpoint: string;
  readonly types: string;
  readonly scopes: string;
  readonly addresses: string;
  readonly version: number;
  readonly messageNumber: number;
}

/** Reads a message of ours. */
export function readAnnounced(bytes: Uint8Array): Announced {
  const envelope = parseXml(Buffer.from(bytes).toString());
  const header = childOf(envelope, 'Header')!;
  const outer = childOf(envelope, 'Body')!.children[0]!;
  const endpoint = outer.name.endsWith('Matches') ? outer.children[0]! : outer;
  return {
    action: textAt(header, 'Action').split('/').at(-1)!,
    messageId: textAt(header, 'MessageID'),
    relatesTo: textAt(header, 'RelatesTo'),
    endpoint: textAt(endpoint, 'EndpointReference', 'Address'),
    types: textAt(endpoint, 'Types'),
    scopes: textAt(endpoint, 'Scopes'),
    addresses: textAt(endpoint, 'XAddrs'),
    version: Number(textAt(endpoint, 'MetadataVersion')),
    messageNumber: Number(childOf(header, 'AppSequence')!.attributes.get('MessageNumber')),
  };
}
