import { randomBytes } from 'node:crypto';
import { join, resolve } from 'node:path';
import { limits } from '../base/limits.ts';
import { describeFileError, StartError } from '../config/errors.ts';
import { readStateFile, replaceStateFile } from '../config/state-file.ts';
import { cannotWriteState, withStateLock } from '../config/state-lock.ts';
import { KeyBook } from '../publish-auth/key-book.ts';

/** For people: what is in the file. */
const what = 'the stream keys';

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
  return withStateLock(file, what, async () => {
    const book = await change(await readKeyFile(file));
    await replaceStateFile(file, book.text).catch((error: unknown) => {
      throw cannotWriteState(file, what, error);
    });
    return book;
  });
}
