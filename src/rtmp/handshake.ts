import { ConnectionError } from '../base/errors.ts';
import { classifyFirstBytes, longestOpening } from './first-bytes.ts';
import { answerDigest } from './handshake-digest.ts';
import { handshakeBytes, rtmpVersion } from './handshake-packet.ts';

/**
 * The server's half of the handshake, one byte at a time or all at once. S0, S1 and S2 go out in one piece as soon as C1
 * is in; C2 is counted and not looked at, because relays and encoders exist that send something else than S1 back.
 */
export class ServerHandshake {
  readonly #random: (into: Uint8Array) => void;
  readonly #output: (bytes: Uint8Array) => void;
  #opening: Buffer | null = null;
  #openingLength = 0;
  #versionSeen = false;
  #c1: Buffer | null = null;
  #c1Length = 0;
  #c2Remaining = handshakeBytes;

  constructor(random: (into: Uint8Array) => void, output: (bytes: Uint8Array) => void) {
    this.#random = random;
    this.#output = output;
  }

  /** C0, C1 and C2 have arrived. */
  get done(): boolean {
    return this.#c2Remaining === 0;
  }

  /** Consumes up to the end of C2 and returns the offset reached. Throws if the peer does not speak plain RTMP. */
  receive(bytes: Buffer, start: number, end: number): number {
    let at = start;
    if (!this.#versionSeen && at < end) {
      if (this.#openingLength > 0 || bytes[at] !== rtmpVersion) return this.#classify(bytes, at, end);
      this.#versionSeen = true;
      at++;
    }
    if (this.#c1Length < handshakeBytes && at < end) {
      this.#c1 ??= Buffer.allocUnsafe(handshakeBytes);
      const copied = bytes.copy(this.#c1, this.#c1Length, at, end);
      this.#c1Length += copied;
      at += copied;
      if (this.#c1Length < handshakeBytes) return at;
      this.#answer(this.#c1);
      this.#c1 = null;
    }
    const skipped = Math.min(this.#c2Remaining, end - at);
    this.#c2Remaining -= skipped;
    return at + skipped;
  }

  #answer(c1: Buffer): void {
    const reply = Buffer.allocUnsafe(1 + 2 * handshakeBytes);
    reply[0] = rtmpVersion;
    const s1 = reply.subarray(1, 1 + handshakeBytes);
    const s2 = reply.subarray(1 + handshakeBytes);
    // Bytes 4 to 7 of S1 must be zero in the simple handshake, and S1 must never be C1 echoed: FFmpeg would take either
    // for a server with a digest, verify it and give up.
    this.#random(s1.subarray(8));
    s1.fill(0, 0, 8);
    if (c1[4] !== 0 || c1[5] !== 0 || c1[6] !== 0 || c1[7] !== 0) {
      this.#random(s2);
      if (answerDigest(c1, s1, s2)) {
        this.#output(reply);
        return;
      }
    }
    c1.copy(s2);
    this.#output(reply);
  }

  #classify(bytes: Buffer, start: number, end: number): number {
    this.#opening ??= Buffer.alloc(longestOpening);
    this.#openingLength += bytes.copy(this.#opening, this.#openingLength, start, end);
    const code = classifyFirstBytes(this.#opening, this.#openingLength);
    if (code !== null)
      throw new ConnectionError(code, `first byte 0x${this.#opening[0]!.toString(16).padStart(2, '0')}`);
    return end;
  }
}
