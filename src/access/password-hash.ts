import { scrypt, timingSafeEqual } from 'node:crypto';
import { BoundedWork } from '../base/bounded-work.ts';
import { limits } from '../base/limits.ts';
import { AccessError } from '../status/access-source.ts';

/** What one scrypt costs (RFC 7914): memory is 128 * 2^logN * r bytes, time that times p. */
export interface ScryptCost {
  readonly logN: number;
  readonly r: number;
  readonly p: number;
}

/** 32 MiB and some 0.3 s of one core: what OWASP asks for, with the memory that a small machine can spare. */
export const usualCost: ScryptCost = { logN: 15, r: 8, p: 3 };

/** Gives that many random bytes. */
export type RandomBytes = (bytes: number) => Uint8Array;

interface StoredHash {
  readonly cost: ScryptCost;
  readonly salt: Buffer;
  readonly key: Buffer;
}

/** Of new hashes: NIST SP 800-132 asks for a salt of 16 bytes at least; the key is as long as the hash function's result. */
const saltBytes = 16;
const keyBytes = 32;
const shape = /^\$scrypt\$ln=(\d{1,2}),r=(\d{1,2}),p=(\d{1,2})\$([A-Za-z0-9+/]{16,88})\$([A-Za-z0-9+/]{22,88})$/;

/**
 * Hashes passwords with scrypt, in the thread pool and one after the other: who tries passwords keeps one core busy at most,
 * and streams have the rest. What is stored names its cost, so that the cost can be raised: see {@link PasswordHasher.isOutdated}.
 */
export class PasswordHasher {
  readonly #random: RandomBytes;
  readonly #cost: ScryptCost;
  readonly #nobody: StoredHash;
  readonly #work = new BoundedWork({ parallel: limits.access.hashesAtOnce, waiting: limits.access.hashesWaiting });

  constructor(random: RandomBytes, cost: ScryptCost = usualCost) {
    this.#random = random;
    this.#cost = cost;
    this.#nobody = { cost, salt: Buffer.from(random(saltBytes)), key: Buffer.from(random(keyBytes)) };
  }

  /** Nothing more is taken at the moment. */
  get busy(): boolean {
    return this.#work.full;
  }

  /** What to store for a password, in the form of PHC strings. Throws {@link AccessError}, `busy`. */
  async hash(password: string): Promise<string> {
    const salt = Buffer.from(this.#random(saltBytes));
    const key = await this.#derive(password, salt, keyBytes, this.#cost);
    const { logN, r, p } = this.#cost;
    return `$scrypt$ln=${logN},r=${r},p=${p}$${unpadded(salt)}$${unpadded(key)}`;
  }

  /**
   * Whether it is the password of a stored hash. Null, for a user that there is not, takes as long and is never right.
   * Throws {@link AccessError}, `busy`.
   */
  async verify(password: string, stored: string | null): Promise<boolean> {
    const parsed = stored === null ? null : parseHash(stored);
    const { cost, salt, key } = parsed ?? this.#nobody;
    const given = await this.#derive(password, salt, key.length, cost);
    return timingSafeEqual(given, key) && parsed !== null;
  }

  /** Whether a hash was made with another cost than new ones are. */
  isOutdated(stored: string): boolean {
    const cost = parseHash(stored)?.cost;
    const { logN, r, p } = this.#cost;
    return cost === undefined || cost.logN !== logN || cost.r !== r || cost.p !== p;
  }

  async #derive(password: string, salt: Buffer, bytes: number, { logN, r, p }: ScryptCost): Promise<Buffer> {
    const N = 2 ** logN;
    const options = { N, r, p, maxmem: 128 * N * r + 128 * r * p + 1024 * 1024 };
    const key = await this.#work.run(() => {
      const { promise, resolve, reject } = Promise.withResolvers<Buffer>();
      scrypt(normalised(password), salt, bytes, options, (error, made) => (error ? reject(error) : resolve(made)));
      return promise;
    });
    if (key === null) throw new AccessError('busy', 'too many logins at once; try again in a moment');
    return key;
  }
}

/** Whether a text has the form of a stored hash, with a cost that this server is ready to pay. */
export function isPasswordHash(text: string): boolean {
  return parseHash(text) !== null;
}

function parseHash(text: string): StoredHash | null {
  const match = shape.exec(text);
  if (match === null) return null;
  const [logN, r, p] = [Number(match[1]), Number(match[2]), Number(match[3])] as [number, number, number];
  const isPayable = logN >= 1 && logN <= 20 && r >= 1 && p >= 1 && p <= 16;
  if (!isPayable || 128 * 2 ** logN * r > limits.access.hashMemoryBytes) return null;
  return { cost: { logN, r, p }, salt: Buffer.from(match[4]!, 'base64'), key: Buffer.from(match[5]!, 'base64') };
}

/** Keyboards differ in how they put an accent on a letter. */
function normalised(password: string): string {
  return password.normalize('NFKC');
}

function unpadded(bytes: Buffer): string {
  return bytes.toString('base64').replace(/=+$/, '');
}
