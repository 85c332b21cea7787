import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { limits } from '../../src/base/limits.ts';
import { DiscoveryResponder } from '../../src/onvif/discovery/discovery-responder.ts';
import { scopesMatch } from '../../src/onvif/discovery/scope.ts';
import { discoverableDevices, probe, readAnnounced, resolve } from '../support/discovery-client.ts';

const options = { interruptAfterTimeLimit: 2000, markInterruptAsFailure: false, numRuns: 5000 };

const devices = discoverableDevices(3);

const text = fc.string({ maxLength: 40, unit: 'grapheme' }).map((one) => one.replace(/[<&]/g, ''));
const wellFormed = fc.oneof(
  fc
    .record({
      messageId: fc.oneof(fc.constant('urn:uuid:1'), text),
      types: fc.oneof(fc.constantFrom(null, '', 'dn:NetworkVideoTransmitter', 'tds:Device', 'wsdp:Device'), text),
      scopes: fc.oneof(
        fc.constant(''),
        text.map((words) => `<d:Scopes>${words}</d:Scopes>`),
      ),
    })
    .map(probe),
  fc.oneof(text, fc.constantFrom(...devices.map(({ uuid }) => `urn:uuid:${uuid}`))).map((address) => resolve(address)),
);
/** Well-formed questions with some bytes replaced, cut off or repeated; and noise. */
const datagram = fc.oneof(
  wellFormed,
  fc
    .tuple(wellFormed, fc.array(fc.tuple(fc.nat(), fc.nat(255)), { maxLength: 4 }), fc.nat())
    .map(([bytes, changes, cut]) => {
      const changed = Buffer.from(bytes);
      for (const [at, byte] of changes) changed[at % changed.length] = byte;
      return cut % 4 === 0 ? changed.subarray(0, cut % changed.length) : changed;
    }),
  fc.uint8Array({ maxLength: 300 }).map((bytes) => Buffer.from(bytes)),
  fc.nat(12_000).map((size) => Buffer.alloc(size, '<a>')),
);

test('whatever datagrams come, nothing is thrown, and what is sent is well-formed, bounded and goes to who asked', () => {
  fc.assert(
    fc.property(fc.array(fc.tuple(datagram, fc.nat(5), fc.nat(2000)), { maxLength: 12 }), (datagrams) => {
      let nowMs = 0;
      let number = 0;
      const newUuid = () => `00000000-0000-4000-8000-${String(++number).padStart(12, '0')}`;
      const responder = new DiscoveryResponder({ devices, instanceId: 1, random: () => 0.3, newUuid }, nowMs);
      const asked = new Set<string>();
      for (const [bytes, host, pauseMs] of datagrams) {
        const source = {
          address: `192.0.2.${host}`,
          port: 5000 + host,
          localAddress: host === 5 ? null : '192.0.2.200',
        };
        if (host !== 5) asked.add(`${source.address} ${source.port}`);
        responder.receive(bytes, source, nowMs);
        nowMs += pauseMs;
        for (const sent of responder.takeDue(nowMs)) {
          assert.ok(sent.to !== null && asked.has(`${sent.to.address} ${sent.to.port}`));
          assert.ok(sent.bytes.length < 4096);
          const { action, addresses } = readAnnounced(sent.bytes);
          assert.match(action, /^(Probe|Resolve)Matches$/);
          assert.match(addresses, /^http:\/\/192\.0\.2\.200:808[123]\/onvif\/device_service$/);
        }
      }
      const { received, answered, ignored, malformed, limited, repeated, offLink } = responder.counters;
      assert.equal(received, datagrams.length);
      assert.equal(received, answered + ignored + malformed + limited + repeated + offLink);
      assert.ok(answered * devices.length <= limits.discovery.waitingMessages);
    }),
    options,
  );
});

test('a scope always matches itself and what is below it, and never a sibling', () => {
  const segment = fc.stringMatching(/^[a-z0-9_-]{1,8}$/);
  fc.assert(
    fc.property(fc.array(segment, { minLength: 1, maxLength: 5 }), segment, (segments, other) => {
      const own = `onvif://www.onvif.org/${segments.join('/')}`;
      for (let length = 0; length <= segments.length; length++)
        assert.ok(scopesMatch([`ONVIF://www.ONVIF.org/${segments.slice(0, length).join('/')}`], [own], ''));
      assert.ok(!scopesMatch([`${own}/${other}`], [own], ''));
      assert.ok(!scopesMatch([`${own}${other}`], [own], ''));
    }),
    options,
  );
});
