/** One target under load for one window: what it cost and what became of the frames. */
import { setTimeout as delay } from 'node:timers/promises';
import { Histogram, type LatencySummary } from './histogram.ts';
import type { PublishFigures, ReadFigures } from './load-messages.ts';
import { LoadProcess } from './load-process.ts';
import type { BenchOptions, Mode } from './options.ts';
import { type ProcessUsage, readMachineCpu, readUsage } from './process-usage.ts';
import type { RunningTarget, Target } from './target.ts';
import { temporaryFolder } from './temporary-folder.ts';

/** Above this p99 the generator or the readers are the bottleneck and the run says nothing about the target. */
const latenessLimitMs = 10;
/** Other programs may use this many cores before a run is called disturbed. */
const foreignCoresLimit = 0.25;
const rampSeconds = 60;
/** A ramp that makes no more progress for this long is taken as it is; what is missing shows in the figures. */
const stalledSeconds = 8;

/** The figures of one window, all in SI units. */
export interface Measurement {
  readonly target: string;
  readonly mode: Mode;
  readonly publishers: number;
  readonly readers: number;
  readonly seconds: number;
  readonly gigabitsIn: number;
  readonly gigabitsOut: number;
  readonly cpuSeconds: number;
  readonly cores: number;
  /** CPU-seconds of the target per Gbit taken in. */
  readonly cpuPerGigabit: number;
  readonly residentBytes: number;
  readonly anonymousBytes: number;
  readonly sharedBytes: number;
  readonly descriptors: number;
  readonly threads: number;
  readonly framesSent: number;
  readonly framesReceived: number;
  readonly lost: number;
  readonly duplicated: number;
  readonly reordered: number;
  readonly misrouted: number;
  readonly unstamped: number;
  readonly sequenceGaps: number;
  readonly silentReaders: number;
  readonly notSent: number;
  readonly closed: number;
  /** Due time to arrival of the last byte; null without readers. */
  readonly latency: LatencySummary | null;
  /** The same from the actual start of sending. */
  readonly transit: LatencySummary | null;
  readonly generatorCores: number;
  readonly generatorLateness: LatencySummary;
  readonly deferredWrites: number;
  readonly readerCores: number;
  readonly readerLag: LatencySummary | null;
  /** Cores that programs outside this benchmark used meanwhile. */
  readonly foreignCores: number;
  /** Why the run must not be compared with others; empty if it is valid. */
  readonly invalid: readonly string[];
}

/** Starts the target, loads it and measures. Throws an Error if the target does not start or takes no load. */
export async function measure(
  target: Target,
  mode: Mode,
  options: BenchOptions,
  say: (line: string) => void,
): Promise<Measurement> {
  const folder = temporaryFolder('skyweir-bench-');
  const loads: LoadProcess[] = [];
  let running: RunningTarget | null = null;
  try {
    say(`${target.name}: starting (${target.description})`);
    running = await target.start({
      streams: options.publishers,
      folder: folder.path,
      processors: options.pinTarget,
      authentication: options.authentication,
      profileFolder: options.profile,
    });
    return await loadAndMeasure(target, running, mode, options, loads, say);
  } finally {
    // Readers leave before publishers, and the target last, so that its shutdown has nothing to wait for.
    for (const load of loads.reverse()) await load.stop();
    await running?.process.stop();
    folder.remove();
  }
}

async function loadAndMeasure(
  target: Target,
  running: RunningTarget,
  mode: Mode,
  options: BenchOptions,
  loads: LoadProcess[],
  say: (line: string) => void,
): Promise<Measurement> {
  const streams = Array.from({ length: options.publishers }, (_, index) => running.stream(index));
  const publishers = new LoadProcess('load-publishers.ts', options.pinLoad);
  loads.push(publishers);
  publishers.send({
    type: 'publish',
    port: running.rtmpPort,
    streams,
    shape: options.shape,
    connecting: options.connecting,
    plainWrites: options.plainWrites,
  });
  await ramp(`${target.name}: publishing`, publishers, running, say);
  let readers: LoadProcess | null = null;
  if (mode === 'relay') {
    readers = new LoadProcess('load-readers.ts', options.pinLoad);
    loads.push(readers);
    readers.send({
      type: 'read',
      protocol: running.readProtocol,
      port: running.readPort,
      streams,
      readers: options.readers,
      connecting: options.connecting,
      credentials: running.credentials,
    });
    await ramp(`${target.name}: reading`, readers, running, say);
  }
  // The publishers begin one after another during the first GOP.
  const warmupSeconds = Math.max(options.warmupSeconds, options.shape.gop / options.shape.framesPerSecond + 0.5);
  say(`${target.name}: warming up for ${warmupSeconds.toFixed(1)} s`);
  await delay(warmupSeconds * 1000);
  say(`${target.name}: measuring ${mode} for ${options.seconds} s`);
  const machineBefore = readMachineCpu();
  const before = readUsage(running.process.pid);
  const startMs = performance.now();
  publishers.send({ type: 'begin' });
  readers?.send({ type: 'begin' });
  await delay(options.seconds * 1000);
  if (running.process.ended) throw new Error(`${target.name} ended under load:\n${running.process.output}`);
  const after = readUsage(running.process.pid);
  const machineCpuSeconds = readMachineCpu() - machineBefore;
  const seconds = (performance.now() - startMs) / 1000;
  const published = await publishers.ask<PublishFigures>({ type: 'end' });
  const received = readers === null ? null : await readers.ask<ReadFigures>({ type: 'end' });
  return combine(target.name, mode, options, { seconds, before, after, machineCpuSeconds }, published, received);
}

