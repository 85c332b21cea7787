/** What the frames of a stream must look like when they come back. */
import type { SyntheticStream } from '../../native-free-bench/system/synthetic-stream.ts';
import { type ByteCheck, SliceSum } from './byte-check.ts';
import { chunkPayload } from './chunk-payload.ts';

/** Plain data, so that it can be handed to a thread. */
export interface FrameBook {
  /** Frames after which the contents begin again. */
  readonly period: number;
  /** Whether the number in the stamp begins again with them. */
  readonly numbersRepeat: boolean;
  readonly framesPerSecond: number;
  /** The {@link SliceSum} of each frame of the period, one NAL unit after the other with its header. */
  readonly checksums: Uint32Array;
}

/** The upper bits of a stamp's frame number say which connection of the camera it is, the lower ones count its frames. */
export const runFactor = 0x100000;
/** Runs after which the count begins again. */
export const runCount = 0x100;

/** The number in the stamp of frame `index` of run `run`. */
export function frameNumber(run: number, index: number): number {
  return (run % runCount) * runFactor + (index % runFactor);
}

/** Bytes of a synthetic frame's body in front of its slice: tag header, stamp with its length, length of the slice. */
const bodyHeadLength = 5 + 4 + 36 + 4;
/** Kinds of P frames that take turns. */
const predictedKinds = 4;
const chunkHeaderLength = 12;

/** The book of a synthetic stream whose bytes are checked in this way. */
export function syntheticBook(stream: SyntheticStream, check: ByteCheck): FrameBook {
  const { gop, framesPerSecond, chunkSize } = stream.shape;
  const period = leastCommonMultiple(gop, predictedKinds);
  const known = new Map<Buffer, number>();
  const slices = new SliceSum(check);
  const checksums = Uint32Array.from({ length: period }, (_, index) => {
    const { bytes } = stream.frame(index);
    let sum = known.get(bytes);
    if (sum === undefined) {
      const payload = chunkPayload(bytes, chunkHeaderLength, chunkSize);
      slices.add(payload, bodyHeadLength, payload.length);
      sum = slices.take();
      known.set(bytes, sum);
    }
    return sum;
  });
  return { period, numbersRepeat: false, framesPerSecond, checksums };
}

function leastCommonMultiple(a: number, b: number): number {
  let [high, low] = [a, b];
  while (low > 0) [high, low] = [low, high % low];
  return (a / high) * b;
}
