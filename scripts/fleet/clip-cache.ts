/** The folder of clips that have been made: FFmpeg encodes each of them once on a machine. */
import { execFile } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, statSync } from 'node:fs';
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

/**
 * The bytes of a clip, made first if they are not there. Throws an Error when FFmpeg cannot make it, or when `signal` ends it
 * before it has.
 */
export async function loadClip(
  folder: string,
  clip: ClipKind,
  ffmpeg: string,
  say: (line: string) => void,
  signal: AbortSignal,
): Promise<Buffer> {
  const file = join(folder, clipFileName(clip));
  if (!existsSync(file)) {
    say(`making the clip ${clip.name} (only the first time) ...`);
    mkdirSync(folder, { recursive: true });
    // Whoever makes the same clip at the same moment has a name of its own; the last one stays.
    const unfinished = `${file}.${process.pid}`;
    try {
      // By force: an FFmpeg that may end in order could write the file anew after it was removed.
      await run(ffmpeg, clipArguments(clip, unfinished), { timeout: makingMs, signal, killSignal: 'SIGKILL' });
      renameSync(unfinished, file);
    } finally {
      rmSync(unfinished, { force: true });
    }
  }
  return readFileSync(file);
}

/** Removes what processes left unfinished that did not come to do so themselves. */
export function removeUnfinished(folder: string, nowMs = Date.now()): void {
  if (!existsSync(folder)) return;
  for (const name of readdirSync(folder)) {
    const pid = Number(/\.flv\.(\d+)$/.exec(name)?.[1] ?? 0);
    if (pid === 0 || isAlive(pid)) continue;
    const file = join(folder, name);
    // A container that shares the folder has processes that are not seen here; none of them writes for so long.
    const { mtimeMs } = statSync(file, { throwIfNoEntry: false }) ?? { mtimeMs: nowMs };
    if (nowMs - mtimeMs > makingMs) rmSync(file, { force: true });
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code !== 'ESRCH';
  }
}
