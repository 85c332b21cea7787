/**
 * How long a recorder takes to look at all ONVIF devices while cameras stream, and what waiting recorders cost. The client
 * and the publishers run on the same machine and take their part of its processors. See `--help`.
 */
import { readFileSync } from 'node:fs';
import { availableParallelism, cpus, loadavg } from 'node:os';
import { join, resolve } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { Command, InvalidArgumentError } from 'commander';
import { DeviceClient } from './onvif/device-client.ts';
import { Histogram } from './system/histogram.ts';
import { LoadProcess } from './system/load-process.ts';
import { parseStat, readMachineCpu, readUsage } from './system/process-usage.ts';
import { TargetProcess } from './system/target.ts';
import { temporaryFolder } from './system/temporary-folder.ts';

const root = resolve(import.meta.dirname, '..');
const credentials = { user: 'bench', password: 'bench-only' };
const ticksPerSecond = 100;

/** Seconds that one pull of a waiting recorder takes, as XProtect asks. */
const pullSeconds = 5;
const rampSeconds = 120;

interface Options {
  readonly cameras: number;
  readonly publishers: number;
  readonly mbit: number;
  readonly rounds: number;
  readonly seconds: number;
}

/** A started server. */
interface Running {
  readonly process: TargetProcess;
  readonly rtmpPort: number;
  readonly onvifPorts: readonly number[];
  readonly startMs: number;
}

/** CPU-seconds so far. */
interface Cpu {
  readonly atMs: number;
  readonly main: number;
  readonly all: number;
  readonly machine: number;
}

const options = parseOptions();
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => process.exit(130));
await run(options);
process.exit();

async function run({ cameras, publishers, mbit, rounds, seconds }: Options): Promise<void> {
  const folder = temporaryFolder('skyweir-onvif-scan-');
  const model = cpus()[0]?.model ?? 'unknown processor';
  say(`${availableParallelism()} x ${model}, Node ${process.versions.node}, load average ${loadavg()[0]!.toFixed(2)}`);
  const server = await startServer(cameras, folder.path);
  const { pid } = server.process;
  const { residentBytes, threads, descriptors } = readUsage(pid);
  say(
    `${cameras} cameras, ${server.onvifPorts.length} ONVIF devices: ready after ${(server.startMs / 1000).toFixed(2)} s`,
  );
  say(`at rest ${megabytes(residentBytes)} resident, ${threads} threads, ${descriptors} descriptors`);

  const load = new LoadProcess('load-publishers.ts', '');
  if (publishers > 0) await publish(load, server, publishers, mbit);
  const devices = server.onvifPorts.map((port) => new DeviceClient(port, credentials));
  const quiet = await costOf(pid, () => delay(seconds * 1000));
  say(`nobody asks for ${seconds} s: ${describeCost(quiet)}`);

  for (const [name, scan] of [
    ['all devices at once', (visit: Visit) => Promise.all(devices.map(visit))],
    ['one device after another', (visit: Visit) => oneByOne(devices, visit)],
  ] as const) {
    const times = new Histogram();
    for (let round = 1; round <= rounds; round++) {
      for (const device of devices) device.close();
      let bytes = 0;
      const cost = await costOf(pid, () =>
        scan(async (device) => {
          const startMs = performance.now();
          const received = await device.visit();
          bytes += received;
          times.add((performance.now() - startMs) * 1000);
        }),
      );
      say(
        `${name}, round ${round}: ${(cost.seconds * 1000).toFixed(0)} ms, ${(bytes / 1e6).toFixed(2)} MB, ${describeCost(cost)}`,
      );
    }
    const { p50Ms, p99Ms, maximumMs, count } = times.summary();
    say(`${name}: each of ${count} p50 ${p50Ms.toFixed(1)} p99 ${p99Ms.toFixed(1)} max ${maximumMs.toFixed(1)} ms`);
  }

  const idle = await waitingRecorders(pid, devices, seconds);
  say(`each device pulled for events and read every ${pullSeconds} s, for ${seconds} s: ${describeCost(idle)}`);
  say(`that is ${((idle.main - quiet.main) * 100).toFixed(2)} % of a core of the main thread more than without`);
  say(`at the end ${megabytes(readUsage(pid).residentBytes)} resident, load average ${loadavg()[0]!.toFixed(2)}`);
  for (const device of devices) device.close();
  await load.stop();
  await server.process.stop();
  folder.remove();
}

type Visit = (device: DeviceClient) => Promise<void>;

async function oneByOne(devices: readonly DeviceClient[], visit: Visit): Promise<void> {
  for (const device of devices) await visit(device);
}

