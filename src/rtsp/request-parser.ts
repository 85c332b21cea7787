import { ConnectionError } from '../base/errors.ts';
import { limits } from '../base/limits.ts';
import { parseRequestHead, type RtspRequest } from './request-head.ts';

export type { RtspRequest } from './request-head.ts';

/** Where a {@link RequestParser} delivers, in the order of the bytes. */
export interface RequestSink {
  onRequest(request: RtspRequest): void;
  /** An interleaved frame from the client; `bytes` is valid during the call only. */
  onInterleaved(channel: number, bytes: Uint8Array): void;
}

const stateIdle = 0;
const stateHead = 1;
const stateBody = 2;
const stateFrameHeader = 3;
const stateFrame = 4;
const lf = 0x0a;
const cr = 0x0d;
const dollar = 0x24;
const noBytes = Buffer.alloc(0);

/**
 * RTSP requests and interleaved frames from bytes, split anywhere (RFC 2326 sections 4 and 10.12). Lines end with CRLF
 * or a bare LF. Throws {@link ConnectionError} only where the end of a message cannot be told; keeps nothing between
 * whole messages.
 */
export class RequestParser {
  readonly #sink: RequestSink;
  #state = stateIdle;
  /** Bytes of the open message that came in earlier reads. */
  #gathered: Buffer = noBytes;
  #filled = 0;
  /** Characters since the last line feed, carriage returns apart: 0 at a line feed is the end of the head. */
  #lineLength = 0;
  /** Length of the open body or frame. */
  #wanted = 0;
  #channel = 0;
  #head: RtspRequest | null = null;

  constructor(sink: RequestSink) {
    this.#sink = sink;
  }

  /** Parses `bytes[start, end)` and delivers every message that is complete. */
  receive(bytes: Buffer, start: number, end: number): void {
    let at = start;
    while (at < end) {
      if (this.#state === stateIdle) at = this.#idle(bytes, at);
      else if (this.#state === stateHead) at = this.#readHead(bytes, at, end);
      else if (this.#state === stateFrameHeader) at = this.#readFrameHeader(bytes, at, end);
      else at = this.#readPayload(bytes, at, end);
    }
  }

  #idle(bytes: Buffer, at: number): number {
    const byte = bytes[at]!;
    if (byte === cr || byte === lf) return at + 1;
    this.#filled = 0;
    this.#lineLength = 0;
    if (byte === dollar) {
      this.#state = stateFrameHeader;
      return at + 1;
    }
    // A method begins with a letter. Anything else, such as a TLS hello, would only be gathered in vain.
    if (((byte | 0x20) < 0x61 || (byte | 0x20) > 0x7a) && byte !== 0x5f)
      throw new ConnectionError('rtsp_malformed', 'neither a request nor an interleaved frame');
    this.#state = stateHead;
    return at;
  }

  #readHead(bytes: Buffer, at: number, end: number): number {
    let line = this.#lineLength;
    let stop = at;
    let complete = false;
    while (stop < end && !complete) {
      const byte = bytes[stop++]!;
      if (byte === lf) {
        complete = line === 0;
        line = 0;
      } else if (byte !== cr) line++;
    }
    this.#lineLength = line;
    if (this.#filled + stop - at > limits.rtsp.headBytes) throw new ConnectionError('rtsp_too_large', 'request head');
    if (!complete) {
      this.#gather(bytes, at, stop);
      return stop;
    }
    let text: string;
    if (this.#filled === 0) text = bytes.toString('utf8', at, stop);
    else {
      this.#gather(bytes, at, stop);
      text = this.#gathered.toString('utf8', 0, this.#filled);
    }
    const head = parseRequestHead(text);
    this.#wanted = bodyLength(head.headers);
    this.#filled = 0;
    if (this.#wanted === 0) {
      this.#finish();
      this.#sink.onRequest(head);
    } else {
      this.#head = head;
      this.#state = stateBody;
    }
    return stop;
  }

  #readFrameHeader(bytes: Buffer, at: number, end: number): number {
    while (at < end && this.#filled < 3) {
      const byte = bytes[at++]!;
      if (this.#filled === 0) this.#channel = byte;
      else this.#wanted = this.#filled === 1 ? byte << 8 : this.#wanted | byte;
      this.#filled++;
    }
    if (this.#filled < 3) return at;
    this.#filled = 0;
    this.#state = stateFrame;
    if (this.#wanted === 0) this.#deliver(noBytes);
    return at;
  }

  /** The payload of a frame or request: in place if it lies whole in this read, else gathered. */
  #readPayload(bytes: Buffer, at: number, end: number): number {
    const stop = Math.min(end, at + this.#wanted - this.#filled);
    if (this.#filled === 0 && stop - at === this.#wanted) this.#deliver(bytes.subarray(at, stop));
    else {
      this.#gather(bytes, at, stop);
      if (this.#filled === this.#wanted) this.#deliver(this.#gathered.subarray(0, this.#filled));
    }
    return stop;
  }

  #deliver(payload: Uint8Array): void {
    const head = this.#head;
    this.#finish();
    if (head === null) this.#sink.onInterleaved(this.#channel, payload);
    else this.#sink.onRequest({ ...head, body: payload });
  }

  #finish(): void {
    this.#state = stateIdle;
    this.#head = null;
    // Straddling messages are rare; most connections wait for minutes and should hold nothing meanwhile.
    this.#gathered = noBytes;
    this.#filled = 0;
  }

  #gather(bytes: Buffer, start: number, end: number): void {
    const needed = this.#filled + end - start;
    if (needed > this.#gathered.length) {
      const grown = Buffer.allocUnsafeSlow(Math.max(needed, 2 * this.#gathered.length, 512));
      this.#gathered.copy(grown, 0, 0, this.#filled);
      this.#gathered = grown;
    }
    bytes.copy(this.#gathered, this.#filled, start, end);
    this.#filled = needed;
  }
}

function bodyLength(headers: ReadonlyMap<string, string>): number {
  const value = headers.get('content-length');
  if (value === undefined) return 0;
  if (!/^\d{1,15}$/.test(value)) throw new ConnectionError('rtsp_malformed', 'Content-Length is not a number');
  const length = Number(value);
  if (length > limits.rtsp.bodyBytes) throw new ConnectionError('rtsp_too_large', 'request body');
  return length;
}
