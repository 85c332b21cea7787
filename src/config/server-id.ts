import { randomUUID } from 'node:crypto';
import { readFileSync, rmSync } from 'node:fs';
import { hostname } from 'node:os';
import { join, resolve } from 'node:path';
import { describeFileError, isMissing, StartError } from './errors.ts';
import { createStateFile } from './state-file.ts';

/** What tells this installation from every other, for as long as its state folder lives. */
export interface ServerId {
  readonly id: string;
  /** For the log: the identity may not last; null if all is well. */
  readonly warning: string | null;
}

/**
 * The identity that serial numbers and hardware addresses of ONVIF devices are made from: kept in the state folder from the
 * first start on. Where that cannot be written it is the name of the machine. Throws {@link StartError} if there is one that cannot be
 * read: with another, recorders would take the devices for new ones.
 */
export function findServerId(stateDir: string): ServerId {
  const stored = readServerId(stateDir);
  if (stored) return { id: stored, warning: null };
  const file = fileOf(stateDir);
  try {
    // The power went when it was first written.
    if (stored === '') rmSync(file);
    const id = randomUUID();
    createStateFile(file, id);
    return { id, warning: null };
  } catch (error) {
    const warning = `${file}: cannot keep the identity of the ONVIF devices: ${describeFileError(error)}; XProtect knows them again only while this machine keeps its name (choose a folder with --state-dir)`;
    return { id: hostname(), warning };
  }
}

/** What is kept; null if nothing was yet. Throws {@link StartError} if it cannot be read. */
export function readServerId(stateDir: string): string | null {
  const file = fileOf(stateDir);
  try {
    return readFileSync(file, 'utf8').trim();
  } catch (error) {
    if (isMissing(error)) return null;
    throw new StartError(
      `${file}: cannot read the identity of the ONVIF devices: ${describeFileError(error)}; make it readable for the user that Skyweir runs as, or choose another folder with --state-dir`,
      { cause: error },
    );
  }
}

function fileOf(stateDir: string): string {
  return resolve(join(stateDir, 'server-id'));
}
