import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { LoadMeter } from '../../../src/shm/load-meter.ts';
import { WorkerLoads } from '../../../src/shm/worker-load.ts';

const sweepMs = 100;

/** A table of two ingest workers and one consumer, with a worker of thread 7 that has a meter. */
function rig() {
  const memory = WorkerLoads.create(2, 1);
  const loads = new WorkerLoads(memory);
  const index = loads.assign(7);
  return { memory, loads, index, meter: new LoadMeter(new WorkerLoads(memory).line('ingest', index), sweepMs) };
}

/** Lets the timer fire at these moments. */
function sweep(meter: LoadMeter, ...atMs: number[]): void {
  for (const nowMs of atMs) meter.swept(nowMs);
}

describe('the lines of ingest workers', () => {
  test('belong to threads, one each, until they have ended', () => {
    const loads = new WorkerLoads(WorkerLoads.create(2, 1));
    assert.deepEqual([loads.assign(11), loads.assign(12)], [0, 1]);
    assert.deepEqual([loads.indexOf(11), loads.indexOf(12), loads.indexOf(13)], [0, 1, -1]);
    assert.equal(loads.assign(13), -1, 'there are only two');
    loads.keep(new Set([12]));
    assert.equal(loads.indexOf(11), -1);
    assert.equal(loads.assign(13), 0);
  });

  test('say nothing of the thread that had them before', () => {
    const { loads, index, meter } = rig();
    meter.start(1000);
    meter.note(1100, { bytes: 0, busyMs: 0, idleMs: 0, connections: 3 });
    loads.keep(new Set());
    assert.equal(loads.read(1200)[index]!.connections, 0, 'nobody has it');
    assert.equal(loads.assign(8), index);
    assert.deepEqual(loads.read(9000)[index], {
      kind: 'ingest',
      index,
      busy: 0,
      loopDelayMs: 0,
      worstDelayMs: 0,
      bitsPerSecond: 0,
      connections: 0,
      pacedCameras: 0,
      silentMs: 0,
    });
  });

  test('a worker is silent from when it was given connections until its timer starts, and not without any', () => {
    const { loads, index, meter } = rig();
    const silentMs = (nowMs: number) => loads.read(nowMs)[index]!.silentMs;
    loads.setServing(index, true, 1000);
    loads.setServing(index, true, 1500);
    assert.equal(silentMs(2000), 1000 - sweepMs);
    meter.start(2000);
    loads.setServing(index, true, 2050);
    assert.equal(silentMs(2100 + sweepMs), 100);
    meter.stop();
    assert.equal(silentMs(9000), 0);
    loads.setServing(index, true, 9000);
    loads.setServing(index, false, 9500);
    assert.equal(silentMs(9900), 0, 'its connection could not be handed over, or has ended already');
  });

  test('the acceptor is silent since its newest look', () => {
    const memory = WorkerLoads.create(1, 1);
    new WorkerLoads(memory).acceptorSweptMs = 5000;
    assert.equal(new WorkerLoads(memory).acceptorSilentMs(5750), 750);
  });

  test('lie in cache lines of their own, apart from the owners and the consumers', () => {
    const loads = new WorkerLoads(WorkerLoads.create(9, 2));
    const starts = [
      ...Array.from({ length: 9 }, (_, index) => loads.line('ingest', index)),
      loads.line('consumer', 0),
      loads.line('consumer', 1),
    ].map((line) => line.byteOffset);
    assert.deepEqual(
      starts,
      starts.map((_, i) => 64 * (4 + i)),
      'two lines, and two of owners, come first',
    );
    for (let thread = 1; thread <= 9; thread++) assert.equal(loads.assign(thread), thread - 1);
    loads.overloaded = true;
    assert.ok(loads.overloaded);
    assert.equal(loads.ingestWorkers, 9);
    for (const { bitsPerSecond } of loads.read(0)) assert.equal(bitsPerSecond, 0);
    assert.throws(() => loads.line('ingest', 9), RangeError);
    assert.throws(() => loads.line('consumer', 2), RangeError);
  });
});

