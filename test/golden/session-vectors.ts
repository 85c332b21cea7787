/** Whole dialogues of publishers, odd ones above all, as their own bytes. Every publish request is accepted. */
import type { Vector } from './vector.ts';
import { amf, body, bytes, digest, fmt0, fmt1, fmt2, fmt3, handshake, message, u24, u32 } from './wire.ts';

const { number, string } = amf;
const nothing = amf.null;

/** The first byte makes it H.264: key frame, then inter frame, of codec 7. */
const key = bytes([0x17, 1, 0, 0, 0], body(35, 5));
const inter = bytes([0x27, 1, 0, 0, 0], body(15, 6));
const sound = bytes([0xaf, 1], body(8, 7));

function command(name: string, transaction: number, ...values: Buffer[]): Buffer {
  return bytes(string(name), number(transaction), ...values);
}

/** A command on its usual chunk stream. */
function send(name: string, transaction: number, ...values: Buffer[]): Buffer {
  return message(3, 20, 0, 0, command(name, transaction, ...values));
}

function connect(values: Record<string, Buffer> = { app: string('live'), tcUrl: string('rtmp://h/live') }): Buffer {
  return send('connect', 1, amf.object(values));
}

function publish(name: Buffer, stream = 1, csid = 4): Buffer {
  return message(csid, 20, stream, 0, command('publish', 5, nothing, name, string('live')));
}

const create = send('createStream', 4, nothing);
const video = (time: number, content = key): Buffer => message(6, 9, 1, time, content);
const videoEvent = (time: number, content = key): string => `video time=${time} ${digest(content)}`;
const metadata = amf.ecmaArray({ width: number(640), height: number(480) });

const connectEvent = 'connect flashVer=';
const connected = [
  'handshake',
  'control csid=2 type=5 002625a0',
  'control csid=2 type=6 002625a002',
  'control csid=2 type=1 00010000',
  '_result csid=3 stream=0 tx=1 NetConnection.Connect.Success',
];
const created = '_result csid=3 stream=0 tx=4 1';
const started = (stream = 1): string[] => [
  `control csid=2 type=4 0000${stream.toString(16).padStart(8, '0')}`,
  `onStatus csid=5 stream=${stream} tx=0 NetStream.Publish.Start`,
];
const stopped = (stream = 1): string => `onStatus csid=5 stream=${stream} tx=0 NetStream.Unpublish.Success`;

function vector(
  name: string,
  clause: string,
  parts: Buffer[],
  events: readonly string[],
  replies?: readonly string[],
): Vector {
  const content = bytes(handshake(), ...parts);
  return { name, kind: 'session', origin: 'written', clause, events, ...(replies && { replies }), bytes: content };
}

/** A first flight that is not RTMP. */
function opening(name: string, clause: string, content: Buffer, code: string): Vector {
  return { name, kind: 'session', origin: 'written', clause, events: [`error ${code}`], replies: [], bytes: content };
}

/** A dialogue up to publishing, then `parts`. */
function live(
  name: string,
  clause: string,
  parts: Buffer[],
  events: readonly string[],
  replies: readonly string[] = [],
): Vector {
  return vector(
    name,
    clause,
    [connect(), create, publish(string('cam1')), ...parts],
    [connectEvent, 'publish /live/cam1', ...events],
    [...connected, created, ...started(), ...replies],
  );
}

const late = 17_000_000;
const dji = bytes([0x27, 1, 0, 0, 0], body(295, 8));
const aggregateTag = (type: number, time: number, content: Buffer): Buffer =>
  bytes([type], u24(content.length), u24(time), [time >>> 24], u24(0), content, u32(content.length + 11));
const nan = bytes([0], '7ff8000000abcdef');

