/** Line and bar charts as SVG text. */
import { escapeText, framed, mark, mostSeries, plot, round } from './frame.ts';
import { type Axis, axisFor } from './scale.ts';

export interface Series {
  readonly name: string;
  readonly points: readonly (readonly [x: number, y: number])[];
}

export interface LineChart {
  readonly title: string;
  readonly xLabel: string;
  readonly yLabel: string;
  /** At most six. */
  readonly series: readonly Series[];
  readonly logarithmicY?: boolean;
  /** Names of the places 0, 1, 2 ... of an axis that counts nothing. */
  readonly xNames?: readonly string[];
  /** Many points: lines without marks. */
  readonly plain?: boolean;
  /** Levels to compare with. */
  readonly limits?: readonly { readonly y: number; readonly text: string }[];
}

/** Lines over a common axis. */
export function lineChart(chart: LineChart): string {
  const series = chart.series.slice(0, mostSeries);
  const limits = chart.limits ?? [];
  const ys = [...series.flatMap(({ points }) => points.map(([, y]) => y)), ...limits.map(({ y }) => y)];
  const y = axisFor(ys, { label: chart.yLabel, pixels: plot.height, logarithmic: chart.logarithmicY === true });
  const xs = series.flatMap(({ points }) => points.map(([x]) => x));
  const x =
    chart.xNames === undefined
      ? axisFor(xs, { label: chart.xLabel, pixels: plot.width })
      : namedAxis(chart.xLabel, chart.xNames);
  const parts: string[] = [];
  for (const limit of limits) {
    const at = round(plot.height - y.place(limit.y));
    parts.push(`<path class="limit" d="M0 ${at}H${plot.width}"/>`);
    parts.push(
      `<text class="note" x="${plot.width}" y="${round(at - 5)}" text-anchor="end">${escapeText(limit.text)}</text>`,
    );
  }
  for (const [index, { points }] of series.entries()) {
    const places = points
      .filter((point) => point.every(Number.isFinite))
      .map(([px, py]) => [round(x.place(px)), round(plot.height - y.place(py))] as const);
    if (places.length === 0) continue;
    parts.push(`<path class="line s${index}" d="M${places.map((place) => place.join(' ')).join('L')}"/>`);
    if (chart.plain !== true) parts.push(places.map(([px, py]) => mark(index, px, py)).join(''));
  }
  const names = series.map(({ name }) => name);
  return framed({ title: chart.title, x, y, series: names }, parts.join('\n'));
}

export interface BarChart {
  readonly title: string;
  readonly xLabel: string;
  readonly yLabel: string;
  readonly series: readonly string[];
  /** One value for each series; null leaves a gap. */
  readonly groups: readonly { readonly name: string; readonly values: readonly (number | null)[] }[];
}

/** Share of a group's width that its bars fill. */
const barShare = 0.72;

/** Bars side by side in groups, each with its value above it. */
export function barChart(chart: BarChart): string {
  const { groups, series } = chart;
  const values = groups.flatMap((group) => group.values.filter((value) => value !== null));
  const y = axisFor(values, { label: chart.yLabel, pixels: plot.height });
  const x = namedAxis(
    chart.xLabel,
    groups.map(({ name }) => name),
  );
  const width = (plot.width / Math.max(1, groups.length)) * barShare;
  const each = width / Math.max(1, series.length);
  const parts: string[] = [];
  for (const [place, group] of groups.entries()) {
    for (const [index, value] of group.values.entries()) {
      if (value === null || !Number.isFinite(value)) continue;
      const left = x.place(place) - width / 2 + index * each;
      const top = plot.height - y.place(value);
      parts.push(
        `<rect class="bar s${index % mostSeries}" x="${round(left + 1)}" y="${round(top)}" width="${round(each - 2)}" height="${round(plot.height - top)}"/>`,
        `<text class="note" x="${round(left + each / 2)}" y="${round(top - 5)}" text-anchor="middle">${valueText(value)}</text>`,
      );
    }
  }
  return framed({ title: chart.title, x, y, series: series.length > 1 ? series : [], bars: true }, parts.join('\n'));
}

function namedAxis(label: string, names: readonly string[]): Axis {
  const step = plot.width / Math.max(1, names.length);
  const ticks = names.map((text, value) => ({ value, text }));
  return { label, ticks, place: (value) => (value + 0.5) * step };
}

function valueText(value: number): string {
  const size = Math.abs(value);
  return value.toFixed(size >= 100 ? 0 : size >= 10 ? 1 : size >= 1 ? 2 : 3);
}
