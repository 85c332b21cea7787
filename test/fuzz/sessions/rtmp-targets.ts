import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { ChunkDecoder } from '../../../src/rtmp/chunk-decoder.ts';
import type { ChunkStream, MessageSink } from '../../../src/rtmp/chunk-stream.ts';
import { decodeCommand } from '../../../src/rtmp/command.ts';
import { decodeMetadata } from '../../../src/rtmp/data-message.ts';
import { ServerSession } from '../../../src/rtmp/server-session.ts';
import { SessionCounters } from '../../../src/rtmp/session-counters.ts';
import { bytes as joined, u24, u32 } from '../../golden/wire.ts';
import { readFlv } from '../../unit/ingest/publisher-rig.ts';
import type { Seed } from './mutator.ts';
import { PublisherSink } from './publisher-sink.ts';
import { type FuzzTarget, feed, plainSeed } from './target.ts';

const folder = join(import.meta.dirname, '../../golden');
const handshakeBytes = 1 + 2 * 1536;
const nowMs = 1000;

interface Recorded {
  readonly name: string;
  readonly kind: 'chunks' | 'session';
  readonly file: string;
}

const recorded: readonly Recorded[] = JSON.parse(readFileSync(join(folder, 'manifest.json'), 'utf8'));

/** Where the chunk headers of a recording lie, and the length fields of those that have one. */
function withHeaders(name: string, bytes: Buffer, prefix: number): Seed {
  const headers: number[] = [];
  const lengths: [number, number][] = [];
  let at = prefix;
  walk(bytes, prefix, (start, end) => {
    // Bytes between two pieces of payload are headers.
    if (start > at) {
      headers.push(at);
      if (bytes[at]! >> 6 < 2 && (bytes[at]! & 0x3f) > 1) lengths.push([at + 4, 3]);
    }
    at = end;
  });
  return { name, bytes, prefix, headers, lengths };
}

/** Takes a recording apart up to its end or its first error. */
function walk(
  bytes: Buffer,
  prefix: number,
  onPayload: (start: number, end: number) => void,
  onMessage?: (type: number, body: Buffer) => void,
): void {
  const bodies = new Map<number, Buffer[]>();
  const sink: MessageSink = {
    begin: ({ csid }) => bodies.set(csid, []),
    append: ({ csid }, buffer, start, end) => {
      bodies.get(csid)!.push(buffer.subarray(start, end));
      onPayload(start, end);
    },
    end: ({ csid, type }) => {
      const body = Buffer.concat(bodies.get(csid)!);
      if (type === 1 && body.length >= 4) decoder.chunkSize = Math.max(1, body.readUInt32BE());
      onMessage?.(type, body);
    },
    abort: () => undefined,
  };
  const decoder: ChunkDecoder = new ChunkDecoder(sink, new SessionCounters());
  try {
    decoder.decode(bytes, prefix, bytes.length);
  } catch {
    // Several recordings end in an error; what came before it counts.
  }
}

function seedsOf(kind: 'chunks' | 'session'): Seed[] {
  return recorded
    .filter((vector) => vector.kind === kind)
    .map(({ name, file }) => {
      const bytes = readFileSync(join(folder, file));
      const prefix = kind === 'session' && bytes.length > handshakeBytes ? handshakeBytes : 0;
      return withHeaders(name, bytes, prefix);
    });
}

