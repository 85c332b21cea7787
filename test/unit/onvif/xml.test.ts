import assert from 'node:assert/strict';
import { test } from 'node:test';
import { limits } from '../../../src/base/limits.ts';
import { childOf, escapeXml, parseXml, textAt, XmlError } from '../../../src/onvif/xml.ts';

test('prefixes are resolved, wherever they are declared', () => {
  const root = parseXml('<a:r xmlns:a="urn:a" xmlns="urn:d"><b xmlns:a="urn:b"><a:c/></b><a:c d="1" a:e="2"/></a:r>');
  assert.equal(root.namespace, 'urn:a');
  assert.equal(root.children[0]!.namespace, 'urn:d');
  assert.equal(root.children[0]!.children[0]!.namespace, 'urn:b');
  assert.equal(root.children[1]!.namespace, 'urn:a');
  assert.deepEqual(
    [...root.children[1]!.attributes],
    [
      ['d', '1'],
      ['e', '2'],
    ],
  );
});

test('the default namespace can be taken away again, and is none of attributes', () => {
  const root = parseXml('<r xmlns="urn:d"><c xmlns=""><d/></c></r>');
  assert.equal(root.children[0]!.namespace, '');
  assert.equal(root.children[0]!.children[0]!.namespace, '');
});

test('text stays text', () => {
  const root = parseXml('<r><a>0010</a><b>1e3</b><c>true</c><d> 0x1F </d><e n="007"/></r>');
  assert.deepEqual(
    root.children.map(({ text }) => text),
    ['0010', '1e3', 'true', '0x1F', ''],
  );
  assert.equal(root.children[4]!.attributes.get('n'), '007');
});

test('entities of XML and character references are decoded once, CDATA not at all', () => {
  const root = parseXml('<r a="&quot;&#x41;&#65;">&lt;&amp;lt;&gt;&apos;<![CDATA[ &lt;<x> ]]>&#128512;</r>');
  assert.equal(root.text, "<&lt;>' &lt;<x> 😀");
  assert.equal(root.attributes.get('a'), '"AA');
});

test('a byte order mark, the declaration and comments are no content', () => {
  const root = parseXml('\ufeff<?xml version="1.0" encoding="utf-8"?>\n<!-- a --><r>x<!-- <y/> -->y</r><!-- b -->\n');
  assert.equal(root.text, 'xy');
  assert.equal(root.children.length, 0);
});

const refused: Readonly<Record<string, string>> = {
  nothing: '',
  'no XML': 'hello',
  'a document type': '<!DOCTYPE r><r/>',
  'a document type with an entity': '<!DOCTYPE r [<!ENTITY a "b">]><r>&a;</r>',
  'a document type behind a comment': '<!-- --><!DOCTYPE r SYSTEM "file:///etc/passwd"><r/>',
  'a document type in small letters': '<!doctype r><r/>',
  'an entity that is not known': '<r>&nbsp;</r>',
  'an entity without an end': '<r>a & b</r>',
  'a reference to no character': '<r>&#0;</r>',
  'a reference to half a character': '<r>&#xd800;</r>',
  'a reference beyond Unicode': '<r>&#x110000;</r>',
  'a processing instruction': '<r><?php phpinfo() ?></r>',
  'a stylesheet': '<?xml version="1.0"?><?xml-stylesheet href="x"?><r/>',
  'two roots': '<r/><r/>',
  'text behind the root': '<r/>x',
  'an element that does not end': '<r><a></r>',
  'an element that ends twice': '<r></r></r>',
  'crossed elements': '<r><a><b></a></b></r>',
  'an attribute that is repeated': '<r a="1" a="2"/>',
  'an attribute without quotes': '<r a=1/>',
  'an attribute without a value': '<r a/>',
  'an attribute that holds <': '<r a="<"/>',
  'a prefix that is not declared': '<a:r/>',
  'a prefix that is declared elsewhere': '<r><b xmlns:a="urn:a"/><a:c/></r>',
  'two colons': '<a:b:c xmlns:a="urn:a"/>',
  'a NUL': '<r>\0</r>',
  'a name of the prototype': '<__proto__/>',
};
for (const [what, text] of Object.entries(refused)) {
  test(`${what} is refused`, () => {
    assert.throws(() => parseXml(text), XmlError);
  });
}

test('names of the prototype do no harm', () => {
  const root = parseXml('<r><hasOwnProperty toString="1"/><x valueOf="x"/></r>');
  assert.equal(root.children.length, 2);
  assert.equal(childOf(root, 'toString'), null);
  assert.equal(root.attributes.get('constructor'), undefined);
  for (const name of ['constructor', 'prototype', '__proto__'])
    assert.throws(() => parseXml(`<r ${name}="1"><${name}><polluted>1</polluted></${name}></r>`), XmlError);
  assert.equal(({} as Record<string, unknown>)['polluted'], undefined);
});

test('nesting, elements, attributes and size have bounds', () => {
  const nested = (depth: number) => '<a>'.repeat(depth) + '</a>'.repeat(depth);
  parseXml(nested(limits.onvif.depth - 1));
  assert.throws(() => parseXml(nested(limits.onvif.depth + 2)), XmlError);
  assert.throws(() => parseXml(nested(limits.onvif.tags)), XmlError);
  assert.throws(() => parseXml(`<r>${'<a/>'.repeat(limits.onvif.tags)}</r>`), XmlError);
  assert.throws(() => parseXml(`<r>${'<!---->'.repeat(limits.onvif.tags)}</r>`), XmlError);
  const attributes = Array.from({ length: limits.onvif.attributes + 1 }, (_, i) => `a${i}=""`).join(' ');
  assert.throws(() => parseXml(`<r ${attributes}/>`), XmlError);
  parseXml(`<r a="${'x'.repeat(60_000)}"/>`);
  assert.throws(() => parseXml(`<r>${'x'.repeat(limits.onvif.bodyBytes)}</r>`), XmlError);
});

test('what was sent is not in the message of the error', () => {
  try {
    parseXml('<r><Password>secret</r>');
    assert.fail();
  } catch (error) {
    assert.doesNotMatch((error as Error).message, /secret|Password/);
  }
});

test('escaped text comes back as it was, without the characters that XML does not have', () => {
  for (const text of ['<a b="c">&amp;\'', ']]>', 'Küche 😀', 'a\tb\nc\rd'])
    assert.equal(parseXml(`<r a="${escapeXml(text)}">x${escapeXml(text)}x</r>`).attributes.get('a'), text);
  assert.equal(escapeXml('a\0b\u001b\ud800c'), 'ab\ufffdc');
});

test('a path of names leads to a text', () => {
  const root = parseXml('<r><a><b> x </b></a></r>');
  assert.equal(textAt(root, 'a', 'b'), 'x');
  assert.equal(textAt(root, 'a', 'c'), '');
  assert.equal(textAt(root, 'c', 'b'), '');
});
