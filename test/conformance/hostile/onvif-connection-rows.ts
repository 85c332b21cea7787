import assert from 'node:assert/strict';
import { once } from 'node:events';
import { body, bytes } from '../../golden/wire.ts';
import { envelope } from '../../support/onvif-peer.ts';
import { until } from '../../support/program.ts';
import { ask, closed, knock, openPeers, resetKnown } from './http-talk.ts';
import { flight, getProfiles, request, signed } from './onvif-talk.ts';
import type { Row, StatusEnd } from './row.ts';
import { clientHello } from './rtmp-opening-rows.ts';
import { breakRecord, goodHello } from './tls-client.ts';

const protocol = 'ONVIF' as const;
const https = 'ONVIF over HTTPS' as const;

const get = (cookie: string): string =>
  `GET /stream1 HTTP/1.0\r\nx-sessioncookie: ${cookie}\r\nAccept: application/x-rtsp-tunnelled\r\n\r\n`;
const tunnelPost = (cookie: string): string =>
  `POST /stream1 HTTP/1.0\r\nx-sessioncookie: ${cookie}\r\nContent-Type: application/x-rtsp-tunnelled\r\nContent-Length: 32767\r\n\r\n`;

/** A row whose peers send something to a device with a certificate. */
function secure(id: string, attack: string, ends: StatusEnd, play: Row['play'], when: Row['when'] = 'at once'): Row {
  return { id, protocol: https, attack, ends, when, play };
}

/** Connections, tunnels and TLS of ONVIF ports. */
export const onvifConnectionRows: readonly Row[] = [
  {
    id: 'onvif-connections-per-address',
    protocol,
    attack: 'opens 200 connections to one device, where an address may have 128',
    ends: closed(null, 'too many connections'),
    gate: true,
    play: async (scene) => {
      await knock(() => scene.onvif(), 200);
      await until('all but 128 are closed', () => openPeers(scene) <= 128);
      assert.equal(openPeers(scene), 128);
    },
  },
  {
    id: 'onvif-connections-all',
    protocol,
    attack: 'opens 400 connections from four addresses to one device, which takes 256',
    ends: closed(null, 'too many connections'),
    gate: true,
    play: async (scene) => {
      await knock((i) => scene.onvif({ from: scene.otherAddress(1 + (i % 4)) }), 400);
      await until('all but 256 are closed', () => openPeers(scene) <= 256);
    },
  },
  {
    id: 'onvif-connect-flood',
    protocol,
    attack: 'connects and hangs up 2000 times',
    ends: { status: 401, closed: false, reason: 'the connection was reset' },
    gate: true,
    play: async (scene) => {
      for (let i = 0; i < 100; i++) {
        await knock(() => scene.onvif(), 20);
        for (const peer of scene.peers.splice(0)) peer.socket.resetAndDestroy();
      }
      await resetKnown(scene, () => scene.onvif(), '', request(envelope(getProfiles)));
    },
  },
  {
    id: 'onvif-reset-in-request',
    protocol,
    attack: 'resets its connection in the middle of a request, 100 times',
    ends: { status: 401, closed: false, reason: 'the connection was reset' },
    gate: true,
    play: async (scene) => {
      const half = request(signed(getProfiles)).subarray(0, 700);
      for (let i = 0; i < 100; i++) {
        const peer = await scene.onvif();
        await peer.send(half.subarray(0, 7 * i));
        peer.socket.resetAndDestroy();
      }
      scene.peers.length = 0;
      await resetKnown(scene, () => scene.onvif(), half.subarray(0, 40), request(envelope(getProfiles)));
    },
  },
  flight(
    'onvif-tunnel-get-idle',
    'opens the GET of a tunnel and never a POST',
    closed(200, null),
    get('idle'),
    'session timeout',
  ),
  flight('onvif-tunnel-posts', 'sends 50 POSTs of tunnels that have no GET', closed([400, 404], null), () =>
    Array.from(
      { length: 50 },
      (_, i) => tunnelPost(`none${i}`) + Buffer.from('OPTIONS * RTSP/1.0\r\nCSeq: 1\r\n\r\n').toString('base64'),
    ),
  ),
  {
    id: 'onvif-tunnel-after-request',
    protocol,
    attack: 'hides a tunnel behind a request on the same connection',
    ends: { status: 405, closed: false, reason: 'this is an ONVIF device: it takes POST only' },
    gate: true,
    play: async (scene) => {
      const peer = await scene.onvif();
      await ask(peer, request(envelope(getProfiles)));
      await ask(peer, get('behind').replace('HTTP/1.0', 'HTTP/1.1\r\nHost: x'));
    },
  },
  secure(
    'onvif-https-plain',
    'speaks HTTP to a device that has a certificate',
    { status: 401, closed: false, reason: null },
    async (scene) => {
      await ask(await scene.onvifs(), request(envelope(getProfiles)));
    },
  ),
  secure(
    'onvif-https-half-handshake',
    'sends half a ClientHello',
    closed(null, 'no request came in time'),
    async (scene) => {
      (await scene.onvifs()).write(clientHello.subarray(0, 60));
    },
    'head timeout',
  ),
  secure(
    'onvif-https-bad-hello',
    'sends a ClientHello of noise',
    closed(null, 'the TLS handshake failed'),
    async (scene) => {
      (await scene.onvifs()).write(bytes('16030100c80100ffff0303', body(300, 3)));
    },
  ),
  secure(
    'onvif-https-silent-after-handshake',
    'finishes the TLS handshake and says nothing more',
    closed(null, 'no request came in time'),
    async (scene) => {
      await scene.onvifs({ tls: {} });
    },
    'head timeout',
  ),
  secure(
    'onvif-https-broken-record',
    'breaks a record in the middle of a request',
    closed(null, 'the TLS connection broke'),
    async (scene) => {
      const peer = await scene.onvifs({ tls: {} });
      await ask(peer, request(envelope(getProfiles)));
      peer.write(request(envelope(getProfiles)).subarray(0, 200));
      breakRecord(peer);
      peer.forget();
    },
  ),
  secure(
    'onvif-https-garbage-after-hello',
    'sends a good ClientHello and then noise',
    closed(null, 'the TLS '),
    async (scene) => {
      const hello = await goodHello();
      (await scene.onvifs()).write(bytes(hello, '1703030040', body(64), '16030300ff', body(255)));
    },
  ),
  secure(
    'onvif-https-renegotiation',
    'wants to repeat the handshake again and again',
    closed(null, 'the TLS connection broke'),
    async (scene) => {
      const peer = await scene.onvifs({ tls: { maxVersion: 'TLSv1.2' } });
      await ask(peer, request(envelope(getProfiles)));
      peer.forget();
      for (let i = 0; i < 20 && !peer.closed; i++) {
        await new Promise<void>((resolve) => {
          peer.socket.once('close', () => resolve());
          peer.tls.renegotiate({}, () => resolve());
        });
      }
    },
  ),
  secure('onvif-https-inside', 'begins TLS once more inside TLS', closed(400, 'not HTTP: HPE_'), async (scene) => {
    const hello = await goodHello();
    const peer = await scene.onvifs({ tls: {} });
    peer.write(hello);
    await once(peer.socket, 'data');
  }),
];
