import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { ConnectionError } from '../../../src/base/errors.ts';
import { recordFlag, recordKind } from '../../../src/shm/frame-ring.ts';
import { awaited, publisherWord } from '../../../src/shm/stream-counters.ts';
import { avcc, headerTag, idr, naluTag, PublisherRig, pps, readFlv, slice, sps, sps720 } from './publisher-rig.ts';

describe('the usual stream', () => {
  test('a sequence header, a keyframe and a delta frame become three records in order', () => {
    const rig = new PublisherRig();
    const [key, delta] = [avcc(idr()), avcc(slice())];
    rig.send(0, headerTag([sps], [pps]));
    rig.send(0, naluTag(key, { key: true }));
    rig.send(40, naluTag(delta));
    rig.publisher.stop();
    assert.deepEqual(
      rig.records.map((record) => record.kind),
      [recordKind.sequenceHeader, recordKind.video, recordKind.video, recordKind.endOfStream],
    );
    assert.deepEqual(
      rig.video.map((record) => [record.payload, record.flags, record.dtsMs]),
      [
        [key, recordFlag.keyframe, 0],
        [delta, 0, 40],
      ],
    );
    assert.deepEqual(rig.events, [{ type: 'parameters', width: 1920, height: 1080, profile: 66, level: 40, fps: 30 }]);
  });

  test('F12: B-frames, slices, fields, 4:2:2 and intra refresh of libx264 pass byte for byte', () => {
    for (const name of ['b-frames.flv', 'four-slices.flv', 'interlaced.flv', 'high-422.flv', 'intra-refresh.flv']) {
      const rig = new PublisherRig();
      const tags = readFlv(name);
      for (const tag of tags) rig.send(tag.timestampMs, tag.body);
      rig.publisher.stop();
      const sent = tags.filter((tag) => tag.body[1] === 1);
      assert.equal(rig.video.length, sent.length, name);
      for (const [i, tag] of sent.entries()) {
        assert.deepEqual(rig.video[i]!.payload, tag.body.subarray(5), `${name} ${i}`);
        assert.equal(rig.video[i]!.dtsMs, tag.timestampMs - sent[0]!.timestampMs);
        assert.equal(rig.video[i]!.ptsOffsetMs, tag.body.readIntBE(2, 3));
      }
      const { truncated, tolerated, seiOnly, frames } = rig.counters;
      assert.deepEqual([truncated, tolerated, seiOnly, frames], [0, 0, 0, sent.length]);
    }
  });

  test('F9, F10: start points of libx264: IDR each 15 frames; with intra refresh the recovery points after 2 s', () => {
    const starts = (name: string) => {
      const rig = new PublisherRig();
      for (const tag of readFlv(name)) rig.send(tag.timestampMs, tag.body);
      rig.publisher.stop();
      return rig.video.flatMap((record, i) => (record.flags & 9 ? [[i, record.flags & 9]] : []));
    };
    assert.deepEqual(starts('b-frames.flv'), [
      [0, recordFlag.keyframe],
      [15, recordFlag.keyframe],
    ]);
    const [first, second] = starts('intra-refresh.flv');
    assert.deepEqual(first, [0, recordFlag.keyframe]);
    assert.equal(second?.[1], recordFlag.recoveryPoint);
    assert.ok(second[0]! > 50);
  });

  test('the counters say from which frame on a stream can be decoded', () => {
    const rig = new PublisherRig();
    const { awaits, leading } = publisherWord;
    const words = () => [rig.words.get(awaits), rig.words.get(leading)];
    rig.frame(0, idr());
    rig.frame(40, slice());
    rig.frame(80, slice());
    assert.deepEqual(words(), [awaited.parameters, 0]);
    rig.send(80, headerTag([sps], [pps]));
    rig.frame(120, slice());
    assert.deepEqual(words(), [awaited.entry, 0]);
    rig.frame(160, idr());
    rig.frame(200, slice());
    assert.deepEqual(words(), [awaited.nothing, 4]);
    const inBand = new PublisherRig();
    inBand.frame(0, sps, pps, idr());
    inBand.frame(40, slice());
    assert.deepEqual([inBand.words.get(awaits), inBand.words.get(leading)], [awaited.nothing, 0]);
  });

  test('B-frames are reported once, a constant composition time is none', () => {
    const rig = new PublisherRig();
    for (const tag of readFlv('b-frames.flv')) rig.send(tag.timestampMs, tag.body);
    assert.equal(rig.events.filter((event) => event.type === 'b_frames').length, 1);
    const constant = new PublisherRig();
    for (let i = 0; i < 9; i++) constant.send(i * 40, naluTag(avcc(slice()), { compositionMs: 80 }));
    assert.equal(constant.events.filter((event) => event.type === 'b_frames').length, 0);
  });

  test('a composition time that is rounded to milliseconds is no reordering, one that differs by more is', () => {
    for (const [times, events] of [
      [[66, 67, 66, 68, 67], 0],
      [[67, 66, 67, 65], 0],
      [[66, 68, 65], 1],
      [[0, 1, 0, 3, 0], 1],
    ] as const) {
      const rig = new PublisherRig();
      for (const [i, compositionMs] of times.entries())
        rig.send(i * 33, naluTag(avcc(i === 0 ? idr() : slice()), { key: i === 0, compositionMs }));
      assert.equal(rig.events.filter(({ type }) => type === 'b_frames').length, events, `${times}`);
    }
  });

  test('a message may arrive in pieces, cut anywhere', () => {
    const body = naluTag(avcc(slice(), slice(30, [0x24, 0x84])));
    for (let cut = 0; cut <= body.length; cut++) {
      const rig = new PublisherRig();
      rig.settle();
      rig.send(80, body, [cut]);
      rig.send(120, body, [cut, cut + 1, cut + 2]);
      assert.deepEqual(
        rig.video.map((record) => record.payload),
        [body.subarray(5), body.subarray(5)],
        `${cut}`,
      );
    }
  });

  test('the arrival is that of the last bytes, when the connection says when they were read', () => {
    const rig = new PublisherRig();
    rig.settle();
    const body = naluTag(avcc(slice()));
    rig.publisher.begin(80, body.length, 7000);
    rig.publisher.append(body, 0, 10);
    rig.publisher.arrived(7012.5);
    rig.publisher.append(body, 10, body.length);
    rig.publisher.end();
    assert.equal(rig.video[0]?.arrivalUs, 7_012_500);
    assert.equal(rig.publisher.lastVideoMs, 7012.5);
  });

  test('counters tell frames, bytes, keyframes, size and intervals', () => {
    const rig = new PublisherRig();
    rig.send(0, headerTag([sps], [pps]));
    rig.frame(0, idr(), slice(30, [0x24, 0x84]));
    rig.frame(40, slice());
    rig.frame(90, slice());
    const counters = rig.counters;
    assert.equal(counters.frames, 3);
    assert.equal(
      counters.bytes,
      rig.video.reduce((sum, record) => sum + record.payload.length, 0),
    );
    assert.equal(counters.keyframes, 1);
    assert.deepEqual([counters.width, counters.height, counters.profile, counters.level], [1920, 1080, 66, 40]);
    assert.deepEqual([counters.dtsDeltaMin, counters.dtsDeltaMax], [40, 50]);
    assert.deepEqual([counters.firstDtsMs, counters.lastDtsMs], [0, 90]);
    assert.deepEqual([counters.generation, counters.startedMs, counters.startedWallMs], [1, 5000, 1_700_000_000_000]);
  });

  test('each record rings', () => {
    const rig = new PublisherRig();
    rig.settle();
    const before = rig.rings;
    rig.frame(80, slice());
    assert.equal(rig.rings, before + 1);
  });
});

