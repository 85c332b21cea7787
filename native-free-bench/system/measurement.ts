/** One target under load for one window: what it cost and what became of the frames. */
import { availableParallelism } from 'node:os';
import { setTimeout as delay } from 'node:timers/promises';
import { type HistogramData, type LatencySummary, summaryOf } from './histogram.ts';
import type { PublishFigures, ReadFigures, ReadOptions, UdpFigures } from './load-messages.ts';
import { LoadProcess } from './load-process.ts';
import type { BenchOptions, Mode } from './options.ts';
import { type ProcessUsage, readMachineCpu, readUsage } from './process-usage.ts';
import type { StreamShape } from './synthetic-stream.ts';
import type { RunningTarget, Target } from './target.ts';
import { temporaryFolder } from './temporary-folder.ts';
import { type Validity, validityOf } from './validity.ts';

const rampSeconds = 60;
/** Milliseconds between two looks at the target inside a window. */
const sampleMs = 1000;
/** A ramp that makes no more progress for this long is taken as it is; what is missing shows in the figures. */
const stalledSeconds = 8;

/** The load, as the command line of the benchmark has it, and what only single experiments ask for. */
export interface LoadPlan
  extends Pick<
    BenchOptions,
    | 'publishers'
    | 'readers'
    | 'seconds'
    | 'warmupSeconds'
    | 'shape'
    | 'connecting'
    | 'plainWrites'
    | 'authentication'
    | 'profile'
    | 'pinTarget'
    | 'pinLoad'
  > {
  /** In place of `shape`, in turn; all with its frames per second. */
  readonly shapes?: readonly StreamShape[];
  readonly tls?: boolean;
  /** Readers take RTP over UDP, and so many of them are checked frame by frame. */
  readonly udpSample?: number;
  readonly stall?: NonNullable<ReadOptions['stall']>;
  /** Asked at the end of the window, while the load still runs; the answer becomes {@link Measurement.observed}. */
  readonly observe?: (running: RunningTarget) => Promise<unknown>;
}

/** One look at the target inside a window. */
export interface UsageSample {
  readonly atMs: number;
  readonly cpuSeconds: number;
  readonly residentBytes: number;
}

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

/** What a report keeps besides. */
export interface FullMeasurement extends Measurement {
  /** The same as `invalid`, by what is spoilt. */
  readonly validity: Validity;
  readonly bitsPerSecond: number;
  /** Cores that everything on the machine used. */
  readonly machineCores: number;
  readonly samples: readonly UsageSample[];
  readonly latencyData: HistogramData | null;
  /** How readers came in, see {@link ReadFigures.greeting}; null without readers. */
  readonly greeting: LatencySummary | null;
  readonly dialogue: LatencySummary | null;
  readonly firstFrame: LatencySummary | null;
  /** Seconds until all publishers were publishing, and until all readers had a frame. */
  readonly publishersInSeconds: number;
  readonly readersInSeconds: number;
  readonly udp: UdpFigures | null;
  readonly observed: unknown;
}

