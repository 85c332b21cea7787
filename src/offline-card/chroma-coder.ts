import type { BitWriter } from './bit-writer.ts';
import { type Picture, pictureHeight, pictureWidth } from './picture.ts';
import { writeResidual } from './residual-writer.ts';
import { chromaQuantiser, codeChromaDc, inverseTransform, quantise, scale, transform } from './transform.ts';

const stride = pictureWidth / 2;
/** Blocks of 4x4 chroma samples across the picture. */
const stride4 = stride / 4;

/** One chroma plane: its samples, what a decoder has of them, and the levels of the macroblock at hand. */
interface Component {
  readonly source: Uint8Array;
  readonly decoded: Uint8Array;
  /** TotalCoeff of the AC coefficients of each 4x4 block. */
  readonly counts: Uint8Array;
  readonly dcLevels: Int32Array;
  /** Four blocks of 15. */
  readonly acLevels: Int32Array;
}

function componentOf(source: Uint8Array, decoded: Uint8Array): Component {
  return {
    source,
    decoded,
    counts: new Uint8Array(stride4 * (pictureHeight / 8)),
    dcLevels: new Int32Array(4),
    acLevels: new Int32Array(60),
  };
}

/** The chroma half of an intra macroblock, DC prediction (H.264 clauses 8.3.4 and 8.5.11): `code` first, then `write`. */
export class ChromaCoder {
  readonly #bits: BitWriter;
  readonly #cb: Component;
  readonly #cr: Component;
  readonly #blocks = [new Int32Array(16), new Int32Array(16), new Int32Array(16), new Int32Array(16)];
  readonly #means = new Int32Array(4);
  readonly #dc = new Int32Array(4);
  #pattern = 0;

  constructor(source: Picture, decoded: Picture, bits: BitWriter) {
    this.#bits = bits;
    this.#cb = componentOf(source.cb, decoded.cb);
    this.#cr = componentOf(source.cr, decoded.cr);
  }

  beginSlice(): void {
    this.#cb.counts.fill(0);
    this.#cr.counts.fill(0);
  }

  /** Predicts, transforms and reconstructs one macroblock. Returns CodedBlockPatternChroma: 0 nothing, 1 DC, 2 DC and AC. */
  code(column: number, row: number, left: boolean, top: boolean): number {
    const at = row * 8 * stride + column * 8;
    this.#pattern = Math.max(
      this.#codeComponent(this.#cb, at, left, top),
      this.#codeComponent(this.#cr, at, left, top),
    );
    return this.#pattern;
  }

  /** Writes what `code` found. */
  write(column: number, row: number, left: boolean, top: boolean): void {
    if (this.#pattern === 0) return;
    writeResidual(this.#bits, this.#cb.dcLevels, 0, 4, -1);
    writeResidual(this.#bits, this.#cr.dcLevels, 0, 4, -1);
    if (this.#pattern < 2) return;
    this.#writeAc(this.#cb, column, row, left, top);
    this.#writeAc(this.#cr, column, row, left, top);
  }

  #writeAc(component: Component, column: number, row: number, left: boolean, top: boolean): void {
    const { counts } = component;
    for (let block = 0; block < 4; block++) {
      const at = (row * 2 + (block >> 1)) * stride4 + column * 2 + (block & 1);
      const hasLeft = left || (block & 1) === 1;
      const hasTop = top || block >= 2;
      let nC = 0;
      if (hasLeft && hasTop) nC = (counts[at - 1]! + counts[at - stride4]! + 1) >> 1;
      else if (hasLeft) nC = counts[at - 1]!;
      else if (hasTop) nC = counts[at - stride4]!;
      counts[at] = writeResidual(this.#bits, component.acLevels, block * 15, 15, nC);
    }
  }

  #codeComponent(component: Component, at: number, left: boolean, top: boolean): number {
    let different = 0;
    for (let block = 0; block < 4; block++) different |= this.#subtractMean(component, at, block, left, top);
    if (different === 0) {
      component.dcLevels.fill(0);
      component.acLevels.fill(0);
      return 0;
    }
    let hasAc = false;
    for (let block = 0; block < 4; block++) {
      const coefficients = this.#blocks[block]!;
      transform(coefficients);
      if (quantise(coefficients, 1, chromaQuantiser, component.acLevels, block * 15) > 0) hasAc = true;
      this.#dc[block] = coefficients[0]!;
    }
    const hasDc = codeChromaDc(this.#dc, component.dcLevels);
    for (let block = 0; block < 4; block++) {
      const coefficients = this.#blocks[block]!;
      coefficients[0] = this.#dc[block]!;
      scale(component.acLevels, block * 15, 1, chromaQuantiser, coefficients);
      inverseTransform(coefficients);
      this.#reconstruct(component, at, block);
    }
    return hasAc ? 2 : hasDc ? 1 : 0;
  }

  /** Leaves a block's prediction in `#means` and its residuals in `#blocks`. Returns 0 when they are all 0. */
  #subtractMean(component: Component, at: number, block: number, left: boolean, top: boolean): number {
    const { source } = component;
    const residuals = this.#blocks[block]!;
    const corner = at + (block >> 1) * 4 * stride + (block & 1) * 4;
    const mean = meanAround(component.decoded, at, block, left, top);
    this.#means[block] = mean;
    let different = 0;
    for (let i = 0; i < 16; i++) {
      const residual = source[corner + (i >> 2) * stride + (i & 3)]! - mean;
      residuals[i] = residual;
      different |= residual;
    }
    return different;
  }

  #reconstruct(component: Component, at: number, block: number): void {
    const { decoded } = component;
    const residuals = this.#blocks[block]!;
    const corner = at + (block >> 1) * 4 * stride + (block & 1) * 4;
    const mean = this.#means[block]!;
    for (let i = 0; i < 16; i++) {
      const value = mean + residuals[i]!;
      decoded[corner + (i >> 2) * stride + (i & 3)] = value < 0 ? 0 : Math.min(value, 255);
    }
  }
}

/** DC prediction of one of the four blocks of a macroblock at `at`: which edge counts depends on the block (clause 8.3.4). */
function meanAround(decoded: Uint8Array, at: number, block: number, left: boolean, top: boolean): number {
  const x = (block & 1) * 4;
  const y = (block >> 1) * 4;
  const diagonal = x === y;
  const useTop = top && (diagonal || x > 0 || !left);
  const useLeft = left && (diagonal || y > 0 || !top);
  if (!useTop && !useLeft) return 128;
  let sum = 0;
  if (useTop) for (let i = 0; i < 4; i++) sum += decoded[at - stride + x + i]!;
  if (useLeft) for (let i = 0; i < 4; i++) sum += decoded[at - 1 + (y + i) * stride]!;
  return useTop && useLeft ? (sum + 4) >> 3 : (sum + 2) >> 2;
}
