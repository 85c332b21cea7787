/** Rates of one camera from its counters, which only ever count up: samples over a few seconds, and a history of frames. */
import type { CameraSnapshot } from '../../src/stats/camera-snapshot.ts';

/** Milliseconds over which rates are taken. */
const windowMs = 3000;

/** Milliseconds without a frame after which a live camera counts as silent. */
const silentMs = 1500;

/** Seconds of history. */
export const historySeconds = 30;

/** A camera's counters at one moment, as far as the table needs them. Times are monotonic milliseconds. */
export interface CameraSample {
  readonly atMs: number;
  readonly generation: number;
  readonly frames: number;
  readonly bytes: number;
  readonly keyframes: number;
  readonly queueDepthSum: number;
  readonly discontinuities: number;
  readonly lastArrivalMs: number;
  readonly width: number;
  readonly height: number;
  readonly readers: number;
  /** Frames sent, summed over the readers. */
  readonly sent: number;
  /** Frames that readers lost. */
  readonly dropped: number;
}

/** What the table needs of the server's counters. */
export function sampleOf(atMs: number, { publisher, reader }: CameraSnapshot): CameraSample {
  const { generation, frames, bytes, keyframes, queueDepthSum, discontinuities, lastArrivalMs, width, height } =
    publisher;
  return {
    atMs,
    generation,
    frames,
    bytes,
    keyframes,
    queueDepthSum,
    discontinuities,
    lastArrivalMs,
    width,
    height,
    readers: reader.readers,
    sent: reader.framesSent,
    dropped: reader.overflow,
  };
}

/** Keyframes and frames at the moment when a keyframe was first seen. */
interface GopMark {
  readonly keyframes: number;
  readonly frames: number;
}

const gopMarks = 12;

/** Takes samples in the order of time. */
export class CameraMeter {
  #samples: CameraSample[] = [];
  #marks: GopMark[] = [];
  #secondStartMs = Number.NaN;
  #secondFrames = 0;
  /** Frames in each of the last seconds, the newest last. */
  readonly history: number[] = [];

  /** A new stream of the camera starts the rates anew. */
  add(sample: CameraSample): void {
    const previous = this.#samples.at(-1);
    const fresh = previous?.generation !== sample.generation;
    const before = fresh ? 0 : previous.frames;
    this.#count(sample.atMs, sample.frames - before);
    if (fresh) {
      this.#samples = [];
      this.#marks = [];
    }
    this.#samples.push(sample);
    while (this.#samples.length > 2 && sample.atMs - this.#samples[1]!.atMs >= windowMs) this.#samples.shift();
    const { keyframes, frames } = sample;
    if (keyframes > (this.#marks.at(-1)?.keyframes ?? 0)) {
      // A stream begins with a keyframe. The others came at some time since the sample before: the middle is the best guess.
      this.#marks.push({ keyframes, frames: fresh && keyframes === 1 ? 1 : (before + 1 + frames) / 2 });
      if (this.#marks.length > gopMarks) this.#marks.shift();
    }
  }

  /** The newest sample, null before the first. */
  get newest(): CameraSample | null {
    return this.#samples.at(-1) ?? null;
  }

  /** Whether the newest sample lies long after the newest frame. */
  get silent(): boolean {
    const newest = this.newest;
    return newest !== null && newest.atMs - newest.lastArrivalMs > silentMs;
  }

  /** Frames per second received; NaN while there is too little to tell. */
  get framesPerSecond(): number {
    return this.#rate('frames');
  }

  /** Bits per second received. */
  get bitsPerSecond(): number {
    return 8 * this.#rate('bytes');
  }

  /** Frames per second sent, summed over the readers. */
  get sentPerSecond(): number {
    return this.#rate('sent');
  }

  /** Frames from keyframe to keyframe on average; NaN before the second keyframe. */
  get gop(): number {
    const [first, last] = [this.#marks[0], this.#marks.at(-1)];
    if (first === undefined || last === undefined || first === last) return Number.NaN;
    return (last.frames - first.frames) / (last.keyframes - first.keyframes);
  }

  /** Frames that waited for the slowest reader, on average; a frame that is read at once counts 1. NaN without frames. */
  get queueDepth(): number {
    const { first, last } = this.#ends();
    return (last.queueDepthSum - first.queueDepthSum) / (last.frames - first.frames);
  }

  /** The oldest and newest sample of the window; the same one, so that every quotient is NaN, while there are not two. */
  #ends(): { first: CameraSample; last: CameraSample } {
    return { first: this.#samples[0] ?? nothing, last: this.#samples.at(-1) ?? nothing };
  }

  /** From frame to frame while frames come, so that the moments of sampling do not show; else over the whole time. */
  #rate(counter: 'frames' | 'bytes' | 'sent'): number {
    const { first, last } = this.#ends();
    const elapsed = last.atMs - first.atMs;
    const arrivals = last.lastArrivalMs - first.lastArrivalMs;
    const steady = arrivals > 0 && Math.abs(elapsed - arrivals) < windowMs / 4;
    return (1000 * (last[counter] - first[counter])) / (steady ? arrivals : elapsed);
  }

  #count(nowMs: number, frames: number): void {
    if (Number.isNaN(this.#secondStartMs)) this.#secondStartMs = nowMs;
    while (nowMs - this.#secondStartMs >= 1000) {
      this.history.push(this.#secondFrames);
      if (this.history.length > historySeconds) this.history.shift();
      this.#secondFrames = 0;
      this.#secondStartMs += 1000;
    }
    this.#secondFrames += frames;
  }
}

const nothing: CameraSample = {
  atMs: 0,
  generation: 0,
  frames: 0,
  bytes: 0,
  keyframes: 0,
  queueDepthSum: 0,
  discontinuities: 0,
  lastArrivalMs: 0,
  width: 0,
  height: 0,
  readers: 0,
  sent: 0,
  dropped: 0,
};
