import { readFileSync } from 'node:fs';
import { decode } from '@msgpack/msgpack';
import type { PublisherEvent } from '../../../src/control/messages.ts';
import { encodeAvcDecoderConfig } from '../../../src/h264/avc-decoder-config.ts';
import { Publisher } from '../../../src/ingest/publisher.ts';
import type { SequenceHeaderPayload } from '../../../src/ingest/sequence-header.ts';
import { createRing, recordKind } from '../../../src/shm/frame-ring.ts';
import { ReaderSlot, RingReader } from '../../../src/shm/ring-reader.ts';
import { RingWriter } from '../../../src/shm/ring-writer.ts';
import { type PublisherCounters, type PublisherSnapshot, StreamCounters } from '../../../src/shm/stream-counters.ts';

/** One record as a reader saw it. */
export interface SeenRecord {
  readonly kind: number;
  readonly flags: number;
  readonly dtsMs: number;
  readonly ptsOffsetMs: number;
  readonly arrivalUs: number;
  readonly payload: Buffer;
}

/** A publisher on a real ring, with a reader that has seen everything. */
export class PublisherRig {
  readonly records: SeenRecord[] = [];
  readonly events: PublisherEvent[] = [];
  readonly publisher: Publisher;
  nowMs = 5000;
  /** Of the thread. */
  readonly pressure = { saturated: false, lateMs: () => 0 };
  rings = 0;
  readonly #reader: RingReader;
  readonly #slot: ReaderSlot;
  readonly #counters: StreamCounters;

  /** `random`: what is drawn at random. */
  constructor(hardMaximumBytes = 24 * 1024 * 1024, random = 0) {
    const ring = createRing({
      frames: 300,
      initialBytes: 65536,
      maximumBytes: 1024 * 1024,
      hardMaximumBytes,
      gopCache: false,
    });
    this.#counters = new StreamCounters(StreamCounters.create(1));
    this.#reader = new RingReader(ring);
    this.#slot = ReaderSlot.claim(ring, 0);
    this.#slot.publish(this.#reader.cursor);
    this.publisher = new Publisher({
      writer: new RingWriter(ring),
      counters: this.#counters.publisher(0),
      ring: () => {
        this.rings++;
        this.#collect();
      },
      wallMs: () => 1_700_000_000_000,
      pressure: this.pressure,
      random: () => random,
      onEvent: (event) => this.events.push(event),
    });
    this.#reader.seekLive();
    this.publisher.start(this.nowMs);
  }

  get counters(): PublisherSnapshot {
    return this.words.snapshot();
  }

  get words(): PublisherCounters {
    return this.#counters.publisher(0);
  }

  /** Sends one message, its body cut at the given offsets; returns what it cost. */
  send(timestampMs: number, body: Uint8Array, cuts: readonly number[] = []): number {
    this.publisher.begin(timestampMs, body.length, this.nowMs);
    const bytes = Buffer.from(body);
    let start = 0;
    for (const cut of [...cuts.map((cut) => Math.min(cut, bytes.length)).sort((a, b) => a - b), bytes.length]) {
      // From a fresh buffer that is wiped afterwards: nothing may keep what belongs to the read buffer.
      const piece = Buffer.concat([Buffer.alloc(3, 0xee), bytes.subarray(start, cut)]);
      this.publisher.append(piece, 3, piece.length);
      piece.fill(0xdd);
      start = cut;
    }
    return this.publisher.end();
  }

  /** Sends a message and lets 40 ms pass. */
  frame(timestampMs: number, ...units: readonly Uint8Array[]): void {
    this.send(timestampMs, naluTag(avcc(...units)));
    this.nowMs += 40;
  }

  /** Sequence header and two ordinary access units, so that the stream is past its beginning. Next timestamp: 80. */
  settle(): void {
    this.send(0, headerTag([sps], [pps]));
    this.frame(0, idr());
    this.frame(40, slice());
    this.#collect();
    this.records.length = 0;
    this.events.length = 0;
  }

  get video(): SeenRecord[] {
    return this.records.filter((record) => record.kind === recordKind.video);
  }

  get headers(): SequenceHeaderPayload[] {
    return this.records
      .filter((record) => record.kind === recordKind.sequenceHeader)
      .map((record) => decode(record.payload) as SequenceHeaderPayload);
  }

  #collect(): void {
    const reader = this.#reader;
    for (;;) {
      const state = reader.peek();
      if (state === 0) {
        this.#slot.publish(reader.cursor);
        return;
      }
      if (state < 0) throw new Error('the rig was overrun');
      this.records.push({
        kind: reader.kind,
        flags: reader.flags,
        dtsMs: reader.dtsMs,
        ptsOffsetMs: reader.ptsOffsetMs,
        arrivalUs: reader.arrivalUs,
        payload: Buffer.from(reader.buffer.subarray(reader.offset, reader.offset + reader.length)),
      });
      reader.advance();
    }
  }
}

