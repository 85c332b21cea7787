import { XMLParser, XMLValidator } from 'fast-xml-parser';
import { limits } from '../base/limits.ts';

/** An element of a parsed document, namespaces resolved. */
export interface XmlElement {
  /** Local name. */
  readonly name: string;
  /** URI, '' for none. */
  readonly namespace: string;
  /** By local name. */
  readonly attributes: ReadonlyMap<string, string>;
  readonly children: readonly XmlElement[];
  /** Its own text, without that of its children, trimmed. */
  readonly text: string;
}

/** The document is not XML, or not the part of XML that SOAP allows, or beyond the bounds. */
export class XmlError extends Error {
  constructor(message: string) {
    super(message);
    this.name = 'XmlError';
  }
}

/** What the parser makes of an element in document order: one key with its content, `:@` with its attributes. */
type ParsedNode = Readonly<Record<string, unknown>>;

const attributesKey = ':@';
const textKey = '#text';
const cdataKey = '#cdata';
const xmlNamespace = 'http://www.w3.org/XML/1998/namespace';

/** All text stays text, and nothing but elements, attributes and text is kept. */
const parser = new XMLParser({
  preserveOrder: true,
  ignoreAttributes: false,
  attributeNamePrefix: '',
  textNodeName: textKey,
  cdataPropName: cdataKey,
  processEntities: false,
  parseTagValue: false,
  parseAttributeValue: false,
  trimValues: false,
  ignoreDeclaration: true,
  maxNestedTags: limits.onvif.depth,
});

/** A declaration at the very start, which is no processing instruction. */
const declaration = /^<\?xml\s[^<>]{0,200}\?>/;
// biome-ignore lint/suspicious/noControlCharactersInRegex: characters that XML 1.0 does not have (clause 2.2)
const foreignCharacter = /[\u0000-\u0008\u000b\u000c\u000e-\u001f\ufffe\uffff]/;
const foreignCharacters = new RegExp(foreignCharacter, 'g');

/**
 * Parses a document of elements, attributes and text. SOAP 1.2 has no document type and no processing instructions (part 1,
 * clause 5), so these are refused before anything is parsed, and with them all entities but the five of XML itself. Throws
 * {@link XmlError} for everything that is not well-formed or beyond `limits.onvif`.
 */
export function parseXml(text: string): XmlElement {
  const bare = (text.charCodeAt(0) === 0xfeff ? text.slice(1) : text).trim().replace(declaration, '').trimStart();
  refuseForeign(bare);
  return resolve(rootOf(bare), [new Map([['xml', xmlNamespace]])]);
}

/** The first child of that local name, whatever its namespace: clients are careless with them. */
export function childOf(element: XmlElement | null | undefined, name: string): XmlElement | null {
  return element?.children.find((child) => child.name === name) ?? null;
}

/** The text of the descendant that the local names lead to, '' if there is none. */
export function textAt(element: XmlElement, ...names: readonly string[]): string {
  let at: XmlElement | null = element;
  for (const name of names) at = childOf(at, name);
  return at?.text ?? '';
}

