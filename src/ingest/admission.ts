import { addressKey } from '../base/address.ts';
import type { ErrorCode } from '../base/errors.ts';
import { forgetOldest } from '../base/forget-oldest.ts';
import type { AdmissionOptions } from '../control/messages.ts';

/** Entries the rate limiter keeps; the oldest go first, so that a flood of addresses cannot grow it. */
const rateEntries = 65_536;
const windowMs = 1000;

/**
 * Decides about a new connection before any work is spent on it: total, per address, the machine's load, then rate.
 * Connections that a limit refuses do not count for the limits after it. Addresses are counted as they are for IPv4 and by
 * /64 for IPv6, where one subscriber owns a whole prefix.
 */
export class Admission {
  #options: AdmissionOptions;
  #total = 0;
  readonly #perAddress = new Map<string, number>();
  /** Start of the current one-second window and connections in it and the one before, per address. */
  readonly #rates = new Map<string, RateWindow>();

  constructor(options: AdmissionOptions) {
    this.#options = options;
  }

  set options(options: AdmissionOptions) {
    this.#options = options;
  }

  get total(): number {
    return this.#total;
  }

  /** Counts the connection and returns null, or returns why it is refused. `overloaded`: nobody new is admitted now. */
  admit(address: string, nowMs: number, overloaded = false): ErrorCode | null {
    const { maxConnections, maxConnectionsPerIp, ratePerSecond } = this.#options;
    if (this.#total >= maxConnections) return 'connections_exceeded';
    const key = addressKey(address);
    const held = this.#perAddress.get(key) ?? 0;
    if (maxConnectionsPerIp > 0 && held >= maxConnectionsPerIp) return 'connections_per_ip_exceeded';
    if (overloaded) return 'overloaded';
    if (ratePerSecond > 0 && !this.#withinRate(key, ratePerSecond, nowMs)) return 'rate_limited';
    this.#total++;
    this.#perAddress.set(key, held + 1);
    return null;
  }

  /** A connection that was admitted has ended. */
  release(address: string): void {
    const key = addressKey(address);
    const held = this.#perAddress.get(key);
    if (held === undefined) return;
    this.#total--;
    if (held === 1) this.#perAddress.delete(key);
    else this.#perAddress.set(key, held - 1);
  }

  /** Sliding window: the previous second counts by the part of it that the last 1000 ms still cover. */
  #withinRate(key: string, perSecond: number, nowMs: number): boolean {
    let window = this.#rates.get(key);
    if (window === undefined) {
      window = { startMs: nowMs, current: 0, previous: 0 };
      this.#rates.set(key, window);
      forgetOldest(this.#rates, rateEntries);
    }
    const elapsed = nowMs - window.startMs;
    if (elapsed >= windowMs) {
      window.previous = elapsed < 2 * windowMs ? window.current : 0;
      window.current = 0;
      window.startMs = nowMs - (elapsed % windowMs);
    }
    const covered = 1 - (nowMs - window.startMs) / windowMs;
    if (window.current + window.previous * covered >= perSecond) return false;
    window.current++;
    return true;
  }
}

interface RateWindow {
  startMs: number;
  current: number;
  previous: number;
}
