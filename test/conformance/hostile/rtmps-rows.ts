import { once } from 'node:events';
import { body, bytes, handshake } from '../../golden/wire.ts';
import { opening, type Row } from './row.ts';
import { clientHello } from './rtmp-opening-rows.ts';
import { breakRecord, goodHello } from './tls-client.ts';

const rtmps = 'RTMPS' as const;

/** A row whose peer sends one flight of bytes to the TLS port. */
function flight(id: string, attack: string, ends: Row['ends'], content: Uint8Array | string, when?: Row['when']): Row {
  return {
    id,
    protocol: rtmps,
    attack,
    ends,
    ...(when !== undefined && { when }),
    play: async (scene) => {
      const peer = await scene.rtmps();
      peer.write(content);
    },
  };
}

export const rtmpsRows: readonly Row[] = [
  flight('tls-silent', 'connects and says nothing', 'handshake_timeout', '', 'handshake timeout'),
  flight(
    'tls-half-handshake',
    'sends half a ClientHello',
    'handshake_timeout',
    clientHello.subarray(0, 60),
    'handshake timeout',
  ),
  flight('tls-plain-rtmp', 'speaks RTMP without TLS', 'not_tls_rtmp', handshake()),
  flight('tls-http', 'speaks HTTP', 'not_tls', 'GET / HTTP/1.1\r\n\r\n'),
  flight('tls-ssh', 'speaks SSH', 'not_tls', 'SSH-2.0-x\r\n'),
  flight(
    'tls-bad-hello',
    'sends a ClientHello of noise',
    'tls_handshake_failed',
    bytes('16030100c80100ffff0303', body(300, 3)),
  ),
  flight('tls-record-lies', 'announces a record of 64 kB', 'tls_handshake_failed', bytes('160301ffff', body(400))),
  {
    id: 'tls-garbage-after-hello',
    protocol: rtmps,
    attack: 'sends a good ClientHello and then noise',
    ends: ['tls_handshake_failed', 'tls_failed'],
    play: async (scene) => {
      const hello = await goodHello();
      const peer = await scene.rtmps();
      peer.write(bytes(hello, '1703030040', body(64), '16030300ff', body(255)));
    },
  },
  {
    id: 'tls-trickle',
    protocol: rtmps,
    attack: 'sends a good ClientHello byte by byte',
    ends: 'handshake_timeout',
    when: 'handshake timeout',
    play: async (scene) => {
      const hello = await goodHello();
      const peer = await scene.rtmps();
      await peer.trickle(hello, 20);
    },
  },
  {
    id: 'tls-old-version',
    protocol: rtmps,
    attack: 'offers TLS 1.1 and nothing newer',
    ends: 'tls_handshake_failed',
    play: async (scene) => {
      // The version field of TLS 1.1, and no extension that offers more.
      const peer = await scene.rtmps();
      peer.write(bytes('160301 002f 01 00002b 0302', body(32), '00 0004 c014 0035 01 00', '0000'));
    },
  },
  {
    id: 'tls-garbage-after-handshake',
    protocol: rtmps,
    attack: 'breaks a record after the handshake',
    ends: 'tls_failed',
    play: async (scene) => {
      const peer = await scene.rtmps({ tls: {} });
      peer.write(handshake().subarray(0, 1537));
      await once(peer.socket, 'data');
      breakRecord(peer);
    },
  },
  {
    id: 'tls-renegotiation',
    protocol: rtmps,
    attack: 'wants to repeat the handshake again and again',
    ends: ['tls_failed', 'handshake_timeout', 'peer_closed', 'peer_reset'],
    when: 'handshake timeout',
    play: async (scene) => {
      const peer = await scene.rtmps({ tls: { maxVersion: 'TLSv1.2' } });
      for (let i = 0; i < 10 && !peer.closed; i++) {
        await new Promise<void>((resolve) => {
          peer.socket.once('close', () => resolve());
          peer.tls.renegotiate({}, () => resolve());
        });
      }
    },
  },
  {
    id: 'tls-silent-after-handshake',
    protocol: rtmps,
    attack: 'finishes the TLS handshake and says nothing more',
    ends: 'handshake_timeout',
    when: 'handshake timeout',
    play: async (scene) => {
      await scene.rtmps({ tls: {} });
    },
  },
  {
    id: 'tls-publisher-silent',
    protocol: rtmps,
    attack: 'publishes over TLS and sends nothing',
    ends: 'video_timeout',
    when: 'video timeout',
    play: async (scene) => {
      const peer = await scene.rtmps({ tls: {} });
      peer.write(opening(scene.streamName));
      await peer.receives('NetStream.Publish.Start');
    },
  },
];
