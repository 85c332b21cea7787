import { createHash, createHmac, randomBytes, scrypt } from 'node:crypto';
import { BoundedWork } from '../base/bounded-work.ts';
import { limits } from '../base/limits.ts';
import { type KeyBook, type KeyRecord, keyState } from './key-book.ts';
import { hashStreamKey, isGeneratedKey, sameBytes } from './stream-key.ts';
import { type MethodVerdict, refused } from './verdict.ts';

/** Cost of scrypt: 16 MiB and some 40 ms a try (OWASP's smallest for N = 2^14 is p = 5; the minimum length makes up for that). */
const scryptCost = { N: 2 ** 14, r: 8, p: 1 };

/** The slow hash of a secret that a person thought up. The salt is the book's and the camera's. */
export function hashChosenSecret(salt: string, camera: string, secret: string): Promise<Buffer> {
  const own = createHash('sha256').update(`${salt}\n${camera}`).digest();
  return new Promise((resolve, reject) => {
    scrypt(secret, own, 32, scryptCost, (error, hash) => (error === null ? resolve(hash) : reject(error)));
  });
}

/** Checks stream keys against the book. */
export class KeyCheck {
  book: KeyBook;
  /** Slow hashes use the threads that files and names are looked up with, of which there are four. */
  readonly #slow = new BoundedWork(limits.publishAuth.slowHashes);
  /** Of secrets that fitted: a hash with a key of this process, so that the slow one is needed once. By camera and id. */
  readonly #known = new Map<string, Map<string, Buffer>>();
  readonly #processKey = randomBytes(32);

  constructor(book: KeyBook) {
    this.book = book;
  }

  /**
   * Looks at a key. `camera` is the RTSP path in lower case, or any other text for a camera that there is not. With `slow`
   * false, secrets that could be guessed are not looked at: only whether one has been seen to fit before.
   */
  async check(
    camera: string,
    given: string,
    wallMs: number,
    slow: boolean,
    signal: AbortSignal,
  ): Promise<MethodVerdict> {
    const { book } = this;
    const found = book.find(camera, 'random', hashStreamKey(given), wallMs);
    if (found !== null) return judge(found, wallMs);
    if (!book.hasChosen || isGeneratedKey(given) || given.length > limits.publishAuth.secretCharacters)
      return refused('credential_wrong', 'the key does not fit');
    const seen = this.#knownKey(book, camera, given);
    if (seen !== null) return judge(seen, wallMs);
    if (!slow) return refused('credential_throttled', 'too many wrong keys came from the address');
    // Also for a camera without such a secret, so that the time does not tell which cameras have one.
    const hash = await this.#slow.run(() => hashChosenSecret(book.salt, camera, given), signal);
    if (hash === null) return refused('credential_unavailable', 'too many keys are being checked');
    const chosen = this.book.find(camera, 'chosen', hash, wallMs);
    if (chosen === null) return refused('credential_wrong', 'the key does not fit');
    const known = this.#known.get(camera) ?? new Map<string, Buffer>();
    this.#known.set(camera, known.set(chosen.id, this.#quickHash(chosen, given)));
    return judge(chosen, wallMs);
  }

  #knownKey(book: KeyBook, camera: string, given: string): KeyRecord | null {
    const known = this.#known.get(camera);
    if (known === undefined) return null;
    for (const [id, hash] of known) {
      const key = book.get(id);
      // Revoked meanwhile: so there are never more than the camera has keys.
      if (key === null) known.delete(id);
      else if (sameBytes(hash, this.#quickHash(key, given))) return key;
    }
    return null;
  }

  #quickHash({ id, hash }: KeyRecord, given: string): Buffer {
    return createHmac('sha256', this.#processKey).update(`${id}\n${hash}\n${given}`).digest();
  }
}

function judge(key: KeyRecord, wallMs: number): MethodVerdict {
  const name = `key ${key.id}${key.label === '' ? '' : ` (${key.label})`}`;
  const state = keyState(key, wallMs);
  if (state === 'early')
    return refused('credential_early', `${name} is valid from ${new Date(key.notBeforeMs ?? 0).toISOString()}`);
  if (state === 'expired')
    return refused('credential_expired', `${name} was valid until ${new Date(key.notAfterMs ?? 0).toISOString()}`);
  return { type: 'accepted', detail: name, keyId: key.id };
}
