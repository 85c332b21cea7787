import { randomBytes } from 'node:crypto';
import {
  closeSync,
  existsSync,
  fsyncSync,
  lchownSync,
  mkdirSync,
  openSync,
  rmSync,
  statSync,
  writeSync,
} from 'node:fs';
import { open, rename, rm, stat } from 'node:fs/promises';
import { dirname } from 'node:path';
import { isMissing } from './errors.ts';

/** The text of a file, null if there is none. Throws the system's error, and an error for a file that is longer. */
export async function readStateFile(file: string, maximumBytes: number): Promise<string | null> {
  const handle = await open(file).catch((error: unknown) => {
    if (isMissing(error)) return null;
    throw error;
  });
  if (handle === null) return null;
  try {
    const { size } = await handle.stat();
    if (size > maximumBytes) throw new Error(`it has more than ${maximumBytes} bytes`);
    return await handle.readFile('utf8');
  } finally {
    await handle.close();
  }
}

/** The mode of a file as chmod takes it, if others than its owner may read or change it; else null. Windows has no modes. */
export function exposedMode(mode: number): string | null {
  if (process.platform === 'win32' || (mode & 0o077) === 0) return null;
  return (mode & 0o777).toString(8).padStart(3, '0');
}

/**
 * Writes one line to a new file that only this user may read, with the folders above it. Throws the system's error, also if
 * the file is there already; no half-written file stays behind.
 */
export function createStateFile(file: string, line: string): void {
  makeFolder(dirname(file));
  const descriptor = openSync(file, 'wx', 0o600);
  try {
    writeSync(descriptor, `${line}\n`);
    fsyncSync(descriptor);
  } catch (error) {
    rmSync(file, { force: true });
    throw error;
  } finally {
    closeSync(descriptor);
  }
}

/**
 * Puts a new content in the place of a file that only this user may read, all of it or nothing, with the folders above it.
 * Throws the system's error; the file is then as it was.
 */
export async function replaceStateFile(file: string, content: string): Promise<void> {
  makeFolder(dirname(file));
  const fresh = `${file}.${process.pid}-${randomBytes(4).toString('hex')}.tmp`;
  try {
    const handle = await open(fresh, 'wx', 0o600);
    try {
      await handle.writeFile(content);
      // Root, on the command line, must not take the file away from the user that the server runs as.
      if (process.getuid?.() === 0) {
        const { uid, gid } = await stat(file).catch(() => stat(dirname(file)));
        await handle.chown(uid, gid);
      }
      await handle.sync();
    } finally {
      await handle.close();
    }
    await rename(fresh, file);
  } catch (error) {
    await rm(fresh, { force: true }).catch(() => undefined);
    throw error;
  }
}

/**
 * Makes a folder and those above it, for this user only. Node's own recursive form never returns where the system says
 * "no such file" for a folder that cannot be made, as in /proc.
 */
function makeFolder(path: string): void {
  if (existsSync(path)) return;
  const parent = dirname(path);
  if (parent !== path) makeFolder(parent);
  mkdirSync(path, { mode: 0o700 });
  if (process.getuid?.() !== 0) return;
  // As with files: the user that the server runs as may have nothing but the folder above.
  const { uid, gid } = statSync(parent);
  try {
    lchownSync(path, uid, gid);
  } catch {
    // Root of a container may have no right to give files away.
  }
}
