import { createLocalJWKSet, type JWTVerifyGetKey } from 'jose';
import { StartError } from '../config/errors.ts';
import type { Config } from '../config/schema.ts';
import { parseJwks } from '../publish-auth/jwks-cache.ts';
import { readBounded } from './secret-file.ts';

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
