import { ConnectionError } from '../base/errors.ts';
import { handshakeBytes, rtmpVersion } from './handshake-packet.ts';

/** The client's half of the simple handshake (RTMP 1.0, clause 5.2). S2 is not compared with C1. */
export class ClientHandshake {
  readonly #output: (bytes: Uint8Array) => void;
  readonly #s1 = Buffer.allocUnsafe(handshakeBytes);
  #received = 0;

  constructor(output: (bytes: Uint8Array) => void) {
    this.#output = output;
  }

  /** S0, S1 and S2 have arrived, and C2 is sent. */
  get done(): boolean {
    return this.#received === 1 + 2 * handshakeBytes;
  }

  /** Sends C0 and C1; `random` fills what has to be random. */
  start(random: (into: Uint8Array) => void): void {
    const bytes = Buffer.alloc(1 + handshakeBytes);
    bytes[0] = rtmpVersion;
    random(bytes.subarray(9));
    this.#output(bytes);
  }

  /** Consumes up to the end of S2 and returns the offset reached. Throws `bad_version`. */
  receive(bytes: Buffer, start: number, end: number): number {
    let at = start;
    if (this.#received === 0 && at < end) {
      if (bytes[at] !== rtmpVersion) throw new ConnectionError('bad_version');
      this.#received = 1;
      at++;
    }
    const s1Missing = 1 + handshakeBytes - this.#received;
    if (s1Missing > 0) {
      const copied = bytes.copy(this.#s1, this.#received - 1, at, Math.min(end, at + s1Missing));
      this.#received += copied;
      at += copied;
      if (copied < s1Missing) return at;
      this.#output(Buffer.from(this.#s1));
    }
    const skipped = Math.min(1 + 2 * handshakeBytes - this.#received, end - at);
    this.#received += skipped;
    return at + skipped;
  }
}
