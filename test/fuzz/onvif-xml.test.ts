import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { openEnvelope } from '../../src/onvif/envelope.ts';
import { OnvifFault } from '../../src/onvif/fault.ts';
import { escapeXml, parseXml, type XmlElement, XmlError } from '../../src/onvif/xml.ts';
import { envelope, securityXml } from '../support/onvif-peer.ts';

const options = { interruptAfterTimeLimit: 1500, markInterruptAsFailure: false, numRuns: 5000 };

const shortText = fc.string({ maxLength: 12, unit: 'grapheme' });
const name = fc.constantFrom('a', 'b-c', 'D.e', '_f', 'toString1', 'ü');
const namespace = fc.constantFrom('', 'urn:a', 'urn:b', 'http://www.onvif.org/ver10/schema');

interface Tree {
  readonly name: string;
  readonly namespace: string;
  readonly attributes: readonly (readonly [string, string])[];
  readonly text: string;
  readonly children: readonly Tree[];
}

const treeOf = (children: fc.Arbitrary<Tree[]>): fc.Arbitrary<Tree> =>
  fc.record({
    name,
    namespace,
    attributes: fc.uniqueArray(fc.tuple(name, shortText), { selector: ([key]) => key, maxLength: 3 }),
    text: shortText,
    children,
  });
const leaf = treeOf(fc.constant([]));
const branch = treeOf(fc.array(leaf, { maxLength: 3 }));
const tree = treeOf(fc.array(branch, { maxLength: 3 }));

function write(element: Tree): string {
  const attributes = element.attributes.map(([key, value]) => ` ${key}="${escapeXml(value)}"`).join('');
  const inner = escapeXml(element.text) + element.children.map(write).join('');
  return `<p:${element.name} xmlns:p="${element.namespace || 'urn:none'}"${attributes}>${inner}</p:${element.name}>`;
}

/** What may stand in XML of a string, as an element's text is told. */
const told = (text: string) => parseXml(`<x>${escapeXml(text)}</x>`).text;
const toldAttribute = (text: string) => parseXml(`<x a="${escapeXml(text)}"/>`).attributes.get('a');

function assertSame(parsed: XmlElement, written: Tree): void {
  assert.equal(parsed.name, written.name);
  assert.equal(parsed.namespace, written.namespace || 'urn:none');
  assert.equal(parsed.text, told(written.text));
  assert.deepEqual(
    [...parsed.attributes],
    written.attributes.map(([key, value]) => [key, toldAttribute(value)]),
  );
  assert.equal(parsed.children.length, written.children.length);
  for (const [i, child] of parsed.children.entries()) assertSame(child, written.children[i]!);
}

test('what is written is read again', () => {
  fc.assert(
    fc.property(tree, (element) => assertSame(parseXml(write(element)), element)),
    { ...options, numRuns: 1000 },
  );
});

/** Pieces of XML in any order: mostly nonsense, sometimes not. */
const pieces = fc
  .array(
    fc.oneof(
      fc.constantFrom(
        '<a>',
        '</a>',
        '<a/>',
        '<a b="c">',
        '<a:b xmlns:a="u">',
        '</a:b>',
        '<!--',
        '-->',
        '<![CDATA[',
        ']]>',
      ),
      fc.constantFrom(
        '<?xml version="1.0"?>',
        '<?x?>',
        '<!DOCTYPE a>',
        '<!ENTITY',
        '&amp;',
        '&#38;',
        '&x;',
        '&',
        '"',
        "'",
      ),
      fc.constantFrom('<', '>', '/', '=', ' ', '\n', '\ufeff', '<__proto__>', '<constructor a="b"/>', 'xmlns=""', ':'),
      fc.string({ maxLength: 6, unit: 'binary' }),
    ),
    { maxLength: 24 },
  )
  .map((parts) => parts.join(''));

test('whatever comes, the parser returns an element or says that it is no XML', () => {
  fc.assert(
    fc.property(pieces, (text) => {
      try {
        const root = parseXml(text);
        assert.doesNotMatch(text, /<!DOCTYPE|<!ENTITY|<\?x\?>/);
        assert.equal(typeof root.text, 'string');
      } catch (error) {
        assert.ok(error instanceof XmlError, String(error));
      }
    }),
    options,
  );
  assert.equal(Object.keys(Object.prototype).length, 0);
});

const request = envelope('<tds:GetUsers/>', securityXml({ createdMs: 0 }));

test('an envelope that was changed anywhere is opened or refused', () => {
  fc.assert(
    fc.property(fc.nat(request.length), fc.nat(30), fc.oneof(pieces, fc.constant('')), (at, cut, put) => {
      const bytes = Buffer.from(request.slice(0, at) + put + request.slice(at + cut));
      try {
        assert.equal(typeof openEnvelope(bytes).body.name, 'string');
      } catch (error) {
        assert.ok(error instanceof OnvifFault, String(error));
      }
    }),
    options,
  );
});

test('bytes are opened or refused', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
      assert.throws(() => openEnvelope(bytes), OnvifFault);
    }),
    options,
  );
});
