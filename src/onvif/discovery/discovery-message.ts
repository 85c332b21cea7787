import { hostAndPort } from '../../base/address.ts';
import { limits } from '../../base/limits.ts';
import { namespaces, servicePaths, soap12 } from '../namespaces.ts';
import { childOf, escapeXml, parseXml, textAt, type XmlElement, XmlError } from '../xml.ts';

const discovery = 'http://schemas.xmlsoap.org/ws/2005/04/discovery';
const addressing = 'http://schemas.xmlsoap.org/ws/2004/08/addressing';
const networkNamespace = 'http://www.onvif.org/ver10/network/wsdl';
const anonymous = `${addressing}/role/anonymous`;
/** Who multicast messages are for. */
const everybody = 'urn:schemas-xmlsoap-org:ws:2005:04:discovery';

/** What every ONVIF device of ours is: local name and namespace. */
const types: readonly (readonly [name: string, namespace: string])[] = [
  ['NetworkVideoTransmitter', networkNamespace],
  ['Device', namespaces.tds],
];

/** One ONVIF device as it can be found. */
export interface DiscoverableDevice {
  /** Without `urn:uuid:`. */
  readonly uuid: string;
  /** Port of its device service. */
  readonly port: number;
  /** URIs, the same as GetScopes tells. */
  readonly scopes: readonly string[];
}

/** A client's question. */
export type DiscoveryRequest =
  | {
      readonly kind: 'probe';
      readonly messageId: string;
      /** Whether the types it asks for are those of our devices. */
      readonly typesMatch: boolean;
      readonly scopes: readonly string[];
      /** MatchBy, '' for none. */
      readonly rule: string;
    }
  | { readonly kind: 'resolve'; readonly messageId: string /** The endpoint's address. */; readonly address: string };

/** Whether a datagram can be a question, told without parsing it: most on this port are others' announcements. */
export function mayAsk(bytes: Uint8Array): boolean {
  const view = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  return view.includes('Probe') || view.includes('Resolve');
}

/**
 * Reads a datagram. Null for messages of WS-Discovery that ask nothing of us, and for what other protocols say on this port;
 * throws {@link XmlError} for what is malformed.
 */
export function parseDiscoveryRequest(bytes: Uint8Array): DiscoveryRequest | null {
  const text = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString();
  const envelope = parseXml(text);
  const body = childOf(envelope, 'Body');
  const question = body?.children[0];
  if (envelope.name !== 'Envelope' || question?.namespace !== discovery) return null;
  if (question.name !== 'Probe' && question.name !== 'Resolve') return null;
  const messageId = textAt(envelope, 'Header', 'MessageID');
  if (messageId === '' || messageId.length > limits.discovery.messageIdCharacters)
    throw new XmlError('a question without a message id');
  if (question.name === 'Resolve')
    return { kind: 'resolve', messageId, address: textAt(question, 'EndpointReference', 'Address') };
  const scopes = childOf(question, 'Scopes');
  return {
    kind: 'probe',
    messageId,
    typesMatch: wordsOf(childOf(question, 'Types')).every((name) => isOurs(name, text)),
    scopes: wordsOf(scopes),
    rule: scopes?.attributes.get('MatchBy')?.trim() ?? '',
  };
}

/** Which device is meant, and where the message was asked for. */
interface Endpoint {
  readonly device: DiscoverableDevice;
  /** Of this machine, as the client can reach it. */
  readonly localAddress: string;
  readonly metadataVersion: number;
}

/** What is unique about a message of ours. */
export interface MessageIdentity {
  readonly uuid: string;
  /** Seconds since 1970 at which the server started, and what it has sent since. */
  readonly instanceId: number;
  readonly messageNumber: number;
}

/** ProbeMatches or ResolveMatches with one match (WS-Discovery, clauses 5.3 and 6.3). */
export function writeMatches(
  kind: DiscoveryRequest['kind'],
  relatesTo: string,
  endpoint: Endpoint,
  identity: MessageIdentity,
): string {
  const name = kind === 'probe' ? 'Probe' : 'Resolve';
  const related = `<a:RelatesTo>${escapeXml(relatesTo)}</a:RelatesTo>`;
  const body = `<d:${name}Matches><d:${name}Match>${endpointXml(endpoint)}</d:${name}Match></d:${name}Matches>`;
  return envelopeOf(`${name}Matches`, anonymous, related, body, identity);
}

/** The device is there now, or is another than it was (clause 4.1). */
export function writeHello(endpoint: Endpoint, identity: MessageIdentity): string {
  return envelopeOf('Hello', everybody, '', `<d:Hello>${endpointXml(endpoint)}</d:Hello>`, identity);
}

/** The device leaves (clause 4.2). */
export function writeBye(device: DiscoverableDevice, identity: MessageIdentity): string {
  return envelopeOf('Bye', everybody, '', `<d:Bye>${referenceXml(device)}</d:Bye>`, identity);
}

/** The device's endpoint address. */
export function endpointAddress(device: DiscoverableDevice): string {
  return `urn:uuid:${device.uuid}`;
}

function referenceXml(device: DiscoverableDevice): string {
  const address = escapeXml(endpointAddress(device));
  return `<a:EndpointReference><a:Address>${address}</a:Address></a:EndpointReference>`;
}

function endpointXml({ device, localAddress, metadataVersion }: Endpoint): string {
  const service = `http://${hostAndPort(localAddress, device.port)}${servicePaths.tds}`;
  return (
    `${referenceXml(device)}<d:Types>dn:NetworkVideoTransmitter tds:Device</d:Types>` +
    `<d:Scopes>${escapeXml(device.scopes.join(' '))}</d:Scopes><d:XAddrs>${escapeXml(service)}</d:XAddrs>` +
    `<d:MetadataVersion>${metadataVersion}</d:MetadataVersion>`
  );
}

function envelopeOf(action: string, to: string, header: string, body: string, identity: MessageIdentity): string {
  return (
    `<?xml version="1.0" encoding="UTF-8"?><s:Envelope xmlns:s="${soap12}"` +
    ` xmlns:a="${addressing}" xmlns:d="${discovery}" xmlns:dn="${networkNamespace}" xmlns:tds="${namespaces.tds}">` +
    `<s:Header><a:MessageID>urn:uuid:${identity.uuid}</a:MessageID>${header}<a:To>${to}</a:To>` +
    `<a:Action>${discovery}/${action}</a:Action>` +
    `<d:AppSequence InstanceId="${identity.instanceId}" MessageNumber="${identity.messageNumber}"/></s:Header>` +
    `<s:Body>${body}</s:Body></s:Envelope>`
  );
}

function wordsOf(element: XmlElement | null): string[] {
  const words = element?.text.split(/\s+/).filter((word) => word !== '') ?? [];
  if (words.length > limits.discovery.conditions) throw new XmlError('a question with too many conditions');
  return words;
}

/**
 * Whether a type is one of ours. The parser resolves no prefixes in text, so that all declarations of the prefix count. Some
 * clients forget to declare it; Windows looks for a Device too, but of another namespace, and gets no answer.
 */
function isOurs(type: string, text: string): boolean {
  const match = /^(?:([\w.-]+):)?([\w.-]+)$/.exec(type);
  const own = types.find(([name]) => name === match?.[2]);
  if (match === null || own === undefined) return false;
  if (match[1] === undefined) return true;
  const declaration = new RegExp(`xmlns:${match[1].replaceAll('.', '\\.')}\\s*=\\s*["']([^"']*)["']`, 'g');
  const namespaces = Array.from(text.matchAll(declaration), (found) => found[1]);
  return namespaces.length === 0 || namespaces.includes(own[1]);
}
