import assert from 'node:assert/strict';
import { describe, type TestContext, test } from 'node:test';
import { FrameCounting } from '../../../src/ingest/frame-counting.ts';
import { StreamEvents } from '../../../src/server/stream-events.ts';
import { StreamWatch } from '../../../src/server/stream-watch.ts';
import { StreamCounters } from '../../../src/shm/stream-counters.ts';
import { CounterWindows } from '../../../src/stats/counter-windows.ts';
import { testCamera } from '../../support/test-camera.ts';

const camera = testCamera({ index: 2 });
const publisher = { id: 'r1', address: '10.0.0.1', port: 5000 };

const picture = { width: 1280, height: 720, profile: 66, level: 31 };

class Rig {
  readonly events = new StreamEvents();
  readonly told: string[] = [];
  readonly counters = new StreamCounters(StreamCounters.create(4, 1));
  readonly watch: StreamWatch;
  nowMs = 50_000;
  overloaded = false;
  figures: Readonly<Record<string, number>> = {};
  #threadLateMs = 0;
  #counting: FrameCounting;
  #dtsMs = 0;

  constructor(t: TestContext) {
    this.#counting = new FrameCounting(this.counters.publisher(2), () => 0, {
      saturated: false,
      lateMs: () => this.#threadLateMs,
    });
    this.watch = new StreamWatch({
      events: this.events,
      counters: this.counters,
      windows: new CounterWindows(this.counters),
      capacity: 300,
      clock: { nowMs: () => this.nowMs, wallMs: () => this.nowMs },
      consumerTimes: () => [{ active: 0, idle: 0, lives: 1 }],
      overloaded: () => this.overloaded,
      loads: () => [],
    });
    t.after(() => this.watch.stop());
    for (const type of ['degraded', 'recovered'] as const)
      this.events.on(type, ({ blame, text, figures }) => {
        this.told.push(`${type} ${blame}: ${text}`);
        this.figures = figures;
      });
    for (const type of ['overloaded', 'relieved'] as const) this.events.on(type, () => this.told.push(type));
    this.events.on('rejected', ({ address, reason, count }) => this.told.push(`${address} ${reason} ${count}`));
  }

  start(): void {
    this.events.emit('started', { camera, publisher });
    this.#counting.start(1, this.nowMs);
    this.#dtsMs = 0;
  }

  /** Time passes with 25 frames a second, each so late; none when `lateMs` is null. */
  run(ms: number, lateMs: number | null = 0): void {
    for (let passed = 0; passed < ms; passed += 40) {
      this.nowMs += 40;
      this.#dtsMs += 40;
      if (lateMs !== null) this.#counting.frame(1000, 0, this.#dtsMs - lateMs, this.nowMs, 1);
      if (this.nowMs % 1000 !== 0) continue;
      this.#counting.threadTime(0, this.nowMs, this.nowMs);
      this.watch.look();
    }
  }

  /** Time passes, and the ingest thread does nothing; then it reads what has come meanwhile. */
  hang(ms: number): void {
    for (let passed = 0; passed < ms; passed += 1000) {
      this.nowMs += 1000;
      this.watch.look();
    }
    this.#threadLateMs = ms - 100;
    this.#readAll(ms);
    this.run(1000);
    this.#threadLateMs = 0;
  }

  /** The whole machine stands still, and then reads what has come meanwhile: timers come first. */
  standStill(ms: number): void {
    this.nowMs += ms;
    this.watch.look();
    this.#readAll(ms);
  }

  #readAll(ms: number): void {
    for (let passed = 0; passed < ms; passed += 40) {
      this.#dtsMs += 40;
      this.#counting.frame(1000, 0, this.#dtsMs, this.nowMs, 1);
    }
  }
}

