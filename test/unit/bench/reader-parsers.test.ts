import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { ChunkParser } from '../../../native-free-bench/system/chunk-parser.ts';
import { FrameChecker } from '../../../native-free-bench/system/frame-checker.ts';
import { InterleavedParser } from '../../../native-free-bench/system/interleaved-parser.ts';
import { createStampNal, Stamp, stampFieldsOffset, writeStamp } from '../../../native-free-bench/system/stamp.ts';
import { rtmpMessage, SyntheticStream } from '../../../native-free-bench/system/synthetic-stream.ts';

function checkerOfOne(): FrameChecker {
  return new FrameChecker(Int32Array.of(7));
}

function stampNal(frame: number, publisher = 7): Buffer {
  const nal = createStampNal();
  writeStamp(nal, stampFieldsOffset, publisher, frame, 1000, 100);
  return nal;
}

let sequence = 0;
function packet(payload: Buffer, marker: boolean, channel = 0): Buffer {
  const bytes = Buffer.alloc(16 + payload.length);
  bytes[0] = 0x24;
  bytes[1] = channel;
  bytes.writeUInt16BE(12 + payload.length, 2);
  bytes[4] = 0x80;
  bytes[5] = marker ? 0xe0 : 0x60;
  if (channel === 0) bytes.writeUInt16BE(sequence++ & 0xffff, 6);
  payload.copy(bytes, 16);
  return bytes;
}

function aggregate(...nals: Buffer[]): Buffer {
  const parts: Buffer[] = [Buffer.from([24])];
  for (const nal of nals) parts.push(Buffer.from([nal.length >>> 8, nal.length]), nal);
  return Buffer.concat(parts);
}

/** Feeds `bytes` in pieces of `size` and returns the checker; every piece has a copy of its own as a real read would. */
function feed(parser: { receive(bytes: Buffer, end: number, nowUs: number): void }, bytes: Buffer, size: number): void {
  const read = Buffer.alloc(size);
  for (let at = 0; at < bytes.length; at += size) {
    const length = bytes.copy(read, 0, at, at + size);
    parser.receive(read, length, 5000);
  }
}

describe('interleaved parser', () => {
  const sps = Buffer.concat([Buffer.from([0x67]), Buffer.alloc(30, 1)]);
  const slice = Buffer.concat([Buffer.from([0x7c, 0x85]), Buffer.alloc(1400, 9)]);

  test('frames are found whole and once however the bytes are split', () => {
    for (const size of [1, 2, 3, 5, 16, 17, 333, 1500, 65536]) {
      sequence = 65530;
      const stream = Buffer.concat([
        Buffer.from('RTSP/1.0 200 OK\r\nCSeq: 3\r\nContent-Length: 4\r\n\r\nbody'),
        packet(aggregate(sps, stampNal(0)), false),
        packet(slice, false),
        packet(Buffer.alloc(20, 1), false, 1),
        packet(slice, true),
        packet(stampNal(1), false),
        Buffer.from('RTSP/1.0 200 OK\r\nCSeq: 4\r\n\r\n'),
        packet(slice, true),
        packet(Buffer.concat([Buffer.from([0x41]), Buffer.alloc(50, 3)]), true),
        packet(aggregate(sps, sps, stampNal(2), Buffer.from([0x41, 1])), true),
      ]);
      const checker = checkerOfOne();
      const responses: string[] = [];
      const parser = new InterleavedParser(0, checker, (head, body) => responses.push(head.split('\r\n')[1]! + body));
      feed(parser, stream, size);
      assert.deepEqual(responses, ['CSeq: 3body', 'CSeq: 4'], `pieces of ${size}`);
      assert.deepEqual(
        [checker.frames, checker.lost, checker.unstamped, checker.misrouted, parser.sequenceGaps],
        [3, 0, 1, 0, 0],
        `pieces of ${size}`,
      );
      assert.equal(checker.latency.summary().maximumMs, 4);
      assert.equal(checker.transit.summary().maximumMs, 3.9);
    }
  });

  test('a missing packet shows as a sequence gap and a missing frame as loss', () => {
    sequence = 0;
    const checker = checkerOfOne();
    const parser = new InterleavedParser(0, checker, () => {});
    const first = packet(aggregate(stampNal(4)), true);
    packet(aggregate(stampNal(5)), true);
    const third = packet(aggregate(stampNal(6)), true);
    feed(parser, Buffer.concat([first, third]), 100);
    assert.equal(parser.sequenceGaps, 1);
    assert.equal(checker.lost, 1);
  });

  test('a server that answers without end is cut off', () => {
    const parser = new InterleavedParser(0, checkerOfOne(), () => {});
    assert.throws(() => feed(parser, Buffer.alloc(70_000, 0x41), 70_000), /too long/);
  });
});

