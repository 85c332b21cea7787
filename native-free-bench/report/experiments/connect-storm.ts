/** All publishers at once: at the start, and after the server was killed and started again. */
import { setTimeout as delay } from 'node:timers/promises';
import type { StormFigures } from '../../system/load-messages.ts';
import { LoadProcess } from '../../system/load-process.ts';
import { temporaryFolder } from '../../system/temporary-folder.ts';
import type { Experiment, Part, PartContext, PartRecord, Scale } from '../experiment.ts';
import { cameraShape, type TargetName, targetOf } from '../load-part.ts';
import { figure, table } from '../markdown.ts';
import { lineChart } from '../svg/charts.ts';

const publishers = 1000;
const mbit = 1;
const overMs = 3000;
const retryMs = 1000;
/** The wait for the last one ends after so long, and the account goes on for a moment after it. */
const patienceMs = 30_000;
const afterMs = 2000;
const names: Readonly<Record<string, string>> = { skyweir: 'Skyweir', nginx: 'nginx-rtmp' };

/** One storm. Milliseconds count from the first connect, or from the kill. */
interface StormRun {
  readonly publishing: readonly number[];
  readonly stepMs: number;
  readonly attempts: number;
  readonly failedAttempts: number;
  readonly firstFailure: string;
  /** When half, 99 % and all of them published; null where that did not happen. */
  readonly halfMs: number | null;
  readonly mostMs: number | null;
  readonly allMs: number | null;
  /** When the server listened again; 0 for the first storm. */
  readonly listeningMs: number;
}

interface StormRecord {
  readonly target: TargetName;
  readonly publishers: number;
  readonly first: StormRun;
  readonly restart: StormRun;
}

function part(target: TargetName, round: number, scale: Scale): Part {
  const count = scale.count(publishers);
  return {
    name: `${target}, round ${round}`,
    options: { target, publishers: count, mbit, overMs, retryMs },
    run: (context) => storm(target, count, context),
  };
}

async function storm(name: TargetName, count: number, { say }: PartContext) {
  const folder = temporaryFolder('skyweir-bench-');
  const target = targetOf(name, [], count);
  const options = { streams: count, folder: folder.path, processors: '', authentication: false, profileFolder: '' };
  let running = await target.start(options);
  const load = new LoadProcess('load-storm.ts', '');
  try {
    const streams = Array.from({ length: count }, (_, index) => running.stream(index));
    const shape = cameraShape(mbit);
    load.send({ type: 'storm', port: running.rtmpPort, streams, shape, overMs, retryMs });
    await allPublish(load, count);
    const first = runOf(await load.ask<StormFigures>({ type: 'end' }), count, 0);
    say(`${name}: ${describe(first, count)}`);
    load.send({ type: 'begin' });
    const killedMs = performance.now();
    await running.process.kill();
    await gone(load, count);
    running = await target.start({ ...options, again: running });
    const listeningMs = performance.now() - killedMs;
    await allPublish(load, count);
    const restart = runOf(await load.ask<StormFigures>({ type: 'end' }), count, listeningMs);
    say(`${name}, after kill -9: ${describe(restart, count)}`);
    const figures: StormRecord = { target: name, publishers: count, first, restart };
    const missing = [first, restart].some(({ allMs }) => allMs === null);
    return { figures, validity: { cost: missing ? ['not all came to publish'] : [], latency: [] } };
  } finally {
    await load.stop();
    await running.process.stop();
    folder.remove();
  }
}

/** The load must have seen the end of the old server before what it reports can be that of the new one. */
async function gone(load: LoadProcess, count: number): Promise<void> {
  const untilMs = performance.now() + patienceMs;
  while ((load.progress?.active ?? 0) >= count && performance.now() < untilMs) await delay(20);
}