describe('a meter', () => {
  test('gives bits per second and the busy part since the note before', () => {
    const { loads, index, meter } = rig();
    meter.start(0);
    sweep(meter, 100);
    meter.note(100, { bytes: 5_000_000, busyMs: 10, idleMs: 90, connections: 2 });
    sweep(meter, 200, 300, 400, 500, 600, 700, 800, 900, 1000, 1100);
    meter.note(1100, { bytes: 5_562_500, busyMs: 260, idleMs: 840, connections: 3 });
    const load = loads.read(1150)[index]!;
    assert.equal(load.bitsPerSecond, 4_500_000);
    assert.equal(load.busy, 0.25);
    assert.equal(load.connections, 3);
    assert.equal(load.loopDelayMs, 0);
  });

  test('tells how late the timer is: mean and largest', () => {
    const { loads, index, meter } = rig();
    meter.start(0);
    meter.note(0, { bytes: 0, busyMs: 0, idleMs: 0, connections: 1 });
    sweep(meter, 100, 350, 450, 600);
    meter.note(600, { bytes: 0, busyMs: 300, idleMs: 300, connections: 1 });
    const load = loads.read(650)[index]!;
    assert.equal(load.loopDelayMs, 50, '0, 150, 0 and 50');
    assert.equal(load.worstDelayMs, 150);
  });

  test('remembers for a note or two how late the timer was', () => {
    const { meter } = rig();
    const note = () => meter.note(0, { bytes: 0, busyMs: 0, idleMs: 0, connections: 1 });
    meter.start(0);
    sweep(meter, 100);
    assert.equal(meter.lateMs(2700), 2500, 'it still is');
    sweep(meter, 2700);
    assert.equal(meter.lateMs(2700), 2500);
    note();
    sweep(meter, 2800, 2950);
    assert.equal(meter.lateMs(2950), 2500);
    note();
    assert.equal(meter.lateMs(2950), 50);
    note();
    assert.equal(meter.lateMs(2950), 0);
    sweep(meter, 3950);
    meter.stop();
    meter.start(9000);
    assert.equal(meter.lateMs(9100), 0);
  });

  test('is saturated when there was nothing but work for two notes on end', () => {
    const { meter } = rig();
    meter.start(0);
    let [busyMs, idleMs] = [0, 0];
    const after = (worked: number, idle = 0) => {
      busyMs += worked;
      idleMs += idle;
      meter.note(0, { bytes: 0, busyMs, idleMs, connections: 1 });
      return meter.saturated;
    };
    assert.deepEqual([after(1000), after(1000), after(5000), after(1000)], [false, false, true, true]);
    assert.deepEqual([after(970, 30), after(1000), after(990, 10)], [false, false, true]);
    meter.stop();
    assert.equal(meter.saturated, false);
  });

  test('of a thread that hangs: the delay grows while one looks, and soon it counts as busy', () => {
    const { loads, index, meter } = rig();
    meter.start(0);
    meter.note(0, { bytes: 0, busyMs: 0, idleMs: 0, connections: 1 });
    sweep(meter, 100);
    meter.note(100, { bytes: 0, busyMs: 1, idleMs: 99, connections: 1 });
    const at = (nowMs: number) => loads.read(nowMs)[index]!;
    assert.deepEqual([at(150).loopDelayMs, at(700).loopDelayMs, at(4200).loopDelayMs], [0, 500, 4000]);
    assert.deepEqual([at(150).busy, at(4200).busy], [0.01, 1]);
  });

  test('of a thread with nothing to do: silence is no delay', () => {
    const { loads, index, meter } = rig();
    meter.start(0);
    sweep(meter, 100);
    meter.note(100, { bytes: 100, busyMs: 50, idleMs: 50, connections: 1 });
    meter.stop();
    assert.deepEqual([loads.read(60_000)[index]!.loopDelayMs, loads.read(60_000)[index]!.busy], [0, 0]);
    meter.start(60_000);
    sweep(meter, 60_100);
    meter.note(60_100, { bytes: 9_000_000, busyMs: 60, idleMs: 60_000, connections: 1 });
    assert.equal(loads.read(60_150)[index]!.bitsPerSecond, 0, 'what came while it was not measured is no rate');
  });
});
