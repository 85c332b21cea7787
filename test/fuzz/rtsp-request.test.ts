import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { ConnectionError } from '../../src/base/errors.ts';
import { DigestAuthenticator } from '../../src/rtsp/digest-authenticator.ts';
import { TunnelDecoder } from '../../src/rtsp/http-tunnel.ts';
import { RequestParser } from '../../src/rtsp/request-parser.ts';
import { parseRequestUrl } from '../../src/rtsp/request-url.ts';
import { parseTransport, writeTransport } from '../../src/rtsp/transport-header.ts';
import { RtspPeer } from '../support/rtsp-peer.ts';

const options = { interruptAfterTimeLimit: 1500, markInterruptAsFailure: false, numRuns: 5000 };

const session = 'A5A5A5A5A5A5A5A5';
const methods = [
  'OPTIONS',
  'DESCRIBE',
  'SETUP',
  'PLAY',
  'PAUSE',
  'TEARDOWN',
  'GET_PARAMETER',
  'SET_PARAMETER',
  'RECORD',
];
const uris = [
  'rtsp://h/stream1',
  'rtsp://h/stream1/trackID=0',
  'rtsp://h/live/drone%207',
  '/busy',
  '*',
  'trackID=0',
  'rtsp://h/%',
];
const header = fc.oneof(
  fc.constantFrom(
    'Transport: RTP/AVP/TCP;unicast;interleaved=0-1',
    'Transport: RTP/AVP;unicast;client_port=5000-5001',
    'Transport: RTP/AVP;multicast',
    `Session: ${session}`,
    'Session: 1234',
    'Require: x',
    'Authorization: Digest username="admin", response="',
    ' folded',
    'nonsense',
    'Content-Length: 0',
    'Range: npt=now-',
  ),
  fc.string({ maxLength: 30, unit: 'binary' }).map((text) => `X-${text.replaceAll('\n', '')}`),
);
const requestText = fc
  .record({
    method: fc.constantFrom(...methods),
    uri: fc.oneof({ weight: 6, arbitrary: fc.constantFrom(...uris) }, fc.string({ maxLength: 20 })),
    headers: fc.array(header, { maxLength: 3 }),
    body: fc.string({ maxLength: 20 }),
    lineEnd: fc.constantFrom('\r\n', '\n'),
  })
  .map(({ method, uri, headers, body, lineEnd }) => {
    const lines = [`${method} ${uri} RTSP/1.0`, 'CSeq: 7', ...headers];
    if (body !== '') lines.push(`Content-Length: ${Buffer.byteLength(body)}`);
    return Buffer.from(`${[...lines, '', ''].join(lineEnd)}${body}`);
  });
const frame = fc
  .tuple(fc.nat(255), fc.uint8Array({ maxLength: 40 }))
  .map(([channel, bytes]) => Buffer.concat([Buffer.of(0x24, channel, 0, bytes.length), bytes]));
const noise = fc.uint8Array({ maxLength: 12 }).map((bytes) => Buffer.from(bytes));
const conversation = fc
  .array(fc.oneof({ weight: 8, arbitrary: requestText }, { weight: 3, arbitrary: frame }, noise), { maxLength: 8 })
  .map((parts) => Buffer.concat(parts));

/** Everything that a parser says about a run of bytes that is cut at the given offsets. */
function parse(bytes: Buffer, cuts: readonly number[]): unknown[] {
  const events: unknown[] = [];
  const parser = new RequestParser({
    onRequest: (request) => events.push({ ...request, headers: [...request.headers], body: Buffer.from(request.body) }),
    onInterleaved: (channel, frameBytes) => events.push([channel, Buffer.from(frameBytes)]),
  });
  const ends = [...new Set(cuts.map((cut) => cut % (bytes.length + 1)))].sort((a, b) => a - b);
  let at = 0;
  try {
    for (const end of [...ends, bytes.length]) {
      parser.receive(bytes, at, end);
      at = end;
    }
  } catch (error) {
    assert.ok(error instanceof ConnectionError, String(error));
    events.push(error.code);
  }
  return events;
}

test('requests and frames are the same whole and split anywhere', () => {
  fc.assert(
    fc.property(conversation, fc.array(fc.nat(1000), { maxLength: 20 }), (bytes, cuts) => {
      assert.deepEqual(parse(bytes, cuts), parse(bytes, []));
    }),
    options,
  );
});

