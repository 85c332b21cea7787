import { ConnectionError } from '../base/errors.ts';
import { limits } from '../base/limits.ts';
import type { ChunkStream } from './chunk-stream.ts';

/** Bytes that a body starts with; commands fit, and a declared length alone never makes more. */
const firstCapacity = 1024;

/** Gathers bodies per chunk stream. Memory follows the bytes that arrived, and all bodies share one bound. */
export class MessageBodies {
  #gatheredBytes = 0;

  /** Adds to the body of `stream`. `otherBytes` are held elsewhere on this connection and count too. */
  append(stream: ChunkStream, bytes: Buffer, start: number, end: number, otherBytes: number): void {
    const needed = stream.bodyLength + end - start;
    this.#gatheredBytes += end - start;
    if (this.#gatheredBytes + otherBytes > limits.rtmp.partialBytes)
      throw new ConnectionError('partial_bodies_exceeded');
    if (stream.body === null || needed > stream.body.length) {
      const capacity = Math.max(needed, Math.min(stream.length, Math.max(firstCapacity, 2 * stream.bodyLength)));
      const grown = Buffer.allocUnsafe(capacity);
      stream.body?.copy(grown, 0, 0, stream.bodyLength);
      stream.body = grown;
    }
    bytes.copy(stream.body, stream.bodyLength, start, end);
    stream.bodyLength = needed;
  }

  /** Lets the body of `stream` go. */
  release(stream: ChunkStream): void {
    this.#gatheredBytes -= stream.bodyLength;
    stream.body = null;
    stream.bodyLength = 0;
  }
}
