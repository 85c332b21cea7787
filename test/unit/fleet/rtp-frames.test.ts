import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { crc32 } from 'node:zlib';
import { createStampNal, stampFieldsOffset, writeStamp } from '../../../native-free-bench/system/stamp.ts';
import type { ByteCheck } from '../../../scripts/fleet/byte-check.ts';
import { RtpFrames } from '../../../scripts/fleet/rtp-frames.ts';

let sequence = 0;

function packet(payload: Buffer, options: { marker?: boolean; time?: number; channel?: number } = {}): Buffer {
  const { marker = false, time = 0, channel = 0 } = options;
  const head = Buffer.alloc(16);
  head[0] = 0x24;
  head[1] = channel;
  head.writeUInt16BE(12 + payload.length, 2);
  head[4] = 0x80;
  head[5] = (marker ? 0x80 : 0) | 96;
  head.writeUInt16BE(sequence++ & 0xffff, 6);
  head.writeUInt32BE(time, 8);
  return Buffer.concat([head, payload]);
}

function stampUnit(camera: number, frame: number): Buffer {
  const nal = createStampNal();
  writeStamp(nal, stampFieldsOffset, camera, frame, 1e6, 0);
  return nal;
}

/** STAP-A of units. */
function aggregate(...units: Buffer[]): Buffer {
  const sizes = units.map((unit) => Buffer.of(unit.length >>> 8, unit.length));
  return Buffer.concat([Buffer.of(0x78), ...units.flatMap((unit, index) => [sizes[index]!, unit])]);
}

/** FU-A fragments of a unit. */
function fragments(unit: Buffer, size: number): Buffer[] {
  const parts: Buffer[] = [];
  for (let at = 1; at < unit.length; at += size) {
    const flags = (at === 1 ? 0x80 : 0) | (at + size >= unit.length ? 0x40 : 0);
    const head = Buffer.of((unit[0]! & 0xe0) | 28, flags | (unit[0]! & 0x1f));
    parts.push(Buffer.concat([head, unit.subarray(at, at + size)]));
  }
  return parts;
}

const slice = Buffer.concat([Buffer.of(0x65), Buffer.alloc(5000, 0x37)]);
const small = Buffer.concat([Buffer.of(0x41), Buffer.alloc(60, 0x11)]);
const sps = Buffer.from('674d4028', 'hex');

function conversation(): Buffer {
  sequence = 65_530;
  return Buffer.concat([
    Buffer.from('RTSP/1.0 200 OK\r\nCSeq: 4\r\nContent-Length: 3\r\n\r\nabc'),
    packet(aggregate(sps, stampUnit(7, 41))),
    ...fragments(slice, 1200).map((part, index, all) => packet(part, { marker: index === all.length - 1, time: 900 })),
    packet(Buffer.alloc(30, 0xc8), { channel: 1 }),
    packet(stampUnit(7, 42)),
    packet(small, { marker: true, time: 4500 }),
    Buffer.from('RTSP/1.0 200 OK\r\nCSeq: 5\r\n\r\n'),
    packet(small, { marker: true, time: 8100 }),
  ]);
}

/** Everything that is seen when the bytes come `step` at a time. */
function seen(bytes: Buffer, step: number, check: ByteCheck = 'all') {
  const frames: unknown[] = [];
  const responses: string[] = [];
  const parser = new RtpFrames(
    {
      onResponse: (head, body) => responses.push(`${head.split('\r\n')[1]} ${body}`),
      onFrame: ({ stamped, camera, number, checksum, rtpTime, profile }, nowUs) =>
        frames.push([stamped, ...(stamped ? [camera, number] : []), checksum, rtpTime, profile, nowUs]),
    },
    check,
  );
  const buffer = Buffer.alloc(step);
  for (let at = 0; at < bytes.length; at += step) {
    // The same buffer for every read, as a socket has it.
    const length = bytes.copy(buffer, 0, at, at + step);
    parser.receive(buffer, length, 5);
  }
  return { frames, responses, gaps: parser.sequenceGaps };
}

const expected = {
  frames: [
    [true, 7, 41, crc32(slice), 900, 0x4d, 5],
    [true, 7, 42, crc32(small), 4500, 0x4d, 5],
    [false, crc32(small), 8100, 0x4d, 5],
  ],
  responses: ['CSeq: 4 abc', 'CSeq: 5 '],
  // The packet of channel 1 took a number of ours.
  gaps: 1,
};

describe('frames from RTP over RTSP', () => {
  test('single units, aggregates and fragments, however the bytes are cut', () => {
    const bytes = conversation();
    for (const step of [bytes.length, 1, 2, 3, 5, 17, 100, 1213, 1460, 4096])
      assert.deepEqual(seen(bytes, step), expected, `${step} bytes at a time`);
  });

  test('without looking at bytes the stamps are the same', () => {
    const { frames } = seen(conversation(), 1000, 'none');
    assert.deepEqual(frames[0], [true, 7, 41, 0, 900, 0x4d, 5]);
  });

  test('a changed byte changes the checksum', () => {
    const bytes = conversation();
    bytes[bytes.length - 1]! ^= 1;
    assert.notDeepEqual(seen(bytes, bytes.length).frames[2], expected.frames[2]);
  });

  test('what is no RTSP is refused', () => {
    assert.throws(() => seen(Buffer.alloc(70_000, 0x41), 1000), /does not speak RTSP/);
  });
});
