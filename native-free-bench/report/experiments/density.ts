/** Ingest and relay from 100 to 1000 cameras, beside nginx-rtmp and Node-Media-Server. */
import type { Experiment, PartRecord, Scale } from '../experiment.ts';
import {
  cameraShape,
  type LoadCase,
  type LoadRow,
  loadPart,
  rowsOf,
  type TargetName,
  validText,
} from '../load-part.ts';
import { figure, megabytes, ratio, table } from '../markdown.ts';
import { lineChart, type Series } from '../svg/charts.ts';

const counts = [100, 250, 500, 1000];
const mbit = 4.67;
/** Node-Media-Server is asked only for so many: beyond, it takes more than a core and only queues. */
const mostNms = 250;
const modes = ['ingest', 'relay'] as const;
const shownNames: Readonly<Record<TargetName, string>> = {
  skyweir: 'Skyweir',
  nginx: 'nginx-rtmp',
  nms: 'Node-Media-Server',
};
const percentiles = ['p50', 'p90', 'p99', 'p999', 'max'] as const;

function cases(scale: Scale): LoadCase[] {
  const list: LoadCase[] = [];
  for (const mode of modes) {
    for (const full of counts) {
      const cameras = scale.count(full);
      for (let round = 1; round <= scale.rounds(3); round++) {
        for (const target of ['skyweir', 'nginx', 'nms'] as const) {
          if (target === 'nms' && full > mostNms) continue;
          const load = { publishers: cameras, readers: cameras, seconds: scale.seconds(10), shape: cameraShape(mbit) };
          list.push({ labels: { mode, cameras, target }, round, target, mode, load });
        }
      }
    }
  }
  return list;
}

function render(records: readonly PartRecord[]) {
  const rows = rowsOf(records);
  const of = (mode: string): LoadRow[] => rows.filter(({ labels }) => labels['mode'] === mode);
  const most = Math.max(...rows.map(({ labels }) => Number(labels['cameras'])));
  const cost = (mode: string) =>
    lineChart({
      title: mode === 'ingest' ? 'Cost of receiving' : 'Cost of receiving and of delivering to one reader each',
      xLabel: `cameras of ${mbit} Mbit/s`,
      yLabel: 'CPU seconds per Gbit received',
      series: seriesOf(of(mode), (row) => row.cpuPerGigabit),
    });
  const atMost = of('relay').filter(({ labels, latency }) => labels['cameras'] === most && latency !== null);
  return {
    blocks: [
      `**Receiving** (publishers only)`,
      costTable(of('ingest')),
      `**Relay** (each camera has one reader: over RTSP from Skyweir, over RTMP from the others)`,
      costTable(of('relay')),
    ],
    charts: [
      { name: 'ingest', description: 'CPU seconds per Gbit against cameras, receiving only', svg: cost('ingest') },
      { name: 'relay', description: 'CPU seconds per Gbit against cameras, with readers', svg: cost('relay') },
      {
        name: 'latency',
        description: `Percentiles of latency at ${most} cameras`,
        svg: lineChart({
          title: `Latency at ${most} cameras, from due at the publisher to whole at the reader`,
          xLabel: 'share of frames that are not slower',
          yLabel: 'milliseconds',
          logarithmicY: true,
          xNames: ['50 %', '90 %', '99 %', '99.9 %', 'all'],
          series: atMost.map((row) => ({
            name: nameOf(row),
            points: percentiles.map((name, index) => [index, row.latency![name]] as const),
          })),
        }),
      },
      {
        name: 'memory',
        description: 'Resident memory against cameras',
        svg: lineChart({
          title: 'Resident memory of the server, with one reader for each camera',
          xLabel: `cameras of ${mbit} Mbit/s`,
          yLabel: 'MB',
          series: seriesOf(of('relay'), (row) => row.residentBytes / 1e6),
        }),
      },
    ],
  };
}

function nameOf(row: LoadRow): string {
  return shownNames[row.labels['target'] as TargetName];
}

function seriesOf(rows: readonly LoadRow[], value: (row: LoadRow) => number): Series[] {
  return [...new Set(rows.map(nameOf))].map((name) => ({
    name,
    points: rows
      .filter((row) => nameOf(row) === name)
      .map((row) => [Number(row.labels['cameras']), value(row)] as const),
  }));
}

function costTable(rows: readonly LoadRow[]): string {
  const withReaders = rows.some(({ latency }) => latency !== null);
  const head = ['Cameras', 'Server', 'CPU s/Gbit', 'to nginx', 'Cores', 'MB'];
  if (withReaders) head.push('p50 ms', 'p90', 'p99', 'max', 'Lost');
  head.push('Valid rounds');
  return table(
    head,
    rows.map((row) => {
      const { cameras } = row.labels;
      const base = rows.find(({ labels }) => labels['cameras'] === cameras && labels['target'] === 'nginx');
      const { latency } = row;
      const late = [latency?.p50, latency?.p90, latency?.p99, latency?.max].map((ms) => figure(ms, 2));
      return [
        String(cameras),
        nameOf(row),
        figure(row.cpuPerGigabit),
        ratio(row.cpuPerGigabit, base?.cpuPerGigabit),
        figure(row.cores, 2),
        megabytes(row.residentBytes),
        ...(withReaders ? [...late, String(row.lost)] : []),
        validText(row),
      ];
    }),
  );
}

export const density: Experiment = {
  name: 'density',
  question: `What do cameras of ${mbit} Mbit/s cost, received alone and delivered to a reader each, beside other servers?`,
  minutes: 35,
  parts: (scale) => cases(scale).map(loadPart),
  render,
};
