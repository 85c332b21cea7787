/** Memory against cameras: configured only, live, live with readers, and with the GOP cache. */
import { setTimeout as delay } from 'node:timers/promises';
import { type FullMeasurement, measure } from '../../system/measurement.ts';
import { readUsage } from '../../system/process-usage.ts';
import { SkyweirTarget } from '../../system/target-skyweir.ts';
import { temporaryFolder } from '../../system/temporary-folder.ts';
import type { Experiment, Part, PartRecord, Scale } from '../experiment.ts';
import { cameraShape } from '../load-part.ts';
import { megabytes, table } from '../markdown.ts';
import { lineChart } from '../svg/charts.ts';

const counts = [1, 100, 250, 500, 1000];
const mbit = 4.5;
const restMs = 3000;
const states = {
  configured: 'configured, nobody there',
  live: 'live, no readers',
  read: 'live, a reader each',
  'gop-cache': 'the same with --gop-cache',
} as const;
type State = keyof typeof states;

/** What a part leaves. */
interface MemoryFigures {
  readonly state: State;
  readonly cameras: number;
  readonly residentBytes: number;
  readonly anonymousBytes: number;
  readonly sharedBytes: number;
  readonly descriptors: number;
  readonly threads: number;
  /** Bytes resident, once a second. */
  readonly samples: readonly number[];
}

function part(state: State, cameras: number, seconds: number): Part {
  return {
    name: `${cameras} cameras, ${state}`,
    options: { state, cameras, mbit, seconds },
    async run({ say }) {
      if (state === 'configured') return { figures: await atRest(cameras), validity: { cost: [], latency: [] } };
      const target = new SkyweirTarget(state === 'gop-cache' ? ['--gop-cache'] : []);
      const measurement = await measure(target, state === 'live' ? 'ingest' : 'relay', loadOf(cameras, seconds), say);
      return { figures: figuresOf(state, cameras, measurement), validity: measurement.validity };
    },
  };
}

function loadOf(cameras: number, seconds: number) {
  return {
    publishers: cameras,
    readers: cameras,
    seconds,
    warmupSeconds: 4,
    shape: cameraShape(mbit),
    connecting: 64,
    plainWrites: false,
    authentication: false,
    profile: '',
    pinTarget: '',
    pinLoad: '',
  };
}

function figuresOf(state: State, cameras: number, one: FullMeasurement): MemoryFigures {
  const { residentBytes, anonymousBytes, sharedBytes, descriptors, threads } = one;
  const samples = one.samples.map((sample) => sample.residentBytes);
  return { state, cameras, residentBytes, anonymousBytes, sharedBytes, descriptors, threads, samples };
}

async function atRest(cameras: number): Promise<MemoryFigures> {
  const folder = temporaryFolder('skyweir-bench-');
  const running = await new SkyweirTarget([]).start({
    streams: cameras,
    folder: folder.path,
    processors: '',
    authentication: false,
    profileFolder: '',
  });
  try {
    await delay(restMs);
    const { residentBytes, anonymousBytes, sharedBytes, descriptors, threads } = readUsage(running.process.pids);
    return {
      state: 'configured',
      cameras,
      residentBytes,
      anonymousBytes,
      sharedBytes,
      descriptors,
      threads,
      samples: [residentBytes],
    };
  } finally {
    await running.process.stop();
    folder.remove();
  }
}

function parts(scale: Scale): Part[] {
  const list: Part[] = [];
  for (const full of counts) {
    const cameras = full === 1 ? 1 : scale.count(full);
    for (const state of Object.keys(states) as State[]) list.push(part(state, cameras, scale.seconds(8)));
  }
  return list;
}

function render(records: readonly PartRecord[]) {
  const all = records.map(({ figures }) => figures as MemoryFigures);
  const known = (Object.keys(states) as State[]).filter((state) => all.some((one) => one.state === state));
  const cameras = [...new Set(all.map((one) => one.cameras))];
  const find = (state: State, count: number) => all.find((one) => one.state === state && one.cameras === count);
  const most = Math.max(...cameras);
  const least = Math.min(...cameras);
  const each = known.map((state) => {
    const [low, high] = [find(state, least), find(state, most)];
    if (low === undefined || high === undefined || most === least) return '-';
    return ((high.residentBytes - low.residentBytes) / 1e6 / (most - least)).toFixed(2);
  });
  return {
    blocks: [
      `Resident memory of the whole process in MB, cameras of ${mbit} Mbit/s:`,
      table(
        ['Cameras', ...known.map((state) => states[state])],
        [
          ...cameras.map((count) => [
            String(count),
            ...known.map((state) => {
              const one = find(state, count);
              return one === undefined ? '-' : megabytes(one.residentBytes);
            }),
          ]),
          ['**each more**', ...each],
        ],
      ),
    ],
    charts: [
      {
        name: '',
        description: 'Resident memory against cameras',
        svg: lineChart({
          title: `Resident memory against cameras of ${mbit} Mbit/s`,
          xLabel: 'cameras',
          yLabel: 'MB',
          series: known.map((state) => ({
            name: states[state],
            points: all
              .filter((one) => one.state === state)
              .map((one) => [one.cameras, one.residentBytes / 1e6] as const),
          })),
        }),
      },
    ],
  };
}

export const memory: Experiment = {
  name: 'memory',
  question: 'How much memory does a camera take?',
  minutes: 8,
  parts,
  render,
};
