import type { LiveColumns, OverviewAnswer } from './snapshot.ts';

/** What is remembered of a camera; every poll adds a value to each. */
export const seriesNames = ['fps', 'promised', 'kbps', 'queue', 'jitter', 'late', 'gop', 'dropped'] as const;

export type SeriesName = (typeof seriesNames)[number];

/** A camera's values over time; NaN where there were none. */
export interface CameraSeries {
  /** Seconds since 1970, ascending. */
  readonly times: readonly number[];
  readonly values: Readonly<Record<SeriesName, readonly number[]>>;
}

/** Polls that are remembered: five minutes of one a second, some 10 MB for a thousand cameras. */
const capacity = 300;
/** Seconds that the distance of keyframes is taken over: some of them, at any usual distance. */
const gopSeconds = 30;

/** Counters of a stream at one poll. */
interface Counters {
  readonly time: number;
  readonly starts: number;
  readonly frames: number;
  readonly bytes: number;
  readonly keyframes: number;
  readonly dropped: number;
}

interface Memory {
  readonly values: Float32Array;
  /** The poll that wrote last. */
  newest: number;
  before: Counters | null;
  /** The first of the counters that keyframes are counted from, and those that come next. */
  base: Counters | null;
  next: Counters | null;
}

/** The last minutes of all cameras, gathered from what the page polls. */
export class CameraHistory {
  readonly #times = new Float64Array(capacity).fill(Number.NaN);
  /** By index of the camera. */
  readonly #cameras = new Map<number, Memory>();
  #polls = 0;

  /** Forgets everything: the server is another one, or its cameras are. */
  clear(): void {
    this.#times.fill(Number.NaN);
    this.#cameras.clear();
    this.#polls = 0;
  }

  /** Forgets a camera: its index is that of another one now. */
  forget(index: number): void {
    this.#cameras.delete(index);
  }

  /** Adds a poll. `indexes` are those of all cameras. */
  add({ time, all, live }: Pick<OverviewAnswer, 'time' | 'all' | 'live'>, indexes: readonly number[]): void {
    // The server's clock was put back, and a chart goes one way only.
    if (time / 1000 <= this.#times[(this.#polls - 1) % capacity]!) this.clear();
    const poll = this.#polls++;
    this.#times[poll % capacity] = time / 1000;
    for (const [at, place] of live.camera.entries()) {
      const index = indexes[place];
      if (index === undefined) continue;
      const counters: Counters = {
        time: time / 1000,
        starts: all.starts[place] ?? 0,
        frames: live.frames[at]!,
        bytes: live.bytes[at]!,
        keyframes: live.keyframes[at]!,
        dropped: live.lost[at]! + live.refused[at]!,
      };
      this.#addCamera(this.#memory(index), poll, counters, live, at);
    }
  }

  /** The last minutes of the camera with this index. */
  series(index: number): CameraSeries {
    const count = Math.min(this.#polls, capacity);
    const memory = this.#cameras.get(index);
    const polls = Array.from({ length: count }, (_, i) => this.#polls - count + i);
    const read = (place: number) =>
      polls.map((poll) => {
        const isKept = memory !== undefined && poll <= memory.newest;
        return isKept ? memory.values[(poll % capacity) * seriesNames.length + place]! : Number.NaN;
      });
    const values = Object.fromEntries(seriesNames.map((name, place) => [name, read(place)]));
    return {
      times: polls.map((poll) => this.#times[poll % capacity]!),
      values: values as Record<SeriesName, number[]>,
    };
  }

  #memory(index: number): Memory {
    let memory = this.#cameras.get(index);
    if (memory === undefined) {
      const values = new Float32Array(capacity * seriesNames.length).fill(Number.NaN);
      memory = { values, newest: -1, before: null, base: null, next: null };
      this.#cameras.set(index, memory);
    }
    return memory;
  }

  #addCamera(memory: Memory, poll: number, now: Counters, live: LiveColumns, at: number): void {
    const { values } = memory;
    // Polls in which the camera was offline left the values of five minutes before.
    for (let missed = Math.max(memory.newest + 1, poll - capacity + 1); missed < poll; missed++) {
      const from = (missed % capacity) * seriesNames.length;
      values.fill(Number.NaN, from, from + seriesNames.length);
    }
    const isNew = memory.before === null || memory.before.starts !== now.starts || memory.before.frames > now.frames;
    if (isNew) memory.base = memory.next = now;
    const before = isNew ? null : memory.before;
    const seconds = before === null ? 0 : now.time - before.time;
    const rate = (name: 'frames' | 'bytes' | 'dropped') =>
      before === null || seconds <= 0 ? Number.NaN : (now[name] - before[name]) / seconds;
    const row: Readonly<Record<SeriesName, number>> = {
      fps: rate('frames'),
      promised: live.promised[at]! || Number.NaN,
      kbps: (rate('bytes') * 8) / 1000,
      queue: live.queue[at]!,
      jitter: live.jitter[at]!,
      late: live.late[at]!,
      gop: gopOf(memory, now),
      dropped: rate('dropped'),
    };
    const from = (poll % capacity) * seriesNames.length;
    for (const [place, name] of seriesNames.entries()) values[from + place] = row[name];
    memory.newest = poll;
    memory.before = now;
  }
}

/** Seconds from keyframe to keyframe, over the last half minute. */
function gopOf(memory: Memory, now: Counters): number {
  const { base, next } = memory;
  if (base === null || next === null) return Number.NaN;
  if (now.time - next.time >= gopSeconds / 2) {
    memory.base = next;
    memory.next = now;
  }
  const keyframes = now.keyframes - base.keyframes;
  return keyframes < 1 || now.time - base.time < minimumGopSeconds ? Number.NaN : (now.time - base.time) / keyframes;
}

/** Seconds below which the first and the last group of pictures would be most of what is measured. */
const minimumGopSeconds = 5;
