import { encode } from '@msgpack/msgpack';
import { createRing, recordFlag } from '../../src/shm/frame-ring.ts';
import { RingWriter } from '../../src/shm/ring-writer.ts';
import { lengthPrefixed, nalUnit } from './h264-depacketizer.ts';

/** Options of a ring that tests can fill. */
export const smallRing = {
  frames: 300,
  initialBytes: 1024 * 1024,
  maximumBytes: 2 * 1024 * 1024,
  hardMaximumBytes: 4 * 1024 * 1024,
  gopCache: false,
};

/** Writes a stream into a ring as a publisher does; every picture carries its number, see {@link numberOf}. */
export class TestStream {
  readonly writer: RingWriter;
  next = 0;
  readonly #bytes: number;

  constructor(ring: SharedArrayBuffer = createRing(smallRing), bytes = 100) {
    this.writer = new RingWriter(ring);
    this.#bytes = bytes;
  }

  /** A new publisher: generation and sequence header. `id` makes its parameter sets different from others. */
  start(id = 1, arrivalMs = 0): void {
    this.writer.startStream();
    this.parameters(id, arrivalMs);
  }

  parameters(id: number, arrivalMs = 0): void {
    const sets = {
      codec: 'h264',
      sps: [sps(id)],
      pps: [pps(id)],
      width: 64,
      height: 64,
      fps: 30,
      profile: 66,
      level: 30,
    };
    this.writer.writeSequenceHeader(encode(sets), 0, arrivalMs * 1000);
  }

  keyframe(dtsMs: number, arrivalMs = dtsMs, flags = 0): number {
    return this.#picture(5, dtsMs, arrivalMs, flags | recordFlag.keyframe);
  }

  frame(dtsMs: number, arrivalMs = dtsMs, flags = 0): number {
    return this.#picture(1, dtsMs, arrivalMs, flags);
  }

  #picture(type: number, dtsMs: number, arrivalMs: number, flags: number): number {
    const number = this.next++;
    const unit = nalUnit(type, this.#bytes);
    unit.writeUInt32BE(number, 1);
    const bytes = lengthPrefixed([unit]);
    this.writer.begin(bytes.length, (flags & recordFlag.keyframe) !== 0);
    this.writer.append(bytes, 0, bytes.length);
    this.writer.commit(flags, dtsMs, 0, arrivalMs * 1000);
    return number;
  }
}

/** The number of the picture in a received access unit. */
export function numberOf(units: readonly Buffer[]): number {
  const picture = units.find((unit) => [1, 5].includes(unit[0]! & 0x1f));
  if (picture === undefined) throw new Error('an access unit without a picture');
  return picture.readUInt32BE(1);
}

/** NAL unit types of an access unit. */
export function typesOf(units: readonly Buffer[]): number[] {
  return units.map((unit) => unit[0]! & 0x1f);
}

export function sps(id: number): Buffer {
  return Buffer.from([0x67, 66, 0, 30, id, 0xac, 0xd9]);
}

export function pps(id: number): Buffer {
  return Buffer.from([0x68, 0xce, id, 0x80]);
}
