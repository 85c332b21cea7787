/** What all charts have in common: size, colours for light and dark, title, axes and legend. */
import type { Axis } from './scale.ts';

export const size = { width: 760, height: 400 } as const;
/** Room around the plot: ticks and labels to the left and below, title and legend above. */
export const margin = { left: 72, right: 24, top: 78, bottom: 58 } as const;
export const plot = {
  width: size.width - margin.left - margin.right,
  height: size.height - margin.top - margin.bottom,
} as const;

/** Told apart by colour, and by people who see few colours by brightness and marks; light and dark ground each. */
const colours = [
  ['#0065a3', '#58b4f0'],
  ['#c44e00', '#ff9a55'],
  ['#00795a', '#35d0a2'],
  ['#a03f80', '#f09ccb'],
  ['#7a6200', '#e8cc4a'],
  ['#555f6b', '#b3bcc7'],
] as const;

/** Series that can be told apart. */
export const mostSeries = colours.length;

const rule = (dark: 0 | 1): string => colours.map((pair, index) => `.s${index}{--c:${pair[dark]}}`).join('');

const style =
  `.bg{fill:#fff}text{fill:#1f2328;font:13px system-ui,-apple-system,"Segoe UI",Helvetica,Arial,sans-serif}` +
  `.title{font-size:15px;font-weight:600}.grid{stroke:#d8dee4}.axis{stroke:#656d76}.note{fill:#57606a}` +
  `.line{fill:none;stroke:var(--c);stroke-width:2.2}.mark,.bar{fill:var(--c)}.hollow{fill:none;stroke:var(--c);stroke-width:2.2}` +
  `.dashed{stroke-dasharray:6 4}.limit{stroke:#656d76;stroke-dasharray:2 4;fill:none}${rule(0)}` +
  `@media(prefers-color-scheme:dark){.bg{fill:#0d1117}text{fill:#e6edf3}.grid{stroke:#30363d}.axis{stroke:#8d96a0}` +
  `.note{fill:#9198a1}.limit{stroke:#9198a1}${rule(1)}}`;

export interface Frame {
  readonly title: string;
  readonly x: Axis;
  readonly y: Axis;
  /** Names of the series in the order of their colours. */
  readonly series: readonly string[];
  /** Bars stand between the ticks; no grid is drawn upwards then. */
  readonly bars?: boolean;
}

/** The whole picture around `content`, which is drawn with the origin at the plot's upper left corner. */
export function framed(frame: Frame, content: string): string {
  const { x, y } = frame;
  const parts = [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${size.width} ${size.height}" width="${size.width}" height="${size.height}" role="img" aria-label="${escapeText(frame.title)}">`,
    `<style>${style}</style>`,
    `<rect class="bg" width="${size.width}" height="${size.height}" rx="6"/>`,
    `<text class="title" x="${margin.left}" y="26">${escapeText(frame.title)}</text>`,
    legend(frame.series),
    `<g transform="translate(${margin.left} ${margin.top})">`,
  ];
  for (const { value, text } of y.ticks) {
    const at = round(plot.height - y.place(value));
    parts.push(`<line class="grid" x1="0" x2="${plot.width}" y1="${at}" y2="${at}"/>`);
    parts.push(`<text x="-8" y="${round(at + 4.5)}" text-anchor="end">${text}</text>`);
  }
  for (const { value, text } of x.ticks) {
    const at = round(x.place(value));
    if (frame.bars !== true) parts.push(`<line class="grid" x1="${at}" x2="${at}" y1="0" y2="${plot.height}"/>`);
    parts.push(`<text x="${at}" y="${plot.height + 20}" text-anchor="middle">${escapeText(text)}</text>`);
  }
  parts.push(
    `<path class="axis" fill="none" d="M0 0V${plot.height}H${plot.width}"/>`,
    `<text class="note" x="${plot.width / 2}" y="${plot.height + 44}" text-anchor="middle">${escapeText(x.label)}</text>`,
    `<text class="note" transform="translate(-54 ${plot.height / 2}) rotate(-90)" text-anchor="middle">${escapeText(y.label)}</text>`,
    content,
    '</g>',
    '</svg>',
  );
  return `${parts.filter((part) => part !== '').join('\n')}\n`;
}

function legend(series: readonly string[]): string {
  const parts: string[] = [];
  let x = 0;
  for (const [index, name] of series.entries()) {
    parts.push(mark(index, x + 6, -4), `<text x="${x + 17}" y="0">${escapeText(name)}</text>`);
    x += 32 + round(name.length * 6.9);
  }
  return series.length === 0 ? '' : `<g transform="translate(${margin.left} 52)">${parts.join('')}</g>`;
}

/** The mark of a series: each has a form of its own. */
export function mark(series: number, x: number, y: number): string {
  const [cx, cy] = [round(x), round(y)];
  const form = `s${series}`;
  if (series % 3 === 0) return `<circle class="mark ${form}" cx="${cx}" cy="${cy}" r="4"/>`;
  if (series % 3 === 1)
    return `<rect class="mark ${form}" x="${round(cx - 3.6)}" y="${round(cy - 3.6)}" width="7.2" height="7.2"/>`;
  return `<path class="mark ${form}" d="M${cx} ${round(cy - 5)}l4.8 8.4h-9.6z"/>`;
}

export function escapeText(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;');
}

/** A tenth of a pixel is enough, and keeps the files the same everywhere. */
export function round(value: number): number {
  return Math.round(value * 10) / 10;
}
