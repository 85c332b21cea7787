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
  /** Key of the listener that it came to: it reaches the cameras of that listener only. */
  readonly listener: string;
}

export type ClaimAnswer =
  | { readonly type: 'granted'; readonly camera: Camera }
  | { readonly type: 'refused'; readonly reason: ErrorCode }
  /** The path is granted when `holder` has let go; cut it off now. `displaced` waited for the path before and lost. */
  | { readonly type: 'waiting'; readonly holder: Claimant; readonly displaced: Claimant | null };

interface Slot {
  camera: Camera;
  holder: Claimant | null;
  waiting: Claimant | null;
  /** Since when the holder has it. */
  heldSinceMs: number;
  takenOverMs: number;
}

/**
 * The only owner of stream paths: which cameras there are, and which publisher holds each. Pure decisions; the caller
 * delivers the answers and cuts off whom they name.
 */
export class PathRegistry {
  /** The slot that a claimant holds or waits for; never more than one. */
  readonly #slotOf = new Map<Claimant, Slot>();
  /** By camera index: a camera keeps its publisher when its name or path changes. */
  #slots = new Map<number, Slot>();
  /** By {@link pathKey}. */
  #byPath = new Map<string, Slot>();
  /** Lower-case paths of all listeners. */
  #paths = new Set<string>();
  readonly #silentMs: (camera: Camera, nowMs: number) => number;
  policy: PublishConflict;

  /** `silentMs` tells how long a camera's publisher has sent no video. */
  constructor(
    cameras: readonly Camera[],
    policy: PublishConflict,
    silentMs: (camera: Camera, nowMs: number) => number,
  ) {
    this.policy = policy;
    this.#silentMs = silentMs;
    this.replace(cameras);
  }

  /** The cameras from now on. Returns who held or waited for one that is gone: they are to be cut off. */
  replace(cameras: readonly Camera[]): Claimant[] {
    const before = this.#slots;
    this.#slots = new Map();
    this.#byPath = new Map();
    this.#paths = new Set();
    for (const camera of cameras) {
      const slot = before.get(camera.index) ?? newSlot(camera);
      slot.camera = camera;
      this.#slots.set(camera.index, slot);
      this.#byPath.set(pathKey(camera.listener, camera.path), slot);
      this.#paths.add(camera.path.toLowerCase());
    }
    const gone = [...before].filter(([index]) => !this.#slots.has(index));
    const losers = gone.flatMap(([, { holder, waiting }]) => [holder, waiting]).filter((loser) => loser !== null);
    for (const loser of losers) this.#slotOf.delete(loser);
    return losers;
  }

  /**
   * Claims a path as sent or percent-decoded. Upper and lower case are the same, as in the configuration. `/gate/gate` is also
   * taken for `/gate`: some encoders put the key behind the server's address too, and the RTMP Push Driver took that.
   */
  claim(claimant: Claimant, path: string, decodedPath: string, nowMs: number): ClaimAnswer {
    const { listener } = claimant;
    const slot = this.#slotFor(listener, path, decodedPath);
    if (slot === undefined) {
      const elsewhere = this.#paths.has(path.toLowerCase()) || this.#paths.has(decodedPath.toLowerCase());
      return { type: 'refused', reason: elsewhere ? 'path_elsewhere' : 'path_unknown' };
    }
    const holder = slot.holder;
    if (holder === null) {
      slot.holder = claimant;
      slot.heldSinceMs = nowMs;
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
  release(claimant: Claimant, nowMs: number): { readonly camera: Camera; readonly next: Claimant | null } | null {
    const slot = this.#slotOf.get(claimant);
    if (slot === undefined) return null;
    this.#slotOf.delete(claimant);
    if (slot.waiting === claimant) {
      slot.waiting = null;
      return null;
    }
    slot.holder = slot.waiting;
    slot.heldSinceMs = nowMs;
    slot.waiting = null;
    return { camera: slot.camera, next: slot.holder };
  }

  /** The camera that a claim would be for, null if there is none. */
  find(listener: string, path: string, decodedPath: string): Camera | null {
    return this.#slotFor(listener, path, decodedPath)?.camera ?? null;
  }

  #slotFor(listener: string, path: string, decodedPath: string): Slot | undefined {
    const asked = [path, decodedPath, withoutRepetition(path)].map((form) => this.#byPath.get(pathKey(listener, form)));
    return asked.find((candidate) => candidate !== undefined);
  }

  #mayTakeOver(slot: Slot, holder: Claimant, claimant: Claimant, nowMs: number): boolean {
    if (this.policy === 'takeover') return true;
    if (this.policy === 'reject') return false;
    if (holder.address === claimant.address) return true;
    // Of a holder that has sent nothing yet the counters may still be those of the one before, who is silent for long.
    return Math.min(nowMs - slot.heldSinceMs, this.#silentMs(slot.camera, nowMs)) >= staleAfterMs;
  }
}

function newSlot(camera: Camera): Slot {
  return { camera, holder: null, waiting: null, heldSinceMs: -Infinity, takenOverMs: -Infinity };
}

/** A path is a camera's within one listener; a line break is in no key and no path. */
function pathKey(listener: string, path: string): string {
  return `${listener}\n${path.toLowerCase()}`;
}

/** `/gate` for `/gate/gate`; any other path as it is. */
function withoutRepetition(path: string): string {
  const half = path.slice(0, path.length / 2);
  return half + half === path ? half : path;
}
