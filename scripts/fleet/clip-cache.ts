/** The folder of clips that have been made: FFmpeg encodes each of them once on a machine. */
import { execFile } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { type ClipKind, clipArguments, clipFileName } from './clips.ts';

const run = promisify(execFile);

/** Milliseconds that one clip may take; a 4K one takes seconds. */
const makingMs = 180_000;

/** Where clips are kept: the user's cache folder. */
export function defaultCacheFolder(environment: Readonly<Record<string, string | undefined>>): string {
  const base = environment['XDG_CACHE_HOME'] || environment['LOCALAPPDATA'] || join(homedir(), '.cache');
  return join(base, 'skyweir', 'fleet-clips');
}

/** The bytes of a clip, made first if they are not there. Throws an Error when FFmpeg cannot make it. */
export async function loadClip(
  folder: string,
  clip: ClipKind,
  ffmpeg: string,
  say: (line: string) => void,
): Promise<Buffer> {
  const file = join(folder, clipFileName(clip));
  if (!existsSync(file)) {
    say(`making the clip ${clip.name} (only the first time) ...`);
    mkdirSync(folder, { recursive: true });
    // Whoever makes the same clip at the same moment has a name of its own; the last one stays.
    const unfinished = `${file}.${process.pid}`;
    try {
      await run(ffmpeg, clipArguments(clip, unfinished), { timeout: makingMs });
      renameSync(unfinished, file);
    } finally {
      rmSync(unfinished, { force: true });
    }
  }
  return readFileSync(file);
}
