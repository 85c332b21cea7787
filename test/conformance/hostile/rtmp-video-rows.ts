import { amf, body, bytes, message, u24 } from '../../golden/wire.ts';
import { annexB, avcc, headerTag, idr, naluTag, pps, prefixed, slice, sps } from '../../unit/ingest/publisher-rig.ts';
import { live } from './live-row.ts';
import { command, commandBody, keyframe, publish, type Row, setChunkSize, video } from './row.ts';
import { nested } from './rtmp-opening-rows.ts';

const header = headerTag([sps], [pps]);
const fourCc = (head: number, code: string, content: Uint8Array = body(40)): Buffer =>
  bytes([head], Buffer.from(code), content);

/** Every beginning of some bytes, each as a message. */
function truncations(content: Uint8Array): Buffer {
  return Buffer.concat(Array.from({ length: content.length }, (_, i) => video(i, content.subarray(0, i))));
}

/** A sequence header around any bytes that pass for an SPS. */
const withSps = (unit: Uint8Array): Buffer => video(0, headerTag([unit], [pps]));

function metadata(...values: Uint8Array[]): Buffer {
  return message(4, 18, 1, 0, bytes(amf.string('@setDataFrame'), amf.string('onMetaData'), ...values), 128);
}

const numbers = (values: Record<string, number>): Buffer =>
  amf.ecmaArray(Object.fromEntries(Object.entries(values).map(([name, value]) => [name, amf.number(value)])));

