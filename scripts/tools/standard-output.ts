/** Standard output of a run that is worth more than whoever reads along. */

/** Codes of a reader that has left: the other end of a pipe, such as `head`, or a terminal that was closed. */
const readerGone = new Set(['EPIPE', 'EIO']);

/** As much of a stream as is needed here; tests have their own. */
export interface OutputStream {
  on(event: 'error', listener: (error: NodeJS.ErrnoException) => void): unknown;
}

/**
 * A reader that leaves is no fault: the run goes on in silence. Any other error means that nobody will see how the run ends,
 * so `fail` gets a line for people and should end it.
 */
export function watchOutput(stream: OutputStream, fail: (line: string) => void): void {
  let failed = false;
  stream.on('error', ({ code, message }) => {
    if (failed || readerGone.has(code ?? '')) return;
    failed = true;
    const remedy = code === 'ENOSPC' || code === 'EDQUOT' ? 'make room there' : 'send it elsewhere';
    fail(`standard output cannot be written (${code ?? message}); ${remedy} and start again`);
  });
}

/** {@link watchOutput} of this process, which ends with code 2 then; `name` begins the line on standard error. */
export function watchStandardOutput(name: string): void {
  watchOutput(process.stdout, (line) => {
    console.error(`${name}: ${line}`);
    process.exit(2);
  });
}

/** Resolves when an error of what has just been written would have been told: to be awaited before the process ends. */
export function outputTold(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
