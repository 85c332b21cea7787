import { createLocalJWKSet, errors, type JSONWebKeySet, type JWTHeaderParameters, type JWTVerifyGetKey } from 'jose';
import { limits } from '../base/limits.ts';

type KeyOf = ReturnType<typeof createLocalJWKSet>;

/** The keys could not be had, so nothing can be said about a token. */
export class KeysUnavailable extends Error {}

/** Where a {@link JwksCache} has its keys from. Throws when they cannot be had; the text must hold no secret. */
export type JwksSource = (signal: AbortSignal) => Promise<string>;

/** What a {@link JwksCache} is made with. */
export interface JwksCacheOptions {
  readonly source: JwksSource;
  /** Monotonic ms. */
  readonly nowMs: () => number;
  /** The keys could not be had. Called once for each try that fails. */
  readonly onFailure: (problem: string) => void;
}

/**
 * The public keys of a key server. They are asked for when they are first needed, when they have grown old, and when a token names
 * a key that is not among them, but for that at most once in half a minute, or strangers could make us ask without end. Keys that
 * could not be renewed serve on for a while; after that nothing is accepted.
 */
export class JwksCache {
  readonly #options: JwksCacheOptions;
  #keyOf: KeyOf | null = null;
  #fetchedMs = Number.NEGATIVE_INFINITY;
  #askedMs = Number.NEGATIVE_INFINITY;
  #asking: Promise<boolean> | null = null;
  readonly #closing = new AbortController();

  constructor(options: JwksCacheOptions) {
    this.#options = options;
  }

  /** For `jwtVerify`. Throws {@link KeysUnavailable} where it cannot be said whether there is such a key. */
  readonly keyFor: JWTVerifyGetKey = async (header, token) => {
    const { nowMs } = this.#options;
    if (nowMs() - this.#fetchedMs >= limits.publishAuth.jwksFreshMs) await this.#refresh();
    if (this.#keyOf === null || nowMs() - this.#fetchedMs >= limits.publishAuth.jwksStaleMs)
      throw new KeysUnavailable('the keys of the key server could not be had');
    const known = await this.#find(header, token);
    if (known !== null) return known;
    if (!(await this.#refresh())) throw new KeysUnavailable('the token names a key that is not known yet');
    const renewed = await this.#find(header, token);
    if (renewed === null) throw new errors.JWKSNoMatchingKey();
    return renewed;
  };

  close(): void {
    this.#closing.abort();
  }

  async #find(header: JWTHeaderParameters, token: Parameters<KeyOf>[1]): Promise<Awaited<ReturnType<KeyOf>> | null> {
    try {
      return await this.#keyOf!(header, token);
    } catch (error) {
      if (error instanceof errors.JWKSNoMatchingKey) return null;
      throw error;
    }
  }

  /** True when the keys have just been renewed. Who comes meanwhile waits for the same answer. */
  #refresh(): Promise<boolean> {
    if (this.#asking !== null) return this.#asking;
    const nowMs = this.#options.nowMs();
    if (nowMs - this.#askedMs < limits.publishAuth.jwksPauseMs) return Promise.resolve(false);
    this.#askedMs = nowMs;
    this.#asking = this.#fetch().finally(() => {
      this.#asking = null;
    });
    return this.#asking;
  }

  async #fetch(): Promise<boolean> {
    const { source, nowMs, onFailure } = this.#options;
    try {
      this.#keyOf = createLocalJWKSet(parseJwks(await source(this.#closing.signal)));
      this.#fetchedMs = nowMs();
      return true;
    } catch (error) {
      if (!this.#closing.signal.aborted) onFailure(error instanceof Error ? error.message : String(error));
      return false;
    }
  }
}

/** Checks that a text is a set of a sensible number of public keys. Throws an error for people. */
export function parseJwks(text: string): JSONWebKeySet {
  let parsed: unknown;
  try {
    parsed = JSON.parse(text);
  } catch {
    throw new Error('it is not JSON');
  }
  const keys = (parsed as { keys?: unknown } | null)?.keys;
  if (!Array.isArray(keys)) throw new Error('it is no JSON Web Key Set: it has no list "keys"');
  if (keys.length > limits.publishAuth.jwksKeys)
    throw new Error(`it has more than ${limits.publishAuth.jwksKeys} keys`);
  for (const key of keys as unknown[]) {
    if (typeof key !== 'object' || key === null) throw new Error('one of its keys is not an object');
    // A shared secret among public keys is a mistake, and would be a way round the public ones.
    if ((key as { kty?: unknown }).kty === 'oct')
      throw new Error('it has a secret key (oct); only public keys are taken');
  }
  return { keys: keys as JSONWebKeySet['keys'] };
}
