import { ConnectionError } from '../base/errors.ts';
import { limits } from '../base/limits.ts';
import type { VideoSink } from './video-sink.ts';

/** Before a publication there is no sink, and no message either. */
const nowhere: VideoSink = { begin() {}, append() {}, end: () => 0, abort() {} };

/** A video message that waits for the open one to end. */
interface WaitingMessage {
  readonly timestampMs: number;
  readonly body: Buffer;
}

/**
 * Keeps the sink's promise that two video messages never interleave: one streams through while it arrives, those that
 * become complete meanwhile wait whole and follow in order. What returns a number returns what the calls of
 * {@link VideoSink.end} that it made did.
 */
export class VideoGate {
  #sink: VideoSink = nowhere;
  #open = false;
  #waiting: WaitingMessage[] = [];
  #waitingCount = 0;
  #waitingBytes = 0;

  /** Messages from now on go to `sink`; none is open or waits. */
  set sink(sink: VideoSink) {
    this.#sink = sink;
  }

  /** There is a publication that messages go to. */
  get hasSink(): boolean {
    return this.#sink !== nowhere;
  }

  /** A message is streaming through. */
  get open(): boolean {
    return this.#open;
  }

  /** Bytes of the messages that wait. */
  get waitingBytes(): number {
    return this.#waitingBytes;
  }

  begin(timestampMs: number, length: number, nowMs: number): void {
    this.#open = true;
    this.#sink.begin(timestampMs, length, nowMs);
  }

  append(bytes: Buffer, start: number, end: number): void {
    this.#sink.append(bytes, start, end);
  }

  end(nowMs: number): number {
    this.#open = false;
    const cost = this.#sink.end();
    return this.#waitingCount > 0 ? cost + this.#deliverWaiting(nowMs) : cost;
  }

  abort(nowMs: number): number {
    this.#open = false;
    this.#sink.abort();
    return this.#waitingCount > 0 ? this.#deliverWaiting(nowMs) : 0;
  }

  /** A message that is complete: delivered at once, or copied to wait. Throws `ConnectionError` when too much waits. */
  deliver(timestampMs: number, bytes: Buffer, start: number, end: number, nowMs: number): number {
    if (this.#open) {
      this.#wait(timestampMs, bytes, start, end);
      return 0;
    }
    this.#sink.begin(timestampMs, end - start, nowMs);
    if (end > start) this.#sink.append(bytes, start, end);
    return this.#sink.end();
  }

  /** Drops what waits, aborts what is open, and lets the sink go. */
  close(): void {
    const sink = this.#sink;
    this.#sink = nowhere;
    this.#takeWaiting();
    if (!this.#open) return;
    this.#open = false;
    sink.abort();
  }

  #wait(timestampMs: number, bytes: Buffer, start: number, end: number): void {
    this.#waitingCount++;
    this.#waitingBytes += end - start;
    if (this.#waitingCount > limits.rtmp.waitingMessages || this.#waitingBytes > limits.rtmp.partialBytes)
      throw new ConnectionError('partial_bodies_exceeded', `${this.#waitingCount} video messages behind another`);
    this.#waiting.push({ timestampMs, body: Buffer.from(bytes.subarray(start, end)) });
  }

  #deliverWaiting(nowMs: number): number {
    let cost = 0;
    for (const { timestampMs, body } of this.#takeWaiting())
      cost += this.deliver(timestampMs, body, 0, body.length, nowMs);
    return cost;
  }

  #takeWaiting(): WaitingMessage[] {
    const waiting = this.#waiting;
    this.#waiting = [];
    this.#waitingCount = 0;
    this.#waitingBytes = 0;
    return waiting;
  }
}
