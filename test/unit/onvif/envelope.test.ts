import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  closeEnvelope,
  contentType,
  faultEnvelope,
  openEnvelope,
  unknownRequest,
} from '../../../src/onvif/envelope.ts';
import { OnvifFault } from '../../../src/onvif/fault.ts';
import { namespaces, soap11, soap12 } from '../../../src/onvif/namespaces.ts';
import { childOf, parseXml, textAt } from '../../../src/onvif/xml.ts';
import { faultCodes } from '../../support/onvif-dialogue.ts';
import { envelope, securityXml } from '../../support/onvif-peer.ts';

test('the request, the token and the addressing are found', () => {
  const header =
    `<a:MessageID xmlns:a="${namespaces.wsa}">urn:uuid:7</a:MessageID>` +
    `<a:Action xmlns:a="${namespaces.wsa}">http://x/PullMessagesRequest</a:Action>${securityXml({ createdMs: 0 })}`;
  const request = openEnvelope(Buffer.from(envelope('<tev:PullMessages/>', header)));
  assert.equal(request.version, soap12);
  assert.equal(request.body.name, 'PullMessages');
  assert.equal(request.body.namespace, namespaces.tev);
  assert.equal(textAt(request.token!, 'Username'), 'admin');
  const answer = parseXml(closeEnvelope(request, '<tev:PullMessagesResponse/>'));
  assert.equal(textAt(answer, 'Header', 'RelatesTo'), 'urn:uuid:7');
  assert.equal(textAt(answer, 'Header', 'Action'), 'http://x/PullMessagesResponse');
  assert.equal(childOf(childOf(answer, 'Header'), 'RelatesTo')!.namespace, namespaces.wsa);
});

test('a request without addressing gets an answer without a header', () => {
  const request = openEnvelope(Buffer.from(envelope('<tds:GetUsers/>')));
  assert.equal(request.addressing, null);
  assert.equal(request.token, null);
  assert.equal(childOf(parseXml(closeEnvelope(request, '<tds:x/>')), 'Header'), null);
});

test('what a client sends in its header comes back escaped', () => {
  const header = `<a:MessageID xmlns:a="${namespaces.wsa}">&lt;/s:Header&gt;&quot;</a:MessageID>`;
  const request = openEnvelope(Buffer.from(envelope('<tds:GetUsers/>', header)));
  assert.equal(textAt(parseXml(closeEnvelope(request, '')), 'Header', 'RelatesTo'), '</s:Header>"');
});

test('SOAP 1.1 is answered in SOAP 1.1', () => {
  const request = openEnvelope(Buffer.from(envelope('<tds:GetUsers/>', '', soap11)));
  assert.equal(parseXml(closeEnvelope(request, '')).namespace, soap11);
  assert.match(contentType(request), /^text\/xml/);
  const fault = parseXml(faultEnvelope(request, new OnvifFault('Sender', ['ter:NotAuthorized'], 'Log in')));
  assert.equal(textAt(fault, 'Body', 'Fault', 'faultstring'), 'Log in');
});

test('a fault has its codes nested, and its reason escaped', () => {
  const fault = new OnvifFault('Receiver', ['ter:Action', 'ter:MaxNVTProfiles'], 'a <b>', '<x:y xmlns:x="urn:x"/>');
  const body = parseXml(faultEnvelope(unknownRequest, fault)).children.find(({ name }) => name === 'Body')!;
  assert.deepEqual(faultCodes(body.children[0]!), ['Receiver', 'ter:Action', 'ter:MaxNVTProfiles']);
  assert.equal(textAt(body, 'Fault', 'Reason', 'Text'), 'a <b>');
  assert.equal(childOf(body.children[0], 'Detail')!.children[0]!.namespace, 'urn:x');
});

const refused: Readonly<Record<string, string | Buffer>> = {
  'no XML': 'hello',
  'another root': '<x/>',
  'an envelope of no SOAP': '<Envelope xmlns="urn:x"><Body><a/></Body></Envelope>',
  'an envelope without a body': `<s:Envelope xmlns:s="${soap12}"><s:Header/></s:Envelope>`,
  'a body of another namespace': `<s:Envelope xmlns:s="${soap12}"><Body><a/></Body></s:Envelope>`,
  'an empty body': envelope(''),
  'what is not UTF-8': Buffer.concat([Buffer.from(envelope('<tds:GetUsers/>')), Buffer.of(0xff, 0x3e)]),
  'UTF-16': Buffer.from(envelope('<tds:GetUsers/>'), 'utf16le'),
};
for (const [what, text] of Object.entries(refused)) {
  test(`${what} is the sender's fault`, () => {
    assert.throws(
      () => openEnvelope(Buffer.from(text)),
      (error) => error instanceof OnvifFault && error.code === 'Sender' && error.subcodes[0] === 'ter:WellFormed',
    );
  });
}
