/**
 * Reads RTMP chunks (RTMP 1.0, 5.3.1) for one playing reader of a load process: of each message only the front is kept,
 * the rest is skipped.
 */
import type { FrameChecker } from './frame-checker.ts';
import { Stamp } from './stamp.ts';

/** As much of a message as is looked at: the stamp of a frame, the code of an onStatus. */
const frontLength = 256;
const headerLimit = 18;
/** FLV tag header and NAL length in front of the stamp. */
const stampOffset = 9;
const stamp = new Stamp();

class ChunkStream {
  length = 0;
  type = 0;
  remaining = 0;
  extended = false;
  frontBytes = 0;
  readonly front = Buffer.allocUnsafe(frontLength);
}

/** One RTMP connection's incoming side after the handshake. */
export class ChunkParser {
  readonly #reader: number;
  readonly #checker: FrameChecker;
  readonly #onCommand: (front: Buffer) => void;
  readonly #streams: (ChunkStream | undefined)[] = [];
  readonly #header = Buffer.alloc(headerLimit);
  #headerBytes = 0;
  #current: ChunkStream | null = null;
  #chunkLeft = 0;
  #chunkSize = 128;

  /** `onCommand` gets the front of each AMF0 command message; the bytes are only valid during the call. */
  constructor(reader: number, checker: FrameChecker, onCommand: (front: Buffer) => void) {
    this.#reader = reader;
    this.#checker = checker;
    this.#onCommand = onCommand;
  }

  /** Parses bytes[start, end) that arrived at `nowUs`. */
  receive(bytes: Buffer, start: number, end: number, nowUs: number): void {
    let at = start;
    while (at < end) {
      const current = this.#current;
      if (current === null) {
        at = this.#readHeader(bytes, at, end, nowUs);
        continue;
      }
      const step = Math.min(this.#chunkLeft, end - at);
      if (current.frontBytes < frontLength) {
        const wanted = frontLength - current.frontBytes;
        current.frontBytes += bytes.copy(current.front, current.frontBytes, at, at + Math.min(wanted, step));
      }
      at += step;
      current.remaining -= step;
      this.#chunkLeft -= step;
      if (this.#chunkLeft > 0) return;
      this.#current = null;
      if (current.remaining === 0) this.#message(current, nowUs);
    }
  }

  /** A chunk header, in place if it is surely all there, else byte by byte. */
  #readHeader(bytes: Buffer, start: number, end: number, nowUs: number): number {
    if (this.#headerBytes === 0 && end - start >= headerLimit) {
      const length = this.#headerLength(bytes, start, headerLimit);
      this.#openChunk(bytes, start, nowUs);
      return start + length;
    }
    let at = start;
    while (at < end) {
      this.#header[this.#headerBytes++] = bytes[at++]!;
      const length = this.#headerLength(this.#header, 0, this.#headerBytes);
      if (length > 0 && this.#headerBytes === length) {
        this.#headerBytes = 0;
        this.#openChunk(this.#header, 0, nowUs);
        break;
      }
    }
    return at;
  }

  /** Length of the header at `at` of which `there` bytes are known; 0 while that cannot be told. */
  #headerLength(bytes: Buffer, at: number, there: number): number {
    const low = bytes[at]! & 0x3f;
    const basic = low === 0 ? 2 : low === 1 ? 3 : 1;
    if (there < basic) return 0;
    const format = bytes[at]! >>> 6;
    const message = format === 0 ? 11 : format === 1 ? 7 : format === 2 ? 3 : 0;
    if (message === 0) return basic + (this.#stream(csidOf(bytes, at)).extended ? 4 : 0);
    if (there < basic + 3) return 0;
    return basic + message + (isExtended(bytes, at + basic) ? 4 : 0);
  }

  #openChunk(bytes: Buffer, at: number, nowUs: number): void {
    const format = bytes[at]! >>> 6;
    const low = bytes[at]! & 0x3f;
    const stream = this.#stream(csidOf(bytes, at));
    const fields = at + (low === 0 ? 2 : low === 1 ? 3 : 1);
    if (format < 3) stream.extended = isExtended(bytes, fields);
    if (format < 2) {
      stream.length = bytes.readUIntBE(fields + 3, 3);
      stream.type = bytes[fields + 6]!;
    }
    if (stream.remaining === 0) {
      stream.remaining = stream.length;
      stream.frontBytes = 0;
    }
    this.#chunkLeft = Math.min(this.#chunkSize, stream.remaining);
    if (this.#chunkLeft === 0) this.#message(stream, nowUs);
    else this.#current = stream;
  }

  #message(stream: ChunkStream, nowUs: number): void {
    const front = stream.front;
    if (stream.type === 9) {
      // Sequence headers (AVCPacketType 0) are no frames.
      if (stream.frontBytes < 2 || front[1] !== 1) return;
      if (stamp.read(front, stampOffset, stream.frontBytes)) this.#checker.stamped(this.#reader, stamp, nowUs);
      else this.#checker.bare();
    } else if (stream.type === 1 && stream.frontBytes >= 4) {
      this.#chunkSize = Math.max(1, front.readUInt32BE(0) & 0x7fffffff);
    } else if (stream.type === 20) this.#onCommand(front.subarray(0, stream.frontBytes));
  }

  #stream(csid: number): ChunkStream {
    let stream = this.#streams[csid];
    if (stream === undefined) {
      stream = new ChunkStream();
      this.#streams[csid] = stream;
    }
    return stream;
  }
}

function csidOf(bytes: Buffer, at: number): number {
  const low = bytes[at]! & 0x3f;
  if (low > 1) return low;
  return low === 0 ? 64 + bytes[at + 1]! : 64 + bytes[at + 1]! + 256 * bytes[at + 2]!;
}

function isExtended(bytes: Buffer, at: number): boolean {
  return bytes[at] === 0xff && bytes[at + 1] === 0xff && bytes[at + 2] === 0xff;
}
