import type { LoginThrottle } from '../onvif/login-throttle.ts';
import type { Callback } from './callback.ts';
import type { KeyCheck } from './key-check.ts';
import { type PublishQuery, parsePublishQuery } from './publish-query.ts';
import { checkSignedUrl, type SignedUrlOptions } from './signed-url.ts';
import { checkToken, type TokenOptions } from './token-check.ts';
import {
  type Accepted,
  absent,
  type MethodVerdict,
  mostTelling,
  type PublishAttempt,
  type PublishMethod,
  type RefusalCode,
  refused,
} from './verdict.ts';

/** The methods that are in force; null is off. */
export interface GateMethods {
  readonly keys: KeyCheck;
  readonly signedUrls: SignedUrlOptions | null;
  readonly tokens: TokenOptions | null;
  readonly callback: Callback | null;
}

/** What comes of one wish to publish. `detail` is for the log. */
export type GateVerdict =
  | (Accepted & { readonly method: PublishMethod })
  | {
      readonly type: 'refused';
      readonly reason: RefusalCode;
      readonly detail?: string;
      /** Something was given that could be tried out until it fits. */
      readonly guessed?: boolean;
    };

/**
 * Decides whether somebody may publish: one method that accepts is enough. They are tried in order, the cheap ones first, and the
 * operator's program last.
 *
 * An address that gave wrong credentials has to wait, as with passwords. But many drones share one address, so the wait is only
 * for secrets that can be guessed: a key of 160 bits, a signature or a token gets in all the same.
 */
export class PublishGate {
  methods: GateMethods;
  readonly #throttle: LoginThrottle;
  readonly #clock: { nowMs(): number; wallMs(): number };

  constructor(methods: GateMethods, throttle: LoginThrottle, clock: { nowMs(): number; wallMs(): number }) {
    this.methods = methods;
    this.#throttle = throttle;
    this.#clock = clock;
  }

  /** Never rejects. `signal` ends the wait for an answer: then nothing is known. */
  async check(attempt: PublishAttempt, signal: AbortSignal): Promise<GateVerdict> {
    const throttled = this.#throttle.waitMs(attempt.address, this.#clock.nowMs()) > 0;
    // Counted also where nobody waits for the answer any more, or whoever leaves early could guess for ever.
    const deciding = this.#decide(attempt, !throttled, signal).then((verdict) =>
      this.#count(verdict, attempt.address, throttled),
    );
    return withinSignal(deciding, signal);
  }

  /** A guess is one whatever else was wrong; what the operator's program refuses was not guessed. */
  #count(verdict: GateVerdict, address: string, throttled: boolean): GateVerdict {
    if (verdict.type === 'accepted' || verdict.guessed !== true) return verdict;
    if (!throttled) this.#throttle.failed(address, this.#clock.nowMs());
    // What comes while it waits is not counted, or an encoder that tries for ever would never get in again.
    else if (verdict.reason === 'credential_wrong') return { ...verdict, reason: 'credential_throttled' };
    return verdict;
  }

  async #decide(attempt: PublishAttempt, slow: boolean, signal: AbortSignal): Promise<GateVerdict> {
    const query = parsePublishQuery(attempt.query);
    if (query === null) return refused('credential_wrong', 'the query is not acceptable') as GateVerdict;
    const refusals: MethodVerdict[] = [];
    let guessed = false;
    for (const [method, check] of this.#checks(attempt, query, slow, signal)) {
      const verdict = await check();
      if (verdict.type === 'accepted') return { ...verdict, method };
      refusals.push(verdict);
      if (verdict.type === 'refused' && verdict.reason === 'credential_wrong' && method !== 'callback') guessed = true;
    }
    return { ...mostTelling(refusals), guessed };
  }

  *#checks(
    attempt: PublishAttempt,
    query: PublishQuery,
    slow: boolean,
    signal: AbortSignal,
  ): Generator<[PublishMethod, () => MethodVerdict | Promise<MethodVerdict>]> {
    const { keys, signedUrls, tokens, callback } = this.methods;
    const { camera, path, address } = attempt;
    const wallMs = this.#clock.wallMs();
    const keyCamera = (camera?.rtspPath ?? path).toLowerCase();
    for (const key of new Set([query.get('key'), attempt.pathKey]))
      if (typeof key === 'string' && key !== '')
        yield ['keys', () => keys.check(camera === null ? `?${keyCamera}` : keyCamera, key, wallMs, slow, signal)];
    if (signedUrls !== null)
      yield ['signed-url', () => checkSignedUrl(signedUrls, query, camera, path, address, wallMs)];
    const token = query.get('token') ?? query.get('jwt');
    if (tokens !== null)
      yield ['jwt', () => (token === undefined ? absent : checkToken(tokens, token, camera, wallMs))];
    if (callback !== null) yield ['callback', () => callback.check(attempt, query, signal)];
  }
}

/** The verdict, or that there is none, when the signal comes first or something of ours fails. */
function withinSignal(deciding: Promise<GateVerdict>, signal: AbortSignal): Promise<GateVerdict> {
  return new Promise((resolve) => {
    const late = (): void => resolve(noAnswer('there was no answer in time'));
    if (signal.aborted) late();
    signal.addEventListener('abort', late, { once: true });
    deciding
      .catch((error: unknown) => noAnswer(error instanceof Error ? error.name : 'an error'))
      .then((verdict) => {
        signal.removeEventListener('abort', late);
        resolve(verdict);
      });
  });
}

function noAnswer(detail: string): GateVerdict {
  return refused('credential_unavailable', detail) as GateVerdict;
}
