import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { CameraFeed } from '../../../src/egress/camera-feed.ts';
import type { FeedSession } from '../../../src/egress/feed-session.ts';
import { type CardPicture, type CardStream, noCardStream } from '../../../src/egress/offline-source.ts';
import { PlaySession } from '../../../src/egress/play-session.ts';
import { PacketBatch } from '../../../src/rtp/packet-batch.ts';
import { createRing, recordFlag } from '../../../src/shm/frame-ring.ts';
import { ReaderSlot } from '../../../src/shm/ring-reader.ts';
import { StreamCounters } from '../../../src/shm/stream-counters.ts';
import { FakeTransport } from '../../support/fake-transport.ts';
import { numberOf, pps, smallRing, sps, TestStream, typesOf } from '../../support/test-stream.ts';

const wallAtZero = 1_700_000_000_000;

/** A feed with sessions, a ring and a clock that stands where the test puts it. */
class Bench {
  nowMs = 0;
  readonly memory = StreamCounters.create(1, 1);
  readonly failures: [FeedSession, unknown][] = [];
  readonly ended: string[] = [];
  readonly stream: TestStream;
  readonly ring: SharedArrayBuffer;
  feed: CameraFeed;
  card: CardStream = noCardStream;
  /** Of the thread. */
  lateMs = 0;
  readonly #gopCache: boolean;

  constructor(options: Partial<typeof smallRing> & { noRing?: boolean; bytes?: number } = {}) {
    this.ring = createRing({ ...smallRing, ...options });
    this.stream = new TestStream(this.ring, options.bytes);
    this.#gopCache = options.gopCache ?? false;
    this.feed = this.#open(options.noRing ? null : this.ring);
  }

  #open(ring: SharedArrayBuffer | null): CameraFeed {
    const context = {
      slot: 0,
      gopCache: this.#gopCache,
      lateMs: () => this.lateMs,
      onSessionFailed: (session: FeedSession, error: unknown) => {
        this.failures.push([session, error]);
        this.feed.leave(session);
      },
    };
    return new CameraFeed(context, 0, new StreamCounters(this.memory).reader(0, 0), ring);
  }

  /** The last reader has left; the next one finds another feed. */
  reopen(): void {
    this.feed.release();
    this.feed = this.#open(this.ring);
  }

  join(transport = new FakeTransport()): [PlaySession, FakeTransport] {
    const clock = { nowMs: () => this.nowMs, wallMs: () => wallAtZero + this.nowMs };
    const context = { clock, random: () => 0.25, batch: new PacketBatch(), cname: 'test' };
    const owner = { endPlay: (reason: string) => this.ended.push(reason) };
    const session = new PlaySession(context, 0, transport, owner, 1400, this.card);
    session.begin(this.nowMs);
    this.feed.join(session);
    return [session, transport];
  }

  pump(nowMs = this.nowMs, shedding = false): void {
    this.nowMs = nowMs;
    while (this.feed.pump(nowMs, true, shedding));
  }

  get counters() {
    return new StreamCounters(this.memory).reader(0, 0).snapshot();
  }
}

function numbers(transport: FakeTransport): number[] {
  return transport.sent.map((unit) => numberOf(unit.units));
}

function range(from: number, to: number): number[] {
  return Array.from({ length: to - from }, (_, i) => from + i);
}

