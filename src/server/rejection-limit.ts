import type { ErrorCode } from '../base/errors.ts';
import { limits } from '../base/limits.ts';
import type { Refusal } from './stream-events.ts';

/** What has been told of one address and reason, and what has come since. */
interface Known {
  first: Refusal;
  more: number;
}

/**
 * Keeps an attack from filling the history and the queues of hooks. The first refusal of an address for a reason is told at once,
 * what follows is told as a sum when a while has passed. The while doubles for as long as it goes on, and of each only some
 * addresses are told; the others are one sum for each reason.
 */
export class RejectionLimit {
  readonly #bounds: { readonly addresses: number; readonly windowMs: number; readonly longestMs: number };
  /** By address and reason. */
  #known = new Map<string, Known>();
  /** Refusals of all other addresses, by reason. */
  #others = new Map<ErrorCode, number>();
  #windowMs: number;
  /** Start of the while that runs; null while all is quiet. */
  #startMs: number | null = null;

  constructor(bounds: Readonly<Record<keyof typeof limits.events.rejections, number>> = limits.events.rejections) {
    this.#bounds = bounds;
    this.#windowMs = bounds.windowMs;
  }

  /** Returns whether to tell of it now. */
  add(refusal: Refusal, nowMs: number): boolean {
    this.#startMs ??= nowMs;
    const { address, reason, count } = refusal;
    const key = `${address ?? ''} ${reason}`;
    const known = this.#known.get(key);
    if (known !== undefined) {
      known.more += count;
      known.first = common(known.first, refusal);
      return false;
    }
    if (address === undefined || this.#known.size >= this.#bounds.addresses) {
      this.#others.set(reason, (this.#others.get(reason) ?? 0) + count);
      return false;
    }
    this.#known.set(key, { first: refusal, more: 0 });
    return true;
  }

  /** The sums that are to be told now; to be asked once a second or so. */
  flush(nowMs: number): Refusal[] {
    if (this.#startMs === null || nowMs - this.#startMs < this.#windowMs) return [];
    const going = [...this.#known].filter(([, { more }]) => more > 0);
    const sums = going.map(([, { first, more }]): Refusal => ({ ...first, count: more }));
    for (const [reason, count] of this.#others) sums.push({ camera: null, publisher: null, reason, count });
    const isQuiet = sums.length === 0;
    this.#known = new Map(going.map(([key, { first }]) => [key, { first, more: 0 }]));
    this.#others = new Map();
    this.#startMs = isQuiet ? null : nowMs;
    this.#windowMs = isQuiet ? this.#bounds.windowMs : Math.min(2 * this.#windowMs, this.#bounds.longestMs);
    return sums;
  }
}

/** What two refusals of one address and reason have in common; the newest peer stands for both. */
function common(first: Refusal, next: Refusal): Refusal {
  const { path: _path, ...rest } = next;
  const camera = first.camera?.index === next.camera?.index ? next.camera : null;
  return { ...rest, camera, ...(first.path !== undefined && first.path === next.path && { path: first.path }) };
}
