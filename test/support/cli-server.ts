import { resolve } from 'node:path';
import { anyPorts, CliLog, type LogLine, portOf } from './cli-log.ts';
import { temporaryFolder } from './media.ts';
import { testCredentials } from './media-server.ts';
import { type Program, start } from './program.ts';

const cli = resolve(import.meta.dirname, '../../src/cli.ts');

/** The program itself, as an operator starts it, with its whole log: also what worker threads write. */
export interface CliServer {
  readonly program: Program;
  readonly rtmpPort: number;
  readonly rtspPort: number;
  /** Log lines so far, parsed. */
  lines(): LogLine[];
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
  const usual = [...anyPorts, '--log-format', 'json'];
  const unlimited = ['--no-rate-limit', '--max-connections-per-ip', '0'];
  const env = { PATH: process.env['PATH'], SKYWEIR_USER: user, SKYWEIR_PASSWORD: password };
  const program = start(t, process.execPath, [cli, ...usual, ...unlimited, ...args], { cwd: temporaryFolder(t), env });
  const log = new CliLog(program);
  const lines = () => log.lines;
  const ready = await log.ready();
  return {
    program,
    rtmpPort: portOf(ready, 'rtmp'),
    rtspPort: portOf(ready, 'rtsp'),
    lines,
    reasons: () => lines().flatMap(({ msg, reason }) => (String(msg).startsWith('connection ') ? [reason] : [])),
  };
}
