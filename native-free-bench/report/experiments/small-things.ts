/** What is asked of the server besides video: idle connections, statistics, ONVIF, metrics; as per cent of a core. */
import { setTimeout as delay } from 'node:timers/promises';
import { DeviceClient } from '../../onvif/device-client.ts';
import type { PublishFigures } from '../../system/load-messages.ts';
import { LoadProcess } from '../../system/load-process.ts';
import { ramp } from '../../system/measurement.ts';
import { readMachineCpu, readUsage } from '../../system/process-usage.ts';
import { median } from '../../system/report.ts';
import type { RunningTarget } from '../../system/target.ts';
import { SkyweirTarget } from '../../system/target-skyweir.ts';
import { temporaryFolder } from '../../system/temporary-folder.ts';
import type { Experiment, Part, PartContext, PartRecord, Scale } from '../experiment.ts';
import { figure, table } from '../markdown.ts';
import { barChart } from '../svg/charts.ts';

const cameras = 1000;
/** Little, so that what is looked for is not lost in the cost of video. */
const mbit = 0.1;
const shape = { bitsPerSecond: mbit * 1e6, framesPerSecond: 5, gop: 10, chunkSize: 4096 };
const pullSeconds = 5;
const scrapeMs = 1000;
const windowSeconds = 20;
/** Before the first window: connections have just been made, and Node compiles what it runs for the first time. */
const settleSeconds = 30;
/** Each activity is measured so often between two windows without it. */
const turns = 3;
const camerasPerDevice = 16;
const longTimeouts = ['--video-timeout', '1h', '--receive-timeout', '1h', '--publish-timeout', '1h'];

const activities = {
  idle: 'idle RTMP connections',
  statistics: 'statistics of every camera every second',
  onvif: 'ONVIF devices polled for events and settings',
  metrics: 'metrics scraped every second',
  together: 'statistics, ONVIF and metrics together',
} as const;
type Activity = keyof typeof activities;

interface SmallFigures {
  readonly activity: Activity;
  readonly count: number;
  /** Cores of the server without and with it, window by window. */
  readonly without: readonly number[];
  readonly with: readonly number[];
  readonly foreignCores: number;
}

const foreignLimit = 0.25;

function part(activity: Activity, scale: Scale): Part {
  const count = scale.count(cameras);
  const seconds = scale.seconds(windowSeconds);
  return {
    name: activity,
    options: { activity, cameras: count, shape, seconds, turns: scale.rounds(turns) },
    async run(context) {
      const { say } = context;
      const figures = await (activity === 'idle' ? idle : busy)(activity, count, context);
      say(`${activities[activity]}: ${percent(figures)} % of a core`);
      const { foreignCores } = figures;
      const cost = foreignCores > foreignLimit ? [`other programs used ${foreignCores.toFixed(2)} cores`] : [];
      return { figures, validity: { cost, latency: [] } };
    },
  };
}

/** Two servers take turns to be looked at: one alone, one with connections that say nothing. */
async function idle(activity: Activity, count: number, { scale, say }: PartContext): Promise<SmallFigures> {
  return withServers([longTimeouts, longTimeouts], count, async ([alone, visited]) => {
    const load = await publish(visited!, count, true, say);
    try {
      return await compare(activity, count, scale, alone!, visited!, [load]);
    } finally {
      await load.stop();
    }
  });
}

/** Live cameras on two servers, one of which is asked for more. They share the machine, so both see the same weather. */
async function busy(activity: Activity, count: number, { scale, say }: PartContext): Promise<SmallFigures> {
  const quiet = ['--stats-interval', '24h'];
  const counted = activity === 'statistics' || activity === 'together' ? ['--stats-interval', '1s'] : quiet;
  return withServers([quiet, counted], count, async ([plain, asked]) => {
    const loads = [await publish(plain!, count, false, say), await publish(asked!, count, false, say)];
    const stops: (() => Promise<void>)[] = [];
    if (activity === 'onvif' || activity === 'together') stops.push(await pollDevices(asked!, count));
    if (activity === 'metrics' || activity === 'together') stops.push(scrape(asked!));
    try {
      return await compare(activity, count, scale, plain!, asked!, loads);
    } finally {
      for (const stop of stops) await stop();
      for (const load of loads) await load.stop();
    }
  });
}

async function compare(
  activity: Activity,
  count: number,
  scale: Scale,
  plain: RunningTarget,
  asked: RunningTarget,
  loads: readonly LoadProcess[],
): Promise<SmallFigures> {
  const seconds = scale.seconds(windowSeconds);
  await delay(scale.seconds(settleSeconds) * 1000);
  const [without, withIt]: [number[], number[]] = [[], []];
  let foreignCores = 0;
  for (let round = 0; round < scale.rounds(turns); round++) {
    const before = look(plain, asked);
    for (const load of loads) load.send({ type: 'begin' });
    await delay(seconds * 1000);
    const after = look(plain, asked);
    const own = await Promise.all(loads.map((load) => load.ask<PublishFigures>({ type: 'end' })));
    const spanSeconds = (after.atMs - before.atMs) / 1000;
    const of = (key: 'plain' | 'asked' | 'machine'): number => (after[key] - before[key]) / spanSeconds;
    without.push(of('plain'));
    withIt.push(of('asked'));
    const loadCores = own.reduce((sum, { cpuSeconds }) => sum + cpuSeconds, 0) / spanSeconds;
    foreignCores = Math.max(foreignCores, of('machine') - of('plain') - of('asked') - loadCores);
  }
  return { activity, count, without, with: withIt, foreignCores };
}

