import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { limits } from '../../../../src/base/limits.ts';
import { type DiscoveryDatagram, DiscoveryResponder } from '../../../../src/onvif/discovery/discovery-responder.ts';
import { discoverableDevices, probe, readAnnounced, resolve } from '../../../support/discovery-client.ts';

const bounds = limits.discovery;
const instanceId = 1_700_000_000;
const client = { address: '192.0.2.9', port: 4000, localAddress: '192.0.2.1' };

/** A responder whose random numbers and time the test knows. */
function responderOf(count = 2, random = 0.5): DiscoveryResponder {
  let uuids = 0;
  const newUuid = () => `message-${++uuids}`;
  return new DiscoveryResponder({ devices: discoverableDevices(count), instanceId, random: () => random, newUuid }, 0);
}

/** Everything that is sent until nothing waits, with the time it is sent. */
function runOut(responder: DiscoveryResponder): (DiscoveryDatagram & { readonly atMs: number })[] {
  const sent: (DiscoveryDatagram & { readonly atMs: number })[] = [];
  for (let atMs = responder.nextDeadlineMs; atMs !== Number.POSITIVE_INFINITY; atMs = responder.nextDeadlineMs)
    for (const datagram of responder.takeDue(atMs)) sent.push({ ...datagram, atMs });
  return sent;
}

/** What is sent in answer to a question, without repetitions. */
function answers(question: Uint8Array, responder = responderOf(), source = client, nowMs = 1000) {
  responder.receive(question, source, nowMs);
  const unique = new Map(runOut(responder).map(({ bytes }) => [readAnnounced(bytes).messageId, readAnnounced(bytes)]));
  return [...unique.values()];
}

describe('a probe', () => {
  test('is answered by each device for itself, with the address that faces the client', () => {
    const found = answers(probe({ messageId: 'urn:uuid:a&amp;b' }));
    assert.equal(found.length, 2);
    assert.deepEqual(found[0], {
      action: 'ProbeMatches',
      messageId: 'urn:uuid:message-1',
      relatesTo: 'urn:uuid:a&b',
      endpoint: 'urn:uuid:00000000-0000-5000-8000-000000000001',
      types: 'dn:NetworkVideoTransmitter tds:Device',
      scopes: 'onvif://www.onvif.org/Profile/Streaming onvif://www.onvif.org/name/Tower%201',
      addresses: 'http://192.0.2.1:8081/onvif/device_service',
      version: instanceId,
      messageNumber: 1,
    });
    assert.equal(found[1]!.addresses, 'http://192.0.2.1:8082/onvif/device_service');
  });

  test('over IPv6 is answered with an address in brackets', () => {
    const source = { address: 'fd00::9', port: 4000, localAddress: 'fd00::2' };
    assert.equal(answers(probe(), responderOf(1), source)[0]!.addresses, 'http://[fd00::2]:8081/onvif/device_service');
  });

  test('is answered to where it came from, in up to half a second, and once again', () => {
    for (const [random, firstMs, pauseMs] of [
      [0, 0, 50],
      [0.5, 250, 150],
    ] as const) {
      const responder = responderOf(1, random);
      responder.receive(probe(), client, 1000);
      const sent = runOut(responder);
      assert.deepEqual(
        sent.map(({ atMs }) => atMs),
        [1000 + firstMs, 1000 + firstMs + pauseMs],
      );
      assert.deepEqual(sent[0]!.to, { address: '192.0.2.9', port: 4000 });
      assert.deepEqual(sent[1]!.bytes, sent[0]!.bytes);
    }
  });

  for (const [types, count] of [
    [null, 1],
    ['', 1],
    ['dn:NetworkVideoTransmitter', 1],
    ['tds:Device', 1],
    [' dn:NetworkVideoTransmitter\n tds:Device ', 1],
    ['Device', 1],
    ['wsdp:Device', 0],
    ['dn:Device', 0],
    ['dn:NetworkVideoDisplay', 0],
    ['dn:NetworkVideoTransmitter dn:NetworkVideoDisplay', 0],
    ['tds:', 0],
  ] as const)
    test(`for '${types?.trim()}' is answered by ${count} of one device`, () => {
      assert.equal(answers(probe({ types }), responderOf(1)).length, count);
    });

  test('whose prefix is not declared is answered', () => {
    const text = probe()
      .toString()
      .replace(/ xmlns:dn="[^"]*"/, '');
    assert.equal(answers(Buffer.from(text), responderOf(1)).length, 1);
  });

  for (const [scopes, names] of [
    ['<d:Scopes/>', [1, 2]],
    ['<d:Scopes>onvif://www.onvif.org</d:Scopes>', [1, 2]],
    ['<d:Scopes>onvif://www.onvif.org/name/Tower%202</d:Scopes>', [2]],
    ['<d:Scopes>onvif://www.onvif.org/name/Tower</d:Scopes>', []],
    [
      '<d:Scopes MatchBy="http://schemas.xmlsoap.org/ws/2005/04/discovery/rfc3986">onvif://www.onvif.org</d:Scopes>',
      [1, 2],
    ],
    ['<d:Scopes MatchBy="urn:x">onvif://www.onvif.org</d:Scopes>', []],
  ] as const)
    test(`with ${scopes} is answered by ${names.length}`, () => {
      const found = answers(probe({ scopes }));
      assert.deepEqual(
        found.map(({ endpoint }) => Number(endpoint.at(-1))),
        names,
      );
    });

  test('that comes again is not answered again, unless another client sends it', () => {
    const responder = responderOf(1);
    assert.equal(answers(probe(), responder).length, 1);
    assert.equal(answers(probe(), responder, client, 1500).length, 0);
    assert.equal(responder.counters.repeated, 1);
    assert.equal(answers(probe(), responder, { ...client, address: '192.0.2.10' }, 1500).length, 1);
    assert.equal(answers(probe(), responder, client, 1000 + bounds.rememberedMs).length, 1);
  });
});

