import type { Random } from './random.ts';

/** What mutations start from: bytes that mean something, and where the places are that decide how they are read. */
export interface Seed {
  readonly name: string;
  readonly bytes: Buffer;
  /** Bytes at the start that are rarely touched, such as a handshake: nearly all mutants would end there. */
  readonly prefix: number;
  /** Offsets of chunk headers. */
  readonly headers: readonly number[];
  /** Offsets of length fields, with their size in bytes. */
  readonly lengths: readonly (readonly [offset: number, size: number])[];
}

/** Values at which decoders change their mind. */
const bytesOfInterest = [0, 1, 2, 3, 4, 5, 8, 9, 0x0a, 0x0d, 0x11, 0x16, 0x20, 0x24, 0x7f, 0x80, 0xc0, 0xfe, 0xff];
const lengthsOfInterest = [
  ...[0, 1, 2, 3, 4, 5, 127, 128, 129, 255, 256, 1023, 1024, 1025, 0x7fff, 0x8000, 0xfffe, 0xffff, 0x10000, 0x10001],
  ...[10 * 1024 * 1024, 10 * 1024 * 1024 + 1, 0x7fffff, 0x800000, 0xfffffe, 0xffffff, 0x7fffffff, 0xffffffff],
];
const timesOfInterest = [0, 1, 40, 0x7fffff, 0x800000, 0xfffffe, 0xffffff];
const textOfInterest = [
  '\r\n',
  '\r\n\r\n',
  '\n',
  ' ',
  ':',
  '%00',
  '%',
  '"',
  ',',
  '=',
  '-1',
  '99999999999',
  '\0',
  '../',
];

/** Bytes that a mutant may grow beyond its seed. */
const growth = 4096;
const capacity = 256 * 1024;

/**
 * Makes mutants of seeds in one buffer: bit flips, inserts, deletes, splices with other seeds, and changes of chunk headers
 * and length fields where the seed knows them. What it returns is overwritten by the next call.
 */
export class Mutator {
  readonly #random: Random;
  readonly #seeds: readonly Seed[];
  /** Smaller seeds are taken more often: they cost less, and nearly all of their bytes decide something. */
  readonly #weights: readonly number[];
  readonly #buffer = Buffer.alloc(capacity);
  #length = 0;
  #prefix = 0;

  constructor(seeds: readonly Seed[], random: Random) {
    this.#seeds = seeds;
    this.#random = random;
    let sum = 0;
    this.#weights = seeds.map(({ bytes, prefix }) => {
      sum += Math.ceil(1e6 / (200 + bytes.length - prefix));
      return sum;
    });
  }

  next(): Buffer {
    const random = this.#random;
    const seed = this.#pickSeed();
    this.#length = seed.bytes.copy(this.#buffer);
    this.#prefix = random.oneIn(50) ? 0 : Math.min(seed.prefix, this.#length);
    // Fields first: other mutations move the offsets.
    if (seed.headers.length > 0 && random.oneIn(3)) this.#changeHeader(random.pick(seed.headers));
    if (seed.lengths.length > 0 && random.oneIn(3)) this.#changeLength(...random.pick(seed.lengths));
    for (let i = random.below(4); i >= 0; i--) this.#mutate();
    return this.#buffer.subarray(0, this.#length);
  }

  #pickSeed(): Seed {
    const place = this.#random.below(this.#weights.at(-1)!);
    let low = 0;
    let high = this.#weights.length - 1;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.#weights[middle]! > place) high = middle;
      else low = middle + 1;
    }
    return this.#seeds[low]!;
  }

  /** An offset behind the prefix. */
  #place(): number {
    return this.#prefix + this.#random.below(this.#length - this.#prefix);
  }

  #mutate(): void {
    const random = this.#random;
    const at = this.#place();
    const room = this.#length - at;
    switch (random.below(12)) {
      case 0:
      case 1:
        this.#buffer[at]! ^= 1 << random.below(8);
        return;
      case 2:
      case 3:
        this.#buffer[at] = random.pick(bytesOfInterest);
        return;
      case 4:
        this.#buffer[at] = random.next();
        return;
      case 5:
        this.#insert(at, 1 + random.below(8), (to) => {
          this.#buffer[to] = random.oneIn(2) ? random.pick(bytesOfInterest) : random.next();
        });
        return;
      case 6:
        this.#remove(at, 1 + random.below(random.oneIn(4) ? room : 8));
        return;
      case 7: {
        const source = this.#place();
        const length = 1 + random.below(Math.min(512, this.#length - source));
        const copy = Buffer.from(this.#buffer.subarray(source, source + length));
        this.#insert(at, copy.length, (to, i) => {
          this.#buffer[to] = copy[i]!;
        });
        return;
      }
      case 8: {
        // The tail of another seed.
        const other = this.#pickSeed();
        const from = other.headers.length > 0 ? random.pick(other.headers) : random.below(other.bytes.length);
        const tail = other.bytes.subarray(from, from + growth);
        this.#length = at + tail.copy(this.#buffer, at);
        return;
      }
      case 9:
        if (random.oneIn(4)) this.#length = at;
        return;
      case 10: {
        const text = random.pick(textOfInterest);
        this.#insert(at, text.length, (to, i) => {
          this.#buffer[to] = text.charCodeAt(i);
        });
        return;
      }
      default:
        if (room >= 4) this.#buffer.writeUInt32BE(random.pick(lengthsOfInterest), at);
    }
  }

  #insert(at: number, length: number, write: (to: number, i: number) => void): void {
    if (this.#length + length > capacity - growth) return;
    this.#buffer.copyWithin(at + length, at, this.#length);
    this.#length += length;
    for (let i = 0; i < length; i++) write(at + i, i);
  }

  #remove(at: number, length: number): void {
    const end = Math.min(this.#length, at + length);
    this.#buffer.copyWithin(at, end, this.#length);
    this.#length -= end - at;
  }

  /** Changes the format, the chunk stream, the time, the type or the message stream of an RTMP chunk header. */
  #changeHeader(at: number): void {
    const random = this.#random;
    if (at + 12 > this.#length) return;
    const buffer = this.#buffer;
    switch (random.below(6)) {
      case 0:
        buffer[at] = (random.below(4) << 6) | (buffer[at]! & 0x3f);
        return;
      case 1:
        buffer[at] = (buffer[at]! & 0xc0) | random.below(64);
        return;
      case 2:
        buffer.writeUIntBE(random.pick(timesOfInterest), at + 1, 3);
        return;
      case 3:
        buffer.writeUIntBE(random.pick(lengthsOfInterest) & 0xffffff, at + 4, 3);
        return;
      case 4:
        buffer[at + 7] = random.oneIn(4) ? random.next() : random.pick([1, 2, 3, 4, 5, 6, 8, 9, 15, 17, 18, 20, 22]);
        return;
      default:
        buffer[at + 8] = random.below(12);
    }
  }

  #changeLength(at: number, size: number): void {
    if (at + size > this.#length) return;
    const random = this.#random;
    const limit = 2 ** (8 * size);
    const before = this.#buffer.readUIntBE(at, size);
    const after = random.oneIn(2) ? random.pick(lengthsOfInterest) : before + random.below(9) - 4;
    this.#buffer.writeUIntBE(((after % limit) + limit) % limit, at, size);
  }
}
