/** Chunk headers in all their forms, as the specification has them and as peers send them. */
import type { Vector } from './vector.ts';
import { basic, body, bytes, event, fmt0, fmt1, fmt2, fmt3, message, u24, u32 } from './wire.ts';

const short = body(5);
const other = body(7, 2);
const long = body(300, 3);
const control = (type: number, value: number, csid = 2): Buffer => message(csid, type, 0, 0, u32(value));
const controlEvent = (type: number, value: number, csid = 2): string => event(csid, type, 0, 0, u32(value));

/** `long` behind a first header, cut at 128, with `between` as header of the other two chunks. */
function cut(first: Buffer, between: Buffer): Buffer {
  return bytes(first, long.subarray(0, 128), between, long.subarray(128, 256), between, long.subarray(256));
}

function vector(name: string, clause: string, content: Buffer, events: readonly string[]): Vector {
  return { name, kind: 'chunks', origin: 'written', clause, events, bytes: content };
}

const late = 0x01020304;

export const chunkVectors: readonly Vector[] = [
  vector(
    'csid-forms',
    '5.3.1.1 (C1)',
    Buffer.concat([2, 3, 63, 64, 319, 320, 65_599].map((csid) => bytes(fmt0(csid, 1, 5, 9), short))),
    [2, 3, 63, 64, 319, 320, 65_599].map((csid) => event(csid, 9, 1, 1, short)),
  ),
  vector(
    'csid-two-forms-of-one-id',
    '5.3.1.1 (C1)',
    bytes(
      fmt0(70, 10, 300, 9, 1, 2),
      long.subarray(0, 128),
      fmt3(70, undefined, 3),
      long.subarray(128, 256),
      fmt3(70),
      long.subarray(256),
      fmt2(70, 5, 3),
      long.subarray(0, 128),
      fmt3(70),
      long.subarray(128, 256),
      fmt3(70, undefined, 3),
      long.subarray(256),
    ),
    [event(70, 9, 1, 10, long), event(70, 9, 1, 15, long)],
  ),
  vector('message-stream-id-little-endian', '5.3.1.2.1 (C2)', bytes(fmt0(4, 0, 5, 8, 0x01020304), short), [
    event(4, 8, 0x01020304, 0, short),
  ]),
  vector(
    'deltas',
    '5.3.1.2 (C3)',
    bytes(
      fmt0(4, 1000, 5, 9),
      short,
      fmt1(4, 20, 7, 8),
      other,
      fmt2(4, 40),
      other,
      fmt3(4),
      other,
      fmt3(4),
      other,
      fmt1(4, 0, 5, 9),
      short,
      fmt3(4),
      short,
    ),
    [
      event(4, 9, 1, 1000, short),
      event(4, 8, 1, 1020, other),
      event(4, 8, 1, 1060, other),
      event(4, 8, 1, 1100, other),
      event(4, 8, 1, 1140, other),
      event(4, 9, 1, 1140, short),
      event(4, 9, 1, 1140, short),
    ],
  ),
  vector(
    'continuation-adds-no-delta',
    '5.3.1.2.4 (C3)',
    bytes(cut(fmt0(6, 40, 300, 9), fmt3(6)), cut(fmt1(6, 33, 300, 9), fmt3(6)), cut(fmt3(6), fmt3(6))),
    [event(6, 9, 1, 40, long), event(6, 9, 1, 73, long), event(6, 9, 1, 106, long)],
  ),
  vector('fmt3-after-fmt0', '5.3.1.2.4 (C3); FFmpeg', bytes(fmt0(4, 40, 5, 9), short, fmt3(4), short, fmt3(4), short), [
    event(4, 9, 1, 40, short),
    event(4, 9, 1, 80, short),
    event(4, 9, 1, 120, short),
  ]),
  vector(
    'fmt3-after-fmt0-guarded',
    '5.3.1.2.4 (C3); senders that mean no change',
    bytes(fmt0(4, 60_000, 5, 9), short, fmt3(4), short),
    [event(4, 9, 1, 60_000, short), event(4, 9, 1, 60_000, short)],
  ),
  vector(
    'interleaved',
    '5.3 (C5)',
    bytes(
      fmt0(4, 10, 300, 9),
      long.subarray(0, 128),
      fmt0(5, 11, 300, 8),
      long.subarray(0, 128),
      fmt0(70, 12, 5, 18),
      short,
      fmt3(5),
      long.subarray(128, 256),
      fmt3(4),
      long.subarray(128, 256),
      fmt3(4),
      long.subarray(256),
      fmt3(5),
      long.subarray(256),
    ),
    [event(70, 18, 1, 12, short), event(4, 9, 1, 10, long), event(5, 8, 1, 11, long)],
  ),
  vector(
    'chunk-size-changes-inside-message',
    '5.4.1 (C5); Wirecast',
    bytes(
      fmt0(4, 0, 300, 9),
      long.subarray(0, 128),
      control(1, 50),
      fmt3(4),
      long.subarray(128, 178),
      control(1, 100),
      fmt3(4),
      long.subarray(178, 278),
      control(1, 4096),
      fmt3(4),
      long.subarray(278),
      fmt2(4, 1),
      long,
    ),
    [
      controlEvent(1, 50),
      controlEvent(1, 100),
      controlEvent(1, 4096),
      event(4, 9, 1, 0, long),
      event(4, 9, 1, 1, long),
    ],
  ),
  vector(
    'chunk-size-largest',
    '5.4.1 (C6); acts as 0xFFFFFF',
    bytes(control(1, 0x7fffffff), fmt0(4, 0, 300, 9), long),
    [controlEvent(1, 0x7fffffff), event(4, 9, 1, 0, long)],
  ),
  vector(
    'chunk-size-one',
    '5.4.1 (C6)',
    bytes(control(1, 1), fmt0(4, 7, 5, 9), [short[0]!], ...[1, 2, 3, 4].map((i) => bytes(fmt3(4), [short[i]!]))),
    [controlEvent(1, 1), event(4, 9, 1, 7, short)],
  ),
  vector(
    'extended-repeated',
    '5.3.1.3 (C4); FFmpeg, OBS',
    bytes(cut(fmt0(4, late, 300, 9), fmt3(4, late)), cut(fmt1(4, 40, 300, 9), fmt3(4))),
    [event(4, 9, 1, late, long), event(4, 9, 1, late + 40, long)],
  ),
  vector(
    'extended-omitted',
    '5.3.1.3 (C4); OBS before 30.1, DJI',
    bytes(cut(fmt0(4, late, 300, 9), fmt3(4)), cut(fmt1(4, 40, 300, 9), fmt3(4))),
    [event(4, 9, 1, late, long), event(4, 9, 1, late + 40, long)],
  ),
  (() => {
    // The payload behind the header begins like the timestamp, for three of its four bytes.
    const content = Buffer.concat([body(128), u32(late).subarray(0, 3), Buffer.from([9, 9, 9])]);
    return vector(
      'extended-omitted-look-alike',
      '5.3.1.3 (C4)',
      bytes(
        fmt0(4, late, content.length, 9),
        content.subarray(0, 128),
        fmt3(4),
        content.subarray(128),
        fmt2(4, 1),
        content.subarray(0, 128),
        fmt3(4),
        content.subarray(128),
      ),
      [event(4, 9, 1, late, content), event(4, 9, 1, late + 1, content)],
    );
  })(),
  (() => {
    // One byte of payload is left, and the next header follows it: fewer than four bytes belong to the message.
    const content = body(129);
    return vector(
      'extended-omitted-short-rest',
      '5.3.1.3 (C4)',
      bytes(
        fmt0(4, late, 129, 9),
        content.subarray(0, 128),
        fmt3(4),
        content.subarray(128),
        fmt2(4, 1),
        content.subarray(0, 128),
        fmt3(4),
        content.subarray(128),
      ),
      [event(4, 9, 1, late, content), event(4, 9, 1, late + 1, content)],
    );
  })(),
  vector(
    'extended-field-with-small-value',
    '5.3.1.3 (C4)',
    cut(bytes(basic(0, 4), 'ffffff', u24(300), [9], '01000000', u32(4711)), fmt3(4, 4711)),
    [event(4, 9, 1, 4711, long)],
  ),
  vector(
    'extended-delta',
    '5.3.1.3 (C4)',
    bytes(
      fmt0(4, 100, 5, 9),
      short,
      cut(fmt1(4, 0x01000000, 300, 9), fmt3(4, 0x01000000)),
      cut(fmt3(4, 0x01000000), fmt3(4, 0x01000000)),
    ),
    [event(4, 9, 1, 100, short), event(4, 9, 1, 0x01000064, long), event(4, 9, 1, 0x02000064, long)],
  ),
  vector(
    'extended-delta-fmt3-repeats-absolute',
    '5.3.1.3 (C4)',
    bytes(fmt0(4, 100, 5, 9), short, cut(fmt1(4, 0x01000000, 300, 9), fmt3(4, 0x01000064))),
    [event(4, 9, 1, 100, short), event(4, 9, 1, 0x01000064, long)],
  ),
  vector(
    'extended-negative-delta',
    'librtmp after its wrap (T3)',
    bytes(fmt0(4, 1000, 5, 9), short, fmt1(4, 0xffffffff, 5, 9), short),
    [event(4, 9, 1, 1000, short), event(4, 9, 1, 999, short)],
  ),
  vector(
    'timestamp-wraps',
    '5.3.1.2 (T2)',
    bytes(fmt0(4, 0xfffffff0, 5, 9), short, fmt1(4, 40, 5, 9), short, fmt3(4), short),
    [event(4, 9, 1, 0xfffffff0, short), event(4, 9, 1, 24, short), event(4, 9, 1, 64, short)],
  ),
  vector('fresh-fmt1', 'librtmp (C8)', bytes(fmt1(4, 25, 5, 9), short, fmt3(4), short), [
    event(4, 9, 0, 25, short),
    event(4, 9, 0, 50, short),
  ]),
  vector('fresh-fmt2', '5.3.1.2.3 (C8)', bytes(fmt0(4, 0, 5, 9), short, fmt2(33, 25), short), [
    event(4, 9, 1, 0, short),
    'error chunk_no_state',
  ]),
  vector('fresh-fmt3', '5.3.1.2.4 (C8)', bytes(fmt0(4, 0, 5, 9), short, fmt3(5), short), [
    event(4, 9, 1, 0, short),
    'error chunk_no_state',
  ]),
  vector('zero-length', '5.3 (C9)', bytes(fmt0(4, 3, 0, 9), fmt3(4), fmt0(5, 0, 0, 18), fmt1(4, 1, 5, 9), short), [
    event(4, 9, 1, 3, Buffer.alloc(0)),
    event(4, 9, 1, 6, Buffer.alloc(0)),
    event(5, 18, 1, 0, Buffer.alloc(0)),
    event(4, 9, 1, 7, short),
  ]),
  vector(
    'abort',
    '5.4.2 (C10)',
    bytes(fmt0(4, 10, 300, 9), long.subarray(0, 128), control(2, 4), control(2, 99), cut(fmt2(4, 5), fmt3(4))),
    ['abort csid=4', controlEvent(2, 4), controlEvent(2, 99), event(4, 9, 1, 15, long)],
  ),
  vector(
    'abort-then-fmt3',
    '5.4.2 (C10)',
    bytes(fmt0(4, 10, 300, 9), long.subarray(0, 128), control(2, 4), cut(fmt3(4), fmt3(4))),
    ['abort csid=4', controlEvent(2, 4), event(4, 9, 1, 20, long)],
  ),
  vector(
    'restart',
    'desynchronised senders (C7)',
    bytes(fmt0(4, 10, 300, 9), long.subarray(0, 128), fmt0(4, 20, 5, 9), short),
    ['abort csid=4', event(4, 9, 1, 20, short)],
  ),
  vector(
    'restart-with-other-length',
    'CVE-2016-10191 (C7)',
    bytes(fmt0(4, 10, 130, 9), long.subarray(0, 128), cut(fmt1(4, 20, 300, 9), fmt3(4))),
    ['abort csid=4', event(4, 9, 1, 30, long)],
  ),
  vector(
    'restart-too-often',
    'desynchronised senders (C7)',
    Buffer.concat(Array.from({ length: 5 }, () => bytes(fmt0(4, 0, 300, 9), long.subarray(0, 128)))),
    ['abort csid=4', 'abort csid=4', 'abort csid=4', 'error chunk_restarted'],
  ),
  vector('message-too-large', 'bound (C9)', bytes(fmt0(4, 0, 10 * 1024 * 1024 + 1, 9), short), [
    'error message_too_large',
  ]),
  vector(
    'chunk-streams-exceeded',
    'bound (C9)',
    Buffer.concat(Array.from({ length: 65 }, (_, i) => bytes(fmt0(3 + i, 0, 1, 9), [i]))),
    [...Array.from({ length: 64 }, (_, i) => event(3 + i, 9, 1, 0, Buffer.from([i]))), 'error chunk_streams_exceeded'],
  ),
  vector(
    'work-exceeded',
    'bound (C6, decision 1)',
    bytes(
      control(1, 1),
      fmt0(4, 0, 8000, 9),
      Buffer.concat(Array.from({ length: 6000 }, (_, i) => (i === 0 ? Buffer.from([7]) : bytes(fmt3(4), [7])))),
    ),
    [controlEvent(1, 1), 'error work_exceeded'],
  ),
];