describe('ends', () => {
  test('an aborted message leaves nothing behind', () => {
    const rig = new PublisherRig();
    rig.settle();
    const body = naluTag(avcc(slice(5000)));
    for (const length of [0, 1, 3, 5, 6, 2000]) {
      rig.publisher.begin(80, body.length, rig.nowMs);
      if (length > 0) rig.publisher.append(body, 0, length);
      rig.publisher.abort();
    }
    rig.send(120, body);
    assert.equal(rig.video.length, 1);
    assert.equal(rig.video[0]?.dtsMs, 120);
  });

  test('stop in the middle of a message ends the stream in order, and nothing comes after it', () => {
    const rig = new PublisherRig();
    rig.settle();
    const body = naluTag(avcc(slice(500)));
    rig.publisher.begin(80, body.length, rig.nowMs);
    rig.publisher.append(body, 0, 100);
    rig.publisher.stop();
    rig.publisher.append(body, 100, 200);
    rig.publisher.end();
    rig.send(120, body);
    rig.publisher.metadata(new Map([['width', 5]]), rig.nowMs);
    rig.publisher.stop();
    rig.publisher.flush(1e9);
    assert.deepEqual(
      rig.records.map((record) => record.kind),
      [recordKind.endOfStream],
    );
  });

  test('an access unit above what the ring may take ends the connection', () => {
    const rig = new PublisherRig(1024 * 1024);
    rig.settle();
    assert.throws(
      () => rig.send(80, naluTag(avcc(slice(1_100_000)))),
      (error) => error instanceof ConnectionError && error.code === 'message_too_large',
    );
    rig.publisher.stop();
  });
});

