import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { ConnectionError } from '../../../src/base/errors.ts';
import { limits } from '../../../src/base/limits.ts';
import { isTunnel, TunnelDecoder, TunnelHead } from '../../../src/rtsp/http-tunnel.ts';

describe('telling a tunnel from RTSP', () => {
  const rows: [string, boolean | null][] = [
    ['', null],
    ['G', null],
    ['GET', null],
    ['GET /stream1', true],
    ['GET_PARAMETER', false],
    ['P', null],
    ['PO', null],
    ['POST', null],
    ['POST /', true],
    ['PLAY', false],
    ['PA', false],
    ['OPTIONS', false],
    ['$', false],
  ];
  for (const [text, expected] of rows)
    test(`"${text}" is ${expected}`, () => {
      const bytes = Buffer.from(`xx${text}yy`);
      assert.equal(isTunnel(bytes, 2, bytes.length - 2), expected);
    });
});

describe('the head of a tunnel', () => {
  /** As FFmpeg 5.1 sends it. */
  const get =
    'GET /stream1 HTTP/1.1\r\nx-sessioncookie: 1bd35dfb6bb5e8cb\r\nAccept: application/x-rtsp-tunnelled\r\nPragma: no-cache\r\n\r\n';
  const post =
    'POST /stream1 HTTP/1.1\r\nX-SessionCookie: abc\r\nContent-Type: application/x-rtsp-tunnelled\r\nContent-Length: 32767\r\n\r\n';

  for (const [name, text, request] of [
    ['GET', get, { method: 'GET', cookie: '1bd35dfb6bb5e8cb' }],
    ['POST', post, { method: 'POST', cookie: 'abc' }],
    ['a POST with bare line feeds', post.replaceAll('\r', ''), { method: 'POST', cookie: 'abc' }],
  ] as const) {
    test(`${name} is read split at every byte, up to the first byte behind it`, () => {
      const bytes = Buffer.from(`${text}T1BU`);
      for (let at = 0; at <= text.length; at++) {
        const head = new TunnelHead();
        const first = head.receive(bytes, 0, at);
        const end = head.request === null ? head.receive(bytes, first, bytes.length) : first;
        assert.equal(end, text.length);
        assert.deepEqual(head.request, request);
      }
    });
  }

  for (const [name, text, code] of [
    ['no cookie', 'GET / HTTP/1.1\r\nHost: h\r\n\r\n', 'rtsp_malformed'],
    ['an RTSP request', 'GET / RTSP/1.0\r\nx-sessioncookie: a\r\n\r\n', 'rtsp_malformed'],
    ['another method', 'PUT / HTTP/1.1\r\nx-sessioncookie: a\r\n\r\n', 'rtsp_malformed'],
    ['a cookie without end', `GET / HTTP/1.1\r\nx-sessioncookie: ${'a'.repeat(257)}\r\n\r\n`, 'rtsp_malformed'],
    ['a head without end', 'x'.repeat(limits.rtsp.headBytes + 1), 'rtsp_too_large'],
  ] as const) {
    test(`${name} is refused`, () => {
      const bytes = Buffer.from(text);
      const error = (thrown: unknown) => thrown instanceof ConnectionError && thrown.code === code;
      assert.throws(() => new TunnelHead().receive(bytes, 0, bytes.length), error);
    });
  }
});

describe('tunnelled requests', () => {
  function decode(text: string, step = text.length): string {
    const decoder = new TunnelDecoder();
    const bytes = Buffer.from(text);
    const into = Buffer.alloc(64);
    let decoded = '';
    for (let at = 0; at < bytes.length; at += step) {
      const end = Math.min(bytes.length, at + step);
      decoded += into.toString('latin1', 0, decoder.decode(bytes, at, end, into));
    }
    return decoded;
  }

  for (let length = 0; length < 9; length++) {
    test(`two requests of ${length} bytes, each with its own padding, are joined in reads of any size`, () => {
      const request = 'PLAY\xff\x00\x80!?'.slice(0, length);
      const base64 = Buffer.from(request, 'latin1').toString('base64');
      for (const step of [1, 2, 3, 5, 100]) assert.equal(decode(base64 + base64, step), request + request);
    });
  }

  test('line ends and blanks are skipped', () => assert.equal(decode('T1\r\nBU SU\n9OUw=\r=\n'), 'OPTIONS'));

  for (const text of ['T1B*', 'T===', 'T1-_'])
    test(`${text} is refused`, () => assert.throws(() => decode(text), ConnectionError));
});
