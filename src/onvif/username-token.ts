import { createHash } from 'node:crypto';
import { limits } from '../base/limits.ts';
import { isSameText } from '../base/same-text.ts';
import { parseDateTime } from './events/event-time.ts';
import type { NonceMemory } from './nonce-memory.ts';
import { childOf, textAt, type XmlElement } from './xml.ts';

/**
 * What became of a token. `skewed`: all is right but the time; `replayed`: it was used before; `text`: it holds the password
 * itself, which is not looked at; `malformed`: a part is missing. Only `rejected` was an attempt at the password.
 */
export type TokenResult = 'accepted' | 'rejected' | 'skewed' | 'replayed' | 'text' | 'malformed';

const digestType = '#PasswordDigest';
const base64 = /^[A-Za-z0-9+/]+={0,2}$/;

/**
 * WS-UsernameToken with PasswordDigest for one user of one device (OASIS Web Services Security UsernameToken Profile 1.0; ONVIF
 * Core, clause 5.9.3): Base64(SHA-1(nonce + created + password)).
 */
export class UsernameTokens {
  readonly #user: string;
  readonly #password: string;
  readonly #nonces: NonceMemory;
  readonly #device: string;

  /** `device` is what `nonces`, which all devices share, knows it by. */
  constructor(user: string, password: string, nonces: NonceMemory, device: string) {
    this.#user = user;
    this.#password = password;
    this.#nonces = nonces;
    this.#device = device;
  }

  /** `message` is all that the token came in, `address` the client's. */
  verify(token: XmlElement, message: string | Uint8Array, address: string, wallMs: number): TokenResult {
    const user = textAt(token, 'Username');
    const password = childOf(token, 'Password');
    const nonceText = textAt(token, 'Nonce').replace(/\s/g, '');
    const created = textAt(token, 'Created');
    // Without a type it is the password itself (clause 3.1).
    if (!password?.attributes.get('Type')?.endsWith(digestType)) return password === null ? 'malformed' : 'text';
    for (const part of [user, password.text, nonceText, created])
      if (part === '' || part.length > limits.onvif.tokenCharacters) return 'malformed';
    if (!base64.test(nonceText)) return 'malformed';
    const nonce = Buffer.from(nonceText, 'base64');
    const digest = createHash('sha1').update(nonce).update(created).update(this.#password);
    const right = isSameText(user, this.#user) && isSameText(password.text, digest.digest('base64'));
    const createdMs = parseDateTime(created);
    if (!right) return 'rejected';
    if (createdMs === null) return 'malformed';
    if (Math.abs(wallMs - createdMs) > limits.onvif.clockSkewMs) return 'skewed';
    const use = { nonce, device: this.#device, message, address, createdMs };
    return this.#nonces.take(use, wallMs) ? 'accepted' : 'replayed';
  }
}
