import { createHash, createHmac } from 'node:crypto';
import { isSameText } from '../base/same-text.ts';
import { DigestMemory } from './digest-memory.ts';
import { parseRequestUrl } from './request-url.ts';

/** A hash that can be offered. */
export type DigestAlgorithm = 'MD5' | 'SHA-256';

/** What a {@link DigestAuthenticator} checks against. */
export interface DigestOptions {
  readonly user: string;
  readonly password: string;
  readonly realm: string;
  /** MD5 is always offered, and last: many clients take the last challenge and know nothing else. */
  readonly sha256: boolean;
  /** At least 16 random bytes: the key that our nonces are made with. */
  readonly key: Uint8Array;
  /** How long a nonce is accepted. */
  readonly nonceLifetimeMs: number;
  /** Whether challenges offer qop="auth", which RFC 7616 asks for and the oldest RTSP clients do not understand. */
  readonly qop?: boolean;
  /**
   * Answers with qop that are remembered, so that each is good once; a second is `stale`, and the client asks again by itself.
   * Without it they are good as long as their nonce.
   */
  readonly remembered?: number;
}

/** `missing`: no Digest credentials. `stale`: right, but the nonce is too old. */
export type DigestResult = 'accepted' | 'missing' | 'stale' | 'rejected';

const hashNames = { MD5: 'md5', 'SHA-256': 'sha256' } as const;
/** Threads read one clock with small differences: a nonce may be this much younger than now. */
const clockSlackMs = 1000;
const nonceShape = /^([0-9a-f]{14})[0-9a-f]{32}$/;

/**
 * Digest access authentication for one user (RFC 7616, and RFC 2069 for clients without qop). Nonces hold their time
 * and a keyed hash of it, so nothing is kept per client, unless answers are to be good only once. Nonce counts themselves are
 * not checked: clients rarely send any, or always the same.
 */
export class DigestAuthenticator {
  readonly #options: DigestOptions;
  readonly #algorithms: readonly DigestAlgorithm[];
  /** H(user:realm:password) by algorithm. */
  readonly #secrets: Readonly<Record<DigestAlgorithm, string>>;
  readonly #realm: string;
  readonly #qop: string;
  readonly #memory: DigestMemory | null;
  /** The newest nonce and its time. A flood of requests gets many in a millisecond, and these are all the same. */
  #newest = { time: '', nonce: '' };

  constructor(options: DigestOptions) {
    this.#options = options;
    this.#realm = options.realm.replace(/["\\\r\n]/g, '');
    this.#algorithms = options.sha256 ? ['SHA-256', 'MD5'] : ['MD5'];
    this.#qop = options.qop ? ', qop="auth"' : '';
    this.#memory = options.remembered === undefined ? null : new DigestMemory(options.remembered);
    const account = `${options.user}:${this.#realm}:${options.password}`;
    this.#secrets = { MD5: hash('MD5', account), 'SHA-256': hash('SHA-256', account) };
  }

