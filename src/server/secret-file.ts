import { readFile } from 'node:fs/promises';
import { limits } from '../base/limits.ts';
import { describeFileError, StartError } from '../config/errors.ts';

/** Characters that a secret which messages or URLs are signed with has at least: half of what `openssl rand -hex 32` gives. */
const shortestSecret = 32;

/**
 * The first lines of a file that are no remarks, at least one and at most `most`, each a secret; null without a file. `setting` is
 * what names the file. Throws {@link StartError}.
 */
export async function readSecrets(setting: string, file: string | null, most: number): Promise<string[] | null> {
  if (file === null) return null;
  const lines = (await readBounded(setting, file)).split(/\r?\n/).map((line) => line.trim());
  const secrets = lines.filter((line) => line !== '' && !line.startsWith('#')).slice(0, most);
  const isGood = secrets.length > 0 && secrets.every(({ length }) => length >= shortestSecret);
  if (isGood) return secrets;
  throw new StartError(
    `${setting} ${file}: needs a secret of at least ${shortestSecret} characters in a line; openssl rand -hex 32 makes one`,
  );
}

/** The text of a file that is not large. Throws {@link StartError}. */
export async function readBounded(setting: string, file: string): Promise<string> {
  const text = await readText(setting, file);
  if (text.length <= limits.publishAuth.secretFileBytes) return text;
  throw new StartError(`${setting} ${file}: is longer than ${limits.publishAuth.secretFileBytes} bytes`);
}

/** The text of a file, without a byte order mark. Throws {@link StartError}. */
export async function readText(setting: string, file: string): Promise<string> {
  const text = await readFile(file, 'utf8').catch((error: unknown) => {
    throw new StartError(`${setting} ${file}: cannot read the file: ${describeFileError(error)}`, { cause: error });
  });
  return text.replace(/^\ufeff/, '');
}
