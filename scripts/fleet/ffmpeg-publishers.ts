/** A fleet of FFmpeg processes: one for each camera. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { systemClock } from '../../src/base/clock.ts';
import type { ClipKind } from './clips.ts';
import { FfmpegCamera } from './ffmpeg-camera.ts';
import type { PublisherFigures, Publishers } from './publishers.ts';
import type { ActionKind } from './schedule.ts';
import type { StampedClip } from './stamped-clip.ts';

/** One camera: what it sends and where. */
export interface FfmpegSource {
  readonly url: string;
  readonly kind: ClipKind;
  /** Null: it encodes while it sends. */
  readonly clip: StampedClip | null;
  /** Arguments in front of the output's URL. */
  readonly tls: readonly string[];
}

export interface FfmpegPublishersOptions {
  readonly ffmpeg: string;
  readonly sources: readonly FfmpegSource[];
  /** Where the cameras' files are written. */
  readonly folder: string;
}

/** Pictures that are encoded while they are sent are no larger than this, or a few of them would take all processors. */
const liveWidth = 640;
const liveHeight = 360;
const liveKilobits = 500;

/**
 * Without it a camera that leaves may lose its last picture to its own kernel: FFmpeg hangs up with our acknowledgement
 * unread, so the connection is reset, and what Nagle's algorithm still held back is never sent.
 */
const sendAtOnce = ['-tcp_nodelay', '1'];

/** Implements {@link Publishers} with child processes. */
export class FfmpegPublishers implements Publishers {
  readonly #cameras: FfmpegCamera[];
  readonly #folder: string;
  readonly #sources: readonly FfmpegSource[];
  #failure: string | null = null;
  readonly #onExit = (): void => {
    for (const camera of this.#cameras) camera.abandon();
  };

  constructor(options: FfmpegPublishersOptions) {
    const { ffmpeg, sources, folder } = options;
    this.#folder = folder;
    this.#sources = sources;
    this.#cameras = sources.map(({ url, kind, clip, tls }, index) => {
      const output = [...tls, ...sendAtOnce, '-f', 'flv', url];
      const kilobits = clip === null ? liveKilobits : kind.kilobitsPerSecond;
      return new FfmpegCamera({
        ffmpeg,
        onUnable: (code) => {
          this.#failure ??= `FFmpeg of camera ${index + 1} cannot be started (${code}): this machine lets no more processes run; fly fewer cameras, or --synthetic ones`;
        },
        frameBytes: (125 * kilobits) / kind.framesPerSecond,
        argumentsFor: (run) => {
          const input = clip === null ? liveInput(kind) : this.#clipInput(clip, index, run);
          return input === null ? null : [...input, ...output];
        },
      });
    });
    // Whatever ends this process, no camera flies on.
    process.once('exit', this.#onExit);
  }

  get failure(): string | null {
    return this.#failure;
  }

  act(camera: number, kind: ActionKind): void {
    this.#cameras[camera]![kind]();
  }

  figures(): Promise<readonly PublisherFigures[]> {
    return Promise.resolve(this.#cameras.map((camera) => camera.figures()));
  }

  async stop(ms: number): Promise<void> {
    await Promise.all(this.#cameras.map((camera) => camera.end(ms)));
    process.off('exit', this.#onExit);
  }

  /** Writes the camera's file for this run, the run before having ended. Null if it cannot be written. */
  #clipInput(clip: StampedClip, camera: number, run: number): string[] | null {
    const file = join(this.#folder, `camera${camera + 1}.flv`);
    try {
      writeFileSync(file, clip.render(camera, run, systemClock.nowMs() * 1000));
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      const bytes = this.#sources.reduce((sum, source) => sum + (source.clip?.byteLength ?? 0), 0);
      this.#failure ??=
        `the clip of camera ${camera + 1} cannot be written to ${this.#folder} (${code}): ` +
        `this fleet needs ${Math.ceil(bytes / 1e6)} MB there; make room, or set TMPDIR to a folder that has it`;
      return null;
    }
    return ['-re', '-stream_loop', '-1', '-i', file, '-c', 'copy'];
  }
}

function liveInput({ framesPerSecond, gop, audio }: ClipKind): string[] {
  const picture = `testsrc2=size=${liveWidth}x${liveHeight}:rate=${framesPerSecond}`;
  const rate = `${liveKilobits}k`;
  return [
    ...['-re', '-f', 'lavfi', '-i', picture],
    ...(audio ? ['-f', 'lavfi', '-i', 'sine=frequency=440:sample_rate=44100'] : []),
    // Profile High by its larger transforms: the readers tell these frames from a test card by it.
    ...['-pix_fmt', 'yuv420p', '-c:v', 'libx264', '-preset', 'superfast', '-profile:v', 'high', '-tune', 'zerolatency'],
    ...['-threads', '1', '-g', String(gop), '-b:v', rate, '-maxrate', rate, '-bufsize', rate],
    ...(audio ? ['-c:a', 'aac', '-b:a', '64k', '-ac', '1'] : []),
  ];
}
