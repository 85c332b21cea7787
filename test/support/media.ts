import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);

/** A folder for a test's files, removed with the test. */
export function temporaryFolder(context: { after(cleanup: () => void): void }): string {
  const folder = mkdtempSync(join(tmpdir(), 'skyweir-test-'));
  context.after(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

/**
 * Encodes FFmpeg's test picture to an FLV file, every frame different. `extra` are further encoder arguments. Keyframes
 * come every second.
 */
export async function makeClip(
  folder: string,
  name: string,
  options: { seconds: number; size?: string; fps?: number; extra?: string[]; audio?: boolean },
): Promise<string> {
  const { seconds, size = '320x180', fps = 25, extra = [], audio = false } = options;
  const file = join(folder, `${name}.flv`);
  const sound = audio ? ['-f', 'lavfi', '-i', 'sine=frequency=440:sample_rate=44100'] : [];
  const args = ['-v', 'error', '-y', '-f', 'lavfi', '-i', `testsrc2=size=${size}:rate=${fps}`, ...sound];
  args.push('-t', String(seconds), '-c:v', 'libx264', '-preset', 'veryfast', '-g', String(fps), '-pix_fmt', 'yuv420p');
  args.push(...(audio ? ['-c:a', 'aac'] : []), ...(extra.length > 0 ? extra : ['-tune', 'zerolatency']), file);
  await run('ffmpeg', args);
  return file;
}

/** One decoded picture: its presentation time in ms and a hash of its pixels. */
export interface Picture {
  readonly ms: number;
  readonly hash: string;
}

/** Decodes a file and returns its pictures in order of presentation. */
export async function decodePictures(file: string, inputArgs: string[] = []): Promise<Picture[]> {
  const args = ['-v', 'error', ...inputArgs, '-i', file, '-map', '0:v', '-fps_mode', 'passthrough'];
  const { stdout, stderr } = await run('ffmpeg', [...args, '-enc_time_base', '1/90000', '-f', 'framemd5', '-'], {
    maxBuffer: 64 * 1024 * 1024,
  });
  if (stderr.trim() !== '') throw new Error(`ffmpeg reports decoding errors in ${file}:\n${stderr}`);
  return parseFrameMd5(stdout);
}

/** The pictures of FFmpeg's framemd5 output. */
export function parseFrameMd5(text: string): Picture[] {
  const timeBase = /#tb 0: (\d+)\/(\d+)/.exec(text);
  const scale = timeBase === null ? 1 : (1000 * Number(timeBase[1])) / Number(timeBase[2]);
  return text
    .split('\n')
    .filter((line) => line !== '' && !line.startsWith('#'))
    .map((line) => line.split(',').map((field) => field.trim()))
    .map((fields) => ({ ms: Number(fields[2]) * scale, hash: fields[5]! }));
}

/** Arguments that push a file in real time. */
export function pushArgs(file: string, url: string, extra: string[] = []): string[] {
  return ['-v', 'error', '-re', '-i', file, '-c', 'copy', ...extra, '-f', 'flv', url];
}
