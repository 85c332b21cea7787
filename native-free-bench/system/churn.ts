/** Churn: thousands of connections that come and go must leave neither memory nor descriptors behind. */
import { setTimeout as delay } from 'node:timers/promises';
import type { ChurnFigures } from './load-messages.ts';
import { LoadProcess } from './load-process.ts';
import type { BenchOptions } from './options.ts';
import { type ProcessUsage, readUsage } from './process-usage.ts';
import type { RunningTarget, Target } from './target.ts';
import { temporaryFolder } from './temporary-folder.ts';

/** Streams the connections take in turn; twice the concurrency, so that a path rests before it is used again. */
const streams = 256;
const concurrency = 128;
/** The connections come in so many equal parts, with a look at the process after each. */
const parts = 4;
/**
 * In the first half the pools, caches and compiled code reach their size; growth in the second half is a leak. With fewer
 * connections than this the heap has not settled by then, and only descriptors and threads are judged.
 */
const judgedConnections = 20_000;
/** Growth over the second half that is taken for noise. */
const allowedGrowthBytes = 32 * 1024 * 1024;
const allowedDescriptors = 8;

/** What the churn run found. */
export interface ChurnResult {
  readonly passed: boolean;
  readonly text: string;
  readonly figures: object;
}

/** Runs `options.churn` connections against a fresh target and compares before with after. */
export async function churn(target: Target, options: BenchOptions, say: (line: string) => void): Promise<ChurnResult> {
  const folder = temporaryFolder('skyweir-churn-');
  let running: RunningTarget | null = null;
  try {
    say(`${target.name}: starting (${target.description})`);
    running = await target.start({
      streams,
      folder: folder.path,
      processors: options.pinTarget,
      authentication: false,
      profileFolder: options.profile,
    });
    await delay(1000);
    const looks = [readUsage(running.process.pid)];
    const figures: ChurnFigures[] = [];
    for (let i = 0; i < parts; i++) {
      figures.push(await part(running, Math.ceil(options.churn / parts), options, say));
      looks.push(await atRest(running));
      say(`churn: part ${i + 1} of ${parts}, ${megabytes(looks.at(-1)!.residentBytes)} MB`);
    }
    return judge(looks, figures);
  } finally {
    await running?.process.stop();
    folder.remove();
  }
}

async function part(
  running: RunningTarget,
  connections: number,
  options: BenchOptions,
  say: (line: string) => void,
): Promise<ChurnFigures> {
  const load = new LoadProcess('load-churn.ts', options.pinLoad);
  const timer = setInterval(() => {
    const progress = load.progress;
    if (progress !== null)
      say(`churn: ${progress.active} of ${progress.wanted}, ${progress.failed} failed or rejected`);
  }, 2000);
  try {
    return await load.ask<ChurnFigures>({
      type: 'churn',
      port: running.rtmpPort,
      streams: Array.from({ length: streams }, (_, index) => running.stream(index)),
      connections,
      concurrency,
    });
  } finally {
    clearInterval(timer);
    await load.stop();
  }
}

/** Closing sockets and collecting garbage take a moment: the lowest of several looks counts. */
async function atRest(running: RunningTarget): Promise<ProcessUsage> {
  let lowest = readUsage(running.process.pid);
  for (let i = 0; i < 6; i++) {
    await delay(500);
    const usage = readUsage(running.process.pid);
    if (usage.descriptors < lowest.descriptors || usage.residentBytes < lowest.residentBytes) lowest = usage;
  }
  return lowest;
}

/** The verdict on looks at the process before the first and after each part; exported for its test. */
export function judge(looks: readonly ProcessUsage[], figures: readonly ChurnFigures[]): ChurnResult {
  const sum = (pick: (one: ChurnFigures) => number) => figures.reduce((total, one) => total + pick(one), 0);
  const [completed, rejected, failed] = [
    sum((one) => one.completed),
    sum((one) => one.rejected),
    sum((one) => one.failed),
  ];
  const middle = looks[Math.ceil(parts / 2)]!;
  const end = looks.at(-1)!;
  const judgesMemory = completed >= judgedConnections;
  const growth = end.residentBytes - middle.residentBytes;
  const descriptors = end.descriptors - looks[0]!.descriptors;
  const problems: string[] = [];
  if (judgesMemory && growth > allowedGrowthBytes)
    problems.push(`memory grew by ${megabytes(growth)} MB in the second half`);
  if (descriptors > allowedDescriptors) problems.push(`${descriptors} more descriptors are open`);
  if (failed > 0)
    problems.push(`${failed} connections failed (${figures.find((one) => one.failed > 0)!.firstFailure})`);
  if (rejected > 0) problems.push(`${rejected} publishers were rejected`);
  if (end.threads > middle.threads) problems.push(`${end.threads - middle.threads} more threads run`);
  const lines: string[] = [];
  let connections = 0;
  for (const [index, look] of looks.entries()) {
    if (index > 0) connections += figures[index - 1]!.completed;
    lines.push(
      `after ${String(connections).padStart(8)} connections ${megabytes(look.residentBytes).padStart(6)} MB  ${String(look.descriptors).padStart(5)} descriptors  ${look.threads} threads`,
    );
  }
  const rate = completed / sum((one) => one.seconds);
  lines.push(`${rate.toFixed(0)} connections per second, ${rejected} rejected, ${failed} failed`);
  if (!judgesMemory) lines.push(`memory is judged from ${judgedConnections} connections on`);
  lines.push(problems.length === 0 ? 'PASSED: nothing was left behind' : `FAILED: ${problems.join('; ')}`);
  return { passed: problems.length === 0, text: lines.join('\n'), figures: { looks, parts: figures, problems } };
}

function megabytes(bytes: number): string {
  return (bytes / 1e6).toFixed(0);
}
