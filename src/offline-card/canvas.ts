import { CoverageMask } from './coverage-mask.ts';
import type { OutlineFont } from './outline-font.ts';
import { type Colour, type Picture, pictureHeight, pictureWidth } from './picture.ts';

/** Distance of a point from a shape's edge in pixels, negative inside. */
export type DistanceFunction = (x: number, y: number) => number;

/** Draws anti-aliased text and shapes on a picture. */
export class Canvas {
  readonly picture: Picture;
  readonly #mask = new CoverageMask();

  constructor(picture: Picture) {
    this.picture = picture;
  }

  /** Draws one line of text, its left end at `x`, and returns its right end. */
  text(font: OutlineFont, size: number, text: string, x: number, baseline: number, colour: Colour): number {
    const mask = this.#mask;
    const width = textWidth(font, size, text);
    mask.begin(x - size / 2, baseline - size * 1.25, width + size, size * 1.75);
    let pen = x;
    for (const character of text) {
      const codePoint = character.codePointAt(0)!;
      font.draw(codePoint, size, pen, baseline, mask);
      pen += font.advanceOf(codePoint, size);
    }
    mask.finish();
    this.#blend(colour);
    return pen;
  }

  /** Fills a shape that lies within the given rectangle. */
  shape(left: number, top: number, width: number, height: number, distance: DistanceFunction, colour: Colour): void {
    const mask = this.#mask;
    mask.begin(left, top, width, height);
    for (let y = 0; y < mask.height; y++) {
      for (let x = 0; x < mask.width; x++) {
        const share = 0.5 - distance(mask.left + x + 0.5, mask.top + y + 0.5);
        mask.coverage[y * mask.width + x] = share <= 0 ? 0 : Math.min(255, Math.round(share * 255));
      }
    }
    this.#blend(colour);
  }

  /** Fills a rectangle whose corners have even coordinates. */
  rectangle(left: number, top: number, width: number, height: number, colour: Colour): void {
    const { luma, cb, cr } = this.picture;
    for (let y = top; y < top + height; y++)
      luma.fill(colour.y, y * pictureWidth + left, y * pictureWidth + left + width);
    const stride = pictureWidth / 2;
    for (let y = top / 2; y < (top + height) / 2; y++) {
      cb.fill(colour.cb, y * stride + left / 2, y * stride + (left + width) / 2);
      cr.fill(colour.cr, y * stride + left / 2, y * stride + (left + width) / 2);
    }
  }

  /** The same with rounded corners, of an even radius. */
  roundedRectangle(left: number, top: number, width: number, height: number, radius: number, colour: Colour): void {
    this.rectangle(left + radius, top, width - 2 * radius, height, colour);
    this.rectangle(left, top + radius, radius, height - 2 * radius, colour);
    this.rectangle(left + width - radius, top + radius, radius, height - 2 * radius, colour);
    for (const [x, centreX] of [
      [left, left + radius],
      [left + width - radius, left + width - radius],
    ] as const) {
      this.shape(x, top, radius, radius, disc(centreX, top + radius, radius), colour);
      this.shape(x, top + height - radius, radius, radius, disc(centreX, top + height - radius, radius), colour);
    }
  }

  #blend(colour: Colour): void {
    const { left, top, width, height, coverage } = this.#mask;
    const { luma, cb, cr } = this.picture;
    for (let y = 0; y < height; y++) {
      const row = (top + y) * pictureWidth + left;
      for (let x = 0; x < width; x++) {
        const share = coverage[y * width + x]!;
        if (share === 0) continue;
        luma[row + x] = mix(luma[row + x]!, colour.y, share);
      }
    }
    const right = Math.min(pictureWidth, left + width + 1) >> 1;
    const bottom = Math.min(pictureHeight, top + height + 1) >> 1;
    for (let y = top >> 1; y < bottom; y++) {
      for (let x = left >> 1; x < right; x++) {
        const share =
          (this.#coverageAt(2 * x, 2 * y) +
            this.#coverageAt(2 * x + 1, 2 * y) +
            this.#coverageAt(2 * x, 2 * y + 1) +
            this.#coverageAt(2 * x + 1, 2 * y + 1)) >>
          2;
        if (share === 0) continue;
        const at = (y * pictureWidth) / 2 + x;
        cb[at] = mix(cb[at]!, colour.cb, share);
        cr[at] = mix(cr[at]!, colour.cr, share);
      }
    }
  }

  #coverageAt(x: number, y: number): number {
    const { left, top, width, height, coverage } = this.#mask;
    if (x < left || y < top || x >= left + width || y >= top + height) return 0;
    return coverage[(y - top) * width + x - left]!;
  }
}

function mix(under: number, over: number, share: number): number {
  return Math.trunc((under * (255 - share) + over * share + 127) / 255);
}

/** Pixels that a line of text takes. */
export function textWidth(font: OutlineFont, size: number, text: string): number {
  let width = 0;
  for (const character of text) width += font.advanceOf(character.codePointAt(0)!, size);
  return width;
}

/** A disc. */
export function disc(x: number, y: number, radius: number): DistanceFunction {
  return (px, py) => Math.hypot(px - x, py - y) - radius;
}

/** A stroke along the part of a circle that lies within `spread` radians of the direction `direction`, with round ends. */
export function arc(
  x: number,
  y: number,
  radius: number,
  direction: number,
  spread: number,
  stroke: number,
): DistanceFunction {
  return (px, py) => {
    const angle = Math.atan2(py - y, px - x) - direction;
    const turned = Math.atan2(Math.sin(angle), Math.cos(angle));
    if (Math.abs(turned) <= spread) return Math.abs(Math.hypot(px - x, py - y) - radius) - stroke / 2;
    const end = direction + Math.sign(turned) * spread;
    return Math.hypot(px - x - radius * Math.cos(end), py - y - radius * Math.sin(end)) - stroke / 2;
  };
}

/** A straight stroke with round ends. */
export function stroke(x0: number, y0: number, x1: number, y1: number, width: number): DistanceFunction {
  const dx = x1 - x0;
  const dy = y1 - y0;
  const square = dx * dx + dy * dy;
  return (px, py) => {
    const t = Math.max(0, Math.min(1, ((px - x0) * dx + (py - y0) * dy) / square));
    return Math.hypot(px - x0 - t * dx, py - y0 - t * dy) - width / 2;
  };
}
