/** Parts that put one target under load for one window, and their rows: medians over the rounds of equal labels. */
import { type FullMeasurement, type LoadPlan, measure } from '../system/measurement.ts';
import type { Mode } from '../system/options.ts';
import { median } from '../system/report.ts';
import type { StreamShape } from '../system/synthetic-stream.ts';
import type { Target } from '../system/target.ts';
import { NginxTarget } from '../system/target-nginx.ts';
import { NodeMediaServerTarget } from '../system/target-nms.ts';
import { SeveralTargets } from '../system/target-several.ts';
import { mostCameras, SkyweirTarget } from '../system/target-skyweir.ts';
import type { Part, PartRecord } from './experiment.ts';
import { type ServerFigures, serverFigures } from './server-metrics.ts';

/** What a row is about: name and value of each variable. */
export type Labels = Readonly<Record<string, string | number>>;

/** Servers of the comparison; each as it is run, nginx with one worker because several do not share streams for nothing. */
export type TargetName = 'skyweir' | 'nginx' | 'nms';

/** One window that is wanted. */
export interface LoadCase {
  readonly labels: Labels;
  readonly round: number;
  readonly target: TargetName;
  /** Further arguments of Skyweir. */
  readonly flags?: readonly string[];
  readonly mode: Mode;
  readonly load: Partial<LoadPlan> & Pick<LoadPlan, 'publishers' | 'readers' | 'seconds' | 'shape'>;
}

/** What a load part leaves in the file. */
export interface LoadFigures {
  readonly labels: Labels;
  readonly round: number;
  readonly measurement: FullMeasurement;
}

/** Seconds of load before a window; a GOP at least. */
const warmupSeconds = 4;
const connecting = 64;
/** nginx sends with its default chunk size, which is what people run. */
const nginxChunkSize = 4096;

/** A 1080p camera of `mbit` Mbit/s: 30 frames a second, a keyframe every 2 s, chunks as OBS sends them. */
export function cameraShape(mbit: number): StreamShape {
  return { bitsPerSecond: mbit * 1e6, framesPerSecond: 30, gop: 60, chunkSize: 4096 };
}

/** The part that measures a case. */
export function loadPart(one: LoadCase): Part {
  const { labels, round, mode, flags = [] } = one;
  const words = Object.entries(labels).map(([name, value]) => `${name} ${value}`);
  return {
    name: `${words.join(', ')}, round ${round}`,
    options: { target: one.target, mode, flags, load: { ...one.load, shapes: shapeCounts(one.load.shapes) } },
    async run({ say }) {
      const target = targetOf(one.target, flags, one.load.publishers);
      const plan = { ...usualPlan, ...one.load, observe: serverFigures };
      const measurement = await measure(target, mode, plan, say);
      say(lineOf(measurement));
      return { figures: { labels, round, measurement } satisfies LoadFigures, validity: measurement.validity };
    },
  };
}

/** How many publishers send which bits per second, in place of a list of all of them. */
function shapeCounts(shapes: readonly StreamShape[] | undefined): Record<string, number> | undefined {
  if (shapes === undefined) return undefined;
  const counts: Record<string, number> = {};
  for (const { bitsPerSecond } of shapes) counts[bitsPerSecond] = (counts[bitsPerSecond] ?? 0) + 1;
  return counts;
}

const usualPlan = {
  warmupSeconds,
  connecting,
  plainWrites: false,
  authentication: false,
  profile: '',
  pinTarget: '',
  pinLoad: '',
};

/** A target by its name; one that takes several servers for so many streams is several. */
export function targetOf(name: TargetName, flags: readonly string[], streams: number): Target {
  if (name === 'nginx') return new NginxTarget('nginx', '1', nginxChunkSize);
  if (name === 'nms') return new NodeMediaServerTarget();
  const skyweir = new SkyweirTarget(flags);
  return streams > mostCameras ? new SeveralTargets(skyweir, mostCameras) : skyweir;
}

