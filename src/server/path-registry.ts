import type { ErrorCode } from '../base/errors.ts';
import type { Camera } from '../control/messages.ts';

/** What happens when a second publisher wants a path: see the configuration key `publish-conflict`. */
export type PublishConflict = 'reject' | 'takeover' | 'takeover-stale';

/** Milliseconds of silence after which a publisher counts as stale: its radio link is probably gone. */
export const staleAfterMs = 3000;

/** Milliseconds between two takeovers of one path, so that two live publishers cannot kick each other for ever. */
const takeoverPauseMs = 2000;

/** Who claims a path. The registry compares identities and addresses, nothing else. */
export interface Claimant {
  readonly id: string;
  readonly address: string;
}

export type ClaimAnswer =
  | { readonly type: 'granted'; readonly camera: Camera }
  | { readonly type: 'refused'; readonly reason: ErrorCode }
  /** The path is granted when `holder` has let go; cut it off now. `displaced` waited for the path before and lost. */
  | { readonly type: 'waiting'; readonly holder: Claimant; readonly displaced: Claimant | null };

interface Slot {
  readonly camera: Camera;
  holder: Claimant | null;
  waiting: Claimant | null;
  takenOverMs: number;
}

/**
 * The only owner of stream paths: which cameras there are, and which publisher holds each. Pure decisions; the caller
 * delivers the answers and cuts off whom they name.
 */
export class PathRegistry {
  /** The slot that a claimant holds or waits for; never more than one. */
  readonly #slotOf = new Map<Claimant, Slot>();
  readonly #byPath = new Map<string, Slot>();
  readonly #byLowerPath = new Map<string, Slot>();
  readonly #policy: PublishConflict;
  readonly #silentMs: (camera: Camera, nowMs: number) => number;

  /** `silentMs` tells how long a camera's publisher has sent no video. */
  constructor(
    cameras: readonly Camera[],
    policy: PublishConflict,
    silentMs: (camera: Camera, nowMs: number) => number,
  ) {
    this.#policy = policy;
    this.#silentMs = silentMs;
    for (const camera of cameras) {
      const slot: Slot = { camera, holder: null, waiting: null, takenOverMs: Number.NEGATIVE_INFINITY };
      this.#byPath.set(camera.path, slot);
      this.#byLowerPath.set(camera.path.toLowerCase(), slot);
    }
  }

  /** Claims a path as sent or percent-decoded; an exact match wins over one that differs in case. */
  claim(claimant: Claimant, path: string, decodedPath: string, nowMs: number): ClaimAnswer {
    const slot = this.#find(path) ?? this.#find(decodedPath);
    if (slot === undefined) return { type: 'refused', reason: 'path_unknown' };
    const holder = slot.holder;
    if (holder === null) {
      slot.holder = claimant;
      this.#slotOf.set(claimant, slot);
      return { type: 'granted', camera: slot.camera };
    }
    if (!this.#mayTakeOver(slot, holder, claimant, nowMs)) return { type: 'refused', reason: 'path_busy' };
    if (nowMs - slot.takenOverMs < takeoverPauseMs) return { type: 'refused', reason: 'path_flapping' };
    slot.takenOverMs = nowMs;
    const displaced = slot.waiting;
    if (displaced !== null) this.#slotOf.delete(displaced);
    slot.waiting = claimant;
    this.#slotOf.set(claimant, slot);
    return { type: 'waiting', holder, displaced };
  }

  /**
   * A claimant let go of what it held or waited for: its stream ended, its connection ended or its thread died. Returns
   * whom the path goes to now, if somebody waited for it.
   */
  release(claimant: Claimant): { readonly camera: Camera; readonly next: Claimant | null } | null {
    const slot = this.#slotOf.get(claimant);
    if (slot === undefined) return null;
    this.#slotOf.delete(claimant);
    if (slot.waiting === claimant) {
      slot.waiting = null;
      return null;
    }
    slot.holder = slot.waiting;
    slot.waiting = null;
    return { camera: slot.camera, next: slot.holder };
  }

  #find(path: string): Slot | undefined {
    return this.#byPath.get(path) ?? this.#byLowerPath.get(path.toLowerCase());
  }

  #mayTakeOver(slot: Slot, holder: Claimant, claimant: Claimant, nowMs: number): boolean {
    if (this.#policy === 'takeover') return true;
    if (this.#policy === 'reject') return false;
    return holder.address === claimant.address || this.#silentMs(slot.camera, nowMs) >= staleAfterMs;
  }
}