async function startServer(cameras: number, folder: string): Promise<Running> {
  const { scripts } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { scripts: { start: string } };
  const nodeFlags = scripts.start.split(' ').filter((word) => word.startsWith('--'));
  const ports = ['--rtmp-port', '0', '--rtsp-port', '0', '--onvif-port', '0', '--http-port', '0'];
  const rest = ['--no-rate-limit', '--max-connections-per-ip', '0', '--log-format', 'json'];
  const command = [
    process.execPath,
    ...nodeFlags,
    join(root, 'src/start.js'),
    '--host',
    '127.0.0.1',
    ...ports,
    ...rest,
  ];
  const { user, password } = credentials;
  const environment = { SKYWEIR_USER: user, SKYWEIR_PASSWORD: password };
  const startedMs = performance.now();
  const child = new TargetProcess([...command, '--cameras', String(cameras)], folder, '', environment);
  for (;;) {
    const line = child.output.split('\n').find((text) => text.includes('"Skyweir is ready"') && text.endsWith('}'));
    if (line !== undefined) {
      const { rtmp, onvifPorts } = JSON.parse(line) as { rtmp: string; onvifPorts: number[] };
      const startMs = performance.now() - startedMs;
      return { process: child, rtmpPort: Number(rtmp.split(':').at(-1)), onvifPorts, startMs };
    }
    if (child.ended) throw new Error(`the server ended at start:\n${child.output}`);
    await delay(5);
  }
}

async function publish(load: LoadProcess, server: Running, publishers: number, mbit: number): Promise<void> {
  const shape = { bitsPerSecond: mbit * 1e6, framesPerSecond: 30, gop: 60, chunkSize: 4096 };
  const streams = Array.from({ length: publishers }, (_, index) => {
    return { app: '', name: `stream${index + 1}`, rtspPath: `/stream${index + 1}` };
  });
  load.send({ type: 'publish', port: server.rtmpPort, streams, shape, connecting: 64, plainWrites: false });
  const startMs = performance.now();
  for (;;) {
    await delay(100);
    const { active = 0, failed = 0, firstFailure = '' } = load.progress ?? {};
    if (failed > 0) throw new Error(`a publisher failed: ${firstFailure}`);
    if (load.ended || server.process.ended) throw new Error(`server or load has ended:\n${server.process.output}`);
    if (active === publishers) break;
    if (performance.now() - startMs > rampSeconds * 1000) throw new Error(`only ${active} of ${publishers} publish`);
  }
  // The publishers begin one after another during the first group of pictures.
  await delay(4000);
  say(`${publishers} publishers of ${mbit} Mbit/s`);
}

/** Recorders that do nothing but wait for events and read what cameras show, now and then. */
async function waitingRecorders(pid: number, devices: readonly DeviceClient[], seconds: number): Promise<Cost> {
  const paths = await Promise.all(devices.map((device) => device.subscribe()));
  // The first pull brings the states at once; from then on they wait.
  await Promise.all(devices.map((device, index) => device.pull(paths[index]!, 0)));
  let over = false;
  const recorder = async (device: DeviceClient, index: number) => {
    await delay((index * pullSeconds * 1000) / devices.length);
    while (!over) {
      await device.pull(paths[index]!, pullSeconds);
      await device.readVideo();
    }
  };
  const recorders = Promise.all(devices.map(recorder));
  const cost = await costOf(pid, () => delay(seconds * 1000));
  over = true;
  await recorders;
  return cost;
}

/** Cores that were used meanwhile: by the main thread of the server, by all its threads, by the whole machine. */
interface Cost {
  readonly seconds: number;
  readonly main: number;
  readonly all: number;
  readonly machine: number;
}

async function costOf(pid: number, work: () => Promise<unknown>): Promise<Cost> {
  const before = cpuOf(pid);
  await work();
  const after = cpuOf(pid);
  const seconds = (after.atMs - before.atMs) / 1000;
  return {
    seconds,
    main: (after.main - before.main) / seconds,
    all: (after.all - before.all) / seconds,
    machine: (after.machine - before.machine) / seconds,
  };
}

function cpuOf(pid: number): Cpu {
  // The first thread has the number of the process.
  const main = parseStat(readFileSync(`/proc/${pid}/task/${pid}/stat`, 'latin1')).ticks / ticksPerSecond;
  return { atMs: performance.now(), main, all: readUsage(pid).cpuSeconds, machine: readMachineCpu() };
}

function describeCost({ main, all, machine }: Cost): string {
  const cores = (value: number) => value.toFixed(3);
  return `main thread ${cores(main)} cores, server ${cores(all)}, machine ${cores(machine)}`;
}

function megabytes(bytes: number): string {
  return `${(bytes / 1e6).toFixed(0)} MB`;
}

function parseOptions(): Options {
  return new Command('onvif-scan')
    .description('Measures how fast and at what cost all ONVIF devices of a server answer while cameras stream.')
    .option('--cameras <n>', 'cameras of the server; each 16 are a device', whole(1, 1000), 1000)
    .option('--publishers <n>', 'cameras that stream', whole(0, 1000), 500)
    .option('--mbit <n>', 'bit rate of each in Mbit/s', Number, 2)
    .option('--rounds <n>', 'scans of each kind', whole(1, 1000), 5)
    .option('--seconds <n>', 'length of the measurements without scans', whole(1, 600), 20)
    .parse()
    .opts<Options>();
}

function whole(least: number, most: number): (text: string) => number {
  return (text) => {
    const value = Number(text);
    if (!Number.isInteger(value) || value < least || value > most)
      throw new InvalidArgumentError(`a whole number from ${least} to ${most} is needed.`);
    return value;
  };
}

function say(line: string): void {
  console.log(line);
}
