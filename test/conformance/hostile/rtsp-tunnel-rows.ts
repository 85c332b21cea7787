import assert from 'node:assert/strict';
import type { Peer } from './peer.ts';
import type { Row, Scene } from './row.ts';

const protocol = 'RTSP over HTTP' as const;

function get(cookie: string): string {
  return `GET /stream1 HTTP/1.0\r\nx-sessioncookie: ${cookie}\r\nAccept: application/x-rtsp-tunnelled\r\n\r\n`;
}

function post(cookie: string): string {
  return `POST /stream1 HTTP/1.0\r\nx-sessioncookie: ${cookie}\r\nContent-Type: application/x-rtsp-tunnelled\r\nContent-Length: 32767\r\n\r\n`;
}

const request = (cseq: number): string => `OPTIONS * RTSP/1.0\r\nCSeq: ${cseq}\r\n\r\n`;
const encoded = (text: string): string => Buffer.from(text).toString('base64');

/** A GET that is answered and that the row leaves in peace. */
async function openGet(scene: Scene, cookie: string): Promise<Peer> {
  const peer = await scene.rtsp();
  peer.write(get(cookie));
  await peer.receives('200 OK');
  return peer;
}

export const tunnelRows: readonly Row[] = [
  {
    id: 'tunnel-post-alone',
    protocol,
    attack: 'sends a POST that has no GET',
    ends: 'rtsp_malformed',
    play: async (scene) => {
      const peer = await scene.rtsp();
      peer.write(post('alone') + encoded(request(1)));
    },
  },
  {
    id: 'tunnel-two-gets',
    protocol,
    attack: 'opens a second GET under a cookie that is in use',
    ends: 'rtsp_malformed',
    play: async (scene) => {
      const first = await openGet(scene, 'twice');
      first.bystander = true;
      const second = await scene.rtsp();
      second.write(get('twice'));
      await second.end();
      const answer = await scene.rtsp();
      answer.bystander = true;
      answer.write(post('twice') + encoded(request(5)));
      await first.receives('CSeq: 5');
    },
  },
  {
    id: 'tunnel-other-address',
    protocol,
    attack: 'joins the tunnel of another address by its cookie',
    ends: 'rtsp_malformed',
    play: async (scene) => {
      const owner = await openGet(scene, 'stolen');
      owner.bystander = true;
      const thief = await scene.rtsp({ from: scene.otherAddress(1) });
      thief.write(post('stolen') + encoded(request(6)));
      await thief.end();
      assert.equal(owner.received.includes('CSeq: 6'), false);
    },
  },
  {
    id: 'tunnel-not-base64',
    protocol,
    attack: 'sends a POST whose body is not base64',
    ends: 'rtsp_malformed',
    play: async (scene) => {
      const owner = await openGet(scene, 'noise');
      owner.bystander = true;
      const peer = await scene.rtsp();
      peer.write(`${post('noise')}${encoded(request(7))}!\u0000\u00ff`);
      await owner.receives('CSeq: 7');
    },
  },
  {
    id: 'tunnel-noise-inside',
    protocol,
    attack: 'sends noise through a good tunnel',
    ends: ['rtsp_malformed', 'teardown'],
    play: async (scene) => {
      await openGet(scene, 'inside');
      const peer = await scene.rtsp();
      peer.write(`${post('inside')}${encoded('\u0001\u0002\u0003'.repeat(500))}`);
    },
  },
  {
    id: 'tunnel-endless-post',
    protocol,
    attack: 'sends a POST without end, with requests in it but no login',
    ends: ['receive_timeout', 'teardown'],
    when: 'session timeout',
    play: async (scene) => {
      const owner = await openGet(scene, 'endless');
      const peer = await scene.rtsp();
      peer.write(post('endless'));
      const blanks = '\r\n'.repeat(32 * 1024);
      for (let i = 0; i < 20_000 && !peer.closed && !owner.closed; i++) {
        await peer.send(blanks + encoded(request(i)));
        await new Promise((next) => setTimeout(next, 5));
      }
    },
  },
  {
    id: 'tunnel-flood',
    protocol,
    attack: 'sends requests without end through a tunnel whose answers nobody reads',
    // On a machine that is slow enough, the time without a login is over first.
    ends: ['output_exceeded', 'receive_timeout', 'teardown'],
    play: async (scene) => {
      const owner = await openGet(scene, 'flood');
      owner.socket.pause();
      const peer = await scene.rtsp();
      peer.write(post('flood'));
      const block = encoded(`${request(8)}\r\n`.repeat(1600));
      const ended = () => scene.server.endings(owner).length > 0;
      for (let i = 0; i < 400 && !peer.closed && !ended(); i++) await peer.send(block);
    },
  },
  {
    id: 'tunnel-huge-head',
    protocol,
    attack: 'sends an HTTP head of 1 MB',
    ends: 'rtsp_too_large',
    play: async (scene) => {
      const peer = await scene.rtsp();
      await peer.send(`GET /stream1 HTTP/1.0\r\nX: ${'y'.repeat(1024 * 1024)}`);
    },
  },
  {
    id: 'tunnel-no-cookie',
    protocol,
    attack: 'sends a GET without a cookie, as a browser does',
    ends: 'rtsp_malformed',
    play: async (scene) => {
      const peer = await scene.rtsp();
      peer.write('GET / HTTP/1.1\r\nHost: x\r\nUser-Agent: Mozilla/5.0\r\n\r\n');
      await peer.receives('400 Bad Request');
    },
  },
  {
    id: 'tunnel-huge-cookie',
    protocol,
    attack: 'sends a cookie of 10 kB',
    ends: 'rtsp_malformed',
    play: async (scene) => {
      const peer = await scene.rtsp();
      peer.write(get('x'.repeat(10_000)));
    },
  },
  {
    id: 'tunnel-get-idle',
    protocol,
    attack: 'opens a GET and never a POST',
    ends: 'receive_timeout',
    when: 'session timeout',
    play: async (scene) => {
      await openGet(scene, 'idle');
    },
  },
];