/** Text as it may stand in an element or in an attribute of either quotes. Characters that XML does not have are dropped. */
export function escapeXml(text: string): string {
  return text
    .toWellFormed()
    .replace(foreignCharacters, '')
    .replace(/[&<>"'\t\n\r]/g, (character) => escapes[character]!);
}

const escapes: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
  '\t': '&#9;',
  '\n': '&#10;',
  '\r': '&#13;',
};

/** What costs the parser most is counted first, so that no request of 64 KiB takes it more than some milliseconds. */
function refuseForeign(text: string): void {
  if (text.length > limits.onvif.bodyBytes) throw new XmlError('the document is too large');
  let tags = 0;
  for (let at = text.indexOf('<'); at >= 0; at = text.indexOf('<', at + 1)) {
    if (++tags > limits.onvif.tags) throw new XmlError('too many elements');
    if (text[at + 1] === '?') throw new XmlError('processing instructions are not allowed');
    if (text[at + 1] === '!' && !text.startsWith('<!--', at) && !text.startsWith('<![CDATA[', at))
      throw new XmlError('a document type is not allowed');
  }
  let attributes = 0;
  for (let at = text.indexOf('='); at >= 0; at = text.indexOf('=', at + 1))
    if (++attributes > limits.onvif.attributes) throw new XmlError('too many attributes');
  if (foreignCharacter.test(text)) throw new XmlError('a character that XML does not have');
  if (!text.endsWith('>')) throw new XmlError('the document does not end with an element');
}

function rootOf(text: string): ParsedNode {
  let nodes: readonly ParsedNode[];
  try {
    if (XMLValidator.validate(text) !== true) throw new XmlError('the document is not well-formed XML');
    nodes = parser.parse(text) as readonly ParsedNode[];
  } catch (error) {
    if (error instanceof XmlError) throw error;
    // Its messages quote what was sent, which may hold secrets.
    throw new XmlError('the document is not well-formed XML, or nested too deeply');
  }
  const roots = nodes.filter((node) => tagOf(node) !== textKey && tagOf(node) !== cdataKey);
  if (roots.length !== 1) throw new XmlError('a document has one root element');
  return roots[0]!;
}

function tagOf(node: ParsedNode): string {
  for (const key of Object.keys(node)) if (key !== attributesKey) return key;
  throw new XmlError('an element without a name');
}

/** `scopes` are the prefixes that elements around this one declare, the innermost last. */
function resolve(node: ParsedNode, scopes: readonly ReadonlyMap<string, string>[]): XmlElement {
  const tag = tagOf(node);
  const given = Object.entries((node[attributesKey] ?? {}) as Readonly<Record<string, unknown>>);
  const inner = scopeWith(given, scopes);
  const [namespace, name] = qualified(tag, inner, true);
  const attributes = new Map<string, string>();
  for (const [key, value] of given) {
    if (key === 'xmlns' || key.startsWith('xmlns:')) continue;
    attributes.set(qualified(key, inner, false)[1], decode(attributeText(value)));
  }
  const children: XmlElement[] = [];
  let text = '';
  for (const child of (node[tag] ?? []) as readonly ParsedNode[]) {
    const kind = tagOf(child);
    if (kind === textKey) text += decode(String(child[textKey]));
    else if (kind === cdataKey) text += cdataText(child[cdataKey]);
    else children.push(resolve(child, inner));
  }
  return { name, namespace, attributes, children, text: text.trim() };
}

function scopeWith(
  given: readonly (readonly [string, unknown])[],
  scopes: readonly ReadonlyMap<string, string>[],
): readonly ReadonlyMap<string, string>[] {
  const declared = new Map<string, string>();
  for (const [key, value] of given) {
    if (key === 'xmlns') declared.set('', decode(attributeText(value)));
    else if (key.startsWith('xmlns:')) declared.set(key.slice(6), decode(attributeText(value)));
  }
  return declared.size === 0 ? scopes : [...scopes, declared];
}

/** Namespace and local name; an attribute without a prefix has no namespace. */
function qualified(
  name: string,
  scopes: readonly ReadonlyMap<string, string>[],
  isElement: boolean,
): readonly [namespace: string, name: string] {
  const colon = name.indexOf(':');
  const prefix = colon < 0 ? '' : name.slice(0, colon);
  const local = name.slice(colon + 1);
  if (local === '' || colon === 0 || local.includes(':')) throw new XmlError('a name that is not qualified rightly');
  if (prefix === '' && !isElement) return ['', local];
  for (let i = scopes.length - 1; i >= 0; i--) {
    const namespace = scopes[i]!.get(prefix);
    if (namespace !== undefined) return [namespace, local];
  }
  if (prefix !== '') throw new XmlError('a prefix without a namespace');
  return ['', local];
}

function attributeText(value: unknown): string {
  const text = String(value);
  if (text.includes('<')) throw new XmlError('an attribute holds <');
  return text;
}

function cdataText(content: unknown): string {
  let text = '';
  for (const part of content as readonly ParsedNode[]) text += String(part[textKey] ?? '');
  return text;
}

const named: Readonly<Record<string, string>> = { amp: '&', lt: '<', gt: '>', quot: '"', apos: "'" };

/** Character references and the five entities; there can be no other ones without a document type. */
function decode(text: string): string {
  if (!text.includes('&')) return text;
  return text.replace(/&([^;&]{0,8}(?:;|$))?/g, (_, body: string | undefined) => {
    const name = body?.endsWith(';') ? body.slice(0, -1) : '';
    if (Object.hasOwn(named, name)) return named[name]!;
    const digits = /^#(?:(\d{1,7})|x([0-9a-f]{1,6}))$/i.exec(name);
    const code = digits === null ? -1 : Number.parseInt(digits[1] ?? digits[2]!, digits[1] === undefined ? 16 : 10);
    const isCharacter = code >= 0 && code <= 0x10ffff && (code < 0xd800 || code > 0xdfff);
    const character = isCharacter ? String.fromCodePoint(code) : '\0';
    if (foreignCharacter.test(character)) throw new XmlError('an entity that is not known');
    return character;
  });
}
