import { payloadStartOf } from './layout.ts';
import { StreamCounters } from './stream-counters.ts';

/** Bytes that rings and tables take, for the line at start. Rings are address space until they are written to. */
export interface MemoryPlan {
  /** One ring: header, descriptors and the capacity that it starts with. */
  readonly ringAtStart: number;
  /** One ring when the capacity has followed the bitrate as far as it goes. */
  readonly ringAtMaximum: number;
  /** One ring that one very large record has made grow as far as it goes. */
  readonly ringAtHardMaximum: number;
  /** All rings at start, all of it written to. */
  readonly atStart: number;
  /** All rings at the maximum, all of it written to: no reader keeps up, all streams have the highest bitrate. */
  readonly worstCase: number;
  /** All rings at the hard maximum: address space reserved, and what very large records everywhere could take. */
  readonly reserved: number;
  /** Counters of all cameras. */
  readonly counters: number;
}

/** The memory of `cameras` rings of one size, in bytes. */
export function planMemory(options: {
  readonly cameras: number;
  readonly frames: number;
  readonly initialBytes: number;
  readonly maximumBytes: number;
  readonly hardMaximumBytes: number;
}): MemoryPlan {
  const head = payloadStartOf(options.frames);
  const ringAtStart = head + options.initialBytes;
  const ringAtMaximum = head + options.maximumBytes;
  const ringAtHardMaximum = head + options.hardMaximumBytes;
  return {
    ringAtStart,
    ringAtMaximum,
    ringAtHardMaximum,
    atStart: ringAtStart * options.cameras,
    worstCase: ringAtMaximum * options.cameras,
    reserved: ringAtHardMaximum * options.cameras,
    counters: StreamCounters.bytes(options.cameras),
  };
}
