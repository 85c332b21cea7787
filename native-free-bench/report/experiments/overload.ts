/** A server that gets too little processor time for a while: what readers get meanwhile, and how soon all is well again. */
import { type ChildProcess, spawn } from 'node:child_process';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { type LatencySummary, summaryOf } from '../../system/histogram.ts';
import type { PublishFigures, ReadFigures } from '../../system/load-messages.ts';
import type { LoadProcess } from '../../system/load-process.ts';
import { processTree, readUsage } from '../../system/process-usage.ts';
import type { RunningTarget } from '../../system/target.ts';
import { temporaryFolder } from '../../system/temporary-folder.ts';
import type { Experiment, Part, PartContext, PartRecord, Scale } from '../experiment.ts';
import { cameraShape, type TargetName, targetOf } from '../load-part.ts';
import { Loads } from '../loads.ts';
import { figure, table } from '../markdown.ts';
import { lineChart } from '../svg/charts.ts';

const cameras = 1000;
const mbit = 4.67;
/** Connections on their way at once. */
const connecting = 64;
/** Seconds of load before, of each phase, and after. */
const [warmupSeconds, calmSeconds, slowSeconds, afterSeconds] = [4, 5, 10, 20];
/** Milliseconds that the server runs and is stopped in turn while it is slow. */
const [runMs, stopMs] = [5, 15];
/** A second is well when no reader was silent at its end, this part of the frames came, and 99 % of them within so many milliseconds. */
const [wellPart, wellMs] = [0.98, 250];
const names: Readonly<Record<string, string>> = { skyweir: 'Skyweir', nginx: 'nginx-rtmp' };

/** One second. */
interface Second {
  /** Of its begin, from when the server became slow. */
  readonly at: number;
  /** Frames that readers got, of those that were due. */
  readonly part: number;
  readonly silent: number;
  readonly lost: number;
  readonly latency: LatencySummary;
  /** Of the generator. */
  readonly lateness: LatencySummary;
  readonly cores: number;
  readonly residentBytes: number;
}

interface OverloadFigures {
  readonly target: TargetName;
  readonly cameras: number;
  readonly slowSeconds: number;
  readonly seconds: readonly Second[];
}

function part(target: TargetName, round: number, scale: Scale): Part {
  const count = scale.count(cameras);
  return {
    name: `${target}, round ${round}`,
    options: { target, cameras: count, mbit, runMs, stopMs },
    run: (context) => overloaded(target, count, context),
  };
}

async function overloaded(name: TargetName, count: number, { scale, say }: PartContext) {
  const folder = temporaryFolder('skyweir-bench-');
  const shared = { folder: folder.path, processors: '', authentication: false, profileFolder: '' };
  const running = await targetOf(name, [], count).start({ streams: count, ...shared });
  const loads = new Loads(running, say);
  let brakes: ChildProcess[] = [];
  try {
    const streams = Array.from({ length: count }, (_, index) => running.stream(index));
    const shape = cameraShape(mbit);
    const publish = { type: 'publish', connecting, port: running.rtmpPort, plainWrites: false, streams, shape };
    const publishers = await loads.start(`${name}: publishing`, 'load-publishers.ts', publish);
    const read = { type: 'read', connecting, protocol: running.readProtocol, port: running.readPort };
    const readers = await loads.start(`${name}: reading`, 'load-readers.ts', {
      ...{ ...read, credentials: running.credentials, streams, readers: count },
    });
    await delay(warmupSeconds * 1000);
    const seconds: Second[] = [];
    const watch = async (from: number, to: number): Promise<void> => {
      for (let at = from; at < to; at++) {
        seconds.push({ at, ...(await oneSecond(running, publishers, readers, count * shape.framesPerSecond)) });
        say(`${name}: ${lineOf(seconds.at(-1)!)}`);
      }
    };
    const slow = scale.seconds(slowSeconds);
    await watch(-calmSeconds, 0);
    brakes = processTree(running.process.pids).map(brake);
    await watch(0, slow);
    for (const one of brakes) one.stdin!.end();
    await watch(slow, slow + afterSeconds);
    const figures: OverloadFigures = { target: name, cameras: count, slowSeconds: slow, seconds };
    const isCalm = seconds.every((one) => one.at >= 0 || isWell(one));
    return { figures, validity: { cost: isCalm ? [] : ['not all was well before'], latency: [] } };
  } finally {
    for (const one of brakes) one.stdin!.end();
    await loads.stop();
    await running.process.stop();
    folder.remove();
  }
}

async function oneSecond(
  running: RunningTarget,
  publishers: LoadProcess,
  readers: LoadProcess,
  framesDue: number,
): Promise<Omit<Second, 'at'>> {
  const before = readUsage(running.process.pids).cpuSeconds;
  publishers.send({ type: 'begin' });
  readers.send({ type: 'begin' });
  await delay(1000);
  const published = await publishers.ask<PublishFigures>({ type: 'end' });
  const received = await readers.ask<ReadFigures>({ type: 'end' });
  const { cpuSeconds, residentBytes } = readUsage(running.process.pids);
  return {
    part: received.frames / (framesDue * received.seconds),
    silent: received.silent,
    lost: received.lost,
    latency: summaryOf(received.latency),
    lateness: summaryOf(published.lateness),
    cores: (cpuSeconds - before) / received.seconds,
    residentBytes,
  };
}

