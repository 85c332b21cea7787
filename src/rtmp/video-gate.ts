import type { VideoSink } from './video-sink.ts';

/** Bytes that a waiting message counts for beside its body, so that empty ones cannot pile up without end. */
const waitingOverhead = 256;

/** Before a publication there is no sink, and no message either. */
const nowhere: VideoSink = { begin() {}, append() {}, end: () => 0, abort() {} };

/** A video message that waits for the open one to end. */
interface WaitingMessage {
  readonly timestampMs: number;
  readonly body: Buffer;
}

/**
 * Keeps the sink's promise that two video messages never interleave: one streams through while it arrives, those that
 * become complete meanwhile wait whole and follow in order.
 */
export class VideoGate {
  #sink: VideoSink = nowhere;
  #open = false;
  #waiting: WaitingMessage[] = [];
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

  /** Bytes of the messages that wait, with what it costs to keep them. */
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

  /** Returns what {@link VideoSink.end} does. */
  end(nowMs: number): number {
    this.#open = false;
    const cost = this.#sink.end();
    if (this.#waitingBytes > 0) this.#deliverWaiting(nowMs);
    return cost;
  }

  abort(nowMs: number): void {
    this.#open = false;
    this.#sink.abort();
    if (this.#waitingBytes > 0) this.#deliverWaiting(nowMs);
  }

  /** A message that is complete: delivered at once, or copied to wait. */
  deliver(timestampMs: number, bytes: Buffer, start: number, end: number, nowMs: number): void {
    if (this.#open) {
      this.#waiting.push({ timestampMs, body: Buffer.from(bytes.subarray(start, end)) });
      this.#waitingBytes += waitingOverhead + end - start;
      return;
    }
    this.#sink.begin(timestampMs, end - start, nowMs);
    if (end > start) this.#sink.append(bytes, start, end);
    this.#sink.end();
  }

  /** Drops what waits, aborts what is open, and lets the sink go. */
  close(): void {
    const sink = this.#sink;
    this.#sink = nowhere;
    this.#waiting = [];
    this.#waitingBytes = 0;
    if (!this.#open) return;
    this.#open = false;
    sink.abort();
  }

  #deliverWaiting(nowMs: number): void {
    const waiting = this.#waiting;
    this.#waiting = [];
    this.#waitingBytes = 0;
    for (const { timestampMs, body } of waiting) this.deliver(timestampMs, body, 0, body.length, nowMs);
  }
}