describe('F2: messages without a picture', () => {
  test("short tags are counted and change nothing, empty ones are the session's to count", () => {
    const rig = new PublisherRig();
    rig.settle();
    for (const body of ['', '27', '2701', '270100', '27010000', '2701000000', '1700000000', '2703000000aa'])
      rig.send(80, Buffer.from(body, 'hex'));
    rig.frame(80, slice());
    assert.equal(rig.counters.tolerated, 7);
    assert.equal(rig.video.length, 1);
  });

  test('the end of a sequence is not the end of the stream', () => {
    const rig = new PublisherRig();
    rig.settle();
    rig.send(80, Buffer.from('1702000000', 'hex'));
    rig.send(80, headerTag([sps], [pps]));
    rig.frame(80, idr());
    assert.deepEqual(
      rig.records.map((record) => record.kind),
      [recordKind.video],
    );
    assert.equal(rig.counters.tolerated, 0);
  });

  test('F1: command frames are ignored', () => {
    const rig = new PublisherRig();
    rig.settle();
    rig.send(80, Buffer.from('5700', 'hex'));
    rig.send(80, Buffer.from('57', 'hex'));
    assert.deepEqual([rig.records.length, rig.counters.tolerated, rig.counters.nonH264], [0, 0, 0]);
  });
});

describe('F1, X5: other codecs', () => {
  test('each message is counted, the codec is reported once, H.264 goes on', () => {
    const rig = new PublisherRig();
    rig.settle();
    for (let i = 0; i < 5; i++) rig.send(80 + i, Buffer.from('1c01000000aabbcc', 'hex'));
    rig.frame(120, slice());
    assert.equal(rig.counters.nonH264, 5);
    assert.deepEqual(rig.events, [{ type: 'non_h264', codec: 'HEVC' }]);
    assert.equal(rig.video.length, 1);
  });

  test('X8: Enhanced RTMP codecs are counted too', () => {
    const rig = new PublisherRig();
    rig.send(0, Buffer.concat([Buffer.from([0x90]), Buffer.from('hvc1'), Buffer.alloc(30)]));
    rig.send(0, Buffer.concat([Buffer.from([0xa1]), Buffer.from('hvc1'), Buffer.alloc(30)]));
    assert.equal(rig.counters.nonH264, 2);
    assert.deepEqual(rig.events, [{ type: 'non_h264', codec: 'HEVC' }]);
  });

  test('a publisher that changes codecs all the time does not flood the log', () => {
    const rig = new PublisherRig();
    for (let i = 0; i < 1000; i++) rig.send(0, Buffer.from([0x22 + (i % 2), 0]));
    assert.equal(rig.counters.nonH264, 1000);
    assert.ok(rig.events.length <= 4);
  });
});

