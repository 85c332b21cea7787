import { readU24, readU32, readU32LE } from '../base/bytes.ts';
import { ConnectionError } from '../base/errors.ts';
import { limits } from '../base/limits.ts';
import { ChunkStream, type MessageSink } from './chunk-stream.ts';
import type { SessionCounters } from './session-counters.ts';

/** Chunk size until Set Chunk Size (RTMP 1.0, clause 5.4.1). */
export const defaultChunkSize = 128;
/** No message is longer than its 24-bit length field says, so a larger chunk size means the same. */
export const maximumChunkSize = 0xffffff;

const extendedField = 0xffffff;
/** Milliseconds. A fmt 0 timestamp beyond this is a clock, not the distance to the next message. */
const largestMeantDelta = 5_000;
/** Bytes of message header after the basic header, by fmt. */
const messageHeaderBytes = [11, 7, 3, 0] as const;
/** Two of the longest headers: 3 + 11 + 4 bytes, and 4 more that were read ahead for an extended timestamp. */
const heldCapacity = 32;
/** Bytes that a chunk has to be long to pay for itself; what it lacks is held against the connection. */
const chunkCost = Math.floor(65_536 / (limits.rtmp.chunksPer64KiB + 65_536 / defaultChunkSize));
const workCapacity = 65_536;

/**
 * Chunks to messages (RTMP 1.0, clause 5.3). Payload goes to the sink straight from the caller's buffer; kept are only
 * the bytes of a header that straddles two calls:
 *
 *     call n:   ... payload | header, first part ]
 *     held:                 [ header, first part | copied from the next call, at most 32 bytes in all ]
 *     call n+1:                                  [ header, rest | payload ...
 */
export class ChunkDecoder {
  // What every chunk touches comes first; see ServerSession.
  readonly #sink: MessageSink;
  /** The stream of the newest chunk. */
  #current: ChunkStream;
  /** Payload bytes of the current chunk still to come. */
  #chunkRemaining = 0;
  #chunkSize = defaultChunkSize;
  #heldLength = 0;
  #paused = false;
  #work = 0;
  readonly #counters: SessionCounters;
  readonly #small: (ChunkStream | null)[] = new Array<ChunkStream | null>(64).fill(null);
  readonly #large = new Map<number, ChunkStream>();
  readonly #held = Buffer.alloc(heldCapacity);
  #streamCount = 0;
  /** Restarted messages that are not forgiven, and how many messages were complete at the newest of them. */
  #restarts = 0;
  #completeAtRestart = 0;

  constructor(sink: MessageSink, counters: SessionCounters) {
    this.#sink = sink;
    this.#counters = counters;
    this.#current = new ChunkStream(0);
  }

  /** Takes effect with the next chunk, also within messages that are half received. */
  set chunkSize(bytes: number) {
    this.#chunkSize = Math.min(bytes, maximumChunkSize);
  }

  get chunkSize(): number {
    return this.#chunkSize;
  }

  /** To be called by the sink in `end`: `decode` returns after this message. */
  pause(): void {
    this.#paused = true;
  }

