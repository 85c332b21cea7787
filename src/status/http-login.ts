import { createHash, timingSafeEqual } from 'node:crypto';
import { limits } from '../base/limits.ts';
import { DigestLogin, type DigestLoginOptions } from '../onvif/digest-login.ts';

/** What an {@link HttpLogin} checks against. Never to be logged. */
export type HttpLoginOptions = Omit<DigestLoginOptions, 'remembered'>;

/**
 * What became of a login. `challenged`: the values of the WWW-Authenticate headers of a 401; `failed` says whether a wrong name
 * or password was given. `wait`: too many of those came from there.
 */
export type HttpLoginResult =
  | { readonly result: 'accepted' }
  | { readonly result: 'challenged'; readonly failed: boolean; readonly challenges: readonly string[] }
  | { readonly result: 'wait'; readonly waitMs: number };

/**
 * HTTP Digest (RFC 7616) and Basic (RFC 7617) for one user. Basic is there for Prometheus and for scripts, which know nothing
 * else; without TLS it shows the password to the network, as its documentation says.
 */
export class HttpLogin {
  readonly #login: DigestLogin;
  readonly #realm: string;
  readonly #account: Buffer;

  constructor(options: HttpLoginOptions) {
    const { user, password, realm } = options;
    this.#login = new DigestLogin({ ...options, remembered: limits.http.digestResponses });
    this.#realm = realm;
    this.#account = hash(Buffer.from(`${user}:${password}`));
  }

  /** Checks the Authorization header of a request for `target`. */
  check(
    authorization: string | undefined,
    method: string,
    target: string,
    address: string,
    nowMs: number,
  ): HttpLoginResult {
    const scheme = /^(basic|digest)\s/i.exec(authorization ?? '')?.[1]?.toLowerCase();
    if (authorization === undefined || scheme === undefined) return this.#challenged(nowMs, false, false);
    const login =
      scheme === 'basic'
        ? this.#login.attempt(address, nowMs, () => this.#checkBasic(authorization.slice('basic '.length)))
        : this.#login.check(authorization, method, target, address, nowMs);
    if (login.result === 'wait') return login;
    if (login.result === 'accepted') return { result: 'accepted' };
    return this.#challenged(nowMs, login.result === 'stale', login.result === 'rejected');
  }

  #checkBasic(encoded: string): 'accepted' | 'rejected' {
    const isShort = encoded.length <= limits.onvif.tokenCharacters * 2;
    const given = hash(Buffer.from(isShort ? encoded.trim() : '', 'base64'));
    return timingSafeEqual(given, this.#account) ? 'accepted' : 'rejected';
  }

  /** Clients take the first that they know, and Digest is the safer one. */
  #challenged(nowMs: number, stale: boolean, failed: boolean): HttpLoginResult {
    const challenges = [...this.#login.challenges(nowMs, stale), `Basic realm="${this.#realm}", charset="UTF-8"`];
    return { result: 'challenged', failed, challenges };
  }
}

function hash(bytes: Uint8Array): Buffer {
  return createHash('sha256').update(bytes).digest();
}
