/** Command line of the system benchmark. */
import { Command, InvalidArgumentError } from 'commander';
import type { StreamShape } from './synthetic-stream.ts';

/** What to do in one call of the benchmark. */
export interface BenchOptions {
  readonly publishers: number;
  readonly readers: number;
  readonly seconds: number;
  readonly warmupSeconds: number;
  readonly rounds: number;
  readonly targets: readonly string[];
  readonly modes: readonly Mode[];
  readonly shape: StreamShape;
  readonly connecting: number;
  readonly plainWrites: boolean;
  readonly authentication: boolean;
  readonly profile: string;
  readonly churn: number;
  readonly pinTarget: string;
  readonly pinLoad: string;
  /** Scheduling priority of everything the benchmark runs, -20 (first) to 19; 0 leaves it as it is. */
  readonly nice: number;
  readonly jsonFile: string;
  readonly skyweirArguments: readonly string[];
}

/** Publishers only, or publishers and readers. */
export type Mode = 'ingest' | 'relay';

/** Names of targets that `--targets` knows. */
export const targetNames = ['skyweir', 'nginx', 'nginx-64k', 'nginx-auto', 'nms'] as const;

/** Parses the arguments after the script's name. Throws commander's error, or exits, for a wrong one. */
export function parseOptions(argv: readonly string[]): BenchOptions {
  const program = new Command('bench:system')
    .description('Runs servers under the same RTMP load, one after another, and prints what they cost.')
    .option('--publishers <n>', 'RTMP publishers', integer(1, 10000), 1000)
    .option('--readers <n>', 'readers of the relay mode, spread over the streams', integer(0, 10000), 1000)
    .option('--seconds <s>', 'length of a measurement', integer(1, 3600), 10)
    .option('--warmup <s>', 'seconds of load before the measurement', integer(0, 600), 4)
    .option('--rounds <n>', 'how often all targets run in turn; medians are printed', integer(1, 100), 1)
    .option('--targets <list>', `comma-separated: ${targetNames.join(', ')}`, list(targetNames), ['skyweir', 'nginx'])
    .option('--modes <list>', 'comma-separated: ingest, relay', list(['ingest', 'relay']), ['ingest', 'relay'])
    .option('--mbit <n>', 'bit rate of a publisher in Mbit/s', decimal(0.05, 200), 4.67)
    .option('--fps <n>', 'frames per second', integer(1, 240), 30)
    .option('--gop <n>', 'frames from IDR to IDR', integer(1, 1000), 60)
    .option(
      '--chunk-size <n>',
      'RTMP chunk size of the publishers in bytes, as OBS sends',
      integer(128, 0xffffff),
      4096,
    )
    .option('--connecting <n>', 'connections on their way at once while ramping up', integer(1, 4096), 64)
    .option('--plain-writes', 'publishers write by socket.write instead of by the handle', false)
    .option('--auth', 'readers authenticate where the target can ask them to', false)
    .option('--profile [folder]', 'write CPU profiles of skyweir, worker threads included')
    .option(
      '--churn <n>',
      'instead: connect, publish and leave n times, then look at memory and descriptors',
      integer(1, 10_000_000),
    )
    .option('--pin-target <cpus>', 'bind targets to these processors (taskset list)', '')
    .option('--pin-load <cpus>', 'bind publishers and readers to these processors', '')
    .option(
      '--nice <n>',
      'priority of targets and load on a machine that does other work too; below 0 as root',
      integer(-20, 19),
      0,
    )
    .option('--json <file>', 'write all figures there')
    .option('--skyweir-args <text>', 'further arguments of skyweir, separated by blanks', '')
    .allowExcessArguments(false);
  const values = program.parse([...argv], { from: 'user' }).opts<{
    publishers: number;
    readers: number;
    seconds: number;
    warmup: number;
    rounds: number;
    targets: string[];
    modes: Mode[];
    mbit: number;
    fps: number;
    gop: number;
    chunkSize: number;
    connecting: number;
    plainWrites: boolean;
    auth: boolean;
    profile?: string | true;
    churn?: number;
    pinTarget: string;
    pinLoad: string;
    nice: number;
    json?: string;
    skyweirArgs: string;
  }>();
  return {
    publishers: values.publishers,
    readers: values.readers,
    seconds: values.seconds,
    warmupSeconds: values.warmup,
    rounds: values.rounds,
    targets: values.targets,
    modes: values.readers === 0 ? ['ingest'] : values.modes,
    shape: {
      bitsPerSecond: values.mbit * 1e6,
      framesPerSecond: values.fps,
      gop: values.gop,
      chunkSize: values.chunkSize,
    },
    connecting: values.connecting,
    plainWrites: values.plainWrites,
    authentication: values.auth,
    profile: values.profile === true ? 'profiles' : (values.profile ?? ''),
    churn: values.churn ?? 0,
    pinTarget: values.pinTarget,
    pinLoad: values.pinLoad,
    nice: values.nice,
    jsonFile: values.json ?? '',
    skyweirArguments: values.skyweirArgs.split(/\s+/).filter((word) => word !== ''),
  };
}

function integer(least: number, most: number): (text: string) => number {
  return (text) => {
    const value = Number(text);
    if (!Number.isInteger(value) || value < least || value > most)
      throw new InvalidArgumentError(`a whole number from ${least} to ${most} is needed.`);
    return value;
  };
}

function decimal(least: number, most: number): (text: string) => number {
  return (text) => {
    const value = Number(text);
    if (!(value >= least && value <= most))
      throw new InvalidArgumentError(`a number from ${least} to ${most} is needed.`);
    return value;
  };
}

function list(known: readonly string[]): (text: string) => string[] {
  return (text) => {
    const names = text.split(',').map((name) => name.trim());
    const wrong = names.find((name) => !known.includes(name));
    if (wrong !== undefined) throw new InvalidArgumentError(`'${wrong}' is none of ${known.join(', ')}.`);
    return names;
  };
}
