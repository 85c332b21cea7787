import { createHash } from 'node:crypto';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Crasher } from './campaign.ts';

/** Inputs that once broke a promise, as `<target>.<checksum>.bin`. */
export const crasherFolder = join(import.meta.dirname, '../crashers');

/** Keeps an input, and returns its file. */
export function saveCrasher(folder: string, { target, bytes }: Crasher): string {
  const checksum = createHash('sha256').update(bytes).digest('hex').slice(0, 12);
  const file = join(folder, `${target}.${checksum}.bin`);
  writeFileSync(file, bytes);
  return file;
}

/** The inputs of a target that are kept. */
export function crashersOf(target: string): { readonly file: string; readonly bytes: Buffer }[] {
  return readdirSync(crasherFolder)
    .filter((file) => file.startsWith(`${target}.`) && file.endsWith('.bin'))
    .sort()
    .map((file) => ({ file, bytes: readFileSync(join(crasherFolder, file)) }));
}
