/** Lays out the table of cameras for the width there is: pure text in, lines out. */
import { type Paint, paint, sparkline, type Tone } from './paint.ts';

/** A text with its tone. */
export interface Cell {
  readonly text: string;
  readonly tone: Tone;
}

/** The cells of one camera by column, and its frames in each of the last seconds, the newest last. */
export type TableRow = Readonly<Record<ColumnName, Cell>> & { readonly history: readonly number[] };

interface Column {
  /** Head of the column, and the short form where space is scarce. */
  readonly head: string;
  readonly short: string;
  readonly right: boolean;
  /** Usual width, so that the table does not jump when the first figures come. */
  readonly least?: number;
}

const columns = {
  name: { head: 'CAMERA', short: 'CAMERA', right: false },
  path: { head: 'PATH', short: 'PATH', right: false },
  state: { head: 'STATE', short: 'STATE', right: false, least: 9 },
  fps: { head: 'FPS', short: 'FPS', right: true, least: 4 },
  bitrate: { head: 'MBIT/S', short: 'MBIT', right: true, least: 4 },
  gop: { head: 'GOP', short: 'GOP', right: true, least: 3 },
  size: { head: 'SIZE', short: 'SIZE', right: true, least: 7 },
  readers: { head: 'READERS', short: 'RDR', right: true },
  queue: { head: 'QUEUE', short: 'QUE', right: true, least: 3 },
  drops: { head: 'DROPS', short: 'DRP', right: true },
  jumps: { head: 'JUMPS', short: 'JMP', right: true },
  uptime: { head: 'UPTIME', short: 'UP', right: true, least: 5 },
  drone: { head: 'DRONE', short: 'DRONE', right: false },
  note: { head: 'WHAT IT DOES', short: 'WHAT IT DOES', right: false },
} as const satisfies Record<string, Column>;

/** Columns of the table. `drone` is the short form of `note`: never both. */
export type ColumnName = keyof typeof columns;

const facts = (Object.keys(columns) as ColumnName[]).filter((name) => name !== 'drone' && name !== 'note');

interface Layout {
  readonly names: readonly ColumnName[];
  readonly long: boolean;
  readonly gap: number;
}

/** Ways to lay the table out, the best first. */
const layouts: readonly Layout[] = [
  { names: [...facts, 'note'], long: true, gap: 2 },
  { names: [...facts, 'drone'], long: true, gap: 2 },
  { names: [...facts, 'drone'], long: false, gap: 2 },
  { names: [...facts, 'drone'], long: false, gap: 1 },
  { names: facts, long: false, gap: 1 },
];

/** Columns that the history takes where they are left over. */
const leastHistory = 10;
const mostHistory = 30;

/** The head line and one line for each row, none wider than `width`: what does not fit is cut. */
export function layOutTable(rows: readonly TableRow[], width: number, how: Paint): string[] {
  const measured = layouts.map((layout) => ({ layout, widths: columnWidths(layout, rows) }));
  const { layout, widths } = measured.find((one) => totalWidth(one.widths, one.layout) <= width) ?? measured.at(-1)!;
  const { names, long, gap } = layout;
  const heads = names.map((name): Cell => ({ text: headOf(name, long), tone: 'dim' }));
  const lines = [heads, ...rows.map((row) => names.map((name) => row[name]))].map((cells) =>
    joinCells(cells, layout, widths, width, how),
  );

  const used = totalWidth(widths, layout);
  const seconds = Math.min(mostHistory, width - used - gap);
  if (seconds < leastHistory) return lines.map(({ text }) => text);
  const head = `FPS, LAST ${seconds} S`;
  const heard = [
    head.length <= seconds ? head : `LAST ${seconds} S`,
    ...rows.map((row) => bars(row.history, seconds, how)),
  ];
  return lines.map(({ text, length }, index) => {
    const tone = index === 0 ? 'dim' : 'accent';
    return heard[index]!.trim() === ''
      ? text
      : `${text}${' '.repeat(used + gap - length)}${paint(heard[index]!, tone, how)}`;
  });
}

/** The last `seconds` of a history; what is not known yet is blank. */
function bars(history: readonly number[], seconds: number, how: Paint): string {
  return sparkline(history.slice(-seconds), how).padStart(seconds);
}

function headOf(name: ColumnName, long: boolean): string {
  return long ? columns[name].head : columns[name].short;
}

function columnWidths({ names, long }: Layout, rows: readonly TableRow[]): number[] {
  return names.map((name) => {
    const { least = 0 }: Column = columns[name];
    return Math.max(headOf(name, long).length, least, ...rows.map((row) => row[name].text.length));
  });
}

function totalWidth(widths: readonly number[], { gap }: Layout): number {
  return widths.reduce((sum, one) => sum + one, 0) + gap * (widths.length - 1);
}

/** One line, and how many columns it takes: colours take none. */
function joinCells(
  cells: readonly Cell[],
  { names, gap }: Layout,
  widths: readonly number[],
  width: number,
  how: Paint,
): { text: string; length: number } {
  let line = '';
  let length = 0;
  let column = 0;
  for (const [index, { text, tone }] of cells.entries()) {
    const space = widths[index]! - text.length;
    const at = column + (columns[names[index]!].right ? space : 0);
    const shown = text.slice(0, Math.max(0, width - at));
    column += widths[index]! + gap;
    if (shown === '') continue;
    line += ' '.repeat(at - length) + paint(shown, tone, how);
    length = at + shown.length;
  }
  return { text: line, length };
}