export const videoRows: readonly Row[] = [
  live('publisher-silent', 'publishes and sends nothing', 'video_timeout', Buffer.alloc(0), { driver: 14 }),
  live('publisher-audio-only', 'sends nothing but sound', 'video_timeout', async (peer) => {
    for (let i = 0; !peer.closed && i < 500; i++) {
      peer.write(message(4, 8, 1, i * 20, body(40, i)));
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  }),
  live(
    'codec-hevc-legacy',
    'sends HEVC under codec id 12',
    'video_timeout',
    bytes(video(0, bytes([0x1c, 0, 0, 0, 0], body(60))), video(40, bytes([0x1c, 1, 0, 0, 0], body(60)))),
  ),
  live(
    'codec-unknown-all',
    'sends every codec id in turn',
    'video_timeout',
    Buffer.concat(
      Array.from({ length: 256 }, (_, i) => i)
        .filter((i) => (i & 0x8f) !== 7 && i < 128)
        .map((i) => video(i, bytes([i], body(30)))),
    ),
  ),
  live(
    'enhanced-hevc',
    'sends HEVC as Enhanced RTMP',
    'video_timeout',
    bytes(video(0, fourCc(0x90, 'hvc1')), video(40, fourCc(0x91, 'hvc1')), video(80, fourCc(0xd4, 'hvc1'))),
  ),
  live(
    'enhanced-unknown-codec',
    'sends a codec that does not exist',
    'video_timeout',
    bytes(video(0, fourCc(0x91, '\0\n\u007f!')), video(40, fourCc(0x91, '\u001b[2J'))),
  ),
  live(
    'enhanced-unknown-packets',
    'sends packet types that do not exist',
    'tolerated',
    Buffer.concat(Array.from({ length: 128 }, (_, i) => video(i, fourCc(0x80 | i, 'avc1')))),
  ),
  live(
    'enhanced-modex-overrun',
    'announces packet modifiers that are longer than their message',
    'tolerated',
    bytes(
      video(0, bytes('97 ff ffff 00')),
      video(1, bytes('97 ff ffff', body(100))),
      video(2, bytes('97', '00 00 07'.repeat(40))),
      video(3, bytes('97')),
    ),
  ),
  live(
    'enhanced-multitrack-overrun',
    'announces tracks that are longer than their message',
    'tolerated',
    bytes(
      video(0, bytes('96 11', Buffer.from('avc1'), [0], u24(0xffffff), body(20))),
      video(1, bytes('96 21', Buffer.from('avc1'), [0], u24(5), body(5), '76 76')),
      video(2, bytes('96 07')),
      video(3, bytes('96 31', body(60))),
    ),
  ),
  live('header-truncated', 'cuts the sequence header off at each of its bytes', 'tolerated', truncations(header)),
  live(
    'header-numbers',
    'announces 31 SPS and 255 PPS and sends none',
    'tolerated',
    bytes(
      video(0, bytes('17 00 000000 01 42c028 ff ff ffff')),
      video(1, bytes('17 00 000000 01 42c028 ff e1 0001 67 ff 0001 68')),
    ),
  ),
  live(
    'header-huge',
    'sends parameter sets of 60 kB',
    'tolerated',
    bytes(withSps(bytes('6742c028', body(60_000))), video(1, keyframe())),
  ),
  live(
    'header-flood',
    'changes its parameter sets with each picture',
    'tolerated',
    Buffer.concat(
      Array.from({ length: 600 }, (_, i) =>
        bytes(video(i * 2, headerTag([bytes(sps, [i & 255, i >> 8, 0x80])], [pps])), video(i * 2 + 1, keyframe())),
      ),
    ),
  ),
  live(
    'picture-truncated',
    'cuts a picture off at each of its bytes',
    'tolerated',
    bytes(video(0, header), truncations(naluTag(avcc(sps, pps, idr(80)), { key: true }))),
  ),
  live(
    'length-size-lies',
    'announces one size of NAL unit lengths and sends others',
    'tolerated',
    bytes(
      ...[1, 2, 3, 4].flatMap((size) => [
        video(0, headerTag([sps], [pps], size)),
        ...[1, 2, 3, 4].map((other) => video(40, naluTag(prefixed(other, idr(100), slice(90))))),
        video(80, naluTag(annexB([idr(50)]))),
      ]),
    ),
  ),
  live(
    'nal-length-lies',
    'announces NAL units of 4 GB',
    'tolerated',
    bytes(
      video(0, header),
      video(40, naluTag(bytes('ffffffff', idr(50)))),
      video(80, naluTag(bytes('7fffffff', idr(50)))),
      video(120, naluTag(bytes('00000000', '00000000', '80000000'))),
    ),
  ),
  live(
    'nal-storm',
    'sends a picture of 300,000 NAL units of one byte',
    'tolerated',
    bytes(
      video(0, header),
      setChunkSize(0xffffff),
      video(40, naluTag(bytes(Buffer.concat(Array<Buffer>(300_000).fill(Buffer.from('0000000141', 'hex'))))), 0xffffff),
      message(2, 1, 0, 0, bytes('00000080'), 0xffffff),
    ),
  ),
  live(
    'start-code-storm',
    'sends a picture of 300,000 start codes',
    'tolerated',
    bytes(
      setChunkSize(0xffffff),
      video(40, naluTag(Buffer.concat(Array<Buffer>(300_000).fill(Buffer.from('000001', 'hex')))), 0xffffff),
      message(2, 1, 0, 0, bytes('00000080'), 0xffffff),
    ),
  ),
  live(
    'sps-exp-golomb',
    'sends an SPS of numbers that never end',
    'tolerated',
    bytes(
      withSps(bytes('67640028', Buffer.alloc(200))),
      withSps(bytes('67640028', Buffer.alloc(200, 0xff))),
      withSps(bytes('6764', Buffer.alloc(31), [1])),
      withSps(bytes('67')),
    ),
  ),
  live(
    'sps-dimensions',
    'announces pictures of 4 billion by 4 billion',
    'tolerated',
    bytes(
      withSps(bytes('67 42 c0 28 d8 00 00 00 00 80 00 00 00 40 00 00 00 20 80')),
      withSps(bytes('67 42 c0 28 da 00 00 20 00 00 00 20 00 80')),
      video(1, keyframe()),
    ),
  ),
  live(
    'sps-cycle',
    'announces 255 reference frames in a picture order cycle, and the largest offsets',
    'tolerated',
    withSps(bytes('67 42 c0 28 d2', Buffer.alloc(300, 0x10))),
  ),
  live(
    'empty-video',
    'sends video messages without content',
    'tolerated',
    Buffer.concat(Array.from({ length: 300 }, (_, i) => video(i, Buffer.alloc(0)))),
  ),

  // Metadata and commands of a publisher
  live('metadata-depth', 'nests 50 objects in its metadata', 'amf_too_deep', metadata(nested(50))),
  live(
    'metadata-nan',
    'claims frame rates and sizes that are no numbers',
    'tolerated',
    bytes(
      metadata(numbers({ width: Number.NaN, height: Number.POSITIVE_INFINITY, framerate: -1, videodatarate: 1e308 })),
      metadata(
        amf.object({
          width: amf.string('\u001b[2J'),
          encoder: amf.string(`\r\nfake\u009b\u202e${'x'.repeat(5000)}`),
          framerate: nested(5),
        }),
      ),
    ),
  ),
  live(
    'metadata-flood',
    'sends new metadata 3000 times',
    'tolerated',
    Buffer.concat(Array.from({ length: 3000 }, (_, i) => metadata(numbers({ width: i, height: i })))),
  ),
  live(
    'metadata-truncated',
    'cuts metadata off in mid-value',
    'tolerated',
    bytes(
      metadata(bytes('08 ffffffff 0005 7769 64')),
      metadata(bytes('03 0001 61 00 40')),
      metadata(bytes('0a ffffffff')),
    ),
  ),
  live('publish-twice', 'publishes a second path on the same connection', 'tolerated', async (peer) => {
    peer.write(publish('stream2'));
    await peer.receives('NetStream.Publish.BadName');
  }),
  live('publish-over-and-over', 'publishes and stops 300 times in a row', 'publish_flood', async (peer, scene) => {
    const again = bytes(
      command('FCUnpublish', 6, amf.null, amf.string(scene.streamName)),
      publish(scene.streamName),
      video(0, header),
      video(0, keyframe()),
    );
    await peer.send(Buffer.concat(Array<Buffer>(300).fill(again)));
  }),
  live('delete-stream-lies', 'deletes streams that there are none of', 'tolerated', async (peer, scene) => {
    const deletions = [-1, 0, 2, 31, 32, 33, 2 ** 31, 1e300, Number.NaN].map((id) =>
      command('deleteStream', 0, amf.null, amf.number(id)),
    );
    await peer.send(bytes(...deletions, command('deleteStream', 0, amf.null, amf.string('9'.repeat(400)))));
    peer.write(publish(scene.streamName));
    await peer.receives('NetStream.Publish.Start', 2);
  }),
  live(
    'command-flood',
    'sends 10,000 commands that do not exist, and reads the answers',
    'tolerated',
    async (peer, scene) => {
      for (let i = 0; i < 10_000; i += 200) {
        await peer.send(
          Buffer.concat(Array.from({ length: 200 }, (_, j) => message(3, 20, 0, 0, commandBody(`x${i}`, i + j)))),
        );
        await scene.stillPublishes(peer, i);
      }
    },
  ),
  live(
    'shared-objects',
    'sends shared objects, and messages of all undefined types',
    'tolerated',
    Buffer.concat(
      [0, 7, 10, 11, 12, 13, 14, 16, 19, 21, 23, 99, 255].map((type) => message(3, type, 0, 0, body(300, type))),
    ),
  ),
];
