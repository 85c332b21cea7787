import type { AccessUnit } from '../h264/access-unit.ts';
import { recordFlag } from '../shm/frame-ring.ts';

/** Milliseconds without an IDR after which a gradual refresh, announced by a recovery point message, is a place to start. */
const recoveryWaitMs = 2_000;

/** Milliseconds after which a stream that never had an IDR is taken to have none, as GDR encoders do. */
const neverIdrMs = 2_000;

/** The same for a stream that began with an IDR. Encoders with a keyframe each 20 s are sold as such. */
export const lostIdrMs = 30_000;

/** Milliseconds between two start points in a stream that marks none itself. */
const assumedEveryMs = 2_000;

/**
 * Decides at which access units a reader may start. The keyframe flag of the tag is not asked: encoders set it wrongly both
 * ways. Streams with gradual decoder refresh have no IDR at all, and must not be waited for.
 */
export class StartPoints {
  /** The stream has no IDR (any more); start points are chosen by the weaker rules. */
  withoutIdr = false;
  #seenKeyframe = false;
  #keyframeDtsMs = 0;
  #startDtsMs = 0;

  /**
   * Takes the next access unit and returns its bits of `recordFlag`: keyframe when the picture is whole from here,
   * recoveryPoint when it may take a few frames, both for a whole picture that is no IDR. `parametersKnown`: there is an SPS
   * and a PPS.
   */
  judge(unit: AccessUnit, dtsMs: number, parametersKnown: boolean): number {
    if (unit.idr || unit.recoveryFrames === 0 || unit.allIntra) {
      this.#seenKeyframe = true;
      this.#keyframeDtsMs = dtsMs;
      this.#startDtsMs = dtsMs;
      if (unit.idr) this.withoutIdr = false;
      return unit.idr ? recordFlag.keyframe : recordFlag.keyframe | recordFlag.recoveryPoint;
    }
    const waitedMs = dtsMs - this.#keyframeDtsMs;
    if (unit.recoveryFrames > 0 && (!this.#seenKeyframe || waitedMs > recoveryWaitMs)) return this.#start(dtsMs);
    if (waitedMs <= (this.#seenKeyframe ? lostIdrMs : neverIdrMs) || !parametersKnown) return 0;
    this.withoutIdr = true;
    // The encoder's own repetition of the parameter sets is the better place; any frame is better than none for ever.
    if (unit.sps || dtsMs - this.#startDtsMs > assumedEveryMs) return this.#start(dtsMs);
    return 0;
  }

  #start(dtsMs: number): number {
    this.#startDtsMs = dtsMs;
    return recordFlag.recoveryPoint;
  }
}
