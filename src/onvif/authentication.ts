import { limits } from '../base/limits.ts';
import { DigestLogin } from './digest-login.ts';
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

const tokenReasons: Readonly<Record<Exclude<TokenResult, 'accepted' | 'skewed'>, string>> = {
  rejected: 'The user name or password is wrong',
  replayed: 'The nonce was used before',
  text: 'The password must be given as PasswordDigest',
  malformed: 'The UsernameToken needs Username, Password of type PasswordDigest, Nonce and Created',
};

/** HTTP Digest and WS-UsernameToken for one user (ONVIF Core, clause 5.9), with a brake on guessing. */
export class Authenticator {
  readonly #login: DigestLogin;
  readonly #tokens: UsernameTokens;

  constructor({ user, password }: OnvifCredentials, { realm, sha256, key, nonces, device }: AuthenticatorOptions) {
    const remembered = limits.onvif.digestResponses;
    this.#login = new DigestLogin({ user, password, realm, sha256, key, remembered });
    this.#tokens = new UsernameTokens(user, password, nonces, device);
  }

  /** Values of the WWW-Authenticate headers of a 401. */
  challenges(nowMs: number, stale: boolean): string[] {
    return this.#login.challenges(nowMs, stale);
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
    const login = this.#login.check(authorization, method, target, address, nowMs);
    if (login.result === 'wait') return waiting(login.waitMs);
    if (login.result === 'rejected') return { result: 'refused', reason: tokenReasons.rejected };
    return { result: login.result === 'missing' ? 'none' : login.result };
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
    const login = this.#login.attempt(address, nowMs, () => this.#tokens.verify(token, message, address, wallMs));
    if (login.result === 'wait') return waiting(login.waitMs);
    if (login.result === 'accepted') return { result: 'accepted' };
    if (login.result !== 'skewed') return { result: 'refused', reason: tokenReasons[login.result] };
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
