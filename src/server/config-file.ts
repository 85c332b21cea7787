import { randomBytes } from 'node:crypto';
import {
  closeSync,
  fchmodSync,
  fchownSync,
  fsyncSync,
  mkdirSync,
  openSync,
  readFileSync,
  realpathSync,
  renameSync,
  rmSync,
  type Stats,
  statSync,
  writeSync,
} from 'node:fs';
import { basename, dirname, join, resolve } from 'node:path';

/** A text that was written beside the file, and waits to take its place. */
export interface PreparedText {
  /** Puts it in place; the text before is kept in a file with `.bak` behind its name. Throws the system's error. */
  commit(): void;
  /** Forgets it. */
  abort(): void;
}

/** Reads files anew each time, but for pipes: what was in one is gone then, and to read on would wait for somebody to write. */
export class ConfigTexts {
  readonly #ofPipes = new Map<string, string>();

  /** Throws the system's error. */
  read(path: string): string {
    const known = this.#ofPipes.get(path);
    if (known !== undefined) return known;
    const wasPipe = isPipe(path);
    const text = readFileSync(path, 'utf8');
    if (wasPipe) this.#ofPipes.set(path, text);
    return text;
  }
}

/** The text of the file; empty where there is none. Throws the system's error, and one for a pipe. */
export function readConfigText(path: string): string {
  if (isPipe(path)) throw new Error('it is no file but a pipe, and was read at the start');
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return '';
    throw error;
  }
}

/**
 * Writes a text to the disk beside the file, so that a crash at any moment leaves one of the two whole; `before` is what the file
 * holds. A symbolic link stays, and so do owner and mode. Throws the system's error, with nothing left behind.
 */
export function prepareConfigText(path: string, text: string, before: string): PreparedText {
  const file = realPath(path);
  const old = statSync(file, { throwIfNoEntry: false });
  mkdirSync(dirname(file), { recursive: true, mode: 0o700 });
  const backup = old === undefined ? null : writeBeside(file, before, old);
  const abort = (): void => {
    if (backup !== null) rmSync(backup, { force: true });
    if (next !== null) rmSync(next, { force: true });
  };
  let next: string | null = null;
  try {
    next = writeBeside(file, text, old);
  } catch (error) {
    abort();
    throw error;
  }
  const written = next;
  const commit = (): void => {
    if (backup !== null) renameSync(backup, `${file}.bak`);
    renameSync(written, file);
    syncFolder(dirname(file));
  };
  return { commit, abort };
}

function isPipe(path: string): boolean {
  const found = statSync(path, { throwIfNoEntry: false });
  return found !== undefined && !found.isFile() && !found.isDirectory();
}

function realPath(path: string): string {
  try {
    return realpathSync(path);
  } catch {
    return resolve(path);
  }
}

/** Returns the name of the new file. */
function writeBeside(file: string, text: string, like: Stats | undefined): string {
  const name = join(dirname(file), `.${basename(file)}.${randomBytes(4).toString('hex')}`);
  const descriptor = openSync(name, 'wx', 0o600);
  try {
    const bytes = Buffer.from(text);
    for (let at = 0; at < bytes.length; ) at += writeSync(descriptor, bytes, at);
    if (like !== undefined && process.platform !== 'win32') keepOwner(descriptor, like);
    fsyncSync(descriptor);
  } catch (error) {
    rmSync(name, { force: true });
    throw error;
  } finally {
    closeSync(descriptor);
  }
  return name;
}

/** Only root can give a file away; for everybody else it is theirs already. */
function keepOwner(descriptor: number, { uid, gid, mode }: Stats): void {
  fchmodSync(descriptor, mode & 0o777);
  try {
    fchownSync(descriptor, uid, gid);
  } catch {
    // It belongs to who runs this, which can at least read it.
  }
}

/** The new name itself must be on the disk. Windows has no such thing. */
function syncFolder(folder: string): void {
  try {
    const descriptor = openSync(folder, 'r');
    try {
      fsyncSync(descriptor);
    } finally {
      closeSync(descriptor);
    }
  } catch {
    // Some file systems cannot; the text itself is on the disk.
  }
}
