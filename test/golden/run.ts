/** Feeds bytes to the code under test and writes down what it says. */
import { AmfDecoder } from '../../src/amf0/decode.ts';
import type { AmfValue } from '../../src/amf0/value.ts';
import { ConnectionError } from '../../src/base/errors.ts';
import { ChunkDecoder } from '../../src/rtmp/chunk-decoder.ts';
import type { ChunkStream, MessageSink } from '../../src/rtmp/chunk-stream.ts';
import { ServerSession, type VideoSink } from '../../src/rtmp/server-session.ts';
import { SessionCounters } from '../../src/rtmp/session-counters.ts';
import { digest, event } from './wire.ts';

/** Bytes of S0, S1 and S2. */
const serverHandshakeBytes = 1 + 2 * 1536;

export interface Run {
  readonly events: readonly string[];
  readonly replies: readonly string[];
  /** Kind `chunks`: [start, end) of payload, as offsets into the input when it was fed whole. */
  readonly payload: readonly (readonly [number, number])[];
}

/** The input cut into reads that end at `cuts`, each read in a buffer of its own that is overwritten afterwards. */
function feed(bytes: Buffer, cuts: readonly number[], receive: (read: Buffer, offset: number) => void): string | null {
  let from = 0;
  try {
    for (const to of [...cuts, bytes.length]) {
      const read = Buffer.from(bytes.subarray(from, to));
      receive(read, from);
      read.fill(0xee);
      from = to;
    }
    return null;
  } catch (error) {
    if (error instanceof ConnectionError) return `error ${error.code}`;
    throw error;
  }
}

class RecordingSink implements MessageSink {
  readonly events: string[] = [];
  readonly payload: [number, number][] = [];
  offset = 0;
  decoder: ChunkDecoder | null = null;
  readonly #bodies = new Map<number, Buffer[]>();

  begin(stream: ChunkStream): void {
    this.#bodies.set(stream.csid, []);
  }

  append(stream: ChunkStream, bytes: Buffer, start: number, end: number): void {
    this.#bodies.get(stream.csid)!.push(Buffer.from(bytes.subarray(start, end)));
    this.payload.push([this.offset + start, this.offset + end]);
  }

  end(stream: ChunkStream): void {
    const content = Buffer.concat(this.#bodies.get(stream.csid)!);
    if (stream.type === 1) this.decoder!.chunkSize = content.readUInt32BE();
    if (stream.type === 2) this.decoder!.abort(content.readUInt32BE());
    this.events.push(event(stream.csid, stream.type, stream.messageStreamId, stream.timestamp, content));
  }

  abort(stream: ChunkStream): void {
    this.events.push(`abort csid=${stream.csid}`);
  }
}

/** Through a chunk decoder alone, which is told of Set Chunk Size and Abort. */
export function runChunks(bytes: Buffer, cuts: readonly number[]): Run {
  const sink = new RecordingSink();
  sink.decoder = new ChunkDecoder(sink, new SessionCounters());
  const error = feed(bytes, cuts, (read, offset) => {
    sink.offset = offset;
    sink.decoder!.decode(read, 0, read.length);
  });
  if (error !== null) sink.events.push(error);
  return { events: sink.events, replies: [], payload: sink.payload };
}

class RecordingVideo implements VideoSink {
  readonly #events: string[];
  #head = '';
  #parts: Buffer[] = [];
  #length = 0;

  constructor(events: string[]) {
    this.#events = events;
  }

