import { limits } from '../base/limits.ts';
import type { Config } from '../config/schema.ts';
import type { Camera } from '../control/messages.ts';
import { createRing } from '../shm/frame-ring.ts';
import { ReaderSlot } from '../shm/ring-reader.ts';

/** How rings are made: see the configuration keys `ring-frames`, `ring-bytes` and `gop-cache`. */
export type RingOptions = Parameters<typeof createRing>[0];

/**
 * The ring of every camera. It is made when the camera is first published to and serves one publisher after another, since
 * shared memory is given back late. A ring that a backlog or a huge frame made grow is let go and replaced by a fresh one,
 * so that the growth of a bad hour does not stay for ever.
 */
export class RingStore {
  readonly #options: RingOptions;
  readonly #consumersOf: (camera: Camera) => readonly number[];
  readonly #announce: (camera: Camera, ring: SharedArrayBuffer) => void;
  readonly #rings: (SharedArrayBuffer | null)[];
  readonly #freshBytes: number;

  /** `consumersOf`: indexes of the consumers that have readers of a camera. `announce` tells all about a new ring. */
  constructor(
    cameras: number,
    options: RingOptions,
    consumersOf: (camera: Camera) => readonly number[],
    announce: (camera: Camera, ring: SharedArrayBuffer) => void,
  ) {
    this.#options = options;
    this.#consumersOf = consumersOf;
    this.#announce = announce;
    this.#rings = Array<SharedArrayBuffer | null>(cameras).fill(null);
    this.#freshBytes = createRing(options).byteLength;
  }

  /** Rings by camera index, for a consumer that starts. */
  get all(): readonly (SharedArrayBuffer | null)[] {
    return this.#rings;
  }

  /** The ring for the camera's next publisher; nobody writes to it at this moment. */
  acquire(camera: Camera): SharedArrayBuffer {
    const existing = this.#rings[camera.index] ?? null;
    if (existing !== null && existing.byteLength <= this.#freshBytes) return existing;
    const ring = createRing(this.#options);
    // Claimed for consumers that will hear of the ring when the publisher may have sent a lot already: a ring without readers
    // goes over its first records at once, and with them over the keyframe that somebody has waited for.
    for (const consumer of this.#consumersOf(camera)) ReaderSlot.claim(ring, consumer);
    this.#rings[camera.index] = ring;
    this.#announce(camera, ring);
    return ring;
  }
}

/** What the rings of a configuration are made with. */
export function ringOptions(config: Config): RingOptions {
  const { initialBytes, maximumBytes, hardMaximumBytes } = limits.ring;
  const fixed = config.ringBytes === 'auto' ? null : config.ringBytes;
  return {
    frames: config.ringFrames,
    initialBytes: fixed ?? initialBytes,
    maximumBytes: fixed ?? maximumBytes,
    hardMaximumBytes: Math.max(hardMaximumBytes, fixed ?? 0),
    gopCache: config.gopCache,
  };
}
