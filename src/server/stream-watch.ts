import type { Clock } from '../base/clock.ts';
import { round } from '../base/round.ts';
import type { Camera, Peer, Rejections } from '../control/messages.ts';
import { Standstill } from '../net/standstill.ts';
import type { StreamCounters } from '../shm/stream-counters.ts';
import type { ThreadLoad } from '../shm/worker-load.ts';
import type { CounterWindows } from '../stats/counter-windows.ts';
import { healthWindows, StreamHealth } from '../stats/stream-health.ts';
import type { StreamMeter } from '../stats/stream-meter.ts';
import type { StreamReport } from '../stats/stream-report.ts';
import { thresholds, type Verdict } from '../stats/verdict.ts';
import { RejectionLimit } from './rejection-limit.ts';
import { consumerLoads, startMeter } from './statistics.ts';
import type { Refusal, StreamEvents } from './stream-events.ts';
import type { ConsumerTime } from './thread.ts';

/** What a {@link StreamWatch} looks at. */
export interface StreamWatchOptions {
  readonly events: StreamEvents;
  readonly counters: StreamCounters;
  readonly windows: CounterWindows;
  /** Frames that a ring holds. */
  readonly capacity: number;
  readonly clock: Clock;
  /** Each consumer's time, by its index. */
  readonly consumerTimes: () => readonly ConsumerTime[];
  /** The machine has no room for further publishers. */
  readonly overloaded: () => boolean;
  readonly loads: () => readonly ThreadLoad[];
}

interface Watched {
  /** As it is named now. */
  camera: Camera;
  readonly publisher: Peer;
  readonly meter: StreamMeter;
  readonly health: StreamHealth;
  readonly startedMs: number;
}

/** Milliseconds between two looks. Each second has its part of the cameras, so that the main thread never does all at once. */
const tickMs = 1000;
const parts = healthWindows.windowMs / tickMs;

/**
 * Finds what nobody tells: streams that are degraded or silent, an overload, and how much of what is refused may be told. All of
 * it in the main thread, from the shared counters, every few seconds and whatever the interval of the statistics is.
 */
export class StreamWatch {
  readonly #options: StreamWatchOptions;
  /** By part of the cameras, then by camera index. */
  readonly #streams = Array.from({ length: parts }, () => new Map<number, Watched>());
  readonly #rejections = new RejectionLimit();
  /** Of the look before at the same part. */
  readonly #consumerTimes: (readonly ConsumerTime[])[];
  readonly #timer: NodeJS.Timeout;
  readonly #standstill = new Standstill(tickMs);
  #part = 0;
  #overloaded = false;