export const sessionVectors: readonly Vector[] = [
  vector(
    'session-obs',
    'OBS (2.1): chunk size first, no app, one csid for audio and video, fmt 1 and 2',
    [
      message(2, 1, 0, 0, u32(4096)),
      connect({
        app: string(''),
        type: string('nonprivate'),
        flashVer: string('FMLE/3.0'),
        swfUrl: string('rtmp://h'),
        tcUrl: string('rtmp://h'),
      }),
      ...['releaseStream', 'FCPublish', 'createStream'].map((name, i) => {
        const content = command(name, 2 + i, nothing, ...(i < 2 ? [string('stream1')] : []));
        return bytes(fmt1(3, 0, content.length, 20), content);
      }),
      publish(string('stream1')),
      message(
        4,
        18,
        1,
        0,
        bytes(
          string('@setDataFrame'),
          string('onMetaData'),
          amf.ecmaArray({ width: number(1920), '2.1': amf.boolean(false) }, 20),
        ),
      ),
      bytes(
        fmt1(4, 0, sound.length, 8),
        sound,
        fmt1(4, 10, key.length, 9),
        key,
        fmt1(4, 11, sound.length, 8),
        sound,
        fmt2(4, 23),
        sound,
        fmt1(4, 0, inter.length, 9),
        inter,
      ),
    ],
    [
      'connect flashVer=FMLE/3.0',
      'publish /stream1',
      'metadata time=0 width 2.1',
      videoEvent(10),
      videoEvent(44, inter),
    ],
    [
      ...connected,
      '_result csid=3 stream=0 tx=2',
      '_result csid=3 stream=0 tx=3',
      'onFCPublish csid=3 stream=0 tx=3 NetStream.Publish.Start',
      created,
      ...started(),
    ],
  ),
  live(
    'session-end-and-publish-again',
    'S5; FFmpeg and rtmp2sink: FCUnpublish, deleteStream with text',
    [
      video(0),
      send('FCUnpublish', 6, nothing, string('cam1')),
      send('deleteStream', 0, nothing, string('1')),
      video(40),
      send('createStream', 7, nothing),
      publish(string('cam2')),
      video(80),
      send('closeStream', 0, nothing),
    ],
    [videoEvent(0), 'unpublish FCUnpublish', 'publish /live/cam2', videoEvent(80), 'unpublish closeStream'],
    ['_result csid=3 stream=0 tx=6', stopped(), '_result csid=3 stream=0 tx=7 1', ...started(), stopped()],
  ),
  live(
    'session-delete-stream',
    'S5',
    [video(0), send('deleteStream', 0, nothing, number(1))],
    [videoEvent(0), 'unpublish deleteStream'],
  ),
  live(
    'session-unpublish-inside-video',
    'S5, C5: what is half received ends with its publication',
    [
      fmt0(6, 0, 300, 9),
      dji.subarray(0, 128),
      fmt0(7, 5, 300, 9),
      dji.subarray(0, 128),
      send('deleteStream', 0, nothing, number(1)),
      publish(string('cam1')),
      bytes(
        fmt3(6),
        dji.subarray(128, 256),
        fmt3(7),
        dji.subarray(128, 256),
        fmt3(7),
        dji.subarray(256),
        fmt3(6),
        dji.subarray(256),
      ),
      video(40),
    ],
    ['video time=0 aborted', 'unpublish deleteStream', 'publish /live/cam1', videoEvent(40)],
    [...started()],
  ),
  live(
    'session-uniview',
    'Uniview (F14): a number before @setDataFrame',
    [message(4, 18, 1, 0, bytes(number(0), string('@setDataFrame'), string('onMetaData'), metadata)), video(0)],
    ['metadata time=0 width height', videoEvent(0)],
  ),
  vector(
    'session-wirecast',
    'Wirecast (C5, S4): name false, chunk sizes from 390 to 621 in mid-stream',
    [
      connect(),
      send('FCPublish', 2, nothing, amf.boolean(false)),
      publish(amf.boolean(false)),
      fmt0(6, 0, 900, 9),
      bytes(key, body(88, 9)),
      message(2, 1, 0, 0, u32(390)),
      fmt3(6),
      body(390, 10),
      message(2, 1, 0, 0, u32(621)),
      fmt3(6),
      body(382, 11),
    ],
    [connectEvent, 'publish /live', videoEvent(0, bytes(key, body(88, 9), body(390, 10), body(382, 11)))],
    [
      ...connected,
      '_result csid=3 stream=0 tx=2',
      'onFCPublish csid=3 stream=0 tx=2 NetStream.Publish.Start',
      ...started(),
    ],
  ),
  vector(
    'session-haivision',
    'Haivision (S3): publish on stream 0 before createStream',
    [
      connect(),
      publish(string('cam1'), 0, 3),
      create,
      message(4, 9, 0, 0, key),
      send('FCPublish', 6, nothing, string('cam1')),
    ],
    [connectEvent, 'publish /live/cam1', videoEvent(0)],
    [
      ...connected,
      ...started(0),
      created,
      '_result csid=3 stream=0 tx=6',
      'onFCPublish csid=3 stream=0 tx=6 NetStream.Publish.Start',
    ],
  ),
  vector(
    'session-publish-on-unknown-stream',
    'S3: a stream that was never created',
    [
      connect(),
      create,
      publish(string('cam1'), 7),
      message(4, 9, 7, 0, key),
      send('deleteStream', 0, nothing, number(7)),
    ],
    [connectEvent, 'publish /live/cam1', videoEvent(0), 'unpublish deleteStream'],
    [...connected, created, ...started(7)],
  ),
  live(
    'session-ptz-control-elsewhere',
    'PTZOptics (C1): control messages on other chunk streams, with a stream id',
    [message(8, 1, 5, 0, u32(200)), message(70, 4, 1, 0, bytes([0, 6], u32(77))), message(6, 9, 1, 0, dji, 200)],
    [videoEvent(0, dji)],
    ['control csid=2 type=4 00070000004d'],
  ),
  vector(
    'session-openipc',
    'OpenIPC: no app, the key in releaseStream only',
    [
      connect({ app: string(''), tcUrl: string('rtmp://h') }),
      send('releaseStream', 2, nothing, string('stream3')),
      create,
      publish(string('')),
    ],
    ['connect flashVer=', 'publish /stream3'],
    [...connected, '_result csid=3 stream=0 tx=2', created, ...started()],
  ),
  live(
    'session-type-0-messages',
    'GPS dashcams (C14)',
    [message(6, 0, 1, 0, body(20)), video(40), message(5, 99, 1, 0, body(3)), message(5, 16, 1, 0, body(3))],
    [videoEvent(40), 'tolerated 2'],
  ),
  live(
    'session-dji-extended-at-once',
    'DJI (C4): extended timestamps from the first frame on, left out on fmt 3',
    [
      fmt0(6, late, 300, 9),
      dji.subarray(0, 128),
      fmt3(6),
      dji.subarray(128, 256),
      fmt3(6),
      dji.subarray(256),
      fmt1(6, 33, 300, 9),
      dji.subarray(0, 128),
      fmt3(6),
      dji.subarray(128, 256),
      fmt3(6),
      dji.subarray(256),
    ],
    [videoEvent(late, dji), videoEvent(late + 33, dji), 'tolerated 2'],
  ),
  vector(
    'session-fourcc-list',
    'HaishinKit, FFmpeg (A1, X6): strict array and objects in connect',
    [
      connect({
        app: string('live'),
        fourCcList: amf.strictArray(string('av01'), string('hvc1'), string('*')),
        videoFourCcInfoMap: amf.object({ hvc1: number(4) }),
        capsEx: number(15),
        tcUrl: string('rtmp://h/live'),
      }),
      publish(string('cam1')),
    ],
    [connectEvent, 'publish /live/cam1'],
    [...connected, ...started()],
  ),
  vector(
    'session-connect-without-properties',
    'S1: neither app nor tcUrl, nor any object',
    [send('connect', 1), publish(string('a/b'))],
    ['connect flashVer=', 'publish /a/b'],
    [...connected, ...started()],
  ),
  vector(
    'session-app-from-tcurl',
    'P5: app missing',
    [
      connect({ tcUrl: string("'rtmp://user:secret@[::1]:1935/live/_definst_/?t=1") }),
      publish(string('mp4:cam1.mp4?u=2')),
    ],
    ['connect flashVer=', 'publish /live/cam1.mp4 query=t=1&u=2'],
  ),
  vector(
    'session-amf3',
    'A4: objectEncoding 3, type 17 commands, type 15 data, a value behind 0x11',
    [
      connect({ app: string('live'), tcUrl: string('rtmp://h/live'), objectEncoding: number(3) }),
      message(3, 17, 0, 0, bytes([0], command('createStream', 4, nothing))),
      message(
        4,
        17,
        1,
        0,
        bytes([0], string('publish'), number(5), nothing, '11 06 09', Buffer.from('cam1'), string('live')),
      ),
      message(
        4,
        15,
        1,
        7,
        bytes(
          [0],
          string('@setDataFrame'),
          string('onMetaData'),
          '11 0a 0b 01 0b',
          Buffer.from('width'),
          '04 85 00 01',
        ),
      ),
      video(40),
    ],
    [connectEvent, 'publish /live/cam1', 'metadata time=7 width', videoEvent(40)],
    [...connected, created, ...started()],
  ),
  live(
    'session-aggregate',
    '7.1.6 (G1)',
    [
      message(
        4,
        22,
        1,
        1000,
        bytes(
          aggregateTag(8, 500, sound),
          aggregateTag(9, 510, key),
          aggregateTag(18, 515, bytes(string('onMetaData'), metadata)),
          aggregateTag(9, 550, inter),
        ),
      ),
    ],
    [videoEvent(1010), 'metadata time=1015 width height', videoEvent(1050, inter)],
  ),
  live(
    'session-aggregate-overrun',
    'G1: a tag longer than the rest',
    [message(4, 22, 1, 1000, bytes(aggregateTag(9, 510, key), aggregateTag(9, 550, inter).subarray(0, 25)))],
    [videoEvent(1000), 'tolerated 1'],
  ),
  live(
    'session-video-on-two-chunk-streams',
    'C5: the second message is delivered whole after the first',
    [
      fmt0(6, 10, 300, 9),
      dji.subarray(0, 128),
      fmt0(7, 11, key.length, 9),
      key,
      fmt0(8, 12, 300, 9),
      dji.subarray(0, 128),
      fmt3(6),
      dji.subarray(128, 256),
      fmt3(8),
      dji.subarray(128, 256),
      fmt3(8),
      dji.subarray(256),
      fmt3(6),
      dji.subarray(256),
    ],
    [videoEvent(10, dji), videoEvent(11), videoEvent(12, dji)],
  ),
  live(
    'session-video-aborted',
    '5.4.2 (C10)',
    [
      fmt0(6, 10, 300, 9),
      dji.subarray(0, 128),
      message(2, 2, 0, 0, u32(6)),
      bytes(fmt2(6, 5), dji.subarray(0, 128), fmt3(6), dji.subarray(128, 256), fmt3(6), dji.subarray(256)),
    ],
    ['video time=10 aborted', videoEvent(15, dji), 'tolerated 1'],
  ),
  live(
    'session-empty-video',
    'C9',
    [message(6, 9, 1, 5, Buffer.alloc(0)), video(40)],
    ['video time=5 bytes=0 crc=00000000', videoEvent(40), 'tolerated 1'],
  ),
  vector(
    'session-odd-commands',
    'S2, S6, A5: replies to everything that asks for one',
    [
      connect(),
      send('_checkbw', 2, nothing),
      send('getStreamLength', 3, nothing, string('x')),
      send('FCSubscribe', 6, nothing, string('x')),
      send('releaseStream', 0, nothing, string('x')),
      send('FCPublish', 0, nothing, string('x')),
      send('receiveAudio', 0, nothing, amf.boolean(false)),
      send('receiveVideo', 7, nothing, amf.boolean(false)),
      send('somethingElse', 0, nothing),
      send('somethingElse', -1e300, nothing),
      message(3, 20, 0, 0, bytes(string('createStream'), nan, nothing)),
      message(3, 20, 0, 0, bytes(string('onStatus'))),
      message(3, 20, 0, 0, bytes(string('releaseStream'), number(9), nothing, [4, 1, 2])),
    ],
    [connectEvent, 'tolerated 2'],
    [
      ...connected,
      '_result csid=3 stream=0 tx=2',
      '_result csid=3 stream=0 tx=3 0',
      'onFCSubscribe csid=3 stream=0 tx=6 NetStream.Play.Start',
      'onFCPublish csid=3 stream=0 tx=0 NetStream.Publish.Start',
      '_result csid=3 stream=0 tx=7',
      '_error csid=3 stream=0 tx=-1e+300 NetConnection.Call.Failed',
      '_result csid=3 stream=0 tx=7ff8000000abcdef 1',
      '_result csid=3 stream=0 tx=9',
    ],
  ),
  live(
    'session-control-messages',
    'C11, C12, C13: acknowledgements that wrap or run backwards, windows, bandwidth, pings, short ones',
    [
      ...[0xfffffff0, 16, 0, 5].map((total) => message(2, 3, 0, 0, u32(total))),
      message(2, 5, 0, 0, u32(1)),
      message(2, 5, 0, 0, u32(0xffffffff)),
      message(2, 6, 0, 0, bytes(u32(2_500_000), [2])),
      message(2, 6, 0, 0, bytes(u32(5_000_000), [7])),
      message(2, 6, 0, 0, bytes(u32(5_000_000), [0])),
      ...[0, 1, 2, 3, 4, 7, 26, 27, 31, 32, 99].map((type) => message(2, 4, 0, 0, bytes([0, type], u32(1)))),
      message(2, 4, 0, 0, bytes([0, 6], u32(0xdeadbeef))),
      message(2, 4, 0, 0, bytes([0, 6])),
      message(2, 3, 0, 0, bytes([1])),
      message(2, 5, 0, 0, Buffer.alloc(0)),
      video(0),
    ],
    [videoEvent(0), 'tolerated 3'],
    ['control csid=2 type=5 004c4b40', 'control csid=2 type=4 0007deadbeef'],
  ),
  live(
    'session-data-messages',
    'F14, A1: other events, unreadable and truncated data, no end marker',
    [
      message(4, 18, 1, 0, bytes(string('onTextData'), metadata)),
      message(4, 18, 1, 0, bytes(string('@setDataFrame'), string('onMetaData'), [4, 9, 9])),
      message(4, 18, 1, 0, bytes(string('@setDataFrame'), string('onMetaData'), [2, 0, 9, 65])),
      message(4, 18, 1, 0, Buffer.alloc(0)),
      message(4, 18, 1, 5, bytes(string('onMetaData'), metadata.subarray(0, -3))),
      message(4, 18, 1, 6, bytes(string('onMetaData'), amf.object({}))),
      video(0),
    ],
    ['metadata time=5 width height', 'metadata time=6 ', videoEvent(0), 'tolerated 2'],
  ),
  vector(
    'session-media-before-publish',
    'Switcher Studio (S4)',
    [
      connect(),
      create,
      video(0),
      message(4, 18, 1, 0, bytes(string('onMetaData'), metadata)),
      publish(string('cam1')),
      video(40),
    ],
    [connectEvent, 'publish /live/cam1', videoEvent(40)],
  ),
  live(
    'session-publish-twice',
    'S3: the same again is confirmed, another name is not',
    [publish(string('cam1')), publish(string('cam2'), 2), video(0)],
    [videoEvent(0), 'tolerated 2'],
    [
      'onStatus csid=5 stream=1 tx=0 NetStream.Publish.Start',
      'onStatus csid=5 stream=2 tx=0 NetStream.Publish.BadName',
    ],
  ),
  vector(
    'session-play',
    'S9: readers use RTSP',
    [connect(), create, message(8, 20, 1, 0, command('play', 0, nothing, string('cam1')))],
    [connectEvent, 'error play_refused'],
    [...connected, created, 'onStatus csid=5 stream=1 tx=0 NetStream.Play.StreamNotFound'],
  ),
  vector(
    'session-path-invalid',
    'P1',
    [connect(), publish(string('../cam1'))],
    [connectEvent, 'error path_invalid'],
    [...connected, 'onStatus csid=5 stream=1 tx=0 NetStream.Publish.BadName'],
  ),
  vector(
    'session-connect-twice',
    'S1',
    [connect(), connect()],
    [connectEvent, 'error connect_repeated'],
    [...connected, '_error csid=3 stream=0 tx=1 NetConnection.Connect.Failed'],
  ),
  vector('session-publish-without-connect', 'S1', [publish(string('cam1'))], ['error connect_missing'], ['handshake']),
  vector(
    'session-chunk-size-zero',
    'C6',
    [connect(), message(2, 1, 0, 0, u32(0))],
    [connectEvent, 'error chunk_size_invalid'],
  ),
  vector(
    'session-chunk-size-top-bit',
    'C6',
    [connect(), message(2, 1, 0, 0, u32(0x80000000))],
    [connectEvent, 'error chunk_size_invalid'],
  ),
  vector(
    'session-chunk-size-short',
    'C6',
    [connect(), message(2, 1, 0, 0, body(3))],
    [connectEvent, 'error control_malformed'],
  ),
  vector(
    'session-amf-too-deep',
    'A3',
    [send('connect', 1, bytes(...Array.from({ length: 50 }, () => bytes([3, 0, 1, 97]))))],
    ['error amf_too_deep'],
    ['handshake'],
  ),
  vector(
    'session-amf-truncated',
    'A3',
    [message(3, 20, 0, 0, bytes([2, 0, 9], Buffer.from('conn')))],
    ['error amf_malformed'],
    ['handshake'],
  ),
  vector('session-command-too-large', 'A3', [fmt0(3, 0, 65_537, 20)], ['error message_too_large'], ['handshake']),
  vector(
    'session-streams-exceeded',
    'S3',
    [connect(), ...Array.from({ length: 9 }, () => create)],
    [connectEvent, 'error streams_exceeded'],
  ),
  opening('opening-tls', 'H5', bytes('16 03 01 02 00 01 00 01 fc 03 03'), 'not_rtmp_tls'),
  opening('opening-http', 'H5', Buffer.from('POST /open/1 HTTP/1.1\r\n'), 'not_rtmp_http'),
  opening('opening-proxy-v1', 'H5', Buffer.from('PROXY TCP4 192.0.2.1 192.0.2.2 1 2\r\n'), 'not_rtmp_proxy'),
  opening('opening-proxy-v2', 'H5', bytes('0d0a0d0a000d0a515549540a'), 'not_rtmp_proxy'),
  opening('opening-rtmpe', 'H5', bytes([6], body(1536)), 'rtmpe_unsupported'),
  opening('opening-version-5', 'H5', bytes([5], body(1536)), 'bad_version'),
  opening('opening-text', 'H5', Buffer.from('HELO there'), 'not_rtmp'),
];
