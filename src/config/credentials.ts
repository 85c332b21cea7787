import { randomInt } from 'node:crypto';
import { readFileSync, statSync } from 'node:fs';
import { resolve } from 'node:path';
import { describeFileError, StartError, UsageError } from './errors.ts';
import { type Config, storedPasswordFile } from './schema.ts';
import { createStateFile, exposedMode } from './state-file.ts';

/** User name and password that RTSP readers must give, with where the password came from. Never to be logged. */
export interface Credentials {
  readonly user: string;
  readonly password: string;
  readonly origin: 'password-file' | 'environment' | 'stored' | 'generated';
  /** The absolute path of the file that holds the password, null if it came from the environment. */
  readonly file: string | null;
}

/** Letters and digits that cannot be taken for one another on paper or on the telephone. */
const alphabet = 'abcdefghjkmnpqrstuvwxyz23456789';
const passwordGroups = 4;
const passwordGroupLength = 4;

/** Characters of the longest password that is accepted; the digest's cost grows with it. */
const maximumPasswordLength = 256;

/**
 * Finds the password: `--password-file`, else `SKYWEIR_PASSWORD`, else the one stored in the state folder, else a new one,
 * which is kept only when {@link storeCredentials} is called. Null with `--no-auth`. Throws UsageError if a given password
 * cannot be used, StartError if the stored one cannot be read.
 */
export function findCredentials(
  config: Pick<Config, 'auth' | 'user' | 'passwordFile' | 'stateDir'>,
  environment: Readonly<Record<string, string | undefined>>,
): Credentials | null {
  if (!config.auth) return null;
  const { user } = config;
  if (config.passwordFile !== null) {
    const password = readPasswordFile(config.passwordFile);
    return { user, password, origin: 'password-file', file: resolve(config.passwordFile) };
  }
  const given = environment['SKYWEIR_PASSWORD'];
  if (given !== undefined && given !== '') {
    const problem = describePasswordProblem(given);
    // The value itself is a secret and stays out of the message.
    if (problem !== null) throw new UsageError(`SKYWEIR_PASSWORD: ${problem}`);
    return { user, password: given, origin: 'environment', file: null };
  }
  const file = resolve(storedPasswordFile(config.stateDir));
  const stored = readStoredPassword(file);
  if (stored !== null) return { user, password: stored, origin: 'stored', file };
  return { user, password: generatePassword(), origin: 'generated', file };
}

/**
 * Writes a generated password to its file, readable by this user only. Does nothing for other credentials.
 * Throws StartError if the folder or file cannot be written; no half-written file stays behind.
 */
export function storeCredentials(credentials: Credentials): void {
  const { origin, file, password } = credentials;
  if (origin !== 'generated' || file === null) return;
  try {
    createStateFile(file, password);
  } catch (error) {
    throw new StartError(
      `${file}: cannot store the generated password: ${describeFileError(error)}; choose a folder with --state-dir, or give a password with --password-file or SKYWEIR_PASSWORD`,
      { cause: error },
    );
  }
}

/**
 * A warning if others may read the file with the password, else null. A file of somebody else is for us through its group, or through
 * an access list, which shows as rights of the group: so systemd hands over its credentials.
 */
export function describeExposure(credentials: Credentials): string | null {
  if (credentials.file === null) return null;
  const found = statSync(credentials.file, { throwIfNoEntry: false });
  const mode = exposedMode(found?.mode ?? 0);
  const isOurs = found?.uid === process.getuid?.();
  if (found === undefined || mode === null || (!isOurs && (found.mode & 0o007) === 0)) return null;
  const remedy = isOurs ? 'chmod 600' : 'chmod o-rwx';
  return `${credentials.file}: other users of this machine may read the password (mode ${mode}); run ${remedy} on it`;
}

/** A password of about 79 bits that is easy to read out and to type, such as `k7mq-x2vd-9hpt-4wze`. */
export function generatePassword(): string {
  const group = (): string =>
    Array.from({ length: passwordGroupLength }, () => alphabet[randomInt(alphabet.length)]).join('');
  return Array.from({ length: passwordGroups }, group).join('-');
}

function readPasswordFile(path: string): string {
  let content: string;
  try {
    content = readFileSync(path, 'utf8');
  } catch (error) {
    const reason = describeFileError(error);
    throw new UsageError(
      `--password-file ${path}: cannot read the file: ${reason}; it must hold the password in its first line`,
    );
  }
  const password = firstLine(content);
  const problem = describePasswordProblem(password);
  if (problem !== null) throw new UsageError(`--password-file ${path}: ${problem}`);
  return password;
}

function readStoredPassword(file: string): string | null {
  let content: string;
  try {
    content = readFileSync(file, 'utf8');
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return null;
    throw new StartError(
      `${file}: cannot read the stored password: ${describeFileError(error)}; make it readable, or choose another folder with --state-dir`,
      { cause: error },
    );
  }
  const password = firstLine(content);
  const problem = describePasswordProblem(password);
  if (problem === null) return password;
  throw new StartError(`${file}: ${problem}; delete the file, and the next start makes a new password`);
}

/** The first line of a file that holds a secret, which editors may have begun with a byte order mark. */
export function firstLine(content: string): string {
  return content.replace(/^\ufeff/, '').split(/\r?\n/, 1)[0]!;
}

function describePasswordProblem(password: string): string | null {
  if (password === '') return 'the password is empty (it must be the first line)';
  if (password.length > maximumPasswordLength) return `the password is longer than ${maximumPasswordLength} characters`;
  return /\p{Cc}/u.test(password) ? 'the password holds control characters' : null;
}
