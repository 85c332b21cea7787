import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { describe, test } from 'node:test';
import { DigestAuthenticator } from '../../../src/rtsp/digest-authenticator.ts';

const key = Buffer.alloc(32, 5);
const uri = 'rtsp://h:8554/stream1';
const lifetime = 60_000;

function authenticator(
  changes: Partial<ConstructorParameters<typeof DigestAuthenticator>[0]> = {},
): DigestAuthenticator {
  return new DigestAuthenticator({
    user: 'admin',
    password: 'geheim',
    realm: 'Skyweir',
    sha256: false,
    key,
    nonceLifetimeMs: lifetime,
    ...changes,
  });
}

function nonceAt(nowMs: number, server = authenticator()): string {
  return /nonce="([^"]+)"/.exec(server.challenges(nowMs, false)[0]!)![1]!;
}

const hash = (name: string, text: string) => createHash(name).update(text).digest('hex');

/** The header of a client, by the formulas of the RFCs. */
function credentials(
  changes: Record<string, string | undefined> = {},
  method = 'DESCRIBE',
  algorithm = 'md5',
  password = 'geheim',
): string {
  const f: Record<string, string | undefined> = {
    username: 'admin',
    realm: 'Skyweir',
    nonce: nonceAt(1000),
    uri,
    ...changes,
  };
  const ha1 = hash(algorithm, `${f['username']}:${f['realm']}:${password}`);
  const ha2 = hash(algorithm, `${method}:${f['uri']}`);
  const middle = f['qop'] === undefined ? f['nonce'] : `${f['nonce']}:${f['nc']}:${f['cnonce']}:${f['qop']}`;
  f['response'] ??= hash(algorithm, `${ha1}:${middle}:${ha2}`);
  const quoted = Object.entries(f).filter(([, value]) => value !== undefined);
  return `Digest ${quoted.map(([name, value]) => (/^(qop|nc|algorithm)$/.test(name) ? `${name}=${value}` : `${name}="${value}"`)).join(', ')}`;
}

const verify = (
  header: string | undefined,
  nowMs = 1000,
  server = authenticator(),
  target = uri,
  method = 'DESCRIBE',
) => server.verify(header, method, target, nowMs);

describe('challenges', () => {
  test('MD5 stands alone by default, without algorithm and qop', () => {
    const challenges = authenticator().challenges(5, false);
    assert.equal(challenges.length, 1);
    assert.match(challenges[0]!, /^Digest realm="Skyweir", nonce="[0-9a-f]{46}"$/);
  });

  test('SHA-256 comes first and MD5 last, because clients take the last', () => {
    const challenges = authenticator({ sha256: true }).challenges(5, false);
    assert.match(challenges[0]!, /algorithm=SHA-256$/);
    assert.doesNotMatch(challenges[1]!, /algorithm/);
    assert.equal(challenges.length, 2);
  });

  test('a stale nonce is said to be stale', () => {
    for (const challenge of authenticator({ sha256: true }).challenges(5, true))
      assert.match(challenge, /, stale=true$/);
  });

  test('a realm cannot break out of its quotes', () => {
    assert.match(authenticator({ realm: 'a"b\r\nX: y' }).challenges(0, false)[0]!, /^Digest realm="abX: y", nonce=/);
  });

  test('nonces differ by time and by key', () => {
    const other = authenticator({ key: Buffer.alloc(32, 6) });
    assert.equal(new Set([nonceAt(1), nonceAt(2), nonceAt(1, other)]).size, 3);
  });
});

