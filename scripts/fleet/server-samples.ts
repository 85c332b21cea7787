/** How the server stands, minute by minute: memory, descriptors, how full rings are; and whether that drifts. */
import type { ProcessUsage } from '../../native-free-bench/system/process-usage.ts';
import { type Trend, trendOf } from '../soak/trend.ts';
import { tolerances } from '../soak/verdict.ts';

/** One look. What only the server itself knows is null where it did not answer, or is not ours. */
export interface ServerSample {
  /** Milliseconds since the start of the fleet. */
  readonly atMs: number;
  readonly live: number;
  readonly playing: number;
  /** Read back so far, and lost. */
  readonly frames: number;
  readonly lost: number;
  readonly residentBytes: number;
  readonly anonymousBytes: number;
  readonly descriptors: number;
  readonly threads: number;
  readonly cpuSeconds: number;
  readonly rings: RingFigures | null;
}

/** The rings of all cameras, as /metrics tells. */
export interface RingFigures {
  /** Frames that the slowest reader of any camera had to fetch at most, since its last block of statistics. */
  readonly deepestFrames: number;
  /** The same on average over the last seconds, summed over the cameras. */
  readonly waitingFrames: number;
  /** Frames that readers have lost so far because they were too far behind; slow readers are meant to. */
  readonly overflowFrames: number;
  readonly slowReadersCutOff: number;
}

/** Milliseconds from one to the next: a minute, and twelve of them at least in a short run. */
export function sampleEveryMs(lengthMs: number): number {
  return Math.min(60_000, Math.max(500, lengthMs / 12));
}

/** Looks of so long a run tell something about drift. */
const judgedMs = 10 * 60_000;
/** The first part of a run, in which pools and caches reach their size, is not judged. */
const warmUpShare = 1 / 6;

/** Trends of the server over a run; null where it was too short for one. */
export interface ServerTrends {
  readonly resident: Trend | null;
  readonly descriptors: Trend | null;
}

/** Of a run of this length; its last look may have come some time before its end. */
export function trendsOf(samples: readonly ServerSample[], lengthMs: number): ServerTrends {
  if (lengthMs < judgedMs) return { resident: null, descriptors: null };
  const judged = samples.filter(({ atMs }) => atMs >= lengthMs * warmUpShare);
  const readings = (value: (one: ServerSample) => number) =>
    judged.map((one) => ({ atMs: one.atMs, value: value(one) }));
  return {
    resident: trendOf(
      readings((one) => one.residentBytes),
      0.1,
    ),
    descriptors: trendOf(readings((one) => one.descriptors)),
  };
}

/** What has grown more than a run may let it, as text. */
export function driftOf({ resident, descriptors }: ServerTrends): string[] {
  const problems: string[] = [];
  const mb = (bytes: number): string => `${Math.round(bytes / 1e6)} MB`;
  if (resident !== null) {
    const allowed = Math.max(tolerances.residentBytes, tolerances.residentShare * resident.first);
    if (resident.last - resident.first > allowed)
      problems.push(`the server's memory grew from ${mb(resident.first)} to ${mb(resident.last)}`);
  }
  if (descriptors !== null && descriptors.last - descriptors.first > tolerances.descriptors)
    problems.push(`the server's descriptors grew from ${descriptors.first} to ${descriptors.last}`);
  return problems;
}

/** Reads the Prometheus text. */
export function parseRings(text: string): RingFigures {
  const values = (name: string): number[] =>
    [...text.matchAll(new RegExp(`^${name}(?:\\{[^}]*\\})? (\\S+)$`, 'gm'))].map((match) => Number(match[1]));
  const sum = (name: string): number => values(name).reduce((total, value) => total + value, 0);
  return {
    deepestFrames: Math.max(0, ...values('skyweir_stream_queue_depth_max_frames')),
    waitingFrames: sum('skyweir_stream_queue_depth_frames'),
    overflowFrames: sum('skyweir_stream_overflow_frames_total'),
    slowReadersCutOff: sum('skyweir_stream_slow_readers_total'),
  };
}

/** Asks the server; null where it does not answer. */
export async function readRings(port: number, user: string, password: string): Promise<RingFigures | null> {
  const headers = { Authorization: `Basic ${Buffer.from(`${user}:${password}`).toString('base64')}` };
  try {
    const url = `http://127.0.0.1:${port}/metrics`;
    const answer = await fetch(url, { headers, signal: AbortSignal.timeout(5000) });
    return answer.ok ? parseRings(await answer.text()) : null;
  } catch {
    return null;
  }
}

/** Puts a look together. */
export function sampleOf(
  atMs: number,
  totals: { readonly live: number; readonly playing: number; readonly frames: number; readonly lost: number },
  usage: ProcessUsage,
  rings: RingFigures | null,
): ServerSample {
  const { live, playing, frames, lost } = totals;
  const { residentBytes, anonymousBytes, descriptors, threads, cpuSeconds } = usage;
  return { atMs, live, playing, frames, lost, residentBytes, anonymousBytes, descriptors, threads, cpuSeconds, rings };
}
