import { nalType } from './nal-unit.ts';
import { copyRbsp } from './rbsp.ts';
import type { SpsFacts } from './sps.ts';

/** The fields looked at lie in the first bytes of a slice: seven Exp-Golomb codes of ordinary size. */
const headBytes = 32;

/** slice_type modulo 5 of the two kinds without inter prediction (table 7-6). */
const sliceI = 2;
const sliceSi = 4;

/** The head of one slice (H.264 clause 7.3.3), as far as picture boundaries need it; one object is used again and again. */
export class SliceHeader {
  firstMb = 0;
  intra = false;
  ppsId = 0;
  frameNum = 0;
  field = false;
  bottomField = false;
  idr = false;
  idrPicId = 0;
  pocLsb = 0;
  reference = false;
  /** Whether everything behind `ppsId` could be read: it takes an SPS. */
  complete = false;

  readonly #rbsp = new Uint8Array(headBytes);
  #bit = 0;
  #bits = 0;

  /**
   * Reads the slice NAL unit [start, end), header byte included. Returns false when it is too short for even the first three
   * fields. Never throws and does not allocate.
   */
  read(bytes: Uint8Array, start: number, end: number, sps: SpsFacts | null): boolean {
    const header = bytes[start]!;
    this.idr = (header & 0x1f) === nalType.idr;
    this.reference = (header & 0x60) !== 0;
    this.complete = false;
    this.#bits = copyRbsp(this.#rbsp, bytes, start + 1, end) * 8;
    this.#bit = 0;
    this.firstMb = this.#ue();
    const type = this.#ue() % 5;
    this.intra = type === sliceI || type === sliceSi;
    this.ppsId = this.#ue();
    if (this.#bit > this.#bits) return false;
    if (sps !== null) this.#readRest(sps);
    return true;
  }

  #readRest(sps: SpsFacts): void {
    if (sps.separateColourPlanes) this.#take(2);
    this.frameNum = this.#take(sps.frameNumBits);
    this.field = !sps.frameMbsOnly && this.#take(1) === 1;
    this.bottomField = this.field && this.#take(1) === 1;
    this.idrPicId = this.idr ? this.#ue() : 0;
    this.pocLsb = sps.pocType === 0 ? this.#take(sps.pocLsbBits) : 0;
    this.complete = this.#bit <= this.#bits;
  }

  /** Reads past the end yield zeros; the caller compares the position with the length once. */
  #take(count: number): number {
    let value = 0;
    for (let i = 0; i < count; i++) {
      const at = this.#bit++;
      value = value * 2 + (at < this.#bits ? (this.#rbsp[at >> 3]! >> (7 - (at & 7))) & 1 : 0);
    }
    return value;
  }

  #ue(): number {
    let zeros = 0;
    while (this.#take(1) === 0) {
      if (++zeros > 32) return 0;
    }
    return 2 ** zeros - 1 + this.#take(zeros);
  }
}

/**
 * Whether `next`, the head of a slice that starts at macroblock 0 like `first`, belongs to another coded picture (clause
 * 7.4.1.2.4). The second field of a frame counts as the same: encoders send both fields in one message, with one time.
 */
export function startsNewPicture(first: SliceHeader, next: SliceHeader): boolean {
  if (!first.complete || !next.complete) return true;
  if (first.frameNum !== next.frameNum || first.field !== next.field) return true;
  if (first.field && first.bottomField !== next.bottomField) return false;
  return (
    first.ppsId !== next.ppsId ||
    first.reference !== next.reference ||
    first.idr !== next.idr ||
    first.idrPicId !== next.idrPicId ||
    first.pocLsb !== next.pocLsb
  );
}
