/**
 * Makes assets/demo-clip.flv, the moving test picture that the demo replays without ffmpeg. Run it only to change the clip:
 * `node scripts/demo-clip.ts`. With `--check` it only says what is in the file.
 */
import { execFileSync } from 'node:child_process';
import { mkdirSync, statSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { isKeyframe, readClip } from './flv-file.ts';
import { ensureProgram } from './tools/system-programs.ts';

/** Where the clip lies. */
export const demoClipFile = resolve(import.meta.dirname, '../assets/demo-clip.flv');

const framesPerSecond = 25;
const seconds = 10;
const gop = 50;
const mostBytes = 600_000;

/** Arguments of ffmpeg: testsrc2 (its counter shows time and frame), High profile, no B-frames, closed GOPs of 2 s. */
export function ffmpegArguments(file: string): string[] {
  return [
    ...['-hide_banner', '-loglevel', 'error', '-y'],
    ...['-f', 'lavfi', '-i', `testsrc2=size=640x360:rate=${framesPerSecond}`, '-t', String(seconds)],
    ...['-c:v', 'libx264', '-preset', 'veryslow', '-profile:v', 'high', '-level', '3.1', '-pix_fmt', 'yuv420p'],
    ...['-bf', '0', '-g', String(gop), '-keyint_min', String(gop), '-sc_threshold', '0'],
    ...['-b:v', '400k', '-maxrate', '600k', '-bufsize', '600k', '-threads', '1'],
    ...['-an', '-map_metadata', '-1', '-fflags', '+bitexact', '-flags:v', '+bitexact'],
    ...['-flvflags', 'no_duration_filesize', '-f', 'flv', file],
  ];
}

/** One line about the clip in `file`. Throws an Error if it is not what the demo needs. */
export function describeClip(file: string): string {
  const clip = readClip(file);
  const bytes = statSync(file).size;
  const keyframes = clip.frames.filter(isKeyframe).length;
  if (clip.headers.length !== 1) throw new Error(`the clip has ${clip.headers.length} sequence headers, not one`);
  if (!isKeyframe(clip.frames[0]!)) throw new Error('the clip does not start with a keyframe');
  if (clip.frames.some((frame) => frame.body.readIntBE(2, 3) !== 0)) throw new Error('the clip has B-frames');
  if (bytes > mostBytes) throw new Error(`the clip has ${bytes} bytes, more than ${mostBytes}`);
  return `${clip.frames.length} frames, ${keyframes} keyframes, ${clip.durationMs} ms, ${bytes} bytes`;
}

if (import.meta.main) {
  if (!process.argv.includes('--check')) {
    const ffmpeg = await ensureProgram('ffmpeg');
    mkdirSync(dirname(demoClipFile), { recursive: true });
    execFileSync(ffmpeg, ffmpegArguments(demoClipFile), { stdio: 'inherit' });
  }
  console.log(`${demoClipFile}: ${describeClip(demoClipFile)}`);
}