test('a session answers every request once, in order, and keeps its states, whatever comes', () => {
  fc.assert(
    fc.property(
      fc.boolean(),
      fc.array(fc.oneof({ weight: 8, arbitrary: requestText }, frame, noise), { maxLength: 14 }),
      (auth, parts) => {
        const peer = new RtspPeer({ auth });
        let isSetUp = false;
        let isPlaying = false;
        for (const part of parts) {
          const code = peer.receive(part);
          for (const call of peer.takeCalls()) {
            const name = call.split(' ', 1)[0];
            if (name === 'setup') assert.equal(isPlaying, false);
            else if (name === 'play') assert.ok(isSetUp);
            else if (name === 'pause') assert.equal(isPlaying, true);
            isPlaying = name === 'play' || (isPlaying && name !== 'pause' && name !== 'teardown');
            isSetUp = name === 'teardown' ? false : isSetUp || name === 'setup';
          }
          if (auth) assert.equal(isSetUp, false);
          if (code !== '') return;
        }
        const answers = peer.takeOutput();
        assert.equal(answers.match(/^RTSP\/1\.0 \d{3} /gm)?.length ?? 0, peer.session.counters.requests);
      },
    ),
    options,
  );
});

const escaped = fc
  .array(fc.constantFrom('/', '%2F', '%25', '%', 'a', '?', '#', 'trackID=0', '@', 'rtsp://'), { maxLength: 12 })
  .map((parts) => parts.join(''));

test('any URL is read or refused, and what is read names its own base', () => {
  fc.assert(
    fc.property(fc.oneof(fc.string(), fc.webUrl({ withQueryParameters: true }), fc.webPath(), escaped), (uri) => {
      const url = parseRequestUrl(uri, 'server');
      if (url === null || url.path === '*') return;
      assert.match(url.path, /^\/(.*[^/])?$/s);
      assert.ok(url.base.endsWith('/') && !url.base.slice(8).includes('?'));
      // A path may itself end like a track, which the base would then lose.
      if (!/trackid=/i.test(url.base)) assert.equal(parseRequestUrl(url.base, 'server')?.base, url.base);
    }),
    options,
  );
});

test('any Transport header is read, and what is offered can be answered', () => {
  const token = fc.constantFrom(
    'RTP/AVP',
    'RTP/AVP/TCP',
    'unicast',
    'multicast',
    'interleaved=',
    'client_port=',
    '0-1',
    '65535',
    ';',
    ',',
    '=',
    '-',
    'mode=',
    'PLAY',
    ' ',
  );
  fc.assert(
    fc.property(
      fc.oneof(
        fc.array(token, { maxLength: 20 }).map((parts) => parts.join('')),
        fc.string(),
      ),
      (text) => {
        for (const offer of parseTransport(text)) {
          const [first, second] = offer.request.clientPorts ?? offer.request.interleaved!;
          assert.ok(first !== second && first >= 0 && second <= 65_535);
          assert.equal(parseTransport(writeTransport(offer, { serverPorts: null, ssrc: 1 })).length, 1);
        }
      },
    ),
    options,
  );
});

test('any Authorization header is judged without an error, and none is accepted', () => {
  const authenticator = new DigestAuthenticator({
    user: 'a',
    password: 'b',
    realm: 'c',
    sha256: true,
    key: Buffer.alloc(16),
    nonceLifetimeMs: 1,
  });
  const part = fc.constantFrom(
    'username',
    'realm',
    'nonce',
    'uri',
    'response',
    'algorithm',
    'qop',
    '=',
    '"',
    '\\',
    ',',
    ' ',
    'MD5',
    'SHA-256',
    'a',
    'c',
    'rtsp://h/',
  );
  fc.assert(
    fc.property(fc.array(fc.oneof(part, fc.string({ maxLength: 5 })), { maxLength: 30 }), (parts) => {
      const result = authenticator.verify(`Digest ${parts.join('')}`, 'DESCRIBE', 'rtsp://h/', 0);
      assert.ok(result === 'rejected' || result === 'missing');
    }),
    { ...options, interruptAfterTimeLimit: 800 },
  );
});

test('tunnelled base64 is the same whole and split anywhere, and anything else is refused', () => {
  const text = fc.oneof(
    fc
      .array(fc.uint8Array({ maxLength: 20 }), { maxLength: 6 })
      .map((parts) => parts.map((part) => Buffer.from(part).toString('base64')).join('\r\n')),
    fc.string({ maxLength: 40 }),
  );
  const decode = (bytes: Buffer, cut: number) => {
    const decoder = new TunnelDecoder();
    const into = Buffer.alloc(bytes.length + 4);
    try {
      const first = decoder.decode(bytes, 0, cut, into);
      const second = decoder.decode(bytes, cut, bytes.length, into.subarray(first));
      return into.toString('hex', 0, first + second);
    } catch (error) {
      assert.ok(error instanceof ConnectionError, String(error));
      return error.code;
    }
  };
  fc.assert(
    fc.property(text, fc.nat(), (base64, cut) => {
      const bytes = Buffer.from(base64);
      assert.equal(decode(bytes, cut % (bytes.length + 1)), decode(bytes, 0));
    }),
    options,
  );
});
