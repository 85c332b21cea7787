import { accessSync, constants, readdirSync, type Stats, statfsSync, statSync } from 'node:fs';
import { userInfo } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import type { Config } from '../config/schema.ts';
import type { SecretFile, SpaceFacts, StateFolderFacts } from './storage-checks.ts';

/** Files of the state folder that everybody may read. */
const openFiles: ReadonlySet<string> = new Set(['server-id', 'skyweir.yaml', 'skyweir.yaml.bak']);

/** Where the journal of Linux keeps logs; Skyweir writes its own to standard output. */
const logFolders = ['/var/log/journal', '/var/log'];

/** The file systems that Skyweir, and what collects its log, write to; one that both are on only once. */
export function readSpaces(stateDir: string, platform: string): SpaceFacts[] {
  const state = existingParent(resolve(stateDir));
  const log = platform === 'linux' ? logFolders.find((folder) => statOf(folder)?.isDirectory()) : undefined;
  const isShared = log !== undefined && statOf(log)?.dev === statOf(state)?.dev;
  const spaces = [spaceOf(isShared ? 'state folder and system log' : 'state folder', state)];
  if (log !== undefined && !isShared) spaces.push(spaceOf('system log', log));
  return spaces.filter((space) => space !== null);
}

function spaceOf(what: string, folder: string): SpaceFacts | null {
  try {
    const { bavail, blocks, bsize } = statfsSync(folder);
    return { what, folder, freeBytes: bavail * bsize, totalBytes: blocks * bsize };
  } catch {
    return null;
  }
}

/** What the process may do with the state folder. */
export function readStateFolder(stateDir: string): StateFolderFacts {
  const folder = resolve(stateDir);
  const user = userName();
  const stat = statOf(folder);
  if (stat === null) {
    const state = mayWrite(existingParent(folder)) ? 'absent' : 'absent-denied';
    return { folder, state, mode: null, user };
  }
  const mode = process.platform === 'win32' ? null : stat.mode & 0o777;
  if (!stat.isDirectory()) return { folder, state: 'no-folder', mode, user };
  return { folder, state: mayWrite(folder) ? 'writable' : 'not-writable', mode, user };
}

/** The files with secrets that there are: those of the state folder, and those that the configuration names. */
export function readSecretFiles(
  config: Pick<Config, 'stateDir' | 'passwordFile' | 'publishSignSecretFile' | 'publishCallbackSecretFile' | 'hooks'>,
): SecretFile[] {
  if (process.platform === 'win32') return [];
  const { stateDir, passwordFile, publishSignSecretFile, publishCallbackSecretFile, hooks } = config;
  const ofHooks = hooks.map((hook) => hook['secret-file'] ?? null);
  const named = [passwordFile, publishSignSecretFile, publishCallbackSecretFile, ...ofHooks]
    .filter((file) => file !== null)
    .map((file) => resolve(file));
  const uid = process.getuid?.();
  return [...new Set([...filesOf(resolve(stateDir)), ...named])].flatMap((file) => {
    const stat = statOf(file);
    return stat?.isFile() ? [{ file, mode: stat.mode & 0o777, ownerIsUs: stat.uid === uid }] : [];
  });
}

function filesOf(folder: string): string[] {
  try {
    const names = readdirSync(folder).filter((name) => !openFiles.has(name));
    return names.map((name) => join(folder, name));
  } catch {
    return [];
  }
}

/** Its number where the system knows no name for it, as in a container that runs as any user. */
function userName(): string {
  try {
    return userInfo().username;
  } catch {
    return String(process.getuid?.() ?? 'of this process');
  }
}

function existingParent(folder: string): string {
  const parent = dirname(folder);
  return statOf(folder) !== null || parent === folder ? folder : existingParent(parent);
}

function mayWrite(folder: string): boolean {
  try {
    accessSync(folder, constants.W_OK | constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

function statOf(path: string): Stats | null {
  try {
    return statSync(path);
  } catch {
    return null;
  }
}
