import { randomUUID } from 'node:crypto';
import { readFileSync, rmSync } from 'node:fs';
import { hostname } from 'node:os';
import { join, resolve } from 'node:path';
import { describeFileError, isMissing } from './errors.ts';
import { createStateFile } from './state-file.ts';

/** What tells this installation from every other, for as long as its state folder lives. */
export interface ServerId {
  readonly id: string;
  /** For the log: the identity may not last; null if all is well. */
  readonly warning: string | null;
}

/**
 * The identity that serial numbers and hardware addresses of ONVIF devices are made from: kept in the state folder from the
 * first start on. Where that cannot be written it is the name of the machine. Never throws.
 */
export function findServerId(stateDir: string): ServerId {
  const file = resolve(join(stateDir, 'server-id'));
  try {
    const stored = readId(file);
    if (stored) return { id: stored, warning: null };
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

/** Null if there is no file. */
function readId(file: string): string | null {
  try {
    return readFileSync(file, 'utf8').trim();
  } catch (error) {
    if (isMissing(error)) return null;
    throw error;
  }
}
