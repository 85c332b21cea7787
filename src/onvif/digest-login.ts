import { DigestAuthenticator, type DigestOptions, type DigestResult } from '../rtsp/digest-authenticator.ts';
import { LoginThrottle } from './login-throttle.ts';

/** What a {@link DigestLogin} checks against. Never to be logged. */
export interface DigestLoginOptions extends Omit<DigestOptions, 'nonceLifetimeMs' | 'qop'> {
  readonly remembered: number;
  /** Counts wrong passwords together with those of other ways to log in. */
  readonly throttle?: LoginThrottle;
}

/** What a check said, or `wait`: too many wrong passwords came from there, so that nothing was looked at. */
export type ThrottledResult<Result extends string> =
  | { readonly result: Result }
  | { readonly result: 'wait'; readonly waitMs: number };

/** Milliseconds. Clients log in again without a question when a nonce has become stale. */
const nonceLifetimeMs = 5 * 60_000;

/** HTTP Digest for one user (RFC 7616), with a brake on guessing that other ways to log in share. */
export class DigestLogin {
  readonly #digest: DigestAuthenticator;
  readonly #throttle: LoginThrottle;

  constructor({ throttle = new LoginThrottle(), ...options }: DigestLoginOptions) {
    this.#digest = new DigestAuthenticator({ ...options, nonceLifetimeMs, qop: true });
    this.#throttle = throttle;
  }

  /** Values of the WWW-Authenticate headers of a 401. */
  challenges(nowMs: number, stale: boolean): string[] {
    return this.#digest.challenges(nowMs, stale);
  }

  /** Checks the Authorization header of a request for `target`. */
  check(
    authorization: string,
    method: string,
    target: string,
    address: string,
    nowMs: number,
  ): ThrottledResult<DigestResult> {
    return this.attempt(address, nowMs, () => this.#digest.verify(authorization, method, target, nowMs));
  }

  /** Has another way to log in checked, unless the address has to wait. `rejected` counts as a wrong password. */
  attempt<Result extends string>(address: string, nowMs: number, verify: () => Result): ThrottledResult<Result> {
    const waitMs = this.#throttle.waitMs(address, nowMs);
    if (waitMs > 0) return { result: 'wait', waitMs };
    const result = verify();
    if (result === 'rejected') this.#throttle.failed(address, nowMs);
    if (result === 'accepted') this.#throttle.succeeded(address);
    return { result };
  }
}
