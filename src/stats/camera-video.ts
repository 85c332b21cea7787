import type { PublisherSnapshot } from '../shm/stream-counters.ts';

/** A camera's picture and rate, as far as its counters tell. */
export interface CameraVideo {
  readonly width: number;
  readonly height: number;
  /** Of H.264. */
  readonly profile: number;
  /** Frames per second over the last seconds, 0 while unknown. */
  readonly fps: number;
  readonly kbps: number;
  /** Frames from keyframe to keyframe over the life of the stream, 0 while unknown. */
  readonly gop: number;
}

/** The offline card. Its rate is not a camera's, but it is what is sent. */
export const cardVideo: CameraVideo = { width: 1280, height: 720, profile: 66, fps: 1, kbps: 64, gop: 10 };

/** Milliseconds that a rate is taken over at least; a shorter time would hold part of a group of pictures. */
const windowMs = 5000;

interface Sample {
  readonly startedMs: number;
  readonly atMs: number;
  readonly frames: number;
  readonly bytes: number;
}

/**
 * Rates of cameras for whoever asks now and then: from the start of the stream at first, then from one asking to another that
 * is some seconds later. Costs nothing while nobody asks.
 */
export class CameraVideoMeter {
  readonly #samples = new Map<number, { base: Sample; next: Sample }>();

  /** `counters` are those of the camera's live publisher, read at `nowMs`. */
  measure(camera: number, counters: PublisherSnapshot, nowMs: number): CameraVideo {
    const { startedMs, firstArrivalMs, frames, bytes, keyframes, width, height, profile } = counters;
    // Before the first picture, its time is that of nothing.
    if (frames === 0) return { width, height, profile, fps: 0, kbps: 0, gop: 0 };
    const now: Sample = { startedMs, atMs: nowMs, frames, bytes };
    let samples = this.#samples.get(camera);
    if (samples === undefined || samples.base.startedMs !== startedMs) {
      const base: Sample = { startedMs, atMs: firstArrivalMs, frames: 0, bytes: 0 };
      samples = { base, next: base };
      this.#samples.set(camera, samples);
    }
    if (nowMs - samples.next.atMs >= windowMs) {
      samples.base = samples.next;
      samples.next = now;
    }
    const seconds = (nowMs - samples.base.atMs) / 1000;
    const known = seconds >= 1 && frames > 1;
    return {
      width,
      height,
      profile,
      fps: known ? (frames - samples.base.frames) / seconds : 0,
      kbps: known ? ((bytes - samples.base.bytes) * 8) / 1000 / seconds : 0,
      // The newest group of pictures has begun only: half of one is there on average.
      gop: keyframes > 1 ? frames / (keyframes - 0.5) : 0,
    };
  }
}