function look(plain: RunningTarget, asked: RunningTarget) {
  return {
    atMs: performance.now(),
    plain: readUsage(plain.process.pids).cpuSeconds,
    asked: readUsage(asked.process.pids).cpuSeconds,
    machine: readMachineCpu(),
  };
}

async function withServers<T>(
  flags: readonly (readonly string[])[],
  streams: number,
  work: (servers: readonly RunningTarget[]) => Promise<T>,
): Promise<T> {
  const folders = flags.map(() => temporaryFolder('skyweir-bench-'));
  const servers: RunningTarget[] = [];
  try {
    for (const [index, own] of flags.entries()) {
      const folder = folders[index]!.path;
      const options = { streams, folder, processors: '', authentication: true, profileFolder: '' };
      servers.push(await new SkyweirTarget(own).start(options));
    }
    return await work(servers);
  } finally {
    for (const { process } of servers) await process.stop();
    for (const folder of folders) folder.remove();
  }
}

async function publish(
  running: RunningTarget,
  count: number,
  silent: boolean,
  say: (line: string) => void,
): Promise<LoadProcess> {
  const load = new LoadProcess('load-publishers.ts', '');
  load.send({
    type: 'publish',
    port: running.rtmpPort,
    streams: Array.from({ length: count }, (_, index) => running.stream(index)),
    shape,
    connecting: 64,
    plainWrites: false,
    silent,
  });
  await ramp('publishing', load, running, say);
  return load;
}

/** Each device is pulled for events and read, as a recorder does. */
async function pollDevices(running: RunningTarget, count: number): Promise<() => Promise<void>> {
  const devices = Array.from(
    { length: Math.ceil(count / camerasPerDevice) },
    (_, index) => new DeviceClient(running.onvifPort + index, running.credentials!),
  );
  const paths = await Promise.all(devices.map((device) => device.subscribe()));
  await Promise.all(devices.map((device, index) => device.pull(paths[index]!, 0)));
  let over = false;
  const polling = devices.map(async (device, index) => {
    await delay((index * pullSeconds * 1000) / devices.length);
    while (!over) {
      await device.pull(paths[index]!, pullSeconds);
      await device.readVideo();
    }
  });
  return async () => {
    over = true;
    await Promise.all(polling);
    for (const device of devices) device.close();
  };
}

function scrape(running: RunningTarget): () => Promise<void> {
  const { user, password } = running.credentials!;
  const headers = { Authorization: `Basic ${Buffer.from(`${user}:${password}`).toString('base64')}` };
  let over = false;
  let failure: Error | null = null;
  const scraping = (async () => {
    while (!over) {
      const nextMs = performance.now() + scrapeMs;
      const answer = await fetch(`http://127.0.0.1:${running.httpPort}/metrics`, { headers });
      await answer.arrayBuffer();
      if (!answer.ok) throw new Error(`/metrics answered ${answer.status}`);
      await delay(Math.max(0, nextMs - performance.now()));
    }
  })().catch((error: Error) => {
    failure = error;
  });
  return async () => {
    over = true;
    await scraping;
    if (failure !== null) throw failure;
  };
}

/** Middle of the differences window by window. */
function difference({ without, with: withIt }: SmallFigures): number {
  return median(withIt.map((value, index) => value - without[index]!));
}

function percent(figures: SmallFigures): string {
  return (100 * difference(figures)).toFixed(2);
}

function countText({ activity, count }: SmallFigures): string {
  if (activity === 'idle') return `${count}`;
  if (activity === 'onvif') return `${Math.ceil(count / camerasPerDevice)} devices, ${count} live cameras`;
  return `${count} live cameras`;
}

function render(records: readonly PartRecord[]) {
  const all = records.map(({ figures }) => figures as SmallFigures);
  return {
    blocks: [
      `Two servers with the same load run side by side, one with the activity and one without; the difference is its cost, from ${settleSeconds} seconds after the start on. Live cameras send ${mbit} Mbit/s in ${shape.framesPerSecond} frames a second.`,
      table(
        ['Activity', 'Of', '% of a core', 'Server without', 'with', 'Disturbed'],
        all.map((one, index) => [
          activities[one.activity],
          countText(one),
          percent(one),
          `${figure(median(one.without))} cores`,
          `${figure(median(one.with))} cores`,
          records[index]!.validity.cost.length === 0 ? 'no' : 'yes',
        ]),
      ),
    ],
    charts: [
      {
        name: '',
        description: 'Per cent of a core that each activity takes',
        svg: barChart({
          title: 'What is asked besides video',
          xLabel: '',
          yLabel: 'per cent of a core',
          series: ['cost'],
          groups: all.map((one) => ({ name: one.activity, values: [100 * difference(one)] })),
        }),
      },
    ],
  };
}

export const smallThings: Experiment = {
  name: 'small-things',
  question: 'What do idle connections, statistics, ONVIF and metrics cost?',
  minutes: 10,
  parts: (scale) => (Object.keys(activities) as Activity[]).map((activity) => part(activity, scale)),
  render,
};