/** Slows a process down until its standard input ends. */
function brake(pid: number): ChildProcess {
  const file = join(import.meta.dirname, '../../system/slow-down.ts');
  return spawn(process.execPath, [file, String(pid), String(runMs), String(stopMs)], {
    stdio: ['pipe', 'ignore', 'inherit'],
  });
}

function isWell({ part: share, silent, latency }: Second): boolean {
  return silent === 0 && share >= wellPart && latency.p99Ms <= wellMs;
}

/** Seconds from the end of the slow phase until every one was well; null if that did not happen. */
function recoveredAfter({ seconds, slowSeconds: slow }: OverloadFigures): number | null {
  const last = seconds.findLast((one) => !isWell(one));
  if (last === undefined) return 0;
  return last === seconds.at(-1) ? null : Math.max(0, last.at + 1 - slow);
}

function lineOf({ at, part: share, silent, lost, latency, cores, residentBytes, lateness }: Second): string {
  const delays = `p50 ${latency.p50Ms.toFixed(0)} p99 ${latency.p99Ms.toFixed(0)} ms`;
  const load = `${cores.toFixed(2)} cores, ${(residentBytes / 1e6).toFixed(0)} MB, generator late p99 ${lateness.p99Ms.toFixed(0)} ms`;
  return `${at} s: ${(100 * share).toFixed(0)} % of the frames, ${delays}, lost ${lost}, silent ${silent}, ${load}`;
}

function rowOf(one: OverloadFigures, round: number): string[] {
  const slow = one.seconds.filter(({ at }) => at >= 0 && at < one.slowSeconds);
  const later = one.seconds.filter(({ at }) => at >= 0);
  const most = (list: readonly Second[], pick: (second: Second) => number): number => Math.max(...list.map(pick));
  const average = (list: readonly Second[], pick: (second: Second) => number): number =>
    list.reduce((sum, second) => sum + pick(second), 0) / list.length;
  const recovered = recoveredAfter(one);
  return [
    names[one.target]!,
    String(round),
    figure(100 * average(slow, ({ part: share }) => share), 0),
    figure(100 * average(slow, ({ silent }) => silent / one.cameras), 0),
    figure(most(slow, ({ latency }) => latency.p50Ms) / 1000, 2),
    figure(most(slow, ({ latency }) => latency.p99Ms) / 1000, 2),
    String(later.reduce((sum, { lost }) => sum + lost, 0)),
    figure(most(later, ({ residentBytes }) => residentBytes) / 1e6, 0),
    recovered === null ? `not within ${afterSeconds}` : String(recovered),
  ];
}

function render(records: readonly PartRecord[]) {
  const all = records.map(({ figures }) => figures as OverloadFigures);
  const { cameras: count, slowSeconds: slow } = all[0]!;
  const rounds = new Map<TargetName, number>();
  const rows = all.map((one) => {
    const round = (rounds.get(one.target) ?? 0) + 1;
    rounds.set(one.target, round);
    return rowOf(one, round);
  });
  // One round of each is drawn; all are in the table.
  const drawn = all.filter((one, index) => all.findIndex(({ target }) => target === one.target) === index);
  return {
    blocks: [
      `${count} cameras of ${mbit} Mbit/s with a reader each. For ${slow} s the server is stopped for ${stopMs} of every ${runMs + stopMs} ms; publishers send on. ` +
        `_Well again_ counts the seconds after that, until in every one at least ${100 * wellPart} % of the frames came, 99 % of them within ${wellMs} ms, and no reader was without pictures.`,
      table(
        [
          'Server',
          'Round',
          'Meanwhile: % of the frames',
          '% of readers silent',
          'p50 at worst, s',
          'p99 at worst, s',
          'Lost in all',
          'MB at most',
          'Well again after s',
        ],
        rows,
      ),
    ],
    charts: [
      {
        name: '',
        description: 'The 99th percentile of the latency against time, with a server that is slow for a while',
        svg: lineChart({
          title: `The server is slow from 0 to ${slow} s`,
          xLabel: 'seconds',
          yLabel: 'p99 of the latency, ms',
          logarithmicY: true,
          plain: true,
          series: drawn.map((one) => ({
            name: names[one.target]!,
            points: one.seconds.map(({ at, latency }) => [at, latency.p99Ms] as const),
          })),
        }),
      },
    ],
  };
}

export const overload: Experiment = {
  name: 'overload',
  question: 'What do readers get from a server without enough processor time, and how soon is all well again?',
  minutes: 7,
  parts: (scale) =>
    Array.from({ length: scale.rounds(3) }, (_, index) => index + 1).flatMap((round) =>
      (['skyweir', 'nginx'] as const).map((target) => part(target, round, scale)),
    ),
  render,
};
