import assert from 'node:assert/strict';
import { test } from 'node:test';
import { limits } from '../../../src/base/limits.ts';
import { Authenticator } from '../../../src/onvif/authentication.ts';
import { LoginThrottle } from '../../../src/onvif/login-throttle.ts';
import { NonceMemory } from '../../../src/onvif/nonce-memory.ts';
import { UsernameTokens } from '../../../src/onvif/username-token.ts';
import { childOf, parseXml, type XmlElement } from '../../../src/onvif/xml.ts';
import { authorize, credentials, securityXml, type TokenOptions } from '../../support/onvif-peer.ts';

const wallMs = Date.UTC(2026, 4, 4);
const skewMs = limits.onvif.clockSkewMs;
const here = '198.51.100.1';

function token(options: Partial<TokenOptions> = {}): XmlElement {
  const xml = securityXml({ createdMs: wallMs, ...options }).replace('s:mustUnderstand="1"', '');
  return childOf(parseXml(xml), 'UsernameToken')!;
}

const tokens = (nonces = new NonceMemory(), device = 'one') =>
  new UsernameTokens(credentials.user, credentials.password, nonces, device);

test('a digest of the right password is accepted, within five minutes on either side', () => {
  for (const createdMs of [wallMs, wallMs - skewMs, wallMs + skewMs])
    assert.equal(tokens().verify(token({ createdMs }), 'message', here, wallMs), 'accepted');
  for (const createdMs of [wallMs - skewMs - 1, wallMs + skewMs + 1])
    assert.equal(tokens().verify(token({ createdMs }), 'message', here, wallMs), 'skewed');
});

test('a wrong password, user or time of making does not get in', () => {
  assert.equal(tokens().verify(token({ password: 'x' }), 'message', here, wallMs), 'rejected');
  assert.equal(tokens().verify(token({ user: 'root' }), 'message', here, wallMs), 'rejected');
  // What is wrong with the time is told only to those who know the password.
  assert.equal(tokens().verify(token({ password: 'x', createdMs: 0 }), 'message', here, wallMs), 'rejected');
});

test('the password itself is refused, unseen', () => {
  assert.equal(tokens().verify(token({ text: true }), 'message', here, wallMs), 'text');
});

test('a token without a nonce or a time is refused', () => {
  for (const part of ['Nonce', 'Created', 'Username', 'Password']) {
    const whole = token();
    const children = whole.children.filter(({ name }) => name !== part);
    assert.equal(tokens().verify({ ...whole, children }, 'message', here, wallMs), 'malformed');
  }
});

test('parts of a token have a bound', () => {
  const nonce = Buffer.alloc(limits.onvif.tokenCharacters);
  assert.equal(tokens().verify(token({ nonce }), 'message', here, wallMs), 'malformed');
});

test('a nonce is good once, for as long as its time is', () => {
  const own = tokens();
  const nonce = Buffer.from('0123456789abcdef');
  assert.equal(own.verify(token({ nonce, createdMs: wallMs + skewMs }), 'message', here, wallMs), 'accepted');
  for (const afterMs of [0, 1, skewMs, 2 * skewMs])
    assert.equal(
      own.verify(token({ nonce, createdMs: wallMs + skewMs }), 'message', here, wallMs + afterMs),
      'replayed',
    );
  assert.equal(
    own.verify(token({ nonce, createdMs: wallMs + skewMs }), 'message', here, wallMs + 2 * skewMs + 1),
    'skewed',
  );
  // Time enough has passed for it to be another client's.
  assert.equal(
    own.verify(token({ nonce, createdMs: wallMs + 3 * skewMs }), 'message', here, wallMs + 3 * skewMs),
    'accepted',
  );
});

test('a nonce is good for other messages of the same client for two seconds, as libonvif wants it', () => {
  const own = tokens();
  const nonce = Buffer.from('0123456789abcdef');
  const use = (message: string, address: string, afterMs: number) =>
    own.verify(token({ nonce }), message, address, wallMs + afterMs);
  assert.equal(use('GetProfiles', here, 0), 'accepted');
  assert.equal(use('GetProfiles', here, 1), 'replayed', 'the same message');
  assert.equal(use('GetVideoSources', here, 1000), 'accepted');
  assert.equal(use('GetVideoSources', here, 1001), 'replayed');
  assert.equal(use('SetScopes', '198.51.100.2', 1001), 'replayed', 'another client');
  assert.equal(use('GetServices', here, 2001), 'replayed', 'too late');
});

