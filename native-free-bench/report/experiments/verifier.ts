/** What the synthetic fleet itself costs beside the server: sending, and checking every frame in three ways. */
import { median } from '../../system/report.ts';
import type { Experiment, Part, PartRecord, Scale } from '../experiment.ts';
import { flyFleet } from '../fleet-run.ts';
import { figure, ratio, table } from '../markdown.ts';
import { barChart } from '../svg/charts.ts';

const cameras = 300;
const mbit = 4.5;
const promptShare = 0.1;
const ways = {
  'every frame at once': 'each reader takes every frame at once',
  usual: 'a tenth takes every frame at once, the others several at a time',
  'all bytes': 'the same, and all bytes are compared instead of a sample',
} as const;
type Way = keyof typeof ways;

interface VerifierFigures {
  readonly way: Way;
  readonly cameras: number;
  readonly senderCores: number;
  readonly readerCores: number;
  readonly serverCores: number;
  readonly machineCores: number;
  readonly frames: number;
  readonly lost: number;
  readonly pass: boolean;
}

function part(way: Way, round: number, scale: Scale): Part {
  const count = scale.count(cameras);
  const prompt = way === 'every frame at once' ? count : Math.max(1, Math.round(count * promptShare));
  const flags = [
    '--synthetic',
    '--count',
    String(count),
    '--bitrate',
    String(mbit),
    '--prompt-readers',
    String(prompt),
  ];
  flags.push('--seconds', String(scale.seconds(10)), ...(way === 'all bytes' ? ['--check-bytes'] : []));
  return {
    name: `${way}, round ${round}`,
    options: { flags },
    async run({ say }) {
      const { cost, totals, verdict } = await flyFleet(flags, say);
      if (cost === null) throw new Error('the fleet could not read what it cost');
      const figures: VerifierFigures = {
        way,
        cameras: count,
        senderCores: cost.senderCores,
        readerCores: cost.readerCores,
        serverCores: cost.server?.cores ?? Number.NaN,
        machineCores: cost.machineCores,
        frames: totals.frames,
        lost: totals.lost,
        pass: verdict.pass,
      };
      return { figures, validity: { cost: verdict.pass ? [] : ['the fleet did not pass'], latency: [] } };
    },
  };
}

function render(records: readonly PartRecord[]) {
  const all = records.map(({ figures }) => figures as VerifierFigures);
  const known = (Object.keys(ways) as Way[]).filter((way) => all.some((one) => one.way === way));
  const rows = known.map((way) => {
    const own = all.filter((one) => one.way === way);
    const middle = (pick: (one: VerifierFigures) => number): number => median(own.map(pick));
    return {
      way,
      sender: middle((one) => one.senderCores),
      reader: middle((one) => one.readerCores),
      server: middle((one) => one.serverCores),
      lost: own.reduce((sum, one) => sum + one.lost, 0),
    };
  });
  const first = rows[0]!;
  const count = all[0]!.cameras;
  return {
    blocks: [
      `\`npm run fleet -- --synthetic\` with ${count} cameras of ${mbit} Mbit/s. In each way every frame is checked for its camera, number, order and length.`,
      table(
        [
          'Readers',
          'Cores of the readers',
          'to the first',
          'Cores of the sender',
          'Cores of the server',
          'Frames lost',
        ],
        rows.map((row) => [
          ways[row.way],
          figure(row.reader),
          ratio(row.reader, first.reader),
          figure(row.sender),
          figure(row.server),
          String(row.lost),
        ]),
      ),
    ],
    charts: [
      {
        name: '',
        description: 'Cores of readers, sender and server of a synthetic fleet',
        svg: barChart({
          title: `Who works in a synthetic fleet of ${count} cameras of ${mbit} Mbit/s`,
          xLabel: 'how frames are read back',
          yLabel: 'cores',
          series: ['readers', 'sender', 'server'],
          groups: rows.map(({ way, reader, sender, server }) => ({ name: way, values: [reader, sender, server] })),
        }),
      },
    ],
  };
}

export const verifier: Experiment = {
  name: 'verifier',
  question: 'What does checking every frame of a fleet cost beside the server?',
  minutes: 4,
  parts: (scale) => {
    const list: Part[] = [];
    for (let round = 1; round <= scale.rounds(3); round++)
      for (const way of Object.keys(ways) as Way[]) list.push(part(way, round, scale));
    return list;
  },
  render,
};
