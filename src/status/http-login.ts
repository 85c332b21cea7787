import { createHash, timingSafeEqual } from 'node:crypto';
import { limits } from '../base/limits.ts';
import { LoginThrottle } from '../onvif/login-throttle.ts';
import { DigestAuthenticator } from '../rtsp/digest-authenticator.ts';

/** What an {@link HttpLogin} checks against. Never to be logged. */
export interface HttpLoginOptions {
  readonly user: string;
  readonly password: string;
  readonly realm: string;
  /** Offer SHA-256 beside MD5 for Digest. */
  readonly sha256: boolean;
  /** At least 16 random bytes, of this run of the server. */
  readonly key: Uint8Array;
  /** Counts wrong passwords together with those of other ways to log in. */
  readonly throttle?: LoginThrottle;
}

/**
 * What became of a login. `challenged`: the values of the WWW-Authenticate headers of a 401; `failed` says whether a wrong name
 * or password was given. `wait`: too many of those came from there.
 */
export type HttpLoginResult =
  | { readonly result: 'accepted' }
  | { readonly result: 'challenged'; readonly failed: boolean; readonly challenges: readonly string[] }
  | { readonly result: 'wait'; readonly waitMs: number };

/** Milliseconds. Clients log in again without a question when a nonce has become stale. */
const nonceLifetimeMs = 5 * 60_000;

/**
 * HTTP Digest (RFC 7616) and Basic (RFC 7617) for one user. Basic is there for Prometheus and for scripts, which know nothing
 * else; without TLS it shows the password to the network, as its documentation says.
 */
export class HttpLogin {
  readonly #digest: DigestAuthenticator;
  readonly #throttle: LoginThrottle;
  readonly #realm: string;
  readonly #account: Buffer;

  constructor({ user, password, realm, sha256, key, throttle }: HttpLoginOptions) {
    this.#digest = new DigestAuthenticator({
      ...{ user, password, realm, sha256, key, nonceLifetimeMs, qop: true },
      remembered: limits.http.digestResponses,
    });
    this.#throttle = throttle ?? new LoginThrottle();
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
    const waitMs = this.#throttle.waitMs(address, nowMs);
    if (waitMs > 0) return { result: 'wait', waitMs };
    const result =
      scheme === 'basic'
        ? this.#checkBasic(authorization.slice('basic '.length))
        : this.#digest.verify(authorization, method, target, nowMs);
    if (result === 'accepted') {
      this.#throttle.succeeded(address);
      return { result };
    }
    const failed = result === 'rejected';
    if (failed) this.#throttle.failed(address, nowMs);
    return this.#challenged(nowMs, result === 'stale', failed);
  }

  #checkBasic(encoded: string): 'accepted' | 'rejected' {
    const isShort = encoded.length <= limits.onvif.tokenCharacters * 2;
    const given = hash(Buffer.from(isShort ? encoded.trim() : '', 'base64'));
    return timingSafeEqual(given, this.#account) ? 'accepted' : 'rejected';
  }

  /** Clients take the first that they know, and Digest is the safer one. */
  #challenged(nowMs: number, stale: boolean, failed: boolean): HttpLoginResult {
    const challenges = [...this.#digest.challenges(nowMs, stale), `Basic realm="${this.#realm}", charset="UTF-8"`];
    return { result: 'challenged', failed, challenges };
  }
}

function hash(bytes: Uint8Array): Buffer {
  return createHash('sha256').update(bytes).digest();
}
