/** Medians over rounds, the printed table, and ratios against nginx-rtmp. */
import type { Measurement } from './measurement.ts';

/** The target all others are compared with. */
export const referenceTarget = 'nginx';

/** One row: the medians of all valid rounds (of all rounds if none is valid) of one target in one mode. */
export interface Row {
  readonly target: string;
  readonly mode: string;
  readonly rounds: number;
  readonly validRounds: number;
  readonly cpuPerGigabit: number;
  readonly cores: number;
  readonly residentBytes: number;
  readonly anonymousBytes: number;
  readonly sharedBytes: number;
  /** Milliseconds; null without readers. */
  readonly p50Ms: number | null;
  readonly p99Ms: number | null;
  readonly p999Ms: number | null;
  readonly maximumMs: number | null;
  /** Sums over the rounds used. */
  readonly lost: number;
  readonly disordered: number;
  readonly notSent: number;
  readonly closed: number;
  readonly silentReaders: number;
  readonly generatorCores: number;
  readonly readerCores: number;
}

/** Median; the mean of the middle two for an even count; NaN for none. */
export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  if (sorted.length === 0) return Number.NaN;
  return sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2;
}

/** One row per mode and target, in the order in which they first ran. */
export function rowsOf(measurements: readonly Measurement[]): Row[] {
  const groups = new Map<string, Measurement[]>();
  for (const measurement of measurements) {
    const key = `${measurement.mode} ${measurement.target}`;
    groups.set(key, [...(groups.get(key) ?? []), measurement]);
  }
  return [...groups.values()].map(rowOf);
}

function rowOf(all: readonly Measurement[]): Row {
  const valid = all.filter((one) => one.invalid.length === 0);
  const used = valid.length > 0 ? valid : all;
  const middle = (pick: (one: Measurement) => number) => median(used.map(pick));
  const middleOrNull = (pick: (one: Measurement) => number | undefined) => {
    const values = used.map(pick).filter((value) => value !== undefined);
    return values.length === 0 ? null : median(values);
  };
  const sum = (pick: (one: Measurement) => number) => used.reduce((total, one) => total + pick(one), 0);
  return {
    target: all[0]!.target,
    mode: all[0]!.mode,
    rounds: all.length,
    validRounds: valid.length,
    cpuPerGigabit: middle((one) => one.cpuPerGigabit),
    cores: middle((one) => one.cores),
    residentBytes: middle((one) => one.residentBytes),
    anonymousBytes: middle((one) => one.anonymousBytes),
    sharedBytes: middle((one) => one.sharedBytes),
    p50Ms: middleOrNull((one) => one.latency?.p50Ms),
    p99Ms: middleOrNull((one) => one.latency?.p99Ms),
    p999Ms: middleOrNull((one) => one.latency?.p999Ms),
    maximumMs: middleOrNull((one) => one.latency?.maximumMs),
    lost: sum((one) => one.lost),
    disordered: sum((one) => one.duplicated + one.reordered + one.misrouted + one.sequenceGaps),
    notSent: sum((one) => one.notSent),
    closed: sum((one) => one.closed),
    silentReaders: sum((one) => one.silentReaders),
    generatorCores: middle((one) => one.generatorCores),
    readerCores: middle((one) => one.readerCores),
  };
}

/** A target's medians divided by those of the reference in the same mode; below 1 is cheaper, or faster. */
export interface Ratio {
  readonly target: string;
  readonly mode: string;
  readonly cpuPerGigabit: number;
  readonly residentBytes: number;
  readonly p50: number | null;
  readonly p99: number | null;
  /** Both sides have at least one valid round. */
  readonly valid: boolean;
}

/** Ratios of every row that has a reference in its mode. */
export function ratiosOf(rows: readonly Row[], reference = referenceTarget): Ratio[] {
  const ratios: Ratio[] = [];
  for (const row of rows) {
    const base = rows.find((other) => other.mode === row.mode && other.target === reference);
    if (base === undefined || base === row) continue;
    ratios.push({
      target: row.target,
      mode: row.mode,
      cpuPerGigabit: row.cpuPerGigabit / base.cpuPerGigabit,
      residentBytes: row.residentBytes / base.residentBytes,
      p50: divide(row.p50Ms, base.p50Ms),
      p99: divide(row.p99Ms, base.p99Ms),
      valid: row.validRounds > 0 && base.validRounds > 0,
    });
  }
  return ratios;
}

function divide(value: number | null, by: number | null): number | null {
  return value === null || by === null || by === 0 ? null : value / by;
}

/** Text table: first row is the heading; first two columns flush left, the others flush right. */
export function formatTable(lines: readonly (readonly string[])[]): string {
  const widths = lines[0]!.map((_, column) => Math.max(...lines.map((line) => line[column]!.length)));
  return lines
    .map((line) =>
      line
        .map((cell, column) => (column < 2 ? cell.padEnd(widths[column]!) : cell.padStart(widths[column]!)))
        .join('  ')
        .trimEnd(),
    )
    .join('\n');
}

/** The table of rows and below it the ratios. */
export function formatReport(rows: readonly Row[]): string {
  const head = ['mode', 'target', 'CPU s/Gbit', 'cores', 'RSS MB', 'anon', 'shared', 'p50 ms', 'p99', 'p99.9', 'max'];
  head.push('lost', 'disorder', 'not sent', 'closed', 'silent', 'gen cores', 'rd cores', 'valid');
  const body = rows.map((row) => [
    row.mode,
    row.target,
    row.cpuPerGigabit.toFixed(4),
    row.cores.toFixed(3),
    megabytes(row.residentBytes),
    megabytes(row.anonymousBytes),
    megabytes(row.sharedBytes),
    milliseconds(row.p50Ms),
    milliseconds(row.p99Ms),
    milliseconds(row.p999Ms),
    milliseconds(row.maximumMs),
    row.mode === 'relay' ? String(row.lost) : '-',
    row.mode === 'relay' ? String(row.disordered) : '-',
    String(row.notSent),
    String(row.closed),
    row.mode === 'relay' ? String(row.silentReaders) : '-',
    row.generatorCores.toFixed(2),
    row.mode === 'relay' ? row.readerCores.toFixed(2) : '-',
    `${row.validRounds}/${row.rounds}`,
  ]);
  let text = formatTable([head, ...body]);
  const ratios = ratiosOf(rows);
  if (ratios.length > 0) {
    const lines = ratios.map((ratio) => [
      ratio.mode,
      ratio.target,
      ratio.cpuPerGigabit.toFixed(2),
      ratio.residentBytes.toFixed(2),
      ratio.p50?.toFixed(2) ?? '-',
      ratio.p99?.toFixed(2) ?? '-',
      ratio.valid ? 'yes' : 'NO',
    ]);
    text += `\n\nratios to ${referenceTarget} (below 1 is better)\n`;
    text += formatTable([['mode', 'target', 'CPU/Gbit', 'RSS', 'p50', 'p99', 'valid'], ...lines]);
  }
  return text;
}

function megabytes(bytes: number): string {
  return (bytes / 1e6).toFixed(0);
}

function milliseconds(value: number | null): string {
  return value === null ? '-' : value.toFixed(1);
}