/** 1920x1080, baseline syntax, 30 fps; 1280x720, 60 fps; both with id 0. */
export const sps = Buffer.from('6742c028da01e0089f970110000003001000000303c0f1832a', 'hex');
export const sps720 = Buffer.from('6742c020da014016ec0440000003004000001e03c60ca8', 'hex');
export const pps = Buffer.from('68ce0fc8', 'hex');
/** A PPS with id 1. */
export const pps1 = Buffer.from('684bc8', 'hex');
export const delimiter = Buffer.from([9, 0xf0]);
export const userSei = Buffer.from([6, 5, 3, 1, 2, 3, 0x80]);

/** An SEI with a recovery point message: ue(count), exact_match_flag, broken_link_flag, changing_slice_group_idc. */
export function recoverySei(count: number): Buffer {
  const code = (count + 1).toString(2);
  const bits = `${'0'.repeat(code.length - 1)}${code}1000`.padEnd(16, '0');
  return Buffer.from([6, 6, 2, Number.parseInt(bits.slice(0, 8), 2), Number.parseInt(bits.slice(8, 16), 2), 0x80]);
}

let filler = 1;

/** Bytes without start codes in them. */
function noise(length: number): Buffer {
  const bytes = Buffer.alloc(length);
  for (let i = 0; i < length; i++) {
    filler = (filler * 1103515245 + 12345) & 0x7fffffff;
    bytes[i] = 4 + ((filler >> 16) % 251);
  }
  return bytes;
}

/** An IDR slice that starts at macroblock 0: first_mb 0, slice_type 7 (I), PPS 0. */
export function idr(length = 40, head = [0x88, 0x84]): Buffer {
  return Buffer.concat([Buffer.from([0x65, ...head]), noise(length)]);
}

/** A P slice that starts at macroblock 0: first_mb 0, slice_type 5, PPS 0. */
export function slice(length = 20, head = [0x9a, 0x24]): Buffer {
  return Buffer.concat([Buffer.from([0x41, ...head]), noise(length)]);
}

/** An I slice that is not IDR: first_mb 0, slice_type 7. */
export function intraSlice(length = 20): Buffer {
  return Buffer.concat([Buffer.from([0x41, 0x88, 0x84]), noise(length)]);
}

/** A slice that starts at a later macroblock (first_mb 3). */
export function laterSlice(type = 0x41, length = 20): Buffer {
  return Buffer.concat([Buffer.from([type, 0x24, 0x84]), noise(length)]);
}

/** NAL units with a length in front of each. */
export function avcc(...units: readonly Uint8Array[]): Buffer {
  return prefixed(4, ...units);
}

export function prefixed(lengthSize: number, ...units: readonly Uint8Array[]): Buffer {
  return Buffer.concat(
    units.flatMap((unit) => {
      const prefix = Buffer.alloc(lengthSize);
      prefix.writeUIntBE(unit.length, 0, lengthSize);
      return [prefix, unit];
    }),
  );
}

/** NAL units as a byte stream; start codes of 4 bytes, or 3. */
export function annexB(units: readonly Uint8Array[], code = 4): Buffer {
  return Buffer.concat(units.flatMap((unit) => [Buffer.from([0, 0, 0, 1]).subarray(4 - code), unit]));
}

/** The body of a video message with access unit bytes. */
export function naluTag(payload: Uint8Array, options: { key?: boolean; compositionMs?: number } = {}): Buffer {
  const time = options.compositionMs ?? 0;
  const head = [options.key ? 0x17 : 0x27, 1, (time >> 16) & 255, (time >> 8) & 255, time & 255];
  return Buffer.concat([Buffer.from(head), payload]);
}

export function headerTag(spsUnits: readonly Uint8Array[], ppsUnits: readonly Uint8Array[], lengthSize = 4): Buffer {
  return Buffer.concat([Buffer.from([0x17, 0, 0, 0, 0]), encodeAvcDecoderConfig(spsUnits, ppsUnits, lengthSize)]);
}

/** A video tag of an FLV file. */
export interface FlvVideo {
  readonly timestampMs: number;
  readonly body: Buffer;
}

/** The video tags of a sample in test/fixtures/h264. */
export function readFlv(name: string): FlvVideo[] {
  const bytes = readFileSync(new URL(`../../fixtures/h264/${name}`, import.meta.url));
  const tags: FlvVideo[] = [];
  for (let at = 13; at + 11 <= bytes.length; ) {
    const length = bytes.readUIntBE(at + 1, 3);
    const timestampMs = bytes.readUIntBE(at + 4, 3) + bytes[at + 7]! * 2 ** 24;
    if (bytes[at] === 9) tags.push({ timestampMs, body: bytes.subarray(at + 11, at + 11 + length) });
    at += 11 + length + 4;
  }
  return tags;
}
