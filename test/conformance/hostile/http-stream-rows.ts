import assert from 'node:assert/strict';
import { once } from 'node:events';
import { body, bytes } from '../../golden/wire.ts';
import { NumberedStream } from '../../support/numbered-stream.ts';
import { until } from '../../support/program.ts';
import { askOperator, begin, get, httpFigures, operator, send } from './http-operator.ts';
import { httpRow, isTold } from './http-row.ts';
import {
  answered,
  ask,
  closed,
  knock,
  notHttp,
  openPeers,
  refused,
  resetKnown,
  sendFlights,
  tooSlow,
} from './http-talk.ts';
import type { Peer } from './peer.ts';
import type { Row, Scene, StatusEnd } from './row.ts';
import { clientHello } from './rtmp-opening-rows.ts';
import { breakRecord, goodHello } from './tls-client.ts';

const eventsPath = '/api/v1/events/live';
/** Of a camera that nothing is published to. */
const previewPath = '/api/v1/streams/1/preview';
const broken = 'not WebSocket: ';
const sendsTooMuch = 'the viewer of a preview sends too much';
const takesNothing = 'the client takes no answers';

const upgradeHeaders = [
  'Connection: Upgrade',
  'Upgrade: websocket',
  'Sec-WebSocket-Version: 13',
  'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==',
];

/** Asks for a WebSocket. */
function upgrade(path: string, ...headers: readonly string[]): string {
  return get(path, ...upgradeHeaders, ...headers);
}

/** A frame of RFC 6455 clause 5.2, masked with zeros as a client must, with the length that is said in place of its own. */
function frame(opcode: number, content: Uint8Array | string = '', said = Buffer.byteLength(content)): Buffer {
  const length = Buffer.alloc(said < 126 ? 0 : 8);
  if (length.length > 0) length.writeBigUInt64BE(BigInt(said));
  return bytes([0x80 | opcode, 0x80 | (said < 126 ? said : 127)], length, [0, 0, 0, 0], Buffer.from(content));
}

/** A viewer of the preview. */
async function viewer(scene: Scene, path = previewPath, deaf = false): Promise<Peer> {
  const peer = await scene.http();
  assert.equal(await ask(peer, upgrade(path, operator)), 101);
  if (deaf) peer.socket.pause();
  return peer;
}

/** A row whose peers have a preview, and send one flight each over it. */
function viewerRow(id: string, attack: string, ends: StatusEnd, flights: readonly (Uint8Array | string)[]): Row {
  return httpRow(id, attack, ends, async (scene) => {
    for (const one of flights) await (await viewer(scene)).send(one);
  });
}

/** A row whose peers ask for a WebSocket that they do not get. */
function upgradeRow(
  id: string,
  attack: string,
  ends: StatusEnd,
  flights: readonly string[],
  when: Row['when'] = 'at once',
): Row {
  return httpRow(id, attack, ends, (scene) => sendFlights(scene, () => scene.http(), flights, ends), { when });
}

