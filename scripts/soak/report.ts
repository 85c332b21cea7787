/** The report of a soak: plain data for --json, and lines for people. */
import type { CheckedFigures } from './checked-cameras.ts';
import type { NumberedFigures } from './numbered-pairs.ts';
import type { OnvifFigures } from './onvif-clients.ts';
import type { SoakOptions } from './options.ts';
import type { RestlessFigures } from './restless-readers.ts';
import type { RoughFigures } from './rough-peers.ts';
import type { ServerSize } from './soak-server.ts';
import type { Trend } from './trend.ts';
import type { Findings, tolerances, Verdict } from './verdict.ts';

/** Everything at one moment. */
export interface Sample extends ServerSize {
  readonly atMs: number;
  /** Publishers by the server's log: streams that started and did not stop. */
  readonly streams: number;
  readonly sent: number;
  readonly received: number;
  readonly unexplained: number;
  readonly endings: number;
}

/** What the peers did. */
export interface Peers {
  readonly checked: CheckedFigures;
  readonly numbered: NumberedFigures;
  readonly restless: RestlessFigures;
  readonly onvif: OnvifFigures;
  readonly rough: RoughFigures | null;
}

export interface SoakReport {
  readonly format: 'skyweir-soak-1';
  readonly startedAt: string;
  readonly options: SoakOptions;
  readonly seconds: number;
  readonly warmUpSeconds: number;
  readonly interrupted: boolean;
  readonly verdict: Verdict;
  readonly tolerances: typeof tolerances;
  readonly findings: Findings;
  readonly peers: Peers;
  /** Endings of connections, by reason. */
  readonly reasons: Readonly<Record<string, number>>;
  readonly logLines: number;
  /** Processor time of the server, in cores. */
  readonly cores: number;
  readonly samples: readonly Sample[];
}

const mib = (bytes: number): string => (bytes / 2 ** 20).toFixed(0);

/** One line every few seconds. */
export function sampleLine(sample: Sample): string {
  const { atMs, residentBytes, heapBytes, descriptors, threads, streams, sent, received, unexplained, endings } =
    sample;
  const time = `${Math.floor(atMs / 60_000)}:${String(Math.floor(atMs / 1000) % 60).padStart(2, '0')}`.padStart(6);
  const memory = `rss ${mib(residentBytes)} MiB, heap ${heapBytes > 0 ? mib(heapBytes) : '?'} MiB`;
  const process = `${descriptors} descriptors, ${threads} threads`;
  return `${time}  ${memory}, ${process}, ${streams} streams, ${endings} endings, frames ${sent} sent ${received} received ${unexplained} unexplained`;
}

/** The end of the output. */
export function reportLines(report: SoakReport): string[] {
  const { peers, findings, verdict, reasons } = report;
  const { checked, numbered, restless, onvif, rough } = peers;
  const trend = (name: string, found: Trend | null, show: (n: number) => string): string =>
    found === null
      ? `${name}: not watched for long enough to tell`
      : `${name}: ${show(found.first)} -> ${show(found.last)}, highest ${show(found.highest)}, ${show(found.perHour)} per hour`;
  const memory = (n: number): string => `${(n / 2 ** 20).toFixed(1)} MiB`;
  const count = (n: number): string => n.toFixed(n % 1 === 0 ? 0 : 1);
  const named = (record: Readonly<Record<string, number>>): string =>
    Object.entries(record)
      .sort((a, b) => b[1] - a[1])
      .map(([name, times]) => `${name} ${times}`)
      .join(', ') || 'none';
  return [
    '',
    `${report.seconds.toFixed(0)} s, the first ${report.warmUpSeconds.toFixed(0)} s of them to warm up; server ${report.cores.toFixed(2)} cores`,
    trend('resident memory', findings.resident, memory),
    trend("main thread's heap", findings.heap, memory),
    trend('descriptors', findings.descriptors, count),
    trend('threads', findings.threads, count),
    findings.left === null
      ? 'descriptors at the end: not waited for'
      : `descriptors: ${findings.left.before} before the first peer, ${findings.left.after} after the last`,
    `checked cameras: ${checked.sent} frames sent, ${checked.received} received, ${checked.starts} starts, ${checked.kills} kills, ${checked.refused} refused`,
    `numbered pictures: ${numbered.sent} sent, ${numbered.received} received, ${numbered.lostByUdp} lost by UDP`,
    `readers: ${restless.visits} visits, ${restless.slow} slow; ONVIF: ${onvif.requests} requests, ${onvif.events} events`,
    ...(rough === null
      ? []
      : [`rough peers: ${rough.hostile} hostile, ${rough.odd} odd; unlike their row: ${named(rough.unlike)}`]),
    `endings: ${named(reasons)}`,
    ...findings.faults.map((fault) => `FAULT ${fault}`),
    verdict.pass ? 'PASS: nothing grew, no frame is unexplained, no fault' : `FAIL: ${verdict.problems.join('; ')}`,
  ];
}
