import { OnvifFault } from './fault.ts';
import { addressingNamespaces, namespaces, soap11, soap12 } from './namespaces.ts';
import { childOf, escapeXml, parseXml, type XmlElement, XmlError } from './xml.ts';

/** The envelope of a request, opened. */
export interface SoapRequest {
  /** Namespace of the envelope; the answer comes in the same. */
  readonly version: typeof soap11 | typeof soap12;
  /** The wsse:UsernameToken of the header's Security. */
  readonly token: XmlElement | null;
  /** What the answer's header refers to; null when the client uses no WS-Addressing. */
  readonly addressing: Addressing | null;
  /** The Body's child. */
  readonly body: XmlElement;
}

/** WS-Addressing properties of a request, '' for those not given. */
export interface Addressing {
  readonly namespace: string;
  readonly messageId: string;
  readonly action: string;
}

/** What an answer must know of its request. */
export type AnswerTo = Pick<SoapRequest, 'version' | 'addressing'>;

/** For requests that could not be opened. */
export const unknownRequest: AnswerTo = { version: soap12, addressing: null };

const utf8 = new TextDecoder('utf-8', { fatal: true });

/**
 * Opens a SOAP 1.2 envelope (part 1, clause 5.1), or one of SOAP 1.1 that is otherwise alike. Throws {@link OnvifFault} for
 * what is neither.
 */
export function openEnvelope(bytes: Uint8Array): SoapRequest {
  const envelope = parse(bytes);
  const version = envelope.namespace;
  if (envelope.name !== 'Envelope' || (version !== soap12 && version !== soap11))
    throw new OnvifFault('Sender', ['ter:WellFormed'], 'This is not a SOAP 1.2 envelope');
  const part = (name: string) =>
    envelope.children.find((child) => child.name === name && child.namespace === version) ?? null;
  const body = part('Body')?.children[0];
  if (body === undefined) throw new OnvifFault('Sender', ['ter:WellFormed'], 'The envelope has no request in its Body');
  const header = part('Header');
  return {
    version,
    token: childOf(childOf(header, 'Security'), 'UsernameToken'),
    addressing: addressingOf(header),
    body,
  };
}

function parse(bytes: Uint8Array): XmlElement {
  try {
    return parseXml(utf8.decode(bytes));
  } catch (error) {
    if (!(error instanceof XmlError) && !(error instanceof TypeError)) throw error;
    const reason = error instanceof XmlError ? error.message : 'the document is not UTF-8';
    throw new OnvifFault('Sender', ['ter:WellFormed'], `This cannot be read: ${reason}`);
  }
}

function addressingOf(header: XmlElement | null): Addressing | null {
  const own = header?.children.filter((child) => addressingNamespaces.has(child.namespace)) ?? [];
  if (own.length === 0) return null;
  const text = (name: string) => own.find((child) => child.name === name)?.text ?? '';
  return { namespace: own[0]!.namespace, messageId: text('MessageID'), action: text('Action') };
}

const declarations = Object.entries(namespaces)
  .map(([prefix, namespace]) => ` xmlns:${prefix}="${namespace}"`)
  .join('');

/** An answer whose Body is `content`, XML that may use all the prefixes of {@link namespaces}. */
export function closeEnvelope(request: AnswerTo, content: string): string {
  return envelopeXml(request, content, answerAction(request.addressing?.action ?? ''));
}

/** An answer that is a fault (SOAP 1.2 part 1, clause 5.4). */
export function faultEnvelope(request: AnswerTo, fault: OnvifFault): string {
  const content = request.version === soap12 ? faultXml(fault) : oldFaultXml(fault);
  return envelopeXml(request, content, 'http://www.w3.org/2005/08/addressing/soap/fault');
}

/** Value of the Content-Type of answers. */
export function contentType(request: AnswerTo): string {
  return request.version === soap12 ? 'application/soap+xml; charset=utf-8' : 'text/xml; charset=utf-8';
}

function envelopeXml(request: AnswerTo, content: string, action: string): string {
  return (
    `<?xml version="1.0" encoding="UTF-8"?>\n<s:Envelope xmlns:s="${request.version}"${declarations}>` +
    `${headerXml(request.addressing, action)}<s:Body>${content}</s:Body></s:Envelope>`
  );
}

function headerXml(addressing: Addressing | null, action: string): string {
  if (addressing === null) return '';
  const { namespace, messageId } = addressing;
  const actionXml = action === '' ? '' : `<a:Action>${escapeXml(action)}</a:Action>`;
  const relatesTo = messageId === '' ? '' : `<a:RelatesTo>${escapeXml(messageId)}</a:RelatesTo>`;
  const content = actionXml + relatesTo;
  return content === '' ? '' : `<s:Header xmlns:a="${namespace}">${content}</s:Header>`;
}

/** The WSDLs name the actions of a request and its answer alike, but for the end. */
function answerAction(action: string): string {
  if (action === '') return '';
  return action.endsWith('Request') ? action.replace(/Request$/, 'Response') : `${action}Response`;
}

function faultXml({ code, subcodes, reason, detail }: OnvifFault): string {
  const subcode = subcodes.reduceRight(
    (inner, name) => `<s:Subcode><s:Value>${escapeXml(name)}</s:Value>${inner}</s:Subcode>`,
    '',
  );
  const detailXml = detail === '' ? '' : `<s:Detail>${detail}</s:Detail>`;
  return (
    `<s:Fault><s:Code><s:Value>s:${code}</s:Value>${subcode}</s:Code>` +
    `<s:Reason><s:Text xml:lang="en">${escapeXml(reason)}</s:Text></s:Reason>${detailXml}</s:Fault>`
  );
}

/** SOAP 1.1 has one level of codes, and other names for whose fault it is (clause 4.4). */
function oldFaultXml({ code, reason, detail }: OnvifFault): string {
  const detailXml = detail === '' ? '' : `<detail>${detail}</detail>`;
  return (
    `<s:Fault><faultcode>s:${code === 'Sender' ? 'Client' : 'Server'}</faultcode>` +
    `<faultstring>${escapeXml(reason)}</faultstring>${detailXml}</s:Fault>`
  );
}
