import type { Camera } from '../control/messages.ts';
import {
  type PublisherWordName,
  publisherWord,
  type ReaderSnapshot,
  readerWord,
  type StreamCounters,
} from '../shm/stream-counters.ts';
import type { CounterWindows } from '../stats/counter-windows.ts';

/** Publisher words that are summed over all streams of a camera. */
type SummedWordName =
  | 'frames'
  | 'bytes'
  | 'keyframes'
  | 'lateSum'
  | 'seiOnly'
  | 'nonH264'
  | 'truncated'
  | 'discontinuities'
  | 'tolerated'
  | 'shed';

type Totals = Record<SummedWordName, number>;

/** Milliseconds that a rate is taken over at least; a shorter time would hold part of a group of pictures. */
const windowMs = 5000;

/** What the newest seconds of a live stream were like. */
export interface StreamRates {
  /** Frames a second. */
  readonly fps: number;
  readonly bitsPerSecond: number;
  /** Standard deviation of the time between two arrivals. */
  readonly jitterMs: number;
  /** How much later than their time stamps frames arrived, on average. */
  readonly latenessMs: number;
  /** Frames that the slowest reader had still to fetch, on average. */
  readonly queueDepth: number;
}

/** What the counters say about one camera. */
export interface StreamFigures {
  readonly camera: Camera;
  readonly live: boolean;
  /** Over all streams since the camera is there. */
  readonly total: Readonly<Totals>;
  /** Streams since then. */
  readonly starts: number;
  /** Over all consumers, since then; `readers` is now. A frame that readers in two consumers got is in it twice. */
  readonly reader: Readonly<ReaderSnapshot>;
  /** Of the stream that runs; null without one. */
  readonly stream: RunningStream | null;
}

/** What the counters say about the stream that a camera has now. */
export interface RunningStream {
  readonly uptimeMs: number;
  /** Wall-clock milliseconds since 1970. */
  readonly startedWallMs: number;
  /** Since the newest frame; since the start where there was none. */
  readonly silentMs: number;
  readonly frames: number;
  /** Luma samples, 0 while unknown; profile_idc and level_idc of H.264. */
  readonly width: number;
  readonly height: number;
  readonly profile: number;
  readonly level: number;
  /** Of the statistics' window that runs: longest time between two arrivals, largest lateness, deepest queue. */
  readonly longestGapMs: number;
  readonly largestLatenessMs: number;
  readonly deepestQueue: number;
  readonly rates: StreamRates;
}

interface Sample {
  readonly startedMs: number;
  readonly atMs: number;
  readonly frames: number;
  readonly bytes: number;
  readonly squares: number;
  readonly lateSum: number;
  readonly queueSum: number;
  readonly lastArrivalMs: number;
}

interface Entry {
  readonly publisher: Float64Array;
  readonly readers: readonly Float64Array[];
  /** Sums over the streams before the one whose counters are in the shared words. */
  before: Totals;
  /** Start of the newest stream that `before` holds. */
  beforeStartedMs: number;
  /** Of the readers of a camera that had the place before; null without one. */
  readersBefore: ReaderSnapshot | null;
  starts: number;
  base: Sample | null;
  next: Sample | null;
}

/**
 * The shared counters of all cameras, as monitoring wants them: sums that only grow, although a new stream begins at zero, and
 * rates over the last seconds. Costs something when a stream starts and when somebody asks, and nothing else.
 */
export class StreamTable {
  readonly #counters: StreamCounters;
  readonly #windows: CounterWindows | null;
  readonly #entries = new Map<number, Entry>();

  /** `windows` has what the shared words have forgotten of the window that runs. */
  constructor(counters: StreamCounters, windows: CounterWindows | null = null) {
    this.#counters = counters;
    this.#windows = windows;
  }

