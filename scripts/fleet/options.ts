/** Command line of the fleet. */
import { readFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { firstLine } from '../../src/config/credentials.ts';
import type { ByteCheck } from './byte-check.ts';
import { defaultCacheFolder } from './clip-cache.ts';
import { type ClipKind, clipKinds, clipSets, clipsNamed } from './clips.ts';
import { promptReaders } from './reader-threads.ts';
import { type Scenario, scenarios } from './schedule.ts';
import { parsePattern, type UrlPattern } from './url-pattern.ts';

/** User name and password for reading. */
export interface FleetCredentials {
  readonly user: string;
  readonly password: string;
}

/** What one run does. */
export interface FleetOptions {
  /** Null: Skyweir is started. */
  readonly target: UrlPattern | null;
  /** Where cameras are read back; null: not at all, or from the server that is started. */
  readonly read: UrlPattern | null;
  readonly credentials: FleetCredentials | null;
  readonly startServer: boolean;
  readonly serverFlags: readonly string[];
  readonly count: number;
  readonly ramp: number;
  readonly seconds: number;
  /** Further readers that stop reading again and again. */
  readonly slowReaders: number;
  readonly scenario: Scenario;
  readonly seed: number;
  readonly clips: readonly ClipKind[];
  readonly liveEncode: boolean;
  readonly synthetic: boolean;
  /** Of a synthetic camera. */
  readonly bitsPerSecond: number;
  readonly framesPerSecond: number;
  readonly gop: number;
  readonly checkBytes: ByteCheck;
  /** Readers of synthetic cameras that take every frame at once. */
  readonly promptReaders: number;
  readonly rtmps: boolean;
  readonly insecure: boolean;
  readonly jsonFile: string | null;
  readonly cacheFolder: string;
  readonly force: boolean;
  readonly colour: boolean;
}

/** A wrong argument; the message is one line that names it, the value and what is allowed. */
export class FleetUsageError extends Error {}

/** The server's own bound of cameras, and that of stamps. */
const mostSynthetic = 4000;
const mostFfmpeg = 2000;
const mostSlowReaders = 200;
const longestSeconds = 14_400;
const defaultTarget = 'rtmp://127.0.0.1:1935/stream%d';

export const fleetHelp = `npm run fleet -- [options] [target]

Flies a fleet of cameras against an RTMP server, reads every frame back over RTSP, and says whether all of them came.
Without a target Skyweir itself is started on free ports, and everything is checked.

  target                  where cameras publish, %d being 1, 2, 3 ... (with --no-start-server the default is
                          ${defaultTarget})
  --read <url>            where they are read back, such as rtsp://127.0.0.1:8554/stream%d
  --user <name>           user name for reading (or SKYWEIR_FLEET_USER)
  --password-file <file>  file whose first line is the password for reading (or SKYWEIR_FLEET_PASSWORD)

What flies
  --count <n>             cameras (default: 8)
  --ramp <n>              cameras that start per second, 0 for all at once (default: 10; synthetic: 200)
  --seconds <n>           seconds after the last start (default: 20); --minutes <n> for long runs
  --scenario <name>       ${Object.keys(scenarios).join(', ')} (default: steady)
${Object.entries(scenarios)
  .map(([name, text]) => `                            ${name.padEnd(10)} ${text}`)
  .join('\n')}
  --slow-readers <n>      further readers that stop reading again and again; nobody else may notice (default: 0; scenario
                          rough: a tenth of the cameras)
  --seed <n>              where all chance comes from: the same seed is the same run (default: 1)

With what
  --clips <names>         clips that FFmpeg sends without encoding: ${Object.keys(clipSets).join(', ')}, or names with commas
                          (default: mixed; ${clipKinds.map(({ name }) => name).join(', ')})
  --live-encode           FFmpeg encodes while it sends; frames are counted, their contents are not known
  --synthetic             no FFmpeg: ready-made frames from one thread, for counts that FFmpeg cannot reach
  --bitrate <n>           Mbit/s of a synthetic camera (default: 4.5)
  --fps <n>               frames per second of a synthetic camera (default: 30)
  --gop <n>               frames from one keyframe to the next of a synthetic camera (default: 60)
  --check-bytes           compare all bytes of synthetic frames, not only a sample of each; clips always are
  --prompt-readers <n>    readers of synthetic cameras that take every frame at once and measure latency; the others take
                          several at a time, which costs less and is checked as well (default: ${promptReaders})
  --rtmps                 publish over TLS; --insecure takes any certificate

What comes out
  --json <file>           write the report there
  --no-color              no colours; the variable NO_COLOR does the same
  --start-server          start Skyweir (what happens without a target); further flags for it behind --
  --cache <folder>        where clips are kept
  --force                 more FFmpeg processes, or open files, than this machine seems to carry
  --help                  print this

Ends with PASS (exit code 0) or FAIL and what was wrong (1); 2 if it could not run or report. Ctrl-C ends it early with a report.

Examples
  npm run fleet                                                        8 cameras, 20 seconds, everything checked
  npm run fleet -- --scenario bad-radio --count 16                     what a bad link does
  npm run fleet -- --synthetic --count 1000 --seconds 60               as many as a big site has
  npm run fleet -- rtmp://10.0.0.5/stream%d --read rtsp://10.0.0.5:8554/stream%d --user skyweir --password-file pw
`;

/** Reads the arguments after the script's name; null if the help was asked for. Throws {@link FleetUsageError}. */
export function parseFleetOptions(
  args: readonly string[],
  environment: Readonly<Record<string, string | undefined>>,
): FleetOptions | null {
  const split = args.indexOf('--');
  const { values, positionals } = parse(split < 0 ? args : args.slice(0, split));
  if (values.help === true) return null;
  if (positionals.length > 1) throw new FleetUsageError(`${positionals[1]}: only one target is possible; see --help`);
  const startServer = values['start-server'] ?? positionals.length === 0;
  if (startServer && positionals.length > 0)
    throw new FleetUsageError('--start-server: there is a target already; leave one of them out');
  const serverFlags = split < 0 ? [] : args.slice(split + 1);
  if (serverFlags.length > 0 && !startServer)
    throw new FleetUsageError(`${serverFlags[0]}: flags behind -- are for the server that is started here`);
  const synthetic = values.synthetic === true;
  const liveEncode = values['live-encode'] === true;
  if (synthetic && liveEncode) throw new FleetUsageError('--live-encode: --synthetic has nothing to encode');
  const target = startServer ? null : pattern('target', positionals[0] ?? defaultTarget, ['rtmp:', 'rtmps:']);
  const rtmps = values.rtmps === true || target?.protocol === 'rtmps:';
  const read = values.read === undefined ? null : pattern('--read', values.read, ['rtsp:']);
  if (read !== null && startServer) throw new FleetUsageError('--read: the server that is started here is read anyway');
  const scenario = values.scenario ?? 'steady';
  if (!Object.hasOwn(scenarios, scenario))
    throw new FleetUsageError(`--scenario ${scenario}: must be one of ${Object.keys(scenarios).join(', ')}`);
  const count = number('--count', values.count ?? '8', 1, synthetic ? mostSynthetic : mostFfmpeg);
  const usualSlow = scenario === 'rough' ? String(Math.min(mostSlowReaders, Math.ceil(count / 10))) : '0';
  return {
    target: target !== null && rtmps ? { ...target, protocol: 'rtmps:' } : target,
    read,
    credentials: credentials(values.user, values['password-file'], environment),
    startServer,
    serverFlags,
    count,
    ramp: number('--ramp', values.ramp ?? (synthetic ? '200' : '10'), 0, 10_000, false),
    seconds: secondsOf(values.seconds, values.minutes),
    slowReaders: number('--slow-readers', values['slow-readers'] ?? usualSlow, 0, mostSlowReaders),
    scenario: scenario as Scenario,
    seed: number('--seed', values.seed ?? '1', 0, 0xffffffff),
    clips: clips(values.clips ?? 'mixed'),
    liveEncode,
    synthetic,
    bitsPerSecond: 1e6 * number('--bitrate', values.bitrate ?? '4.5', 0.1, 100, false),
    framesPerSecond: number('--fps', values.fps ?? '30', 1, 120),
    gop: number('--gop', values.gop ?? '60', 1, 1000),
    checkBytes: !synthetic || values['check-bytes'] === true ? 'all' : 'sample',
    promptReaders: number('--prompt-readers', values['prompt-readers'] ?? String(promptReaders), 1, mostSynthetic),
    rtmps,
    insecure: values.insecure === true,
    jsonFile: values.json ?? null,
    cacheFolder: values.cache ?? defaultCacheFolder(environment),
    force: values.force === true,
    colour: values.color !== false && !environment['NO_COLOR'],
  };
}

function parse(args: readonly string[]) {
  try {
    return parseArgs({
      args: [...args],
      allowNegative: true,
      allowPositionals: true,
      options: {
        read: { type: 'string' },
        user: { type: 'string' },
        'password-file': { type: 'string' },
        count: { type: 'string' },
        ramp: { type: 'string' },
        seconds: { type: 'string' },
        minutes: { type: 'string' },
        'slow-readers': { type: 'string' },
        scenario: { type: 'string' },
        seed: { type: 'string' },
        clips: { type: 'string' },
        'live-encode': { type: 'boolean' },
        synthetic: { type: 'boolean' },
        bitrate: { type: 'string' },
        fps: { type: 'string' },
        gop: { type: 'string' },
        'check-bytes': { type: 'boolean' },
        'prompt-readers': { type: 'string' },
        rtmps: { type: 'boolean' },
        insecure: { type: 'boolean' },
        json: { type: 'string' },
        color: { type: 'boolean' },
        'start-server': { type: 'boolean' },
        cache: { type: 'string' },
        force: { type: 'boolean' },
        help: { type: 'boolean', short: 'h' },
      },
    });
  } catch (error) {
    // Node explains the rest of its rules behind the first sentence.
    throw new FleetUsageError(`${(error as Error).message.split('. ')[0]}; see --help`);
  }
}

function secondsOf(seconds: string | undefined, minutes: string | undefined): number {
  if (minutes === undefined) return number('--seconds', seconds ?? '20', 1, longestSeconds);
  if (seconds !== undefined) throw new FleetUsageError('--minutes: leave --seconds out');
  return 60 * number('--minutes', minutes, 1, longestSeconds / 60);
}

function number(flag: string, text: string, min: number, max: number, whole = true): number {
  const value = (whole ? /^\d+$/ : /^\d+(\.\d+)?$/).test(text) ? Number(text) : Number.NaN;
  if (value >= min && value <= max) return value;
  throw new FleetUsageError(`${flag} ${text}: must be a ${whole ? 'whole ' : ''}number from ${min} to ${max}`);
}

function pattern(flag: string, text: string, protocols: readonly string[]): UrlPattern {
  try {
    return parsePattern(text, protocols);
  } catch (error) {
    throw new FleetUsageError(`${flag}: ${(error as Error).message}`);
  }
}

function clips(text: string): ClipKind[] {
  try {
    return clipsNamed(text);
  } catch (error) {
    throw new FleetUsageError(`--clips: ${(error as Error).message}`);
  }
}

function credentials(
  flag: string | undefined,
  file: string | undefined,
  environment: Readonly<Record<string, string | undefined>>,
): FleetCredentials | null {
  const user = flag ?? environment['SKYWEIR_FLEET_USER'];
  const password = file === undefined ? environment['SKYWEIR_FLEET_PASSWORD'] : passwordOf(file);
  if (user === undefined && password === undefined) return null;
  if (user === undefined) throw new FleetUsageError('--password-file: a password needs --user too');
  if (password === undefined)
    throw new FleetUsageError('--user: needs a password: --password-file, or the variable SKYWEIR_FLEET_PASSWORD');
  return { user, password };
}

function passwordOf(file: string): string {
  try {
    return firstLine(readFileSync(file, 'utf8'));
  } catch (error) {
    throw new FleetUsageError(`--password-file ${file}: cannot be read (${(error as NodeJS.ErrnoException).code})`);
  }
}
