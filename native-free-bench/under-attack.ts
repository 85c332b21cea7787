/**
 * What hostile peers cost those that mean well: a fleet of cameras with readers, first alone, then while rows of the hostile
 * suite play against the same server. Everything runs on one machine. See `--help`.
 */
import { type ChildProcess, fork, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { availableParallelism, cpus, loadavg } from 'node:os';
import { join, resolve } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { type LatencySummary, summaryOf } from './system/histogram.ts';
import type { PublishFigures, ReadFigures } from './system/load-messages.ts';
import { LoadProcess } from './system/load-process.ts';
import { readMachineCpu, readUsage } from './system/process-usage.ts';
import { temporaryFolder } from './system/temporary-folder.ts';
import { AttackedServer } from './under-attack/attacked-server.ts';
import type { AttackFigures, AttackOptions } from './under-attack/attackers.ts';

const root = resolve(import.meta.dirname, '..');
const rampSeconds = 60;
const warmupSeconds = 4;
/** The p99 under attack is to be at most this many times that without. */
const wantedRatio = 2;

const { values } = parseArgs({
  options: {
    cameras: { type: 'string', default: '100' },
    mbit: { type: 'string', default: '2' },
    seconds: { type: 'string', default: '10' },
    first: { type: 'string', default: '20' },
    attack: { type: 'string', default: '40' },
    lanes: { type: 'string', default: '6' },
    each: { type: 'boolean', default: false },
    help: { type: 'boolean', short: 'h' },
  },
});
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => process.exit(130));
if (values.help)
  console.log(
    'node native-free-bench/under-attack.ts [--cameras 100] [--mbit 2] [--seconds 10] [--first 20] [--attack 40] [--lanes 6] [--each]\n' +
      'first: seconds in which the server sees the rows for the first time, and compiles what they run; attack: those after it\n' +
      'each: play every row alone instead, and tell which ones were felt most',
  );
else await run();

/** One window of the fleet. */
interface Window {
  readonly published: PublishFigures;
  readonly received: ReadFigures;
  readonly latency: LatencySummary;
  readonly lateness: LatencySummary;
  readonly serverCores: number;
  readonly machineCores: number;
}

async function run(): Promise<void> {
  const folder = temporaryFolder('skyweir-attack-');
  const cameras = Number(values.cameras);
  const { scripts } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { scripts: { start: string } };
  const nodeFlags = scripts.start.split(' ').filter((word) => word.startsWith('--'));
  const server = await AttackedServer.start(folder.path, cameras, nodeFlags);
  const loads: LoadProcess[] = [];
  try {
    const fleet = await startFleet(server, loads);
    await delay(warmupSeconds * 1000);
    if (values.each) return await playEach(fleet, server);
    const alone = await measure(fleet, server, Number(values.seconds));
    const attack = startAttack(server);
    const first = await measure(fleet, server, Number(values.first));
    const under = await measure(fleet, server, Number(values.attack));
    const figures = await stopAttack(attack);
    if (server.process.ended) throw new Error(`the server ended:\n${server.process.output}`);
    print({ alone, 'first time': first, 'under attack': under }, figures);
  } finally {
    for (const load of loads.reverse()) await load.stop();
    await server.process.stop();
    folder.remove();
  }
}

/** Plays the rows one after the other; of each, the longest latency that a reader saw meanwhile. */
async function playEach({ publishers, readers }: Fleet, server: AttackedServer): Promise<void> {
  const attack = startAttack(server, 0);
  const felt: { readonly id: string; readonly latency: LatencySummary; readonly lost: number }[] = [];
  for (;;) {
    readers.send({ type: 'begin' });
    publishers.send({ type: 'begin' });
    attack.send('next');
    const [{ id }] = (await once(attack, 'message')) as [{ id: string | null }];
    if (id === null) break;
    // What was queued up meanwhile has to come through.
    await delay(150);
    const received = await readers.ask<ReadFigures>({ type: 'end' });
    felt.push({ id, latency: summaryOf(received.latency), lost: received.lost + received.sequenceGaps });
  }
  await stopAttack(attack);
  felt.sort((a, b) => b.latency.maximumMs - a.latency.maximumMs);
  for (const { id, latency, lost } of felt.slice(0, 20))
    console.log(
      `${id.padEnd(34)} p50 ${latency.p50Ms.toFixed(1)} p99 ${latency.p99Ms.toFixed(1)} max ${latency.maximumMs.toFixed(0)} ms, lost ${lost}`,
    );
}

interface Fleet {
  readonly publishers: LoadProcess;
  readonly readers: LoadProcess;
}

/**
 * Cameras, recorders and attackers have machines of their own. What they wait for a processor here would be counted as the
 * server's delay, and what attackers use would be missing to it. So those that measure run whenever they have something to do, and
 * those that attack when nobody else has (sched(7)). Without the right to that all share, and the figures say how late the generator was.
 */
