import { createHash, randomBytes, timingSafeEqual } from 'node:crypto';
import { streamKeyMark } from '../base/stream-key-form.ts';

/** Crockford's Base32: no letter that can be taken for a digit on paper. */
const alphabet = '0123456789abcdefghjkmnpqrstvwxyz';
const keyBytes = 20;
const idBytes = 5;

/** A new stream key of 160 random bits. */
export function newStreamKey(): string {
  return streamKeyMark + base32(randomBytes(keyBytes));
}

/** A new name for a key: 40 random bits, no secret. */
export function newKeyId(): string {
  return base32(randomBytes(idBytes));
}

/** Whether a text has the form of a generated key, as a person may have typed it. */
export function isGeneratedKey(text: string): boolean {
  return /^swk_[0-9a-hjkmnp-tv-z]{32}$/.test(normaliseKey(text));
}

/** A generated key in the form in which it was made: people confuse case, O with 0, and I and L with 1. */
export function normaliseKey(text: string): string {
  const key = text.trim().toLowerCase();
  if (!key.startsWith(streamKeyMark)) return key;
  return streamKeyMark + key.slice(streamKeyMark.length).replaceAll('o', '0').replace(/[il]/g, '1');
}

/**
 * What is kept of a generated key. A plain hash is enough: 160 random bits cannot be found by trying, however fast a try is.
 * A slow hash is for secrets that people think up.
 */
export function hashStreamKey(key: string): Buffer {
  return createHash('sha256').update(normaliseKey(key)).digest();
}

/** Compares in a time that does not depend on where the two differ. */
export function sameBytes(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && timingSafeEqual(a, b);
}

/** Five bits a character; `bytes` holds a multiple of five. */
function base32(bytes: Uint8Array): string {
  let text = '';
  let bits = 0;
  let value = 0;
  for (const byte of bytes) {
    value = (value << 8) | byte;
    bits += 8;
    while (bits >= 5) {
      bits -= 5;
      text += alphabet[(value >>> bits) & 31];
    }
    value &= (1 << bits) - 1;
  }
  return text;
}
