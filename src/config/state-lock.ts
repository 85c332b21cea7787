import { rmSync, statSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { describeFileError, StartError } from './errors.ts';
import { createStateFile } from './state-file.ts';

/** Milliseconds that a change waits for another one's to end, and after which a lock was left behind by a crash. */
const waitMs = 3000;
const staleMs = 10_000;
const pauseMs = 25;

/**
 * Does something while no other program does the like with a file of the state folder: the server and the command line change the
 * same ones. `what` is in the file. Throws what `act` throws, and {@link StartError}.
 */
export async function withStateLock<T>(file: string, what: string, act: () => Promise<T>): Promise<T> {
  const unlock = await lock(`${file}.lock`, what);
  try {
    return await act();
  } finally {
    await unlock();
  }
}

/** What is thrown where a file of the state folder cannot be written. */
export function cannotWriteState(file: string, what: string, error: unknown): StartError {
  return new StartError(
    `${file}: cannot write ${what}: ${describeFileError(error)}; choose a folder with --state-dir`,
    { cause: error },
  );
}

/** A file that only one can make at a time. Returns what removes it. */
async function lock(file: string, what: string): Promise<() => Promise<void>> {
  const deadline = performance.now() + waitMs;
  for (;;) {
    try {
      removeStale(file);
      createStateFile(file, String(process.pid));
      return () => rm(file, { force: true });
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw cannotWriteState(file, what, error);
    }
    if (performance.now() > deadline) throw new StartError(`${file}: somebody else is changing ${what}`);
    await new Promise((done) => setTimeout(done, pauseMs));
  }
}

/** At once after the look: what is removed later could be the lock of whoever saw the old one too and was quicker. */
function removeStale(file: string): void {
  const found = statSync(file, { throwIfNoEntry: false });
  // One whose time is yet to come was made before the clock was set back.
  if (found !== undefined && Math.abs(Date.now() - found.mtimeMs) > staleMs) rmSync(file, { force: true });
}
