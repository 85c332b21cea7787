/** Writes bits, most significant first, into a buffer that grows (H.264 clause 7.2 and 9.1). */
export class BitWriter {
  #bytes = new Uint8Array(16 * 1024);
  #length = 0;
  #pending = 0;
  #pendingBits = 0;

  /** Bits written so far. */
  get bitLength(): number {
    return this.#length * 8 + this.#pendingBits;
  }

  /** Starts again; keeps the buffer. */
  reset(): void {
    this.#length = 0;
    this.#pending = 0;
    this.#pendingBits = 0;
  }

  /** u(n): the low `count` bits of `value`, up to 24. */
  put(value: number, count: number): void {
    let pending = (this.#pending << count) | (value & ((1 << count) - 1));
    let bits = this.#pendingBits + count;
    if (this.#length + 4 > this.#bytes.length) this.#grow();
    while (bits >= 8) {
      bits -= 8;
      this.#bytes[this.#length++] = pending >>> bits;
    }
    pending &= (1 << bits) - 1;
    this.#pending = pending;
    this.#pendingBits = bits;
  }

  /** ue(v), up to 16 bits of value. */
  ue(value: number): void {
    const length = 32 - Math.clz32(value + 1);
    this.put(0, length - 1);
    this.put(value + 1, length);
  }

  /** se(v). */
  se(value: number): void {
    this.ue(value > 0 ? value * 2 - 1 : -value * 2);
  }

  /** rbsp_trailing_bits: a one, then zeros to the byte's end. */
  trailing(): void {
    this.put(1, 1);
    if (this.#pendingBits > 0) this.put(0, 8 - this.#pendingBits);
  }

  /** The whole bytes written; valid until the next write. */
  bytes(): Uint8Array {
    return this.#bytes.subarray(0, this.#length);
  }

  #grow(): void {
    const grown = new Uint8Array(this.#bytes.length * 2);
    grown.set(this.#bytes);
    this.#bytes = grown;
  }
}

/** A NAL unit around `rbsp`, with its header byte and emulation prevention (clause 7.4.1); it owns its memory. */
export function nalUnitOf(header: number, rbsp: Uint8Array): Buffer {
  let escapes = 0;
  let zeros = 0;
  for (const byte of rbsp) {
    if (zeros >= 2 && byte <= 3) {
      escapes++;
      zeros = 0;
    }
    zeros = byte === 0 ? zeros + 1 : 0;
  }
  const unit = Buffer.allocUnsafeSlow(1 + rbsp.length + escapes);
  unit[0] = header;
  let at = 1;
  zeros = 0;
  for (const byte of rbsp) {
    if (zeros >= 2 && byte <= 3) {
      unit[at++] = 3;
      zeros = 0;
    }
    unit[at++] = byte;
    zeros = byte === 0 ? zeros + 1 : 0;
  }
  return unit;
}