describe('a resolve', () => {
  test('is answered at once by the device that it names', () => {
    const responder = responderOf(2, 0.9);
    responder.receive(resolve('urn:uuid:00000000-0000-5000-8000-000000000002'), client, 1000);
    assert.equal(responder.nextDeadlineMs, 1000);
    const [first] = runOut(responder);
    const { action, relatesTo, addresses } = readAnnounced(first!.bytes);
    assert.deepEqual([action, relatesTo], ['ResolveMatches', 'urn:uuid:2']);
    assert.equal(addresses, 'http://192.0.2.1:8082/onvif/device_service');
  });

  test('of somebody else is left alone', () => {
    assert.equal(answers(resolve('urn:uuid:00000000-0000-5000-8000-000000000009')).length, 0);
  });
});

describe('what is no question for us', () => {
  for (const [name, text, counter] of [
    ['nothing', '', 'ignored'],
    ['no XML', 'hello', 'ignored'],
    ['no XML that names a question', 'Probe', 'malformed'],
    ['a document type', '<!DOCTYPE x [<!ENTITY a "b">]><Probe/>', 'malformed'],
    ['another document', '<Probe/>', 'ignored'],
    [
      'a probe of another version',
      probe().toString().replace('/ws/2005/04/discovery"', '/ws/2009/01/discovery"'),
      'ignored',
    ],
    ['a probe without a message id', probe({ messageId: '' }).toString(), 'malformed'],
    [
      'a message id without end',
      probe({ messageId: 'x'.repeat(bounds.messageIdCharacters + 1) }).toString(),
      'malformed',
    ],
    ['too many types', probe({ types: 'tds:Device '.repeat(bounds.conditions + 1) }).toString(), 'malformed'],
    ['a large datagram', probe({ types: ' '.repeat(bounds.datagramBytes) }).toString(), 'malformed'],
  ] as const)
    test(`${name} is ${counter}`, () => {
      const responder = responderOf();
      assert.equal(answers(Buffer.from(text), responder).length, 0);
      assert.equal(responder.counters[counter], 1);
      assert.equal(responder.counters.received, 1);
    });

  test('our own messages are ignored, so that two servers never talk to each other', () => {
    const responder = responderOf(1);
    responder.hello(['192.0.2.1'], 0);
    responder.receive(probe(), client, 0);
    for (const { bytes } of runOut(responder)) responder.receive(bytes, client, 5000);
    assert.equal(responder.nextDeadlineMs, Number.POSITIVE_INFINITY);
    assert.equal(responder.counters.ignored, 5);
  });

  test('a probe from beyond our networks is not answered', () => {
    const responder = responderOf();
    assert.equal(answers(probe(), responder, { ...client, localAddress: null as never }).length, 0);
    assert.equal(responder.counters.offLink, 1);
  });
});

