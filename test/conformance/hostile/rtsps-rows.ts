import { once } from 'node:events';
import { body, bytes } from '../../golden/wire.ts';
import type { Row } from './row.ts';
import { clientHello } from './rtmp-opening-rows.ts';
import { breakRecord, goodHello } from './tls-client.ts';

const rtsps = 'RTSPS' as const;

/** A row whose peer sends one flight of bytes to an RTSP port that has a certificate. */
function flight(
  id: string,
  attack: string,
  ends: Row['ends'],
  content: Uint8Array,
  when: Row['when'] = 'at once',
): Row {
  return {
    id,
    protocol: rtsps,
    attack,
    ends,
    when,
    play: async (scene) => {
      const peer = await scene.rtsps();
      peer.write(content);
    },
  };
}

export const rtspsRows: readonly Row[] = [
  flight(
    'rtsps-half-handshake',
    'sends half a ClientHello',
    'handshake_timeout',
    clientHello.subarray(0, 60),
    'handshake timeout',
  ),
  flight(
    'rtsps-bad-hello',
    'sends a ClientHello of noise',
    'tls_handshake_failed',
    bytes('16030100c80100ffff0303', body(300, 3)),
  ),
  {
    id: 'rtsps-garbage-after-hello',
    protocol: rtsps,
    attack: 'sends a good ClientHello and then noise',
    ends: ['tls_handshake_failed', 'tls_failed'],
    play: async (scene) => {
      const hello = await goodHello();
      const peer = await scene.rtsps();
      peer.write(bytes(hello, '1703030040', body(64), '16030300ff', body(255)));
    },
  },
  {
    id: 'rtsps-garbage-after-handshake',
    protocol: rtsps,
    attack: 'breaks a record after the handshake',
    ends: 'tls_failed',
    play: async (scene) => {
      const peer = await scene.rtsps({ tls: {} });
      peer.write('OPTIONS * RTSP/1.0\r\nCSeq: 1\r\n\r\n');
      await once(peer.socket, 'data');
      breakRecord(peer);
    },
  },
  {
    id: 'rtsps-inside-tls',
    protocol: rtsps,
    attack: 'begins TLS once more inside TLS',
    ends: 'rtsp_malformed',
    play: async (scene) => {
      const peer = await scene.rtsps({ tls: {} });
      peer.write(await goodHello());
    },
  },
  {
    id: 'rtsps-silent-after-handshake',
    protocol: rtsps,
    attack: 'finishes the TLS handshake and says nothing more',
    ends: 'receive_timeout',
    when: 'session timeout',
    play: async (scene) => {
      await scene.rtsps({ tls: {} });
    },
  },
];
