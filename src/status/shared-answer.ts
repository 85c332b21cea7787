import { createHash } from 'node:crypto';
import { constants, gzipSync } from 'node:zlib';
import type { RouteAnswer, RouteRequest } from './route.ts';

/**
 * An answer that is written once for everybody who asks within `lifetimeMs`: pages ask every second, and all of them see the
 * same. Who has it already (If-None-Match, RFC 9110 clause 13.1.2) is told so.
 */
export class SharedAnswer {
  readonly #write: () => object;
  readonly #nowMs: () => number;
  readonly #lifetimeMs: number;
  #writtenMs = Number.NEGATIVE_INFINITY;
  #json = '';
  #tag = '';
  /** Null until the first who understands it asks. */
  #gzip: Buffer | null = null;

  constructor(write: () => object, nowMs: () => number, lifetimeMs: number) {
    this.#write = write;
    this.#nowMs = nowMs;
    this.#lifetimeMs = lifetimeMs;
  }

  /** Names the newest content that was written. */
  get tag(): string {
    return this.#tag;
  }

  /** Writes it anew if it is too old. */
  refresh(): void {
    const nowMs = this.#nowMs();
    if (nowMs - this.#writtenMs < this.#lifetimeMs) return;
    this.#writtenMs = nowMs;
    const json = JSON.stringify(this.#write());
    if (json === this.#json) return;
    this.#json = json;
    this.#gzip = null;
    this.#tag = createHash('sha1').update(json).digest('base64url').slice(0, tagCharacters);
  }

  answer({ headers }: Pick<RouteRequest, 'headers'>): RouteAnswer {
    this.refresh();
    const etag = `"${this.#tag}"`;
    const common = { ETag: etag, Vary: 'Accept-Encoding' };
    const mediaType = 'application/json; charset=utf-8';
    if (isKnown(headers['if-none-match'], etag)) return { status: 304, body: '', headers: common };
    if (!/\bgzip\b/.test(String(headers['accept-encoding'] ?? '')))
      return { status: 200, body: this.#json, mediaType, headers: common };
    this.#gzip ??= gzipSync(this.#json, { level: constants.Z_BEST_SPEED });
    return { status: 200, body: this.#gzip, mediaType, headers: { ...common, 'Content-Encoding': 'gzip' } };
  }
}

/**
 * Whether one of the tags of an If-None-Match header is this. Proxies that compress an answer call its tag a weak one; here that makes
 * no difference (RFC 9110 clause 13.1.2).
 */
export function isKnown(ifNoneMatch: string | readonly string[] | undefined, etag: string): boolean {
  const tags = String(ifNoneMatch ?? '').split(',');
  return tags.some((tag) => tag.trim().replace(/^W\//, '') === etag);
}

/** Characters of a tag, 6 bits each: enough to tell the contents of one server apart. */
const tagCharacters = 16;