async function ramp(
  what: string,
  load: LoadProcess,
  running: RunningTarget,
  say: (line: string) => void,
): Promise<void> {
  const startMs = performance.now();
  let shownMs = startMs;
  let movedMs = startMs;
  let active = -1;
  for (;;) {
    await delay(100);
    if (load.ended) throw new Error(`${what}: the load process ended`);
    if (running.process.ended) throw new Error(`${what}: the target ended:\n${running.process.output}`);
    const progress = load.progress;
    if (progress === null) continue;
    const nowMs = performance.now();
    const done = progress.active + progress.failed >= progress.wanted;
    if (progress.active !== active) movedMs = nowMs;
    active = progress.active;
    if (nowMs - shownMs > 2000 || done) {
      shownMs = nowMs;
      const failures = progress.failed > 0 ? `, ${progress.failed} failed (${progress.firstFailure})` : '';
      say(`${what}: ${progress.active} of ${progress.wanted}${failures}, ${((nowMs - startMs) / 1000).toFixed(1)} s`);
    }
    if (done && progress.active > 0) return;
    if (done) throw new Error(`${what}: all failed: ${progress.firstFailure}\n${running.process.output}`);
    if (nowMs - startMs > rampSeconds * 1000 || nowMs - movedMs > stalledSeconds * 1000) {
      if (active > 0) return;
      throw new Error(
        `${what}: no success after ${((nowMs - startMs) / 1000).toFixed(0)} s\n${running.process.output}`,
      );
    }
  }
}

/** What the runner saw of the machine between start and end of the window. */
interface Window {
  readonly seconds: number;
  readonly before: ProcessUsage;
  readonly after: ProcessUsage;
  readonly machineCpuSeconds: number;
}

function combine(
  target: string,
  mode: Mode,
  options: BenchOptions,
  window: Window,
  published: PublishFigures,
  received: ReadFigures | null,
): Measurement {
  const { seconds, before, after } = window;
  const gigabitsIn = (published.bytes * 8) / 1e9;
  const cpuSeconds = after.cpuSeconds - before.cpuSeconds;
  const generatorLateness = summaryOf(published.lateness);
  const readerLag = received === null ? null : summaryOf(received.lag);
  const dueFrames = options.publishers * options.shape.framesPerSecond * published.seconds;
  const ownCpuSeconds = cpuSeconds + published.cpuSeconds + (received?.cpuSeconds ?? 0);
  const foreignCores = Math.max(0, window.machineCpuSeconds - ownCpuSeconds) / seconds;
  const invalid: string[] = [];
  if (foreignCores > foreignCoresLimit) invalid.push(`other programs used ${foreignCores.toFixed(2)} cores`);
  if (generatorLateness.p99Ms > latenessLimitMs)
    invalid.push(`the generator was late (p99 ${generatorLateness.p99Ms.toFixed(1)} ms)`);
  if (published.frames + published.notSent < dueFrames * 0.98)
    invalid.push(`only ${published.frames} of ${Math.round(dueFrames)} frames were sent`);
  if (readerLag !== null && readerLag.p99Ms > latenessLimitMs)
    invalid.push(`the readers were late (p99 ${readerLag.p99Ms.toFixed(1)} ms)`);
  // A target that serves only a part of its readers or publishers is cheap for the wrong reason.
  if (received !== null && received.silent > 0) invalid.push(`${received.silent} readers got nothing at the end`);
  const closed = published.closed + (received?.closed ?? 0);
  if (closed > 0) invalid.push(`the target closed ${closed} connections`);
  return {
    target,
    mode,
    publishers: options.publishers,
    readers: mode === 'relay' ? options.readers : 0,
    seconds,
    gigabitsIn,
    gigabitsOut: ((received?.bytes ?? 0) * 8) / 1e9,
    cpuSeconds,
    cores: cpuSeconds / seconds,
    cpuPerGigabit: cpuSeconds / gigabitsIn,
    residentBytes: after.residentBytes,
    anonymousBytes: after.anonymousBytes,
    sharedBytes: after.sharedBytes,
    descriptors: after.descriptors,
    threads: after.threads,
    framesSent: published.frames,
    framesReceived: received?.frames ?? 0,
    lost: received?.lost ?? 0,
    duplicated: received?.duplicated ?? 0,
    reordered: received?.reordered ?? 0,
    misrouted: received?.misrouted ?? 0,
    unstamped: received?.unstamped ?? 0,
    sequenceGaps: received?.sequenceGaps ?? 0,
    silentReaders: received?.silent ?? 0,
    notSent: published.notSent,
    closed,
    latency: received === null ? null : summaryOf(received.latency),
    transit: received === null ? null : summaryOf(received.transit),
    generatorCores: published.cpuSeconds / published.seconds,
    generatorLateness,
    deferredWrites: published.deferredWrites,
    readerCores: received === null ? 0 : received.cpuSeconds / received.seconds,
    readerLag,
    foreignCores,
    invalid,
  };
}

function summaryOf(data: PublishFigures['lateness']): LatencySummary {
  const histogram = new Histogram();
  histogram.merge(data);
  return histogram.summary();
}