describe('start gate', () => {
  test('without the GOP cache a reader starts at the next keyframe', () => {
    const bench = new Bench();
    bench.stream.start();
    bench.stream.keyframe(0);
    bench.stream.frame(33);
    const [, transport] = bench.join();
    bench.stream.frame(66);
    bench.pump(66);
    assert.deepEqual(numbers(transport), []);
    bench.stream.keyframe(100);
    bench.stream.frame(133);
    bench.pump(140);
    assert.deepEqual(numbers(transport), [3, 4]);
  });

  test('with the GOP cache a reader starts at the newest keyframe at once', () => {
    const bench = new Bench({ gopCache: true });
    bench.stream.start();
    for (let i = 0; i < 10; i++) i % 4 === 0 ? bench.stream.keyframe(i * 33) : bench.stream.frame(i * 33);
    const [, transport] = bench.join();
    bench.pump(330);
    assert.deepEqual(numbers(transport), [8, 9]);
  });

  test('with the GOP cache the writer does not rewind over what a reader has joined at', () => {
    const bench = new Bench({ gopCache: true });
    bench.stream.start();
    const [, other] = bench.join();
    for (let i = 0; i < 8; i++) {
      i % 4 === 0 ? bench.stream.keyframe(i * 33) : bench.stream.frame(i * 33);
      bench.pump(i * 33);
    }
    const [, transport] = bench.join();
    bench.stream.keyframe(8 * 33);
    bench.pump(363);
    assert.deepEqual(numbers(transport), range(4, 9));
    assert.deepEqual(numbers(other), range(0, 9));
  });

  test('what is overwritten before a reader has begun is not lost: it begins later', () => {
    for (const gopCache of [true, false]) {
      const bench = new Bench({ gopCache, frames: 8 });
      bench.stream.start();
      bench.stream.keyframe(0);
      const [session, transport] = bench.join();
      for (let i = 1; i < 22; i++) i % 10 === 0 ? bench.stream.keyframe(i * 33) : bench.stream.frame(i * 33);
      bench.pump(750);
      assert.deepEqual(numbers(transport), [20, 21]);
      assert.equal(session.lost, 0);
      assert.equal(bench.counters.overflow, 0);
    }
  });

  test('a recovery point opens the gate, with parameter sets', () => {
    const bench = new Bench();
    bench.stream.start();
    const [, transport] = bench.join();
    bench.stream.frame(0);
    bench.stream.frame(33, 33, recordFlag.recoveryPoint);
    bench.stream.frame(66);
    bench.pump(70);
    assert.deepEqual(
      transport.sent.map((unit) => typesOf(unit.units)),
      [[7, 8, 1], [1]],
    );
  });

  test('a reader that waited for the camera gets the first frames of its first ring, however late that is known', () => {
    const bench = new Bench({ noRing: true });
    const [, transport] = bench.join();
    bench.pump(1);
    // As whoever makes the ring does it for a consumer that has readers.
    ReaderSlot.claim(bench.ring, 0);
    bench.stream.start();
    bench.stream.keyframe(0);
    bench.stream.frame(33);
    bench.stream.keyframe(66);
    bench.feed.addRing(bench.ring);
    bench.stream.frame(100);
    bench.pump(100);
    assert.deepEqual(numbers(transport), [0, 1, 2, 3]);
  });

  test('a keyframe whose parameter sets are not those at hand is not started at', () => {
    const bench = new Bench({ gopCache: true });
    bench.stream.start(1);
    bench.stream.keyframe(0);
    bench.stream.parameters(2);
    bench.stream.frame(33);
    const [, transport] = bench.join();
    bench.stream.keyframe(66);
    bench.pump(70);
    assert.deepEqual(numbers(transport), [2]);
    assert.deepEqual(transport.sent[0]!.units.slice(0, 2), [sps(2), pps(2)]);
  });
});

describe('parameter sets', () => {
  test('go in front of every IDR and of nothing else', () => {
    const bench = new Bench();
    const [, transport] = bench.join();
    bench.stream.start();
    for (let i = 0; i < 6; i++) i % 3 === 0 ? bench.stream.keyframe(i * 33) : bench.stream.frame(i * 33);
    bench.pump(200);
    assert.deepEqual(
      transport.sent.map((unit) => typesOf(unit.units)),
      [[7, 8, 5], [1], [1], [7, 8, 5], [1], [1]],
    );
  });

  test('are not added when the access unit holds its own', () => {
    const bench = new Bench();
    const [, transport] = bench.join();
    bench.stream.start();
    bench.stream.keyframe(0, 0, recordFlag.parameterSets);
    bench.pump(1);
    assert.deepEqual(typesOf(transport.sent[0]!.units), [5]);
  });

  test('change with the sequence header record that passes, not before', () => {
    const bench = new Bench();
    const [, transport] = bench.join();
    bench.stream.start(1);
    bench.stream.keyframe(0);
    bench.stream.parameters(2);
    bench.stream.keyframe(33);
    bench.pump(50);
    assert.deepEqual(
      transport.sent.map((unit) => unit.units[0]),
      [sps(1), sps(2)],
    );
  });
});

