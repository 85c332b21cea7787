import { resolve } from 'node:path';
import { temporaryFolder } from './media.ts';
import { testCredentials } from './media-server.ts';
import { type Program, start, until } from './program.ts';

const cli = resolve(import.meta.dirname, '../../src/cli.ts');

/** The program itself, as an operator starts it, with its whole log: also what worker threads write. */
export interface CliServer {
  readonly program: Program;
  readonly rtmpPort: number;
  readonly rtspPort: number;
  /** Log lines so far, parsed. */
  lines(): Record<string, unknown>[];
  /** Reasons for which connections have ended so far, in order. */
  reasons(): unknown[];
}

/**
 * Starts `src/cli.ts` with these arguments, on ports that the system chooses and in a folder of its own. Readers log in with
 * {@link testCredentials}. Limits that would get in a test's way are off; `args` may turn them on again.
 */
export async function startCliServer(
  t: { after(cleanup: () => void): void },
  args: readonly string[] = [],
): Promise<CliServer> {
  const { user, password } = testCredentials;
  const usual = [
    '--host',
    '127.0.0.1',
    '--rtmp-port',
    '0',
    '--rtsp-port',
    '0',
    '--onvif-port',
    '0',
    '--http-port',
    '0',
    '--log-format',
    'json',
  ];
  const unlimited = ['--no-rate-limit', '--max-connections-per-ip', '0'];
  const env = { PATH: process.env['PATH'], SKYWEIR_USER: user, SKYWEIR_PASSWORD: password };
  const program = start(t, process.execPath, [cli, ...usual, ...unlimited, ...args], { cwd: temporaryFolder(t), env });
  const lines = () =>
    program.output.stdout
      .split('\n')
      .slice(0, -1)
      .map((line) => JSON.parse(line) as Record<string, unknown>);
  const ready = () => lines().find(({ msg }) => msg === 'Skyweir is ready');
  await until('the program is ready', () => ready() !== undefined);
  const port = (name: string) => Number(String(ready()![name]).split(':').at(-1));
  return {
    program,
    rtmpPort: port('rtmp'),
    rtspPort: port('rtsp'),
    lines,
    reasons: () => lines().flatMap(({ msg, reason }) => (String(msg).startsWith('connection ') ? [reason] : [])),
  };
}
