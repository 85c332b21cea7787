import assert from 'node:assert/strict';
import { body, bytes } from '../../golden/wire.ts';
import { NumberedStream } from '../../support/numbered-stream.ts';
import type { Row, Scene } from './row.ts';
import { clientHello } from './rtmp-opening-rows.ts';
import { RtspTalk } from './rtsp-talk.ts';

const rtsp = 'RTSP' as const;

/** A row whose peer sends one flight of bytes. */
function flight(id: string, attack: string, ends: Row['ends'], content: Uint8Array | string): Row {
  return {
    id,
    protocol: rtsp,
    attack,
    ends,
    ...(ends === 'receive_timeout' && { when: 'session timeout' as const }),
    play: async (scene) => {
      const peer = await scene.rtsp();
      await peer.send(content);
    },
  };
}

/** A row whose peer talks, and is answered to its end. */
function talk(
  id: string,
  attack: string,
  play: (talk: RtspTalk, scene: Scene) => Promise<void>,
  opened: 'open' | 'ready' = 'open',
): Row {
  return {
    id,
    protocol: rtsp,
    attack,
    ends: 'tolerated',
    play: async (scene) => {
      const client = await RtspTalk[opened](scene);
      await play(client, scene);
      await client.stillAnswers();
    },
  };
}

const frame = (channel: number, content: Uint8Array, length = content.length): Buffer =>
  bytes([0x24, channel, length >> 8, length & 255], content);
const options = (cseq: number, ...headers: string[]): string =>
  `${['OPTIONS * RTSP/1.0', `CSeq: ${cseq}`, ...headers].join('\r\n')}\r\n\r\n`;
const describe = 'DESCRIBE rtsp://h/stream1 RTSP/1.0\r\nCSeq: 1\r\n';

