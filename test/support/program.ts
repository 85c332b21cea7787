import { type ChildProcess, spawn } from 'node:child_process';

/** A program that was started for a test; it is ended with the test. */
export interface Program {
  readonly process: ChildProcess;
  /** Standard output and error so far. */
  readonly output: { stdout: string; stderr: string };
  /** Resolves when the program has ended; the code is null when a signal ended it. */
  readonly ended: Promise<{ code: number | null; stdout: string; stderr: string }>;
  kill(signal?: NodeJS.Signals): void;
}

/** Starts a program with its output collected. `context.after` ends it whatever happens. */
export function start(
  context: { after(cleanup: () => void): void },
  command: string,
  args: string[],
  options: { readonly cwd?: string; readonly env?: Record<string, string | undefined> } = {},
): Program {
  const child = spawn(command, args, { ...options, stdio: ['ignore', 'pipe', 'pipe'] });
  const output = { stdout: '', stderr: '' };
  child.stdout.setEncoding('utf8').on('data', (text) => {
    output.stdout += text;
  });
  child.stderr.setEncoding('utf8').on('data', (text) => {
    output.stderr += text;
  });
  const ended = new Promise<{ code: number | null; stdout: string; stderr: string }>((resolve, reject) => {
    child.on('error', reject);
    child.on('close', (code) => resolve({ code, ...output }));
  });
  context.after(() => {
    child.kill('SIGKILL');
  });
  return { process: child, output, ended, kill: (signal = 'SIGKILL') => child.kill(signal) };
}

/** Resolves when `condition` holds, looking again every 20 ms; fails with `what` after `timeoutMs`. */
export async function until(
  what: string,
  condition: () => boolean | Promise<boolean>,
  timeoutMs = 25_000,
): Promise<void> {
  const deadline = performance.now() + timeoutMs;
  while (!(await condition())) {
    if (performance.now() > deadline) throw new Error(`timed out waiting until ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}
