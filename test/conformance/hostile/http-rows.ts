import { body, bytes } from '../../golden/wire.ts';
import { until } from '../../support/program.ts';
import { begin, get, operator } from './http-operator.ts';
import { flight, head, httpRow, isTold, question } from './http-row.ts';
import {
  answered,
  answeredWith,
  closed,
  headTooLarge,
  http2Preface,
  notHttp,
  oddChunkSizes,
  oddLengths,
  proxyRequest,
  refused,
  rtspRequest,
  smuggled,
  smugglingForms,
  statuses,
  stillSending,
  tooSlow,
} from './http-talk.ts';
import type { Row } from './row.ts';
import { clientHello } from './rtmp-opening-rows.ts';

/** HTTP as it should not be. */
export const httpRows: readonly Row[] = [
  flight('http-half-open', 'connects and says nothing', closed(null, 'no request came in time'), '', {
    when: 'head timeout',
  }),
  httpRow(
    'http-slow-head',
    'sends the head of a request byte by byte',
    closed(null, 'no request came in time'),
    async (scene) => {
      await (await scene.http()).trickle(Buffer.from(get('/', `X: ${'y'.repeat(500)}`)), 20);
    },
    { when: 'head timeout' },
  ),
  httpRow(
    'http-slow-put',
    'sends the head of a PUT byte by byte',
    closed(stillSending, tooSlow),
    async (scene) => {
      await (await scene.http()).trickle(Buffer.from(`PUT /${'y'.repeat(500)}`), 20);
    },
    { when: 'head timeout' },
  ),
  httpRow(
    'http-slow-body',
    'sends the body of a login byte by byte',
    closed(stillSending, tooSlow),
    async (scene) => {
      const peer = await scene.http();
      peer.write(head('Content-Length: 5000'));
      await peer.trickle(Buffer.alloc(5000, ' '), 20);
    },
    { when: 'request timeout' },
  ),
  httpRow(
    'http-slow-body-logged-in',
    'is logged in, and sends the body of a configuration byte by byte',
    closed(stillSending, tooSlow),
    async (scene) => {
      const peer = await scene.http();
      peer.write(begin('PATCH', '/api/v1/config', operator, 'Content-Type: application/json', 'Content-Length: 5000'));
      await peer.trickle(Buffer.alloc(5000, ' '), 20);
    },
    { when: 'request timeout' },
  ),
  httpRow('http-body-10-mb', 'sends a body of 10 MB', closed(413, null), async (scene) => {
    const peer = await scene.http();
    peer.write(head(`Content-Length: ${10 * 1024 * 1024}`));
    await answered(peer);
    for (let i = 0; i < 160 && !peer.closed; i++) await peer.send(Buffer.alloc(64 * 1024, 0x20));
  }),
  flight(
    'http-length-absurd',
    'announces a body of 100 GB and sends none',
    closed(413, null),
    head('Content-Length: 100000000000'),
  ),
  flight(
    'http-length-long',
    'announces more than it sends',
    closed(408, tooSlow),
    `${head(`Content-Length: ${question.length + 1}`)}${question}`,
    { when: 'request timeout' },
  ),
  httpRow('http-length-short', 'announces less than it sends', closed(400, notHttp), async (scene) => {
    const peer = await scene.http();
    peer.write(`${head(`Content-Length: ${question.length - 20}`)}${question}`);
    await peer.end();
  }),
  flight(
    'http-length-odd',
    'announces lengths that are none, or two of them',
    closed(400, notHttp),
    oddLengths.map((line) => head(line)),
  ),
  flight(
    'http-smuggling',
    'tells the end of its body in two ways, in ten disguises',
    closed(400, notHttp),
    smugglingForms.map((form) => head(form) + smuggled),
  ),
  httpRow('http-chunks-endless', 'sends chunks of one byte without end', closed([413, null], null), async (scene) => {
    const peer = await scene.http();
    peer.write(head('Transfer-Encoding: chunked'));
    for (let i = 0; i < 100 && !peer.closed && statuses(peer).length === 0; i++)
      await peer.send('1\r\n \r\n'.repeat(2000));
  }),
  flight(
    'http-chunks-odd',
    'announces chunks whose lengths are none, or beyond 64 bits',
    closed(400, notHttp),
    oddChunkSizes.map((size) => `${head('Transfer-Encoding: chunked')}${size}\r\nabc\r\n`),
  ),
  flight('http-chunk-huge', 'announces a chunk of 16 EB', closed([413, null], null), [
    `${head('Transfer-Encoding: chunked')}FFFFFFFFFFFFFFF\r\n${' '.repeat(70_000)}`,
  ]),
  flight('http-chunk-extensions', 'hides a megabyte in a chunk extension', closed([400, null], notHttp), [
    `${head('Transfer-Encoding: chunked')}1;${'e'.repeat(1024 * 1024)}`,
  ]),
  flight('http-trailers', 'sends trailers without end', closed([431, null], headTooLarge), [
    `${head('Transfer-Encoding: chunked')}0\r\n${'X: y\r\n'.repeat(100_000)}`,
  ]),
  flight('http-many-headers', 'sends 800 headers', refused(401, null), [
    get('/api/v1/streams', ...Array.from({ length: 800 }, (_, i) => `${i}:y`)),
  ]),
  flight('http-header-flood', 'sends headers without end', closed([431, null], headTooLarge), [
    `GET / HTTP/1.1\r\n${'X: y\r\n'.repeat(100_000)}`,
  ]),
  flight('http-huge-header', 'sends a header of 1 MB', closed([431, null], headTooLarge), [
    `GET / HTTP/1.1\r\nX: ${'y'.repeat(1024 * 1024)}`,
  ]),
  flight('http-huge-target', 'asks for a path of 1 MB', closed([431, null], headTooLarge), [
    `GET /${'y'.repeat(1024 * 1024)} HTTP/1.1\r\n`,
  ]),
  flight('http-noise', 'sends noise', closed(400, notHttp), bytes([0x91], body(3000, 5))),
  flight(
    'http-tls',
    'speaks TLS where there is no certificate',
    closed(null, 'TLS, but there is no certificate'),
    clientHello,
  ),
  flight('http-rtmp', 'speaks RTMP', closed(400, notHttp), bytes([3], body(1536, 3))),
  flight('http-rtsp', 'speaks RTSP', closed(401, null), rtspRequest),
  flight('http-http2', 'speaks HTTP/2', closed(400, notHttp), http2Preface),
  flight('http-connect', 'takes the port for a proxy', closed(405, 'this port is no proxy'), proxyRequest),
  flight(
    'http-methods',
    'uses methods and targets that there are none of',
    answeredWith([400, 401, 403, 404, 405], null),
    [
      get('http://169.254.169.254/latest/meta-data'),
      begin('TRACE', '/'),
      begin('OPTIONS', '*'),
      begin('PROPFIND', '/', 'Depth: infinity'),
      begin('DELETE', '/'),
      begin('PUT', '/page/page.css', 'Content-Length: 0'),
      begin('POST', '/api/v1/streams', operator, 'X-HTTP-Method-Override: DELETE', 'Content-Length: 0'),
    ],
  ),
  httpRow('http-pipelining', 'sends 16 requests before it reads an answer', refused(401, null), async (scene) => {
    const peer = await scene.http();
    await peer.send(get('/api/v1/streams').repeat(16));
    await until('all are answered', () => statuses(peer).length === 16);
  }),
  httpRow(
    'http-pipelining-flood',
    'asks for a large file of the page 1000 times in one piece, without a login, and never reads',
    closed(null, 'too many requests at once'),
    async (scene) => {
      for (let i = 0; i < 10; i++) {
        const peer = await scene.http({ deaf: true });
        await peer.send(get('/page/packages/uplot.js').repeat(1000));
      }
    },
  ),
  httpRow(
    'http-reads-nothing',
    'sends requests without end and never reads an answer',
    closed(null, 'the client takes no answers'),
    async (scene) => {
      const peer = await scene.http({ deaf: true });
      for (let i = 0; i < 200 && !isTold(scene, 'the client takes no answers'); i++) {
        peer.write(get('/metrics', operator));
        await new Promise((resolve) => setTimeout(resolve, 50));
      }
    },
    { when: 'write stall' },
  ),
];
