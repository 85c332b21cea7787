import { decode, encode } from '@msgpack/msgpack';
import { limits } from '../base/limits.ts';

/** A certificate with its chain and private key, as read from the files. All of it is secret: it must not be logged. */
export type TlsMaterial =
  | { readonly form: 'pfx'; readonly pfx: Uint8Array; readonly passphrase: string }
  /** `certificate`: PEM, the server's own certificate first. `passphrase` is that of the key. */
  | { readonly form: 'pem'; readonly certificate: Uint8Array; readonly key: Uint8Array; readonly passphrase: string };

const lineBytes = 64;
const versionWord = 0;
/** Words of the two slots' lengths; slot `version & 1` holds what is in force. */
const lengthWords = 1;
const bytesAtMost = lineBytes + 2 * limits.tls.materialBytes;

/**
 * How certificates reach the ingest workers: the main thread puts one up, and every worker looks at the version when it
 * starts TLS on a connection. No message has to find its way, so a worker or acceptor that was replaced a moment ago cannot
 * miss one. There are two slots: readers copy from one while the next certificate is written to the other.
 *
 *      byte 0  ┌──────────────────┐
 *              │ version, lengths │  all written by the main thread
 *          64  ├──────────────────┤
 *              │ slot 0           │  MessagePack of {@link TlsMaterial}
 *              ├──────────────────┤  (+ limits.tls.materialBytes)
 *              │ slot 1           │
 *              └──────────────────┘
 */
export class TlsMaterialBoard {
  readonly memory: SharedArrayBuffer;
  readonly #words: Int32Array<SharedArrayBuffer>;
  readonly #slots: readonly [Uint8Array, Uint8Array];

  /** Opens the board of another thread; without `memory`, a new and empty one. */
  constructor(memory: SharedArrayBuffer = new SharedArrayBuffer(bytesAtMost)) {
    this.memory = memory;
    this.#words = new Int32Array(memory, 0, lineBytes / 4);
    this.#slots = [
      new Uint8Array(memory, lineBytes, limits.tls.materialBytes),
      new Uint8Array(memory, lineBytes + limits.tls.materialBytes, limits.tls.materialBytes),
    ];
  }

  /** Counts certificates that were put up; 0 before the first. */
  get version(): number {
    return Atomics.load(this.#words, versionWord);
  }

  /** Main thread: puts `material` in force for connections from now on. Throws RangeError if it is too large. */
  publish(material: TlsMaterial): void {
    const bytes = encode(material);
    if (bytes.length > limits.tls.materialBytes) throw new RangeError(`${bytes.length} bytes of certificate and key`);
    const version = this.version + 1;
    const slot = version & 1;
    this.#slots[slot]!.set(bytes);
    this.#words[lengthWords + slot] = bytes.length;
    // Publishes the slot and its length.
    Atomics.store(this.#words, versionWord, version);
    this.#slots[slot ^ 1]!.fill(0);
    bytes.fill(0);
  }

  /** Whether a certificate is in force. */
  get filled(): boolean {
    const { version } = this;
    return version !== 0 && this.#words[lengthWords + (version & 1)] !== 0;
  }

  /** Main thread: no certificate is in force for connections from now on. */
  withdraw(): void {
    if (!this.filled) return;
    const version = this.version + 1;
    this.#words[lengthWords + (version & 1)] = 0;
    Atomics.store(this.#words, versionWord, version);
    this.#slots[(version & 1) ^ 1]!.fill(0);
  }

  /** What is in force, as a copy, with its version; null if nothing is. */
  read(): { readonly version: number; readonly material: TlsMaterial } | null {
    for (;;) {
      const { version } = this;
      if (!this.filled) return null;
      const slot = version & 1;
      const copy = this.#slots[slot]!.slice(0, this.#words[lengthWords + slot]!);
      // The next certificate wipes the slot of this one, perhaps while it was copied.
      if (this.version !== version) continue;
      // A view of shared memory is nothing that text decoders take.
      return { version, material: decode(Uint8Array.from(copy)) as TlsMaterial };
    }
  }
}
