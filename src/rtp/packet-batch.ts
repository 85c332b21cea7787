/** Lent buffers that are kept when they come back; as many readers as that can be behind without a new allocation. */
const keptBuffers = 32;

/** Packets that a fresh index has room for: an access unit of about 90 kB. */
const initialPackets = 64;

/**
 * Bytes and packets up to which a buffer and an index are kept for ever: keyframes of 4K, 2 to 4 MB, are usual, and growing may have doubled
 * the room. For larger ones both are let go after some smaller pictures; before that other readers of the same picture need them.
 */
const keptBytes = 8 * 1024 * 1024;
const keptPackets = 8192;
const picturesUntilShrunk = 64;

/** Packets that are not in the batch any more, with the memory that they lie in. */
export interface LentPackets {
  readonly buffer: Buffer;
  readonly starts: Uint32Array;
  readonly ends: Uint32Array;
}

/**
 * The RTP packets of one or more access units, back to back in one reusable buffer, so that a TCP reader needs one write
 * and a UDP reader walks `starts` and `ends`. `[starts[i], ends[i])` is packet `i` without its interleaved prefix;
 * `[0, length)` is everything with the prefixes.
 */
export class PacketBatch {
  buffer: Buffer;
  length = 0;
  count = 0;
  starts = new Uint32Array(initialPackets);
  ends = new Uint32Array(initialPackets);
  readonly #initialBytes: number;
  /** Pictures since the last one that needed so much room. */
  #smaller = 0;
  readonly #spare: Buffer[] = [];

  /** `initialBytes`: what a fresh buffer holds; it grows when an access unit needs more. */
  constructor(initialBytes = 64 * 1024) {
    this.#initialBytes = initialBytes;
    this.buffer = Buffer.allocUnsafeSlow(initialBytes);
  }

  /** Empties the batch; the bytes may be overwritten from now on. */
  reset(): void {
    if (this.buffer.length > keptBytes || this.starts.length > keptPackets) this.#shrink();
    this.length = 0;
    this.count = 0;
  }

  /** Empties the batch and returns its buffer, which now belongs to a socket that has not sent it yet; see {@link giveBack}. */
  lendBuffer(): Buffer {
    const lent = this.buffer;
    this.buffer = this.#spare.pop() ?? Buffer.allocUnsafeSlow(this.#initialBytes);
    this.reset();
    return lent;
  }

  /** Empties the batch and returns the packets from number `from` on, which now belong to somebody who sends them later. */
  lendPackets(from: number): LentPackets {
    const starts = this.starts.slice(from, this.count);
    const ends = this.ends.slice(from, this.count);
    return { starts, ends, buffer: this.lendBuffer() };
  }

  /** The socket has sent a lent buffer. One that has grown is let go: it would stay as large for ever. */
  giveBack(buffer: Buffer): void {
    if (buffer.length === this.#initialBytes && this.#spare.length < keptBuffers) this.#spare.push(buffer);
  }

  /** Makes room for that many more bytes and packets. `buffer`, `starts` and `ends` may be new objects afterwards. */
  reserve(bytes: number, packets: number): void {
    if (this.buffer.length - this.length < bytes) this.#growBuffer(this.length + bytes);
    if (this.starts.length - this.count < packets) this.#growIndex(this.count + packets);
  }

  #shrink(): void {
    if (this.length > keptBytes || this.count > keptPackets) this.#smaller = 0;
    else if (++this.#smaller >= picturesUntilShrunk) {
      if (this.buffer.length > keptBytes) this.buffer = Buffer.allocUnsafeSlow(this.#initialBytes);
      this.starts = new Uint32Array(initialPackets);
      this.ends = new Uint32Array(initialPackets);
    }
  }

  #growBuffer(bytes: number): void {
    const grown = Buffer.allocUnsafeSlow(Math.max(bytes, 2 * this.buffer.length));
    this.buffer.copy(grown, 0, 0, this.length);
    this.buffer = grown;
  }

  #growIndex(packets: number): void {
    const size = Math.max(packets, 2 * this.starts.length);
    const starts = new Uint32Array(size);
    const ends = new Uint32Array(size);
    starts.set(this.starts);
    ends.set(this.ends);
    this.starts = starts;
    this.ends = ends;
  }
}
