/**
 * What statistics cost the main thread with many live streams: a block for each of them every second, written to a pipe as JSON,
 * and the judging of their health. The counters are shared ones, advanced like those of real streams.
 * `node native-free-bench/statistics-blocks.ts [--streams 1000] [--consumers 2] [--seconds 8] [--format json]`
 */
import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { systemClock } from '../src/base/clock.ts';
import type { FiguresLogger } from '../src/base/logger.ts';
import type { Camera } from '../src/control/messages.ts';
import { createLog } from '../src/log.ts';
import { Statistics } from '../src/server/statistics.ts';
import { StreamEvents } from '../src/server/stream-events.ts';
import { StreamWatch } from '../src/server/stream-watch.ts';
import { publisherWord, readerWord, StreamCounters } from '../src/shm/stream-counters.ts';
import { CounterWindows } from '../src/stats/counter-windows.ts';

const { values } = parseArgs({
  options: {
    streams: { type: 'string', default: '1000' },
    consumers: { type: 'string', default: '2' },
    seconds: { type: 'string', default: '8' },
    format: { type: 'string', default: 'json' },
    /** Measure in this process, whose standard output takes the blocks. */
    inside: { type: 'boolean', default: false },
  },
});
const streams = Number(values.streams);
const consumers = Number(values.consumers);
const seconds = Number(values.seconds);
const warmMs = 3000;
const framesPerSecond = 30;

if (values.inside) await measure();
else run();

