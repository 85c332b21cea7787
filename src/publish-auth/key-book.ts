import { z } from 'zod';
import { limits } from '../base/limits.ts';
import { sameBytes } from './stream-key.ts';

/** One stream key as it is kept: what opens the door is not in it. */
export interface KeyRecord {
  readonly id: string;
  /** RTSP path of its camera, in lower case. */
  readonly camera: string;
  /** For people: who has it. */
  readonly label: string;
  /** `random`: made by us, kept as SHA-256. `chosen`: thought up by a person, kept as scrypt. */
  readonly kind: 'random' | 'chosen';
  /** Hexadecimal. */
  readonly hash: string;
  /** Wall-clock ms. */
  readonly createdMs: number;
  /** Valid from, and until; wall-clock ms, null for no such bound. */
  readonly notBeforeMs: number | null;
  readonly notAfterMs: number | null;
  /** `notAfterMs` as it was before a rotation let the key live for a while only; absent where none did. */
  readonly ownEndMs?: number | null | undefined;
}

/** What may be changed of a key. */
export type KeyChange = Partial<Pick<KeyRecord, 'label' | 'notBeforeMs' | 'notAfterMs'>>;

/** A key that was withdrawn; kept for a while, so that a running server learns what to do with who used it. */
export interface Withdrawal {
  readonly id: string;
  /** Whether the stream that was published with it is to be cut off. */
  readonly cut: boolean;
  readonly atMs: number;
}

/** A change of the keys that cannot be. The text is for people. */
export class KeyProblem extends Error {
  readonly kind: 'unknown' | 'full' | 'invalid';

  constructor(kind: KeyProblem['kind'], text: string) {
    super(text);
    this.name = 'KeyProblem';
    this.kind = kind;
  }
}

const time = z.int().min(0).max(8.64e15);
const hex = z.string().regex(/^(?:[0-9a-f]{2})+$/);
const record = z.strictObject({
  id: z.string().regex(/^[0-9a-z]{8}$/),
  camera: z.string().max(limits.rtmp.pathBytes),
  label: z
    .string()
    .max(limits.publishAuth.labelCharacters)
    .regex(/^\P{Cc}*$/u),
  kind: z.enum(['random', 'chosen']),
  hash: hex.length(64),
  createdMs: time,
  notBeforeMs: time.nullable(),
  notAfterMs: time.nullable(),
  ownEndMs: time.nullable().optional(),
});
const withdrawal = z.strictObject({ id: z.string(), cut: z.boolean(), atMs: time });
const bookForm = z.strictObject({
  format: z.literal(1),
  /** Hexadecimal. */
  salt: hex.length(64),
  keys: z.array(record).max(limits.publishAuth.keys),
  withdrawn: z.array(withdrawal).max(limits.publishAuth.withdrawals),
});

/** All stream keys at one moment. Never changed: a change makes another book. */
export class KeyBook {
  /** Hexadecimal; for the slow hashes. */
  readonly salt: string;
  readonly keys: readonly KeyRecord[];
  readonly withdrawn: readonly Withdrawal[];
  readonly #byId: ReadonlyMap<string, KeyRecord>;
  /** By camera: the bytes of each hash with its record. */
  readonly #byCamera = new Map<string, { readonly hash: Buffer; readonly record: KeyRecord }[]>();
  /** Some key is one that a person thought up. */
  readonly hasChosen: boolean;

  constructor(salt: string, keys: readonly KeyRecord[] = [], withdrawn: readonly Withdrawal[] = []) {
    this.salt = salt;
    this.keys = keys;
    this.withdrawn = withdrawn;
    this.#byId = new Map(keys.map((key) => [key.id, key]));
    this.hasChosen = keys.some(({ kind }) => kind === 'chosen');
    for (const key of keys) {
      const list = this.#byCamera.get(key.camera) ?? [];
      list.push({ hash: Buffer.from(key.hash, 'hex'), record: key });
      this.#byCamera.set(key.camera, list);
    }
  }

  /** Reads what {@link KeyBook.text} wrote. Throws an error for people if it is anything else. */
  static parse(text: string): KeyBook {
    const { salt, keys, withdrawn } = bookForm.parse(JSON.parse(text));
    if (new Set(keys.map(({ id }) => id)).size !== keys.length) throw new Error('two keys have one id');
    return new KeyBook(salt, keys, withdrawn);
  }

  /** The file's content: readable for people, one key a line. */
  get text(): string {
    const lines = (items: readonly object[]): string =>
      items.length === 0 ? '[]' : `[\n${items.map((item) => `    ${JSON.stringify(item)}`).join(',\n')}\n  ]`;
    return `{\n  "format": 1,\n  "salt": "${this.salt}",\n  "keys": ${lines(this.keys)},\n  "withdrawn": ${lines(this.withdrawn)}\n}\n`;
  }

