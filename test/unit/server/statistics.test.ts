import assert from 'node:assert/strict';
import { describe, type TestContext, test } from 'node:test';
import { withBlocks } from '../../../src/base/logger.ts';
import { FrameCounting } from '../../../src/ingest/frame-counting.ts';
import { Statistics } from '../../../src/server/statistics.ts';
import { StreamEvents } from '../../../src/server/stream-events.ts';
import type { ConsumerTime } from '../../../src/server/thread.ts';
import { publisherWord, readerWord, StreamCounters } from '../../../src/shm/stream-counters.ts';
import { CounterWindows } from '../../../src/stats/counter-windows.ts';
import { testCamera } from '../../support/test-camera.ts';

const camera = testCamera();
const drone = { id: 'r1', address: '10.0.0.1', port: 5000 };
const other = { id: 'r2', address: '2001:db8::1', port: 6000 };

interface Line {
  readonly message: string;
  // biome-ignore lint/suspicious/noExplicitAny: fields of a log line
  readonly fields: any;
}

class Rig {
  readonly events = new StreamEvents();
  readonly counters = new StreamCounters(StreamCounters.create(3, 2));
  readonly lines: Line[] = [];
  readonly statistics: Statistics;
  readonly times: ConsumerTime[] = [
    { active: 0, idle: 0, lives: 1 },
    { active: 0, idle: 0, lives: 1 },
  ];
  nowMs = 50_000;
  readonly #context: TestContext;
  #counting: FrameCounting | null = null;
  #dtsMs = 0;

  constructor(context: TestContext, intervalMs = 30_000) {
    this.#context = context;
    context.mock.timers.enable({ apis: ['setTimeout'] });
    const info = (fields: object, message: string) => this.lines.push({ message, fields });
    this.statistics = new Statistics({
      events: this.events,
      counters: this.counters,
      windows: new CounterWindows(this.counters),
      capacity: 300,
      intervalMs,
      clock: { nowMs: () => this.nowMs, wallMs: () => 1_777_000_000_000 + this.nowMs },
      figuresLogger: withBlocks({ info }),
      consumerTimes: () => this.times.map((time) => ({ ...time })),
    });
  }

  start(publisher = drone): void {
    this.events.emit('started', { camera, publisher });
    this.#counting = new FrameCounting(this.counters.publisher(0), () => 0, { saturated: false, lateMs: () => 0 });
    this.#counting.start(1, this.nowMs);
    this.#dtsMs = 0;
  }

  stop(publisher = drone): void {
    this.events.emit('stopped', { camera, publisher, reason: 'peer_closed' });
  }

  /** Time passes, with a frame every 40 ms that is read when `read`. */
  stream(ms: number, read = true): void {
    for (let passed = 0; passed < ms; passed += 40) {
      this.#counting!.frame(1000, 0, this.#dtsMs, this.nowMs, 1);
      if (read) this.counters.reader(0, 0).add(readerWord.frames, 1);
      this.#dtsMs += 40;
      this.wait(40);
    }
  }

  /** These consumers have a reader of the camera, and no others. */
  haveReaders(...consumers: readonly number[]): void {
    for (const index of [0, 1])
      this.counters.reader(0, index).set(readerWord.readers, consumers.includes(index) ? 1 : 0);
  }

  wait(ms: number): void {
    this.nowMs += ms;
    this.#context.mock.timers.tick(ms);
  }

  get messages(): string[] {
    return this.lines.map(({ message }) => message);
  }
}

const title = 'RTMP Stream Stats: /stream1';
const finalTitle = `${title} (final, publisher disconnected)`;

