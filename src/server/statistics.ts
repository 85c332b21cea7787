import { hostAndPort } from '../base/address.ts';
import type { Clock } from '../base/clock.ts';
import type { FiguresLogger } from '../base/logger.ts';
import { onePiece } from '../base/one-piece.ts';
import type { Camera, Peer, PublisherEvent } from '../control/messages.ts';
import type { StreamCounters } from '../shm/stream-counters.ts';
import { type CameraSnapshot, readCamera, withEarlier, withReaders } from '../stats/camera-snapshot.ts';
import type { CounterWindows } from '../stats/counter-windows.ts';
import { formatStatsBlock, statsTitle } from '../stats/stats-block.ts';
import { busyPart, StreamMeter } from '../stats/stream-meter.ts';
import { reportFields } from '../stats/stream-report.ts';
import type { Verdict } from '../stats/verdict.ts';
import { type Due, DueTimes } from './due-times.ts';
import type { StreamEvents } from './stream-events.ts';
import type { ConsumerTime } from './thread.ts';

export interface StatisticsOptions {
  readonly events: StreamEvents;
  readonly counters: StreamCounters;
  readonly windows: CounterWindows;
  /** Frames that a ring holds. */
  readonly capacity: number;
  /** Milliseconds from block to block; {@link Statistics.intervalMs} changes it. */
  readonly intervalMs: number;
  readonly clock: Clock;
  readonly figuresLogger: FiguresLogger;
  /** Each consumer's time, by its index. */
  readonly consumerTimes: () => readonly ConsumerTime[];
}

/**
 * Milliseconds after the end of a stream in which readers may fetch its last frames, and losses that are found by looking once
 * in a while are counted, before the last block is written.
 */
const settleMs = 500;

/** One stream that is measured. */
interface MeasuredStream extends Due {
  /** As it is named now, or was at the end of the stream. */
  camera: Camera;
  /** Name of the camera, and id of the connection. */
  name: string;
  readonly conn: string;
  readonly meter: StreamMeter;
  readonly startedMs: number;
  consumerTimes: readonly ConsumerTime[];
  /** The counters at the end of the stream; null while it runs. */
  ended: { readonly counters: CameraSnapshot; readonly atMs: number } | null;
  /** The counters when a successor came, if that was before the last block; null otherwise. */
  followed: CameraSnapshot | null;
  /** Of the last block, once the stream has ended. */
  timer: NodeJS.Timeout | null;
}

/**
 * Logs a block of statistics for each stream: one an interval, counted from its start, and one at its end. All of it happens in
 * the main thread, from the shared counters.
 */
export class Statistics {
  readonly #options: StatisticsOptions;
  /** By camera index: the stream that runs, or that has just ended. */
  readonly #streams = new Map<number, MeasuredStream>();
  /** By camera index: the stream before that one, while readers may still fetch its frames. */
  readonly #followed = new Map<number, MeasuredStream>();
  /** Those that run, by the times of their next blocks. */
  readonly #due: DueTimes<MeasuredStream>;

  /** By camera index: what the newest block of the stream that runs says. */
  readonly verdicts = new Map<number, Verdict>();
  #intervalMs: number;

