/** Ingest workers and consumers: what more of them cost, and how evenly the load falls; even and mixed bitrates. */
import { SeededRandom } from '../../../scripts/fleet/seeded-random.ts';
import type { StreamShape } from '../../system/synthetic-stream.ts';
import type { Experiment, PartRecord, Scale } from '../experiment.ts';
import { cameraShape, type LoadCase, loadPart, observedOf, rowsOf, validText } from '../load-part.ts';
import { figure, megabytes, table } from '../markdown.ts';
import { balanceOf } from '../server-metrics.ts';
import { barChart } from '../svg/charts.ts';

const workerCounts = [1, 2, 4];
const consumerCounts = [1, 2];
const cameras = 400;
const mbit = 4.5;

const [largeMbit, smallMbit, largeEvery] = [20, 0.8, 10] as const;
const mixSeed = 7;

/**
 * One 4K drone for every nine small ones, at places of chance: every tenth would fall on the same worker, as connections are
 * handed out in turn while nothing is known of their bitrate.
 */
function mixedShapes(count: number): StreamShape[] {
  const random = new SeededRandom(mixSeed);
  const places = Array.from({ length: count }, (_, index) => ({ index, rank: random.next() }));
  places.sort((one, other) => one.rank - other.rank);
  const large = new Set(places.slice(0, Math.ceil(count / largeEvery)).map(({ index }) => index));
  return places.map((_, index) => cameraShape(large.has(index) ? largeMbit : smallMbit));
}

const loads = {
  even: { text: `${mbit} Mbit/s each` },
  mixed: { text: `one of ${largeMbit} Mbit/s (4K) to nine of ${smallMbit} (360p)` },
} as const;

function cases(scale: Scale): LoadCase[] {
  const list: LoadCase[] = [];
  for (const load of ['even', 'mixed'] as const)
    for (let round = 1; round <= scale.rounds(2); round++)
      for (const workers of workerCounts)
        for (const consumers of consumerCounts) {
          const count = scale.count(cameras);
          list.push({
            labels: { load, workers, consumers },
            round,
            target: 'skyweir',
            flags: ['--ingest-workers', String(workers), '--consumers', String(consumers)],
            mode: 'relay',
            load: {
              publishers: count,
              readers: count,
              seconds: scale.seconds(10),
              shape: cameraShape(mbit),
              ...(load === 'mixed' ? { shapes: mixedShapes(count) } : {}),
            },
          });
        }
  return list;
}

function render(records: readonly PartRecord[]) {
  const rows = rowsOf(records);
  const label = (name: string) => [...new Set(rows.map(({ labels }) => labels[name]!))];
  const find = (load: unknown, workers: unknown, consumers: unknown) =>
    rows.find(
      ({ labels }) => labels['load'] === load && labels['workers'] === workers && labels['consumers'] === consumers,
    );
  const count = rows[0]!.all[0]!.publishers;
  return {
    blocks: [
      `${count} cameras with a reader each. _Balance_ is the busiest thread's bits per second over the least busy one's, as the server's ` +
        `own metrics have them at the end of the window: 1 is even. More threads than cores cannot bring more; what counts here is what they cost. All cameras connect at once, before their bitrates are known, which is the hardest case for an even spread.`,
      table(
        [
          'Load',
          'Ingest workers',
          'Consumers',
          'CPU s/Gbit',
          'Cores',
          'Balance of workers',
          'of consumers',
          'MB',
          'p50 ms',
          'p99',
          'Lost',
          'Valid rounds',
        ],
        rows.map((row) => {
          const seen = observedOf(row);
          return [
            loads[row.labels['load'] as keyof typeof loads].text,
            String(row.labels['workers']),
            String(row.labels['consumers']),
            figure(row.cpuPerGigabit),
            figure(row.cores, 2),
            seen === null ? '-' : figure(balanceOf(seen, 'ingest')),
            seen === null ? '-' : figure(balanceOf(seen, 'consumer')),
            megabytes(row.residentBytes),
            figure(row.latency?.p50, 2),
            figure(row.latency?.p99, 2),
            String(row.lost),
            validText(row),
          ];
        }),
      ),
    ],
    charts: label('load').map((load) => ({
      name: String(load),
      description: `CPU seconds per Gbit by threads, ${loads[load as keyof typeof loads].text}`,
      svg: barChart({
        title: `Cost by number of threads: ${loads[load as keyof typeof loads].text}`,
        xLabel: 'ingest workers',
        yLabel: 'CPU seconds per Gbit received',
        series: label('consumers').map((consumers) => `${consumers} ${consumers === 1 ? 'consumer' : 'consumers'}`),
        groups: label('workers').map((workers) => ({
          name: String(workers),
          values: label('consumers').map((consumers) => find(load, workers, consumers)?.cpuPerGigabit ?? null),
        })),
      }),
    })),
  };
}

export const scaling: Experiment = {
  name: 'scaling',
  question: 'What do more ingest workers and consumers cost, and is the load spread evenly?',
  minutes: 15,
  parts: (scale) => cases(scale).map(loadPart),
  render,
};