  /**
   * Decodes `bytes[start, end)` and returns the offset up to which they were consumed, which is `end` unless the sink
   * paused. The bytes after it must be given again. Throws `ConnectionError`; the decoder is of no use after that.
   */
  decode(bytes: Buffer, start: number, end: number): number {
    this.#paused = false;
    let at = start;
    if (this.#heldLength > 0) {
      at = this.#decodeHeld(bytes, start, end);
      if (this.#heldLength > 0 || this.#paused) return at;
    }
    at = this.#run(bytes, at, end);
    if (at < end && !this.#paused) {
      this.#heldLength = bytes.copy(this.#held, 0, at, end);
      return end;
    }
    return at;
  }

  /** Abort Message (clause 5.4.2): the header state stays, only the partial body goes. */
  abort(csid: number): void {
    const stream = this.#find(csid);
    if (stream?.open !== true) return;
    this.#counters.abortedMessages++;
    this.#drop(stream);
  }

  /** Gives every chunk stream whose route is `from` the route `to`. */
  reroute(from: number, to: number): void {
    for (const stream of this.#small) if (stream?.route === from) stream.route = to;
    for (const stream of this.#large.values()) if (stream.route === from) stream.route = to;
  }

  /** Completes the held header with copied bytes and decodes that, then says where the caller's own bytes go on. */
  #decodeHeld(bytes: Buffer, start: number, end: number): number {
    const before = this.#heldLength;
    const length = before + bytes.copy(this.#held, before, start, end);
    const consumed = this.#run(this.#held, 0, length);
    if (consumed >= before) {
      this.#heldLength = 0;
      return start + consumed - before;
    }
    // Paused inside what was held, or still not a whole header (then all of the caller's bytes were copied).
    const keep = this.#paused ? before : length;
    this.#held.copy(this.#held, 0, consumed, keep);
    this.#heldLength = keep - consumed;
    return start + keep - before;
  }

  /** Decodes up to `end`, to an incomplete header or to a pause, and returns the offset reached. */
  #run(bytes: Buffer, start: number, end: number): number {
    let at = start;
    while (at < end) {
      if (this.#chunkRemaining === 0) {
        at = this.#header(bytes, at, end);
        if (at < 0) return -at - 1;
        if (this.#paused) return at;
        continue;
      }
      const stream = this.#current;
      const available = end - at;
      const length = Math.min(this.#chunkRemaining, available);
      this.#chunkRemaining -= length;
      stream.remaining -= length;
      this.#sink.append(stream, bytes, at, at + length);
      at += length;
      if (stream.remaining === 0) {
        stream.open = false;
        this.#sink.end(stream);
        if (this.#paused) return at;
      }
    }
    return at;
  }

  /** Reads one chunk header and returns the offset after it, or `-1 - at` if it is not complete yet. */
  #header(bytes: Buffer, at: number, end: number): number {
    const first = bytes[at]!;
    const fmt = first >> 6;
    let csid = first & 0x3f;
    let next = at + 1;
    if (csid < 2) {
      // Clause 5.3.1.1: 0 stands for one more byte, 1 for two, the low one first.
      next += csid + 1;
      if (next > end) return -1 - at;
      csid = csid === 0 ? 64 + bytes[at + 1]! : 64 + bytes[at + 1]! + (bytes[at + 2]! << 8);
    }
    // Most chunks belong to the stream of the one before, which spares the way through the table.
    let stream = csid === this.#current.csid ? this.#current : this.#find(csid);

    if (fmt === 3) {
      if (stream === null) throw new ConnectionError('chunk_no_state', `csid ${csid}, fmt 3`);
      if (stream.extended) {
        const repeated = repeatsExtendedTimestamp(stream, bytes, next, end);
        if (repeated < 0) return -1 - at;
        if (repeated === 1) next += 4;
        else this.#counters.omittedExtendedTimestamps++;
      }
      if (!stream.open) {
        if (stream.deltaGuarded) this.#counters.guardedDeltas++;
        stream.timestamp = (stream.timestamp + stream.delta) >>> 0;
        this.#begin(stream);
      }
    } else {
      const header = next;
      next += messageHeaderBytes[fmt]!;
      if (next > end) return -1 - at;
      let field = readU24(bytes, header);
      const extended = field === extendedField;
      if (extended) {
        if (end - next < 4) return -1 - at;
        field = readU32(bytes, next);
        next += 4;
      }
      if (stream === null) stream = this.#create(csid, fmt);
      else if (stream.open) this.#restart(stream);
      stream.extended = extended;
      stream.extendedTimestamp = field;
      if (fmt === 0) {
        // A fmt 3 chunk that starts the next message repeats this timestamp as its delta (clause 5.3.1.2.4). FFmpeg
        // counts on that; others mean "no change" and send a running clock, which the guard keeps from doubling.
        stream.timestamp = field;
        stream.deltaGuarded = field > largestMeantDelta;
        stream.delta = stream.deltaGuarded ? 0 : field;
        stream.messageStreamId = readU32LE(bytes, header + 7);
      } else {
        stream.timestamp = (stream.timestamp + field) >>> 0;
        stream.deltaGuarded = false;
        stream.delta = field;
      }
      if (fmt < 2) {
        stream.length = readU24(bytes, header + 3);
        stream.type = bytes[header + 6]!;
      }
      this.#begin(stream);
    }

    const length = Math.min(stream.remaining, this.#chunkSize);
    this.#charge(next - at + length);
    if (length === 0) {
      stream.open = false;
      this.#sink.end(stream);
    } else {
      this.#current = stream;
      this.#chunkRemaining = length;
    }
    return next;
  }

  #begin(stream: ChunkStream): void {
    if (stream.length > limits.rtmp.messageBytes)
      throw new ConnectionError('message_too_large', `${stream.length} bytes, type ${stream.type}`);
    stream.open = true;
    stream.remaining = stream.length;
    this.#sink.begin(stream);
  }

  /** A new header before the message was complete: the old body must not receive a byte of the new one. */
  #restart(stream: ChunkStream): void {
    const { messages } = this.#counters;
    if (messages - this.#completeAtRestart >= limits.rtmp.restartsForgivenAfter) this.#restarts = 0;
    this.#completeAtRestart = messages;
    this.#counters.restartedMessages++;
    if (++this.#restarts > limits.rtmp.restartedMessages)
      throw new ConnectionError('chunk_restarted', `csid ${stream.csid}`);
    this.#drop(stream);
  }

  #drop(stream: ChunkStream): void {
    stream.open = false;
    stream.remaining = 0;
    this.#sink.abort(stream);
  }

  #create(csid: number, fmt: number): ChunkStream {
    // librtmp starts some chunk streams with fmt 1; a fresh fmt 2 has no length and is what lost framing looks like.
    if (fmt === 2) throw new ConnectionError('chunk_no_state', `csid ${csid}, fmt 2`);
    if (++this.#streamCount > limits.rtmp.chunkStreams) throw new ConnectionError('chunk_streams_exceeded');
    if (fmt === 1) this.#counters.freshRelativeHeaders++;
    const stream = new ChunkStream(csid);
    if (csid < 64) this.#small[csid] = stream;
    else this.#large.set(csid, stream);
    return stream;
  }

  #find(csid: number): ChunkStream | null {
    return csid < 64 ? (this.#small[csid] ?? null) : (this.#large.get(csid) ?? null);
  }

  /** A leaky bucket over bytes, so that the same stream fails or passes however it is cut into reads. */
  #charge(bytes: number): void {
    const work = this.#work + chunkCost - bytes;
    this.#work = Math.max(work, 0);
    if (work > workCapacity) throw new ConnectionError('work_exceeded');
  }
}

/**
 * Does a fmt 3 chunk repeat the extended timestamp? 1 yes, 0 no, -1 not enough bytes to tell. The specification wants
 * it; OBS before 30.1 and some devices leave it out, so it is taken only if it is the value of the header before it or
 * the message's absolute timestamp.
 */
function repeatsExtendedTimestamp(stream: ChunkStream, bytes: Buffer, at: number, end: number): number {
  const sent = stream.extendedTimestamp;
  const absolute = stream.open ? stream.timestamp : (stream.timestamp + stream.delta) >>> 0;
  if (end - at >= 4) {
    const value = readU32(bytes, at);
    return value === sent || value === absolute ? 1 : 0;
  }
  let maySent = true;
  let mayAbsolute = true;
  for (let i = at, shift = 24; i < end; i++, shift -= 8) {
    const byte = bytes[i]!;
    maySent &&= byte === ((sent >>> shift) & 0xff);
    mayAbsolute &&= byte === ((absolute >>> shift) & 0xff);
  }
  return maySent || mayAbsolute ? -1 : 0;
}