describe('chunk parser', () => {
  function relayed(chunkSize: number): Buffer {
    const shape = { bitsPerSecond: 2e6, framesPerSecond: 30, gop: 4, chunkSize };
    const stream = new SyntheticStream(shape);
    const size = Buffer.alloc(4);
    size.writeUInt32BE(chunkSize);
    const parts = [
      rtmpMessage(2, 1, 0, size, 128),
      rtmpMessage(3, 20, 0, Buffer.from('NetStream.Play.Start'), chunkSize),
    ];
    parts.push(stream.header);
    for (let frame = 0; frame < 6; frame++) {
      const template = stream.frame(frame);
      template.patch(frame * 33, 7, frame, 1000, 100);
      parts.push(Buffer.from(template.bytes));
    }
    return Buffer.concat(parts);
  }

  test('frames, commands and the chunk size are understood however the bytes are split', () => {
    for (const chunkSize of [128, 4096, 65536]) {
      for (const size of [1, 7, 18, 19, 500, 4096, 1 << 20]) {
        const checker = checkerOfOne();
        const commands: string[] = [];
        const parser = new ChunkParser(0, checker, (front) => commands.push(front.toString()));
        feed({ receive: (bytes, end, nowUs) => parser.receive(bytes, 0, end, nowUs) }, relayed(chunkSize), size);
        assert.deepEqual(commands, ['NetStream.Play.Start']);
        assert.deepEqual(
          [checker.frames, checker.lost, checker.unstamped],
          [6, 0, 0],
          `chunk ${chunkSize} split ${size}`,
        );
      }
    }
  });

  test('messages of two chunk streams may interleave, and an extended timestamp is repeated on each chunk', () => {
    const nal = stampNal(3);
    const body = Buffer.concat([Buffer.from([0x27, 1, 0, 0, 0, 0, 0, 0, nal.length]), nal, Buffer.alloc(200, 1)]);
    const head = Buffer.from([6, 0xff, 0xff, 0xff, 0, 0, body.length, 9, 1, 0, 0, 0, 1, 0, 0, 0]);
    const audio = rtmpMessage(70, 8, 1, Buffer.alloc(10), 128);
    // A chunk stream id of 64 and more takes two bytes.
    const audioLong = Buffer.concat([Buffer.from([0, 70 - 64]), audio.subarray(1)]);
    const bytes = Buffer.concat([
      head,
      body.subarray(0, 128),
      audioLong,
      Buffer.from([0xc6, 1, 0, 0, 0]),
      body.subarray(128),
    ]);
    for (const size of [1, 3, 1000]) {
      const checker = checkerOfOne();
      const parser = new ChunkParser(0, checker, () => {});
      feed({ receive: (read, end, nowUs) => parser.receive(read, 0, end, nowUs) }, bytes, size);
      assert.equal(checker.frames, 1);
    }
  });
});

describe('frame checker', () => {
  const stamp = new Stamp();
  function arrive(checker: FrameChecker, frame: number, publisher = 7): void {
    stamp.publisher = publisher;
    stamp.frame = frame;
    stamp.dueUs = 1000;
    stamp.lateUs = 0;
    checker.stamped(0, stamp, 2000);
  }

  test('loss, duplicates, late frames and strangers are told apart', () => {
    const checker = checkerOfOne();
    for (const frame of [10, 11, 14, 14, 12, 15]) arrive(checker, frame);
    arrive(checker, 16, 3);
    assert.deepEqual(
      [checker.lost, checker.duplicated, checker.reordered, checker.misrouted, checker.started],
      [1, 1, 1, 1, 1],
    );
  });

  test('a new window starts its counts at zero but still sees a loss across its edge', () => {
    const checker = checkerOfOne();
    arrive(checker, 1);
    checker.begin();
    arrive(checker, 3);
    assert.deepEqual([checker.frames, checker.lost], [1, 1]);
  });

  test('a reader that gets nothing any more is silent', () => {
    const checker = new FrameChecker(Int32Array.of(7, 8));
    arrive(checker, 1);
    assert.equal(checker.silent(2000 + 1e6, 1e6), 1);
    assert.equal(checker.silent(2001 + 1e6, 1e6), 2);
  });
});