function schedule(policy: '--fifo' | '--idle', pid: number): void {
  const { status } = spawnSync('chrt', [policy, '--all-tasks', '--pid', policy === '--fifo' ? '1' : '0', `${pid}`]);
  if (status !== 0) console.error('fleet and attackers have no machines of their own; run this as root on Linux');
}

async function startFleet(server: AttackedServer, loads: LoadProcess[]): Promise<Fleet> {
  const { ports, fleet: streams, credentials } = server;
  const publishers = new LoadProcess('load-publishers.ts', '');
  loads.push(publishers);
  schedule('--fifo', publishers.pid);
  const shape = { bitsPerSecond: Number(values.mbit) * 1e6, framesPerSecond: 30, gop: 60, chunkSize: 4096 };
  publishers.send({ type: 'publish', port: ports.rtmp, streams, shape, connecting: 16, plainWrites: false });
  await ramp('publishers', publishers);
  const readers = new LoadProcess('load-readers.ts', '');
  loads.push(readers);
  schedule('--fifo', readers.pid);
  const { user, password } = credentials;
  readers.send({
    type: 'read',
    protocol: 'rtsp',
    port: ports.rtsp,
    streams,
    readers: streams.length,
    connecting: 16,
    credentials: { user, password },
  });
  await ramp('readers', readers);
  return { publishers, readers };
}

async function ramp(what: string, load: LoadProcess): Promise<void> {
  const endMs = performance.now() + rampSeconds * 1000;
  for (;;) {
    await delay(100);
    const { progress } = load;
    if (progress !== null && progress.active === progress.wanted) return;
    if (load.ended || performance.now() > endMs || (progress !== null && progress.failed > 0))
      throw new Error(`not all ${what} came up: ${JSON.stringify(progress)}`);
  }
}

async function measure({ publishers, readers }: Fleet, server: AttackedServer, seconds: number): Promise<Window> {
  const before = readUsage(server.process.pid);
  const machineBefore = readMachineCpu();
  publishers.send({ type: 'begin' });
  readers.send({ type: 'begin' });
  await delay(seconds * 1000);
  const published = await publishers.ask<PublishFigures>({ type: 'end' });
  const received = await readers.ask<ReadFigures>({ type: 'end' });
  return {
    published,
    received,
    latency: summaryOf(received.latency),
    lateness: summaryOf(published.lateness),
    serverCores: (readUsage(server.process.pid).cpuSeconds - before.cpuSeconds) / published.seconds,
    machineCores: (readMachineCpu() - machineBefore) / published.seconds,
  };
}

function startAttack({ ports }: AttackedServer, lanes = Number(values.lanes)): ChildProcess {
  const child = fork(join(import.meta.dirname, 'under-attack/attackers.ts'), {
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
  });
  process.once('exit', () => child.kill('SIGKILL'));
  schedule('--idle', child.pid!);
  const options: AttackOptions = { ports, lanes };
  child.send(options);
  return child;
}

async function stopAttack(child: ChildProcess): Promise<AttackFigures> {
  child.send('stop');
  const [figures] = (await once(child, 'message')) as [AttackFigures];
  return figures;
}

function print(
  windows: Readonly<Record<'alone' | 'first time' | 'under attack', Window>>,
  attack: AttackFigures,
): void {
  const [model] = cpus();
  const load = loadavg()
    .map((value) => value.toFixed(1))
    .join(' ');
  console.log(
    `${values.cameras} cameras of ${values.mbit} Mbit/s with a reader each; ${availableParallelism()} x ${model?.model}, Node ${process.versions.node}, load ${load}`,
  );
  console.log(
    `attack: ${attack.rows} rows (${attack.different} different), ${attack.connections} connections in ` +
      `${attack.seconds.toFixed(0)} s, ${(attack.cpuSeconds / attack.seconds).toFixed(2)} cores of the attackers`,
  );
  for (const [name, window] of Object.entries(windows)) {
    const { published, received, latency, lateness, serverCores, machineCores } = window;
    const wrong = received.lost + received.duplicated + received.reordered + received.misrouted + received.sequenceGaps;
    console.log(
      `${name.padEnd(13)} p50 ${latency.p50Ms.toFixed(1)} p99 ${latency.p99Ms.toFixed(1)} p99.9 ${latency.p999Ms.toFixed(1)} max ${latency.maximumMs.toFixed(0)} ms; ` +
        `frames ${received.frames}, lost or out of order ${wrong}, silent ${received.silent}, closed ${published.closed + received.closed}, not sent ${published.notSent}; ` +
        `generator late p99 ${lateness.p99Ms.toFixed(1)} ms; server ${serverCores.toFixed(2)} of ${machineCores.toFixed(2)} cores in use`,
    );
    if (received.lost > 0 || received.closed + published.closed > 0) process.exitCode = 1;
  }
  const ratios = [windows['first time'], windows['under attack']].map(({ latency }) =>
    (latency.p99Ms / windows.alone.latency.p99Ms).toFixed(2),
  );
  console.log(`p99 ratio ${ratios.join(', then ')} (wanted: at most ${wantedRatio})`);
}