test('a nonce is the same one however its bytes are written', () => {
  const own = tokens();
  const seen = token({ nonce: Buffer.from('0123456789abcdef') });
  const written = (nonce: string): XmlElement => ({
    ...seen,
    children: seen.children.map((child) => (child.name === 'Nonce' ? { ...child, text: nonce } : child)),
  });
  assert.equal(own.verify(written('MDEyMzQ1Njc4OWFiY2RlZg=='), 'GetProfiles', here, wallMs), 'accepted');
  // Without padding, and with other bits behind the last byte.
  for (const nonce of [
    'MDEyMzQ1Njc4OWFiY2RlZg=',
    'MDEyMzQ1Njc4OWFiY2RlZg',
    'MDEyMzQ1Njc4OWFiY2RlZh==',
    'MDEyMzQ1Njc4OWFiY2RlZv',
  ])
    assert.equal(own.verify(written(nonce), 'GetUsers', '198.51.100.2', wallMs), 'replayed', nonce);
});

test('a nonce that was used at one device is used at all', () => {
  const nonces = new NonceMemory();
  const [one, other] = [tokens(nonces, 'one'), tokens(nonces, 'other')];
  const seen = token();
  assert.equal(one.verify(seen, 'GetProfiles', here, wallMs), 'accepted');
  assert.equal(other.verify(seen, 'GetProfiles', '198.51.100.2', wallMs), 'replayed', 'another client');
  assert.equal(
    other.verify(seen, 'GetProfiles', here, wallMs + limits.onvif.nonceRepeatMs + 1),
    'replayed',
    'too late',
  );
});

test('a client asks all devices the same with one nonce a second, as libonvif does', () => {
  const nonces = new NonceMemory();
  const nonce = Buffer.from('0123456789abcdef');
  for (let i = 0; i < 63; i++) {
    const device = tokens(nonces, `device ${i}`);
    for (let request = 0; request < 64; request++)
      assert.equal(device.verify(token({ nonce }), `request ${request}`, here, wallMs + i), 'accepted');
    assert.equal(device.verify(token({ nonce }), 'request 0', here, wallMs + i), 'replayed');
  }
});

test('only so many nonces are remembered', () => {
  const nonces = new NonceMemory();
  const use = (i: number) =>
    nonces.take({ nonce: Buffer.from(String(i)), device: '', message: '', address: here, createdMs: wallMs }, wallMs);
  for (let i = 0; i < limits.onvif.nonces; i++) assert.ok(use(i));
  assert.equal(use(0), false);
  assert.ok(use(limits.onvif.nonces));
  assert.ok(use(0), 'the oldest is forgotten');
  assert.equal(use(2), false);
});

test('a nonce that was given with a wrong password is not used up', () => {
  const own = tokens();
  const nonce = Buffer.from('0123456789abcdef');
  assert.equal(own.verify(token({ nonce, password: 'x' }), 'message', here, wallMs), 'rejected');
  assert.equal(own.verify(token({ nonce }), 'message', here, wallMs), 'accepted');
});

test('an address waits twice as long after each wrong password, and others do not', () => {
  const throttle = new LoginThrottle();
  let nowMs = 0;
  for (let i = 1; i < limits.onvif.failedLogins; i++) throttle.failed(here, nowMs);
  assert.equal(throttle.waitMs(here, nowMs), 0);
  const waits: number[] = [];
  for (let i = 0; i < 9; i++) {
    throttle.failed(here, nowMs);
    waits.push(throttle.waitMs(here, nowMs));
    nowMs += throttle.waitMs(here, nowMs);
    assert.equal(throttle.waitMs(here, nowMs), 0);
  }
  const first = limits.onvif.firstWaitMs;
  assert.deepEqual(waits.slice(0, 4), [first, 2 * first, 4 * first, 8 * first]);
  assert.equal(waits.at(-1), limits.onvif.longestWaitMs);
  throttle.failed(here, nowMs);
  assert.equal(throttle.waitMs('198.51.100.2', nowMs), 0);
  throttle.succeeded(here);
  assert.equal(throttle.waitMs(here, nowMs), 0);
});

