/** How many readers one consumer carries over UDP and over TCP before frames are lost, and two consumers over UDP. */
import type { Experiment, PartRecord, Scale } from '../experiment.ts';
import { cameraShape, type LoadCase, type LoadRow, loadPart, observedOf, rowsOf, validText } from '../load-part.ts';
import { figure, table } from '../markdown.ts';
import { lineChart } from '../svg/charts.ts';

const readerCounts = [50, 100, 150, 200, 300, 400, 600];
const cameras = 50;
const mbit = 4.5;
/** Readers over UDP that are checked frame by frame: as many as one process surely keeps up with. */
const sample = 20;
const ways = [
  { transport: 'UDP', consumers: 1 },
  { transport: 'UDP', consumers: 2 },
  { transport: 'TCP', consumers: 1 },
] as const;

function cases(scale: Scale): LoadCase[] {
  const list: LoadCase[] = [];
  for (const { transport, consumers } of ways)
    for (const full of readerCounts) {
      const readers = scale.count(full);
      list.push({
        labels: { transport, consumers, readers },
        round: 1,
        target: 'skyweir',
        flags: ['--consumers', String(consumers)],
        mode: 'relay',
        load: {
          publishers: Math.min(scale.count(cameras), readers),
          readers,
          seconds: scale.seconds(10),
          shape: cameraShape(mbit),
          ...(transport === 'UDP' ? { udpSample: sample } : {}),
        },
      });
    }
  return list;
}

/** What the checked readers of a row got, and what became of the rest. */
function outcome(row: LoadRow) {
  const one = row.all.at(-1)!;
  const checked = one.udp?.sampledReaders ?? one.readers;
  const lostShare = one.lost / Math.max(1, one.framesReceived + one.lost);
  return {
    one,
    checked,
    lostShare,
    datagrams: (one.udp?.arrived ?? 0) / one.seconds,
    drops: one.udp?.sampledDrops ?? 0,
  };
}

/** Frames are missing somewhere, by the readers that are checked or by the server's own account of all of them. */
function lossless(row: LoadRow): boolean {
  return row.lost === 0 && (observedOf(row)?.overflowFrames ?? 0) === 0;
}

function wayOf({ labels }: LoadRow): string {
  return `${labels['transport']}, ${labels['consumers']} ${labels['consumers'] === 1 ? 'consumer' : 'consumers'}`;
}

function render(records: readonly PartRecord[]) {
  const rows = rowsOf(records);
  const names = [...new Set(rows.map(wayOf))];
  const line = (value: (row: LoadRow) => number) =>
    names.map((name) => ({
      name,
      points: rows
        .filter((row) => wayOf(row) === name)
        .map((row) => [Number(row.labels['readers']), value(row)] as const),
    }));
  const most = names.map((name) => {
    const good: number[] = [];
    for (const row of rows.filter((one) => wayOf(one) === name)) {
      if (!lossless(row)) break;
      good.push(Number(row.labels['readers']));
    }
    return `${name}: ${good.length === 0 ? 'none of the counts tried' : `${good.at(-1)}`}`;
  });
  return {
    blocks: [
      `${rows[0]!.all[0]!.publishers} cameras of ${mbit} Mbit/s. Readers without a lost frame, of the counts tried: **${most.join('; ')}**.`,
      `Over UDP ${sample} readers are checked frame by frame, for more datagrams cannot be read by one process; the sockets of the others are ` +
        'counted by the kernel. _Behind_ are frames that the server itself left out because a reader could not be served in time. _Dropped_ are ' +
        'datagrams that reached a checked reader whose receive buffer was full: the loss of a reader, not of the server.',
      table(
        [
          'Transport',
          'Readers',
          'Server cores',
          'Frames lost',
          'Behind',
          'Dropped',
          'Datagrams/s',
          'p50 ms',
          'p99',
          'Valid',
        ],
        rows.map((row) => {
          const { lostShare, datagrams, drops } = outcome(row);
          return [
            wayOf(row),
            String(row.labels['readers']),
            figure(row.cores, 2),
            row.lost === 0 ? '0' : `${(100 * lostShare).toFixed(2)} %`,
            String(observedOf(row)?.overflowFrames ?? '-'),
            String(drops),
            datagrams === 0 ? '-' : String(Math.round(datagrams)),
            figure(row.latency?.p50, 2),
            figure(row.latency?.p99, 2),
            validText(row),
          ];
        }),
      ),
    ],
    charts: [
      {
        name: 'cores',
        description: 'Cores of the server against readers, over UDP and TCP',
        svg: lineChart({
          title: `Cores of the server against readers of ${mbit} Mbit/s`,
          xLabel: 'readers',
          yLabel: 'cores',
          series: line((row) => row.cores),
        }),
      },
      {
        name: 'loss',
        description: 'Frames lost against readers, over UDP and TCP',
        svg: lineChart({
          title: `Frames lost against readers of ${mbit} Mbit/s`,
          xLabel: 'readers',
          yLabel: 'per cent of the frames of checked readers',
          series: line((row) => 100 * outcome(row).lostShare),
        }),
      },
    ],
  };
}

export const udpReaders: Experiment = {
  name: 'udp-readers',
  question: 'How many readers does one consumer carry over UDP before frames are lost, and how many over TCP?',
  minutes: 10,
  parts: (scale) => cases(scale).map(loadPart),
  render,
};
