import assert from 'node:assert/strict';
import { amf, bytes, handshake } from '../../golden/wire.ts';
import { NumberedStream } from '../../support/numbered-stream.ts';
import { until } from '../../support/program.ts';
import type { Peer } from './peer.ts';
import { command, connect, opening, publish, type Row, type Scene } from './row.ts';
import { clientHello } from './rtmp-opening-rows.ts';
import { RtspTalk } from './rtsp-talk.ts';

/** A peer of the third server that asks to publish. */
async function asks(scene: Scene, name: string, from = scene.address): Promise<Peer> {
  const peer = await scene.open({ port: scene.gate.rtmp, from });
  peer.write(opening(name));
  return peer;
}

/** Reasons that only a server with some settings has: cameras on ports of their own, takeovers, closed address ranges. */
export const gateRows: readonly Row[] = [
  {
    id: 'path-elsewhere',
    protocol: 'RTMP',
    attack: 'publishes to a path of another port',
    ends: 'path_elsewhere',
    gate: true,
    play: async (scene) => {
      const away = await scene.open({ port: scene.gate.elsewhere });
      away.write(opening(scene.streamName));
      await asks(scene, 'elsewhere');
    },
  },
  {
    id: 'path-flapping',
    protocol: 'RTMP',
    attack: 'takes a path over that was taken over a moment ago',
    ends: ['path_flapping', 'taken_over'],
    gate: true,
    play: async (scene) => {
      const first = await asks(scene, scene.streamName);
      await first.receives('NetStream.Publish.Start');
      const second = await asks(scene, scene.streamName);
      second.bystander = true;
      await second.receives('NetStream.Publish.Start');
      for (let i = 0; i < 6; i++) await (await asks(scene, scene.streamName)).end();
      await until('the first has given way', () => first.closed);
      await scene.answersPing(second);
    },
  },
  {
    id: 'address-denied',
    protocol: 'RTMP',
    attack: 'connects 20 times from an address that is kept out',
    ends: 'refused',
    refusal: 'ip_denied',
    gate: true,
    play: async (scene) => {
      const from = scene.address.replace('127.1.', '127.77.');
      for (let i = 0; i < 20; i++) {
        const peer = await asks(scene, scene.streamName, from);
        await peer.end();
        assert.equal(peer.receivedBytes, 0);
      }
    },
  },
];

/** All peers have one IPv6 address, which no other row may use up: these play one after the other. */
function ipv6(protocol: 'RTMP' | 'RTSP', row: Omit<Row, 'protocol' | 'gate' | 'alone'>): Row {
  return { ...row, protocol: `${protocol} over IPv6`, gate: true, alone: true };
}

/** A row that sends one flight of bytes over IPv6. */
function flight(
  protocol: 'RTMP' | 'RTSP',
  id: string,
  attack: string,
  ends: Row['ends'],
  content: Uint8Array | string,
  when: Row['when'] = 'at once',
): Row {
  const play = async (scene: Scene) => {
    const peer = await scene.open({ port: protocol === 'RTMP' ? scene.gate.rtmp : scene.gate.rtsp, from: '::1' });
    peer.write(content);
  };
  return ipv6(protocol, { id, attack, ends, when, play });
}

export const ipv6Rows: readonly Row[] = [
  flight('RTMP', 'ipv6-half-open', 'connects and says nothing', 'handshake_timeout', '', 'handshake timeout'),
  flight('RTMP', 'ipv6-http', 'speaks HTTP', 'not_rtmp_http', 'GET / HTTP/1.1\r\nHost: [::1]\r\n\r\n'),
  flight(
    'RTMP',
    'ipv6-never-publishes',
    'connects to the application and never publishes',
    'publish_timeout',
    bytes(handshake(), connect()),
    'publish timeout',
  ),
  flight(
    'RTMP',
    'ipv6-path-escape-sequence',
    'steers the terminal from the application',
    'path_invalid',
    bytes(handshake(), connect({ app: amf.string('\u001b[2J') }), command('createStream', 4, amf.null), publish('x')),
  ),
  ipv6('RTMP', {
    id: 'ipv6-connections-per-address',
    attack: 'opens ten connections from one network of 2^64 addresses, where four are allowed',
    ends: 'refused',
    refusal: 'connections_per_ip_exceeded',
    play: async (scene) => {
      await Promise.all(Array.from({ length: 10 }, () => scene.open({ port: scene.gate.rtmp, from: '::1' })));
      await until('all but four are closed', () => scene.peers.filter(({ closed }) => !closed).length <= 4);
    },
  }),
  flight('RTSP', 'ipv6-rtsp-silent', 'connects and says nothing', 'receive_timeout', '', 'session timeout'),
  flight('RTSP', 'ipv6-rtsp-tls', 'speaks TLS where there is no certificate', 'rtsps_off', clientHello),
  flight(
    'RTSP',
    'ipv6-rtsp-header-flood',
    'sends headers without end',
    'rtsp_too_large',
    `OPTIONS * RTSP/1.0\r\n${'X: y\r\n'.repeat(20_000)}`,
  ),
  ipv6('RTSP', {
    id: 'ipv6-rtsp-wrong-logins',
    attack: 'tries eight passwords',
    ends: 'authentication_failed',
    play: async (scene) => {
      const url = `rtsp://[::1]:${scene.gate.rtsp}${scene.path}`;
      const talk = new RtspTalk(await scene.open({ port: scene.gate.rtsp, from: '::1' }), url);
      await talk.ask('DESCRIBE', url);
      const { nonce } = talk;
      for (let i = 0; i < 8; i++) {
        talk.nonce = '';
        await talk.ask('DESCRIBE', url, [talk.authorization('DESCRIBE', url, { nonce, password: `guess ${i}` })]);
      }
    },
  }),
  ipv6('RTSP', {
    id: 'ipv6-rtsp-reads-nothing',
    attack: 'plays a stream and never reads',
    ends: 'write_stalled',
    when: 'write stall',
    play: async (scene) => {
      const { gate, address, path } = scene;
      await NumberedStream.start(
        { after: (cleanup) => scene.cleanups.push(cleanup) },
        { port: gate.rtmp, path, bytes: 200_000, localAddress: address },
      );
      const url = `rtsp://[::1]:${gate.rtsp}${path}`;
      const talk = new RtspTalk(await scene.open({ port: gate.rtsp, from: '::1' }), url);
      await talk.ask('DESCRIBE', url);
      await talk.expect(200, 'DESCRIBE', url);
      await talk.expect(200, 'SETUP', `${url}/trackID=0`, ['Transport: RTP/AVP/TCP;unicast;interleaved=0-1']);
      await talk.expect(200, 'PLAY', url);
      talk.peer.socket.pause();
      await until('it is cut off', () => scene.server.endings(talk.peer).length > 0);
    },
  }),
];