  /** A camera has a new publisher, which has not yet touched the counters. */
  started(camera: number): void {
    const entry = this.#entry(camera);
    const { publisher } = entry;
    const startedMs = publisher[publisherWord.startedMs]!;
    entry.starts++;
    if (startedMs === 0 || startedMs === entry.beforeStartedMs) return;
    entry.before = withStream(entry.before, publisher);
    entry.beforeStartedMs = startedMs;
  }

  /** Another camera has the place from now on: nothing is counted of it yet. The publisher of the one before is gone. */
  replaced(camera: number): void {
    const entry = this.#entry(camera);
    entry.before = noTotals;
    entry.beforeStartedMs = entry.publisher[publisherWord.startedMs]!;
    entry.readersBefore = sumOf(entry.readers);
    entry.starts = 0;
    entry.base = null;
    entry.next = null;
  }

  /** A camera at this moment. `live`: it has a publisher. */
  read(camera: Camera, live: boolean, nowMs: number): StreamFigures {
    const entry = this.#entry(camera.index);
    const { publisher, before } = entry;
    const startedMs = publisher[publisherWord.startedMs]!;
    // Until the new publisher has reset them, they are those of the one before.
    const current = startedMs !== 0 && startedMs !== entry.beforeStartedMs;
    const total = current ? withStream(before, publisher) : before;
    const sum = sumOf(entry.readers);
    const reader = entry.readersBefore === null ? sum : since(entry.readersBefore, sum);
    const stream = live && current ? this.#running(camera.index, entry, nowMs) : null;
    return { camera, live, total, starts: entry.starts, reader, stream };
  }

  #running(camera: number, entry: Entry, nowMs: number): RunningStream {
    const { publisher } = entry;
    const kept = this.#windows?.kept(camera, 'block');
    const of = (name: PublisherWordName): number => publisher[publisherWord[name]]!;
    const frames = of('frames');
    const startedMs = of('startedMs');
    return {
      uptimeMs: nowMs - startedMs,
      startedWallMs: of('startedWallMs'),
      silentMs: Math.max(0, nowMs - (frames === 0 ? startedMs : of('lastArrivalMs'))),
      frames,
      width: of('width'),
      height: of('height'),
      profile: of('profile'),
      level: of('level'),
      longestGapMs: Math.max(0, of('arrivalDeltaMax'), kept?.arrivalDeltaMax ?? 0),
      largestLatenessMs: Math.max(of('lateMax'), kept?.lateMax ?? 0),
      deepestQueue: Math.max(of('queueDepthMax'), kept?.queueDepthMax ?? 0),
      rates: this.#rates(entry, nowMs),
    };
  }

  #rates(entry: Entry, nowMs: number): StreamRates {
    const { publisher } = entry;
    const of = (name: PublisherWordName): number => publisher[publisherWord[name]]!;
    const now: Sample = {
      startedMs: of('startedMs'),
      atMs: nowMs,
      frames: of('frames'),
      bytes: of('bytes'),
      squares: of('arrivalDeltaSquares'),
      lateSum: of('lateSum'),
      queueSum: of('queueDepthSum'),
      lastArrivalMs: of('lastArrivalMs'),
    };
    if (now.frames === 0) return noRates;
    if (entry.base === null || entry.next === null || entry.base.startedMs !== now.startedMs) {
      const firstMs = of('firstArrivalMs');
      const nothing = { frames: 0, bytes: 0, squares: 0, lateSum: 0, queueSum: 0 };
      entry.base = { startedMs: now.startedMs, atMs: firstMs, lastArrivalMs: firstMs, ...nothing };
      entry.next = entry.base;
    }
    if (nowMs - entry.next.atMs >= windowMs) {
      entry.base = entry.next;
      entry.next = now;
    }
    const { base } = entry;
    const frames = now.frames - base.frames;
    const seconds = (nowMs - base.atMs) / 1000;
    if (seconds < 1 || frames < 2) return noRates;
    // The first frame of a stream has no distance to one before.
    const gaps = base.frames === 0 ? frames - 1 : frames;
    const meanMs = (now.lastArrivalMs - base.lastArrivalMs) / gaps;
    return {
      fps: frames / seconds,
      bitsPerSecond: ((now.bytes - base.bytes) * 8) / seconds,
      jitterMs: Math.sqrt(Math.max(0, (now.squares - base.squares) / gaps - meanMs * meanMs)),
      latenessMs: (now.lateSum - base.lateSum) / frames,
      queueDepth: (now.queueSum - base.queueSum) / frames,
    };
  }

  #entry(camera: number): Entry {
    let entry = this.#entries.get(camera);
    if (entry === undefined) {
      entry = {
        publisher: this.#counters.publisher(camera).words,
        readers: Array.from({ length: this.#counters.consumers }, (_, i) => this.#counters.reader(camera, i).words),
        before: noTotals,
        beforeStartedMs: 0,
        readersBefore: null,
        starts: 0,
        base: null,
        next: null,
      };
      this.#entries.set(camera, entry);
    }
    return entry;
  }
}

