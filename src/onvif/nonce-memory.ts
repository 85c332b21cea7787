import { createHash } from 'node:crypto';
import { forgetOldest } from '../base/forget-oldest.ts';
import { limits } from '../base/limits.ts';

/** A WS-UsernameToken with the right password, and what it came with. */
export interface NonceUse {
  /** The decoded bytes, which are what is signed: Base64 has several texts for most of them. */
  readonly nonce: Uint8Array;
  /** What tells the ONVIF device that was asked from the others. */
  readonly device: string;
  /** All that the token came in. */
  readonly message: string | Uint8Array;
  /** The client's. */
  readonly address: string;
  /** Wall-clock milliseconds that the token says. */
  readonly createdMs: number;
}

/**
 * The nonces of WS-UsernameTokens that were used, at any device: they have user and password in common, so that what was
 * overheard at one would be good at all. A message is taken once by each device. A nonce is good for one message too, with one
 * exception: libonvif, and gSOAP where threads share a seed, give all their requests of a second the same one, whichever device
 * they are for. So for a moment the client that used it first may use it for other messages.
 */
export class NonceMemory {
  /** By hashes of nonces, the oldest first: when they are of no use any more, because their time is over. */
  readonly #used = new Map<string, number>();
  /** Those of the last moment, which their clients may still use; the oldest first. */
  readonly #recent = new Map<string, RecentUse>();

  /** Returns false for a nonce that was used. Only those with the right password may come here. */
  take({ nonce, device, message, address, createdMs }: NonceUse, wallMs: number): boolean {
    this.#forget(wallMs);
    const key = hash(nonce);
    const asked = hash(device, message);
    if (!this.#used.has(key)) {
      this.#used.set(key, Math.max(createdMs, wallMs) + limits.onvif.clockSkewMs);
      this.#recent.set(key, { address, wallMs, messages: new Set([asked]) });
      forgetOldest(this.#used, limits.onvif.nonces);
      forgetOldest(this.#recent, limits.onvif.nonces);
      return true;
    }
    const recent = this.#recent.get(key);
    if (recent === undefined || !isRecent(recent, wallMs) || recent.address !== address) return false;
    if (recent.messages.size >= limits.onvif.nonceMessages || recent.messages.has(asked)) return false;
    recent.messages.add(asked);
    return true;
  }

  #forget(wallMs: number): void {
    for (const [key, untilMs] of this.#used) {
      if (untilMs >= wallMs) break;
      this.#used.delete(key);
    }
    for (const [key, recent] of this.#recent) {
      if (isRecent(recent, wallMs)) break;
      this.#recent.delete(key);
    }
  }
}

/** The uses of a nonce. */
interface RecentUse {
  readonly address: string;
  /** Of the first one, wall-clock milliseconds. */
  readonly wallMs: number;
  /** Hashes of the devices that were asked with the messages. */
  readonly messages: Set<string>;
}

function isRecent(use: RecentUse, wallMs: number): boolean {
  return Math.abs(wallMs - use.wallMs) <= limits.onvif.nonceRepeatMs;
}

function hash(...parts: readonly (string | Uint8Array)[]): string {
  const sum = createHash('sha256');
  // A part ends where the next one begins.
  for (const part of parts) sum.update(part).update('\0');
  return sum.digest('base64');
}