describe('X: H.264 in Enhanced RTMP', () => {
  test('X5: sequence start, coded frames and coded frames X are the same stream as legacy tags', () => {
    const rig = new PublisherRig();
    const four = Buffer.from('avc1');
    const [key, delta] = [avcc(idr()), avcc(slice())];
    const record = headerTag([sps], [pps]).subarray(5);
    rig.send(0, Buffer.concat([Buffer.from([0x90]), four, record]), [1, 3]);
    rig.send(0, Buffer.concat([Buffer.from([0x91]), four, Buffer.from([0, 0, 80]), key]), [2, 7, 8]);
    rig.send(40, Buffer.concat([Buffer.from([0xa3]), four, delta]), [4]);
    rig.send(80, Buffer.concat([Buffer.from([0x92]), four]));
    assert.equal(rig.headers.length, 1);
    assert.deepEqual(
      rig.video.map((frame) => [frame.payload, frame.ptsOffsetMs]),
      [
        [key, 80],
        [delta, 0],
      ],
    );
    assert.equal(rig.counters.tolerated, 0);
  });

  test('X3, X4: ModEx and track 0 of multitrack, cut anywhere', () => {
    const delta = avcc(slice());
    const four = Buffer.from('avc1');
    const size = Buffer.from([0, 0, delta.length]);
    const modEx = Buffer.concat([Buffer.from([0xa7, 2, 0, 0, 9, 3]), four, delta]);
    const tracks = Buffer.concat([
      Buffer.from([0xa6, 0x13]),
      four,
      Buffer.from([0]),
      size,
      delta,
      Buffer.from([1, 0, 0, 1, 9]),
    ]);
    for (const body of [modEx, tracks]) {
      for (let cut = 0; cut < body.length; cut++) {
        const rig = new PublisherRig();
        rig.settle();
        rig.send(80, body, [cut]);
        assert.deepEqual(
          rig.video.map((frame) => frame.payload),
          [delta],
        );
      }
    }
  });
});

describe('T6: composition time', () => {
  test('it is passed on, negative too, and clamped beyond 5 s', () => {
    const rig = new PublisherRig();
    rig.settle();
    const times = [80, -40, 5000, -5000, 5001, -8_388_608];
    for (const [i, compositionMs] of times.entries()) rig.send(80 + i * 40, naluTag(avcc(slice()), { compositionMs }));
    assert.deepEqual(
      rig.video.map((record) => record.ptsOffsetMs),
      [80, -40, 5000, -5000, 5000, -5000],
    );
    assert.equal(rig.counters.tolerated, 2);
  });
});

describe('T4, T5: clocks', () => {
  test('a jump marks the record, is counted, and reported at most once a second', () => {
    const rig = new PublisherRig();
    rig.settle();
    for (const timestampMs of [80, 500_000, 500_040, 80, 120, 160]) rig.frame(timestampMs, slice());
    assert.deepEqual(
      rig.video.map((record) => record.flags & recordFlag.discontinuity),
      [0, 2, 0, 2, 0, 0],
    );
    assert.equal(rig.counters.discontinuities, 2);
    assert.deepEqual(rig.events, [{ type: 'discontinuity', fromMs: 80, toMs: 500_000 }]);
    const times = rig.video.map((record) => record.dtsMs);
    assert.ok(times.every((dtsMs, i) => i === 0 || dtsMs > times[i - 1]!));
  });

  test('a clock that stands still is reported once', () => {
    const rig = new PublisherRig();
    rig.settle();
    for (let i = 0; i < 100; i++) rig.frame(80, slice());
    assert.deepEqual(rig.events, [{ type: 'stuck_clock' }]);
  });
});

