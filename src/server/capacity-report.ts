import { ringMemory, row } from '../banner.ts';
import { percent } from '../base/percent.ts';
import { round } from '../base/round.ts';
import { StartError } from '../config/errors.ts';
import type { Config } from '../config/schema.ts';
import { capacityFigures } from './capacity-figures.ts';
import { type CapacityPlan, planCapacity, type Verdict } from './capacity-plan.ts';
import type { Machine } from './machine.ts';

/** Of `--plan-bitrate`, and of the check at every start: 1080p at 30 frames a second. */
export const usualBitsPerSecond = 4_500_000;

/** The page of `--print-plan`, and whether the machine can do what is planned. */
export function describePlan(
  config: Config,
  machine: Machine,
  bitsPerSecond: number,
): { readonly text: string; readonly possible: boolean } {
  const plan = planCapacity(config, machine, bitsPerSecond);
  const { memory, connections, descriptors, cores, threads } = plan;
  const rings = ringMemory(config);
  const total = cores.ingest + cores.delivery;
  const inAndOut = mbit(plan.cameras * bitsPerSecond);
  const lines = [
    `${counted(plan.cameras, 'camera')} of ${mbit(bitsPerSecond)} and 30 frames a second, each with one reader:`,
    '',
    row('Memory', `${size(memory.expected)} while readers keep up, of which ${size(memory.process)} for the process`),
    row('', `${size(memory.behind)} when all readers are ${capacityFigures.memory.ringSeconds} s behind`),
    row(
      '',
      `rings: ${size(rings.startBytes)} at the start, ${size(rings.grownBytes)} grown, ${size(rings.worstCaseBytes)} at worst`,
    ),
    row('  here', `${size(machine.memoryBytes)}: ${words(memory.verdict)}`),
    row('Connections', `${describeConnections(plan)}: ${words(connections.verdict)}`),
    row('Open files', `${descriptors.least} at least, ${descriptors.advised} advised`),
    row('  here', `${machine.openFiles ?? 'no limit'}: ${words(descriptors.verdict)}`),
    row('Cores', `${decimal(total)}: ${decimal(cores.ingest)} to receive, ${decimal(cores.delivery)} to deliver`),
    row('  here', `${machine.cores}: ${words(cores.verdict)}`),
    row('Threads', `${counted(config.ingestWorkers, 'ingest worker')}, each busy ${percent(threads.ingestWorker)}`),
    row('', `${counted(config.consumers, 'consumer')}, each busy ${percent(threads.consumer)}`),
    row('  so', threads.verdict === 'enough' ? 'enough' : threadRemedy(plan)),
    row('Network', `${inAndOut} in, ${inAndOut} out for each reader of every camera`),
  ];
  if (descriptors.verdict !== 'enough') lines.push('', describeDescriptors(config, machine, plan));
  const possible = [memory, connections, descriptors, cores, threads].every(({ verdict }) => verdict !== 'short');
  return { text: `${lines.join('\n')}\n`, possible };
}

/**
 * The same check at every start. Returns lines for the log: where the machine may be too small. Throws {@link StartError} if
 * it is sure to run out of descriptors with what the configuration admits.
 */
export function checkMachine(config: Config, machine: Machine): string[] {
  const plan = planCapacity(config, machine, usualBitsPerSecond);
  const { memory, connections, descriptors, cores, threads } = plan;
  if (descriptors.verdict === 'short') throw new StartError(describeDescriptors(config, machine, plan));
  const lines: string[] = [];
  const live = `${counted(plan.cameras, 'camera')} of ${mbit(usualBitsPerSecond)}`;
  const see = 'see --print-plan';
  if (descriptors.verdict === 'tight') lines.push(describeDescriptors(config, machine, plan));
  if (connections.verdict === 'short')
    lines.push(
      `connections: ${describeConnections(plan)}: the others will be refused; raise it, or lower --cameras; ${see}`,
    );
  if (memory.verdict === 'short')
    lines.push(`memory: ${live} take ${size(memory.expected)}, and there are ${size(machine.memoryBytes)}; ${see}`);
  if (cores.verdict === 'short')
    lines.push(
      `processor: ${live} take ${decimal(cores.ingest + cores.delivery)} cores, and there are ${machine.cores}; ${see}`,
    );
  else if (threads.verdict === 'short') lines.push(`threads: ${live}: ${threadRemedy(plan)}; ${see}`);
  return lines;
}

/** How many are admitted, and for whom. */
export function describeConnections({ connections }: CapacityPlan): string {
  const { admitted, cameras, port } = connections;
  const where = port === null ? '' : port === 0 ? ' at an RTMP port of their own' : ` at RTMP port ${port}`;
  return `${admitted} of --max-connections for ${counted(cameras, 'camera')}${where}`;
}

/** One line with the limit, the need and the commands that raise it. */
function describeDescriptors(config: Config, machine: Machine, { descriptors }: CapacityPlan): string {
  const { least, advised, verdict } = descriptors;
  const connections = config.listenerList.reduce((sum, { maxConnections }) => sum + maxConnections, 0);
  const wanted = 2 ** Math.ceil(Math.log2(advised));
  const need =
    verdict === 'short'
      ? `${counted(connections, 'connection')} of --max-connections and a reader for each of ${counted(config.cameras, 'camera')} need ${least}`
      : `${counted(connections, 'connection')} of --max-connections and two readers for each of ${counted(config.cameras, 'camera')} need ${advised}`;
  return `open files: the process may have ${machine.openFiles}, but ${need}; start it after "ulimit -n ${wanted}", with LimitNOFILE=${wanted} as a systemd service, or with --ulimit nofile=${wanted} as a container, or lower --max-connections`;
}

function threadRemedy({ threads }: CapacityPlan): string {
  const usable = capacityFigures.usable.processor;
  const wishes: string[] = [];
  if (threads.ingestWorker > usable) wishes.push(`--ingest-workers ${threads.ingestWorkersNeeded}`);
  if (threads.consumer > usable) wishes.push(`--consumers ${threads.consumersNeeded}`);
  return `${words(threads.verdict)}; start with ${wishes.join(' and ')}`;
}

function words(verdict: Verdict): string {
  if (verdict === 'enough') return 'enough';
  return verdict === 'tight' ? 'enough, but little is left' : 'NOT ENOUGH';
}

/** A number of things that have a name. */
export function counted(number: number, name: string): string {
  return `${number} ${name}${number === 1 ? '' : 's'}`;
}

function size(bytes: number): string {
  const mib = bytes / 1024 / 1024;
  return mib < 10_000 ? `${Math.round(mib)} MiB` : `${(mib / 1024).toFixed(1)} GiB`;
}

function mbit(bitsPerSecond: number): string {
  return `${round(bitsPerSecond / 1e6, 2)} Mbit/s`;
}

function decimal(cores: number): string {
  return cores < 10 ? cores.toFixed(2) : cores.toFixed(1);
}
