import { createHash } from 'node:crypto';
import { limits } from '../base/limits.ts';
import { isSameText } from '../base/same-text.ts';
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
 * clause 5.9.3): Base64(SHA-1(nonce + created + password)). A message is taken once. A nonce is good for one message too, with
 * one exception: libonvif, and gSOAP where threads share a seed, give all their requests of a second the same one. So for a
 * moment the client that used it first may use it for other messages.
 */
export class UsernameTokens {
  readonly #user: string;
  readonly #password: string;
  /** By hashes of nonces; the oldest first. */
  readonly #used = new Map<string, Use>();

  constructor(user: string, password: string) {
    this.#user = user;
    this.#password = password;
  }

  /** `message` is all that the token came in, `address` the client's. */
  verify(token: XmlElement, message: string | Uint8Array, address: string, wallMs: number): TokenResult {
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
    const right = isSameText(user, this.#user) && isSameText(password.text, digest.digest('base64'));
    const createdMs = parseDateTime(created);
    if (!right) return 'rejected';
    if (createdMs === null) return 'malformed';
    if (Math.abs(wallMs - createdMs) > limits.onvif.clockSkewMs) return 'skewed';
    return this.#use(nonce, message, address, createdMs, wallMs) ? 'accepted' : 'replayed';
  }

  /** Returns false for a nonce that was used. Only those with the right password come here. */
  #use(nonce: string, message: string | Uint8Array, address: string, createdMs: number, wallMs: number): boolean {
    for (const [used, { untilMs }] of this.#used) {
      if (untilMs >= wallMs && this.#used.size < limits.onvif.nonces) break;
      this.#used.delete(used);
    }
    const key = hash(nonce);
    const first = this.#used.get(key);
    if (first === undefined) {
      const untilMs = Math.max(createdMs, wallMs) + limits.onvif.clockSkewMs;
      this.#used.set(key, { address, wallMs, untilMs, messages: new Set([hash(message)]) });
      return true;
    }
    const recent = Math.abs(wallMs - first.wallMs) <= limits.onvif.nonceRepeatMs;
    if (!recent || first.address !== address || first.messages.size >= limits.onvif.nonceMessages) return false;
    const known = first.messages.size;
    return first.messages.add(hash(message)).size > known;
  }
}

/** The uses of a nonce. */
interface Use {
  readonly address: string;
  /** Of the first one, wall-clock milliseconds. */
  readonly wallMs: number;
  /** When it is of no use any more, because its time is over. */
  readonly untilMs: number;
  /** Hashes of the messages it came in. */
  readonly messages: Set<string>;
}

function hash(data: string | Uint8Array): string {
  return createHash('sha256').update(data).digest('base64');
}