/** The whole way of a publisher's bytes: handshake, chunks, commands, video tags, access units, records of a ring. */
export function sessionTarget(): FuzzTarget {
  const sink = new PublisherSink();
  return {
    name: 'rtmp-session',
    seeds: seedsOf('session'),
    splits: true,
    run(bytes, cuts, into) {
      const session: ServerSession = new ServerSession(
        {
          onOutput: (reply) => into.output(reply),
          onConnect: ({ flashVer }) => into.say(`connect ${flashVer}`),
          onPublishRequest: ({ path, query }) => into.say(`publish ${path} ${query}`),
          onUnpublish: (cause) => {
            into.say(`unpublish ${cause}`);
            sink.close();
          },
          onMetadata: (values, timeMs) => {
            into.say(`metadata ${timeMs} ${values.size}`);
            sink.publisher?.metadata(values, nowMs);
          },
        },
        {
          nowMs,
          handshakeTimeoutMs: 5_000,
          publishTimeoutMs: 10_000,
          videoTimeoutMs: 15_000,
          receiveTimeoutMs: 30_000,
          random: (to) => to.fill(0x5a),
        },
      );
      try {
        feed(bytes, cuts, (buffer, start, end) => {
          let at = session.receive(buffer, start, end, nowMs);
          while (session.awaitingDecision || at < end) {
            const before = session.awaitingDecision ? -1 : at;
            if (session.awaitingDecision) session.acceptPublish(nowMs, sink.open(into, nowMs));
            at = session.receive(buffer, at, end, nowMs);
            if (at === before) throw new Error(`stopped at ${at} of ${end} for no reason`);
          }
        });
      } finally {
        session.close();
        sink.close();
        into.say(`${session.counters.messages} ${session.counters.tolerated}`);
        // There is at most one a read, so how many there are depends on the cuts.
        if (session.counters.acknowledgementsSent > 0) into.outputDigest = 0;
      }
    },
  };
}

/** The chunk decoder with the lenient bounds of a live publisher. */
export function chunkTarget(): FuzzTarget {
  const seeds = [
    ...seedsOf('chunks'),
    // Sessions without their handshake.
    ...seedsOf('session')
      .filter(({ prefix }) => prefix > 0)
      .map(({ name, bytes, prefix }) => withHeaders(name, bytes.subarray(prefix), 0)),
  ];
  return {
    name: 'chunks',
    seeds,
    splits: true,
    run(bytes, cuts, into) {
      const control = Buffer.alloc(4);
      let controlLength = 0;
      const open = new Map<number, { bytes: number; sum: number }>();
      const sink: MessageSink = {
        begin: ({ csid }) => open.set(csid, { bytes: 0, sum: 0 }),
        append: (stream, buffer, start, end) => {
          const body = open.get(stream.csid)!;
          for (let i = start; i < end; i++) body.sum = (Math.imul(body.sum, 31) + buffer[i]!) | 0;
          if (stream.type === 1 || stream.type === 2) {
            if (body.bytes === 0) controlLength = 0;
            if (body.bytes < 4)
              controlLength += buffer.copy(control, body.bytes, start, Math.min(end, start + 4 - body.bytes));
          }
          body.bytes += end - start;
        },
        end: (stream: ChunkStream) => {
          const { csid, type, messageStreamId, timestamp, length } = stream;
          const body = open.get(csid)!;
          if (body.bytes !== length) throw new Error(`${length} bytes announced, ${body.bytes} came`);
          into.say(`${csid} ${type} ${messageStreamId} ${timestamp} ${length} ${body.sum}`);
          // Only a body in one piece: pieces of several control messages could interleave here.
          if (length === 4 && controlLength === 4) {
            const value = control.readUInt32BE();
            if (type === 1 && value > 0) decoder.chunkSize = value;
            if (type === 2) decoder.abort(value);
          }
        },
        abort: ({ csid }) => into.say(`abort ${csid}`),
      };
      const decoder: ChunkDecoder = new ChunkDecoder(sink, new SessionCounters());
      feed(bytes, cuts, (buffer, start, end) => decoder.decode(buffer, start, end));
    },
  };
}

