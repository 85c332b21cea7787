import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { ConnectionError } from '../../../src/base/errors.ts';
import { limits } from '../../../src/base/limits.ts';
import { RequestParser } from '../../../src/rtsp/request-parser.ts';

/** What a parser delivered, as plain values that outlive the call. */
function parse(...reads: Buffer[]): unknown[] {
  const events: unknown[] = [];
  const parser = new RequestParser({
    onRequest: ({ method, uri, version, headers, body, wellFormed }) =>
      events.push({ method, uri, version, headers: [...headers], body: Buffer.from(body).toString(), wellFormed }),
    onInterleaved: (channel, bytes) => events.push({ channel, hex: Buffer.from(bytes).toString('hex') }),
  });
  for (const read of reads) parser.receive(read, 0, read.length);
  return events;
}

const request = (method: string, headers: [string, string][], body = '', uri = 'rtsp://h/s') => ({
  method,
  uri,
  version: 'RTSP/1.0',
  headers,
  body,
  wellFormed: true,
});

const cases: [name: string, bytes: string, events: unknown[]][] = [
  [
    'a request with headers',
    'OPTIONS rtsp://h/s RTSP/1.0\r\nCSeq: 1\r\nA-b:c\r\n\r\n',
    [
      request('OPTIONS', [
        ['cseq', '1'],
        ['a-b', 'c'],
      ]),
    ],
  ],
  ['bare line feeds', 'OPTIONS rtsp://h/s RTSP/1.0\nCSeq: 1\n\n', [request('OPTIONS', [['cseq', '1']])]],
  ['line ends in front of a request', '\r\n\n\r\nPLAY rtsp://h/s RTSP/1.0\r\n\r\n', [request('PLAY', [])]],
  [
    'a body',
    'SET_PARAMETER rtsp://h/s RTSP/1.0\r\nContent-Length: 4\r\n\r\na: b',
    [request('SET_PARAMETER', [['content-length', '4']], 'a: b')],
  ],
  [
    'pipelined requests',
    'PLAY rtsp://h/s RTSP/1.0\r\n\r\nPAUSE rtsp://h/s RTSP/1.0\r\n\r\n',
    [request('PLAY', []), request('PAUSE', [])],
  ],
  [
    'frames around and between requests',
    '$\x00\x00\x02abPLAY rtsp://h/s RTSP/1.0\r\n\r\n$\x01\x00\x01c$\x02\x00\x00',
    [{ channel: 0, hex: '6162' }, request('PLAY', []), { channel: 1, hex: '63' }, { channel: 2, hex: '' }],
  ],
  ['a frame that holds a request is a frame', '$\x00\x00\x04PLAY', [{ channel: 0, hex: '504c4159' }]],
  [
    'a repeated header is joined',
    'PLAY rtsp://h/s RTSP/1.0\r\nX: a\r\nx: b\r\n\r\n',
    [request('PLAY', [['x', 'a, b']])],
  ],
  ['a folded header is joined', 'PLAY rtsp://h/s RTSP/1.0\r\nX: a\r\n  b\r\n\r\n', [request('PLAY', [['x', 'a b']])]],
  [
    'blanks around names, values and the request line',
    'PLAY  rtsp://h/s  RTSP/1.0  \r\nX :  a  \r\n\r\n',
    [request('PLAY', [['x', 'a']])],
  ],
  [
    'an unescaped blank in the address',
    'PLAY rtsp://h/a b RTSP/1.0\r\n\r\n',
    [request('PLAY', [], '', 'rtsp://h/a b')],
  ],
  ['an empty value', 'PLAY rtsp://h/s RTSP/1.0\r\nX:\r\n\r\n', [request('PLAY', [['x', '']])]],
  ['a colon in a value', 'PLAY rtsp://h/s RTSP/1.0\r\nX: a:b\r\n\r\n', [request('PLAY', [['x', 'a:b']])]],
  ['UTF-8', 'PLAY rtsp://h/s RTSP/1.0\r\nX: h\u00f6he\r\n\r\n', [request('PLAY', [['x', 'h\u00f6he']])]],
];

describe('requests', () => {
  for (const [name, text, events] of cases) {
    const bytes = Buffer.from(text, text.includes('\u00f6') ? 'utf8' : 'latin1');
    test(`${name}, whole`, () => assert.deepEqual(parse(bytes), events));
    test(`${name}, split at every byte`, () => {
      for (let at = 1; at < bytes.length; at++)
        assert.deepEqual(parse(bytes.subarray(0, at), bytes.subarray(at)), events, `split at ${at}`);
    });
    test(`${name}, byte by byte`, () => {
      assert.deepEqual(parse(...Array.from(bytes, (byte) => Buffer.of(byte))), events);
    });
  }

  test('only the given range of a buffer is read', () => {
    let uri = '';
    const parser = new RequestParser({
      onRequest: (request) => {
        uri = request.uri;
      },
      onInterleaved: () => assert.fail(),
    });
    const bytes = Buffer.from('$$PLAY rtsp://h/s RTSP/1.0\r\n\r\n$$');
    parser.receive(bytes, 2, bytes.length - 2);
    assert.equal(uri, 'rtsp://h/s');
  });
});

