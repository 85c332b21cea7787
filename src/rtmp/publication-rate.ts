import { ConnectionError } from '../base/errors.ts';
import { limits } from '../base/limits.ts';

/** How often one connection may begin to publish. */
export class PublicationRate {
  /** When the publications so far would have come at the rate that is allowed. */
  #reachedMs = Number.NEGATIVE_INFINITY;

  /** One more, at `nowMs`. Throws `ConnectionError` when it is one too many. */
  count(nowMs: number): void {
    const { atOnce, perSecond } = limits.rtmp.publications;
    const eachMs = 1000 / perSecond;
    this.#reachedMs = Math.max(this.#reachedMs, nowMs) + eachMs;
    if (this.#reachedMs - nowMs > atOnce * eachMs) throw new ConnectionError('publish_flood');
  }
}