/** Previews, events and connections of the HTTP port. */
export const httpStreamRows: readonly Row[] = [
  upgradeRow('http-upgrade-no-login', 'asks for a preview without a login', closed(401, null), [
    upgrade(previewPath),
    upgrade(previewPath, 'Cookie: skyweir=guessed'),
    `${upgrade(previewPath)}${frame(1, 'too early').toString('latin1')}`,
  ]),
  upgradeRow(
    'http-upgrade-cross-site',
    'has the browser of somebody who is logged in ask for a preview from another site',
    closed(403, null),
    ['Origin: https://evil.example', 'Origin: null', 'Sec-Fetch-Site: cross-site', 'Origin: http://skyweir:81'].map(
      (line) => upgrade(previewPath, operator, line),
    ),
  ),
  upgradeRow('http-upgrade-elsewhere', 'asks for WebSockets where there are none', closed([400, 404], null), [
    upgrade('/', operator),
    upgrade('/metrics', operator),
    upgrade(eventsPath, operator),
    upgrade('/api/v1/streams/1', operator),
    upgrade('/api/v1/streams/..%2f..%2f/preview', operator),
    upgrade('/api/v1/streams/-1/preview', operator),
    upgrade('/api/v1/streams/__proto__/preview', operator),
  ]),
  upgradeRow('http-upgrade-odd', 'asks for a WebSocket of another version, or without a key', closed(400, broken), [
    upgrade(previewPath, operator).replace('Version: 13', 'Version: 99'),
    upgrade(previewPath, operator).replace(/Sec-WebSocket-Key:.*\r\n/, ''),
    upgrade(previewPath, operator).replace(/Key:.*\r\n/, `Key: ${'x'.repeat(5000)}\r\n`),
    upgrade(previewPath, operator, `Sec-WebSocket-Protocol: ${','.repeat(5000)}`),
    upgrade(previewPath, operator, `Sec-WebSocket-Extensions: ${';'.repeat(5000)}`).replace('13', '7'),
  ]),
  upgradeRow(
    'http-upgrade-with-body',
    'asks for a WebSocket with other methods, and with bodies that never come',
    closed([400, 404, 405, 408, 415, 426, null], tooSlow),
    [
      'POST /api/v1/login',
      'PATCH /api/v1/config',
      'POST /api/v1/streams/1/preview',
      'GET /api/v1/streams/1/preview',
      'GET /',
    ].flatMap((line) => {
      const [method, path] = line.split(' ') as [string, string];
      return [
        begin(method, path, ...upgradeHeaders, operator, 'Content-Type: application/json', 'Content-Length: 1000'),
        begin(method, path, ...upgradeHeaders, operator, 'Transfer-Encoding: chunked'),
      ];
    }),
    'request timeout',
  ),
  viewerRow('http-websocket-noise', 'sends noise in place of frames', closed(101, broken), [
    bytes([0xf3], body(3000, 5)),
    get('/metrics'),
    clientHello,
    frame(3),
    frame(11),
    bytes([0xc1, 0x80, 0, 0, 0, 0]),
    frame(0, 'a continuation of nothing'),
    frame(1, Buffer.from([0xc0, 0xae, 0xff])),
    frame(8, Buffer.from([0x03])),
    frame(8, Buffer.from([0x03, 0xed])),
    frame(9, 'p'.repeat(125), 126),
  ]),
  viewerRow('http-websocket-unmasked', 'sends frames without a mask', closed(101, broken), [
    bytes([0x81, 5], Buffer.from('hello')),
    bytes([0x89, 0]),
  ]),
  viewerRow('http-websocket-huge', 'announces frames of gigabytes and of 2^63 bytes', closed(101, broken), [
    frame(2, 'x', 2 ** 31),
    frame(2, 'x', 2 ** 52),
    bytes([0x82, 0xff, 0x80, 0, 0, 0, 0, 0, 0, 0]),
    frame(1, 'y'.repeat(100_000)),
  ]),
  viewerRow('http-websocket-fragments', 'sends fragments of a message without end', closed(101, broken), [
    bytes([0x01, 0x80, 0, 0, 0, 0], ...Array<Buffer>(20_000).fill(bytes([0x00, 0x81, 0, 0, 0, 0, 0x61]))),
    bytes([0x01, 0x80, 0, 0, 0, 0], ...Array<Buffer>(50_000).fill(bytes([0x00, 0x80, 0, 0, 0, 0]))),
  ]),
  viewerRow('http-websocket-pings', 'sends 50,000 pings as fast as it can', closed(101, sendsTooMuch), [
    Buffer.concat(Array<Buffer>(50_000).fill(frame(9, 'ping'))),
  ]),
  viewerRow(
    'http-websocket-talks',
    'sends 10,000 messages, to which there is nothing to say',
    closed(101, sendsTooMuch),
    [Buffer.concat(Array<Buffer>(10_000).fill(frame(1, '{"type":"codec","__proto__":{"live":true}}')))],
  ),
  httpRow(
    'http-websocket-deaf',
    'looks at a preview, asks with pings, and never reads',
    closed(101, takesNothing),
    async (scene) => {
      const { gate, address, path } = scene;
      const context = { after: (cleanup: () => void) => scene.cleanups.push(cleanup) };
      await NumberedStream.start(context, { port: gate.rtmp, path, bytes: 200_000, gop: 10, localAddress: address });
      const { streams } = JSON.parse((await askOperator(scene, '/api/v1/streams')).body) as {
        streams: { index: number; path: string }[];
      };
      const { index } = streams.find((stream) => stream.path === path)!;
      const peer = await viewer(scene, `/api/v1/streams/${index}/preview`);
      await until('video comes', () => peer.receivedBytes > 300_000);
      peer.socket.pause();
      await until('it is cut off', () => isTold(scene, takesNothing));
    },
    { when: 'write stall' },
  ),
  httpRow(
    'http-previews-per-camera',
    'looks at one camera twenty times, which eight may',
    { status: 101, closed: true, reason: null },
    async (scene) => {
      await Promise.all(Array.from({ length: 20 }, () => viewer(scene)));
      await until('twelve are sent away', () => openPeers(scene) <= 8);
      assert.equal(openPeers(scene), 8);
      assert.equal((await httpFigures(scene)).previews, 8);
      for (const peer of scene.peers) if (!peer.closed) peer.socket.destroy();
    },
  ),
  httpRow('http-events-deaf', 'follows the events and never reads', refused(200, null), async (scene) => {
    const peer = await scene.http();
    await ask(peer, get(eventsPath, operator, 'Last-Event-ID: 0'));
    peer.socket.pause();
    assert.equal((await httpFigures(scene)).eventClients, 1);
  }),
  httpRow(
    'http-events-pipelining',
    'follows the events, and goes on asking on the same connection',
    closed(200, 'too many requests at once'),
    async (scene) => {
      const peer = await scene.http();
      await ask(peer, get(eventsPath, operator));
      await peer.send(get('/metrics', operator).repeat(100));
    },
  ),
  httpRow('http-events-last-id', 'wants events after ones that there never were', refused(200, null), async (scene) => {
    for (const id of ['__proto__', '-1', '9'.repeat(5000), '\u009b2J', `${'x-'.repeat(2000)}1`]) {
      const peer = await scene.http();
      await ask(peer, get(eventsPath, operator, `Last-Event-ID: ${id}`));
    }
  }),
  httpRow(
    'http-events-limit',
    'follows the events 40 times, which 32 may',
    refused([200, 503], null),
    async (scene) => {
      const peers = await Promise.all(Array.from({ length: 40 }, () => scene.http()));
      const all = await Promise.all(peers.map((peer) => ask(peer, get(eventsPath, operator))));
      assert.equal(all.filter((status) => status === 200).length, 32);
      assert.equal((await httpFigures(scene)).eventClients, 32);
    },
  ),
  httpRow(
    'http-connections-per-address',
    'opens 80 connections, where an address may have 48',
    closed(null, 'too many connections'),
    async (scene) => {
      await knock(() => scene.http(), 80);
      await until('all but 48 are closed', () => openPeers(scene) <= 48);
      assert.equal(openPeers(scene), 48);
      // Others do not notice.
      assert.equal((await httpFigures(scene)).connections, 49);
    },
  ),
  httpRow(
    'http-connections-all',
    'opens 160 connections from four addresses to the port, which takes 128',
    closed(null, 'too many connections'),
    async (scene) => {
      await knock((i) => scene.http({ from: scene.otherAddress(1 + (i % 4)) }), 160);
      await until('all but 128 are closed', () => openPeers(scene) <= 128);
      assert.equal(openPeers(scene), 128);
      // The next one finds a place as soon as those have ended that say nothing.
      await until('those that say nothing have ended', () => openPeers(scene) === 0);
    },
  ),
  httpRow(
    'http-connect-flood',
    'connects and hangs up 2000 times',
    refused(401, 'the connection was reset'),
    async (scene) => {
      for (let i = 0; i < 100; i++) {
        await knock(() => scene.http(), 20);
        for (const peer of scene.peers.splice(0)) peer.socket.resetAndDestroy();
      }
      await resetKnown(scene, () => scene.http(), '', get('/metrics'));
    },
  ),
  httpRow(
    'http-reset-in-request',
    'resets its connection in the middle of a request or of an answer, 100 times',
    refused(401, 'the connection was reset'),
    async (scene) => {
      const whole = send('POST', '/api/v1/config/validate', JSON.stringify({ yaml: ' '.repeat(3000) }), operator);
      for (let i = 0; i < 100; i++) {
        const peer = await scene.http();
        await peer.send(whole.subarray(0, i < 50 ? 1 + i : 67 * i));
        peer.socket.resetAndDestroy();
      }
      scene.peers.length = 0;
      await resetKnown(scene, () => scene.http(), whole.subarray(0, 40), get('/metrics'));
    },
  ),
  httpRow(
    'http-half-closed',
    'asks, and closes its half before the answer',
    refused([200, 401], null),
    async (scene) => {
      for (const request of [get('/api/v1/streams', operator), get('/'), get('/metrics')]) {
        const peer = await scene.http();
        peer.socket.end(request);
        await answered(peer);
      }
      // Whoever has said that nothing more comes is not kept: that is no end of the server's.
      scene.peers.splice(0, 3);
      await ask(await scene.http(), get('/metrics'));
    },
  ),
];

