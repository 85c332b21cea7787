import { addressKey } from '../base/address.ts';
import { forgetOldest } from '../base/forget-oldest.ts';
import { limits } from '../base/limits.ts';

interface Failures {
  readonly count: number;
  readonly lastMs: number;
  /** The one before that. */
  readonly beforeMs: number;
}

/**
 * Slows the guessing of passwords down. An address that gave some wrong ones has to wait before its next one is looked at,
 * twice as long after each; other addresses do not notice. Whoever has one IPv6 address has the 2^64 of its network, which count as one. A right one ends the counting.
 */
export class LoginThrottle {
  readonly #allowed: number;
  /** The one that failed longest ago comes first. */
  readonly #failures = new Map<string, Failures>();

  /** `allowed`: wrong passwords before the first wait. */
  constructor(allowed: number = limits.onvif.failedLogins) {
    this.#allowed = allowed;
  }

  /** Milliseconds that the address has to wait still, 0 if it may log in. */
  waitMs(address: string, nowMs: number): number {
    const failures = this.#failures.get(addressKey(address));
    if (failures === undefined || failures.count < this.#allowed) return 0;
    const doublings = Math.min(failures.count - this.#allowed, 30);
    const wait = Math.min(limits.onvif.firstWaitMs * 2 ** doublings, limits.onvif.longestWaitMs);
    return Math.max(0, failures.lastMs + wait - nowMs);
  }

  failed(address: string, nowMs: number): void {
    const key = addressKey(address);
    const before = this.#failures.get(key);
    const counts = before !== undefined && nowMs - before.lastMs < limits.onvif.forgiveMs;
    this.#failures.delete(key);
    const beforeMs = counts ? before.lastMs : nowMs;
    this.#failures.set(key, { count: counts ? before.count + 1 : 1, lastMs: nowMs, beforeMs });
    forgetOldest(this.#failures, limits.onvif.failingAddresses);
  }

  /** Takes the newest failure back: it was none, but says nothing of those before it. */
  takeBack(address: string): void {
    const key = addressKey(address);
    const failures = this.#failures.get(key);
    if (failures === undefined) return;
    const { count, beforeMs } = failures;
    if (count > 1) this.#failures.set(key, { count: count - 1, lastMs: beforeMs, beforeMs });
    else this.#failures.delete(key);
  }

  succeeded(address: string): void {
    this.#failures.delete(addressKey(address));
  }
}
