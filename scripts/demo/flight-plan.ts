/** When a simulated drone sends which frame of the clip: pure, so that every odd manner can be tested without a clock. */
import { type FlvClip, type FlvTag, isKeyframe } from '../flv-file.ts';

/** How a drone flies. All times in milliseconds; zero switches a habit off. */
export interface Manner {
  /** At most nine characters, so that it fits into a terminal of 80 columns. */
  readonly name: string;
  readonly text: string;
  /** Speed of the replay: 0.5 is half the frame rate. */
  readonly rate: number;
  /** Longest delay of a frame on the way. */
  readonly jitterMs: number;
  /** Now and then everything stands still for this long and then arrives at once. */
  readonly stallMs: number;
  /** In each period of `pauseEveryMs` the last `pauseMs` bring no video, and then the clock starts anew. */
  readonly pauseEveryMs: number;
  readonly pauseMs: number;
  /** It disconnects after so long and is back `awayMs` later. */
  readonly flightMs: number;
  readonly awayMs: number;
}

const steady: Manner = {
  name: 'steady',
  text: 'steady',
  rate: 1,
  jitterMs: 0,
  stallMs: 0,
  pauseEveryMs: 0,
  pauseMs: 0,
  flightMs: 0,
  awayMs: 0,
};

/** The first drones' manners; all others are steady. */
const manners: readonly Manner[] = [
  steady,
  { ...steady, name: 'reconnect', text: 'reconnects every 20 s', flightMs: 17_000, awayMs: 3000 },
  { ...steady, name: 'half rate', text: 'sends 12.5 fps, not 25', rate: 0.5 },
  { ...steady, name: 'jittery', text: 'a bad link: frames come late and in bursts', jitterMs: 150, stallMs: 700 },
  { ...steady, name: 'pauses', text: 'stops for 4 s, resumes with a new clock', pauseEveryMs: 20_000, pauseMs: 4000 },
];

/** The manner of drone `index`, counted from 0. */
export function mannerOf(index: number): Manner {
  return manners[index] ?? steady;
}

/** Part of the frames that a stall begins with: about one in four seconds of video. */
const stallShare = 0.01;

/** A frame with its place in the flight. */
export interface PlannedFrame {
  readonly tag: FlvTag;
  /** RTMP timestamp, 32 bits unsigned. */
  readonly timestampMs: number;
  /** Milliseconds after the flight began at which it is sent. Never goes back. */
  readonly dueMs: number;
}

/** The frames of one connection in their order: the clip again and again, with timestamps that go on over its end. */
export class FlightPlan {
  readonly #clip: FlvClip;
  readonly #manner: Manner;
  readonly #random: () => number;
  readonly #originMs: number;
  #next: number;
  #dueMs = 0;
  #paused = false;
  #clockStartMs = 0;

  /** `firstFrame`: place in the clip, of a keyframe. `random`: 0 to 1, decides the jitter. */
  constructor(clip: FlvClip, manner: Manner, firstFrame: number, random: () => number) {
    this.#clip = clip;
    this.#manner = manner;
    this.#random = random;
    this.#next = firstFrame;
    this.#originMs = clip.frames[firstFrame]!.timestampMs;
  }

  /** The next frame, or null when the flight is over. */
  next(): PlannedFrame | null {
    const { frames, durationMs } = this.#clip;
    for (;;) {
      const tag = frames[this.#next % frames.length]!;
      const clipMs = Math.floor(this.#next / frames.length) * durationMs + tag.timestampMs - this.#originMs;
      const atMs = clipMs / this.#manner.rate;
      if (this.#manner.flightMs > 0 && atMs >= this.#manner.flightMs) return null;
      this.#next++;
      if (!this.#sends(tag, atMs)) continue;
      this.#dueMs = Math.max(this.#dueMs, atMs + this.#delayMs());
      return { tag, timestampMs: Math.round(atMs - this.#clockStartMs) >>> 0, dueMs: this.#dueMs };
    }
  }

  /** False in a pause, and after it until a keyframe comes that a decoder can start from. */
  #sends(tag: FlvTag, atMs: number): boolean {
    const { pauseEveryMs, pauseMs } = this.#manner;
    if (pauseEveryMs === 0) return true;
    if (atMs % pauseEveryMs >= pauseEveryMs - pauseMs) this.#paused = true;
    else if (this.#paused && isKeyframe(tag)) {
      this.#paused = false;
      this.#clockStartMs = atMs;
    }
    return !this.#paused;
  }

  #delayMs(): number {
    const { jitterMs, stallMs } = this.#manner;
    if (jitterMs === 0) return 0;
    const chance = this.#random();
    return chance < stallShare ? stallMs : chance * jitterMs;
  }
}

/** Places of the keyframes of a clip. */
export function keyframePlaces(clip: FlvClip): number[] {
  return clip.frames.flatMap((tag, place) => (isKeyframe(tag) ? [place] : []));
}