describe('F14: metadata', () => {
  const values = new Map<string, unknown>([['width', 1920]]);

  test('it becomes a record and an event, once as long as it says the same', () => {
    const rig = new PublisherRig();
    rig.publisher.metadata(values, rig.nowMs);
    rig.publisher.metadata(values, rig.nowMs + 5000);
    assert.deepEqual(
      rig.records.map((record) => record.kind),
      [recordKind.metadata],
    );
    assert.deepEqual(
      rig.events.map((event) => [event.type, event.type === 'metadata' && event.width]),
      [['metadata', 1920]],
    );
  });

  test('in the middle of a video message it waits for the end of it', () => {
    const rig = new PublisherRig();
    rig.settle();
    const body = naluTag(avcc(slice()));
    rig.publisher.begin(80, body.length, rig.nowMs);
    rig.publisher.append(body, 0, 12);
    rig.publisher.metadata(values, rig.nowMs);
    rig.publisher.append(body, 12, body.length);
    rig.publisher.end();
    rig.frame(120, slice());
    assert.deepEqual(
      rig.records.map((record) => record.kind),
      [recordKind.video, recordKind.metadata, recordKind.video],
    );
    assert.deepEqual(rig.video[0]?.payload, body.subarray(5));
  });

  test('a flood of it makes one record and event a second, the newest', () => {
    const rig = new PublisherRig();
    rig.settle();
    for (let i = 0; i < 1000; i++) rig.publisher.metadata(new Map([['width', i + 1]]), rig.nowMs);
    for (let i = 0; i < 30; i++) rig.frame(80 + i * 40, slice());
    assert.equal(rig.records.filter((record) => record.kind === recordKind.metadata).length, 2);
    const widths = rig.events.map((event) => event.type === 'metadata' && event.width);
    assert.deepEqual(widths, [1, 1000]);
  });
});

describe('F4: sequence headers', () => {
  test('the same header again changes nothing', () => {
    const rig = new PublisherRig();
    rig.settle();
    for (let i = 0; i < 5; i++) {
      rig.send(80, headerTag([sps], [pps]));
      rig.frame(80 + i * 40, slice());
    }
    assert.deepEqual([rig.headers.length, rig.events.length, rig.video.length], [0, 0, 5]);
  });

  test('another one is written in front of the next access unit and reported', () => {
    const rig = new PublisherRig();
    rig.settle();
    rig.nowMs += 1000;
    rig.send(80, headerTag([sps720], [pps]));
    rig.frame(80, idr());
    assert.deepEqual(
      rig.records.map((record) => record.kind),
      [recordKind.sequenceHeader, recordKind.video],
    );
    assert.equal(rig.headers[0]?.width, 1280);
    assert.deepEqual(rig.headers[0]?.sps.map(Buffer.from), [sps720]);
    assert.deepEqual(rig.events, [
      { type: 'parameters_changed', width: 1280, height: 720, profile: 66, level: 32, fps: 60 },
    ]);
    assert.deepEqual([rig.counters.width, rig.counters.height], [1280, 720]);
  });

  test('one that changes with each frame is reported once a second', () => {
    const rig = new PublisherRig();
    rig.settle();
    for (let i = 0; i < 100; i++) {
      rig.send(80 + i * 40, headerTag([i % 2 === 0 ? sps720 : sps], [pps]));
      rig.frame(80 + i * 40, idr());
    }
    assert.equal(rig.headers.length, 100);
    assert.ok(rig.events.length <= 5, `${rig.events.length}`);
  });

  test('F3: a header that makes no sense, or is too large, is tolerated', () => {
    const rig = new PublisherRig();
    rig.settle();
    rig.send(80, Buffer.from('1700000000 0142'.replace(' ', ''), 'hex'));
    rig.send(80, Buffer.concat([Buffer.from('1700000000', 'hex'), Buffer.alloc(9000, 1)]));
    rig.frame(80, slice());
    assert.deepEqual([rig.headers.length, rig.video.length, rig.counters.tolerated], [0, 1, 2]);
  });
});