describe('statistics blocks', () => {
  test('one an interval from the start of the stream, and one at its end', (t) => {
    const rig = new Rig(t);
    rig.wait(12_345);
    rig.start();
    rig.stream(29_960);
    assert.deepEqual(rig.messages, []);
    rig.stream(40);
    assert.deepEqual(rig.messages, [title]);
    rig.stream(40_000);
    rig.stop();
    assert.deepEqual(rig.messages, [title, title, finalTitle]);
    const frames = rig.lines.map(({ fields }) => fields.window.push.frames);
    assert.deepEqual(frames, [750, 750, 250]);
    const last = rig.lines.at(-1)!.fields;
    assert.deepEqual([last.total.push.frames, last.total.pop.frames, last.total.gapToPush], [1750, 1750, 0]);
    assert.deepEqual([last.camera, last.conn, last.publisher, last.final], ['Stream 1', 'r1', '10.0.0.1:5000', true]);
    assert.deepEqual([last.uptimeSeconds, last.window.seconds], [70, 10]);
    assert.match(last.block(), /RTMP Stream Stats: \/stream1 \(final, publisher disconnected\) =+\n Publisher/);
    rig.wait(100_000);
    assert.equal(rig.lines.length, 3, 'nothing more of a stream that has ended');
  });

  test('name a camera as it is named now, or was when the stream ended', (t) => {
    const rig = new Rig(t);
    rig.start();
    rig.counters.reader(0, 0).set(readerWord.readers, 1);
    rig.statistics.replaceCameras([testCamera({ index: 1 }), testCamera({ name: 'North', path: '/north' })]);
    rig.stream(40_000);
    rig.stop();
    rig.statistics.replaceCameras([testCamera({ name: 'South', path: '/south' })]);
    rig.wait(500);
    assert.deepEqual(
      rig.lines.map(({ message, fields }) => [message, fields.camera]),
      [
        ['RTMP Stream Stats: /north', 'North'],
        ['RTMP Stream Stats: /north (final, publisher disconnected)', 'North'],
      ],
    );
  });

  test('a late timer does not move the blocks after it', (t) => {
    const rig = new Rig(t);
    rig.start();
    rig.nowMs += 700;
    rig.wait(30_000);
    rig.wait(29_299);
    assert.equal(rig.lines.length, 1);
    rig.wait(1);
    assert.deepEqual(
      rig.lines.map(({ fields }) => fields.uptimeSeconds),
      [30.7, 60],
    );
  });

  test('another interval is in force at once, however far away the next block was', (t) => {
    const rig = new Rig(t, 3_600_000);
    rig.start();
    rig.stream(2400);
    rig.statistics.intervalMs = 1000;
    rig.stream(2000);
    rig.statistics.intervalMs = 1000;
    rig.statistics.intervalMs = 5000;
    rig.stream(5000);
    rig.stop();
    rig.statistics.intervalMs = 1000;
    rig.wait(5000);
    assert.deepEqual(
      rig.lines.map(({ fields }) => fields.uptimeSeconds),
      [3, 4, 5, 9.4],
    );
  });

  test('streams that began within a tenth of the interval have their blocks together, an interval apart', (t) => {
    const rig = new Rig(t, 10_000);
    rig.start();
    for (const [index, afterMs] of [
      [1, 900],
      [2, 200],
    ] as const) {
      rig.wait(afterMs);
      rig.events.emit('started', { camera: testCamera({ index }), publisher: other });
    }
    rig.wait(8900);
    rig.wait(1100);
    rig.wait(8900);
    assert.deepEqual(
      rig.lines.map(({ fields }) => [fields.camera, fields.uptimeSeconds]),
      [
        ['Stream 1', 10],
        ['Stream 2', 9.1],
        ['Stream 3', 10],
        ['Stream 1', 20],
        ['Stream 2', 19.1],
      ],
    );
  });

  test('the last block waits for readers to fetch the last frames', (t) => {
    const rig = new Rig(t);
    rig.counters.reader(0, 0).set(readerWord.readers, 1);
    rig.start();
    rig.stream(4000, false);
    rig.stop();
    assert.deepEqual(rig.messages, []);
    rig.wait(300);
    rig.counters.reader(0, 0).add(readerWord.frames, 100);
    rig.wait(200);
    assert.deepEqual(rig.messages, [finalTitle]);
    const { fields } = rig.lines[0]!;
    assert.deepEqual([fields.total.pop.frames, fields.uptimeSeconds], [100, 4]);
  });

  test('a successor: the last block of the one before comes first, and nothing is counted twice', (t) => {
    const rig = new Rig(t);
    rig.counters.reader(0, 0).set(readerWord.readers, 1);
    rig.start();
    rig.stream(2000);
    rig.stop();
    rig.start(other);
    assert.deepEqual(rig.messages, [finalTitle]);
    rig.stream(800);
    rig.stop(other);
    rig.wait(500);
    assert.deepEqual(
      rig.lines.map(({ fields }) => [fields.publisher, fields.total.push.frames, fields.total.pop.frames]),
      [
        ['10.0.0.1:5000', 50, 50],
        ['[2001:db8::1]:6000', 20, 20],
      ],
    );
  });

  test('a successor, while a reader still fetches frames of the one before: each has its own', (t) => {
    const rig = new Rig(t);
    const reader = rig.counters.reader(0, 0);
    reader.set(readerWord.readers, 1);
    rig.start();
    rig.stream(2000);
    rig.stream(800, false);
    rig.stop();
    rig.start(other);
    assert.deepEqual(rig.messages, [], 'there is something to wait for');
    rig.stream(400);
    reader.add(readerWord.frames, 20);
    reader.add(readerWord.earlier, 20);
    rig.wait(100);
    assert.deepEqual(rig.messages, [finalTitle]);
    assert.equal(rig.statistics.verdicts.get(0), undefined, 'that of the stream that runs is to come');
    rig.stop(other);
    rig.wait(500);
    assert.deepEqual(
      rig.lines.map(({ fields }) => [
        fields.publisher,
        fields.total.push.frames,
        fields.total.pop.frames,
        fields.total.gapToPush,
        fields.verdict,
      ]),
      [
        ['10.0.0.1:5000', 70, 70, 0, 'none'],
        ['[2001:db8::1]:6000', 10, 10, 0, 'none'],
      ],
    );
  });

  test('the last blocks come in the order of their streams, however fast these follow each other', (t) => {
    const rig = new Rig(t);
    const reader = rig.counters.reader(0, 0);
    reader.set(readerWord.readers, 1);
    for (const publisher of [drone, other, drone]) {
      rig.start(publisher);
      rig.stream(120, false);
      rig.stop(publisher);
    }
    assert.equal(rig.lines.length, 1);
    rig.start(other);
    rig.stream(120, false);
    reader.set(readerWord.readers, 0);
    rig.stop(other);
    assert.deepEqual(
      rig.lines.map(({ fields }) => fields.publisher),
      ['10.0.0.1:5000', '[2001:db8::1]:6000', '10.0.0.1:5000', '[2001:db8::1]:6000'],
    );
    rig.wait(1000);
    rig.statistics.stop();
    assert.equal(rig.lines.length, 4);
  });

  test('a publisher that was granted the path and went without a start has no frames of the one before', (t) => {
    const rig = new Rig(t);
    rig.start();
    rig.stream(2000);
    rig.stop();
    rig.events.emit('started', { camera, publisher: other });
    rig.stop(other);
    assert.deepEqual(
      rig.lines.map(({ fields }) => fields.total.push.frames),
      [50, 0],
    );
  });

  test('a server that stops writes the blocks that wait, once', (t) => {
    const rig = new Rig(t);
    rig.counters.reader(0, 0).set(readerWord.readers, 1);
    rig.start();
    rig.stream(400);
    rig.stop();
    rig.statistics.stop();
    assert.deepEqual(rig.messages, [finalTitle]);
    rig.wait(60_000);
    assert.equal(rig.lines.length, 1);
  });

  test('a stream that never stopped has its last block when the server stops', (t) => {
    const rig = new Rig(t);
    rig.start();
    rig.statistics.stop();
    assert.deepEqual(rig.messages, [finalTitle]);
  });

  test('metadata and frame rate come from notices', (t) => {
    const rig = new Rig(t, 1000);
    rig.start();
    const metadata = {
      type: 'metadata',
      width: 1280,
      height: 720,
      fps: 60,
      videoKbps: 2000,
      videoCodec: 'H.264',
      audioCodec: '',
      audioHz: 0,
      audioKbps: 0,
      audioChannels: 0,
      encoder: 'OBS',
    } as const;
    const parameters = { type: 'parameters', width: 1280, height: 720, profile: 77, level: 31, fps: 25 } as const;
    rig.events.emit('notice', { camera, publisher: drone, notice: metadata });
    rig.events.emit('notice', { camera, publisher: drone, notice: parameters });
    rig.counters.publisher(0).set(publisherWord.profile, 77);
    rig.stream(2000);
    const { fields } = rig.lines[1]!;
    assert.match(fields.block(), / Source declared : 1280x720 @ 60 fps, video=2000 kbps\n/);
    assert.match(fields.block(), / Video codec {5}: H\.264 \(profile=77 level=0\)\n/);
    assert.deepEqual([fields.declared.encoder, fields.codec.fps], ['OBS', 25]);
    assert.equal(fields.verdict, 'source');
  });

  test('the load is that of the busiest consumer in the window', (t) => {
    const rig = new Rig(t, 1000);
    rig.haveReaders(0, 1);
    rig.start();
    rig.times[0] = { active: 100, idle: 900, lives: 1 };
    rig.times[1] = { active: 950, idle: 50, lives: 1 };
    rig.wait(1000);
    rig.times[1] = { active: 960, idle: 1040, lives: 1 };
    rig.wait(1000);
    assert.deepEqual(
      rig.lines.map(({ fields }) => fields.window.consumerLoad),
      [0.95, 0.01],
    );
  });

  test('the load of a consumer without readers of the camera is not looked at', (t) => {
    const rig = new Rig(t, 1000);
    rig.haveReaders(0);
    rig.start();
    rig.times[0] = { active: 100, idle: 900, lives: 1 };
    rig.times[1] = { active: 990, idle: 10, lives: 1 };
    rig.wait(1000);
    rig.times[1] = { active: 0, idle: 0, lives: 2 };
    rig.wait(1000);
    // Its readers are cut off, and have gone to the other one when the window ends.
    rig.haveReaders(1);
    rig.times[0] = { active: 0, idle: 0, lives: 2 };
    rig.wait(1000);
    rig.wait(1000);
    assert.deepEqual(
      rig.lines.map(({ fields }) => fields.window.consumerLoad),
      [0.1, 0, 1, 0],
    );
  });

  test('a consumer that was replaced, or is about to be, was fully busy', (t) => {
    const rig = new Rig(t, 1000);
    rig.haveReaders(0, 1);
    rig.times[0] = { active: 900, idle: 3000, lives: 1 };
    rig.times[1] = { active: 10, idle: 10, lives: 1 };
    rig.start();
    rig.wait(1000);
    rig.times[0] = { active: 0, idle: 0, lives: 2 };
    rig.wait(1000);
    rig.times[0] = { active: 20, idle: 500, lives: 3 };
    rig.wait(1000);
    rig.times[0] = { active: 30, idle: 1490, lives: 3 };
    rig.wait(1000);
    // It had only just begun, so the one after it has more behind it.
    rig.times[1] = { active: 20, idle: 900, lives: 2 };
    rig.wait(1000);
    assert.deepEqual(
      rig.lines.map(({ fields }) => fields.window.consumerLoad),
      [0, 1, 1, 0.01, 1],
    );
  });

  test('a consumer with nothing to do is not busy, though its time is measured to a fraction of a millisecond only', (t) => {
    const rig = new Rig(t, 1000);
    rig.haveReaders(0);
    rig.times[0] = { active: 12.3, idle: 9000, lives: 1 };
    rig.start();
    rig.times[0] = { active: 12.1, idle: 10_000.2, lives: 1 };
    rig.wait(1000);
    assert.equal(rig.lines[0]!.fields.window.consumerLoad, 0);
  });

  test('what readers miss because their consumer was replaced is the server’s fault', (t) => {
    const rig = new Rig(t);
    rig.times[0] = { active: 720_000, idle: 2_880_000, lives: 1 };
    rig.counters.reader(0, 0).set(readerWord.readers, 1);
    rig.start();
    rig.stream(20_000);
    rig.times[0] = { active: 100, idle: 3900, lives: 2 };
    rig.stream(5000, false);
    rig.stream(5000);
    assert.deepEqual(
      rig.lines.map(({ fields }) => [fields.verdict, fields.because]),
      [['server', 'its consumer thread is 100 % busy and 625 of 750 frames were read']],
    );
  });
});