/** A row whose peers attack the port of a server with a certificate. */
function secure(
  id: string,
  attack: string,
  ends: StatusEnd,
  play: Row['play'],
  when: Row['when'] = 'at once',
  alone = when === 'at once',
): Row {
  return { ...httpRow(id, attack, ends, play, { when, alone }), protocol: 'HTTP over TLS' };
}

/** TLS of the HTTP port. */
export const httpsRows: readonly Row[] = [
  secure('https-plain', 'speaks HTTP to a port that has a certificate', refused(401, null), async (scene) => {
    await ask(await scene.https(), get('/metrics'));
  }),
  secure(
    'https-half-handshake',
    'sends half a ClientHello',
    closed(null, 'no request came in time'),
    async (scene) => {
      (await scene.https()).write(clientHello.subarray(0, 60));
    },
    'head timeout',
  ),
  secure('https-bad-hello', 'sends a ClientHello of noise', closed(null, 'the TLS handshake failed'), async (scene) => {
    (await scene.https()).write(bytes('16030100c80100ffff0303', body(300, 3)));
  }),
  secure(
    'https-silent-after-handshake',
    'finishes the TLS handshake and says nothing more',
    closed(null, 'no request came in time'),
    async (scene) => {
      await scene.https({ tls: {} });
    },
    'head timeout',
  ),
  secure(
    'https-slowloris',
    'opens 40 connections and sends the heads of requests byte by byte on all of them',
    closed(null, 'no request came in time'),
    async (scene) => {
      await knock(() => scene.https({ tls: {} }), 40);
      await Promise.all(scene.peers.map((peer) => peer.trickle(Buffer.from(get('/', `X: ${'y'.repeat(300)}`)), 50)));
    },
    'head timeout',
    true,
  ),
  secure(
    'https-slow-hello',
    'sends a good ClientHello byte by byte',
    closed(null, 'no request came in time'),
    async (scene) => {
      await (await scene.https()).trickle(await goodHello(), 30);
    },
    'head timeout',
  ),
  secure(
    'https-broken-record',
    'breaks a record in the middle of a request',
    closed(null, 'the TLS connection broke'),
    async (scene) => {
      const peer = await scene.https({ tls: {} });
      await ask(peer, get('/metrics'));
      peer.write(get('/metrics').slice(0, 20));
      breakRecord(peer);
      peer.forget();
    },
  ),
  secure(
    'https-garbage-after-hello',
    'sends a good ClientHello and then noise',
    closed(null, 'the TLS '),
    async (scene) => {
      const hello = await goodHello();
      (await scene.https()).write(bytes(hello, '1703030040', body(64), '16030300ff', body(255)));
    },
  ),
  secure(
    'https-renegotiation',
    'wants to repeat the handshake again and again',
    closed(null, 'the TLS connection broke'),
    async (scene) => {
      const peer = await scene.https({ tls: { maxVersion: 'TLSv1.2' } });
      await ask(peer, get('/metrics'));
      peer.forget();
      for (let i = 0; i < 20 && !peer.closed; i++) {
        await new Promise<void>((resolve) => {
          peer.socket.once('close', () => resolve());
          peer.tls.renegotiate({}, () => resolve());
        });
      }
    },
  ),
  secure('https-inside', 'begins TLS once more inside TLS', closed(400, notHttp), async (scene) => {
    const hello = await goodHello();
    const peer = await scene.https({ tls: {} });
    peer.write(hello);
    await once(peer.socket, 'data');
  }),
  secure(
    'https-plain-cookie',
    'sends the cookie of plain HTTP over TLS, and that of TLS over plain HTTP',
    refused(401, null),
    async (scene) => {
      await ask(await scene.https({ tls: {} }), get('/metrics', 'Cookie: skyweir=x'));
      await ask(await scene.https(), get('/metrics', 'Cookie: __Host-skyweir=x'));
    },
  ),
];