describe('what is accepted', () => {
  test('the answer of RFC 2069, without qop and algorithm', () => assert.equal(verify(credentials()), 'accepted'));
  test('an explicit MD5', () => assert.equal(verify(credentials({ algorithm: 'MD5' })), 'accepted'));
  test('a quoted lower-case algorithm', () =>
    assert.equal(verify(credentials().concat(', algorithm="md5"')), 'accepted'));
  test('qop=auth with cnonce and nc', () =>
    assert.equal(verify(credentials({ qop: 'auth', nc: '00000001', cnonce: 'abc' })), 'accepted'));
  test('the same nonce and count again', () => {
    const header = credentials({ qop: 'auth', nc: '00000001', cnonce: 'abc' });
    const server = authenticator();
    assert.equal(verify(header, 1000, server), 'accepted');
    assert.equal(verify(header, 1001, server), 'accepted');
  });
  test('SHA-256 if it is on', () =>
    assert.equal(
      verify(credentials({ algorithm: 'SHA-256' }, 'DESCRIBE', 'sha256'), 1000, authenticator({ sha256: true })),
      'accepted',
    ));
  test('MD5 beside SHA-256', () =>
    assert.equal(verify(credentials(), 1000, authenticator({ sha256: true })), 'accepted'));
  test('an upper-case response and scheme', () => {
    const header = credentials().replace(/response="(.*?)"/, (_, hex: string) => `response="${hex.toUpperCase()}"`);
    assert.equal(verify(header.replace('Digest', 'DIGEST')), 'accepted');
  });
  test('fields without blanks between them', () =>
    assert.equal(verify(credentials().replaceAll(', ', ',')), 'accepted'));
  test('a user name with quotes and commas', () => {
    const server = authenticator({ user: 'a"b,\\c' });
    const header = credentials({ username: 'a"b,\\c' }).replace('username="a"b,\\c"', 'username="a\\"b,\\\\c"');
    assert.equal(verify(header, 1000, server), 'accepted');
  });
  test('a nonce until its last millisecond', () => assert.equal(verify(credentials(), 1000 + lifetime), 'accepted'));
  test('a nonce that another thread made a moment ahead', () =>
    assert.equal(verify(credentials({ nonce: nonceAt(1500) }), 1000), 'accepted'));

  const targets: [signed: string, requested: string][] = [
    ['/stream1', uri],
    [uri, '/stream1'],
    ['rtsp://h:8554/stream1/', 'rtsp://h:8554/stream1/trackID=0'],
    ['rtsp://h:8554/stream1', 'rtsp://h:8554/stream1/trackID=0'],
    ['rtsp://proxy/stream1', uri],
    ['rtsp://admin:geheim@h:8554/stream1', uri],
    ['trackID=0', 'rtsp://h:8554/stream1/trackID=0'],
    ['rtsp://h:8554/stream1?x=y', uri],
    ['rtsp://h:8554/STREAM1', uri],
    ['*', '*'],
  ];
  for (const [signed, requested] of targets)
    test(`${signed} signed for ${requested}`, () =>
      assert.equal(verify(credentials({ uri: signed }), 1000, authenticator(), requested), 'accepted'));
});

describe('what is not', () => {
  test('nothing, Basic and Bearer are missing credentials', () => {
    for (const header of [undefined, '', 'Basic YWRtaW46Z2VoZWlt', 'Bearer x', 'Digest'])
      assert.equal(verify(header), 'missing');
  });

  const rejected: [string, string][] = [
    ['a wrong password', credentials({}, 'DESCRIBE', 'md5', 'falsch')],
    ['a wrong user', credentials({ username: 'root' })],
    ['another realm', credentials({ realm: 'elsewhere' })],
    ['another method', credentials({}, 'SETUP')],
    ['another camera', credentials({ uri: 'rtsp://h:8554/stream2' })],
    ['another track', credentials({ uri: 'trackID=1' })],
    ['no URI', credentials({ uri: '' })],
    ['SHA-256 while it is off', credentials({ algorithm: 'SHA-256' }, 'DESCRIBE', 'sha256')],
    ['an unknown algorithm', credentials({ algorithm: 'MD5-sess' })],
    ['an empty response', credentials({ response: '' })],
    ['no fields', 'Digest ,,,'],
    ['an open quote', 'Digest username="admin'],
    ['fields named like those of every object', 'Digest __proto__="x", constructor="y"'],
  ];
  for (const [name, header] of rejected) test(`${name} is rejected`, () => assert.equal(verify(header), 'rejected'));

  test('an old nonce with the right password is stale', () => {
    assert.equal(verify(credentials(), 1001 + lifetime), 'stale');
  });
  test('a nonce of another run of the server with the right password is stale', () => {
    assert.equal(verify(credentials({ nonce: nonceAt(1000, authenticator({ key: Buffer.alloc(32, 9) })) })), 'stale');
    assert.equal(verify(credentials({ nonce: 'made up' })), 'stale');
  });
  test('a nonce from the far future is stale', () =>
    assert.equal(verify(credentials({ nonce: nonceAt(9000) })), 'stale'));
  test('an old nonce with a wrong password is rejected', () => {
    assert.equal(verify(credentials({}, 'DESCRIBE', 'md5', 'falsch'), 1001 + lifetime), 'rejected');
  });
});