/** Starts the target, loads it and measures. Throws an Error if the target does not start or takes no load. */
export async function measure(
  target: Target,
  mode: Mode,
  options: LoadPlan,
  say: (line: string) => void,
): Promise<FullMeasurement> {
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
      tls: options.tls === true,
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
  options: LoadPlan,
  loads: LoadProcess[],
  say: (line: string) => void,
): Promise<FullMeasurement> {
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
    tls: options.tls === true,
    ...(options.shapes === undefined ? {} : { shapes: options.shapes }),
  });
  const connectingMs = performance.now();
  const missingPublishers = await ramp(`${target.name}: publishing`, publishers, running, say);
  const publishingMs = performance.now();
  let missingReaders = 0;
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
      ...(options.udpSample === undefined ? {} : { udpSample: options.udpSample }),
      ...(options.stall === undefined ? {} : { stall: options.stall }),
    });
    missingReaders = await ramp(`${target.name}: reading`, readers, running, say);
  }
  const readersInSeconds = (performance.now() - publishingMs) / 1000;
  // The publishers begin one after another during the first GOP.
  const longestGop = Math.max(options.shape.gop, ...(options.shapes ?? []).map(({ gop }) => gop));
  const warmupSeconds = Math.max(options.warmupSeconds, longestGop / options.shape.framesPerSecond + 0.5);
  say(`${target.name}: warming up for ${warmupSeconds.toFixed(1)} s`);
  await delay(warmupSeconds * 1000);
  say(`${target.name}: measuring ${mode} for ${options.seconds} s`);
  const machineBefore = readMachineCpu();
  const before = readUsage(running.process.pids);
  const startMs = performance.now();
  publishers.send({ type: 'begin' });
  readers?.send({ type: 'begin' });
  const samples: UsageSample[] = [];
  for (;;) {
    const leftMs = startMs + options.seconds * 1000 - performance.now();
    if (leftMs > 0) await delay(Math.min(sampleMs, leftMs));
    if (running.process.ended) throw new Error(`${target.name} ended under load:\n${running.process.output}`);
    if (leftMs <= sampleMs) break;
    const { cpuSeconds, residentBytes } = readUsage(running.process.pids);
    samples.push({ atMs: performance.now() - startMs, cpuSeconds: cpuSeconds - before.cpuSeconds, residentBytes });
  }
  const after = readUsage(running.process.pids);
  const machineCpuSeconds = readMachineCpu() - machineBefore;
  const seconds = (performance.now() - startMs) / 1000;
  const published = await publishers.ask<PublishFigures>({ type: 'end' });
  const received = readers === null ? null : await readers.ask<ReadFigures>({ type: 'end' });
  const observed = options.observe === undefined ? null : await options.observe(running);
  const window: Window = {
    ...{
      seconds,
      before,
      after,
      machineCpuSeconds,
      samples,
      missingPublishers,
      missingReaders,
      readersInSeconds,
      observed,
    },
    publishersInSeconds: (publishingMs - connectingMs) / 1000,
  };
  return combine(target.name, mode, options, window, published, received);
}

/** Waits until all are there, or no more come; resolves with how many are missing. */
export async function ramp(
  what: string,
  load: LoadProcess,
  running: RunningTarget,
  say: (line: string) => void,
): Promise<number> {
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
    if (done && progress.active > 0) return progress.failed;
    if (done) throw new Error(`${what}: all failed: ${progress.firstFailure}\n${running.process.output}`);
    if (nowMs - startMs > rampSeconds * 1000 || nowMs - movedMs > stalledSeconds * 1000) {
      if (active > 0) return progress.wanted - active;
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
  readonly samples: readonly UsageSample[];
  readonly missingPublishers: number;
  readonly missingReaders: number;
  readonly publishersInSeconds: number;
  readonly readersInSeconds: number;
  readonly observed: unknown;
}

function combine(
  target: string,
  mode: Mode,
  options: LoadPlan,
  window: Window,
  published: PublishFigures,
  received: ReadFigures | null,
): FullMeasurement {
  const { seconds, before, after } = window;
  const gigabitsIn = (published.bytes * 8) / 1e9;
  const cpuSeconds = after.cpuSeconds - before.cpuSeconds;
  const generatorLateness = summaryOf(published.lateness);
  const readerLag = received === null ? null : summaryOf(received.lag);
  const dueFrames = options.publishers * options.shape.framesPerSecond * published.seconds;
  const ownCpuSeconds = cpuSeconds + published.cpuSeconds + (received?.cpuSeconds ?? 0);
  const foreignCores = Math.max(0, window.machineCpuSeconds - ownCpuSeconds) / seconds;
  const closed = published.closed + (received?.closed ?? 0);
  const machineCores = window.machineCpuSeconds / seconds;
  const validity = validityOf({
    foreignCores,
    machineCores,
    cores: availableParallelism(),
    generatorP99Ms: generatorLateness.p99Ms,
    readersP99Ms: readerLag?.p99Ms ?? null,
    framesDue: dueFrames,
    framesSent: published.frames,
    framesRefused: published.notSent,
    missingPublishers: window.missingPublishers,
    missingReaders: window.missingReaders,
    silentReaders: received?.silent ?? 0,
    closed,
  });
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
    invalid: [...validity.cost, ...validity.latency],
    validity,
    bitsPerSecond: (published.bytes * 8) / published.seconds,
    machineCores,
    samples: window.samples,
    latencyData: received?.latency ?? null,
    greeting: received === null ? null : summaryOf(received.greeting),
    dialogue: received === null ? null : summaryOf(received.dialogue),
    firstFrame: received === null ? null : summaryOf(received.firstFrame),
    publishersInSeconds: window.publishersInSeconds,
    readersInSeconds: window.readersInSeconds,
    udp: received?.udp ?? null,
    observed: window.observed,
  };
}