describe('shedding', () => {
  /** Pictures from `from` on, 33 ms apart, a keyframe every 30. */
  function film(bench: Bench, from: number, to: number): void {
    for (let i = from; i < to; i++) i % 30 === 0 ? bench.stream.keyframe(i * 33) : bench.stream.frame(i * 33);
  }

  test('late frames are left out up to the newest keyframe, and counted as shed', () => {
    const bench = new Bench();
    const [session, transport] = bench.join();
    bench.stream.start();
    film(bench, 0, 92);
    bench.pump(3040, true);
    assert.deepEqual(numbers(transport), [0, 90, 91], 'the first and the newest keyframe go out, however late');
    assert.equal(session.lost, 89);
    const { overflow, shed } = bench.counters;
    assert.deepEqual({ overflow, shed }, { overflow: 89, shed: 89 });
  });

  test('without a newer keyframe a reader waits for the next, and what it misses meanwhile is shed', () => {
    const bench = new Bench();
    const [, transport] = bench.join();
    bench.stream.start();
    film(bench, 0, 28);
    bench.pump(3000, true);
    assert.deepEqual(numbers(transport), [0]);
    film(bench, 28, 33);
    bench.pump(3001);
    assert.deepEqual(numbers(transport), [0, 30, 31, 32]);
    const { overflow, shed } = bench.counters;
    assert.deepEqual({ overflow, shed }, { overflow: 29, shed: 29 });
  });

  test('what is not late goes out as ever, and so does what is late at other times', () => {
    const bench = new Bench();
    const [, transport] = bench.join();
    bench.stream.start();
    film(bench, 0, 20);
    bench.pump(1200, true);
    film(bench, 20, 25);
    bench.pump(5000);
    assert.deepEqual(numbers(transport), range(0, 25));
    assert.equal(bench.counters.overflow, 0);
  });

  test('what the ring loses while the thread stands still is the thread’s fault, not the reader’s', () => {
    const bench = new Bench({ frames: 20 });
    const [, transport] = bench.join();
    bench.stream.start();
    film(bench, 0, 1);
    bench.pump(0);
    film(bench, 1, 62);
    bench.lateMs = 2000;
    bench.pump(2050);
    assert.deepEqual(numbers(transport), [0, 60, 61]);
    const { overflow, shed } = bench.counters;
    assert.deepEqual({ overflow, shed }, { overflow: 59, shed: 59 });
  });

  test('a reader that was behind for long loses frames by its own fault, also when the thread has just stood still', () => {
    const bench = new Bench({ frames: 20 });
    const [session, transport] = bench.join();
    bench.stream.start();
    film(bench, 0, 1);
    bench.pump(0);
    transport.full = true;
    for (let nowMs = 250; nowMs <= 5000; nowMs += 250) {
      // It takes a little now and then.
      transport.pending = nowMs;
      session.sweep(bench.feed, nowMs);
    }
    film(bench, 1, 32);
    bench.lateMs = 600;
    session.sweep(bench.feed, 5850);
    const { overflow, shed } = bench.counters;
    assert.ok(overflow > 0);
    assert.equal(shed, 0);
  });

  test('a reader that does not read loses frames by its own fault', () => {
    const bench = new Bench({ frames: 20 });
    const [, transport] = bench.join();
    bench.stream.start();
    film(bench, 0, 1);
    bench.pump(0);
    transport.full = true;
    film(bench, 1, 32);
    bench.pump(1050);
    transport.full = false;
    bench.pump(1100);
    const { overflow, shed } = bench.counters;
    assert.ok(overflow > 0);
    assert.equal(shed, 0);
  });
});