  constructor(options: StatisticsOptions) {
    this.#options = options;
    this.#intervalMs = options.intervalMs;
    const earlyMs = () => Math.min(mostEarlyMs, earlyPart * this.#intervalMs);
    this.#due = new DueTimes(options.clock, earlyMs, (streams) => this.#reportAll(streams));
    options.events.on('started', ({ camera, publisher }) => this.#start(camera, publisher));
    options.events.on('stopped', ({ camera }) => this.#end(camera));
    options.events.on('notice', ({ camera, notice }) => this.#notice(camera, notice));
  }

  /** Milliseconds from block to block, from now on: the next block of a stream may come much sooner than it was to. */
  set intervalMs(intervalMs: number) {
    if (intervalMs === this.#intervalMs) return;
    this.#intervalMs = intervalMs;
    const nowMs = this.#options.clock.nowMs();
    for (const stream of this.#streams.values()) {
      if (stream.ended !== null) continue;
      this.#due.delete(stream);
      this.#schedule(stream, nowMs);
    }
  }

  /** Frames a second that the publisher of the camera with this index promises; 0 unknown. */
  promisedFps(camera: number): number {
    return this.#streams.get(camera)?.meter.expectedFps ?? 0;
  }

  /** The cameras from now on: streams go on under another name or path. */
  replaceCameras(cameras: readonly Camera[]): void {
    for (const camera of cameras) {
      const stream = this.#streams.get(camera.index);
      if (stream === undefined || stream.ended !== null) continue;
      stream.camera = camera;
      stream.name = onePiece(camera.name);
      stream.meter.path = camera.path;
    }
  }

  /** Writes the last blocks that still wait. */
  stop(): void {
    for (const stream of [...this.#streams.values()]) {
      if (stream.ended === null) this.#end(stream.camera);
      this.#reportEnd(stream);
    }
  }

  #start(camera: Camera, publisher: Peer): void {
    const left = this.#streams.get(camera.index);
    if (left !== undefined) this.#follow(left);
    this.verdicts.delete(camera.index);
    const startedMs = this.#options.clock.nowMs();
    const meter = startMeter(camera, publisher, startedMs, this.#options);
    const stream: MeasuredStream = {
      camera,
      name: onePiece(camera.name),
      conn: publisher.id,
      meter,
      startedMs,
      dueMs: startedMs + this.#intervalMs,
      consumerTimes: this.#options.consumerTimes(),
      ended: null,
      followed: null,
      timer: null,
    };
    this.#streams.set(camera.index, stream);
    this.#due.add(stream);
  }

  #notice(camera: Camera, notice: PublisherEvent): void {
    const stream = this.#streams.get(camera.index);
    if (stream === undefined || stream.ended !== null) return;
    stream.meter.hear(notice);
  }

  /** The counters are read now: the next publisher resets them. The readers' go on counting. */
  #end(camera: Camera): void {
    const stream = this.#streams.get(camera.index);
    if (stream === undefined || stream.ended !== null) return;
    this.#due.delete(stream);
    const counters = this.#options.windows.close(camera.index, 'block');
    stream.ended = { counters, atMs: this.#options.clock.nowMs() };
    if (counters.reader.readers === 0) this.#reportEnd(stream);
    else stream.timer = setTimeout(() => this.#reportEnd(stream), settleMs).unref();
  }

  /** A successor comes before the last block. What its readers get must not count as fetched from this stream. */
  #follow(stream: MeasuredStream): void {
    const { ended, camera, meter } = stream;
    if (ended === null) return;
    const counters = withReaders(ended.counters.publisher, this.#options.counters, camera.index);
    if (!meter.hasUnread(counters)) {
      this.#reportEnd(stream);
      return;
    }
    this.#reportFollowed(camera);
    stream.followed = counters;
    this.#followed.set(camera.index, stream);
    this.#streams.delete(camera.index);
  }

  #reportFollowed({ index }: Camera): void {
    const stream = this.#followed.get(index);
    if (stream !== undefined) this.#reportEnd(stream);
  }

  #reportAll(streams: readonly MeasuredStream[]): void {
    const times = this.#options.consumerTimes();
    for (const stream of streams) this.#report(stream, times);
  }

  #report(stream: MeasuredStream, times: readonly ConsumerTime[]): void {
    const { clock, windows } = this.#options;
    const nowMs = clock.nowMs();
    this.#schedule(stream, nowMs + tolerance * this.#intervalMs);
    this.#log(stream, windows.close(stream.camera.index, 'block'), times, nowMs, false);
  }

  /** The next block is that of the first interval to end after `afterMs`. */
  #schedule(stream: MeasuredStream, afterMs: number): void {
    const intervalMs = this.#intervalMs;
    const past = Math.floor((afterMs - stream.startedMs) / intervalMs);
    stream.dueMs = stream.startedMs + (past + 1) * intervalMs;
    this.#due.add(stream);
  }

  #reportEnd(stream: MeasuredStream): void {
    const { ended, followed, camera } = stream;
    const streams = followed === null ? this.#streams : this.#followed;
    if (ended === null || streams.get(camera.index) !== stream) return;
    if (followed === null) this.#reportFollowed(camera);
    if (stream.timer !== null) clearTimeout(stream.timer);
    streams.delete(camera.index);
    const now = withReaders(ended.counters.publisher, this.#options.counters, camera.index);
    const last = followed === null ? now : withEarlier(followed, now);
    this.#log(stream, last, this.#options.consumerTimes(), ended.atMs, true);
  }

  #log(
    stream: MeasuredStream,
    counters: CameraSnapshot,
    times: readonly ConsumerTime[],
    nowMs: number,
    final: boolean,
  ): void {
    const { camera, name, conn, meter } = stream;
    const report = meter.close(counters, nowMs, consumerLoads(stream.consumerTimes, times), final);
    stream.consumerTimes = times;
    if (stream.followed === null) this.verdicts.set(camera.index, report.verdict);
    const fields = { camera: name, conn, ...reportFields(report) };
    this.#options.figuresLogger.info(fields, statsTitle(report), () => formatStatsBlock(report));
  }
}

/**
 * Part of an interval, and milliseconds, by which a block may come early to come together with others.
 * Woken for every few streams, the thread finds nothing in the processor's cache: of a thousand streams with a block a second each,
 * ten wake-ups a second instead of fifty save a quarter of what the blocks cost.
 */
const earlyPart = 0.1;
const mostEarlyMs = 1000;

/** Part of an interval by which a block may be early and still belong to the end of it. */
const tolerance = earlyPart + 0.03;

/** The meter of a stream that has just started. */
export function startMeter(
  camera: Camera,
  publisher: Peer,
  startedMs: number,
  { capacity, clock, counters }: Pick<StatisticsOptions, 'capacity' | 'clock' | 'counters'>,
): StreamMeter {
  return new StreamMeter({
    path: camera.path,
    publisher: onePiece(hostAndPort(publisher.address, publisher.port)),
    capacity,
    startedMs,
    startedWallMs: clock.wallMs(),
    before: readCamera(counters, camera.index),
  });
}

/**
 * Load of each consumer between two moments. One that failed or hung, and was replaced, was no use to its readers, whatever the
 * next one says: it counts as busy all the time.
 */
export function consumerLoads(before: readonly ConsumerTime[], after: readonly ConsumerTime[]): number[] {
  return after.map((now, index) => {
    const then = before[index]!;
    // Not by the times: those of a thread that has nothing to do may go back a little.
    return now.lives === then.lives ? busyPart(now.active - then.active, now.idle - then.idle) : 1;
  });
}
