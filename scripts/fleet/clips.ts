/** The pictures that the cameras of a fleet send: what there is, who gets what, and how FFmpeg makes it. */
import { createHash } from 'node:crypto';
import type { SeededRandom } from './seeded-random.ts';

/** One kind of stream. */
export interface ClipKind {
  readonly name: string;
  readonly width: number;
  readonly height: number;
  readonly framesPerSecond: number;
  readonly kilobitsPerSecond: number;
  /** Frames from one IDR to the next. */
  readonly gop: number;
  readonly bFrames: number;
  /** With a tone in AAC. */
  readonly audio: boolean;
}

/** Seconds after which a clip begins again. */
export const clipSeconds = 8;

/** What drones, encoders and cameras really send, in small. */
export const clipKinds: readonly ClipKind[] = [
  kind('360p15', 640, 360, 15, 300, 30),
  kind('1080p30-audio', 1920, 1080, 30, 2500, 60, { audio: true }),
  kind('720p25', 1280, 720, 25, 1200, 25),
  kind('480p30-bframes', 854, 480, 30, 800, 60, { bFrames: 2 }),
  kind('4k15', 3840, 2160, 15, 4000, 30),
  kind('720p60', 1280, 720, 60, 1800, 120),
  kind('1080p25-bframes-audio', 1920, 1080, 25, 2000, 125, { bFrames: 3, audio: true }),
  kind('360p25-audio', 640, 360, 25, 500, 50, { audio: true }),
  kind('240p15', 426, 240, 15, 150, 30),
];

/** Named choices of clips; `low` is for as many FFmpeg processes as a machine can carry. */
export const clipSets: Readonly<Record<string, readonly string[]>> = {
  mixed: clipKinds.slice(0, -1).map(({ name }) => name),
  low: ['240p15'],
};

function kind(
  name: string,
  width: number,
  height: number,
  framesPerSecond: number,
  kilobitsPerSecond: number,
  gop: number,
  more: { readonly bFrames?: number; readonly audio?: boolean } = {},
): ClipKind {
  const { bFrames = 0, audio = false } = more;
  return { name, width, height, framesPerSecond, kilobitsPerSecond, gop, bFrames, audio };
}

/** The clips of a set, or of names with commas between them. Throws an Error that names what is unknown. */
export function clipsNamed(text: string): ClipKind[] {
  const names = Object.hasOwn(clipSets, text) ? clipSets[text]! : text.split(',').map((name) => name.trim());
  return names.map((name) => {
    const found = clipKinds.find((one) => one.name === name);
    if (found !== undefined) return found;
    const known = [...Object.keys(clipSets), ...clipKinds.map((one) => one.name)].join(', ');
    throw new Error(`${name} is unknown; there are ${known}`);
  });
}

/** The clip of each camera: every kind about equally often, in an order that the seed chooses. */
export function planClips(kinds: readonly ClipKind[], count: number, random: SeededRandom): ClipKind[] {
  const first = random.whole(0, kinds.length - 1);
  return Array.from({ length: count }, (_, camera) => kinds[(first + camera) % kinds.length]!);
}

/** FFmpeg's arguments that draw and encode a clip; grain makes it cost the bits that a real picture does. */
export function clipArguments(clip: ClipKind, file: string): string[] {
  const { width, height, framesPerSecond, kilobitsPerSecond, gop, bFrames, audio } = clip;
  const rate = `${kilobitsPerSecond}k`;
  const picture = `testsrc2=size=${width}x${height}:rate=${framesPerSecond},noise=alls=6:allf=t`;
  const preset = width > 1920 ? 'superfast' : 'veryfast';
  return [
    ...['-hide_banner', '-loglevel', 'error', '-nostdin', '-y', '-f', 'lavfi', '-i', picture],
    ...(audio ? ['-f', 'lavfi', '-i', 'sine=frequency=440:sample_rate=44100'] : []),
    ...['-t', String(clipSeconds), '-pix_fmt', 'yuv420p', '-c:v', 'libx264', '-preset', preset],
    ...['-g', String(gop), '-keyint_min', String(gop), '-sc_threshold', '0', '-bf', String(bFrames)],
    ...['-b:v', rate, '-maxrate', rate, '-bufsize', rate],
    ...(audio ? ['-c:a', 'aac', '-b:a', '64k', '-ac', '1'] : []),
    ...['-f', 'flv', file],
  ];
}

/** The name of a clip's file: another one as soon as it would be made in another way. */
export function clipFileName(clip: ClipKind): string {
  const way = createHash('sha256').update(clipArguments(clip, '').join('\n')).digest('hex');
  return `${clip.name}-${way.slice(0, 12)}.flv`;
}
