import type { BitWriter } from './bit-writer.ts';
import { ChromaCoder } from './chroma-coder.ts';
import { macroblockColumns, type Picture, pictureHeight, pictureWidth } from './picture.ts';
import { writeResidual } from './residual-writer.ts';
import { flatLumaLevel, inverseTransform, lumaQuantiser, quantise, scale, transform } from './transform.ts';

/** Intra4x4PredMode values used here (H.264 table 8-2). */
const vertical = 0;
const horizontal = 1;
const dc = 2;

/** Column and row of each 4x4 luma block in coding order (clause 6.4.3). */
const blockColumns = new Uint8Array([0, 1, 0, 1, 2, 3, 2, 3, 0, 1, 0, 1, 2, 3, 2, 3]);
const blockRows = new Uint8Array([0, 0, 1, 1, 0, 0, 1, 1, 2, 2, 3, 3, 2, 2, 3, 3]);

/** codeNum of me(v) by coded_block_pattern, for intra macroblocks: the inverse of table 9-4. */
const patternCodes = new Uint8Array(48);
const patterns =
  '47 31 15 0 23 27 29 30 7 11 13 14 39 43 45 46 16 3 5 10 12 19 21 26 28 35 37 42 44 1 2 4 8 17 18 20 24 6 9 22 25 32 33 34 36 40 38 41';
for (const [code, pattern] of patterns.split(' ').entries()) patternCodes[Number(pattern)] = code;

/** Blocks of 4x4 luma samples across the picture. */
const stride4 = pictureWidth / 4;

/** Bits it costs to say another prediction mode than the expected one. */
const modeCost = 3;

/**
 * Writes intra macroblocks: Intra16x16 with DC prediction where luma is flat, else Intra4x4. `decoded` always holds what a
 * decoder has, which is what later macroblocks are predicted from; it starts a slice as a copy of `source`, so that only what
 * differs has to be put there. One slice after another; `beginSlice` in front of each.
 */
export class MacroblockEncoder {
  readonly #source: Picture;
  readonly #decoded: Picture;
  readonly #bits: BitWriter;
  readonly #chroma: ChromaCoder;
  /** TotalCoeff and prediction mode of each 4x4 luma block. */
  readonly #counts = new Uint8Array(stride4 * (pictureHeight / 4));
  readonly #modes = new Uint8Array(stride4 * (pictureHeight / 4));
  readonly #levels = new Int32Array(256);
  readonly #trial = new Int32Array(16);
  readonly #block = new Int32Array(16);
  readonly #prediction = new Int32Array(16);
  readonly #single = new Int32Array(16);
  #firstRow = 0;

  constructor(source: Picture, decoded: Picture, bits: BitWriter) {
    this.#source = source;
    this.#decoded = decoded;
    this.#bits = bits;
    this.#chroma = new ChromaCoder(source, decoded, bits);
  }

  /** Nothing above macroblock row `firstRow` is used from here on; all macroblocks count as skipped until they are written. */
  beginSlice(firstRow: number): void {
    this.#firstRow = firstRow;
    this.#counts.fill(0);
    this.#modes.fill(dc);
    this.#chroma.beginSlice();
  }

  /** Writes macroblock_layer of one macroblock. `typeOffset` is 0 in I slices and 5 in P slices. */
  write(column: number, row: number, typeOffset: number): void {
    const left = column > 0;
    const top = row > this.#firstRow;
    if (this.#flat(column, row)) this.#writeFlat(column, row, left, top, typeOffset);
    else this.#writeDetailed(column, row, left, top, typeOffset);
  }

  #flat(column: number, row: number): boolean {
    const { luma } = this.#source;
    const at = row * 16 * pictureWidth + column * 16;
    const value = luma[at]!;
    for (let y = 0; y < 16; y++) {
      const line = at + y * pictureWidth;
      for (let x = 0; x < 16; x++) if (luma[line + x] !== value) return false;
    }
    return true;
  }

  #writeFlat(column: number, row: number, left: boolean, top: boolean, typeOffset: number): void {
    const bits = this.#bits;
    const at = row * 16 * pictureWidth + column * 16;
    const value = this.#source.luma[at]!;
    const prediction = this.#meanAround(at, 16, left, top);
    const chromaPattern = this.#chroma.code(column, row, left, top);
    bits.ue(typeOffset + 3 + 4 * chromaPattern);
    bits.ue(0);
    bits.se(0);
    this.#single[0] = flatLumaLevel(value - prediction);
    writeResidual(bits, this.#single, 0, 16, this.#neighbours(column * 4, row * 4, left, top));
    this.#chroma.write(column, row, left, top);
  }

