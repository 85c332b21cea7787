import type { ErrorCode } from '../base/errors.ts';

/** The four time limits of a publishing connection in ms. */
export interface DeadlineOptions {
  readonly handshakeTimeoutMs: number;
  readonly publishTimeoutMs: number;
  readonly videoTimeoutMs: number;
  readonly receiveTimeoutMs: number;
}

type PhaseCode = 'handshake_timeout' | 'publish_timeout' | 'video_timeout';

/**
 * When a connection has to be cut off. One deadline belongs to the phase (handshake, then publish, then video) and does
 * not move when bytes trickle in; the other one to the bytes.
 */
export class SessionDeadlines {
  readonly #options: DeadlineOptions;
  #phase: PhaseCode = 'handshake_timeout';
  #phaseDeadlineMs: number;
  #receiveDeadlineMs: number;

  constructor(options: DeadlineOptions, nowMs: number) {
    this.#options = options;
    this.#phaseDeadlineMs = nowMs + options.handshakeTimeoutMs;
    this.#receiveDeadlineMs = nowMs + options.receiveTimeoutMs;
  }

  /** From now on a publication is waited for. */
  waitForPublish(nowMs: number): void {
    this.#phase = 'publish_timeout';
    this.#phaseDeadlineMs = nowMs + this.#options.publishTimeoutMs;
  }

  /** From now on the next complete video message is waited for. */
  waitForVideo(nowMs: number): void {
    this.#phase = 'video_timeout';
    this.#phaseDeadlineMs = nowMs + this.#options.videoTimeoutMs;
  }

  /** Bytes arrived. */
  received(nowMs: number): void {
    this.#receiveDeadlineMs = nowMs + this.#options.receiveTimeoutMs;
  }

  get nextMs(): number {
    return Math.min(this.#phaseDeadlineMs, this.#receiveDeadlineMs);
  }

  expired(nowMs: number): ErrorCode | null {
    if (nowMs >= this.#phaseDeadlineMs) return this.#phase;
    return nowMs >= this.#receiveDeadlineMs ? 'receive_timeout' : null;
  }
}
