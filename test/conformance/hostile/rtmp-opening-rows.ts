import { setTimeout as delay } from 'node:timers/promises';
import { amf, body, bytes, handshake, message, u32 } from '../../golden/wire.ts';
import { until } from '../../support/program.ts';
import { command, commandBody, connect, dialogue, keyframe, publish, type Row, video } from './row.ts';

const rtmp = 'RTMP' as const;
/** The first bytes of a TLS ClientHello. */
export const clientHello = bytes('16030100c8010000c40303', body(180, 7));

/** A row whose peer sends one flight of bytes. */
function flight(id: string, attack: string, ends: Row['ends'], content: Uint8Array | string): Row {
  return {
    id,
    protocol: rtmp,
    attack,
    ends,
    play: async (scene) => {
      const peer = await scene.rtmp();
      peer.write(content);
    },
  };
}

/** A row whose peer sends `parts` behind the handshake. */
function greeting(id: string, attack: string, ends: Row['ends'], ...parts: Uint8Array[]): Row {
  return {
    id,
    protocol: rtmp,
    attack,
    ends,
    ...(ends === 'publish_timeout' && { when: 'publish timeout' as const }),
    play: async (scene) => {
      await scene.greeted(...parts);
    },
  };
}

/** Before the handshake is done, and up to `publish`. */
export const openingRows: readonly Row[] = [
  {
    id: 'rtmp-half-open',
    protocol: rtmp,
    attack: 'connects and says nothing',
    ends: 'handshake_timeout',
    when: 'handshake timeout',
    driver: 12,
    play: async (scene) => {
      await scene.rtmp();
    },
  },
  {
    id: 'rtmp-slow-handshake',
    protocol: rtmp,
    attack: 'sends the handshake byte by byte, each a sign of life',
    ends: 'handshake_timeout',
    when: 'handshake timeout',
    play: async (scene) => {
      const peer = await scene.rtmp();
      await peer.trickle(handshake(), 20);
    },
  },
  {
    id: 'rtmp-no-c2',
    protocol: rtmp,
    attack: 'sends C0 and C1, takes S0 to S2, and never C2',
    ends: 'handshake_timeout',
    when: 'handshake timeout',
    play: async (scene) => {
      const peer = await scene.rtmp();
      peer.write(handshake().subarray(0, 1537));
    },
  },
  {
    id: 'rtmp-slow-chunk-header',
    protocol: rtmp,
    attack: 'sends a chunk header byte by byte',
    ends: 'publish_timeout',
    when: 'publish timeout',
    play: async (scene) => {
      const peer = await scene.greeted();
      await peer.trickle(connect(), 150);
    },
  },
  {
    id: 'rtmp-slow-amf',
    protocol: rtmp,
    attack: 'sends the body of a command byte by byte',
    ends: 'publish_timeout',
    when: 'publish timeout',
    play: async (scene) => {
      const long = connect({ app: amf.string('x'.repeat(200)) });
      const peer = await scene.greeted(long.subarray(0, 30));
      await peer.trickle(long.subarray(30), 50);
    },
  },
  {
    id: 'rtmp-never-publishes',
    protocol: rtmp,
    attack: 'connects to the application and never publishes',
    ends: 'publish_timeout',
    when: 'publish timeout',
    driver: 8,
    play: async (scene) => {
      await scene.greeted(connect());
    },
  },
  {
    id: 'rtmp-busy-without-publishing',
    protocol: rtmp,
    attack: 'keeps asking for this and that instead of publishing',
    ends: 'publish_timeout',
    when: 'publish timeout',
    play: async (scene) => {
      const peer = await scene.greeted(connect());
      for (let i = 0; !peer.closed && i < 1000; i++) {
        peer.write(command('_checkbw', 7, amf.null));
        await delay(20);
      }
    },
  },
  {
    id: 'rtmp-reset-in-handshake',
    protocol: rtmp,
    attack: 'resets the connection in mid-handshake',
    ends: ['peer_reset', 'peer_closed'],
    play: async (scene) => {
      const peer = await scene.rtmp();
      await peer.send(handshake().subarray(0, 2000));
      await until('it is answered', () => peer.receivedBytes > 0);
      peer.socket.resetAndDestroy();
    },
  },
  { ...flight('rtmp-version-5', 'asks for RTMP version 5', 'bad_version', bytes([5], body(1536))), driver: 11 },
  flight('rtmp-version-6', 'asks for RTMPE', 'rtmpe_unsupported', bytes([6], body(1536))),
  flight('rtmp-http', 'speaks HTTP', 'not_rtmp_http', 'GET / HTTP/1.1\r\nHost: x\r\n\r\n'),
  flight('rtmp-tls', 'speaks TLS', 'not_rtmp_tls', clientHello),
  flight('rtmp-ssh', 'speaks SSH', 'not_rtmp', 'SSH-2.0-OpenSSH_9.6\r\n'),
  flight(
    'rtmp-proxy-v1',
    'sends a PROXY header with a made-up address',
    'not_rtmp_proxy',
    'PROXY TCP4 1.2.3.4 5.6.7.8 1 2\r\n',
  ),
  flight('rtmp-proxy-v2', 'sends a binary PROXY header', 'not_rtmp_proxy', bytes('0d0a0d0a000d0a515549540a21110c00')),
  greeting(
    'rtmp-noise',
    'sends noise behind the handshake',
    ['chunk_no_state', 'message_too_large', 'chunk_streams_exceeded'],
    bytes('bf', body(4000, 9)),
  ),

  // Commands before publishing
  {
    ...greeting('amf-depth', 'nests 50 objects in the command object', 'amf_too_deep', connect({ app: nested(50) })),
    driver: 6,
  },
  {
    ...greeting(
      'amf-truncated',
      'cuts the command object off in mid-string',
      'amf_malformed',
      message(3, 20, 0, 0, commandBody('connect', 1, bytes('03 0003 617070 02 00ff 61'))),
    ),
    driver: 7,
  },
  greeting(
    'amf-nodes',
    'sends an array of 20,000 values',
    'amf_too_large',
    message(3, 20, 0, 0, commandBody('connect', 1, bytes([10], u32(20_000), new Uint8Array(20_000).fill(5)))),
  ),
  greeting(
    'amf-array-length-lie',
    'announces 4 billion array elements and sends one',
    'amf_malformed',
    message(3, 20, 0, 0, commandBody('connect', 1, bytes([10], 'ffffffff', [5]))),
  ),
  greeting(
    'amf-long-string-lie',
    'announces a string of 4 GB',
    'amf_malformed',
    message(3, 20, 0, 0, commandBody('connect', 1, bytes([12], 'ffffffff', [0x61]))),
  ),
  greeting(
    'amf-references',
    'refers 15,000 times to one object of 1000 values',
    'amf_too_large',
    message(
      3,
      20,
      0,
      0,
      commandBody('connect', 1, bytes([10], u32(15_001), strictArray(1000), '070001'.repeat(15_000))),
    ),
  ),
  greeting(
    'amf-self-reference',
    'sends an object that holds itself',
    'publish_timeout',
    message(3, 20, 0, 0, commandBody('connect', 1, bytes('03 0001 61 07 0000 000009'))),
  ),
  greeting(
    'amf3-depth',
    'nests 50 arrays of AMF3',
    ['amf_too_deep', 'amf_malformed'],
    message(3, 17, 0, 0, bytes([0], commandBody('connect', 1, bytes([0x11], '090301'.repeat(50))))),
  ),
  greeting('amf-no-name', 'sends a command without a name', 'amf_malformed', message(3, 20, 0, 0, amf.number(7))),
  {
    id: 'rtmp-no-tc-url',
    protocol: rtmp,
    attack: 'leaves the address out of `connect`',
    ends: 'tolerated',
    play: async (scene) => {
      const bare = message(3, 20, 0, 0, commandBody('connect', 1, amf.object({ app: amf.string(dialogue.app) })));
      const peer = await scene.greeted(bare, command('createStream', 4, amf.null), publish(scene.streamName));
      await peer.receives('NetStream.Publish.Start');
      await scene.stillPublishes(peer);
    },
  },
  greeting('rtmp-connect-twice', 'connects twice', 'connect_repeated', connect(), connect()),
  greeting(
    'rtmp-play',
    'wants to play',
    'play_refused',
    connect(),
    command('play', 3, amf.null, amf.string('stream1')),
  ),
  greeting('rtmp-publish-first', 'publishes without connecting', 'connect_missing', publish('stream1')),
  greeting(
    'rtmp-create-stream-flood',
    'creates streams without end',
    'streams_exceeded',
    connect(),
    ...Array.from({ length: 500 }, (_, i) => command('createStream', i + 2, amf.null)),
  ),
  greeting(
    'rtmp-media-before-publish',
    'sends video without publishing',
    'ignored_bytes_exceeded',
    connect(),
    ...Array.from({ length: 200 }, (_, i) => video(i, keyframe(600))),
  ),
];

/** Objects in objects. */
export function nested(depth: number): Buffer {
  let value: Buffer = amf.null;
  for (let i = 0; i < depth; i++) value = amf.object({ a: value });
  return value;
}

function strictArray(values: number): Buffer {
  return bytes([10], u32(values), new Uint8Array(values).fill(5));
}