export const rtspRows: readonly Row[] = [
  flight('rtsp-silent', 'connects and says nothing', 'receive_timeout', ''),
  {
    id: 'rtsp-slow-request',
    protocol: rtsp,
    attack: 'sends a request byte by byte',
    ends: 'receive_timeout',
    when: 'session timeout',
    play: async (scene) => {
      const peer = await scene.rtsp();
      await peer.trickle(Buffer.from(`${describe}${'X: y\r\n'.repeat(40)}`), 40);
    },
  },
  {
    id: 'rtsp-asks-without-login',
    protocol: rtsp,
    attack: 'keeps its connection open with requests without a login',
    ends: 'receive_timeout',
    when: 'session timeout',
    play: async (scene) => {
      const client = new RtspTalk(await scene.rtsp(), 'rtsp://h/stream1');
      for (let i = 0; i < 1000 && (await client.ask('OPTIONS')) !== 0; i++)
        await new Promise((next) => setTimeout(next, 50));
    },
  },
  flight('rtsp-tls', 'speaks TLS where there is no certificate', 'rtsps_off', clientHello),
  flight('rtsp-noise', 'sends noise', 'rtsp_malformed', bytes([0x91], body(3000, 5))),
  flight('rtsp-ssh', 'speaks SSH', 'receive_timeout', 'SSH-2.0-OpenSSH_9.6\r\n'),
  flight('rtsp-proxy', 'sends a PROXY header', 'receive_timeout', 'PROXY TCP4 1.2.3.4 5.6.7.8 1 2\r\n'),
  flight('rtsp-http-put', 'speaks HTTP', 'rtsp_malformed', 'PUT /x HTTP/1.1\r\nHost: x\r\nCSeq: 1\r\n\r\n'),
  flight('rtsp-huge-header', 'sends a header of 1 MB', 'rtsp_too_large', `${describe}X: ${'y'.repeat(1024 * 1024)}`),
  flight('rtsp-header-flood', 'sends headers without end', 'rtsp_too_large', `${describe}${'X: y\r\n'.repeat(20_000)}`),
  flight(
    'rtsp-length-negative',
    'announces a body of -1 bytes',
    'rtsp_malformed',
    `${describe}Content-Length: -1\r\n\r\n`,
  ),
  flight(
    'rtsp-length-absurd',
    'announces a body of 100 GB',
    'rtsp_too_large',
    `${describe}Content-Length: 99999999999\r\n\r\n`,
  ),
  flight(
    'rtsp-length-text',
    'announces a body of 0x10 bytes',
    'rtsp_malformed',
    `${describe}Content-Length: 0x10\r\n\r\n`,
  ),
  flight(
    'rtsp-length-twice',
    'announces two lengths of one body',
    'rtsp_malformed',
    `${describe}Content-Length: 5\r\nContent-Length: 6\r\n\r\n`,
  ),
  flight(
    'rtsp-frame-length-lie',
    'announces an interleaved frame of 64 kB and sends requests in its place',
    'receive_timeout',
    bytes([0x24, 0], 'ffff', Buffer.from(options(1))),
  ),

  talk('rtsp-many-headers', 'sends 100 headers', async (client) => {
    const text = options(77, ...Array.from({ length: 100 }, (_, i) => `X-${i}: y`));
    assert.equal(await client.askText(text, 77), 400);
  }),
  talk('rtsp-no-cseq', 'leaves the CSeq out, or sends none that is a number', async (client) => {
    client.peer.write(
      'OPTIONS * RTSP/1.0\r\n\r\nOPTIONS * RTSP/1.0\r\nCSeq: -1\r\n\r\nOPTIONS * RTSP/1.0\r\nCSeq: x\r\ny: \r\n\r\n',
    );
    await client.peer.receives('RTSP/1.0 400 Bad Request', 3);
  }),
  talk('rtsp-response-splitting', 'puts control characters into what the answer repeats', async (client) => {
    assert.equal(await client.askText(options(88, 'Require: a\rSet-Cookie: b'), 88), 400);
    assert.equal(client.peer.received.includes('Set-Cookie'), false);
  }),
  talk('rtsp-url-traversal', 'asks for paths outside and for broken ones', async (client) => {
    for (const path of [
      '/../../etc/passwd',
      '/%2e%2e/%2e%2e',
      '/__proto__',
      '/stream1%00',
      '/%',
      '/x%0d%0aSet-Cookie:%20y',
      `/${'x'.repeat(8000)}`,
    ]) {
      const status = await client.ask('DESCRIBE', `rtsp://127.0.0.1${path}`);
      assert.ok(status === 400 || status === 404, `${path}: ${status}`);
    }
  }),
  talk('rtsp-unknown-methods', 'uses methods that there are none of', async (client) => {
    for (const method of ['RECORD', 'ANNOUNCE', 'REDIRECT', 'X'.repeat(5000), 'constructor'])
      assert.equal(await client.ask(method), 501);
  }),
  talk('rtsp-stray-frames', 'sends interleaved frames that belong to nothing', async (client) => {
    client.peer.write(bytes(frame(0, body(20)), frame(255, body(0)), frame(7, body(1400))));
  }),
  talk(
    'rtsp-frame-flood',
    'sends 300 interleaved frames of 64 kB',
    async (client) => {
      const large = frame(1, body(65_535));
      for (let i = 0; i < 300; i++) await client.peer.send(large);
    },
    'ready',
  ),
  talk(
    'rtsp-rtcp-garbage',
    'sends RTCP that is none over its channel',
    async (client) => {
      await client.expect(200, 'PLAY');
      for (let i = 0; i < 200; i++) client.peer.write(frame(i & 3, body(i, i)));
    },
    'ready',
  ),
  talk('rtsp-setup-first', 'begins with SETUP', async (client) => {
    await client.expect(200, 'SETUP', `${client.url}/trackID=0`, ['Transport: RTP/AVP/TCP;unicast']);
  }),
  talk('rtsp-play-first', 'plays, pauses and ends what it never set up', async (client) => {
    for (const method of ['PLAY', 'PAUSE', 'TEARDOWN']) {
      const status = await client.ask(method);
      assert.ok(status === 401 || status === 455, `${method}: ${status}`);
    }
    await client.expect(200, 'DESCRIBE');
    for (const method of ['PLAY', 'PAUSE', 'TEARDOWN']) await client.expect(455, method);
  }),
  talk('rtsp-thousand-setups', 'sets its transport up 1000 times', async (client) => {
    for (let i = 0; i < 1000; i++) {
      await client.expect(200, 'SETUP', `${client.url}/trackID=0`, [
        `Transport: RTP/AVP/TCP;unicast;interleaved=${i % 250}-${(i % 250) + 1}`,
      ]);
      if (i % 100 === 0) client.peer.forget();
    }
    await client.expect(200, 'PLAY');
  }),
  talk(
    'rtsp-play-pause-flood',
    'plays and pauses 500 times',
    async (client) => {
      for (let i = 0; i < 500; i++) {
        await client.expect(200, i % 2 === 0 ? 'PLAY' : 'PAUSE');
        if (i % 100 === 0) client.peer.forget();
      }
    },
    'ready',
  ),
  talk(
    'rtsp-wrong-sessions',
    'names sessions that are not its own',
    async (client) => {
      const own = client.session;
      for (const id of ['0000000000000000', '', own.slice(0, -1), `${own}0`, '../x']) {
        client.session = id;
        const status = await client.ask('PLAY', client.url, id === '' ? ['Session: '] : []);
        assert.equal(status, 454, id);
        client.session = '';
      }
      client.session = own;
    },
    'ready',
  ),
  talk(
    'rtsp-other-camera',
    'sets up a second camera on its session',
    async (client) => {
      const other = client.url.replace(/stream\d+$/, 'stream2');
      await client.expect(459, 'SETUP', `${other}/trackID=0`, ['Transport: RTP/AVP/TCP;unicast']);
    },
    'ready',
  ),
  {
    id: 'rtsp-wrong-logins',
    protocol: rtsp,
    attack: 'tries eight passwords',
    ends: 'authentication_failed',
    play: async (scene) => {
      const client = await RtspTalk.open(scene);
      const { nonce } = client;
      client.nonce = '';
      for (let i = 0; i < 8; i++) {
        const login = client.authorization('DESCRIBE', client.url, { nonce, password: `guess ${i}` });
        const status = await client.ask('DESCRIBE', client.url, [login]);
        assert.ok(status === 401 || (i === 7 && status === 0), `${status}`);
        client.nonce = '';
      }
    },
  },
  talk('rtsp-forged-nonce', 'signs with nonces that it made itself', async (client) => {
    for (const nonce of ['', '0'.repeat(46), `${'f'.repeat(14)}${'0'.repeat(32)}`, 'x"\\']) {
      const login = client.authorization('DESCRIBE', client.url, { nonce });
      const own = client.nonce;
      client.nonce = '';
      assert.equal(await client.ask('DESCRIBE', client.url, [login]), 401, nonce);
      client.nonce = own;
    }
  }),
  talk('rtsp-signed-for-another', 'signs for another URL or method than it asks for', async (client) => {
    const own = client.nonce;
    for (const [method, uri] of [
      ['DESCRIBE', `${client.url}9`],
      ['OPTIONS', client.url],
    ] as const) {
      const login = client.authorization(method, client.url, { uri });
      client.nonce = '';
      assert.equal(await client.ask('DESCRIBE', client.url, [login]), 401);
      client.nonce = own;
    }
  }),
  {
    id: 'rtsp-pipelining-unread',
    protocol: rtsp,
    attack: 'sends requests without end and never reads an answer',
    // It gets so small a share of the thread that the deadline of the login may come first.
    ends: ['output_exceeded', 'receive_timeout'],
    play: async (scene) => {
      const peer = await scene.rtsp({ deaf: true });
      const requests = Array.from({ length: 2000 }, (_, i) => options(i)).join('');
      const ended = () => scene.server.endings(peer).length > 0;
      for (let i = 0; i < 200 && !peer.closed && !ended(); i++)
        await Promise.race([peer.send(requests), new Promise((next) => setTimeout(next, 300))]);
    },
  },
  {
    id: 'rtsp-reads-nothing',
    protocol: rtsp,
    attack: 'plays a stream and never reads',
    ends: 'write_stalled',
    when: 'write stall',
    play: async (scene) => {
      const client = await RtspTalk.ready(scene, undefined, '/stream3');
      await client.expect(200, 'PLAY');
      client.peer.socket.pause();
      const stream = await NumberedStream.start(
        { after: (cleanup) => scene.cleanups.push(cleanup) },
        { port: scene.server.ports.rtmp, path: '/stream3', bytes: 200_000, localAddress: scene.otherAddress(3) },
      );
      void stream;
    },
  },
];