  /** The key of a camera with this hash, one that is valid now before others. All are compared, in constant time each. */
  find(camera: string, kind: KeyRecord['kind'], hash: Uint8Array, wallMs: number): KeyRecord | null {
    let found: KeyRecord | null = null;
    for (const candidate of this.#byCamera.get(camera) ?? []) {
      if (!sameBytes(candidate.hash, hash) || candidate.record.kind !== kind) continue;
      if (found === null || keyState(candidate.record, wallMs) === 'valid') found = candidate.record;
    }
    return found;
  }

  get(id: string): KeyRecord | null {
    return this.#byId.get(id) ?? null;
  }

  /** With one key more. Throws {@link KeyProblem}. */
  add(key: KeyRecord): KeyBook {
    if (this.keys.length >= limits.publishAuth.keys)
      throw new KeyProblem('full', `there are ${limits.publishAuth.keys} keys already; revoke some`);
    const own = this.#byCamera.get(key.camera) ?? [];
    if (own.length >= limits.publishAuth.keysPerCamera)
      throw new KeyProblem('full', `the camera has ${limits.publishAuth.keysPerCamera} keys already; revoke some`);
    if (own.some(({ record: { hash } }) => hash === key.hash))
      throw new KeyProblem('invalid', 'the camera has a key with this secret already');
    check(key);
    return new KeyBook(this.salt, [...this.keys, key], this.withdrawn);
  }

  /** With one key changed. Throws {@link KeyProblem}. */
  change(id: string, change: KeyChange): KeyBook {
    const { ownEndMs, ...key } = this.#require(id);
    const isOwnEnd = ownEndMs === undefined || change.notAfterMs !== undefined;
    return this.#with({ ...key, ...(!isOwnEnd && { ownEndMs }), ...change });
  }

  /** With one key that ends then, since another takes its place. Throws {@link KeyProblem}. */
  endAt(id: string, notAfterMs: number): KeyBook {
    const key = this.#require(id);
    return this.#with({ ...key, notAfterMs, ownEndMs: ownEnd(key) });
  }

  #with(changed: KeyRecord): KeyBook {
    check(changed);
    return new KeyBook(
      this.salt,
      this.keys.map((key) => (key.id === changed.id ? changed : key)),
      this.withdrawn,
    );
  }

  /** Without one key. Throws {@link KeyProblem}. */
  withdraw(id: string, cut: boolean, atMs: number): KeyBook {
    this.#require(id);
    const withdrawn = [...this.withdrawn, { id, cut, atMs }].slice(-limits.publishAuth.withdrawals);
    return new KeyBook(
      this.salt,
      this.keys.filter((key) => key.id !== id),
      withdrawn,
    );
  }

  /** Ids of keys that are gone since `before`, and whose streams are to be cut off. */
  cutSince(before: KeyBook): string[] {
    const known = new Set(before.keys.map(({ id }) => id));
    return this.withdrawn.flatMap(({ id, cut }) => (cut && known.has(id) ? [id] : []));
  }

  #require(id: string): KeyRecord {
    const key = this.get(id);
    if (key === null) throw new KeyProblem('unknown', `there is no key ${id}`);
    return key;
  }
}

/** When a key ends that nobody rotates. */
export function ownEnd({ notAfterMs, ownEndMs }: Pick<KeyRecord, 'notAfterMs' | 'ownEndMs'>): number | null {
  return ownEndMs === undefined ? notAfterMs : ownEndMs;
}

/** Whether a key may be used at this moment; both bounds are part of the time in which it may. */
export function keyState(
  { notBeforeMs, notAfterMs }: Pick<KeyRecord, 'notBeforeMs' | 'notAfterMs'>,
  wallMs: number,
): 'valid' | 'early' | 'expired' {
  if (notAfterMs !== null && wallMs > notAfterMs) return 'expired';
  return notBeforeMs !== null && wallMs < notBeforeMs ? 'early' : 'valid';
}

/** What could not be read again, or means nothing. */
function check({ label, notBeforeMs, notAfterMs }: KeyRecord): void {
  const { labelCharacters } = limits.publishAuth;
  if (label.length > labelCharacters || /\p{Cc}/u.test(label))
    throw new KeyProblem('invalid', `a label has at most ${labelCharacters} characters in one line`);
  // A date that is none must not turn into "for ever" in the file.
  if (![notBeforeMs, notAfterMs].every((ms) => ms === null || time.safeParse(ms).success))
    throw new KeyProblem('invalid', 'a date is not a date');
  if (notBeforeMs !== null && notAfterMs !== null && notAfterMs <= notBeforeMs)
    throw new KeyProblem('invalid', 'the key would end before it begins');
}
