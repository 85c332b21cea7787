import type { Clock } from '../base/clock.ts';
import { limits } from '../base/limits.ts';
import type { Logger } from '../base/logger.ts';
import { StartError } from '../config/errors.ts';
import { KeyBook, type KeyChange, KeyProblem, type KeyRecord, keyState, ownEnd } from '../publish-auth/key-book.ts';
import { hashChosenSecret, KeyCheck } from '../publish-auth/key-check.ts';
import { hashStreamKey, isGeneratedKey, newKeyId, newStreamKey } from '../publish-auth/stream-key.ts';
import { FileWatch } from './file-watch.ts';
import { changeKeyFile, publishKeyFile, readKeyFile } from './publish-key-file.ts';

/** What a new key is made from. */
export interface NewKey {
  /** RTSP path of its camera. */
  readonly camera: string;
  readonly label: string;
  readonly notBeforeMs: number | null;
  readonly notAfterMs: number | null;
  /** A secret that somebody thought up; without one a key is made. */
  readonly secret?: string;
}

/** A key that was made, and the secret, which is told this once. */
export interface MadeKey {
  readonly record: KeyRecord;
  readonly secret: string;
}

/** How the old key of two ends. */
export interface Rotation {
  /** The key goes on being good for so long; 0 ends it at once. */
  readonly graceMs: number;
  /** Whether the stream that runs with it is cut off. Only a key that ends at once can do that. */
  readonly cut: boolean;
}

/** What {@link PublishKeys} are made with. */
export interface PublishKeysOptions {
  readonly stateDir: string;
  readonly clock: Clock;
  readonly logger: Logger;
  /** Streams that were begun with this key are to be cut off. */
  readonly onCut: (keyId: string) => void;
}

/** The stream keys of this installation: the file, the book in force, and changes to both. */
export class PublishKeys {
  readonly check: KeyCheck;
  readonly #options: PublishKeysOptions;
  readonly #file: string;
  readonly #watch: FileWatch;
  /** By id: wall-clock ms of the last publication, since the start of the process. */
  readonly #lastUsed = new Map<string, number>();
  #problem = '';

  constructor(options: PublishKeysOptions) {
    this.#options = options;
    this.#file = publishKeyFile(options.stateDir);
    this.check = new KeyCheck(new KeyBook('00'.repeat(32)));
    this.#watch = new FileWatch([this.#file], () => this.#reload());
  }

  get book(): KeyBook {
    return this.check.book;
  }

  /** A publisher was let in with this key. */
  used(id: string): void {
    this.#lastUsed.set(id, this.#options.clock.wallMs());
  }

  /** Wall-clock ms; null if not since the start of the process. */
  lastUsedMs(id: string): number | null {
    return this.#lastUsed.get(id) ?? null;
  }

  /** Reads the file. Throws {@link StartError} if it is no good: then no key is. */
  async load(): Promise<void> {
    await this.#watch.note();
    this.#put(await readKeyFile(this.#file));
  }

  /** The same where nobody is asked for a key: what is wrong is only logged. */
  async loadIfGood(): Promise<void> {
    await this.#watch.note();
    await this.#read();
  }

  /** Notices from now on what other programs change, such as `skyweir keys`. */
  watch(): void {
    this.#watch.start();
  }

  close(): void {
    this.#watch.stop();
  }

