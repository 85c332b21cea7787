import { useEffect, useRef } from 'preact/hooks';
import uPlot from 'uplot';
import { type CameraSeries, type SeriesName, seriesNames } from './history.ts';
import { html } from './html.ts';
import { bitrateText, plainNumber } from './words.ts';

interface ChartLine {
  readonly name: SeriesName;
  /** Class of the sample in the legend, whose colour the line has. */
  readonly colour: 'first' | 'second';
  readonly title: string;
}

interface ChartForm {
  readonly title: string;
  readonly hint: string;
  readonly lines: readonly ChartLine[];
  readonly text: (value: number) => string;
  /** The scale reaches at least so far. */
  readonly least: number;
}

/** What the charts show, in the order of the page. */
const chartForms: readonly ChartForm[] = [
  {
    title: 'Frames/s',
    hint: 'What arrives, against what the source promises',
    lines: [
      { name: 'promised', colour: 'second', title: 'promised' },
      { name: 'fps', colour: 'first', title: 'got' },
    ],
    text: (value) => plainNumber(Math.round(value * 10) / 10),
    least: 5,
  },
  {
    title: 'Bitrate',
    hint: 'What the source sends',
    lines: [{ name: 'kbps', colour: 'first', title: 'now' }],
    text: bitrateText,
    least: 100,
  },
  {
    title: 'Arrival',
    hint: 'How unevenly frames arrive, and how late on average: the network, mostly',
    lines: [
      { name: 'late', colour: 'second', title: 'late' },
      { name: 'jitter', colour: 'first', title: 'uneven' },
    ],
    text: (value) => `${Math.round(value)} ms`,
    least: 50,
  },
  {
    title: 'Queue',
    hint: 'Frames that the slowest reader still has to fetch',
    lines: [{ name: 'queue', colour: 'first', title: 'frames' }],
    text: (value) => plainNumber(Math.round(value * 10) / 10),
    least: 5,
  },
  {
    title: 'Between keyframes',
    hint: 'How long a reader waits for its first picture, at most',
    lines: [{ name: 'gop', colour: 'first', title: 'now' }],
    text: (value) => `${value.toFixed(1)} s`,
    least: 2,
  },
  {
    title: 'Lost frames/s',
    hint: 'Readers were too slow for them, or they were damaged or of another codec',
    lines: [{ name: 'dropped', colour: 'first', title: 'now' }],
    text: (value) => plainNumber(Math.round(value * 10) / 10),
    least: 1,
  },
];

/** Pixels of a chart. */
const chartHeight = 96;
/** Charts of one page show the same moment. */
const cursorKey = 'camera';

/** The last minutes of a camera. `theme` changes the colours. */
export function Charts({ series, theme }: { series: CameraSeries; theme: 'light' | 'dark' }) {
  if (seriesNames.every((name) => series.values[name].every(Number.isNaN)))
    return html`<p class="note">No figures: it was not on air while this page was open.</p>`;
  return html`
    <div class="charts">
      ${chartForms.map((form) => html`<${Chart} key=${`${form.title} ${theme}`} form=${form} series=${series} />`)}
    </div>
  `;
}

function Chart({ form, series }: { form: ChartForm; series: CameraSeries }) {
  const room = useRef<HTMLDivElement>(null);
  const chart = useRef<uPlot | null>(null);
  const data = dataOf(form, series);
  useEffect(() => {
    const element = room.current!;
    const made = new uPlot(optionsFor(form, element), data, element);
    chart.current = made;
    const observer = new ResizeObserver(() => made.setSize({ width: element.clientWidth, height: chartHeight }));
    observer.observe(element);
    return () => {
      observer.disconnect();
      made.destroy();
      chart.current = null;
    };
  }, []);
  useEffect(() => chart.current?.setData(data), [series]);
  return html`
    <figure class="chart" title=${form.hint}>
      <figcaption>
        <span class="chart-title">${form.title}</span>
        ${form.lines.toReversed().map(({ name, colour, title }) => {
          const value = series.values[name].at(-1) ?? Number.NaN;
          const shown = Number.isNaN(value) ? '–' : form.text(value);
          return html`<span class="value" key=${name}>
            ${form.lines.length > 1 && html`<i class=${colour} aria-hidden="true"></i>${title} `}<b>${shown}</b>
          </span>`;
        })}
      </figcaption>
      <div ref=${room} aria-hidden="true"></div>
    </figure>
  `;
}

/** Gaps are null for uPlot. */
function dataOf(form: ChartForm, { times, values }: CameraSeries): uPlot.AlignedData {
  const lines = form.lines.map(({ name }) => values[name].map((value) => (Number.isNaN(value) ? null : value)));
  return [times as number[], ...lines];
}

function optionsFor({ lines, text, least }: ChartForm, element: HTMLElement): uPlot.Options {
  const colours = { first: colourOf(element, 'line-first'), second: colourOf(element, 'line-second') };
  const grid = { stroke: colourOf(element, 'line-grid'), width: 1 };
  const axis = {
    stroke: colourOf(element, 'line-text'),
    grid,
    ticks: { show: false },
    font: '11px system-ui, sans-serif',
  };
  return {
    width: element.clientWidth,
    height: chartHeight,
    padding: [10, 8, 0, 0],
    legend: { show: false },
    cursor: { sync: { key: cursorKey }, drag: { x: false, y: false }, points: { size: 5 }, y: false },
    scales: { y: { range: (_chart, _low, high) => [0, Math.max(least, (high ?? 0) * 1.1)] } },
    axes: [
      { ...axis, size: 22, gap: 6, space: 90, values: (_chart, ticks) => ticks.map(minuteText) },
      { ...axis, size: 58, gap: 4, space: 28, values: (_chart, ticks) => ticks.map(text) },
    ],
    series: [
      {},
      ...lines.map(({ colour }) => ({ stroke: colours[colour], width: 1.5, points: { show: false }, spanGaps: false })),
    ],
  };
}

function minuteText(seconds: number): string {
  return new Date(seconds * 1000).toLocaleTimeString('en-GB', {
    hour: '2-digit',
    minute: '2-digit',
    second: '2-digit',
  });
}

/** A colour of the style sheet as a canvas wants it. */
function colourOf(element: HTMLElement, name: string): string {
  const probe = element.appendChild(document.createElement('i'));
  probe.className = name;
  const { color } = getComputedStyle(probe);
  probe.remove();
  return color;
}
