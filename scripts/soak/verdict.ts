/** PASS or FAIL: what must be true after a soak. */
import type { Trend } from './trend.ts';

/** How far figures of the server may drift after the warm-up. */
export const tolerances = {
  /** From the first third to the last one, each at its tenth percentile. */
  residentBytes: 24 * 1024 * 1024,
  residentShare: 0.1,
  heapBytes: 8 * 1024 * 1024,
  heapShare: 0.25,
  /** From the first third's median to the last third's, with rough peers and visitors coming and going. */
  descriptors: 8,
  threads: 1,
  /** Beyond what was open before the first peer, when all of them have gone. */
  leftDescriptors: 4,
} as const;

/** What a run found; plain data. */
export interface Findings {
  readonly resident: Trend | null;
  readonly heap: Trend | null;
  readonly descriptors: Trend | null;
  readonly threads: Trend | null;
  /** Descriptors before the first peer and after the last; null when that was not waited for. */
  readonly left: { readonly before: number; readonly after: number } | null;
  readonly unexplained: Readonly<Record<string, number>>;
  readonly faultCount: number;
  readonly faults: readonly string[];
  readonly framesReceived: number;
}

export interface Verdict {
  readonly pass: boolean;
  readonly problems: readonly string[];
}

const mb = (bytes: number): string => `${(bytes / 2 ** 20).toFixed(1)} MiB`;

/** Judges. Trends that are null, of runs too short for one, are not judged. */
export function judge(findings: Findings): Verdict {
  const problems: string[] = [];
  const grown = (name: string, trend: Trend | null, absolute: number, share: number, show: (n: number) => string) => {
    if (trend === null) return;
    const allowed = Math.max(absolute, share * trend.first);
    if (trend.last - trend.first <= allowed) return;
    const [from, to, per] = [trend.first, trend.last, trend.perHour].map(show);
    problems.push(`${name} grew from ${from} to ${to} (${per} per hour; ${show(allowed)} in all are allowed)`);
  };
  const t = tolerances;
  grown('resident memory', findings.resident, t.residentBytes, t.residentShare, mb);
  grown("the main thread's heap", findings.heap, t.heapBytes, t.heapShare, mb);
  grown('descriptors', findings.descriptors, t.descriptors, 0, (n) => n.toFixed(0));
  grown('threads', findings.threads, t.threads, 0, (n) => n.toFixed(0));
  const { left } = findings;
  if (left !== null && left.after > left.before + t.leftDescriptors)
    problems.push(`${left.after - left.before} descriptors stayed open when everybody had gone`);
  for (const [what, count] of Object.entries(findings.unexplained)) if (count > 0) problems.push(`${what}: ${count}`);
  if (findings.framesReceived === 0) problems.push('not a single frame came');
  if (findings.faultCount > 0) problems.push(`${findings.faultCount} faults, such as: ${findings.faults[0]}`);
  return { pass: problems.length === 0, problems };
}
