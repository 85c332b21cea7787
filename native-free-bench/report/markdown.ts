/** Pieces of Markdown, laid out as the formatter of this project's pages wants them. */

/** A table with even columns; those whose cells are figures are flush right. */
export function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const escaped = [head, ...rows].map((row) => row.map((cell) => cell.replaceAll('|', '\\|')));
  const widths = head.map((_, column) => Math.max(3, ...escaped.map((row) => row[column]!.length)));
  const right = head.map((_, column) => rows.length > 0 && rows.every((row) => isFigure(row[column]!)));
  const pad = (cell: string, column: number): string =>
    right[column] ? cell.padStart(widths[column]!) : cell.padEnd(widths[column]!);
  const lines = escaped.map((row) => `| ${row.map(pad).join(' | ')} |`);
  const rule = widths.map((width, column) => (right[column] ? `${'-'.repeat(width - 1)}:` : '-'.repeat(width)));
  lines.splice(1, 0, `| ${rule.join(' | ')} |`);
  return lines.join('\n');
}

function isFigure(cell: string): boolean {
  return /^(-|[<>~]?[-+]?\d[\d ,.]*( ?[x%]| of \d+)?\**)$/.test(cell);
}

/** `value` with a number of digits that its size deserves: 1234, 123, 12.3, 1.23, 0.123. */
export function figure(value: number | null | undefined, least = 3): string {
  if (value === null || value === undefined || !Number.isFinite(value)) return '-';
  const size = Math.abs(value);
  const decimals = size >= 100 ? 0 : size >= 10 ? 1 : size >= 1 ? 2 : least;
  return value.toFixed(decimals);
}

/** Megabytes (10^6). */
export function megabytes(bytes: number): string {
  return (bytes / 1e6).toFixed(0);
}

/** `value` against `base`, such as 1.07 x; '-' without a base. */
export function ratio(value: number, base: number | undefined): string {
  if (base === undefined || base === 0 || !Number.isFinite(value / base)) return '-';
  return `${(value / base).toFixed(2)} x`;
}
