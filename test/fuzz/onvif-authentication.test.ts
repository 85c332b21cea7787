import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { Authenticator } from '../../src/onvif/authentication.ts';
import { NonceMemory } from '../../src/onvif/nonce-memory.ts';
import { originOf } from '../../src/onvif/origin.ts';
import { UsernameTokens } from '../../src/onvif/username-token.ts';
import { childOf, escapeXml, parseXml } from '../../src/onvif/xml.ts';
import { bodyOf, OnvifDialogue } from '../support/onvif-dialogue.ts';
import { authorize, credentials, envelope, securityXml } from '../support/onvif-peer.ts';

const options = { interruptAfterTimeLimit: 1500, markInterruptAsFailure: false, numRuns: 5000 };

const login = { realm: 'Skyweir', sha256: true, key: new Uint8Array(32) };

const anything = fc.oneof(
  fc.string({ maxLength: 40, unit: 'binary' }),
  fc.constantFrom(
    'Digest ',
    'username="admin"',
    'response=',
    'nonce="',
    '", ',
    'qop=auth',
    'algorithm=SHA-256',
    'uri="/',
  ),
);

test('no header that is not made with the password gets in', () => {
  fc.assert(
    fc.property(fc.array(anything, { maxLength: 8 }), fc.nat(80), (parts, at) => {
      const own = new Authenticator(credentials, { ...login, nonces: new NonceMemory(), device: '' });
      const right = authorize(own.challenges(0, false).at(-1)!, 'wrong', '/');
      for (const header of [
        parts.join(''),
        `Digest ${parts.join('')}`,
        right.slice(0, at) + parts.join('') + right.slice(at),
      ]) {
        const { result } = own.checkHttp(header, 'POST', '/', '::1', 0);
        assert.ok(result === 'none' || result === 'refused' || result === 'wait', result);
      }
    }),
    options,
  );
});

test('no token that is not made with the password gets in', () => {
  const own = new UsernameTokens(credentials.user, credentials.password, new NonceMemory(), '');
  fc.assert(
    fc.property(
      fc.dictionary(
        fc.constantFrom('Username', 'Password', 'Nonce', 'Created'),
        fc.oneof(
          fc.constantFrom('admin', '1970-01-01T00:00:00Z', 'AAAA'),
          fc.string({ maxLength: 30, unit: 'grapheme' }),
        ),
      ),
      (fields) => {
        const parts = Object.entries(fields).map(
          ([name, text]) => `<${name} Type="x#PasswordDigest">${escapeXml(text)}</${name}>`,
        );
        const result = own.verify(parseXml(`<UsernameToken>${parts.join('')}</UsernameToken>`), '', '', 0);
        assert.ok(result === 'rejected' || result === 'malformed', result);
      },
    ),
    options,
  );
});

test('a token lets in once, and only as it was made', () => {
  const xml = securityXml({ createdMs: 0 }).replace('s:mustUnderstand="1"', '');
  fc.assert(
    fc.property(fc.nat(xml.length - 1), fc.constantFrom('A', 'b', '0', '/', ' '), (at, put) => {
      const own = new UsernameTokens(credentials.user, credentials.password, new NonceMemory(), '');
      let changed: ReturnType<typeof parseXml>;
      try {
        changed = parseXml(xml.slice(0, at) + put + xml.slice(at + 1));
      } catch {
        return;
      }
      const token = childOf(changed, 'UsernameToken');
      if (token !== null && own.verify(token, xml, '', 0) === 'accepted')
        assert.equal(own.verify(token, xml, '', 0), 'replayed');
    }),
    { ...options, numRuns: 1000 },
  );
});

test('whatever the Host header is, the origin is an address that says http', () => {
  fc.assert(
    fc.property(fc.oneof(fc.string({ maxLength: 30, unit: 'binary' }), fc.webAuthority()), (host) => {
      const origin = originOf(host, false, '::1', 8081);
      assert.match(origin, /^http:\/\/[\w.[\]:-]+$/);
      assert.ok(URL.canParse(origin));
    }),
    options,
  );
});

test('whatever is asked, a device answers with an envelope and never with an error of its own', () => {
  const dialogue = new OnvifDialogue();
  const names = [
    ...['GetServices', 'GetCapabilities', 'GetProfiles', 'GetProfile', 'GetStreamUri', 'SetVideoEncoderConfiguration'],
    ...['AddConfiguration', 'GetVideoEncoderConfigurationOptions', 'GetNetworkInterfaces', 'constructor1', 'toString'],
  ];
  const child = fc
    .tuple(fc.constantFrom('ProfileToken', 'Token', 'Type', 'StreamSetup', 'Configuration', 'Category'), fc.string())
    .map(([name, text]) => `<tt:${name} token="${escapeXml(text)}">${escapeXml(text)}</tt:${name}>`);
  fc.assert(
    fc.property(
      fc.constantFrom('tds', 'trt', 'tr2', 'tev', 'tt'),
      fc.constantFrom(...names),
      fc.array(child, { maxLength: 4 }),
      (prefix, name, children) => {
        const answer = dialogue.send(envelope(`<${prefix}:${name}>${children.join('')}</${prefix}:${name}>`));
        assert.notEqual(answer.problem?.kind, 'internal');
        assert.match(bodyOf(answer).name, answer.status === 200 ? /Response$/ : /^Fault$/);
      },
    ),
    { ...options, numRuns: 2000 },
  );
});
