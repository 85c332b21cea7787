/** The report of a run: plain data for --json. It holds no password and no key. */
import { type HistogramData, type LatencySummary, summaryOf } from '../../native-free-bench/system/histogram.ts';
import { accountOf, type FrameAccount } from './account.ts';
import type { FleetOptions } from './options.ts';
import { type Fate, fateOf } from './schedule.ts';
import type { ServerSample, ServerTrends } from './server-samples.ts';
import type { SlowReaderFigures } from './slow-readers.ts';
import { shownPattern, type UrlPattern } from './url-pattern.ts';
import type { CameraResult, Problem, Verdict } from './verdict.ts';

/** What the machine and the server spent, over the time after the ramp. */
export interface Cost {
  readonly seconds: number;
  /** Cores that everything on this machine used, and how many there are. */
  readonly machineCores: number;
  readonly cores: number;
  /** Of the server that was started here; null for another one. */
  readonly server: { readonly cores: number; readonly residentBytes: number } | null;
  /** Cores of the threads that read and that send synthetic frames. */
  readonly readerCores: number;
  readonly senderCores: number;
}

export interface FleetReport {
  readonly format: 'skyweir-fleet-1';
  readonly startedAt: string;
  readonly target: string;
  readonly read: string | null;
  readonly publishers: 'ffmpeg copy' | 'ffmpeg encode' | 'synthetic';
  readonly scenario: string;
  readonly seed: number;
  readonly count: number;
  readonly ramp: number;
  readonly seconds: number;
  readonly interrupted: boolean;
  /** Why the fleet itself could not fly on, which says nothing of the server; null if it could. */
  readonly grounded: string | null;
  readonly verdict: { readonly pass: boolean; readonly line: string; readonly problems: readonly Problem[] };
  readonly totals: Totals;
  readonly cost: Cost | null;
  /** Due time of a frame to the arrival of its last byte, after the ramp, at prompt readers; synthetic cameras only. */
  readonly latency: LatencySummary | null;
  /** How late the sending thread was itself; synthetic cameras only. */
  readonly senderLateness: LatencySummary | null;
  /** Our own server, minute by minute, and where that leads; the latter of runs of ten minutes and more. */
  readonly samples: readonly ServerSample[];
  readonly trends: ServerTrends;
  readonly slowReaders: SlowReaderFigures | null;
  readonly cameras: readonly ReportedCamera[];
}

/** A camera with what becomes of its frames, one by one. */
export interface ReportedCamera extends CameraResult {
  readonly account: FrameAccount;
  /** In the scenario rough; null in the others, where all have the same. */
  readonly fate: Fate | null;
}

/** Sums over all cameras. */
export interface Totals {
  readonly live: number;
  readonly playing: number;
  readonly sent: number;
  readonly frames: number;
  readonly bytesRead: number;
  readonly lost: number;
  readonly duplicated: number;
  readonly reordered: number;
  readonly corrupt: number;
  readonly misrouted: number;
  readonly unseen: number;
  readonly kills: number;
  readonly returns: number;
  readonly refused: number;
  readonly broken: number;
  readonly slowestStartMs: number;
}

export interface ReportParts {
  readonly options: FleetOptions;
  readonly startedAt: Date;
  readonly target: UrlPattern;
  readonly read: UrlPattern | null;
  readonly interrupted: boolean;
  readonly grounded: string | null;
  readonly verdict: Verdict;
  readonly cameras: readonly CameraResult[];
  readonly cost: Cost | null;
  readonly latency: HistogramData | null;
  readonly senderLateness: HistogramData | null;
  readonly frameRates: readonly number[];
  readonly samples: readonly ServerSample[];
  readonly trends: ServerTrends;
  readonly slowReaders: SlowReaderFigures | null;
}

/** Puts the report together. */
export function makeReport(parts: ReportParts): FleetReport {
  const { options, target, read, verdict, cameras } = parts;
  return {
    format: 'skyweir-fleet-1',
    startedAt: parts.startedAt.toISOString(),
    target: shownPattern(target),
    read: read === null ? null : shownPattern(read),
    publishers: options.synthetic ? 'synthetic' : options.liveEncode ? 'ffmpeg encode' : 'ffmpeg copy',
    scenario: options.scenario,
    seed: options.seed,
    count: options.count,
    ramp: options.ramp,
    seconds: options.seconds,
    interrupted: parts.interrupted,
    grounded: parts.grounded,
    verdict: { pass: verdict.pass, line: verdict.line, problems: verdict.problems },
    totals: totalsOf(cameras),
    cost: parts.cost,
    latency: summaryIfAny(parts.latency),
    senderLateness: summaryIfAny(parts.senderLateness),
    samples: parts.samples,
    trends: parts.trends,
    slowReaders: parts.slowReaders,
    cameras: cameras.map((camera, index) => ({
      ...camera,
      account: accountOf(camera, parts.frameRates[index] ?? 0),
      fate: options.scenario === 'rough' ? fateOf(index) : null,
    })),
  };
}

/** Adds the cameras up. */
export function totalsOf(cameras: readonly CameraResult[]): Totals {
  const sum = (count: (camera: CameraResult) => number): number =>
    cameras.reduce((total, camera) => total + count(camera), 0);
  return {
    live: sum(({ publisher }) => (publisher.state === 'live' ? 1 : 0)),
    playing: sum(({ reader }) => (reader?.playing === true ? 1 : 0)),
    sent: sum(({ publisher }) => publisher.sent),
    frames: sum(({ reader }) => reader?.frames ?? 0),
    bytesRead: sum(({ reader }) => reader?.bytes ?? 0),
    lost: sum(({ reader, tailLost }) => (reader?.lost ?? 0) + tailLost),
    duplicated: sum(({ reader }) => reader?.duplicated ?? 0),
    reordered: sum(({ reader }) => reader?.reordered ?? 0),
    corrupt: sum(({ reader }) => reader?.corrupt ?? 0),
    misrouted: sum(({ reader }) => reader?.misrouted ?? 0),
    unseen: sum(({ reader }) => reader?.unseen ?? 0),
    kills: sum(({ publisher }) => publisher.kills),
    returns: sum(({ publisher }) => Math.max(0, publisher.starts - 1)),
    refused: sum(({ publisher }) => publisher.refused),
    broken: sum(({ publisher }) => publisher.broken),
    slowestStartMs: Math.max(0, ...cameras.map(({ reader }) => reader?.slowestStartMs ?? 0)),
  };
}

function summaryIfAny(data: HistogramData | null): LatencySummary | null {
  return data === null || data.buckets.length === 0 ? null : summaryOf(data);
}