describe('loss', () => {
  test('a reader that does not read loses frames to the next keyframe, the others nothing', () => {
    const bench = new Bench({ frames: 20 });
    const [slow, blocked] = bench.join();
    const [, fast] = bench.join();
    bench.stream.start();
    for (let i = 0; i < 55; i++) {
      i % 10 === 0 ? bench.stream.keyframe(i * 33) : bench.stream.frame(i * 33);
      blocked.full = i >= 5;
      bench.pump(i * 33);
    }
    slow.sweep(bench.feed, 1850);
    assert.ok(bench.counters.overflow > 0, 'losses show while the reader still does not read');
    blocked.full = false;
    bench.pump(1900);
    assert.deepEqual(numbers(fast), range(0, 55));
    assert.deepEqual(numbers(blocked), [...range(0, 5), ...range(50, 55)]);
    assert.equal(slow.lost, 45);
    const { overflow, frames, framesSent } = bench.counters;
    assert.deepEqual({ overflow, frames, framesSent }, { overflow: 45, frames: 55, framesSent: 65 });
  });

  test('sequence numbers stay gapless over a loss, and time goes on by decoding time', () => {
    const bench = new Bench({ frames: 20 });
    const [, transport] = bench.join();
    bench.stream.start();
    bench.stream.keyframe(0);
    bench.pump(0);
    transport.full = true;
    for (let i = 1; i < 41; i++) {
      i % 10 === 0 ? bench.stream.keyframe(i * 33) : bench.stream.frame(i * 33);
      bench.pump(i * 33);
    }
    transport.full = false;
    bench.pump(1400);
    const [first, next] = transport.sent;
    assert.equal(numberOf(next!.units), 40);
    assert.equal(next!.sequences[0], first!.sequences.at(-1)! + 1);
    assert.equal(next!.rtpTime - first!.rtpTime, 40 * 33 * 90);
  });

  test('frames that are overwritten while their packets are built are not sent', () => {
    const bench = new Bench({ frames: 8 });
    const transport = new FakeTransport();
    const [session] = bench.join(transport);
    bench.stream.start();
    bench.stream.keyframe(0);
    bench.pump(0);
    for (let i = 1; i < 4; i++) bench.stream.frame(i * 33);
    // The writer overruns the session between its first and second frame of this turn.
    let calls = 0;
    transport.ready = () => {
      if (++calls === 2)
        for (let i = 4; i < 20; i++) i === 18 ? bench.stream.keyframe(i * 33) : bench.stream.frame(i * 33);
      return true;
    };
    bench.pump(700);
    bench.pump(701);
    assert.deepEqual(numbers(transport), [0, 1, 18, 19]);
    assert.equal(session.lost, 16);
  });

  test('J6: a jump of the publisher clock costs no frame and does not show in the time stamps', () => {
    const bench = new Bench();
    const [, transport] = bench.join();
    bench.stream.start();
    bench.stream.keyframe(0);
    bench.stream.frame(90_000, 33, recordFlag.discontinuity);
    bench.stream.frame(90_033, 66);
    bench.pump(100);
    assert.deepEqual(numbers(transport), [0, 1, 2]);
    const start = transport.sent[0]!.rtpTime;
    assert.deepEqual(
      transport.sent.map((unit) => (unit.rtpTime - start) / 90),
      [0, 33, 66],
    );
  });

  test('what a session throws ends that session only', () => {
    const bench = new Bench();
    const [broken, transport] = bench.join();
    const [, other] = bench.join();
    transport.sendPackets = () => {
      throw new Error('broken');
    };
    bench.stream.start();
    bench.stream.keyframe(0);
    bench.pump(0);
    bench.stream.frame(33);
    bench.pump(33);
    assert.deepEqual(numbers(other), [0, 1]);
    assert.equal(bench.failures[0]![0], broken);
    assert.equal(bench.failures.length, 1);
    assert.equal(bench.counters.readers, 1);
  });
});