describe('the watch over streams', () => {
  test('tells of a stream that goes silent within ten seconds, and of its recovery', (t) => {
    const rig = new Rig(t);
    rig.start();
    rig.run(20_000);
    assert.deepEqual(rig.told, []);
    rig.run(10_000, null);
    assert.equal(rig.told.length, 1);
    assert.match(rig.told[0]!, /^degraded network: nothing arrived for the last/);
    assert.deepEqual([rig.figures['framesPerSecond'], rig.figures['bitsPerSecond']], [0, 0]);
    assert.ok(rig.figures['silentSeconds']! >= 4);
    rig.run(40_000);
    assert.match(rig.told[1]!, /^recovered none: /);
    assert.ok(rig.figures['degradedSeconds']! >= 15);
    assert.equal(rig.told.length, 2);
  });

  test('tells who is to blame of a stream whose frames come too late, but not of one hiccup', (t) => {
    const rig = new Rig(t);
    rig.start();
    rig.run(20_000);
    rig.run(1000, 800);
    rig.run(20_000);
    assert.deepEqual(rig.told, []);
    for (let i = 0; i < 6; i++) {
      rig.run(1000, 800);
      rig.run(1000);
    }
    assert.equal(rig.told.length, 1);
    assert.match(rig.told[0]!, /^degraded network: frames arrive up to \d+ ms after their time stamps/);
  });

  test('blames nobody for a standstill of the whole machine, in whatever moment it begins', (t) => {
    for (let second = 0; second < 5; second++) {
      const rig = new Rig(t);
      rig.start();
      rig.run(20_000 + 1000 * second);
      rig.standStill(20_000);
      rig.run(30_000);
      assert.deepEqual(rig.told, [], `after ${second} s`);
    }
  });

  test('blames the server for an ingest thread that hangs, or stands still again and again', (t) => {
    const rig = new Rig(t);
    rig.start();
    rig.run(20_000);
    rig.hang(10_000);
    assert.equal(rig.told.length, 1);
    assert.match(
      rig.told[0]!,
      /^degraded server: its ingest thread, or the machine, stood still for \d+.\d s and nothing/,
    );
    rig.run(30_000);
    assert.match(rig.told[1]!, /^recovered none: /);
    for (let i = 0; i < 4; i++) {
      rig.hang(2000);
      rig.run(2000);
    }
    assert.equal(rig.told.length, 3);
    assert.match(
      rig.told[2]!,
      /^degraded server: its ingest thread, or the machine, stood still for 1.9 s and frames arrive/,
    );
  });

  test('is patient with a camera that sends a picture now and then, and says so', (t) => {
    const rig = new Rig(t);
    rig.start();
    rig.events.emit('notice', { camera, publisher, notice: { type: 'parameters', fps: 1, ...picture } });
    rig.run(40);
    rig.run(4960, null);
    assert.deepEqual(rig.told, []);
    rig.run(10_000, null);
    assert.equal(rig.told.length, 1, 'five times overdue');
  });

  test('is patient with a camera that sends a picture each ten seconds, and does not say so', (t) => {
    const rig = new Rig(t);
    rig.start();
    for (let i = 0; i < 10; i++) {
      rig.run(40);
      rig.run(9960, null);
    }
    assert.deepEqual(rig.told, []);
  });

  test('tells nothing of a stream that has stopped, and begins anew with the next one', (t) => {
    const rig = new Rig(t);
    rig.start();
    rig.run(10_000, null);
    const before = rig.told.length;
    rig.events.emit('stopped', { camera, publisher, reason: 'video_timeout' });
    rig.run(30_000, null);
    assert.equal(rig.told.length, before);
    rig.start();
    rig.run(30_000);
    assert.equal(rig.told.length, before);
  });

  test('tells of a camera under the name that it has now', (t) => {
    const rig = new Rig(t);
    const names: string[] = [];
    for (const type of ['degraded', 'recovered'] as const)
      rig.events.on(type, (event) => names.push(`${event.camera.name} ${event.camera.path}`));
    rig.start();
    rig.run(20_000);
    rig.watch.replaceCameras([testCamera({ index: 1 }), { ...camera, name: 'North', path: '/north' }]);
    rig.run(10_000, null);
    assert.deepEqual(names, ['North /north']);
  });

  test('tells of an overload once, and of its end', (t) => {
    const rig = new Rig(t);
    rig.watch.look();
    rig.overloaded = true;
    rig.watch.look();
    rig.watch.look();
    rig.overloaded = false;
    rig.watch.look();
    assert.deepEqual(rig.told, ['overloaded', 'relieved']);
  });

  test('tells of refused connections by address, and of readers not at all', (t) => {
    const rig = new Rig(t);
    const addresses = [['10.0.0.1', 3]] as const;
    rig.watch.rejected([{ listener: '1935', reason: 'rate_limited', count: 5, addresses }]);
    rig.watch.rejected([{ listener: null, reason: 'connections_exceeded', count: 5, addresses }]);
    assert.deepEqual(rig.told, ['10.0.0.1 rate_limited 3']);
    rig.nowMs += 60_000;
    rig.watch.look();
    assert.deepEqual(rig.told.slice(1), ['undefined rate_limited 2']);
  });
});