  constructor(options: StreamWatchOptions) {
    this.#options = options;
    const { events, consumerTimes } = options;
    this.#consumerTimes = Array.from({ length: parts }, consumerTimes);
    events.on('started', ({ camera, publisher }) => this.#start(camera, publisher));
    events.on('stopped', ({ camera }) => this.#partOf(camera).delete(camera.index));
    events.on('notice', ({ camera, notice }) => this.#partOf(camera).get(camera.index)?.meter.hear(notice));
    events.on('refused', (refusal) => this.#refused(refusal));
    this.#standstill.start(options.clock.nowMs());
    this.#timer = setInterval(() => this.look(), tickMs).unref();
  }

  /** The cameras from now on: streams go on under another name or path. */
  replaceCameras(cameras: readonly Camera[]): void {
    for (const camera of cameras) {
      const stream = this.#partOf(camera).get(camera.index);
      if (stream !== undefined) stream.camera = camera;
    }
  }

  /** New connections were refused before anything was read from them. Readers are not publishers. */
  rejected(rejections: readonly Rejections[]): void {
    for (const { listener, reason, count, addresses = [] } of rejections) {
      if (listener === null) continue;
      const base = { camera: null, publisher: null, reason };
      let rest = count;
      for (const [address, ofAddress] of addresses) {
        rest -= ofAddress;
        this.#refused({ ...base, address, count: ofAddress });
      }
      if (rest > 0) this.#refused({ ...base, count: rest });
    }
  }

  /** One look; the timer's, once a second. */
  look(): void {
    const nowMs = this.#options.clock.nowMs();
    const { events } = this.#options;
    for (const sum of this.#rejections.flush(nowMs)) events.emit('rejected', sum);
    this.#lookAtLoad();
    // What came during a standstill is still to be read: a second look would find it late, and both together a stream that is bad.
    if (this.#standstill.look(nowMs)) return;
    this.#part = (this.#part + 1) % parts;
    this.#judgePart(nowMs);
  }

  stop(): void {
    clearInterval(this.#timer);
  }

  #refused(refusal: Refusal): void {
    const { events, clock } = this.#options;
    if (this.#rejections.add(refusal, clock.nowMs())) events.emit('rejected', refusal);
  }

  #lookAtLoad(): void {
    const { events, overloaded, loads } = this.#options;
    if (overloaded() === this.#overloaded) return;
    this.#overloaded = !this.#overloaded;
    const figures = loadFigures(loads());
    if (this.#overloaded) events.emit('overloaded', { text: 'there is no room for further publishers', figures });
    else events.emit('relieved', { text: 'there is room for new publishers again', figures });
  }

  // ---- streams -----------------------------------------------------------------------------------------------------------

  #partOf(camera: Camera): Map<number, Watched> {
    return this.#streams[camera.index % parts]!;
  }

  #start(camera: Camera, publisher: Peer): void {
    const { clock, windows } = this.#options;
    windows.forget(camera.index);
    const startedMs = clock.nowMs();
    const meter = startMeter(camera, publisher, startedMs, this.#options);
    this.#partOf(camera).set(camera.index, { camera, publisher, meter, health: new StreamHealth(), startedMs });
  }

  #judgePart(nowMs: number): void {
    const streams = this.#streams[this.#part]!;
    const times = this.#options.consumerTimes();
    const loads = consumerLoads(this.#consumerTimes[this.#part]!, times);
    this.#consumerTimes[this.#part] = times;
    for (const stream of streams.values()) {
      // What begins needs a moment: encoders send their first keyframe late, and their first second all at once.
      if (nowMs - stream.startedMs >= healthWindows.windowMs) this.#judge(stream, loads, nowMs);
    }
  }

  #judge(stream: Watched, loads: readonly number[], nowMs: number): void {
    const { events, windows } = this.#options;
    const { camera, publisher, meter, health } = stream;
    const report = meter.close(windows.close(camera.index, 'judge'), nowMs, loads, false);
    const { window } = report;
    const isEmpty = window.push.frames === 0;
    // A camera that sends a picture now and then is not silent before the next one is well overdue.
    const isPatient = isEmpty && window.silentMs * meter.expectedFps < thresholds.stallMultiple * 1000;
    const verdict: Verdict = isPatient && meter.expectedFps > 0 ? { ...report.verdict, blame: 'none' } : report.verdict;
    const isSilent = isEmpty && verdict.blame !== 'none' && window.silentMs >= healthWindows.windowMs - tickMs;
    const sinceMs = health.degradedMs;
    const change = health.judge(verdict, isSilent, nowMs);
    if (change === null) return;
    const figures = {
      ...streamFigures(report, meter.expectedFps),
      ...(sinceMs !== null && { degradedSeconds: round((nowMs - sinceMs) / 1000, 1) }),
    };
    events.emit(change, { camera, publisher, ...verdict, figures });
  }
}

/** What a judgement rests on. */
function streamFigures({ window }: StreamReport, expected: number): Record<string, number> {
  const { seconds, push, lateness, arrival } = window;
  return {
    windowSeconds: round(seconds, 1),
    framesPerSecond: round(push.frames / seconds, 2),
    ...(expected > 0 && { expectedFramesPerSecond: round(expected, 2) }),
    bitsPerSecond: Math.round((push.bytes * 8) / seconds),
    silentSeconds: round(window.silentMs / 1000, 1),
    latenessMaxSeconds: round((lateness?.maximum ?? 0) / 1000, 3),
    arrivalGapMaxSeconds: round((arrival?.maximum ?? 0) / 1000, 3),
    damagedFrames: window.truncated + window.drops.nonH264,
    overflowFrames: window.drops.overflow,
    slowReaders: window.cutOff,
    readers: window.readers,
  };
}

function loadFigures(loads: readonly ThreadLoad[]): Record<string, number> {
  const of = (kind: ThreadLoad['kind']) => loads.filter((load) => load.kind === kind);
  const most = (values: readonly number[]) => round(Math.max(0, ...values), 3);
  return {
    ingestBusy: most(of('ingest').map(({ busy }) => busy)),
    consumerBusy: most(of('consumer').map(({ busy }) => busy)),
    loopDelayMaxSeconds: most(loads.map(({ loopDelayMs }) => loopDelayMs / 1000)),
    publishers: of('ingest').reduce((sum, { connections }) => sum + connections, 0),
    bitsPerSecond: Math.round(of('ingest').reduce((sum, { bitsPerSecond }) => sum + bitsPerSecond, 0)),
  };
}