  begin(timestampMs: number, length: number): void {
    if (this.#head !== '') throw new Error('a video message began inside another one');
    this.#head = `video time=${timestampMs}`;
    this.#parts = [];
    this.#length = length;
  }

  append(bytes: Buffer, start: number, end: number): void {
    this.#parts.push(Buffer.from(bytes.subarray(start, end)));
  }

  end(): number {
    const content = Buffer.concat(this.#parts);
    if (content.length !== this.#length) throw new Error(`${this.#length} bytes announced, ${content.length} came`);
    this.#events.push(`${this.#head} ${digest(content)}`);
    this.#head = '';
    return 0;
  }

  abort(): void {
    this.#events.push(`${this.#head} aborted`);
    this.#head = '';
  }
}

/** Through a server session that accepts every publication: at once, or only after `receive` has returned. */
export function runSession(bytes: Buffer, cuts: readonly number[], answer: 'at once' | 'later'): Run {
  const events: string[] = [];
  const output: Uint8Array[] = [];
  const video = new RecordingVideo(events);
  const session: ServerSession = new ServerSession(
    {
      onOutput: (reply) => output.push(reply),
      onConnect: (info) => events.push(`connect flashVer=${info.flashVer}`),
      onPublishRequest: (request) => {
        const query = request.query === '' ? '' : ` query=${request.query}`;
        events.push(`publish ${request.path}${query}`);
        if (answer === 'at once') session.acceptPublish(0, video);
      },
      onUnpublish: (cause) => events.push(`unpublish ${cause}`),
      onMetadata: (values, time) => events.push(`metadata time=${time} ${[...values.keys()].join(' ')}`),
    },
    {
      nowMs: 0,
      handshakeTimeoutMs: 5_000,
      publishTimeoutMs: 10_000,
      videoTimeoutMs: 15_000,
      receiveTimeoutMs: 30_000,
      random: (into) => into.fill(0x5a),
    },
  );
  const error = feed(bytes, cuts, (read) => {
    let at = session.receive(read, 0, read.length, 0);
    while (session.awaitingDecision || at < read.length) {
      const before = session.awaitingDecision ? -1 : at;
      session.acceptPublish(0, video);
      at = session.receive(read, at, read.length, 0);
      if (at === before) throw new Error(`stopped at ${at} of ${read.length} for no reason`);
    }
  });
  session.close();
  const { tolerated } = session.counters;
  if (tolerated > 0) events.push(`tolerated ${tolerated}`);
  if (error !== null) events.push(error);
  return { events, replies: describeReplies(Buffer.concat(output)), payload: [] };
}

/** What a server sent, one line a message. */
export function describeReplies(output: Buffer): string[] {
  const lines: string[] = [];
  if (output.length === 0) return lines;
  lines.push('handshake');
  let content: Buffer[] = [];
  const sink: MessageSink = {
    begin: () => {
      content = [];
    },
    append: (_stream, bytes, start, end) => content.push(Buffer.from(bytes.subarray(start, end))),
    end: (stream) => lines.push(describeReply(stream, Buffer.concat(content), decoder)),
    abort: () => lines.push('abort'),
  };
  const decoder: ChunkDecoder = new ChunkDecoder(sink, new SessionCounters());
  decoder.decode(output, serverHandshakeBytes, output.length);
  return lines;
}

function describeReply(stream: ChunkStream, content: Buffer, decoder: ChunkDecoder): string {
  if (stream.type === 1) decoder.chunkSize = content.readUInt32BE();
  if (stream.type < 8) return `control csid=${stream.csid} type=${stream.type} ${content.toString('hex')}`;
  const amf = new AmfDecoder(content);
  const name = amf.value();
  const transaction = content.subarray(amf.position + 1, amf.position + 9);
  amf.value();
  // The command object: null, or what the server says of itself.
  if (amf.remaining > 0) amf.value();
  const rest: AmfValue[] = [];
  while (amf.remaining > 0) rest.push(amf.value());
  const shown = rest.map((value) => (value instanceof Map ? value.get('code') : value));
  const id = Number.isNaN(transaction.readDoubleBE()) ? transaction.toString('hex') : transaction.readDoubleBE();
  return `${name} csid=${stream.csid} stream=${stream.messageStreamId} tx=${id} ${shown.join(' ')}`.trimEnd();
}