  /** Makes a key. Throws {@link KeyProblem}, or {@link StartError} for the file. */
  async add(wish: NewKey): Promise<MadeKey> {
    const made = await addKey(this.#file, wish, this.#options.clock.wallMs());
    this.#put(made.book);
    return made;
  }

  /** Throws as {@link add}. */
  async change(id: string, change: KeyChange): Promise<KeyRecord> {
    this.#put(await changeKeyFile(this.#file, (book) => book.change(id, change)));
    return this.book.get(id)!;
  }

  /** Throws as {@link add}. */
  async revoke(id: string, cut: boolean): Promise<void> {
    this.#put(await revokeKey(this.#file, id, cut, this.#options.clock.wallMs()));
  }

  /** Makes another key for the same camera and label, and ends the old one, at once or later. Throws as {@link add}. */
  async rotate(id: string, rotation: Rotation): Promise<MadeKey> {
    const made = await rotateKey(this.#file, id, rotation, this.#options.clock.wallMs());
    this.#put(made.book);
    return made;
  }

  /** The file was changed by another program. */
  async #reload(): Promise<void> {
    const before = this.book;
    await this.#read();
    const [had, has] = [before.keys.length, this.book.keys.length];
    if (before.text !== this.book.text) this.#options.logger.info({ had, has }, 'the stream keys were changed');
  }

  /** What is wrong with the file is logged, once. */
  async #read(): Promise<void> {
    try {
      this.#put(await readKeyFile(this.#file));
      this.#problem = '';
    } catch (error) {
      // The keys that were good stay so: a file that is broken by accident must not end an operation.
      const text = error instanceof StartError ? error.message : String(error);
      if (text !== this.#problem) this.#options.logger.error({}, `${text}; the keys stay as they were`);
      this.#problem = text;
    }
  }

  #put(book: KeyBook): void {
    const before = this.check.book;
    this.check.book = book;
    for (const id of this.#lastUsed.keys()) if (book.get(id) === null) this.#lastUsed.delete(id);
    for (const id of book.cutSince(before)) this.#options.onCut(id);
  }
}

/** Adds a key to a file. Throws {@link KeyProblem} for one that cannot be, and {@link StartError} for the file. */
export async function addKey(
  file: string,
  wish: NewKey,
  wallMs: number,
): Promise<MadeKey & { readonly book: KeyBook }> {
  const { secret, notAfterMs } = wish;
  if (notAfterMs !== null && notAfterMs <= wallMs) throw new KeyProblem('invalid', 'the key would have ended already');
  let made = makeRandomKey(wish, wallMs, secret);
  const book = await changeKeyFile(file, async (before) => {
    // The salt of a file that is new is known only now.
    if (secret !== undefined && !isGeneratedKey(secret)) made = await keepChosen(made.record, secret, before.salt);
    return before.add(made.record);
  });
  return { ...made, book };
}

/** Takes a key out of a file. Throws as {@link addKey}. */
export function revokeKey(file: string, id: string, cut: boolean, wallMs: number): Promise<KeyBook> {
  return changeKeyFile(file, (book) => book.withdraw(id, cut, wallMs));
}

/** Makes another key for the camera and label of one, and ends that. Throws as {@link addKey}. */
export async function rotateKey(
  file: string,
  id: string,
  { graceMs, cut }: Rotation,
  wallMs: number,
): Promise<MadeKey & { readonly book: KeyBook }> {
  let made: MadeKey | null = null;
  const book = await changeKeyFile(file, (before) => {
    const old = before.get(id);
    if (old === null) throw new KeyProblem('unknown', `there is no key ${id}`);
    const { camera, label, notBeforeMs, notAfterMs } = old;
    const state = keyState(old, wallMs);
    if (state === 'expired') throw new KeyProblem('invalid', `the key ${id} has ended; make a new one`);
    const times = { notBeforeMs: state === 'early' ? notBeforeMs : null, notAfterMs: ownEnd(old) };
    made = makeRandomKey({ camera, label, ...times }, wallMs);
    const end = Math.min(wallMs + graceMs, notAfterMs ?? Number.POSITIVE_INFINITY);
    const isOver = graceMs === 0 || (notBeforeMs !== null && end <= notBeforeMs);
    if (isOver) return before.withdraw(id, cut, wallMs).add(made.record);
    return before.endAt(id, end).add(made.record);
  });
  return { ...made!, book };
}

function makeRandomKey(wish: NewKey, wallMs: number, secret = newStreamKey()): MadeKey {
  const { label, notBeforeMs, notAfterMs } = wish;
  const hash = hashStreamKey(secret).toString('hex');
  const camera = wish.camera.toLowerCase();
  const times = { createdMs: wallMs, notBeforeMs, notAfterMs };
  return { record: { id: newKeyId(), camera, label, kind: 'random', hash, ...times }, secret };
}

/** The same key with a secret that somebody thought up. It must be long, and stand in a URL as it is. */
async function keepChosen(record: KeyRecord, secret: string, salt: string): Promise<MadeKey> {
  const { shortestSecret: least, secretCharacters: most } = limits.publishAuth;
  if (secret.length < least || secret.length > most || !/^[A-Za-z0-9._~!*+,:@-]+$/.test(secret))
    throw new KeyProblem(
      'invalid',
      `a secret of your own has ${least} to ${most} letters, digits or any of ._~!*+,:@-`,
    );
  const hash = await hashChosenSecret(salt, record.camera, secret);
  return { record: { ...record, kind: 'chosen', hash: hash.toString('hex') }, secret };
}
