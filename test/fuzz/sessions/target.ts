import { crc32 } from 'node:zlib';
import type { Seed } from './mutator.ts';

/** A decoder, or several in a row, that is given mutants. */
export interface FuzzTarget {
  readonly name: string;
  readonly seeds: readonly Seed[];
  /** False for what is always decoded in one piece: it is then just decoded twice. */
  readonly splits: boolean;
  /** Decodes the bytes, cut into reads that end at `cuts`, and returns what it said. Throws what the decoder throws. */
  run(bytes: Buffer, cuts: readonly number[], into: Outcome): void;
}

/** What a decoder made of its input, in a form that is cheap to compare. */
export class Outcome {
  /** Checksum of everything the decoder said, in order. */
  digest = 0;
  /** How often it said something. */
  events = 0;
  /** Bytes it wants to send, and their checksum: replies leave in batches, so they have no place among the events. */
  outputBytes = 0;
  outputDigest = 0;
  /** Code of the `ConnectionError` that ended it, '' for none. */
  error = '';

  say(text: string): void {
    this.events++;
    this.digest = crc32(text, this.digest);
  }

  bytes(bytes: Uint8Array): void {
    this.events++;
    this.digest = crc32(bytes, this.digest);
  }

  output(bytes: Uint8Array): void {
    this.outputBytes += bytes.length;
    this.outputDigest = crc32(bytes, this.outputDigest);
  }

  equals(other: Outcome): boolean {
    const { digest, events, outputDigest, error } = other;
    return (
      this.digest === digest && this.events === events && this.outputDigest === outputDigest && this.error === error
    );
  }

  toString(): string {
    const { digest, events, outputBytes, error } = this;
    return `${events} events, checksum ${digest.toString(16)}, ${outputBytes} bytes out, ${error || 'no error'}`;
  }
}

const readBuffer = Buffer.alloc(512 * 1024);

/** Gives the bytes to `receive` as reads into one buffer, which is wiped after each: nothing may keep what lies in it. */
export function feed(
  bytes: Buffer,
  cuts: readonly number[],
  receive: (buffer: Buffer, start: number, end: number) => void,
): void {
  let from = 0;
  for (let i = 0; i <= cuts.length; i++) {
    const to = i === cuts.length ? bytes.length : cuts[i]!;
    const length = bytes.copy(readBuffer, 0, from, to);
    receive(readBuffer, 0, length);
    readBuffer.fill(0xee, 0, length);
    from = to;
  }
}

/** A seed without structure that is known. */
export function plainSeed(name: string, bytes: Buffer, prefix = 0): Seed {
  return { name, bytes, prefix, headers: [], lengths: [] };
}