test('an address that was quiet for long starts anew', () => {
  const throttle = new LoginThrottle();
  for (let i = 0; i < 20; i++) throttle.failed(here, 0);
  throttle.failed(here, limits.onvif.forgiveMs);
  assert.equal(throttle.waitMs(here, limits.onvif.forgiveMs), 0);
});

test('all addresses of an IPv6 network wait together, an IPv4 address is the same in IPv6', () => {
  const throttle = new LoginThrottle();
  for (let i = 0; i < limits.onvif.failedLogins; i++) throttle.failed(`2001:db8:1:2::${i}`, 0);
  assert.ok(throttle.waitMs('2001:db8:1:2:3:4:5:6', 0) > 0);
  assert.equal(throttle.waitMs('2001:db8:1:3::1', 0), 0);
  for (let i = 0; i < limits.onvif.failedLogins; i++) throttle.failed(`::ffff:${here}`, 0);
  assert.ok(throttle.waitMs(here, 0) > 0);
});

test('only so many addresses are remembered', () => {
  const throttle = new LoginThrottle();
  for (let i = 0; i < limits.onvif.failedLogins; i++) throttle.failed(here, 0);
  for (let i = 0; i < limits.onvif.failingAddresses; i++) throttle.failed(`10.0.${i >> 8}.${i & 255}`, 0);
  assert.equal(throttle.waitMs(here, 0), 0);
});

function authenticator(): Authenticator {
  const login = { realm: 'Skyweir', sha256: false, key: new Uint8Array(32) };
  return new Authenticator(credentials, { ...login, nonces: new NonceMemory(), device: 'one' });
}

test('an HTTP digest is checked, with and without qop', () => {
  const own = authenticator();
  const [challenge = ''] = own.challenges(0, false);
  assert.match(challenge, /qop="auth"/);
  for (const given of [challenge, challenge.replace(', qop="auth"', '')]) {
    const right = authorize(given, credentials.password, '/onvif/x');
    assert.deepEqual(own.checkHttp(right, 'POST', '/onvif/x', here, 0), { result: 'accepted' });
    assert.equal(own.checkHttp(right, 'POST', '/onvif/y', here, 0).result, 'refused');
  }
  const old = authorize(challenge, credentials.password, '/');
  assert.equal(own.checkHttp(old, 'POST', '/', here, 3_600_000).result, 'stale');
  assert.equal(own.checkHttp(authorize(challenge, 'x', '/'), 'POST', '/', here, 0).result, 'refused');
  assert.equal(own.checkHttp('Basic YWRtaW46eA==', 'POST', '/', here, 0).result, 'none');
  assert.equal(own.checkHttp(undefined, 'POST', '/', here, 0).result, 'none');
});

test('guessing is slowed down, whichever way it is done', () => {
  const own = authenticator();
  const [challenge = ''] = own.challenges(0, false);
  const wrong = authorize(challenge, 'x', '/');
  for (let i = 0; i < 3; i++) assert.equal(own.checkHttp(wrong, 'POST', '/', here, 0).result, 'refused');
  for (let i = 0; i < 2; i++)
    assert.equal(own.checkToken(token({ password: 'x' }), 'message', here, wallMs, 0).result, 'refused');
  // Now even the right one has to wait, or a guess that was right would show.
  const right = authorize(challenge, credentials.password, '/');
  const waiting = own.checkHttp(right, 'POST', '/', here, 0);
  assert.equal(waiting.result, 'wait');
  assert.match('reason' in waiting ? waiting.reason : '', /again in 1 s/);
  assert.equal(own.checkToken(token(), 'message', here, wallMs, 0).result, 'wait');
  assert.equal(own.checkToken(token(), 'message', '198.51.100.2', wallMs, 0).result, 'accepted');
  assert.equal(own.checkHttp(right, 'POST', '/', here, limits.onvif.firstWaitMs).result, 'accepted');
  assert.equal(own.checkHttp(wrong, 'POST', '/', here, limits.onvif.firstWaitMs).result, 'refused');
});

test('a clock that is off is said so, and is no guess', () => {
  const own = authenticator();
  for (let i = 0; i < 20; i++) {
    const answer = own.checkToken(token({ createdMs: wallMs - 600_000 }), 'message', here, wallMs, 0);
    assert.equal(answer.result, 'refused');
    assert.match(
      'reason' in answer ? answer.reason : '',
      /more than 5 minutes from ours, which is 2026-05-04T00:00:00/,
    );
  }
});
