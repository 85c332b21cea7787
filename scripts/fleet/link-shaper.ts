/** One direction of a bad link: bytes and the time in, bytes that have come through out. It drops nothing. */
import { clearLink, type LinkPhase } from './link-plan.ts';

interface Parcel {
  bytes: Buffer;
  /** When it has passed the delay. */
  readonly dueMs: number;
}

/** Milliseconds' worth of rate that may go out at once after a pause: as much as a radio's own queue would send. */
const burstMs = 100;

/** What may go out at least in one step, so that a slow rate does not become a stream of single bytes. */
const leastStepBytes = 1400;

/** Holds what is under way; {@link take} and {@link nextMs} tell what comes out and when. */
export class LinkShaper {
  readonly #queue: Parcel[] = [];
  /** Bytes per second of the camera itself; the phase's share is taken of it. */
  readonly #bytesPerSecond: number;
  #phase: LinkPhase = clearLink;
  #credit = 0;
  #creditMs = 0;
  #lastDueMs = 0;
  /** Bytes under way. */
  waiting = 0;

  constructor(bytesPerSecond: number) {
    this.#bytesPerSecond = bytesPerSecond;
  }

  /** The weather changes. What is under way keeps its delay. */
  setPhase(phase: LinkPhase, nowMs: number): void {
    this.#earn(nowMs);
    this.#phase = phase;
  }

  /** Bytes enter the link; they must not change any more. */
  push(bytes: Buffer, nowMs: number): void {
    // A shorter delay does not let the new bytes pass the old ones.
    this.#lastDueMs = Math.max(this.#lastDueMs, nowMs + this.#phase.delayMs);
    this.#queue.push({ bytes, dueMs: this.#lastDueMs });
    this.waiting += bytes.length;
  }

  /** The next bytes that have come through, or null if none have at `nowMs`. */
  take(nowMs: number): Buffer | null {
    const first = this.#queue[0];
    if (first === undefined || this.#phase.blackout || first.dueMs > nowMs) return null;
    let length = first.bytes.length;
    if (this.#limited) {
      this.#earn(nowMs);
      if (this.#credit < Math.min(leastStepBytes, length)) return null;
      length = Math.min(length, Math.floor(this.#credit));
      this.#credit -= length;
    }
    this.waiting -= length;
    if (length === first.bytes.length) {
      this.#queue.shift();
      return first.bytes;
    }
    const part = first.bytes.subarray(0, length);
    first.bytes = first.bytes.subarray(length);
    return part;
  }

  /** When to call {@link take} next; Infinity while nothing can come. */
  nextMs(nowMs: number): number {
    const first = this.#queue[0];
    if (first === undefined || this.#phase.blackout) return Number.POSITIVE_INFINITY;
    if (!this.#limited) return first.dueMs;
    this.#earn(nowMs);
    const missing = Math.min(leastStepBytes, first.bytes.length) - this.#credit;
    return Math.max(first.dueMs, missing <= 0 ? nowMs : nowMs + (1000 * missing) / this.#rate);
  }

  get #limited(): boolean {
    return Number.isFinite(this.#phase.rateShare);
  }

  get #rate(): number {
    return this.#bytesPerSecond * this.#phase.rateShare;
  }

  #earn(nowMs: number): void {
    const elapsedMs = Math.max(0, nowMs - this.#creditMs);
    this.#creditMs = nowMs;
    if (!this.#limited) {
      this.#credit = 0;
      return;
    }
    const most = Math.max(leastStepBytes, (this.#rate * burstMs) / 1000);
    this.#credit = Math.min(most, this.#credit + (this.#rate * elapsedMs) / 1000);
  }
}
