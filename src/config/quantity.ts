const durationUnits: Readonly<Record<string, number>> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000 };
const sizeUnits: Readonly<Record<string, number>> = {
  '': 1,
  b: 1,
  kib: 1024,
  mib: 1024 * 1024,
  gib: 1024 * 1024 * 1024,
};

/** Milliseconds of `10s`, `500ms`, `1m`, `1h` or a bare number of seconds; undefined if `raw` is none of these. */
export function parseDuration(raw: unknown): number | undefined {
  if (typeof raw === 'number') return Number.isFinite(raw) ? Math.round(raw * 1000) : undefined;
  if (typeof raw !== 'string') return undefined;
  const match = /^(\d+(?:\.\d+)?) ?(ms|s|m|h)?$/.exec(raw.trim());
  if (match === null) return undefined;
  return Math.round(Number(match[1]) * durationUnits[match[2] ?? 's']!);
}

/** The shortest exact form of a duration that {@link parseDuration} reads, with seconds up to two minutes. */
export function formatDuration(ms: number): string {
  if (ms === 0) return '0s';
  if (ms % 1000 !== 0) return `${ms}ms`;
  if (ms < 120_000 || ms % 60_000 !== 0) return `${ms / 1000}s`;
  return ms % 3_600_000 === 0 ? `${ms / 3_600_000}h` : `${ms / 60_000}m`;
}

/** Bytes of `8MiB`, `512KiB`, `65536` or a number; undefined if `raw` is none of these. */
export function parseBytes(raw: unknown): number | undefined {
  if (typeof raw === 'number') return Number.isFinite(raw) ? raw : undefined;
  if (typeof raw !== 'string') return undefined;
  const match = /^(\d+(?:\.\d+)?) ?(b|kib|mib|gib)?$/i.exec(raw.trim());
  if (match === null) return undefined;
  return Number(match[1]) * sizeUnits[(match[2] ?? '').toLowerCase()]!;
}

/** The shortest exact form of a size in bytes that {@link parseBytes} reads. */
export function formatBytes(bytes: number): string {
  for (const [suffix, unit] of [
    ['GiB', 1024 ** 3],
    ['MiB', 1024 ** 2],
    ['KiB', 1024],
  ] as const)
    if (bytes >= unit && bytes % unit === 0) return `${bytes / unit}${suffix}`;
  return String(bytes);
}
