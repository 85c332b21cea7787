import type { StreamLook } from './rate-windows.ts';

/** Milliseconds of looks that the average is taken over. */
const averagedMs = 15_000;

/** A look at which new keyframes were there, and the look before it: the newest keyframe came between the two. */
interface Sighting {
  readonly before: StreamLook;
  readonly look: StreamLook;
}

/** Milliseconds from keyframe to keyframe: what is certain, and what is likely. */
export interface KeyframeDistance {
  readonly atLeastMs: number;
  readonly likelyMs: number;
}

/**
 * Finds out from counters that are looked at once in a while how far apart keyframes are. When exactly a keyframe came is
 * not known, so the distance has a certain part, and only that may be held against a stream.
 */
export class KeyframeDistances {
  #sightings: Sighting[] = [];
  #last: StreamLook | null = null;
  #distance: KeyframeDistance = { atLeastMs: 0, likelyMs: 0 };

  get distance(): KeyframeDistance {
    return this.#distance;
  }

  add(look: StreamLook): void {
    const before = this.#last ?? look;
    this.#last = look;
    if (look.keyframes > before.keyframes || this.#sightings.length === 0) this.#sightings.push({ before, look });
    const [first, second] = this.#sightings;
    if (second !== undefined && this.#sightings.length > 2 && look.atMs - first!.look.atMs > averagedMs)
      this.#sightings.shift();
    this.#distance = this.#measure(look);
  }

  #measure(now: StreamLook): KeyframeDistance {
    const first = this.#sightings[0]!;
    const last = this.#sightings.at(-1)!;
    const openMs = spanMs(last.look, now);
    const groups = last.look.keyframes - first.look.keyframes;
    if (groups <= 0) return { atLeastMs: openMs, likelyMs: openMs };
    return {
      atLeastMs: Math.max(openMs, spanMs(first.look, last.before) / groups),
      likelyMs: Math.max(openMs, spanMs(first.look, last.look) / groups),
    };
  }
}

/** The shorter of the time that passed and the time in the stream: neither a gap nor a jump of the clock is a long group. */
function spanMs(from: StreamLook, to: StreamLook): number {
  return Math.max(0, Math.min(to.atMs - from.atMs, to.dtsMs - from.dtsMs));
}
