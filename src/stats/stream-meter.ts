import type { PublisherEvent, StreamMetadata } from '../control/messages.ts';
import type { PublisherSnapshot } from '../shm/stream-counters.ts';
import type { CameraSnapshot } from './camera-snapshot.ts';
import type { CodecFacts, Deltas, Drops, StreamReport, TotalFigures, WindowFigures } from './stream-report.ts';
import { judge } from './verdict.ts';

/** What a stream is measured with. */
export interface StreamMeterOptions {
  readonly path: string;
  /** Address and port of the publisher. */
  readonly publisher: string;
  /** Frames that the ring holds. */
  readonly capacity: number;
  /** Monotonic and wall-clock milliseconds of the start. */
  readonly startedMs: number;
  readonly startedWallMs: number;
  /** The camera's counters before the publisher touched them. */
  readonly before: CameraSnapshot;
}

/** The highest frame rate that is believed of an SPS; some put the tick rate of their clock there. */
const highestSpsFps = 240;

/**
 * Turns the counters of one stream, as they are at the end of each window, into reports. Pure: the counters and the time are
 * arguments.
 */
export class StreamMeter {
  readonly #options: StreamMeterOptions;
  readonly #totals = { popFrames: 0, overflow: 0 };
  /** The counters at the end of the window before. */
  #previous: CameraSnapshot;
  #previousMs: number;
  #declared: StreamMetadata | null = null;
  #spsFps = 0;

  constructor(options: StreamMeterOptions) {
    this.#options = options;
    this.#previous = { ...options.before, publisher: zeros(options.before.publisher) };
    this.#previousMs = options.startedMs;
  }

  /** Takes from a fact about the stream what is measured against it. */
  hear(notice: PublisherEvent): void {
    if (notice.type === 'metadata') {
      const { type: _type, ...metadata } = notice;
      this.declare(metadata);
    } else if (notice.type === 'parameters' || notice.type === 'parameters_changed') this.encodedFps(notice.fps);
  }

  /** The publisher said something about itself; what it leaves out stays as it was. */
  declare(metadata: StreamMetadata): void {
    const known = Object.entries(metadata).filter(([, value]) => value !== 0 && value !== '');
    this.#declared = { ...(this.#declared ?? metadata), ...Object.fromEntries(known) };
  }

  /** Frames a second of the SPS, 0 unknown: what is expected of a publisher that declares nothing. */
  encodedFps(fps: number): void {
    this.#spsFps = fps;
  }