describe('publishers come and go', () => {
  test('a new publisher continues sequence numbers and time, from its first keyframe', () => {
    const bench = new Bench();
    const [, transport] = bench.join();
    bench.stream.start(1);
    bench.stream.keyframe(500_000, 0);
    bench.stream.frame(500_040, 40);
    bench.stream.writer.endStream();
    bench.pump(50);
    bench.stream.start(2);
    bench.stream.frame(7, 2000);
    bench.stream.keyframe(47, 2040);
    bench.stream.frame(87, 2080);
    bench.pump(2080);
    const sent = transport.sent;
    assert.deepEqual(numbers(transport), [0, 1, 3, 4]);
    assert.deepEqual(sent[2]!.units.slice(0, 2), [sps(2), pps(2)]);
    assert.deepEqual(
      sent.slice(1).map((unit, i) => (unit.rtpTime - sent[i]!.rtpTime) / 90),
      [40, 2000, 40],
    );
    assert.deepEqual(
      sent.slice(1).map((unit, i) => unit.sequences[0]! - sent[i]!.sequences.at(-1)!),
      [1, 1, 1],
    );
  });

  test('a ring that is replaced is drained first; then time goes on, for fast and slow readers', () => {
    const bench = new Bench();
    const [, fast] = bench.join();
    const [, slow] = bench.join();
    bench.stream.start(1);
    bench.stream.keyframe(0);
    bench.pump(0);
    slow.full = true;
    bench.stream.frame(40);
    const next = new TestStream();
    next.next = 100;
    bench.feed.addRing(next.writer.buffer.buffer as SharedArrayBuffer);
    next.start(2);
    next.keyframe(9000, 100);
    bench.pump(100);
    next.frame(9040, 140);
    next.keyframe(9080, 180);
    bench.pump(180);
    slow.full = false;
    bench.pump(180);
    for (const transport of [fast, slow]) {
      assert.deepEqual(numbers(transport), [0, 1, 100, 101, 102]);
      const times = transport.sent.map((unit) => (unit.rtpTime - transport.sent[0]!.rtpTime) / 90);
      assert.deepEqual(times, [0, 40, 100, 140, 180]);
    }
    assert.equal(bench.stream.writer.depth, 0, 'the old ring has been let go');
  });

  test('frames that are fetched after another stream has begun are counted apart, in one ring or two', () => {
    for (const isNewRing of [false, true]) {
      const bench = new Bench();
      const [, slow] = bench.join();
      bench.stream.start();
      bench.stream.keyframe(0);
      bench.pump(0);
      slow.full = true;
      for (let i = 1; i < 6; i++) bench.stream.frame(i * 40);
      bench.pump(200);
      slow.full = false;
      const next = isNewRing ? new TestStream() : bench.stream;
      if (isNewRing) bench.feed.addRing(next.writer.buffer.buffer as SharedArrayBuffer);
      next.start(2);
      // Nothing of it has come yet.
      bench.pump(240);
      assert.deepEqual([bench.counters.frames, bench.counters.earlier], [6, 5]);
      for (let i = 0; i < 4; i++) i === 0 ? next.keyframe(0, 300) : next.frame(i * 40, 300 + i * 40);
      bench.pump(500);
      assert.deepEqual([bench.counters.frames, bench.counters.earlier], [10, 5]);
    }
  });
});

test('with the GOP cache, frames that a reader gets once more when it has come back count once', () => {
  const bench = new Bench({ gopCache: true });
  const [first] = bench.join();
  bench.stream.start();
  for (let i = 0; i < 6; i++) i === 0 ? bench.stream.keyframe(0) : bench.stream.frame(i * 33);
  bench.pump(200);
  bench.feed.leave(first);
  bench.reopen();
  const [, transport] = bench.join();
  bench.stream.frame(200);
  bench.pump(240);
  assert.deepEqual(numbers(transport), range(0, 7));
  const { frames, framesSent } = bench.counters;
  assert.deepEqual({ frames, framesSent }, { frames: 7, framesSent: 13 });
});

test('frames that a reader gets behind another, which has passed over them, count too', () => {
  const bench = new Bench();
  const [, slow] = bench.join();
  bench.stream.start();
  bench.stream.keyframe(0);
  bench.pump(0);
  slow.full = true;
  const [, fast] = bench.join();
  for (let i = 1; i < 5; i++) bench.stream.frame(i * 33);
  bench.stream.keyframe(5 * 33);
  bench.pump(200);
  assert.deepEqual(numbers(fast), [5]);
  slow.full = false;
  bench.pump(240);
  assert.deepEqual(numbers(slow), range(0, 6));
  const { frames, framesSent } = bench.counters;
  assert.deepEqual({ frames, framesSent }, { frames: 6, framesSent: 7 });
});