  /** The values of the WWW-Authenticate headers of a 401, one per algorithm, MD5 last. */
  challenges(nowMs: number, stale: boolean): string[] {
    const time = Math.max(0, Math.floor(nowMs)).toString(16).padStart(14, '0');
    if (time !== this.#newest.time) this.#newest = { time, nonce: this.#nonce(time) };
    const { nonce } = this.#newest;
    const end = stale ? ', stale=true' : '';
    return this.#algorithms.map((algorithm) => {
      // MD5 without the parameter is what the oldest clients parse.
      const named = algorithm === 'MD5' ? '' : `, algorithm=${algorithm}`;
      return `Digest realm="${this.#realm}", nonce="${nonce}"${this.#qop}${named}${end}`;
    });
  }

  /** Checks the value of an Authorization header against the request that carried it. */
  verify(header: string | undefined, method: string, uri: string, nowMs: number): DigestResult {
    if (header === undefined || !/^digest\s/i.test(header)) return 'missing';
    const fields = parseFields(header.slice(7));
    const algorithm = algorithmOf(fields.get('algorithm'));
    if (algorithm === null || !this.#algorithms.includes(algorithm)) return 'rejected';
    const nonce = fields.get('nonce') ?? '';
    const signedUri = fields.get('uri') ?? '';
    const expected = this.#response(algorithm, nonce, method, signedUri, fields);
    const right =
      isSameText((fields.get('response') ?? '').toLowerCase(), expected) &&
      isSameText(fields.get('username') ?? '', this.#options.user) &&
      fields.get('realm') === this.#realm &&
      sameTarget(signedUri, uri);
    if (!right) return 'rejected';
    if (!this.#fresh(nonce, nowMs)) return 'stale';
    return this.#isFirst(nonce, expected, fields, nowMs) ? 'accepted' : 'stale';
  }

  /** Whether we made the nonce, lately. One of an earlier run of the server has another key, and is as good as old. */
  #fresh(nonce: string, nowMs: number): boolean {
    const time = nonceShape.exec(nonce)?.[1];
    if (time === undefined || !isSameText(nonce, this.#nonce(time))) return false;
    const ageMs = nowMs - Number.parseInt(time, 16);
    return ageMs <= this.#options.nonceLifetimeMs && ageMs >= -clockSlackMs;
  }

  #isFirst(nonce: string, response: string, fields: ReadonlyMap<string, string>, nowMs: number): boolean {
    if (this.#memory === null || !fields.has('qop')) return true;
    const time = nonceShape.exec(nonce)?.[1] ?? '';
    return this.#memory.take(response, Number.parseInt(time, 16), nowMs - this.#options.nonceLifetimeMs);
  }

  #response(
    algorithm: DigestAlgorithm,
    nonce: string,
    method: string,
    uri: string,
    fields: ReadonlyMap<string, string>,
  ): string {
    const request = hash(algorithm, `${method}:${uri}`);
    const qop = fields.get('qop');
    const middle =
      qop === undefined
        ? nonce
        : `${nonce}:${fields.get('nc') ?? ''}:${fields.get('cnonce') ?? ''}:${qop.toLowerCase()}`;
    return hash(algorithm, `${this.#secrets[algorithm]}:${middle}:${request}`);
  }

  #nonce(time: string): string {
    return time + createHmac('sha256', this.#options.key).update(time).digest('hex').slice(0, 32);
  }
}

function hash(algorithm: DigestAlgorithm, text: string): string {
  return createHash(hashNames[algorithm]).update(text).digest('hex');
}

function algorithmOf(name: string | undefined): DigestAlgorithm | null {
  const upper = name?.toUpperCase() ?? 'MD5';
  return upper === 'MD5' || upper === 'SHA-256' ? upper : null;
}

/** Clients sign the whole URL, its path only, the presentation, or just the track. The host may be a proxy's. */
function sameTarget(signed: string, requested: string): boolean {
  if (signed === requested) return true;
  const a = parseRequestUrl(signed, '');
  const b = parseRequestUrl(requested, '');
  if (a === null || b === null) return false;
  return a.path.toLowerCase() === b.path.toLowerCase() || (a.path === '/' && a.track >= 0 && a.track === b.track);
}

/**
 * `name=value` and `name="quoted \" value"`, separated by commas, in time linear in the length. The first of a name
 * counts; what cannot be read ends the list.
 */
function parseFields(text: string): Map<string, string> {
  const fields = new Map<string, string>();
  let at = 0;
  while (at < text.length) {
    const equals = text.indexOf('=', at);
    if (equals < 0) break;
    const name = text.slice(at, equals).replaceAll(',', ' ').trim().toLowerCase();
    at = equals + 1;
    while (text[at] === ' ' || text[at] === '\t') at++;
    let value = '';
    if (text[at] === '"') {
      for (at++; at < text.length && text[at] !== '"'; at++) {
        if (text[at] === '\\') at++;
        value += text[at] ?? '';
      }
      at++;
    } else {
      const comma = text.indexOf(',', at);
      const end = comma < 0 ? text.length : comma;
      value = text.slice(at, end).trim();
      at = end;
    }
    if (!fields.has(name)) fields.set(name, value);
  }
  return fields;
}
