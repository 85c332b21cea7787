import { limits } from '../base/limits.ts';
import { DigestAuthenticator } from '../rtsp/digest-authenticator.ts';
import { LoginThrottle } from './login-throttle.ts';
import type { NonceMemory } from './nonce-memory.ts';
import { type TokenResult, UsernameTokens } from './username-token.ts';
import type { XmlElement } from './xml.ts';

/** User name and password that clients must give. Never to be logged. */
export interface OnvifCredentials {
  readonly user: string;
  readonly password: string;
}

/** What an {@link Authenticator} needs beyond the credentials. */
export interface AuthenticatorOptions {
  readonly realm: string;
  /** Offer SHA-256 beside MD5. */
  readonly sha256: boolean;
  /** At least 16 random bytes, of this run of the server. */
  readonly key: Uint8Array;
  /** Shared by all devices, with what it knows this one by. */
  readonly nonces: NonceMemory;
  readonly device: string;
}

/**
 * What became of a login: `none`: nothing was given that could be checked; `wait`: too many wrong passwords came from there,
 * `reason` says for how long it is of no use to try; the others: with the reason to tell the client.
 */
export type LoginResult =
  | { readonly result: 'accepted' | 'none' | 'stale' }
  | { readonly result: 'refused'; readonly reason: string }
  | { readonly result: 'wait'; readonly reason: string; readonly waitMs: number };

/** Milliseconds. Clients log in again without a question when a nonce has become stale. */
const nonceLifetimeMs = 5 * 60_000;

const tokenReasons: Readonly<Record<Exclude<TokenResult, 'accepted' | 'skewed'>, string>> = {
  rejected: 'The user name or password is wrong',
  replayed: 'The nonce was used before',
  text: 'The password must be given as PasswordDigest',
  malformed: 'The UsernameToken needs Username, Password of type PasswordDigest, Nonce and Created',
};

/** HTTP Digest and WS-UsernameToken for one user (ONVIF Core, clause 5.9), with a brake on guessing. */
export class Authenticator {
  readonly #digest: DigestAuthenticator;
  readonly #tokens: UsernameTokens;
  readonly #throttle = new LoginThrottle();

  constructor({ user, password }: OnvifCredentials, { realm, sha256, key, nonces, device }: AuthenticatorOptions) {
    this.#digest = new DigestAuthenticator({
      ...{ user, password, realm, sha256, key, nonceLifetimeMs, qop: true },
      remembered: limits.onvif.digestResponses,
    });
    this.#tokens = new UsernameTokens(user, password, nonces, device);
  }

  /** Values of the WWW-Authenticate headers of a 401. */
  challenges(nowMs: number, stale: boolean): string[] {
    return this.#digest.challenges(nowMs, stale);
  }

  /** Checks the Authorization header of an HTTP request. */
  checkHttp(
    authorization: string | undefined,
    method: string,
    target: string,
    address: string,
    nowMs: number,
  ): LoginResult {
    if (authorization === undefined || !/^digest\s/i.test(authorization)) return { result: 'none' };
    const waitMs = this.#throttle.waitMs(address, nowMs);
    if (waitMs > 0) return waiting(waitMs);
    const result = this.#digest.verify(authorization, method, target, nowMs);
    if (result === 'rejected') {
      this.#throttle.failed(address, nowMs);
      return { result: 'refused', reason: tokenReasons.rejected };
    }
    if (result === 'accepted') this.#throttle.succeeded(address);
    return { result: result === 'missing' ? 'none' : result };
  }

  /** Checks the UsernameToken of an envelope, which came in `message`. */
  checkToken(
    token: XmlElement | null,
    message: string | Uint8Array,
    address: string,
    wallMs: number,
    nowMs: number,
  ): LoginResult {
    if (token === null) return { result: 'none' };
    const waitMs = this.#throttle.waitMs(address, nowMs);
    if (waitMs > 0) return waiting(waitMs);
    const result = this.#tokens.verify(token, message, address, wallMs);
    if (result === 'rejected') this.#throttle.failed(address, nowMs);
    if (result === 'accepted') {
      this.#throttle.succeeded(address);
      return { result };
    }
    if (result !== 'skewed') return { result: 'refused', reason: tokenReasons[result] };
    const minutes = limits.onvif.clockSkewMs / 60_000;
    const ours = new Date(wallMs).toISOString();
    return {
      result: 'refused',
      reason: `The token's time is more than ${minutes} minutes from ours, which is ${ours}; set the client's clock or ours`,
    };
  }
}

function waiting(waitMs: number): LoginResult {
  const seconds = Math.ceil(waitMs / 1000);
  return { result: 'wait', reason: `Too many wrong passwords came from here; try again in ${seconds} s`, waitMs };
}
