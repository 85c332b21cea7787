import { createHash, timingSafeEqual } from 'node:crypto';
import { limits } from '../base/limits.ts';
import { parseDateTime } from './events/event-time.ts';
import { childOf, textAt, type XmlElement } from './xml.ts';

/**
 * What became of a token. `skewed`: all is right but the time; `replayed`: it was used before; `text`: it holds the password
 * itself, which is not looked at; `malformed`: a part is missing. Only `rejected` was an attempt at the password.
 */
export type TokenResult = 'accepted' | 'rejected' | 'skewed' | 'replayed' | 'text' | 'malformed';

const digestType = '#PasswordDigest';
const base64 = /^[A-Za-z0-9+/]+={0,2}$/;

/**
 * WS-UsernameToken with PasswordDigest for one user (OASIS Web Services Security UsernameToken Profile 1.0; ONVIF Core,
 * clause 5.9.3): Base64(SHA-1(nonce + created + password)). Each nonce is good once while its time is.
 */
export class UsernameTokens {
  readonly #user: string;
  readonly #password: string;
  /** Hashes of nonces that were used, with the wall-clock milliseconds until which they matter; the oldest first. */
  readonly #used = new Map<string, number>();

  constructor(user: string, password: string) {
    this.#user = user;
    this.#password = password;
  }

  verify(token: XmlElement, wallMs: number): TokenResult {
    const user = textAt(token, 'Username');
    const password = childOf(token, 'Password');
    const nonce = textAt(token, 'Nonce').replace(/\s/g, '');
    const created = textAt(token, 'Created');
    // Without a type it is the password itself (clause 3.1).
    if (!password?.attributes.get('Type')?.endsWith(digestType)) return password === null ? 'malformed' : 'text';
    for (const part of [user, password.text, nonce, created])
      if (part === '' || part.length > limits.onvif.tokenCharacters) return 'malformed';
    if (!base64.test(nonce)) return 'malformed';
    const digest = createHash('sha1').update(Buffer.from(nonce, 'base64')).update(created).update(this.#password);
    const right = equal(this.#user, user) && equal(digest.digest('base64'), password.text);
    const createdMs = parseDateTime(created);
    if (!right) return 'rejected';
    if (createdMs === null) return 'malformed';
    if (Math.abs(wallMs - createdMs) > limits.onvif.clockSkewMs) return 'skewed';
    return this.#use(nonce, createdMs, wallMs) ? 'accepted' : 'replayed';
  }

  /** Returns false for a nonce that was used. Only those with the right password come here. */
  #use(nonce: string, createdMs: number, wallMs: number): boolean {
    for (const [used, untilMs] of this.#used) {
      if (untilMs >= wallMs && this.#used.size < limits.onvif.nonces) break;
      this.#used.delete(used);
    }
    const key = createHash('sha256').update(nonce).digest('base64');
    if (this.#used.has(key)) return false;
    this.#used.set(key, Math.max(createdMs, wallMs) + limits.onvif.clockSkewMs);
    return true;
  }
}

/** Compares without telling by its duration how much was right. */
function equal(expected: string, given: string): boolean {
  const a = createHash('sha256').update(expected).digest();
  const b = createHash('sha256').update(given).digest();
  return timingSafeEqual(a, b);
}