describe('bounds', () => {
  /** Sends probes, each with its own id, and counts the answered ones. */
  function flood(
    responder: DiscoveryResponder,
    count: number,
    nowMs: number,
    addressOf: (i: number) => string,
  ): number {
    const before = responder.counters.answered;
    for (let i = 0; i < count; i++) {
      const messageId = `urn:uuid:${nowMs}-${i}`;
      responder.receive(probe({ messageId }), { ...client, address: addressOf(i) }, nowMs);
      runOut(responder);
    }
    return responder.counters.answered - before;
  }

  test('one source gets some answers at once, and then two a second', () => {
    const responder = responderOf();
    const one = () => '192.0.2.9';
    assert.equal(flood(responder, 50, 0, one), bounds.probesAtOncePerSource);
    assert.equal(flood(responder, 50, 1000, one), bounds.probesPerSecondPerSource);
    assert.equal(
      flood(responder, 1, 1000, () => '192.0.2.10'),
      1,
      'others are not kept waiting',
    );
    assert.ok(responder.counters.limited > 90);
  });

  test('all sources together get a bounded number of answers', () => {
    const responder = responderOf();
    const forged = (i: number) => `192.0.2.${i}`;
    assert.equal(flood(responder, 150, 0, forged), bounds.probesAtOnce);
    assert.equal(flood(responder, 150, 1000, forged), bounds.probesPerSecond);
  });

  test('a flood of questions about nothing costs no more than so many parses a second', () => {
    const responder = responderOf();
    for (let i = 0; i < 1000; i++) responder.receive(Buffer.from('<Probe/>'), client, 0);
    assert.equal(responder.counters.ignored, bounds.messagesAtOnce);
    assert.equal(responder.counters.limited, 1000 - bounds.messagesAtOnce);
    const other = responderOf();
    for (let i = 0; i < 1000; i++) other.receive(Buffer.from('<Hello/>'), client, 0);
    assert.equal(answers(probe(), other, client, 0).length, 2, 'what is no question at all is not even parsed');
  });

  test('a probe that was too much is answered when it comes again later', () => {
    const responder = responderOf();
    flood(responder, 50, 0, () => client.address);
    const late = probe({ messageId: 'urn:uuid:late' });
    assert.equal(answers(late, responder, client, 0).length, 0);
    assert.equal(answers(late, responder, client, 1000).length, 2);
  });

  test('messages that wait are bounded, and what is over is counted', () => {
    const responder = responderOf(63);
    responder.hello(
      Array.from({ length: bounds.addresses }, (_, i) => `192.0.2.${i}`),
      0,
    );
    assert.equal(responder.counters.dropped, 0, 'every device on every network fits');
    for (let i = 0; i < 5; i++) responder.receive(probe({ messageId: `urn:uuid:${i}` }), client, 0);
    assert.ok(responder.counters.dropped > 0);
  });
});

describe('announcements', () => {
  test('devices say hello on every network with its address, and twice again with growing pauses', () => {
    const responder = responderOf(1);
    responder.hello(['192.0.2.1', 'fd00::2'], 1000);
    const sent = runOut(responder);
    assert.deepEqual(
      sent.map(({ atMs, localAddress }) => `${atMs} ${localAddress}`),
      ['1250 192.0.2.1', '1250 fd00::2', '1400 192.0.2.1', '1400 fd00::2', '1700 192.0.2.1', '1700 fd00::2'],
    );
    assert.ok(sent.every(({ to }) => to === null));
    const hello = readAnnounced(sent[1]!.bytes);
    assert.equal(hello.action, 'Hello');
    assert.equal(hello.types, 'dn:NetworkVideoTransmitter tds:Device');
    assert.equal(hello.addresses, 'http://[fd00::2]:8081/onvif/device_service');
    assert.match(hello.scopes, /^onvif:/);
  });

  test('goodbye is said at once, and instead of all that waited', () => {
    const responder = responderOf(1);
    responder.hello(['192.0.2.1'], 1000);
    responder.receive(probe(), client, 1000);
    responder.bye(['192.0.2.1'], 1000);
    const sent = runOut(responder);
    assert.deepEqual(
      sent.map(({ atMs }) => atMs),
      [1000, 1150, 1450],
    );
    for (const { bytes } of sent) {
      const { action, endpoint } = readAnnounced(bytes);
      assert.deepEqual([action, endpoint], ['Bye', 'urn:uuid:00000000-0000-5000-8000-000000000001']);
    }
  });

  test('new, changed and gone devices are told, those that stayed are not', () => {
    const responder = responderOf(3);
    const [first, second, , fourth] = discoverableDevices(4);
    const renamed = { ...second!, scopes: ['onvif://www.onvif.org/name/Mast'] };
    responder.replaceDevices([first!, renamed, fourth!], ['192.0.2.1'], 0);
    const told = new Map(runOut(responder).map(({ bytes }) => [readAnnounced(bytes).messageId, readAnnounced(bytes)]));
    assert.deepEqual([...told.values()].map(({ action, endpoint }) => `${action} ${endpoint.at(-1)}`).sort(), [
      'Bye 3',
      'Hello 2',
      'Hello 4',
    ]);
    const found = answers(probe(), responder);
    assert.deepEqual(
      found.map(({ endpoint }) => endpoint.at(-1)),
      ['1', '2', '4'],
    );
    assert.deepEqual(
      found.map(({ version }) => version - instanceId),
      [0, 1, 0],
    );
  });
});
