/** Luma samples across and down; both are multiples of 16, so no cropping is signalled. */
export const pictureWidth = 1280;
export const pictureHeight = 720;

/** The same in macroblocks. */
export const macroblockColumns = pictureWidth / 16;
export const macroblockRows = pictureHeight / 16;

/** Y'CbCr, BT.709, limited range. */
export interface Colour {
  readonly y: number;
  readonly cb: number;
  readonly cr: number;
}

/** A colour written `#rrggbb`, as BT.709 in limited range. */
export function colourOf(hex: string): Colour {
  const value = Number.parseInt(hex.slice(1), 16);
  const r = (value >> 16) / 255;
  const g = ((value >> 8) & 255) / 255;
  const b = (value & 255) / 255;
  const luma = 0.2126 * r + 0.7152 * g + 0.0722 * b;
  return {
    y: Math.round(16 + 219 * luma),
    cb: Math.round(128 + (224 * (b - luma)) / 1.8556),
    cr: Math.round(128 + (224 * (r - luma)) / 1.5748),
  };
}

/** The three planes of one 4:2:0 picture. */
export class Picture {
  readonly luma = new Uint8Array(pictureWidth * pictureHeight);
  readonly cb = new Uint8Array((pictureWidth * pictureHeight) / 4);
  readonly cr = new Uint8Array((pictureWidth * pictureHeight) / 4);

  /** Fills the macroblock rows [first, end) with one colour. */
  fillRows(first: number, end: number, colour: Colour): void {
    const line = pictureWidth * 16;
    this.luma.fill(colour.y, first * line, end * line);
    this.cb.fill(colour.cb, (first * line) / 4, (end * line) / 4);
    this.cr.fill(colour.cr, (first * line) / 4, (end * line) / 4);
  }

  /** Takes the macroblock rows [first, end) of another picture. */
  copyRows(from: Picture, first: number, end: number): void {
    const line = pictureWidth * 16;
    this.luma.set(from.luma.subarray(first * line, end * line), first * line);
    this.cb.set(from.cb.subarray((first * line) / 4, (end * line) / 4), (first * line) / 4);
    this.cr.set(from.cr.subarray((first * line) / 4, (end * line) / 4), (first * line) / 4);
  }
}