/** Bodies of commands and data messages from the recorded dialogues, decoded as commands and as metadata. */
export function amfTarget(): FuzzTarget {
  const bodies = new Map<string, Buffer>();
  for (const { name, bytes, prefix } of seedsOf('session')) {
    walk(
      bytes,
      prefix,
      () => undefined,
      (type, body) => {
        const isAmf = [15, 17, 18, 20].includes(type);
        if (isAmf && body.length > 0 && body.length < 4096) bodies.set(`${name} ${bodies.size}`, Buffer.from(body));
      },
    );
  }
  // AMF3 behind its marker, references, and every marker of AMF0 once.
  bodies.set('amf3', Buffer.from('020001610000000000000000001109050106036104820b0a0b0106096e616d65060100', 'hex'));
  bodies.set('references', Buffer.from('020001610000000000000000000300016105000009070000070000', 'hex'));
  bodies.set(
    'markers',
    Buffer.from('02000161000000000000000000010005060a00000002050b00000000000000000000000c00000001620d', 'hex'),
  );
  const counters = new SessionCounters();
  const seeds = [...bodies].map(([name, bytes]) => plainSeed(name, bytes));
  return {
    name: 'amf',
    seeds,
    splits: false,
    run(bytes, _cuts, into) {
      const metadata = decodeMetadata(bytes, 0, bytes.length, counters);
      into.say(metadata === null ? 'no metadata' : [...metadata.keys()].join());
      const command = decodeCommand(bytes, 0, bytes.length);
      into.say(`${command.name} ${command.wantsReply} ${command.arguments.length}`);
    },
  };
}

const fixtures = ['b-frames.flv', 'four-slices.flv', 'high-422.flv', 'interlaced.flv', 'intra-refresh.flv'];
const recordBytes = 7;

/** Video messages: sequence headers, tags, NAL units. The input is a row of (length, time, body). */
export function videoTarget(): FuzzTarget {
  const sink = new PublisherSink();
  const seeds = fixtures.flatMap((name) => {
    const tags = readFlv(name);
    const header = tags.find(({ body }) => body[1] === 0)!;
    const small = tags.filter(({ body }) => body[1] === 1 && body.length < 1500).slice(0, 8);
    const key = tags.find(({ body }) => body[0] === 0x17 && body[1] === 1)!;
    const cutKey = { ...key, body: key.body.subarray(0, 300) };
    return [
      videoSeed(`${name} head`, [header, ...small.slice(0, 3)]),
      videoSeed(`${name} enhanced`, [enhanced(header, 0), ...small.slice(0, 3).map((tag) => enhanced(tag, 1))]),
      videoSeed(`${name} key`, [header, cutKey, ...small.slice(3, 5)]),
      videoSeed(`${name} headless`, small.slice(0, 4)),
    ];
  });
  return {
    name: 'video',
    seeds,
    splits: true,
    run(bytes, cuts, into) {
      const publisher = sink.open(into, nowMs);
      try {
        for (let at = 0; at + recordBytes <= bytes.length; ) {
          const start = at + recordBytes;
          const end = Math.min(bytes.length, start + (bytes.readUIntBE(at, 3) & 0xffff));
          publisher.begin(bytes.readUInt32BE(at + 3), end - start, nowMs);
          const inside = cuts.filter((cut) => cut > start && cut < end).map((cut) => cut - start);
          if (end > start)
            feed(bytes.subarray(start, end), inside, (buffer, from, to) => publisher.append(buffer, from, to));
          publisher.end();
          at = end;
        }
      } finally {
        sink.close();
      }
    },
  };
}

interface Tag {
  readonly timestampMs: number;
  readonly body: Buffer;
}

/** The same tag as Enhanced RTMP would send it. */
function enhanced({ timestampMs, body }: Tag, packetType: number): Tag {
  const head = Buffer.from([0x80 | (body[0]! & 0x70) | packetType, ...Buffer.from('avc1')]);
  return { timestampMs, body: Buffer.concat([head, packetType === 1 ? body.subarray(2) : body.subarray(5)]) };
}

function videoSeed(name: string, tags: readonly Tag[]): Seed {
  const lengths: [number, number][] = [];
  const parts: Buffer[] = [];
  let at = 0;
  for (const { timestampMs, body } of tags) {
    lengths.push([at, 3]);
    // The first NAL unit's length, or the numbers of a decoder configuration.
    lengths.push([at + recordBytes + 5, 4], [at + recordBytes + 10, 1], [at + recordBytes + 11, 2]);
    parts.push(joined(u24(body.length), u32(timestampMs), body));
    at += recordBytes + body.length;
  }
  return { name, bytes: Buffer.concat(parts), prefix: 0, headers: [], lengths };
}
