import type { ErrorCode } from '../base/errors.ts';

/** The four time limits of a publishing connection in ms. */
export interface DeadlineOptions {
  readonly handshakeTimeoutMs: number;
  readonly publishTimeoutMs: number;
  readonly videoTimeoutMs: number;
  readonly receiveTimeoutMs: number;
}

type PhaseCode = 'handshake_timeout' | 'publish_timeout' | 'video_timeout' | 'unpublished';

/**
 * When a connection has to be cut off. One deadline belongs to the phase (handshake, then publish, then video) and does
 * not move when bytes trickle in; the other one to the bytes. The session says when the newest bytes and the newest video
 * came only when it asks: it asks rarely, and they come all the time.
 */
export class SessionDeadlines {
  readonly #options: DeadlineOptions;
  #phase: PhaseCode = 'handshake_timeout';
  #phaseMs: number;

  constructor(options: DeadlineOptions, nowMs: number) {
    this.#options = options;
    this.#phaseMs = nowMs;
  }

  /** From now on a publication is waited for. */
  waitForPublish(nowMs: number): void {
    this.#phase = 'publish_timeout';
    this.#phaseMs = nowMs;
  }

  /** The peer has ended a publication in order: another one may follow, within the same time, or nothing. */
  waitForAnother(nowMs: number): void {
    this.#phase = 'unpublished';
    this.#phaseMs = nowMs;
  }

  /** From now on complete video messages are waited for, one after the other. */
  waitForVideo(nowMs: number): void {
    this.#phase = 'video_timeout';
    this.#phaseMs = nowMs;
  }

  /** The next deadline, if bytes came last at `receivedMs` and a complete video message at `videoMs`. */
  nextMs(receivedMs: number, videoMs: number): number {
    return Math.min(this.#phaseDeadlineMs(videoMs), receivedMs + this.#options.receiveTimeoutMs);
  }

  /** Why the connection must end at `nowMs`, or null; the others as in {@link nextMs}. */
  expired(nowMs: number, receivedMs: number, videoMs: number): ErrorCode | null {
    if (nowMs >= this.#phaseDeadlineMs(videoMs)) return this.#phase;
    return nowMs >= receivedMs + this.#options.receiveTimeoutMs ? 'receive_timeout' : null;
  }

  #phaseDeadlineMs(videoMs: number): number {
    if (this.#phase === 'handshake_timeout') return this.#phaseMs + this.#options.handshakeTimeoutMs;
    if (this.#phase === 'video_timeout') return Math.max(this.#phaseMs, videoMs) + this.#options.videoTimeoutMs;
    return this.#phaseMs + this.#options.publishTimeoutMs;
  }
}