  #writeDetailed(column: number, row: number, left: boolean, top: boolean, typeOffset: number): void {
    const bits = this.#bits;
    bits.ue(typeOffset);
    let pattern = 0;
    for (let block = 0; block < 16; block++) {
      const x = column * 4 + blockColumns[block]!;
      const y = row * 4 + blockRows[block]!;
      const hasLeft = left || (x & 3) !== 0;
      const hasTop = top || (y & 3) !== 0;
      const expected = this.#expectedMode(x, y, hasLeft, hasTop);
      const mode = this.#codeBlock(x, y, hasLeft, hasTop, expected, block * 16);
      this.#modes[y * stride4 + x] = mode;
      if (mode === expected) bits.put(1, 1);
      else bits.put(mode > expected ? mode - 1 : mode, 4);
      for (let i = block * 16; i < block * 16 + 16; i++) {
        if (this.#levels[i] === 0) continue;
        pattern |= 1 << (block >> 2);
        break;
      }
    }
    pattern |= this.#chroma.code(column, row, left, top) << 4;
    bits.ue(0);
    bits.ue(patternCodes[pattern]!);
    if (pattern !== 0) bits.se(0);
    for (let block = 0; block < 16; block++) {
      if ((pattern & (1 << (block >> 2))) === 0) continue;
      const x = column * 4 + blockColumns[block]!;
      const y = row * 4 + blockRows[block]!;
      const nC = this.#neighbours(x, y, left || (x & 3) !== 0, top || (y & 3) !== 0);
      this.#counts[y * stride4 + x] = writeResidual(bits, this.#levels, block * 16, 16, nC);
    }
    this.#chroma.write(column, row, left, top);
  }

  /** predIntra4x4PredMode (clause 8.3.1.1). */
  #expectedMode(x: number, y: number, left: boolean, top: boolean): number {
    if (!left || !top) return dc;
    const at = y * stride4 + x;
    return Math.min(this.#modes[at - 1]!, this.#modes[at - stride4]!);
  }

  /** nC of a luma block (clause 9.2.1). */
  #neighbours(x: number, y: number, left: boolean, top: boolean): number {
    const at = y * stride4 + x;
    if (left && top) return (this.#counts[at - 1]! + this.#counts[at - stride4]! + 1) >> 1;
    if (left) return this.#counts[at - 1]!;
    return top ? this.#counts[at - stride4]! : 0;
  }

  /** Codes a 4x4 block with the cheapest mode, leaves its levels at `levelsAt` and the decoded samples in place. Returns the mode. */
  #codeBlock(x: number, y: number, left: boolean, top: boolean, expected: number, levelsAt: number): number {
    let bestMode = dc;
    let bestCost = -1;
    for (let i = 0; i < 3 && bestCost !== 0; i++) {
      // The expected mode first: more often than not nothing is left to code.
      const mode = (expected + i) % 3;
      if ((mode === vertical && !top) || (mode === horizontal && !left)) continue;
      this.#predict(x, y, left, top, mode);
      const penalty = mode === expected ? 0 : modeCost;
      let cost = penalty;
      if (this.#subtract(x, y) === 0) {
        if (mode === expected) {
          this.#levels.fill(0, levelsAt, levelsAt + 16);
          return mode;
        }
        this.#trial.fill(0);
      } else {
        transform(this.#block);
        cost += quantise(this.#block, 0, lumaQuantiser, this.#trial, 0);
      }
      if (bestCost >= 0 && cost >= bestCost) continue;
      bestCost = cost;
      bestMode = mode;
      this.#levels.set(this.#trial, levelsAt);
    }
    scale(this.#levels, levelsAt, 0, lumaQuantiser, this.#block);
    inverseTransform(this.#block);
    this.#predict(x, y, left, top, bestMode);
    this.#add(x, y);
    return bestMode;
  }

  /** Leaves the prediction of a 4x4 block in `#prediction` (clause 8.3.1.2). */
  #predict(x: number, y: number, left: boolean, top: boolean, mode: number): void {
    const { luma } = this.#decoded;
    const prediction = this.#prediction;
    const at = y * 4 * pictureWidth + x * 4;
    if (mode === dc) {
      prediction.fill(this.#meanAround(at, 4, left, top));
    } else if (mode === vertical) {
      for (let i = 0; i < 16; i++) prediction[i] = luma[at - pictureWidth + (i & 3)]!;
    } else {
      for (let i = 0; i < 16; i++) prediction[i] = luma[at - 1 + (i >> 2) * pictureWidth]!;
    }
  }

  /** Leaves what the prediction misses in `#block`. Returns 0 when it misses nothing. */
  #subtract(x: number, y: number): number {
    const { luma } = this.#source;
    const at = y * 4 * pictureWidth + x * 4;
    let different = 0;
    for (let i = 0; i < 16; i++) {
      const residual = luma[at + (i >> 2) * pictureWidth + (i & 3)]! - this.#prediction[i]!;
      this.#block[i] = residual;
      different |= residual;
    }
    return different;
  }

  #add(x: number, y: number): void {
    const { luma } = this.#decoded;
    const at = y * 4 * pictureWidth + x * 4;
    for (let i = 0; i < 16; i++) {
      const value = this.#prediction[i]! + this.#block[i]!;
      luma[at + (i >> 2) * pictureWidth + (i & 3)] = value < 0 ? 0 : Math.min(value, 255);
    }
  }

  /** DC prediction of the square of `size` samples at `at`: the mean of what is decoded above and to the left. */
  #meanAround(at: number, size: number, left: boolean, top: boolean): number {
    const { luma } = this.#decoded;
    if (!left && !top) return 128;
    let sum = 0;
    if (top) for (let i = 0; i < size; i++) sum += luma[at - pictureWidth + i]!;
    if (left) for (let i = 0; i < size; i++) sum += luma[at - 1 + i * pictureWidth]!;
    const samples = left && top ? size * 2 : size;
    return Math.floor((sum + samples / 2) / samples);
  }
}

/** Macroblock address of a position. */
export function macroblockAt(column: number, row: number): number {
  return row * macroblockColumns + column;
}
