import { writeU24, writeU32, writeU32LE } from '../base/bytes.ts';
import { defaultChunkSize, maximumChunkSize } from './chunk-decoder.ts';

/** The last header sent on a chunk stream. */
interface SentHeader {
  timestamp: number;
  length: number;
  type: number;
  messageStreamId: number;
}

const extendedField = 0xffffff;

/**
 * Messages to chunks (RTMP 1.0, clause 5.3), into a buffer that grows until it is taken. Headers are fmt 0 first and
 * where time runs backwards, else fmt 1 or 2; each fmt 3 chunk repeats the extended timestamp. Chunk stream ids 2 to 63.
 */
export class ChunkEncoder {
  readonly #sent: (SentHeader | null)[] = new Array<SentHeader | null>(64).fill(null);
  #chunkSize = defaultChunkSize;
  #buffer: Buffer | null = null;
  #length = 0;

  /** Takes effect with the next message. */
  set chunkSize(bytes: number) {
    this.#chunkSize = Math.min(bytes, maximumChunkSize);
  }

  get chunkSize(): number {
    return this.#chunkSize;
  }

  /** Bytes written and not yet taken. */
  get length(): number {
    return this.#length;
  }

  /** What was written since the last call; the caller owns it. */
  take(): Buffer {
    const bytes = this.#buffer === null ? Buffer.alloc(0) : this.#buffer.subarray(0, this.#length);
    this.#buffer = null;
    this.#length = 0;
    return bytes;
  }

  /** Appends one message. `timestamp` is unsigned 32-bit ms. */
  write(csid: number, type: number, messageStreamId: number, timestamp: number, body: Uint8Array): void {
    const length = body.length;
    const chunks = length === 0 ? 1 : Math.ceil(length / this.#chunkSize);
    const buffer = this.#reserve(16 + length + (chunks - 1) * 5);
    const sent = this.#sent[csid] ?? null;
    const delta = sent === null ? 0 : (timestamp - sent.timestamp) >>> 0;
    let field = timestamp;
    let fmt = 0;
    if (sent !== null && sent.messageStreamId === messageStreamId && delta < 0x80000000) {
      field = delta;
      fmt = sent.length === length && sent.type === type ? 2 : 1;
    }
    const extended = field >= extendedField;

    let at = this.#length;
    buffer[at++] = (fmt << 6) | csid;
    at = writeU24(buffer, at, extended ? extendedField : field);
    if (fmt < 2) {
      at = writeU24(buffer, at, length);
      buffer[at++] = type;
    }
    if (fmt === 0) at = writeU32LE(buffer, at, messageStreamId);
    if (extended) at = writeU32(buffer, at, field);

    for (let from = 0; from < length; ) {
      if (from > 0) {
        buffer[at++] = 0xc0 | csid;
        if (extended) at = writeU32(buffer, at, field);
      }
      const to = Math.min(from + this.#chunkSize, length);
      if (Buffer.isBuffer(body)) body.copy(buffer, at, from, to);
      else buffer.set(body.subarray(from, to), at);
      at += to - from;
      from = to;
    }
    this.#length = at;
    this.#remember(csid, sent, timestamp, length, type, messageStreamId);
  }

  #remember(
    csid: number,
    sent: SentHeader | null,
    timestamp: number,
    length: number,
    type: number,
    messageStreamId: number,
  ): void {
    if (sent === null) {
      this.#sent[csid] = { timestamp, length, type, messageStreamId };
      return;
    }
    sent.timestamp = timestamp;
    sent.length = length;
    sent.type = type;
    sent.messageStreamId = messageStreamId;
  }

  #reserve(length: number): Buffer {
    const needed = this.#length + length;
    if (this.#buffer === null) {
      this.#buffer = Buffer.allocUnsafe(Math.max(needed, 512));
    } else if (needed > this.#buffer.length) {
      const grown = Buffer.allocUnsafe(Math.max(needed, this.#buffer.length * 2));
      this.#buffer.copy(grown, 0, 0, this.#length);
      this.#buffer = grown;
    }
    return this.#buffer;
  }
}