  /** Ends the window that began with the stream or the window before. `consumerLoad`: of the busiest consumer, 0 to 1. */
  close(counters: CameraSnapshot, nowMs: number, consumerLoad: number, final: boolean): StreamReport {
    const { options, snapshot } = { options: this.#options, snapshot: this.#ownOf(counters) };
    const window = this.#measure(snapshot, nowMs, consumerLoad);
    this.#totals.popFrames += window.pop.frames;
    this.#totals.overflow += window.drops.overflow;
    this.#previous = snapshot;
    this.#previousMs = nowMs;
    const { publisher } = snapshot;
    return {
      path: options.path,
      publisher: options.publisher,
      final,
      startedWallMs: options.startedWallMs,
      uptimeMs: nowMs - options.startedMs,
      codec: codecOf(publisher, this.#spsFps),
      declared: this.#declared,
      window,
      total: this.#total(publisher),
      verdict: judge({ window, declaredFps: this.expectedFps, totalFrames: publisher.frames }),
    };
  }

  /** Counters that the publisher's thread has not reset yet are those of the stream before. */
  #ownOf(counters: CameraSnapshot): CameraSnapshot {
    const { publisher } = counters;
    const begun = publisher.startedMs !== 0 && publisher.startedMs !== this.#options.before.publisher.startedMs;
    return begun ? counters : { ...counters, publisher: zeros(publisher) };
  }

  #measure(snapshot: CameraSnapshot, nowMs: number, consumerLoad: number): WindowFigures {
    const before = this.#previous.publisher;
    const now = snapshot.publisher;
    const measuredMs = nowMs - this.#previousMs;
    const frames = now.frames - before.frames;
    const sleeps = snapshot.reader.pacingSleeps - this.#previous.reader.pacingSleeps;
    const sleepMs = snapshot.reader.pacingSleepMs - this.#previous.reader.pacingSleepMs;
    const heardMs = now.frames > 0 ? now.lastArrivalMs : this.#options.startedMs;
    return {
      measuredMs,
      seconds: Math.max(1, measuredMs / 1000),
      push: { frames, bytes: now.bytes - before.bytes, keyframes: now.keyframes - before.keyframes },
      pop: { frames: this.#popped(snapshot) },
      drops: {
        overflow: snapshot.reader.overflow - this.#previous.reader.overflow,
        seiOnly: now.seiOnly - before.seiOnly,
        nonH264: now.nonH264 - before.nonH264,
      },
      truncated: now.truncated - before.truncated,
      discontinuities: now.discontinuities - before.discontinuities,
      queue: {
        average: frames > 0 ? (now.queueDepthSum - before.queueDepthSum) / frames : 0,
        maximum: hasExtremes(now, frames) ? now.queueDepthMax : 0,
        capacity: this.#options.capacity,
      },
      interFrame: interFrame(before, now),
      arrival: arrival(before, now),
      lateness: hasExtremes(now, frames)
        ? { average: (now.lateSum - before.lateSum) / frames, maximum: now.lateMax }
        : null,
      silentMs: Math.max(0, nowMs - heardMs),
      pacing: { sleeps, averageMs: sleeps > 0 ? sleepMs / sleeps : 0 },
      readersBefore: this.#previous.reader.readers,
      readers: snapshot.reader.readers,
      cutOff: snapshot.reader.cutOff - this.#previous.reader.cutOff,
      framesSent: snapshot.reader.framesSent - this.#previous.reader.framesSent,
      ingestLoad: busyPart(now.threadBusyMs - before.threadBusyMs, now.threadIdleMs - before.threadIdleMs),
      consumerLoad,
    };
  }

  /** Readers in two consumers get the same frames, so those of the consumer that delivered most count. */
  #popped(snapshot: CameraSnapshot): number {
    let most = 0;
    for (const [index, { frames }] of snapshot.consumers.entries())
      most = Math.max(most, frames - this.#previous.consumers[index]!.frames);
    return most;
  }

  #total(publisher: PublisherSnapshot): TotalFigures {
    const drops: Drops = {
      overflow: this.#totals.overflow,
      seiOnly: publisher.seiOnly,
      nonH264: publisher.nonH264,
    };
    return {
      push: { frames: publisher.frames, bytes: publisher.bytes },
      pop: { frames: this.#totals.popFrames },
      drops,
    };
  }

  /** Frames a second that the publisher declares or encodes; 0 unknown. */
  get expectedFps(): number {
    const declared = this.#declared?.fps ?? 0;
    if (declared > 0) return declared;
    return this.#spsFps >= 1 && this.#spsFps <= highestSpsFps ? this.#spsFps : 0;
  }
}

/** Part of the time that a thread was busy; 0 when nothing was measured. */
export function busyPart(busyMs: number, idleMs: number): number {
  const allMs = busyMs + idleMs;
  return busyMs > 0 && idleMs >= 0 ? busyMs / allMs : 0;
}

function zeros(publisher: PublisherSnapshot): PublisherSnapshot {
  return Object.fromEntries(Object.keys(publisher).map((name) => [name, 0])) as PublisherSnapshot;
}

/** The extremes are those of the window only if a frame came in it. */
function hasExtremes(now: PublisherSnapshot, frames: number): boolean {
  return frames > 0 && now.window === now.openWindow;
}

/** Distances between frames in the window; the first one counts from the last frame of the window before. */
function distances(before: PublisherSnapshot, now: PublisherSnapshot): number {
  const frames = now.frames - before.frames;
  const samples = before.frames === 0 ? frames - 1 : frames;
  return hasExtremes(now, frames) ? Math.max(0, samples) : 0;
}

function interFrame(before: PublisherSnapshot, now: PublisherSnapshot): Deltas | null {
  const samples = distances(before, now);
  if (samples === 0) return null;
  const fromMs = before.frames === 0 ? now.firstDtsMs : before.lastDtsMs;
  const average = (now.lastDtsMs - fromMs) / samples;
  return { average, minimum: now.dtsDeltaMin, maximum: now.dtsDeltaMax, samples };
}

function arrival(before: PublisherSnapshot, now: PublisherSnapshot): WindowFigures['arrival'] {
  const samples = distances(before, now);
  if (samples === 0) return null;
  const fromMs = before.frames === 0 ? now.firstArrivalMs : before.lastArrivalMs;
  const average = (now.lastArrivalMs - fromMs) / samples;
  const squares = (now.arrivalDeltaSquares - before.arrivalDeltaSquares) / samples;
  return {
    average,
    deviation: Math.sqrt(Math.max(0, squares - average * average)),
    maximum: now.arrivalDeltaMax,
  };
}

function codecOf(publisher: PublisherSnapshot, fps: number): CodecFacts | null {
  const { profile, level, width, height } = publisher;
  return profile === 0 ? null : { profile, level, width, height, fps };
}