/** Sums with the words of one more stream. Written out, like {@link sumOf}: a loop over the names takes several times as long. */
function withStream(before: Totals, publisher: Float64Array): Totals {
  return {
    frames: before.frames + publisher[publisherWord.frames]!,
    bytes: before.bytes + publisher[publisherWord.bytes]!,
    keyframes: before.keyframes + publisher[publisherWord.keyframes]!,
    lateSum: before.lateSum + publisher[publisherWord.lateSum]!,
    seiOnly: before.seiOnly + publisher[publisherWord.seiOnly]!,
    nonH264: before.nonH264 + publisher[publisherWord.nonH264]!,
    truncated: before.truncated + publisher[publisherWord.truncated]!,
    discontinuities: before.discontinuities + publisher[publisherWord.discontinuities]!,
    tolerated: before.tolerated + publisher[publisherWord.tolerated]!,
    shed: before.shed + publisher[publisherWord.shed]!,
  };
}

/** The words of a camera's readers, summed over the consumers. */
function sumOf(readers: readonly Float64Array[]): ReaderSnapshot {
  const sum = {
    frames: 0,
    bytes: 0,
    readers: 0,
    overflow: 0,
    pacingSleeps: 0,
    pacingSleepMs: 0,
    framesSent: 0,
    cutOff: 0,
    shed: 0,
    earlier: 0,
  };
  for (const words of readers) {
    sum.frames += words[readerWord.frames]!;
    sum.bytes += words[readerWord.bytes]!;
    sum.readers += words[readerWord.readers]!;
    sum.overflow += words[readerWord.overflow]!;
    sum.pacingSleeps += words[readerWord.pacingSleeps]!;
    sum.pacingSleepMs += words[readerWord.pacingSleepMs]!;
    sum.framesSent += words[readerWord.framesSent]!;
    sum.cutOff += words[readerWord.cutOff]!;
    sum.shed += words[readerWord.shed]!;
    sum.earlier += words[readerWord.earlier]!;
  }
  return sum;
}

/** What has been added to the words of readers; how many there are is as it is now. */
function since(before: ReaderSnapshot, now: ReaderSnapshot): ReaderSnapshot {
  const names = Object.keys(now) as (keyof ReaderSnapshot)[];
  const added = Object.fromEntries(names.map((name) => [name, now[name] - before[name]]));
  return { ...(added as ReaderSnapshot), readers: now.readers };
}

const noTotals: Totals = {
  frames: 0,
  bytes: 0,
  keyframes: 0,
  lateSum: 0,
  seiOnly: 0,
  nonH264: 0,
  truncated: 0,
  discontinuities: 0,
  tolerated: 0,
  shed: 0,
};
const noRates: StreamRates = { fps: 0, bitsPerSecond: 0, jitterMs: 0, latenessMs: 0, queueDepth: 0 };
