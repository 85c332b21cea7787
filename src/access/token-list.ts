import { createHash } from 'node:crypto';
import { limits } from '../base/limits.ts';
import { AccessError } from '../status/access-source.ts';
import { type Role, roles } from '../status/route.ts';
import type { RandomBytes } from './password-hash.ts';
import { entriesOf, isRole, isTime } from './user-list.ts';

/** An API token as it is kept: whoever reads this cannot use it. */
export interface StoredToken {
  /** Names the token to people; no secret. */
  readonly id: string;
  /** What it is for. */
  readonly label: string;
  readonly role: Role;
  /** SHA-256 of the token, in hex: 256 random bits need no slow hash. */
  readonly sha256: string;
  /** ISO 8601, UTC. */
  readonly createdAt: string;
  /** The user who made it. */
  readonly createdBy: string;
  /** ISO 8601, UTC; null is for ever. */
  readonly notAfter: string | null;
}

export type TokenList = readonly StoredToken[];

/** The beginning by which people and scanners for lost secrets know a token. */
const prefix = 'skyweir_';
const secretBytes = 32;
const idBytes = 6;
const tokenShape = /^skyweir_[A-Za-z0-9_-]{43}$/;
const idShape = /^[0-9a-f]{12}$/;
const hashShape = /^[0-9a-f]{64}$/;
const version = 1;

/** Reads the text of the list. Throws an Error with what is wrong with it, in words. */
export function parseTokens(text: string): TokenList {
  const tokens = entriesOf(text, 'tokens').map((entry, index): StoredToken => {
    const { id, label, role, sha256, createdAt, createdBy, notAfter } = entry;
    const where = `entry ${index + 1}`;
    if (typeof id !== 'string' || !idShape.test(id)) throw new Error(`${where}: id is missing`);
    if (typeof label !== 'string' || !isLabel(label)) throw new Error(`${where} (${id}): label is missing`);
    if (!isRole(role)) throw new Error(`${where} (${id}): role must be one of ${roles.join(', ')}`);
    if (typeof sha256 !== 'string' || !hashShape.test(sha256)) throw new Error(`${where} (${id}): sha256 is missing`);
    if (!isTime(createdAt) || typeof createdBy !== 'string') throw new Error(`${where} (${id}): its origin is missing`);
    if (notAfter !== null && !isTime(notAfter)) throw new Error(`${where} (${id}): notAfter must be a time or null`);
    return { id, label, role, sha256, createdAt, createdBy, notAfter };
  });
  if (new Set(tokens.map(({ id }) => id)).size < tokens.length) throw new Error('an id is there twice');
  if (tokens.length > limits.access.tokens) throw new Error(`there are more than ${limits.access.tokens} tokens`);
  return tokens;
}

/** The text that {@link parseTokens} reads. */
export function formatTokens(tokens: TokenList): string {
  return `${JSON.stringify({ version, tokens }, null, 2)}\n`;
}

/** What a new token is made with. */
export type TokenWish = Pick<StoredToken, 'label' | 'role' | 'notAfter' | 'createdBy' | 'createdAt'>;

/** A new token, with the only copy of its secret. */
export function makeToken(
  wish: TokenWish,
  random: RandomBytes,
): { readonly stored: StoredToken; readonly secret: string } {
  const { label, role, createdBy, createdAt } = wish;
  const notAfter = wish.notAfter === null ? null : inUtc(wish.notAfter);
  if (!isLabel(label))
    throw new AccessError('invalid', `label must be 1 to ${limits.access.labelCharacters} characters in one line`);
  if (notAfter !== null && (!isTime(notAfter) || Date.parse(notAfter) <= Date.parse(createdAt)))
    throw new AccessError('invalid', 'notAfter must be a time to come, such as 2031-12-31T00:00:00Z');
  const secret = prefix + Buffer.from(random(secretBytes)).toString('base64url');
  const id = Buffer.from(random(idBytes)).toString('hex');
  return { stored: { id, label, role, sha256: hashOf(secret), createdAt, createdBy, notAfter }, secret };
}

/** Throws {@link AccessError}. */
export function addToken(tokens: TokenList, token: StoredToken): TokenList {
  if (tokens.length >= limits.access.tokens)
    throw new AccessError('conflict', `there are ${limits.access.tokens} tokens, and no room for more; revoke some`);
  return [...tokens, token];
}

/** Throws {@link AccessError}. */
export function removeToken(tokens: TokenList, id: string): TokenList {
  if (!tokens.some((token) => token.id === id)) throw new AccessError('unknown', 'there is no token of this id');
  return tokens.filter((token) => token.id !== id);
}

/** The token of this secret, while it is good. Looked up by its hash, so that time tells nothing. */
export function findToken(tokens: TokenList, secret: string, wallMs: number): StoredToken | null {
  if (!tokenShape.test(secret)) return null;
  const hash = hashOf(secret);
  const token = tokens.find(({ sha256 }) => sha256 === hash);
  return token === undefined || isOver(token, wallMs) ? null : token;
}

/** Whether its time has passed. */
export function isOver({ notAfter }: Pick<StoredToken, 'notAfter'>, wallMs: number): boolean {
  return notAfter !== null && Date.parse(notAfter) <= wallMs;
}

/** A time with an offset from UTC as the list keeps times; what is none stays as it is. */
function inUtc(time: string): string {
  const ms = Date.parse(time);
  return /[+-]\d\d:\d\d$/.test(time) && !Number.isNaN(ms) ? new Date(ms).toISOString() : time;
}

function isLabel(label: string): boolean {
  return label.trim() !== '' && label.length <= limits.access.labelCharacters && !/\p{C}/u.test(label);
}

function hashOf(secret: string): string {
  return createHash('sha256').update(secret).digest('hex');
}