describe('malformed heads whose end is known', () => {
  const heads: [string, string][] = [
    ['no version', 'PLAY rtsp://h/s'],
    ['a method alone', 'PLAY'],
    ['a header without a colon', 'PLAY rtsp://h/s RTSP/1.0\r\nnonsense'],
    ['a header without a name', 'PLAY rtsp://h/s RTSP/1.0\r\n: x'],
    ['a fold in front of the first header', 'PLAY rtsp://h/s RTSP/1.0\r\n x'],
    ['a carriage return inside a value', 'PLAY rtsp://h/s RTSP/1.0\r\nX: a\rb'],
    ['a carriage return inside the request line', 'PLAY rtsp://h/\rs RTSP/1.0'],
    ['a zero byte', 'PLAY rtsp://h/s RTSP/1.0\r\nX: a\0b'],
    ['too many headers', `PLAY rtsp://h/s RTSP/1.0${'\r\nX: a'.repeat(limits.rtsp.headers + 1)}`],
  ];
  for (const [name, head] of heads) {
    test(`${name} is marked, and the next request is found`, () => {
      const events = parse(Buffer.from(`${head}\r\n\r\nPLAY rtsp://h/s RTSP/1.0\r\n\r\n`)) as { wellFormed: boolean }[];
      assert.deepEqual(
        events.map((event) => event.wellFormed),
        [false, true],
      );
    });
  }

  test('a malformed head keeps its CSeq for the answer', () => {
    const [event] = parse(Buffer.from('PLAY rtsp://h/s RTSP/1.0\r\nCSeq: 7\r\nnonsense\r\n\r\n')) as {
      headers: [string, string][];
    }[];
    assert.deepEqual(event!.headers, [['cseq', '7']]);
  });
});

describe('lost framing', () => {
  const ends: [name: string, bytes: Buffer, code: string][] = [
    ['a TLS hello', Buffer.from('16030100c8010000c4', 'hex'), 'rtsp_malformed'],
    ['RTMP', Buffer.from('0300000000', 'hex'), 'rtsp_malformed'],
    [
      'a Content-Length that is no number',
      Buffer.from('PLAY a RTSP/1.0\r\nContent-Length: -1\r\n\r\n'),
      'rtsp_malformed',
    ],
    [
      'two Content-Lengths',
      Buffer.from('PLAY a RTSP/1.0\r\nContent-Length: 1\r\nContent-Length: 1\r\n\r\n'),
      'rtsp_malformed',
    ],
    [
      'a body beyond the limit',
      Buffer.from(`PLAY a RTSP/1.0\r\nContent-Length: ${limits.rtsp.bodyBytes + 1}\r\n\r\n`),
      'rtsp_too_large',
    ],
    ['an endless request line', Buffer.alloc(limits.rtsp.headBytes + 1, 'A'), 'rtsp_too_large'],
    [
      'endless headers',
      Buffer.from(`PLAY a RTSP/1.0\r\n${'X: y\r\n'.repeat(limits.rtsp.headBytes / 6)}`),
      'rtsp_too_large',
    ],
  ];
  for (const [name, bytes, code] of ends) {
    const error = (thrown: unknown) => thrown instanceof ConnectionError && thrown.code === code;
    test(`${name} ends the connection`, () => assert.throws(() => parse(bytes), error));
    test(`${name} in single bytes ends it the same way`, () =>
      assert.throws(() => parse(...Array.from(bytes, (byte) => Buffer.of(byte))), error));
  }

  test('a head of exactly the limit is taken', () => {
    const start = 'PLAY a RTSP/1.0\r\nX: ';
    const head = `${start.padEnd(limits.rtsp.headBytes - 4, 'x')}\r\n\r\n`;
    assert.equal(parse(Buffer.from(head)).length, 1);
  });

  test('hostile heads of the largest size take time linear in their length', () => {
    const size = limits.rtsp.headBytes - 64;
    const heads = [
      `PLAY${' '.repeat(size)}x`,
      `PLAY a RTSP/1.0\r\nX:${' '.repeat(size)}x`,
      `PLAY a RTSP/1.0\r\nX: a${'\r\n b'.repeat(size / 4)}`,
      `PLAY a RTSP/1.0${'\r\n'.repeat(1)}${'\r'.repeat(size)}x`,
    ];
    const started = process.cpuUsage();
    for (let i = 0; i < 20; i++) for (const head of heads) parse(Buffer.from(`${head}\r\n\r\n`));
    assert.ok(process.cpuUsage(started).user < 1_000_000, 'quadratic work would take minutes');
  });
});
