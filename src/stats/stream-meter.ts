import type { PublisherEvent, StreamMetadata } from '../control/messages.ts';
import { awaited, type PublisherSnapshot, type ReaderSnapshot } from '../shm/stream-counters.ts';
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

/** The highest frame rate that is believed of metadata or an SPS; some have the tick rate of their clock there. */
const highestFps = 240;

/**
 * Turns the counters of one stream, as they are at the end of each window, into reports. Pure: the counters and the time are
 * arguments.
 */
export class StreamMeter {
  /** Of the camera, which may be given another one. */
  path: string;
  readonly #options: Omit<StreamMeterOptions, 'before'>;
  /** Start of the stream whose counters were there before. */
  readonly #strangerMs: number;
  readonly #since: string;
  readonly #totals = { popFrames: 0, overflow: 0 };
  /** The counters at the end of the window before. */
  readonly #before: Mark;
  #beforeMs: number;
  #declared: StreamMetadata | null = null;
  #spsFps = 0;
  #usualMs = Number.POSITIVE_INFINITY;

  constructor(options: StreamMeterOptions) {
    const { before, ...others } = options;
    this.#options = others;
    this.path = options.path;
    this.#strangerMs = before.publisher.startedMs;
    this.#since = new Date(options.startedWallMs).toISOString();
    this.#before = new Mark();
    this.#before.move({ ...before, publisher: zeros(before.publisher) });
    this.#beforeMs = options.startedMs;
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

  /** Ends the window that began with the stream or the window before. `consumerLoads`: of each consumer, 0 to 1. */
  close(counters: CameraSnapshot, nowMs: number, consumerLoads: readonly number[], final: boolean): StreamReport {
    const options = this.#options;
    const snapshot = this.#ownOf(counters);
    const window = this.#measure(snapshot, nowMs, consumerLoads);
    this.#totals.popFrames += window.pop.frames;
    this.#totals.overflow += window.drops.overflow;
    this.#before.move(snapshot);
    this.#beforeMs = nowMs;
    const { publisher } = snapshot;
    return {
      path: this.path,
      publisher: options.publisher,
      final,
      since: this.#since,
      uptimeMs: nowMs - options.startedMs,
      codec: codecOf(publisher, this.#spsFps),
      declared: this.#declared,
      window,
      total: this.#total(publisher),
      verdict: judge({ window, declaredFps: this.expectedFps, totalFrames: publisher.frames }),
    };
  }

  /** Whether frames came that nobody has got. */
  hasUnread(counters: CameraSnapshot): boolean {
    const snapshot = this.#ownOf(counters);
    return this.#totals.popFrames + this.#popped(snapshot) < snapshot.publisher.frames;
  }

  /** Counters that the publisher's thread has not reset yet are those of the stream before. */
  #ownOf(counters: CameraSnapshot): CameraSnapshot {
    const { publisher } = counters;
    const begun = publisher.startedMs !== 0 && publisher.startedMs !== this.#strangerMs;
    return begun ? counters : { ...counters, publisher: zeros(publisher) };
  }

  #measure(snapshot: CameraSnapshot, nowMs: number, consumerLoads: readonly number[]): WindowFigures {
    const before = this.#before;
    const { publisher: now, reader } = snapshot;
    const measuredMs = nowMs - this.#beforeMs;
    const frames = now.frames - before.frames;
    const sleeps = reader.pacingSleeps - before.pacingSleeps;
    const sleepMs = reader.pacingSleepMs - before.pacingSleepMs;
    const { startedMs } = this.#options;
    const heardMs = now.frames > 0 ? now.lastArrivalMs : startedMs;
    const between = interFrame(before, now);
    if (between !== null) this.#usualMs = Math.min(this.#usualMs, between.average);
    return {
      measuredMs,
      seconds: Math.max(1, measuredMs / 1000),
      push: { frames, bytes: now.bytes - before.bytes, keyframes: now.keyframes - before.keyframes },
      pop: { frames: this.#popped(snapshot) },
      drops: {
        overflow: reader.overflow - before.overflow,
        seiOnly: now.seiOnly - before.seiOnly,
        nonH264: now.nonH264 - before.nonH264,
      },
      truncated: now.truncated - before.truncated,
      shed: reader.shed - before.shed,
      ingestShed: now.shed - before.ingestShed,
      unplayable: unplayable(now) - before.unplayable,
      parametersMissing: now.awaits === awaited.parameters,
      discontinuities: now.discontinuities - before.discontinuities,
      queue: {
        average: frames > 0 ? (now.queueDepthSum - before.queueDepthSum) / frames : 0,
        maximum: hasExtremes(now, frames) ? now.queueDepthMax : 0,
        capacity: this.#options.capacity,
      },
      interFrame: between,
      usualMs: Number.isFinite(this.#usualMs) ? this.#usualMs : 0,
      arrival: arrival(before, now),
      lateness: hasExtremes(now, frames)
        ? { average: (now.lateSum - before.lateSum) / frames, maximum: now.lateMax }
        : null,
      threadLateMs: hasExtremes(now, frames) ? now.lateMaxThread : 0,
      silentMs: Math.max(0, nowMs - heardMs),
      audioOnlyMs: Math.max(0, now.audioNotedMs - heardMs),
      threadSilentMs: Math.max(0, nowMs - (now.threadNotedMs || startedMs)),
      pacing: { sleeps, averageMs: sleeps > 0 ? sleepMs / sleeps : 0 },
      readersBefore: before.readers,
      readers: reader.readers,
      cutOff: reader.cutOff - before.cutOff,
      framesSent: reader.framesSent - before.framesSent,
      ingestLoad: busyPart(now.threadBusyMs - before.threadBusyMs, now.threadIdleMs - before.threadIdleMs),
      consumerLoad: this.#consumerLoad(snapshot, consumerLoads),
    };
  }

  /** Of those that have readers of the camera, or had them in the window: what another one does harms none of these. */
  #consumerLoad({ consumers }: CameraSnapshot, loads: readonly number[]): number {
    const { popped, readersOf } = this.#before;
    let most = 0;
    for (const [index, consumer] of consumers.entries()) {
      const hasReaders = consumer.readers > 0 || readersOf[index]! > 0 || delivered(consumer) !== popped[index];
      if (hasReaders) most = Math.max(most, loads[index] ?? 0);
    }
    return most;
  }

  /**
   * Readers in two consumers get the same frames, so those of the consumer that delivered most count; but a reader that leaves one and
   * comes back to another gets the frames that follow.
   */
  #popped({ consumers, publisher }: CameraSnapshot): number {
    let most = 0;
    let left = 0;
    let came = 0;
    const { popped, readersOf, frames: pushedBefore } = this.#before;
    for (let index = 0; index < popped.length; index++) {
      const hadReaders = readersOf[index]! > 0;
      const hasReaders = consumers[index]!.readers > 0;
      const frames = delivered(consumers[index]!) - popped[index]!;
      most = Math.max(most, frames);
      if (hadReaders && !hasReaders) left = Math.max(left, frames);
      else if (hasReaders && !hadReaders) came = Math.max(came, frames);
    }
    const pushed = publisher.frames - pushedBefore;
    const waited = hasExtremes(publisher, pushed) ? publisher.queueDepthMax : 0;
    // One may have come before the other left: then both got some of what was there.
    const readable = Math.min(publisher.frames - this.#totals.popFrames, pushed + waited);
    return Math.max(most, Math.min(left + came, readable));
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
    if (declared > 0 && declared <= highestFps) return declared;
    return this.#spsFps >= 1 && this.#spsFps <= highestFps ? this.#spsFps : 0;
  }
}

/**
 * What is kept of the counters from one window to the next. It moves in place: snapshots that are kept for a window outlive the
 * young heap, and a thousand streams a second fill the old one with them.
 */
class Mark {
  frames = 0;
  bytes = 0;
  keyframes = 0;
  lastArrivalMs = 0;
  lastDtsMs = 0;
  arrivalDeltaSquares = 0;
  lateSum = 0;
  queueDepthSum = 0;
  seiOnly = 0;
  nonH264 = 0;
  truncated = 0;
  discontinuities = 0;
  threadBusyMs = 0;
  threadIdleMs = 0;
  readers = 0;
  overflow = 0;
  pacingSleeps = 0;
  pacingSleepMs = 0;
  framesSent = 0;
  cutOff = 0;
  shed = 0;
  ingestShed = 0;
  unplayable = 0;
  /** Frames that each consumer has delivered, of the newest stream at their time. */
  readonly popped: number[] = [];
  /** Readers of each consumer. */
  readonly readersOf: number[] = [];

