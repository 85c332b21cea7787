import assert from 'node:assert/strict';
import { amf, body, bytes, fmt0, fmt1, fmt2, fmt3, message, u24, u32 } from '../../golden/wire.ts';
import { live } from './live-row.ts';
import type { Peer } from './peer.ts';
import { announce, command, keyframe, opening, type Row, repeat, type Scene, setChunkSize, video } from './row.ts';

const mebibyte = 1024 * 1024;
const tag = (type: number, time: number, content: Uint8Array, length = content.length): Buffer =>
  bytes([type], u24(length), u24(time), [0], u24(0), content, u32(content.length + 11));

/** What every header byte that gets lost can lead to. */
const lostFraming = [
  ...(['chunk_no_state', 'message_too_large', 'chunk_restarted', 'chunk_streams_exceeded', 'video_timeout'] as const),
  ...([
    'amf_malformed',
    'control_malformed',
    'chunk_size_invalid',
    'work_exceeded',
    'partial_bodies_exceeded',
  ] as const),
];

/** A flood gets so small a share of the thread that, with the deadlines of the tests, the one for video may come first. */
const slowedFlood = ['output_exceeded', 'video_timeout'] as const;

export const chunkRows: readonly Row[] = [
  live('chunk-size-zero', 'sets the chunk size to 0', 'chunk_size_invalid', setChunkSize(0), { driver: 3 }),
  live('chunk-size-top-bit', 'sets the chunk size to 0x80000000', 'chunk_size_invalid', setChunkSize(0x80000000)),
  live(
    'chunk-size-largest',
    'sets the chunk size to 0x7FFFFFFF, which the specification allows',
    'tolerated',
    async (peer) => {
      const chunk = bytes(setChunkSize(0x7fffffff), video(0, keyframe(5000), 0x7fffffff), setChunkSize(128));
      await peer.send(chunk);
    },
    { driver: 4 },
  ),
  live(
    'chunk-size-short',
    'sends a Set Chunk Size of 3 bytes',
    'control_malformed',
    message(2, 1, 0, 0, bytes('000010')),
  ),
  live(
    'chunk-size-one',
    'sends 20 kB in chunks of one byte',
    'work_exceeded',
    bytes(setChunkSize(1), message(6, 9, 1, 0, body(20_000), 1)),
  ),
  live(
    'chunk-empty-messages',
    'sends 20,000 messages of nothing in one byte each',
    'work_exceeded',
    bytes(fmt0(6, 0, 0, 9), repeat(fmt3(6), 20_000)),
  ),
  live('chunk-streams-35', 'opens 35 chunk streams', 'tolerated', chunkStreams(35), { driver: 5 }),
  live('chunk-streams-100', 'opens 100 chunk streams', 'chunk_streams_exceeded', chunkStreams(100)),
  live('chunk-no-state', 'continues a message that was never begun', 'chunk_no_state', fmt3(40)),
  live('chunk-no-length', 'begins a chunk stream with a header without length', 'chunk_no_state', fmt2(40, 10)),
  live(
    'chunk-restarts',
    'begins messages again and again before they are complete',
    'chunk_restarted',
    repeat(bytes(fmt0(6, 0, 300, 9), body(128)), 8),
  ),
  {
    id: 'chunk-desync',
    protocol: 'RTMP',
    attack: 'loses each byte of a chunk header in turn',
    ends: lostFraming,
    when: 'video timeout',
    play: async (scene) => {
      const header = bytes(fmt1(6, 40, 500, 9));
      const group = 3;
      for (let first = 0; first < header.length; first += group) {
        const peers = await Promise.all(
          Array.from({ length: Math.min(group, header.length - first) }, (_, i) => desynced(scene, header, first + i)),
        );
        for (const peer of peers) await peer.end();
      }
    },
  },
  {
    id: 'declared-10-mb',
    protocol: 'RTMP',
    attack: 'announces a message of 10 MB before publishing',
    ends: 'message_too_large',
    driver: 2,
    play: async (scene) => {
      await scene.greeted(announce(10_000_000, 20, 3), body(100));
    },
  },
  live('declared-16-mb', 'announces a message of 16 MB', 'message_too_large', announce(0xffffff)),
  live('declared-command-10-mb', 'announces a command of 10 MB', 'message_too_large', announce(10 * mebibyte, 20, 3)),
  live(
    'declared-10-mib-unsent',
    'announces a picture of 10 MiB and sends a hundred bytes of it',
    'video_timeout',
    bytes(announce(10 * mebibyte), body(100)),
  ),
  live('picture-trickle', 'sends a picture that never ends, byte by byte', 'video_timeout', async (peer) => {
    peer.write(announce(mebibyte));
    await peer.trickle(body(127), 40);
  }),
  live(
    'partial-bodies',
    'holds three pictures of 10 MiB unfinished at once',
    'partial_bodies_exceeded',
    async (peer) => {
      await peer.send(bytes(setChunkSize(mebibyte), fmt0(6, 0, 10 * mebibyte, 9), body(mebibyte)));
      const part = body(mebibyte);
      for (const csid of [7, 8]) await peer.send(bytes(fmt0(csid, 0, 10 * mebibyte, 9), part));
      for (let i = 0; i < 9; i++) for (const csid of [7, 8]) await peer.send(bytes(fmt3(csid), part));
    },
  ),
  live('picture-10-mib', 'sends pictures of 10 MiB, the largest that are allowed', 'tolerated', async (peer) => {
    await peer.send(setChunkSize(mebibyte));
    const picture = keyframe(10 * mebibyte - 12);
    for (let i = 0; i < 3; i++) await peer.send(video(i * 40, picture, mebibyte));
    await peer.send(message(2, 1, 0, 0, u32(128), mebibyte));
  }),

  // Protocol control
  live(
    'abort-flood',
    'aborts messages that there are none of',
    'tolerated',
    Buffer.concat(Array.from({ length: 3000 }, (_, i) => message(2, 2, 0, 0, u32(i * 77)))),
  ),
  live(
    'abort-own',
    'aborts its own pictures half-way, 200 times',
    'tolerated',
    repeat(bytes(fmt0(6, 0, 300, 9), body(128), message(2, 2, 0, 0, u32(6))), 200),
  ),
  live(
    'acknowledgement-lies',
    'acknowledges bytes that it never got, forward and back',
    'tolerated',
    Buffer.concat([0, 1, 0xffffffff, 5, 0x80000000, 0].map((value) => message(2, 3, 0, 0, u32(value)))),
  ),
  live('acknowledgement-window-1', 'asks for an acknowledgement of each byte', 'tolerated', async (peer) => {
    peer.write(message(2, 5, 0, 0, u32(1)));
    peer.forget();
    for (let i = 0; i < 40; i++) await peer.send(video(i * 40, keyframe(5000)));
    // 200 kB at most every 16 KiB, 16 bytes each.
    assert.ok(peer.receivedBytes < 1000, `${peer.receivedBytes} bytes of acknowledgements`);
  }),
  live('bandwidth-ping-pong', 'sets the peer bandwidth 2000 times', 'tolerated', async (peer) => {
    peer.forget();
    await peer.send(
      Buffer.concat(Array.from({ length: 2000 }, (_, i) => message(2, 6, 0, 0, bytes(u32(i % 2), [i & 255])))),
    );
  }),
  live(
    'control-short',
    'sends control messages that are too short, and of unknown kinds',
    'tolerated',
    Buffer.concat(
      [0, 1, 3, 4, 5].flatMap((length) =>
        [3, 4, 5, 6, 7].map((type) => message(2, type, 0, 0, bytes([0, 99, 0, 0, 0]).subarray(0, length))),
      ),
    ),
  ),
  {
    id: 'zero-window-pings',
    protocol: 'RTMP',
    attack: 'sends pings without end and never reads an answer',
    ends: slowedFlood,
    play: (scene) => unread(scene, message(2, 4, 0, 0, bytes([0, 6], u32(1)))),
  },
  {
    id: 'zero-window-commands',
    protocol: 'RTMP',
    attack: 'sends commands with long answers and never reads one',
    ends: slowedFlood,
    play: (scene) => unread(scene, command('FCPublish', 3, amf.null, amf.string('x'))),
  },

  // Aggregates and time
  live(
    'aggregate-overrun',
    'announces a tag that is longer than its aggregate',
    'tolerated',
    message(6, 22, 1, 0, bytes(tag(9, 0, keyframe()), tag(9, 40, keyframe(), 0xffffff))),
  ),
  live(
    'aggregate-nested',
    'puts aggregates into aggregates',
    'tolerated',
    message(6, 22, 1, 0, tag(22, 0, tag(22, 0, tag(9, 0, keyframe())))),
  ),
  live(
    'aggregate-empty-tags',
    'sends an aggregate of 30,000 empty tags',
    'tolerated',
    bytes(
      setChunkSize(mebibyte),
      message(6, 22, 1, 0, repeat(tag(9, 0, Buffer.alloc(0)), 30_000), mebibyte),
      message(2, 1, 0, 0, u32(128), mebibyte),
    ),
  ),
  live(
    'time-jumps',
    'lets its clock jump back, forward by 2^31, and wrap',
    'tolerated',
    Buffer.concat(
      [0, 1000, 0, 0x7fffffff, 0x80000000, 0xffffffff, 0, 16_777_214, 16_777_215, 5].map((time) =>
        video(time, keyframe()),
      ),
    ),
  ),
  live(
    'time-deltas',
    'adds the largest differences to its clock',
    'tolerated',
    bytes(video(0, keyframe()), ...Array.from({ length: 20 }, () => bytes(fmt1(6, 0xffffffff, 20, 9), body(20)))),
  ),
];

function chunkStreams(count: number): Buffer {
  return Buffer.concat(Array.from({ length: count }, (_, i) => message(64 + i * 600, 8, 1, 0, body(20, i))));
}

/** A publisher that sends two pictures, the header of the second without its byte `missing`, and then goes on. */
async function desynced(scene: Scene, header: Buffer, missing: number): Promise<Peer> {
  const peer = await scene.rtmp();
  // One camera each: three publish at once.
  peer.write(opening(scene.spareName(missing % 3)));
  await peer.receives('NetStream.Publish.Start');
  const damaged = bytes(header.subarray(0, missing), header.subarray(missing + 1), body(128));
  peer.write(bytes(video(0, keyframe()), damaged, fmt3(6), body(128, 2), fmt3(6), body(128, 3)));
  return peer;
}

/** Writes until the server has had enough, and never reads. */
async function unread(scene: Scene, part: Uint8Array): Promise<void> {
  const peer = await scene.publisher();
  peer.socket.pause();
  const flight = repeat(part, 20_000);
  const ended = () => scene.server.endings(peer).length > 0;
  for (let i = 0; i < 200 && !peer.closed && !ended(); i++) await peer.send(flight);
}
