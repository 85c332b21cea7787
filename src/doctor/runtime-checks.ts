import { ringMemory } from '../banner.ts';
import { percent } from '../base/percent.ts';
import type { Config } from '../config/schema.ts';
import { planCapacity, type Verdict } from '../server/capacity-plan.ts';
import { describeConnections, usualBitsPerSecond } from '../server/capacity-report.ts';
import type { Machine } from '../server/machine.ts';
import { type Check, checkOf, type Finding } from './finding.ts';

/** Whether this Node.js is one that the package asks for; `engines` is a range such as `>=24.20 <25 || >=26.6`. */
export function checkNode(version: string, engines: string): Finding {
  const check = checkOf('node', 'Node.js');
  if (isInRange(version, engines)) return check.ok(version);
  const remedy =
    'run Skyweir with npm start, whose package brings the right one, or install a newer Node.js (docs/deployment.md)';
  return check.problem(`${version} is not supported, which is ${engines}`, remedy);
}

/** A version within alternatives of bounds. Knows `>=` and `<`, which is all that the package uses. */
export function isInRange(version: string, range: string): boolean {
  const own = numbers(version);
  return range.split('||').some((alternative) =>
    alternative
      .trim()
      .split(/\s+/)
      .every((bound) => {
        const [, operator, wanted = ''] = /^(>=|<)(.+)$/.exec(bound) ?? [];
        const difference = compare(own, numbers(wanted));
        return operator === '>=' ? difference >= 0 : operator === '<' && difference < 0;
      }),
  );
}

function numbers(version: string): number[] {
  return version.replace(/^v/, '').split('.').map(Number.parseFloat);
}

function compare(a: readonly number[], b: readonly number[]): number {
  for (let i = 0; i < 3; i++) {
    const difference = (a[i] ?? 0) - (b[i] ?? 0);
    if (difference !== 0) return difference;
  }
  return 0;
}

/** Open files, connections, memory, cores and threads, against what all cameras need when they are live. */
export function checkCapacity(config: Config, machine: Machine): Finding[] {
  const plan = planCapacity(config, machine, usualBitsPerSecond);
  const { connections, descriptors, memory, cores, threads } = plan;
  const wanted = 2 ** Math.ceil(Math.log2(descriptors.advised));
  const { worstCaseBytes } = ringMemory(config);
  const load = `${config.cameras} x ${usualBitsPerSecond / 1e6} Mbit/s`;
  const threadRemedy = `start with --ingest-workers ${threads.ingestWorkersNeeded} and --consumers ${threads.consumersNeeded}`;
  return [
    graded(
      checkOf('open-files', 'Open files'),
      descriptors.verdict,
      `${machine.openFiles ?? 'no limit'}; needed are ${descriptors.least}, advised ${descriptors.advised}`,
      `raise the limit to ${wanted}: LimitNOFILE=${wanted} as a systemd service, --ulimit nofile=${wanted} as a container, else ulimit -n ${wanted}; or lower --max-connections`,
    ),
    graded(
      checkOf('connections', 'Connections'),
      connections.verdict,
      describeConnections(plan),
      'raise --max-connections, or max-connections of the hardware with that port',
    ),
    graded(
      checkOf('memory', 'Memory'),
      memory.verdict,
      `${gib(machine.memoryBytes)}; ${load} take ${gib(memory.expected)}, ${gib(memory.behind)} with slow readers, and rings never more than ${gib(worstCaseBytes)}`,
      'add memory, or lower --cameras or --ring-bytes; see --print-plan',
    ),
    graded(
      checkOf('cores', 'Processor'),
      cores.verdict,
      `${machine.cores} cores; ${load} take ${(cores.ingest + cores.delivery).toFixed(2)}`,
      'use a machine with more cores, or fewer cameras; see --print-plan',
    ),
    graded(
      checkOf('threads', 'Threads'),
      threads.verdict,
      `ingest workers: ${config.ingestWorkers}, each ${percent(threads.ingestWorker)} busy then; consumers: ${config.consumers}, each ${percent(threads.consumer)}`,
      threadRemedy,
    ),
  ];
}

function graded(check: Check, verdict: Verdict, text: string, remedy: string): Finding {
  if (verdict === 'enough') return check.ok(text);
  return verdict === 'tight' ? check.warning(`${text}: little is left`, remedy) : check.problem(text, remedy);
}

function gib(bytes: number): string {
  const mib = bytes / 1024 / 1024;
  return mib < 1024 ? `${Math.round(mib)} MiB` : `${(mib / 1024).toFixed(1)} GiB`;
}
