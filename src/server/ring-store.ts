import type { Clock } from '../base/clock.ts';
import { limits } from '../base/limits.ts';
import type { Config } from '../config/schema.ts';
import type { Camera } from '../control/messages.ts';
import { createRing } from '../shm/frame-ring.ts';
import { ReaderSlot } from '../shm/ring-reader.ts';

/** How rings are made: see the configuration keys `ring-frames`, `ring-bytes` and `gop-cache`. */
export type RingOptions = Parameters<typeof createRing>[0];

/**
 * Milliseconds for which a ring that has grown is kept at least, and at most, before it is replaced. A ring that is let go takes its
 * memory until all threads that knew it have collected their old garbage, which a thread that makes none does not do for hours: so
 * one ring for a camera in ten minutes, however often its publisher comes back. Where the next one grows as well, as it does with
 * any stream above some 4 Mbit/s, the camera needs a large ring, and the time is doubled.
 */
const keptAtLeastMs = 10 * 60_000;
const keptAtMostMs = 24 * 3_600_000;

/** A camera's ring, and when it was made: monotonic ms. */
interface StoredRing {
  readonly memory: SharedArrayBuffer;
  readonly madeMs: number;
  /** Milliseconds for which it is kept although it has grown. */
  keptMs: number;
}

/**
 * The ring of every camera. It is made when the camera is first published to and serves one publisher after another, since
 * shared memory is given back late. A ring that a backlog or a huge frame made grow is let go after a while and replaced by a fresh
 * one, so that the growth of a bad hour does not stay for ever. Readers that have not fetched everything do not notice either way:
 * they go on in the ring, or read the old one to its end.
 */
export class RingStore {
  readonly #options: RingOptions;
  readonly #consumersOf: (camera: Camera) => readonly number[];
  readonly #announce: (camera: Camera, ring: SharedArrayBuffer) => void;
  readonly #clock: Clock;
  readonly #rings: (StoredRing | null)[];
  readonly #freshBytes: number;

  /** `consumersOf`: indexes of the consumers that have readers of a camera. `announce` tells all about a new ring. */
  constructor(
    cameras: number,
    options: RingOptions,
    consumersOf: (camera: Camera) => readonly number[],
    announce: (camera: Camera, ring: SharedArrayBuffer) => void,
    clock: Clock,
  ) {
    this.#options = options;
    this.#consumersOf = consumersOf;
    this.#announce = announce;
    this.#clock = clock;
    this.#rings = Array<StoredRing | null>(cameras).fill(null);
    this.#freshBytes = createRing(options).byteLength;
  }

  /** Rings by camera index, for a consumer that starts. */
  get all(): readonly (SharedArrayBuffer | null)[] {
    return this.#rings.map((ring) => ring?.memory ?? null);
  }

  /** The ring for the camera's next publisher; nobody writes to it at this moment. */
  acquire(camera: Camera): SharedArrayBuffer {
    const nowMs = this.#clock.nowMs();
    const ring = this.#rings[camera.index] ?? null;
    if (ring === null) return this.#make(camera, nowMs, keptAtLeastMs);
    const ageMs = nowMs - ring.madeMs;
    const hasGrown = ring.memory.byteLength > this.#freshBytes;
    // The need for a large one has passed.
    if (!hasGrown && ageMs >= keptAtLeastMs) ring.keptMs = keptAtLeastMs;
    if (!hasGrown || ageMs < ring.keptMs) return ring.memory;
    return this.#make(camera, nowMs, Math.min(2 * ring.keptMs, keptAtMostMs));
  }

  #make(camera: Camera, madeMs: number, keptMs: number): SharedArrayBuffer {
    const memory = createRing(this.#options);
    // Claimed for consumers that will hear of the ring when the publisher may have sent a lot already: a ring without readers
    // goes over its first records at once, and with them over the keyframe that somebody has waited for.
    for (const consumer of this.#consumersOf(camera)) ReaderSlot.claim(memory, consumer);
    this.#rings[camera.index] = { memory, madeMs, keptMs };
    this.#announce(camera, memory);
    return memory;
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
