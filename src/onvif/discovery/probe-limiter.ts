import { forgetOldest } from '../../base/forget-oldest.ts';
import { limits } from '../../base/limits.ts';
import { TokenBucket } from './token-bucket.ts';

/**
 * Bounds what strangers can make us send. A source address is easily forged, and one probe has an answer for every device:
 * without a bound we would be an amplifier for attacks on whoever the source names.
 */
export class ProbeLimiter {
  readonly #all: TokenBucket;
  /** The one that was quiet longest first. */
  readonly #sources = new Map<string, TokenBucket>();
  /** Until when a message of a source is remembered, by both; the oldest first. */
  readonly #remembered = new Map<string, number>();

  constructor(nowMs: number) {
    this.#all = new TokenBucket(limits.discovery.probesPerSecond, limits.discovery.probesAtOnce, nowMs);
  }

  /** Whether this source has had an answer to this message. */
  isAnswered(source: string, messageId: string, nowMs: number): boolean {
    return (this.#remembered.get(keyOf(source, messageId)) ?? 0) > nowMs;
  }

  /** Whether this message may be answered; it counts as answered then. */
  admit(source: string, messageId: string, nowMs: number): boolean {
    const bucket = this.#bucketOf(source, nowMs);
    if (!bucket.has(nowMs) || !this.#all.take(nowMs)) return false;
    bucket.take(nowMs);
    const key = keyOf(source, messageId);
    this.#remembered.delete(key);
    this.#remembered.set(key, nowMs + limits.discovery.rememberedMs);
    forgetOldest(this.#remembered, limits.discovery.rememberedMessages);
    return true;
  }

  #bucketOf(source: string, nowMs: number): TokenBucket {
    const { probesPerSecondPerSource, probesAtOncePerSource, sources } = limits.discovery;
    const bucket = this.#sources.get(source) ?? new TokenBucket(probesPerSecondPerSource, probesAtOncePerSource, nowMs);
    this.#sources.delete(source);
    this.#sources.set(source, bucket);
    forgetOldest(this.#sources, sources);
    return bucket;
  }
}

function keyOf(source: string, messageId: string): string {
  return `${source} ${messageId}`;
}