/** Starts a process with the flags of `npm start`, and takes what it logs as a collector would. */
function run(): void {
  const file = readFileSync(join(import.meta.dirname, '../package.json'), 'utf8');
  const { scripts } = JSON.parse(file) as { scripts: { start: string } };
  const flags = scripts.start.split(' ').filter((word) => word.startsWith('--'));
  const child = spawn(process.execPath, [...flags, import.meta.filename, ...process.argv.slice(2), '--inside'], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  child.stdout.resume();
  child.on('close', (code) => {
    process.exitCode = code ?? 1;
  });
}

async function measure(): Promise<void> {
  const { cameras, counters } = fleet();
  const events = new StreamEvents();
  const windows = new CounterWindows(counters);
  const { figures } = createLog({ level: 'info', format: values.format === 'pretty' ? 'pretty' : 'json' }, 'main');
  let blocks = 0;
  const figuresLogger: FiguresLogger = {
    info: (fields, message, block) => {
      blocks++;
      figures.info(fields, message, block);
    },
  };
  const started = performance.now();
  const consumerTimes = () => {
    const ms = performance.now() - started;
    return Array.from({ length: consumers }, (_, index) => ({ active: ms / (3 + index), idle: ms / 2, lives: 1 }));
  };
  const options = { events, counters, windows, capacity: 300, intervalMs: 1000, clock: systemClock, consumerTimes };
  const statistics = new Statistics({ ...options, figuresLogger });
  const frames = setInterval(() => advance(cameras, counters), 100);

  // Streams start at any time: here evenly over a second.
  for (const [place, camera] of cameras.entries()) {
    if (place % Math.ceil(streams / 100) === 0) await delay(10);
    const publisher = { id: `r${camera.index}`, address: '10.0.0.1', port: 20_000 + camera.index };
    events.emit('started', { camera, publisher });
    startStream(counters, camera.index);
    const parameters = { type: 'parameters', width: 1920, height: 1080, profile: 100, level: 40, fps: 30 } as const;
    events.emit('notice', { camera, publisher, notice: parameters });
  }
  await delay(warmMs);

  const before = look();
  const blocksBefore = blocks;
  await delay(seconds * 1000);
  const after = look();
  const all = blocks - blocksBefore;
  statistics.intervalMs = 1e9;
  await delay(1500);
  const quiet = look();
  await delay(seconds * 500);
  const still = look();
  clearInterval(frames);
  const of = (key: 'main' | 'process') => {
    const idle = (still[key] - quiet[key]) / (still.atMs - quiet.atMs);
    return (after[key] - before[key]) / (after.atMs - before.atMs) - idle;
  };
  const perSecond = all / ((after.atMs - before.atMs) / 1000);
  console.error(
    `blocks    ${perSecond.toFixed(0)} a second: main thread ${(100 * of('main')).toFixed(2)} %, ${((1e6 * of('main')) / perSecond).toFixed(1)} µs each; process ${(100 * of('process')).toFixed(2)} %`,
  );
  judge(options, cameras);
  process.exit();
}

/** All streams judged again and again. */
function judge(options: Omit<ConstructorParameters<typeof StreamWatch>[0], 'overloaded' | 'loads'>, cameras: Camera[]) {
  const { counters } = options;
  const events = new StreamEvents();
  let nowMs = performance.now();
  const clock = { nowMs: () => nowMs, wallMs: () => Date.now() };
  const windows = new CounterWindows(counters);
  const watch = new StreamWatch({ ...options, windows, events, clock, overloaded: () => false, loads: () => [] });
  for (const camera of cameras) {
    const publisher = { id: `r${camera.index}`, address: '10.0.0.1', port: 20_000 + camera.index };
    events.emit('started', { camera, publisher });
    startStream(counters, camera.index);
  }
  const times: number[] = [];
  for (let turn = 0; turn < 400; turn++) {
    advance(cameras, counters);
    nowMs += 1000;
    const startMs = performance.now();
    watch.look();
    // A fifth of the streams each time.
    if (turn >= 20) times.push((performance.now() - startMs) / (cameras.length / 5));
  }
  watch.stop();
  times.sort((a, b) => a - b);
  console.error(`judging   ${(1000 * times[times.length >> 1]!).toFixed(2)} µs a stream (median)`);
}

function look() {
  const [main, all] = [process.threadCpuUsage(), process.cpuUsage()];
  return {
    atMs: performance.now(),
    main: (main.user + main.system) / 1000,
    process: (all.user + all.system) / 1000,
  };
}

function fleet(): { cameras: Camera[]; counters: StreamCounters } {
  const cameras = Array.from({ length: streams }, (_, index): Camera => {
    const path = `/stream${index + 1}`;
    const [hardware, channel] = [index >> 4, (index & 15) + 1];
    return {
      index,
      name: `Camera ${index + 1}`,
      path,
      rtspPath: path,
      listener: '1935',
      hardware,
      channel,
      offlineInfo: true,
    };
  });
  return { cameras, counters: new StreamCounters(StreamCounters.create(streams, consumers)) };
}

function startStream(counters: StreamCounters, index: number): void {
  const block = counters.publisher(index);
  const nowMs = systemClock.nowMs();
  block.set(publisherWord.startedMs, nowMs + 1e-3);
  block.set(publisherWord.firstArrivalMs, nowMs);
  block.set(publisherWord.lastArrivalMs, nowMs);
  block.set(publisherWord.profile, 100);
  block.set(publisherWord.level, 40);
  block.set(publisherWord.width, 1920);
  block.set(publisherWord.height, 1080);
  for (let consumer = 0; consumer < consumers; consumer++) counters.reader(index, consumer).set(readerWord.readers, 1);
}

/** A tenth of a second of every stream. */
function advance(cameras: readonly Camera[], counters: StreamCounters): void {
  const nowMs = systemClock.nowMs();
  for (const { index } of cameras) {
    const { words } = counters.publisher(index);
    const add = (word: number, amount: number): void => {
      words[word] = words[word]! + amount;
    };
    add(publisherWord.frames, framesPerSecond / 10);
    add(publisherWord.bytes, 56_250 + index);
    add(publisherWord.keyframes, words[publisherWord.frames]! % framesPerSecond === 0 ? 1 : 0);
    add(publisherWord.lastDtsMs, 100);
    add(publisherWord.lateSum, 3.127 + index / 70);
    add(publisherWord.arrivalDeltaSquares, 3340.17);
    add(publisherWord.queueDepthSum, 4);
    words[publisherWord.lastArrivalMs] = nowMs - 7.318;
    words[publisherWord.dtsDeltaMin] = 33;
    words[publisherWord.dtsDeltaMax] = 34;
    words[publisherWord.arrivalDeltaMax] = 41.25;
    words[publisherWord.lateMax] = 9.75;
    words[publisherWord.queueDepthMax] = 2;
    words[publisherWord.window] = words[publisherWord.openWindow]!;
    for (let consumer = 0; consumer < consumers; consumer++) {
      counters.reader(index, consumer).add(readerWord.frames, framesPerSecond / 10);
      counters.reader(index, consumer).add(readerWord.framesSent, framesPerSecond / 10);
    }
  }
}
