/**
 * Finds the system programs that tests and benchmarks use, and installs them where that can be done without asking: on
 * Debian or Ubuntu as root. Elsewhere it says exactly what to install. The server itself needs none of them.
 */
import { execFile } from 'node:child_process';

/** Programs that can be asked for. */
export type SystemProgram = 'ffmpeg' | 'ffprobe' | 'gstreamer' | 'chromium' | 'nginx-rtmp';

/** How a command ended: exit code (127 if it could not be started) and both outputs as text. */
export interface CommandResult {
  readonly code: number;
  readonly output: string;
}

/** What the search is done with; tests inject their own. */
export interface ProgramHost {
  run(command: string, args: readonly string[]): Promise<CommandResult>;
  readonly isRoot: boolean;
  /** Progress, one line at a time. */
  say(line: string): void;
}

interface Recipe {
  /** Names or paths to try, in this order. */
  readonly commands: readonly string[];
  /** Arguments that make a working program exit with 0. */
  readonly versionArguments: readonly string[];
  /** Debian packages that bring the program and everything checked below. */
  readonly packages: readonly string[];
  /** GStreamer elements that must be there. */
  readonly elements?: readonly string[];
  /** Further check of the found command; a text says what is missing. */
  readonly check?: (host: ProgramHost, command: string) => Promise<string>;
}

const rtmpModules = [
  '/usr/lib/nginx/modules/ngx_rtmp_module.so',
  '/usr/lib64/nginx/modules/ngx_rtmp_module.so',
  '/usr/local/lib/nginx/modules/ngx_rtmp_module.so',
];

/** Elements of the GStreamer pipelines that the tests run. */
export const gstreamerElements = [
  'rtmp2sink',
  'rtmpsink',
  'rtspsrc',
  'h264parse',
  'avdec_h264',
  'flvmux',
  'x264enc',
  'videotestsrc',
] as const;

const recipes: Readonly<Record<SystemProgram, Recipe>> = {
  ffmpeg: { commands: ['ffmpeg'], versionArguments: ['-version'], packages: ['ffmpeg'], check: hasX264 },
  ffprobe: { commands: ['ffprobe'], versionArguments: ['-version'], packages: ['ffmpeg'] },
  gstreamer: {
    commands: ['gst-launch-1.0'],
    versionArguments: ['--version'],
    packages: [
      'gstreamer1.0-tools',
      'gstreamer1.0-plugins-base',
      'gstreamer1.0-plugins-good',
      'gstreamer1.0-plugins-bad',
      'gstreamer1.0-plugins-ugly',
      'gstreamer1.0-libav',
    ],
    elements: gstreamerElements,
  },
  chromium: {
    // Playwright wants a whole path.
    commands: ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome', '/snap/bin/chromium'],
    versionArguments: ['--version'],
    packages: ['chromium'],
  },
  'nginx-rtmp': {
    commands: ['nginx', '/usr/sbin/nginx', '/usr/local/sbin/nginx'],
    versionArguments: ['-v'],
    packages: ['nginx-light', 'libnginx-mod-rtmp'],
    check: hasRtmpModule,
  },
};

/** A program that is not there and could not be installed; the message says what to do. */
export class ProgramMissingError extends Error {
  readonly program: SystemProgram;

  constructor(program: SystemProgram, message: string) {
    super(message);
    this.name = 'ProgramMissingError';
    this.program = program;
  }
}

const ready = new Map<SystemProgram, Promise<string>>();
let listsUpdated: Promise<void> | null = null;
/** apt-get must not run twice at the same time: installations wait for each other. */
let installing: Promise<unknown> = Promise.resolve();

/**
 * The command of `program`, installed first if that is possible here. Rejects with `ProgramMissingError` that names the
 * packages otherwise. With the real host the answer is remembered for the process.
 */
export function ensureProgram(program: SystemProgram, host: ProgramHost = realHost): Promise<string> {
  if (host !== realHost) return findOrInstall(program, host, { updated: false });
  let answer = ready.get(program);
  if (answer === undefined) {
    answer = findOrInstall(program, host, null);
    ready.set(program, answer);
    answer.catch(() => ready.delete(program));
  }
  return answer;
}

/** Several programs at once; the commands in the same order. */
export async function ensurePrograms(programs: readonly SystemProgram[], host?: ProgramHost): Promise<string[]> {
  const commands: string[] = [];
  for (const program of programs) commands.push(await ensureProgram(program, host));
  return commands;
}

/** The command of `program` if it is complete, else null. Installs nothing. */
export async function findProgram(program: SystemProgram, host: ProgramHost = realHost): Promise<string | null> {
  const found = await find(program, host);
  return found.missing === '' ? found.command : null;
}

