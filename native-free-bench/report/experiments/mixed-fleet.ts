/** An hour with FFmpeg cameras of all kinds, four fates and slow readers: every frame accounted for, and nothing grows. */
import type { FleetReport, ReportedCamera } from '../../../scripts/fleet/report.ts';
import type { Experiment, PartRecord, Scale } from '../experiment.ts';
import { flyFleet } from '../fleet-run.ts';
import { figure, table } from '../markdown.ts';
import { lineChart } from '../svg/charts.ts';

const cameras = 60;
const quickCameras = 8;
const minutes = 60;
const quickSeconds = 20;
const minuteMs = 60_000;

/** The report without what only its own reader wants: the gaps and ends of each camera. */
type HourFigures = Omit<FleetReport, 'cameras'> & {
  readonly cameras: readonly (Pick<ReportedCamera, 'path' | 'clip' | 'account' | 'fate'> & {
    readonly kills: number;
    readonly broken: number;
    readonly starts: number;
    readonly duplicated: number;
    readonly reordered: number;
    readonly corrupt: number;
  })[];
};

function shortened(report: FleetReport): HourFigures {
  return {
    ...report,
    cameras: report.cameras.map(({ path, clip, account, fate, publisher, reader }) => ({
      path,
      clip,
      account,
      fate,
      kills: publisher.kills,
      broken: publisher.broken,
      starts: publisher.starts,
      duplicated: reader?.duplicated ?? 0,
      reordered: reader?.reordered ?? 0,
      corrupt: reader?.corrupt ?? 0,
    })),
  };
}

function parts(scale: Scale) {
  const count = scale.quick ? quickCameras : cameras;
  const length = scale.quick ? ['--seconds', String(quickSeconds)] : ['--minutes', String(minutes)];
  const flags = ['--scenario', 'rough', '--count', String(count), ...length];
  return [
    {
      name: 'hour',
      options: { flags },
      async run({ say }: { say(line: string): void }) {
        const report = await flyFleet(flags, say);
        const cost = report.verdict.pass ? [] : [report.verdict.line];
        return { figures: shortened(report), validity: { cost, latency: [] } };
      },
    },
  ];
}

function render(records: readonly PartRecord[]) {
  const report = records[0]!.figures as HourFigures;
  const fates = [...new Set(report.cameras.map(({ fate }) => fate!))];
  const { samples, trends, totals, slowReaders } = report;
  const minute = (atMs: number): number => atMs / minuteMs;
  const line = (name: string, value: (one: HourFigures['samples'][number]) => number) => ({
    name,
    points: samples.map((one) => [minute(one.atMs), value(one)] as const),
  });
  const mb = (bytes: number): string => `${(bytes / 1e6).toFixed(0)} MB`;
  const drift =
    trends.resident === null
      ? 'The run was too short to tell whether memory grows.'
      : `Resident memory came back to ${mb(trends.resident.first)} in the first third after the warm-up and to ${mb(trends.resident.last)} in the last ` +
        `(${mb(trends.resident.perHour)} per hour, ${mb(trends.resident.highest)} at most); descriptors went from ${trends.descriptors?.first} to ${trends.descriptors?.last}.`;
  return {
    blocks: [
      `**${report.verdict.line}**`,
      `${report.count} FFmpeg cameras of eight kinds (360p to 4K, 15 to 60 frames a second) for ${figure(report.seconds / 60, 2)} minutes: ${totals.kills} kills, ` +
        `${totals.broken} broken streams, ${totals.returns} returns. ` +
        (slowReaders === null
          ? ''
          : `${slowReaders.readers} further readers stopped reading ${slowReaders.pauses} times and were cut off ${slowReaders.cutOff} times. `) +
        drift,
      'What became of every frame, by what happens to its camera. _Cut off_ are frames that were on their way when a stream was killed or broke:',
      table(
        [
          'Cameras that',
          'Count',
          'Returns',
          'Sent at least',
          'Read back',
          'Lost',
          'Twice or out of order',
          'Wrong bytes',
          'Cut off',
          'Unexplained',
        ],
        fates.map((fate) => {
          const own = report.cameras.filter((camera) => camera.fate === fate);
          const sum = (pick: (camera: (typeof own)[number]) => number): string =>
            String(own.reduce((total, camera) => total + pick(camera), 0));
          return [
            fate
              .replace(/^has/, 'have')
              .replace(/^is/, 'are')
              .replace('leaves and comes', 'leave and come')
              .replace('stays', 'stay')
              .replace('a bad link', 'bad links'),
            String(own.length),
            sum(({ starts }) => Math.max(0, starts - 1)),
            sum(({ account }) => account.sent),
            sum(({ account }) => account.read),
            sum(({ account }) => account.lost),
            sum(({ duplicated, reordered }) => duplicated + reordered),
            sum(({ corrupt }) => corrupt),
            sum(({ account }) => account.cutOff),
            sum(({ account }) => account.unexplained),
          ];
        }),
      ),
    ],
    charts: [
      {
        name: 'memory',
        description: 'Memory of the server against time',
        svg: lineChart({
          title: 'Memory of the server while cameras and readers come and go',
          xLabel: 'minutes',
          yLabel: 'MB',
          plain: true,
          series: [
            line('resident', (one) => one.residentBytes / 1e6),
            line('of which anonymous', (one) => one.anonymousBytes / 1e6),
          ],
        }),
      },
      {
        name: 'descriptors',
        description: 'Open descriptors, live cameras and the deepest ring against time',
        svg: lineChart({
          title: 'Open files, live cameras, and frames in the deepest ring',
          xLabel: 'minutes',
          yLabel: 'count',
          plain: true,
          series: [
            line('open files', (one) => one.descriptors),
            line('live cameras', (one) => one.live),
            line('frames the slowest reader was behind', (one) => one.rings?.deepestFrames ?? 0),
          ],
        }),
      },
    ],
  };
}

export const mixedFleet: Experiment = {
  name: 'mixed-fleet',
  question: 'Does every frame of an hour of kills, black-outs and slow readers come back, and does nothing grow?',
  minutes: 62,
  parts,
  render,
};
