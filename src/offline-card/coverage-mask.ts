import { pictureHeight, pictureWidth } from './picture.ts';

/**
 * How much of each pixel a set of closed outlines covers, by exact areas. Every line adds to the pixels it crosses what it takes away
 * from the coverage right of it; a sum along each row then gives the coverage. Contours that run the other way cut holes.
 */
export class CoverageMask {
  /** `width + 2` to a row: what ends at the right edge must not reach the next row. */
  #sums = new Float32Array(0);
  /** Coverage 0 to 255, `width` to a row. */
  coverage = new Uint8Array(0);
  left = 0;
  top = 0;
  width = 0;
  height = 0;

  /** Starts a mask over a rectangle of the picture, clipped to it. */
  begin(left: number, top: number, width: number, height: number): void {
    this.left = Math.max(0, Math.min(pictureWidth, Math.floor(left)));
    this.top = Math.max(0, Math.min(pictureHeight, Math.floor(top)));
    this.width = Math.max(0, Math.min(pictureWidth, Math.ceil(left + width)) - this.left);
    this.height = Math.max(0, Math.min(pictureHeight, Math.ceil(top + height)) - this.top);
    const sums = (this.width + 2) * this.height;
    if (this.#sums.length < sums) {
      this.#sums = new Float32Array(sums);
      this.coverage = new Uint8Array(sums);
    } else {
      this.#sums.fill(0, 0, sums);
    }
  }

  /** One line of a closed outline, in picture coordinates. What lies outside the rectangle is cut off. */
  line(x0: number, y0: number, x1: number, y1: number): void {
    if (y0 === y1) return;
    const down = y0 < y1 ? 1 : -1;
    const topX = (y0 < y1 ? x0 : x1) - this.left;
    const topY = Math.min(y0, y1) - this.top;
    const bottomX = (y0 < y1 ? x1 : x0) - this.left;
    const bottomY = Math.max(y0, y1) - this.top;
    const slope = (bottomX - topX) / (bottomY - topY);
    const from = Math.max(0, Math.floor(topY));
    const to = Math.min(this.height, Math.ceil(bottomY));
    for (let row = from; row < to; row++) {
      const start = Math.max(row, topY);
      const end = Math.min(row + 1, bottomY);
      const share = (end - start) * down;
      const a = this.#clamp(topX + (start - topY) * slope);
      const b = this.#clamp(topX + (end - topY) * slope);
      this.#spread(row * (this.width + 2), Math.min(a, b), Math.max(a, b), share);
    }
  }

  #clamp(x: number): number {
    return x < 0 ? 0 : Math.min(x, this.width);
  }

  /** A piece of line within one row of pixels, from x = a to x = b, taking `share` of its height. */
  #spread(row: number, a: number, b: number, share: number): void {
    const sums = this.#sums;
    const first = Math.floor(a);
    const last = Math.ceil(b);
    if (last <= first + 1) {
      const covered = share * (1 - ((a + b) / 2 - first));
      sums[row + first]! += covered;
      sums[row + first + 1]! += share - covered;
      return;
    }
    const step = share / (b - a);
    // Coverage of the pixel `x` by this piece is the area right of it; what one pixel has, the next has it too.
    let before = 0;
    for (let x = first; x < last; x++) {
      const from = Math.max(a, x);
      const to = Math.min(b, x + 1);
      const here = (from - a) * step + (to - from) * step * (x + 1 - (from + to) / 2);
      sums[row + x]! += here - before;
      before = here;
    }
    sums[row + last]! += share - before;
  }

  /** Turns what was drawn into `coverage`. */
  finish(): void {
    const { width, height, coverage } = this;
    const sums = this.#sums;
    for (let row = 0; row < height; row++) {
      let sum = 0;
      for (let x = 0; x < width; x++) {
        sum += sums[row * (width + 2) + x]!;
        const share = Math.abs(sum);
        coverage[row * width + x] = share >= 1 ? 255 : Math.trunc(share * 255 + 0.5);
      }
    }
  }
}
