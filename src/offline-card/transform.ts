/**
 * The 4x4 integer transform, its quantiser and its exact inverse (H.264 clause 8.5), for one fixed quantiser each of luma and
 * chroma. They are chosen such that any flat block comes back exactly: at QP 16 a luma step is four, which is one grey level
 * in the mean of a 4x4 block; at QP 10 the 2x2 transform of chroma DC loses nothing either.
 */
export const lumaQp = 16;

/** chroma_qp_index_offset is the difference of the two. */
export const chromaQp = 10;

/** Scan order of frame macroblocks (table 8-13): the raster index of each scan position. */
const zigzag = new Uint8Array([0, 1, 4, 8, 5, 2, 3, 6, 9, 12, 13, 10, 7, 11, 14, 15]);

/** Forward factors and inverse scales for QP % 6 = 4, by the class of a coefficient's position (clause 8.5.9). */
const forward4 = [8192, 3355, 5243];
const inverse4 = [16, 25, 20];

/** Class of a raster position: both indexes even, both odd, else. */
const classes = Array.from({ length: 16 }, (_, i) => {
  const odd = (i & 1) + ((i >> 2) & 1);
  return odd === 0 ? 0 : odd === 2 ? 1 : 2;
});
const forward = Int32Array.from(classes, (value) => forward4[value]!);
const inverse = Int32Array.from(classes, (value) => inverse4[value]!);

const work = new Int32Array(16);

/** The core transform of the 16 residuals in `block`, in place, raster order. */
export function transform(block: Int32Array): void {
  for (let i = 0; i < 16; i += 4) {
    const a = block[i]!;
    const b = block[i + 1]!;
    const c = block[i + 2]!;
    const d = block[i + 3]!;
    const sum = a + d;
    const difference = a - d;
    const inner = b + c;
    const innerDifference = b - c;
    work[i] = sum + inner;
    work[i + 1] = 2 * difference + innerDifference;
    work[i + 2] = sum - inner;
    work[i + 3] = difference - 2 * innerDifference;
  }
  for (let i = 0; i < 4; i++) {
    const a = work[i]!;
    const b = work[i + 4]!;
    const c = work[i + 8]!;
    const d = work[i + 12]!;
    const sum = a + d;
    const difference = a - d;
    const inner = b + c;
    const innerDifference = b - c;
    block[i] = sum + inner;
    block[i + 4] = 2 * difference + innerDifference;
    block[i + 8] = sum - inner;
    block[i + 12] = difference - 2 * innerDifference;
  }
}

/** How one kind of coefficient is quantised: the shift and rounding of a QP, and the magnitude below which a level becomes 0. */
export interface Quantiser {
  readonly shift: number;
  readonly rounding: number;
  readonly least: number;
  /** Left shift of the way back. */
  readonly scaleShift: number;
}

function quantiserOf(qp: number, least: number): Quantiser {
  const shift = 15 + Math.trunc(qp / 6);
  return { shift, rounding: Math.trunc((1 << shift) / 3), least, scaleShift: Math.trunc(qp / 6) };
}

/** For blocks of luma. */
export const lumaQuantiser = quantiserOf(lumaQp, 1);

/** For chroma AC. Its QP serves flat areas; the fine detail of colour at the edges of letters is not worth its bits. */
export const chromaQuantiser = quantiserOf(chromaQp, 4);

/**
 * Quantises transformed coefficients from scan position `first` on (1 leaves the DC out) into `levels` at `at`, scan order.
 * Returns a rough cost in bits, 0 when every level is 0.
 */
export function quantise(block: Int32Array, first: number, by: Quantiser, levels: Int32Array, at: number): number {
  const { shift, rounding, least } = by;
  let cost = 0;
  let zeros = 0;
  for (let i = first; i < 16; i++) {
    const position = zigzag[i]!;
    const value = block[position]!;
    const magnitude = (Math.abs(value) * forward[position]! + rounding) >> shift;
    if (magnitude < least) {
      levels[at + i - first] = 0;
      zeros++;
    } else {
      levels[at + i - first] = value < 0 ? -magnitude : magnitude;
      cost += 2 + zeros + 2 * (32 - Math.clz32(magnitude));
      zeros = 0;
    }
  }
  return cost;
}

/** Scales `levels` back into `block`, raster order; with `first` 1 the DC stays what `block[0]` holds already. */
export function scale(levels: Int32Array, at: number, first: number, by: Quantiser, block: Int32Array): void {
  const shift = by.scaleShift;
  for (let i = first; i < 16; i++) {
    const position = zigzag[i]!;
    block[position] = (levels[at + i - first]! * inverse[position]!) << shift;
  }
}

/** The inverse transform of `block` in place: the residuals as every decoder computes them (clause 8.5.12.2). */
export function inverseTransform(block: Int32Array): void {
  for (let i = 0; i < 16; i += 4) {
    const a = block[i]! + block[i + 2]!;
    const b = block[i]! - block[i + 2]!;
    const c = (block[i + 1]! >> 1) - block[i + 3]!;
    const d = block[i + 1]! + (block[i + 3]! >> 1);
    block[i] = a + d;
    block[i + 1] = b + c;
    block[i + 2] = b - c;
    block[i + 3] = a - d;
  }
  for (let i = 0; i < 4; i++) {
    const a = block[i]! + block[i + 8]!;
    const b = block[i]! - block[i + 8]!;
    const c = (block[i + 4]! >> 1) - block[i + 12]!;
    const d = block[i + 4]! + (block[i + 12]! >> 1);
    block[i] = (a + d + 32) >> 6;
    block[i + 4] = (b + c + 32) >> 6;
    block[i + 8] = (b - c + 32) >> 6;
    block[i + 12] = (a - d + 32) >> 6;
  }
}

/** Intra16x16DCLevel[0] of a macroblock whose luma is `residual` off its prediction everywhere: four levels a grey level. */
export function flatLumaLevel(residual: number): number {
  return residual * 4;
}

/**
 * Chroma DC (clause 8.5.11): `dc` holds the four DC coefficients of one component, raster order. Leaves the levels in `levels`
 * and what a decoder makes of them in `dc`. Returns whether any level is not 0.
 */
export function codeChromaDc(dc: Int32Array, levels: Int32Array): boolean {
  hadamard(dc);
  let coded = false;
  for (let i = 0; i < 4; i++) {
    // 8192 / 2^17, QP 10: one level is 16.
    const magnitude = (Math.abs(dc[i]!) + 5) >> 4;
    levels[i] = dc[i]! < 0 ? -magnitude : magnitude;
    if (magnitude !== 0) coded = true;
    dc[i] = levels[i]!;
  }
  hadamard(dc);
  for (let i = 0; i < 4; i++) dc[i]! *= 16;
  return coded;
}

function hadamard(dc: Int32Array): void {
  const top = dc[0]! + dc[1]!;
  const topDifference = dc[0]! - dc[1]!;
  const bottom = dc[2]! + dc[3]!;
  const bottomDifference = dc[2]! - dc[3]!;
  dc[0] = top + bottom;
  dc[1] = topDifference + bottomDifference;
  dc[2] = top - bottom;
  dc[3] = topDifference - bottomDifference;
}
