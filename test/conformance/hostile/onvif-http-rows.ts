import assert from 'node:assert/strict';
import { body, bytes } from '../../golden/wire.ts';
import { envelope } from '../../support/onvif-peer.ts';
import { until } from '../../support/program.ts';
import {
  answered,
  ask,
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
import { flight, getProfiles, head, request, signed } from './onvif-talk.ts';
import type { Row } from './row.ts';
import { clientHello } from './rtmp-opening-rows.ts';

const protocol = 'ONVIF' as const;
const tooLarge = 'the request is too large';
const question = envelope(getProfiles);

/** HTTP as it should not be. Each row has a device for itself, so that its lines in the log are its own. */
export const onvifHttpRows: readonly Row[] = [
  flight('onvif-half-open', 'connects and says nothing', closed(null, 'no request came in time'), '', 'head timeout'),
  {
    id: 'onvif-slow-head',
    protocol,
    attack: 'sends the head of a request byte by byte',
    ends: closed(null, 'no request came in time'),
    when: 'head timeout',
    gate: true,
    play: async (scene) => {
      const peer = await scene.onvif();
      await peer.trickle(Buffer.from(head(`X: ${'y'.repeat(500)}`)), 20);
    },
  },
  {
    id: 'onvif-slow-put',
    protocol,
    attack: 'sends the head of a PUT byte by byte, which no tunnel begins with',
    ends: closed(stillSending, tooSlow),
    when: 'head timeout',
    gate: true,
    play: async (scene) => {
      const peer = await scene.onvif();
      await peer.trickle(Buffer.from(`PUT /${'y'.repeat(500)}`), 20);
    },
  },
  {
    id: 'onvif-slow-body',
    protocol,
    attack: 'sends the body of a request byte by byte',
    ends: closed(stillSending, tooSlow),
    when: 'request timeout',
    gate: true,
    play: async (scene) => {
      const peer = await scene.onvif();
      peer.write(head(`Content-Length: ${question.length}`));
      await peer.trickle(Buffer.from(question), 30);
    },
  },
  {
    id: 'onvif-body-10-mb',
    protocol,
    attack: 'sends a body of 10 MB',
    ends: closed(413, tooLarge),
    gate: true,
    play: async (scene) => {
      const peer = await scene.onvif();
      peer.write(head(`Content-Length: ${10 * 1024 * 1024}`));
      await answered(peer);
      for (let i = 0; i < 160 && !peer.closed; i++) await peer.send(Buffer.alloc(64 * 1024, 0x20));
    },
  },
  flight(
    'onvif-length-absurd',
    'announces a body of 100 GB and sends none',
    closed([413, null], tooLarge),
    head('Content-Length: 100000000000'),
  ),
  flight(
    'onvif-length-long',
    'announces more than it sends',
    closed(408, tooSlow),
    `${head(`Content-Length: ${question.length + 1}`)}${question}`,
    'request timeout',
  ),
  flight(
    'onvif-length-short',
    'announces less than it sends',
    closed(400, notHttp),
    `${head(`Content-Length: ${question.length - 20}`)}${question}`,
  ),
  flight('onvif-length-odd', 'announces lengths that are none, or two of them', closed(400, notHttp), () =>
    oddLengths.map((line) => head(line)),
  ),
  flight('onvif-smuggling', 'tells the end of its body in two ways, in ten disguises', closed(400, notHttp), () =>
    smugglingForms.map((form) => head(form) + smuggled),
  ),
  {
    id: 'onvif-chunks-endless',
    protocol,
    attack: 'sends chunks of one byte without end',
    ends: closed([413, null], tooLarge),
    gate: true,
    play: async (scene) => {
      const peer = await scene.onvif();
      peer.write(head('Transfer-Encoding: chunked'));
      for (let i = 0; i < 100 && !peer.closed && statuses(peer).length === 0; i++)
        await peer.send('1\r\n \r\n'.repeat(2000));
    },
  },
  flight('onvif-chunks-odd', 'announces chunks whose lengths are none, or beyond 64 bits', closed(400, notHttp), () =>
    oddChunkSizes.map((size) => `${head('Transfer-Encoding: chunked')}${size}\r\nabc\r\n`),
  ),
  flight('onvif-chunk-huge', 'announces a chunk of 16 EB', closed([413, null], tooLarge), () => [
    `${head('Transfer-Encoding: chunked')}FFFFFFFFFFFFFFF\r\n${' '.repeat(70_000)}`,
  ]),
  flight('onvif-chunk-extensions', 'hides a megabyte in a chunk extension', closed([400, null], notHttp), () => [
    `${head('Transfer-Encoding: chunked')}1;${'e'.repeat(1024 * 1024)}
`,
  ]),
  flight('onvif-trailers', 'sends trailers without end', closed([431, null], headTooLarge), () => [
    `${head('Transfer-Encoding: chunked')}0\r\n${'X: y\r\n'.repeat(100_000)}`,
  ]),
  flight('onvif-many-headers', 'sends 800 headers', { status: 401, closed: false, reason: null }, () => [
    request(
      question,
      Array.from({ length: 800 }, (_, i) => `${i}:y`),
    ),
  ]),
  flight('onvif-header-flood', 'sends headers without end', closed([431, null], headTooLarge), () => [
    `POST / HTTP/1.1\r\n${'X: y\r\n'.repeat(100_000)}`,
  ]),
  flight('onvif-huge-header', 'sends a header of 1 MB', closed([431, null], headTooLarge), () => [
    `POST / HTTP/1.1\r\nX: ${'y'.repeat(1024 * 1024)}`,
  ]),
  flight('onvif-huge-target', 'asks for a path of 1 MB', closed([431, null], headTooLarge), () => [
    `POST /${'y'.repeat(1024 * 1024)} HTTP/1.1\r\n`,
  ]),
  flight('onvif-noise', 'sends noise', closed(400, notHttp), bytes([0x91], body(3000, 5))),
  flight(
    'onvif-tls',
    'speaks TLS where there is no certificate',
    closed(null, 'TLS, but there is no certificate'),
    clientHello,
  ),
  flight('onvif-rtmp', 'speaks RTMP', closed(400, notHttp), bytes([3], body(1536, 3))),
  flight('onvif-rtsp', 'speaks RTSP', closed(405, 'this is an ONVIF device: it takes POST only'), rtspRequest),
  flight('onvif-http2', 'speaks HTTP/2', closed(400, notHttp), http2Preface),
  flight(
    'onvif-connect',
    'takes the device for a proxy',
    closed(405, 'this is an ONVIF device: it takes POST only'),
    () => [proxyRequest],
  ),
  flight(
    'onvif-methods',
    'uses other methods than POST',
    refused(405, 'this is an ONVIF device: it takes POST only'),
    () => [
      'GET / HTTP/1.1\r\nHost: x\r\n\r\n',
      'GET http://169.254.169.254/latest/meta-data HTTP/1.1\r\nHost: x\r\n\r\n',
      'TRACE / HTTP/1.1\r\nHost: x\r\n\r\n',
      'DELETE /../../etc/passwd HTTP/1.1\r\nHost: x\r\n\r\n',
      'GET /chat HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n',
    ],
  ),
  {
    id: 'onvif-host-injection',
    protocol,
    attack: 'puts markup and line breaks into the Host header, which comes back in addresses',
    ends: { status: 200, closed: false, reason: null },
    gate: true,
    play: async (scene) => {
      for (const host of ['a"><x>', 'a/../b', 'a@b', '[::1', 'x'.repeat(5000), '\u0085a', 'a:99999']) {
        const peer = await scene.onvif();
        const services = request(signed('<tds:GetServices/>'))
          .toString('latin1')
          .replace('Host: 127.0.0.1', `Host: ${host}`);
        assert.equal(await ask(peer, Buffer.from(services, 'latin1')), 200, host);
        await peer.receives('</s:Envelope>');
        const [, address] = /<tds:XAddr>([^<]*)</.exec(peer.received)!;
        assert.equal(address, `http://127.0.0.1:${scene.onvifPort}/onvif/device_service`);
      }
    },
  },
  {
    id: 'onvif-pipelining',
    protocol,
    attack: 'sends 500 requests before it reads an answer',
    ends: { status: 401, closed: false, reason: null },
    gate: true,
    play: async (scene) => {
      const peer = await scene.onvif();
      peer.socket.pause();
      await peer.send(Buffer.concat(Array<Buffer>(500).fill(request(question))));
      peer.socket.resume();
      await until('all are answered', () => statuses(peer).length >= 100 || peer.closed);
    },
  },
  {
    id: 'onvif-reads-nothing',
    protocol,
    attack: 'sends requests without end and never reads an answer',
    ends: closed(null, 'the client takes no answers'),
    when: 'write stall',
    gate: true,
    play: async (scene) => {
      const peer = await scene.onvif({ deaf: true });
      const block = Buffer.concat(Array<Buffer>(100).fill(request(question)));
      for (let i = 0; i < 200 && !peer.closed; i++) {
        await Promise.race([peer.send(block), new Promise((resolve) => setTimeout(resolve, 500))]);
      }
    },
  },
];
