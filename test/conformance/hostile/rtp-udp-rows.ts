import assert from 'node:assert/strict';
import { createSocket, type Socket } from 'node:dgram';
import { once } from 'node:events';
import { body, bytes } from '../../golden/wire.ts';
import { until } from '../../support/program.ts';
import type { Row, Scene } from './row.ts';
import { RtspTalk } from './rtsp-talk.ts';

const protocol = 'RTP over UDP' as const;
const receiverReport = bytes('80c9000100000007');
const goodbye = bytes('80c900010000000781cb000100000007');

/** A UDP socket on an address of the row. */
async function udp(scene: Scene, address = scene.address): Promise<Socket> {
  const socket = createSocket('udp4');
  socket.on('error', () => undefined);
  socket.bind(0, address);
  await once(socket, 'listening');
  scene.cleanups.push(() => socket.close());
  return socket;
}

interface Playing {
  readonly talk: RtspTalk;
  readonly rtp: Socket;
  readonly rtcp: Socket;
  /** Ports of the server. */
  readonly rtpPort: number;
  readonly rtcpPort: number;
  packets: number;
}

/** Plays a camera over UDP. */
async function play(scene: Scene, path = '/stream1', more = ''): Promise<Playing> {
  const [rtp, rtcp] = [await udp(scene), await udp(scene)];
  const transport = `RTP/AVP;unicast;client_port=${rtp.address().port}-${rtcp.address().port}${more}`;
  const talk = await RtspTalk.ready(scene, transport, path);
  const [, rtpPort, rtcpPort] = /server_port=(\d+)-(\d+)/.exec(talk.lastAnswer)!;
  const playing: Playing = { talk, rtp, rtcp, rtpPort: Number(rtpPort), rtcpPort: Number(rtcpPort), packets: 0 };
  rtp.on('message', () => {
    playing.packets++;
  });
  await talk.expect(200, 'PLAY');
  await until('media comes', () => playing.packets > 0);
  return playing;
}

export const udpRows: readonly Row[] = [
  {
    id: 'udp-garbage',
    protocol,
    attack: 'sends noise to both ports of the server',
    ends: 'tolerated',
    play: async (scene) => {
      const { talk, rtp, rtcp, rtpPort, rtcpPort } = await play(scene);
      for (let i = 0; i < 500; i++) {
        rtp.send(body(i, i), rtpPort, '127.0.0.1');
        rtcp.send(body(i, i), rtcpPort, '127.0.0.1');
        rtcp.send(
          bytes([0x80 | (i & 31), 200 + (i % 5), i & 255, 255 - (i & 255)], body(40, i)),
          rtcpPort,
          '127.0.0.1',
        );
      }
      await talk.stillAnswers();
    },
  },
  {
    id: 'udp-bye',
    protocol,
    attack: 'says goodbye in the name of a reader, from another port and another address',
    ends: 'tolerated',
    play: async (scene) => {
      const playing = await play(scene);
      for (const socket of [await udp(scene), await udp(scene, scene.otherAddress(1))]) {
        for (let i = 0; i < 20; i++) socket.send(goodbye, playing.rtcpPort, '127.0.0.1');
      }
      const { packets } = playing;
      await until('media goes on', () => playing.packets > packets + 20);
      await playing.talk.stillAnswers();
    },
  },
  {
    id: 'udp-foreign-reports',
    protocol,
    attack: 'keeps the session of a reader that is gone alive, from another port',
    ends: 'session_timeout',
    when: 'session timeout',
    play: async (scene) => {
      const { talk, rtcpPort } = await play(scene);
      const other = await udp(scene);
      const timer = setInterval(() => other.send(receiverReport, rtcpPort, '127.0.0.1'), 50);
      other.once('close', () => clearInterval(timer));
      await talk.peer.end().finally(() => clearInterval(timer));
    },
  },
  {
    id: 'udp-destination',
    protocol,
    attack: 'asks for media to be sent to another host',
    ends: 'tolerated',
    play: async (scene) => {
      const victim = await udp(scene, scene.otherAddress(1));
      let hits = 0;
      victim.on('message', () => {
        hits++;
      });
      const more = `;destination=${scene.otherAddress(1)};source=${scene.otherAddress(1)}`;
      const playing = await play(scene, '/stream1', more);
      await until('media goes to who asked', () => playing.packets > 20);
      assert.equal(hits, 0);
      assert.equal(playing.talk.lastAnswer.includes('destination'), false);
      await playing.talk.stillAnswers();
    },
  },
  {
    id: 'udp-privileged-ports',
    protocol,
    attack: 'asks for media to be sent to the ports of name servers, clocks and the like',
    ends: 'tolerated',
    play: async (scene) => {
      const talk = await RtspTalk.open(scene);
      for (const ports of [
        '53-54',
        '123-124',
        '161-162',
        '1023-1024',
        '2000-1023',
        '0-1',
        '65535',
        '70000-70001',
        '5000-5000',
      ]) {
        const status = await talk.ask('SETUP', `${talk.url}/trackID=0`, [
          `Transport: RTP/AVP;unicast;client_port=${ports}`,
        ]);
        assert.equal(status, 461, ports);
      }
      await talk.stillAnswers();
    },
  },
  {
    id: 'udp-ports-of-another',
    protocol,
    attack: 'names the ports of another reader of its address',
    ends: 'tolerated',
    play: async (scene) => {
      const first = await play(scene);
      const transport = `RTP/AVP;unicast;client_port=${first.rtp.address().port}-${first.rtcp.address().port}`;
      const second = await RtspTalk.ready(scene, transport, '/stream2');
      await second.expect(200, 'TEARDOWN');
      const { packets } = first;
      await until('media goes on', () => first.packets > packets + 20);
      await first.talk.stillAnswers();
    },
  },
];
