import { randomBytes } from 'node:crypto';
import { statSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { limits } from '../base/limits.ts';
import { describeFileError, StartError } from '../config/errors.ts';
import { createStateFile, readStateFile, replaceStateFile } from '../config/state-file.ts';
import { KeyBook } from '../publish-auth/key-book.ts';

/** Milliseconds that a change waits for another one's to end, and after which a lock was left behind by a crash. */
const lockWaitMs = 3000;
const lockStaleMs = 10_000;
const lockPauseMs = 25;

/** The file of stream keys in a state folder. */
export function publishKeyFile(stateDir: string): string {
  return resolve(join(stateDir, 'publish-keys.json'));
}

/** Reads the keys. No file is no keys. Throws {@link StartError} for a file that cannot be read or is something else. */
export async function readKeyFile(file: string): Promise<KeyBook> {
  let text: string | null;
  try {
    text = await readStateFile(file, limits.publishAuth.keyFileBytes);
  } catch (error) {
    throw new StartError(`${file}: cannot read the stream keys: ${describeFileError(error)}`, { cause: error });
  }
  if (text === null) return new KeyBook(randomBytes(32).toString('hex'));
  try {
    return KeyBook.parse(text);
  } catch (error) {
    // What is in the file is not repeated.
    throw new StartError(`${file}: these are no stream keys; restore the file, or remove it and make new keys`, {
      cause: error,
    });
  }
}

/**
 * Changes the keys: reads what is in the file now, lets `change` make another book of it, and puts that in its place, whole or not
 * at all, for this user only. Programs that change it at the same time wait for one another. Throws what `change` throws, and
 * {@link StartError} for the file.
 */
export async function changeKeyFile(
  file: string,
  change: (book: KeyBook) => KeyBook | Promise<KeyBook>,
): Promise<KeyBook> {
  const unlock = await lock(`${file}.lock`);
  try {
    const book = await change(await readKeyFile(file));
    await replaceStateFile(file, book.text).catch((error: unknown) => {
      throw cannotWrite(file, error);
    });
    return book;
  } finally {
    await unlock();
  }
}

/** A file that only one can make at a time. Returns what removes it. */
async function lock(file: string): Promise<() => Promise<void>> {
  const deadline = performance.now() + lockWaitMs;
  for (;;) {
    try {
      createStateFile(file, String(process.pid));
      return () => rm(file, { force: true });
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw cannotWrite(file, error);
    }
    const age = Date.now() - (statSync(file, { throwIfNoEntry: false })?.mtimeMs ?? Date.now());
    if (age > lockStaleMs) await rm(file, { force: true });
    else if (performance.now() > deadline) throw new StartError(`${file}: somebody else is changing the stream keys`);
    else await new Promise((done) => setTimeout(done, lockPauseMs));
  }
}

function cannotWrite(file: string, error: unknown): StartError {
  return new StartError(
    `${file}: cannot write the stream keys: ${describeFileError(error)}; choose a folder with --state-dir`,
    { cause: error },
  );
}