describe('pacing in the feed', () => {
  test('a burst is held and released at its due times, and counted', () => {
    const bench = new Bench();
    const [, transport] = bench.join();
    bench.stream.start();
    for (let i = 0; i < 5; i++) i === 0 ? bench.stream.keyframe(0, 1000) : bench.stream.frame(i * 40, 1000);
    bench.pump(1000);
    assert.equal(transport.sent.length, 1);
    assert.equal(bench.feed.dueMs, 1035);
    bench.pump(1034);
    assert.equal(transport.sent.length, 1);
    for (let nowMs = bench.feed.dueMs; nowMs < 2000; nowMs = bench.feed.dueMs) bench.pump(nowMs);
    assert.equal(transport.sent.length, 5);
    assert.equal(bench.feed.dueMs, Number.POSITIVE_INFINITY);
    const { pacingSleeps, pacingSleepMs } = bench.counters;
    assert.deepEqual({ pacingSleeps, pacingSleepMs }, { pacingSleeps: 3, pacingSleepMs: 105 });
  });

  test("what came late because the publisher's thread could not keep up is not spread", () => {
    const bench = new Bench();
    const [, transport] = bench.join();
    bench.stream.start();
    bench.stream.keyframe(0, 1000, recordFlag.heldUp);
    for (let i = 1; i < 5; i++) bench.stream.frame(i * 40, 1000, recordFlag.heldUp);
    bench.stream.frame(200, 1000);
    bench.pump(1000);
    assert.equal(transport.sent.length, 6);
    assert.equal(bench.counters.pacingSleeps, 0);
  });

  test('a backlog over 30 frames is sent at full speed', () => {
    const bench = new Bench();
    const [, transport] = bench.join();
    bench.stream.start();
    for (let i = 0; i < 150; i++) i % 50 === 0 ? bench.stream.keyframe(i * 33, 5000) : bench.stream.frame(i * 33, 5000);
    bench.pump(5000);
    assert.equal(transport.sent.length, 150 - 31);
  });

  test('the writer sees the slowest session as its queue depth', () => {
    const bench = new Bench();
    const [, slow] = bench.join();
    bench.join();
    bench.stream.start();
    bench.stream.keyframe(0);
    bench.pump(0);
    slow.full = true;
    for (let i = 1; i < 8; i++) {
      bench.stream.frame(i * 33);
      bench.pump(i * 33);
    }
    assert.equal(bench.stream.writer.depth, 7);
    slow.full = false;
    bench.pump(300);
    assert.equal(bench.stream.writer.depth, 0);
    bench.feed.release();
    bench.stream.frame(400);
    assert.equal(bench.stream.writer.depth, 0, 'a released slot is not looked at');
  });
});