async function findOrInstall(
  program: SystemProgram,
  host: ProgramHost,
  state: { updated: boolean } | null,
): Promise<string> {
  const first = await find(program, host);
  if (first.missing === '') return first.command;
  const packages = recipes[program].packages;
  const apt = await host.run('apt-get', ['--version']);
  if (apt.code !== 0) {
    throw new ProgramMissingError(
      program,
      `${first.missing}. Install ${program} with your system's package manager (on Debian: apt-get install ${packages.join(' ')}).`,
    );
  }
  if (!host.isRoot) {
    throw new ProgramMissingError(
      program,
      `${first.missing}. Install it with: sudo apt-get update && sudo apt-get install -y ${packages.join(' ')}`,
    );
  }
  const turn = installing.then(() => install(program, packages, host, state));
  installing = turn.catch(() => undefined);
  await turn;
  const second = await find(program, host);
  if (second.missing !== '')
    throw new ProgramMissingError(program, `${second.missing}, although ${packages.join(', ')} were installed.`);
  return second.command;
}

async function install(
  program: SystemProgram,
  packages: readonly string[],
  host: ProgramHost,
  state: { updated: boolean } | null,
): Promise<void> {
  if (state === null) {
    listsUpdated ??= update(host);
    await listsUpdated;
  } else if (!state.updated) {
    await update(host);
    state.updated = true;
  }
  host.say(`installing ${packages.join(' ')} (this takes a minute) ...`);
  const result = await host.run('apt-get', ['install', '-y', '--no-install-recommends', ...packages]);
  if (result.code !== 0) {
    throw new ProgramMissingError(
      program,
      `apt-get install ${packages.join(' ')} failed with code ${result.code}: ${lastLine(result.output)}`,
    );
  }
}

/** A failed update is no reason to give up: the package may be in the lists that are there. */
async function update(host: ProgramHost): Promise<void> {
  host.say('updating the package lists (apt-get update) ...');
  const result = await host.run('apt-get', ['update']);
  if (result.code !== 0) host.say(`apt-get update failed: ${lastLine(result.output)}`);
}

/** The working command, or what is missing in words. */
async function find(program: SystemProgram, host: ProgramHost): Promise<{ command: string; missing: string }> {
  const recipe = recipes[program];
  for (const command of recipe.commands) {
    const result = await host.run(command, recipe.versionArguments);
    if (result.code !== 0) continue;
    const missing = (await recipe.check?.(host, command)) ?? (await missingElements(host, recipe.elements ?? []));
    return { command, missing };
  }
  return { command: '', missing: `${recipe.commands[0]} was not found` };
}

async function missingElements(host: ProgramHost, elements: readonly string[]): Promise<string> {
  const missing: string[] = [];
  for (const element of elements) {
    const result = await host.run('gst-inspect-1.0', ['--exists', element]);
    if (result.code !== 0) missing.push(element);
  }
  return missing.length === 0 ? '' : `GStreamer has no ${missing.join(', ')}`;
}

async function hasX264(host: ProgramHost, command: string): Promise<string> {
  const result = await host.run(command, ['-hide_banner', '-encoders']);
  return result.output.includes('libx264') ? '' : 'ffmpeg was built without libx264';
}

/** The module is built in, or one of the usual files is there. */
async function hasRtmpModule(host: ProgramHost, command: string): Promise<string> {
  const build = await host.run(command, ['-V']);
  if (/--add-module=\S*rtmp/.test(build.output)) return '';
  for (const file of rtmpModules) if ((await host.run('test', ['-e', file])).code === 0) return '';
  return 'nginx has no RTMP module';
}

function lastLine(text: string): string {
  return text.trim().split('\n').at(-1) ?? '';
}

const realHost: ProgramHost = {
  run: (command, args) =>
    new Promise((resolve) => {
      const environment = { ...process.env, DEBIAN_FRONTEND: 'noninteractive', LC_ALL: 'C' };
      execFile(command, [...args], { env: environment, maxBuffer: 1 << 26 }, (error, stdout, stderr) => {
        const code = error === null ? 0 : typeof error.code === 'number' ? error.code : 127;
        resolve({ code, output: `${stdout}${stderr}` });
      });
    }),
  isRoot: process.getuid?.() === 0,
  say: (line) => console.error(line),
};

if (import.meta.main) {
  const wanted = process.argv.slice(2) as SystemProgram[];
  const programs = wanted.length > 0 ? wanted : (Object.keys(recipes) as SystemProgram[]);
  for (const program of programs) {
    if (!(program in recipes)) {
      console.error(`${program}: unknown; known are ${Object.keys(recipes).join(', ')}`);
      process.exitCode = 2;
      continue;
    }
    try {
      console.log(`${program}: ${await ensureProgram(program)}`);
    } catch (error) {
      console.error((error as Error).message);
      process.exitCode = 1;
    }
  }
}