function lineOf(one: FullMeasurement): string {
  const latency =
    one.latency === null
      ? ''
      : `, p50 ${one.latency.p50Ms.toFixed(1)} p99 ${one.latency.p99Ms.toFixed(1)} ms, lost ${one.lost}`;
  const doubts = one.invalid.length === 0 ? '' : ` (not valid: ${one.invalid.join('; ')})`;
  return `${one.target}: ${one.cpuPerGigabit.toFixed(4)} CPU s/Gbit, ${one.cores.toFixed(2)} cores, ${(one.residentBytes / 1e6).toFixed(0)} MB${latency}${doubts}`;
}

/** The middle of all rounds of equal labels. */
export interface LoadRow {
  readonly labels: Labels;
  readonly rounds: number;
  readonly costRounds: number;
  readonly latencyRounds: number;
  readonly cpuPerGigabit: number;
  readonly cores: number;
  readonly residentBytes: number;
  readonly gigabitsPerSecond: number;
  readonly machineCores: number;
  /** Milliseconds; null without readers. */
  readonly latency: {
    readonly p50: number;
    readonly p90: number;
    readonly p99: number;
    readonly p999: number;
    readonly max: number;
  } | null;
  readonly firstFrame: { readonly p50: number; readonly p99: number } | null;
  readonly lost: number;
  readonly framesSent: number;
  readonly framesReceived: number;
  readonly all: readonly FullMeasurement[];
}

/** Rows in the order in which their labels first came. Medians are of valid rounds, or of all where none is valid. */
export function rowsOf(records: readonly PartRecord[]): LoadRow[] {
  const groups = new Map<string, LoadFigures[]>();
  for (const record of records) {
    const figures = record.figures as LoadFigures;
    const key = JSON.stringify(figures.labels);
    groups.set(key, [...(groups.get(key) ?? []), figures]);
  }
  return [...groups.values()].map(rowOf);
}

function rowOf(group: readonly LoadFigures[]): LoadRow {
  const all = group.map(({ measurement }) => measurement);
  const forCost = all.filter(({ validity }) => validity.cost.length === 0);
  const forLatency = all.filter(({ invalid }) => invalid.length === 0);
  const cost = forCost.length > 0 ? forCost : all;
  const late = (forLatency.length > 0 ? forLatency : all).filter(({ latency }) => latency !== null);
  const middle = (pick: (one: FullMeasurement) => number): number => median(cost.map(pick));
  const lateMiddle = (pick: (one: NonNullable<FullMeasurement['latency']>) => number): number =>
    median(late.map(({ latency }) => pick(latency!)));
  const firsts = all.map(({ firstFrame }) => firstFrame).filter((one) => one !== null && one.count > 0);
  const sum = (pick: (one: FullMeasurement) => number): number => cost.reduce((total, one) => total + pick(one), 0);
  return {
    labels: group[0]!.labels,
    rounds: all.length,
    costRounds: forCost.length,
    latencyRounds: forLatency.length,
    cpuPerGigabit: middle((one) => one.cpuPerGigabit),
    cores: middle((one) => one.cores),
    residentBytes: middle((one) => one.residentBytes),
    gigabitsPerSecond: middle((one) => one.bitsPerSecond) / 1e9,
    machineCores: middle((one) => one.machineCores),
    latency:
      late.length === 0
        ? null
        : {
            p50: lateMiddle((one) => one.p50Ms),
            p90: lateMiddle((one) => one.p90Ms),
            p99: lateMiddle((one) => one.p99Ms),
            p999: lateMiddle((one) => one.p999Ms),
            max: lateMiddle((one) => one.maximumMs),
          },
    firstFrame:
      firsts.length === 0
        ? null
        : { p50: median(firsts.map((one) => one!.p50Ms)), p99: median(firsts.map((one) => one!.p99Ms)) },
    lost: sum((one) => one.lost),
    framesSent: sum((one) => one.framesSent),
    framesReceived: sum((one) => one.framesReceived),
    all: cost,
  };
}

/** `2/3`, with a star where the latency of no round is to be trusted. */
export function validText({ rounds, costRounds, latencyRounds, latency }: LoadRow): string {
  return `${costRounds} of ${rounds}${latency !== null && latencyRounds === 0 ? '*' : ''}`;
}

/** What the server said at the end of the row's last round; null if it did not. */
export function observedOf(row: LoadRow): ServerFigures | null {
  return (row.all.at(-1)?.observed ?? null) as ServerFigures | null;
}
