import { closeSync, existsSync, fsyncSync, mkdirSync, openSync, rmSync, writeSync } from 'node:fs';
import { dirname } from 'node:path';

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
 * Makes a folder and those above it, for this user only. Node's own recursive form never returns where the system says
 * "no such file" for a folder that cannot be made, as in /proc.
 */
function makeFolder(path: string): void {
  if (existsSync(path)) return;
  const parent = dirname(path);
  if (parent !== path) makeFolder(parent);
  mkdirSync(path, { mode: 0o700 });
}
