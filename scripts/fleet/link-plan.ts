/** The weather on a camera's radio link, planned before the start. */
import type { SeededRandom } from './seeded-random.ts';

/** How a link behaves from `atMs` on, until the next phase. */
export interface LinkPhase {
  readonly atMs: number;
  /** Milliseconds that every byte takes longer, in both directions. */
  readonly delayMs: number;
  /** Share of the camera's own bitrate that gets through; Infinity = no limit. */
  readonly rateShare: number;
  /** Nothing gets through, and nothing is lost: it waits. */
  readonly blackout: boolean;
}

/** The end of the connections that exist at `atMs`. */
export interface LinkBreak {
  readonly atMs: number;
  /** `cut`: both sides see a reset. `black-hole`: all bytes vanish and the server is told nothing, ever. */
  readonly kind: 'cut' | 'black-hole';
  /** Milliseconds after which the drone of a black-hole gives up and connects anew. */
  readonly giveUpMs: number;
}

/** Everything that one link does. */
export interface LinkPlan {
  readonly phases: readonly LinkPhase[];
  readonly breaks: readonly LinkBreak[];
}

/** A link on a good day. */
export const clearLink: LinkPhase = { atMs: 0, delayMs: 0, rateShare: Number.POSITIVE_INFINITY, blackout: false };

/** One camera of three has a connection broken, the first two always: one cut, one black-hole. */
const breakOdds = 1 / 3;
/** In a run of many minutes every camera has one more broken about every so many milliseconds. */
const breakEveryMs = 300_000;

/** Bad weather from `fromMs` to `calmMs`; afterwards the link is clear, only a little slow. */
export function planLink(random: SeededRandom, camera: number, fromMs: number, calmMs: number): LinkPlan {
  const phases: LinkPhase[] = [{ ...clearLink, delayMs: random.whole(5, 60) }];
  let atMs = fromMs;
  while (atMs < calmMs) {
    const delayMs = random.whole(10, 250);
    const fate = random.next();
    const lengthMs = random.whole(500, 2500);
    const blackout = fate < 0.15;
    const rateShare = !blackout && fate < 0.4 ? random.between(0.5, 1.5) : Number.POSITIVE_INFINITY;
    phases.push({ atMs, delayMs, rateShare, blackout });
    atMs += lengthMs;
  }
  phases.push({ ...clearLink, atMs: Math.max(calmMs, fromMs), delayMs: random.whole(5, 60) });
  const breaks: LinkBreak[] = [];
  if (calmMs > fromMs && (camera < 2 || random.chance(breakOdds))) {
    const kind = camera === 0 || (camera > 1 && random.chance(0.5)) ? 'cut' : 'black-hole';
    const giveUpMs = random.whole(1000, 2500);
    // Whoever gives up has the calm for coming back.
    breaks.push({ atMs: random.whole(fromMs, Math.max(fromMs, calmMs - giveUpMs)), kind, giveUpMs });
  }
  for (
    let lateMs = fromMs + breakEveryMs;
    lateMs < calmMs - 10_000;
    lateMs += breakEveryMs * random.between(0.7, 1.3)
  ) {
    const kind = random.chance(0.5) ? 'cut' : 'black-hole';
    breaks.push({ atMs: Math.round(lateMs), kind, giveUpMs: random.whole(1000, 2500) });
  }
  breaks.sort((a, b) => a.atMs - b.atMs);
  return { phases, breaks };
}

/** The phase of `plan` at `nowMs`. */
export function phaseAt(plan: LinkPlan, nowMs: number): LinkPhase {
  return plan.phases.findLast((phase) => phase.atMs <= nowMs) ?? clearLink;
}
