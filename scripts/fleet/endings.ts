/** What the end of a fleet explains: a reader that is cut off with its stream, and what an early end kept a camera from. */
import { type PlannedEnding, plannedEndingsOf, type Schedule } from './schedule.ts';

/** Milliseconds in which a camera has come, or come back, and its reader has seen it. */
const settledMs = 6000;

/** When streams of each camera ended as planned, by the clock of `startMs` and `landedMs`: those of the plan, and the last ones. */
export function endingsOf(schedule: Schedule, count: number, startMs: number, landedMs: number): PlannedEnding[][] {
  const last: PlannedEnding = { fromMs: landedMs, toMs: Number.POSITIVE_INFINITY };
  return plannedEndingsOf(schedule, count).map((endings) => [
    ...endings.map(({ fromMs, toMs }) => ({ fromMs: startMs + fromMs, toMs: startMs + toMs })),
    last,
  ]);
}

/**
 * Cameras that had not settled yet at `atMs`, counted as the plan does: they had just been asked for something, their stream had
 * just been broken as planned, or frames of theirs were still held up by a bad link.
 */
export function unsettledAt({ actions, links }: Schedule, count: number, atMs: number): boolean[] {
  const isRecent = (whenMs: number): boolean => whenMs <= atMs && whenMs > atMs - settledMs;
  const unsettled = Array.from({ length: count }, (_, camera) => {
    const link = links[camera] ?? null;
    return link !== null && atMs < (link.phases.at(-1)?.atMs ?? 0) + settledMs;
  });
  for (const action of actions) if (isRecent(action.atMs)) unsettled[action.camera] = true;
  return unsettled;
}