  move({ publisher, reader, consumers }: CameraSnapshot): void {
    this.frames = publisher.frames;
    this.bytes = publisher.bytes;
    this.keyframes = publisher.keyframes;
    this.lastArrivalMs = publisher.lastArrivalMs;
    this.lastDtsMs = publisher.lastDtsMs;
    this.arrivalDeltaSquares = publisher.arrivalDeltaSquares;
    this.lateSum = publisher.lateSum;
    this.queueDepthSum = publisher.queueDepthSum;
    this.seiOnly = publisher.seiOnly;
    this.nonH264 = publisher.nonH264;
    this.truncated = publisher.truncated;
    this.discontinuities = publisher.discontinuities;
    this.threadBusyMs = publisher.threadBusyMs;
    this.threadIdleMs = publisher.threadIdleMs;
    this.readers = reader.readers;
    this.overflow = reader.overflow;
    this.pacingSleeps = reader.pacingSleeps;
    this.pacingSleepMs = reader.pacingSleepMs;
    this.framesSent = reader.framesSent;
    this.cutOff = reader.cutOff;
    this.shed = reader.shed;
    this.ingestShed = publisher.shed;
    this.unplayable = unplayable(publisher);
    for (let index = 0; index < consumers.length; index++) {
      this.popped[index] = delivered(consumers[index]!);
      this.readersOf[index] = consumers[index]!.readers;
    }
  }
}

/** Part of the time that a thread was busy; 0 when nothing was measured. */
export function busyPart(busyMs: number, idleMs: number): number {
  const allMs = busyMs + idleMs;
  return busyMs > 0 && idleMs >= 0 ? busyMs / allMs : 0;
}

/** Frames that a consumer has delivered: those of streams that were followed by then are nobody's, see {@link withEarlier}. */
function delivered({ frames, earlier }: ReaderSnapshot): number {
  return frames - earlier;
}

/** Frames since the start that came before the first that could be decoded. */
function unplayable({ awaits, frames, leading }: PublisherSnapshot): number {
  return awaits === awaited.nothing ? leading : frames;
}

function zeros(publisher: PublisherSnapshot): PublisherSnapshot {
  return Object.fromEntries(Object.keys(publisher).map((name) => [name, 0])) as PublisherSnapshot;
}

/** The extremes are those of the window only if a frame came in it. */
function hasExtremes(now: PublisherSnapshot, frames: number): boolean {
  return frames > 0 && now.window === now.openWindow;
}

/** Distances between frames in the window; the first one counts from the last frame of the window before. */
function distances(before: Mark, now: PublisherSnapshot): number {
  const frames = now.frames - before.frames;
  const samples = before.frames === 0 ? frames - 1 : frames;
  return hasExtremes(now, frames) ? Math.max(0, samples) : 0;
}

function interFrame(before: Mark, now: PublisherSnapshot): Deltas | null {
  const samples = distances(before, now);
  if (samples === 0) return null;
  const fromMs = before.frames === 0 ? now.firstDtsMs : before.lastDtsMs;
  const average = (now.lastDtsMs - fromMs) / samples;
  return { average, minimum: now.dtsDeltaMin, maximum: now.dtsDeltaMax, samples };
}

function arrival(before: Mark, now: PublisherSnapshot): WindowFigures['arrival'] {
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