async function allPublish(load: LoadProcess, count: number): Promise<void> {
  const untilMs = performance.now() + patienceMs;
  while ((load.progress?.active ?? 0) < count && performance.now() < untilMs) await delay(50);
  await delay(afterMs);
}

function runOf(figures: StormFigures, count: number, listeningMs: number): StormRun {
  // A connection that came twice counts with the last time; only as many as there are publishers are looked at.
  const times = [...figures.publishedMs].sort((a, b) => a - b);
  const all = figures.publishing.at(-1) === count;
  const at = (share: number): number | null => times[Math.ceil(share * count) - 1] ?? null;
  const { publishing, stepMs, attempts, failedAttempts, firstFailure } = figures;
  return {
    publishing,
    stepMs,
    attempts,
    failedAttempts,
    firstFailure,
    halfMs: at(0.5),
    mostMs: at(0.99),
    allMs: all ? (times.at(-1) ?? null) : null,
    listeningMs,
  };
}

function describe({ allMs, publishing, attempts, failedAttempts }: StormRun, count: number): string {
  const when =
    allMs === null
      ? `only ${publishing.at(-1)} of ${count} publish`
      : `all publish after ${(allMs / 1000).toFixed(2)} s`;
  return `${when}, ${attempts} attempts of which ${failedAttempts} failed`;
}

function parts(scale: Scale): Part[] {
  const list: Part[] = [];
  for (let round = 1; round <= scale.rounds(3); round++)
    for (const target of ['skyweir', 'nginx'] as const) list.push(part(target, round, scale));
  return list;
}

function render(records: readonly PartRecord[]) {
  const all = records.map(({ figures }) => figures as StormRecord);
  const count = all[0]!.publishers;
  // One round of each is drawn; all are in the table.
  const drawn = all.filter((one, index) => all.findIndex(({ target }) => target === one.target) === index);
  const chart = (title: string, pick: (one: StormRecord) => StormRun) =>
    lineChart({
      title,
      xLabel: 'seconds',
      yLabel: 'connections that publish',
      plain: true,
      series: drawn.map((one) => ({
        name: names[one.target]!,
        points: pick(one).publishing.map((value, index) => [((index + 1) * one.first.stepMs) / 1000, value] as const),
      })),
    });
  const seconds = (ms: number | null): string => (ms === null ? 'never' : figure(ms / 1000, 2));
  const row = (one: StormRecord, what: string, run: StormRun): string[] => [
    names[one.target]!,
    what,
    what === 'start' ? '-' : seconds(run.listeningMs),
    seconds(run.halfMs),
    seconds(run.mostMs),
    seconds(run.allMs),
    String(run.attempts),
    String(run.failedAttempts),
  ];
  return {
    blocks: [
      `${count} publishers of ${mbit} Mbit/s connect within ${overMs / 1000} s. Then the server is killed (\`kill -9\`) and started again at once; ` +
        `each publisher tries again ${(0.5 * retryMs) / 1000} to ${(1.5 * retryMs) / 1000} s after it has lost its connection, and so on. ` +
        'Seconds count from the first connect, or from the kill. The rate limiter is off.',
      table(
        ['Server', 'Storm', 'Listening after s', 'Half publish after s', '99 %', 'All', 'Attempts', 'Failed'],
        all.flatMap((one) => [row(one, 'start', one.first), row(one, 'restart', one.restart)]),
      ),
    ],
    charts: [
      {
        name: 'start',
        description: 'Connections that publish against time, all connecting within 3 s',
        svg: chart(`${count} publishers connect within ${overMs / 1000} s`, (one) => one.first),
      },
      {
        name: 'restart',
        description: 'Connections that publish against time, after the server was killed',
        svg: chart(`The server is killed at 0 s and started again`, (one) => one.restart),
      },
    ],
  };
}

export const connectStorm: Experiment = {
  name: 'connect-storm',
  question: 'How long until all publish, when all connect at once and when the server was killed?',
  minutes: 3,
  parts,
  render,
};