describe('reports', () => {
  test('the first sender report follows the first packet; the next comes 2.5 to 5 s later', () => {
    const bench = new Bench();
    const [session, transport] = bench.join();
    bench.stream.start();
    session.sweep(bench.feed, 0);
    assert.equal(transport.reports.length, 0, 'none before a packet');
    bench.stream.keyframe(0);
    bench.pump(0);
    assert.equal(transport.reports.length, 1);
    const times: number[] = [];
    for (let nowMs = 250; nowMs <= 20_000; nowMs += 250) {
      const before = transport.reports.length;
      bench.nowMs = nowMs;
      session.sweep(bench.feed, nowMs);
      if (transport.reports.length > before) times.push(nowMs);
    }
    const gaps = times.map((ms, i) => ms - (times[i - 1] ?? 0));
    assert.ok(
      gaps.every((ms) => ms >= 2500 && ms <= 5250),
      String(gaps),
    );
  });

  test('a reader that is always behind, so that its transport is full at every sweep, gets them behind its pictures', () => {
    const bench = new Bench();
    const [session, transport] = bench.join();
    bench.stream.start();
    const times: number[] = [];
    for (let nowMs = 0; nowMs <= 20_000; nowMs += 50) {
      const before = transport.reports.length;
      transport.full = false;
      nowMs % 1000 === 0 ? bench.stream.keyframe(nowMs) : bench.stream.frame(nowMs);
      bench.pump(nowMs);
      transport.full = true;
      if (nowMs % 250 === 0) session.sweep(bench.feed, nowMs);
      if (transport.reports.length > before) times.push(nowMs);
    }
    const gaps = times.map((ms, i) => ms - (times[i - 1] ?? 0));
    assert.ok(times.length > 3 && gaps.every((ms) => ms <= 5050), String(times));
  });

  test('NTP and RTP time of a report are of one instant, not of the last packet', () => {
    const bench = new Bench();
    const [session, transport] = bench.join();
    bench.stream.start();
    let lastRtp = 0;
    for (let i = 0; i < 200; i++) {
      // Jitter of up to 20 ms delays every frame but one in ten.
      const arrival = i * 33 + (i % 10 === 0 ? 0 : (i * 7) % 21);
      i % 50 === 0 ? bench.stream.keyframe(i * 33, arrival) : bench.stream.frame(i * 33, arrival);
      bench.pump(arrival);
      lastRtp = transport.sent.at(-1)!.rtpTime;
    }
    const lastDts = 199 * 33;
    bench.nowMs = 199 * 33 + 3500;
    session.sweep(bench.feed, bench.nowMs);
    const report = transport.reports.at(-1)!;
    const wallMs = (report.readUInt32BE(8) - 2_208_988_800) * 1000 + (report.readUInt32BE(12) / 2 ** 32) * 1000;
    assert.ok(Math.abs(wallMs - (wallAtZero + bench.nowMs)) < 1);
    const expected = lastRtp + (bench.nowMs - lastDts) * 90;
    assert.ok(Math.abs(report.readUInt32BE(16) - expected) <= 90, 'RTP time of now, within a millisecond');
  });

  test('BYE is sent at the end, and not by a session that sent nothing', () => {
    const bench = new Bench();
    const [session, transport] = bench.join();
    session.sendBye(0);
    assert.equal(transport.reports.length, 0);
    bench.stream.start();
    bench.stream.keyframe(0);
    bench.pump(0);
    session.sendBye(1);
    assert.equal(transport.reports.at(-1)!.at(-7), 203);
  });
});

describe('stalls', () => {
  test('a session without any write progress for 10 s is cut off; slow progress is not', () => {
    const bench = new Bench();
    const [session, transport] = bench.join();
    transport.full = true;
    transport.pending = 1_000_000;
    let progressMs = 0;
    for (let nowMs = 0; nowMs < 60_000; nowMs += 250) {
      // The longest pause between two steps that is still progress.
      if (nowMs - progressMs === 9750) {
        transport.pending--;
        progressMs = nowMs;
      }
      session.sweep(bench.feed, nowMs);
    }
    session.sweep(bench.feed, progressMs + 9999);
    assert.deepEqual(bench.ended, []);
    session.sweep(bench.feed, progressMs + 10_000);
    assert.deepEqual(bench.ended, ['write_stalled']);
  });
});

