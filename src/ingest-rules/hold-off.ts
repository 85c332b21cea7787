/** Milliseconds for which a publisher that was disconnected by a rule is refused at first, and at most. */
export const firstHoldOffMs = 10_000;
export const longestHoldOffMs = 60_000;

/** Milliseconds after which an earlier fault no longer makes the next hold-off longer. */
export const forgivenAfterMs = 120_000;

interface Held {
  readonly address: string;
  readonly untilMs: number;
  readonly lengthMs: number;
}

/**
 * Keeps publishers that were disconnected by a rule away for a short while, longer each time: most encoders come back at once,
 * and readers would see the picture come and go. One address for each camera is remembered, so that another encoder gets in.
 */
export class HoldOffs {
  readonly #cameras = new Map<number, Held>();

  /** The publisher of a camera is disconnected now. Returns the milliseconds that it has to wait. */
  begin(camera: number, address: string, nowMs: number): number {
    const before = this.#cameras.get(camera);
    const again = before !== undefined && before.address === address && nowMs - before.untilMs < forgivenAfterMs;
    const lengthMs = again ? Math.min(2 * before.lengthMs, longestHoldOffMs) : firstHoldOffMs;
    this.#cameras.set(camera, { address, untilMs: nowMs + lengthMs, lengthMs });
    return lengthMs;
  }

  /** Whether a publisher from this address has to wait. */
  holds(camera: number, address: string, nowMs: number): boolean {
    const held = this.#cameras.get(camera);
    return held !== undefined && held.address === address && nowMs < held.untilMs;
  }

  /** The camera has other rules now: whoever waits may try. */
  forget(camera: number): void {
    this.#cameras.delete(camera);
  }
}
