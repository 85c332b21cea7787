import { readFile } from 'node:fs/promises';
import { createLocalJWKSet, type JWTVerifyGetKey } from 'jose';
import { limits } from '../base/limits.ts';
import { describeFileError, StartError } from '../config/errors.ts';
import type { Config } from '../config/schema.ts';
import { parseJwks } from '../publish-auth/jwks-cache.ts';

/** Characters that a secret which others sign with has at least: half of what `openssl rand -hex 32` gives. */
const shortestSignSecret = 32;

/** The files that publish authentication reads besides the stream keys. */
export function secretFiles(config: Config): string[] {
  const { publishSignSecretFile, publishCallbackSecretFile, publishJwks } = config;
  const files = [publishSignSecretFile, publishCallbackSecretFile, publishJwks];
  return files.filter((file) => file !== null).filter((file) => !isUrl(file));
}

/** Whether a place is a URL; otherwise it is a file. */
export function isUrl(place: string): boolean {
  return /^https?:\/\//i.test(place);
}

/** The public keys of a file; null for a URL and for none. Throws {@link StartError}. */
export async function readJwks(file: string | null): Promise<JWTVerifyGetKey | null> {
  if (file === null || isUrl(file)) return null;
  const text = await readBounded('--publish-jwks', file);
  try {
    return createLocalJWKSet(parseJwks(text));
  } catch (error) {
    const problem = error instanceof Error ? error.message : String(error);
    throw new StartError(`--publish-jwks ${file}: ${problem}`, { cause: error });
  }
}

/** The first lines of a file that are no remarks, each a secret; null without a file. Throws {@link StartError}. */
export async function readSecrets(flag: string, file: string | null, most: number): Promise<string[] | null> {
  if (file === null) return null;
  const lines = (await readBounded(flag, file)).split(/\r?\n/).map((line) => line.trim());
  const secrets = lines.filter((line) => line !== '' && !line.startsWith('#')).slice(0, most);
  const isGood = secrets.length > 0 && secrets.every(({ length }) => length >= shortestSignSecret);
  if (isGood) return secrets;
  throw new StartError(
    `${flag} ${file}: needs a secret of at least ${shortestSignSecret} characters in a line; openssl rand -hex 32 makes one`,
  );
}

async function readBounded(flag: string, file: string): Promise<string> {
  const text = await readFile(file, 'utf8').catch((error: unknown) => {
    throw new StartError(`${flag} ${file}: cannot read the file: ${describeFileError(error)}`, { cause: error });
  });
  if (text.length <= limits.publishAuth.secretFileBytes) return text.replace(/^\ufeff/, '');
  throw new StartError(`${flag} ${file}: is longer than ${limits.publishAuth.secretFileBytes} bytes`);
}