describe('offline card', () => {
  const unit = Buffer.from([0, 0, 0, 2, 0x65, 0x88]);
  const parameterSets = Buffer.from([0, 0, 0, 1, 0x67]);

  /** A picture at the start and each second after, and the times at which the card was started again. */
  class Card implements CardStream {
    readonly restarts: [number, boolean][] = [];
    #pictures = 0;
    #sinceMs = 0;

    restart(nowMs: number, wasLive: boolean): void {
      this.restarts.push([nowMs, wasLive]);
      this.#pictures = 0;
      this.#sinceMs = nowMs;
    }

    due(nowMs: number): boolean {
      return nowMs - this.#sinceMs >= this.#pictures * 1000;
    }

    next(): CardPicture {
      return { unit, parameterSets: this.#pictures++ === 0 ? parameterSets : null };
    }
  }

  function benchWithCard(): { bench: Bench; session: PlaySession; transport: FakeTransport; card: Card } {
    const bench = new Bench();
    const card = new Card();
    bench.card = card;
    const [session, transport] = bench.join();
    return { bench, session, transport, card };
  }

  test('is shown until the first frame and after the last, on the timeline of the session', () => {
    const { bench, session, transport } = benchWithCard();
    for (let nowMs = 0; nowMs <= 2000; nowMs += 250) session.sweep(bench.feed, nowMs);
    assert.deepEqual(
      transport.sent.map((sent) => typesOf(sent.units)),
      [[7, 5], [5], [5]],
    );
    bench.stream.start();
    bench.stream.keyframe(77_000, 2100);
    bench.stream.writer.endStream();
    bench.pump(2100);
    session.sweep(bench.feed, 2250);
    assert.deepEqual(
      transport.sent.slice(3).map((sent) => typesOf(sent.units)),
      [
        [7, 8, 5],
        [7, 5],
      ],
    );
    const start = transport.sent[0]!.rtpTime;
    assert.deepEqual(
      transport.sent.map((sent) => Math.round((sent.rtpTime - start) / 90)),
      [0, 1000, 2000, 2100, 2250],
    );
    const sequences = transport.sent.flatMap((sent) => sent.sequences);
    assert.ok(sequences.every((sequence, i) => i === 0 || sequence === ((sequences[i - 1]! + 1) & 0xffff)));
  });

  test('goes on undisturbed until the first keyframe, whatever else comes from the publisher', () => {
    const { bench, session, card, transport } = benchWithCard();
    session.sweep(bench.feed, 0);
    bench.stream.start();
    bench.stream.frame(0, 100);
    bench.stream.frame(40, 140);
    bench.pump(140);
    bench.stream.writer.endStream();
    bench.stream.start(2);
    bench.stream.frame(0, 900);
    bench.pump(900);
    session.sweep(bench.feed, 1000);
    assert.deepEqual(
      transport.sent.map((sent) => typesOf(sent.units)),
      [[7, 5], [5]],
    );
    assert.deepEqual(card.restarts, [[0, false]]);
    bench.stream.keyframe(100, 1100);
    bench.pump(1100);
    assert.deepEqual(typesOf(transport.sent.at(-1)!.units), [7, 8, 5]);
    bench.stream.writer.endStream();
    bench.pump(1200);
    assert.deepEqual(card.restarts.at(-1), [1200, true]);
  });

  test('is no frame of a publisher: not for the counters, not for the queue, not for the pacer', () => {
    const { bench, session } = benchWithCard();
    for (let nowMs = 0; nowMs <= 5000; nowMs += 250) session.sweep(bench.feed, nowMs);
    const { readers, ...counts } = bench.counters;
    assert.equal(readers, 1);
    assert.ok(
      Object.values(counts).every((count) => count === 0),
      JSON.stringify(counts),
    );
    assert.equal(session.frames, 0);
    assert.equal(bench.stream.writer.depth, 0);
    assert.equal(bench.feed.dueMs, Number.POSITIVE_INFINITY);
  });

  test('waits for a transport that is full, and is not made up for', () => {
    const { bench, session, transport } = benchWithCard();
    transport.full = true;
    for (let nowMs = 0; nowMs <= 3000; nowMs += 250) session.sweep(bench.feed, nowMs);
    assert.equal(transport.sent.length, 0);
    transport.full = false;
    session.sweep(bench.feed, 3250);
    assert.deepEqual(
      transport.sent.map((sent) => typesOf(sent.units)),
      [[7, 5]],
    );
  });

  test('is not waited for since the keyframe that a reader begins at, but since its PLAY', () => {
    const { bench, session, card, transport } = benchWithCard();
    bench.feed.leave(session);
    session.begin(2000, 9000);
    bench.feed.join(session);
    assert.deepEqual(card.restarts.at(-1), [9000, false]);
    session.sweep(bench.feed, 8999);
    assert.equal(transport.sent.length, 0);
  });

  test('starts again with an IDR after PAUSE and PLAY, and when a publisher of another stream has no keyframe yet', () => {
    const { bench, session, card } = benchWithCard();
    session.sweep(bench.feed, 0);
    bench.feed.leave(session);
    session.begin(500);
    bench.feed.join(session);
    assert.deepEqual(card.restarts.at(-1), [500, false]);
    bench.stream.start();
    bench.stream.keyframe(0, 600);
    bench.pump(600);
    // The first publisher crashed, so no record says that it ended.
    bench.stream.start(2);
    bench.stream.frame(0, 700);
    bench.pump(700);
    assert.deepEqual(card.restarts.at(-1), [700, true]);
    assert.equal(session.live, false);
  });
});
