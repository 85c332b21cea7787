import type { CoverageMask } from './coverage-mask.ts';

/**
 * Glyph outlines at any size. The file, all numbers big-endian: `SKYFONT1`, units per em, ascender, descender (both positive)
 * and number of glyphs as u16; for each glyph, ascending, code point u16, advance u16, offset u32 into what follows. An outline
 * is a number of contours; a contour is a number of points; a point is two varints, (zigzag(dx) << 1) | onCurve and zigzag(dy),
 * relative to the point before. Two points off the curve have one on it half way between them, as in TrueType.
 */
const magic = 'SKYFONT1';
const headBytes = 16;
const entryBytes = 8;

/** Straight pieces that a curve is drawn with per so many pixels of its control polygon. */
const pixelsPerPiece = 3;

/** A font as `scripts/font-atlas.ts` writes it. */
export class OutlineFont {
  readonly unitsPerEm: number;
  /** Of the em, upwards from the baseline. */
  readonly ascender: number;
  /** Of the em, downwards, positive. */
  readonly descender: number;
  readonly #bytes: Buffer;
  readonly #entries = new Map<number, number>();
  readonly #outlines: number;
  #at = 0;

  /** Throws `RangeError` when the bytes are not such a file. */
  constructor(bytes: Buffer) {
    if (bytes.length < headBytes || bytes.toString('latin1', 0, magic.length) !== magic) {
      throw new RangeError('not a glyph outline file');
    }
    this.#bytes = bytes;
    this.unitsPerEm = bytes.readUInt16BE(8);
    this.ascender = bytes.readUInt16BE(10) / this.unitsPerEm;
    this.descender = bytes.readUInt16BE(12) / this.unitsPerEm;
    const glyphs = bytes.readUInt16BE(14);
    this.#outlines = headBytes + glyphs * entryBytes;
    if (bytes.length < this.#outlines) throw new RangeError('the glyph outline file is cut short');
    for (let i = 0; i < glyphs; i++) {
      const at = headBytes + i * entryBytes;
      this.#entries.set(bytes.readUInt16BE(at), at);
    }
  }

  has(codePoint: number): boolean {
    return this.#entries.has(codePoint);
  }

  /** Width of a character in pixels at `size` pixels per em; of the replacement box when the font lacks it. */
  advanceOf(codePoint: number, size: number): number {
    const entry = this.#entries.get(codePoint);
    if (entry === undefined) return boxAdvance * size;
    return (this.#bytes.readUInt16BE(entry + 2) * size) / this.unitsPerEm;
  }

  /** Draws a character's outline into `mask`, its origin at (x, y), y downwards. */
  draw(codePoint: number, size: number, x: number, y: number, mask: CoverageMask): void {
    const entry = this.#entries.get(codePoint);
    if (entry === undefined) {
      drawBox(size, x, y, mask);
      return;
    }
    this.#at = this.#outlines + this.#bytes.readUInt32BE(entry + 4);
    const scale = size / this.unitsPerEm;
    let px = 0;
    let py = 0;
    for (let contours = this.#varint(); contours > 0; contours--) {
      const count = this.#varint();
      const points: ContourPoint[] = [];
      for (let i = 0; i < count; i++) {
        const word = this.#varint();
        px += unzigzag(word >>> 1);
        py += unzigzag(this.#varint());
        points.push({ x: x + px * scale, y: y - py * scale, onCurve: (word & 1) === 1 });
      }
      drawContour(points, mask);
    }
  }

  #varint(): number {
    let value = 0;
    for (let shift = 0; shift < 28; shift += 7) {
      const byte = this.#bytes[this.#at++] ?? 0;
      value |= (byte & 127) << shift;
      if (byte < 128) break;
    }
    return value;
  }
}

interface ContourPoint {
  readonly x: number;
  readonly y: number;
  readonly onCurve: boolean;
}

function unzigzag(value: number): number {
  return (value >>> 1) ^ -(value & 1);
}

function drawContour(points: readonly ContourPoint[], mask: CoverageMask): void {
  const count = points.length;
  const start = points.findIndex((point) => point.onCurve);
  // A contour without a point on the curve starts half way between two others.
  const first = start >= 0 ? points[start]! : middle(points[count - 1]!, points[0]!);
  const offset = start >= 0 ? start + 1 : 0;
  let from: ContourPoint = first;
  let control: ContourPoint | null = null;
  for (let i = 0; i < count - (start >= 0 ? 1 : 0); i++) {
    const point = points[(offset + i) % count]!;
    if (point.onCurve) {
      drawPiece(from, control, point, mask);
      from = point;
      control = null;
    } else {
      if (control !== null) {
        const half = middle(control, point);
        drawPiece(from, control, half, mask);
        from = half;
      }
      control = point;
    }
  }
  drawPiece(from, control, first, mask);
}

function middle(a: ContourPoint, b: ContourPoint): ContourPoint {
  return { x: (a.x + b.x) / 2, y: (a.y + b.y) / 2, onCurve: true };
}

function drawPiece(from: ContourPoint, control: ContourPoint | null, to: ContourPoint, mask: CoverageMask): void {
  if (control === null) {
    mask.line(from.x, from.y, to.x, to.y);
    return;
  }
  const span =
    Math.abs(control.x - from.x) +
    Math.abs(control.y - from.y) +
    Math.abs(to.x - control.x) +
    Math.abs(to.y - control.y);
  const pieces = Math.min(16, 1 + Math.ceil(span / pixelsPerPiece));
  let { x, y } = from;
  for (let i = 1; i <= pieces; i++) {
    const t = i / pieces;
    const s = 1 - t;
    const nextX = s * s * from.x + 2 * s * t * control.x + t * t * to.x;
    const nextY = s * s * from.y + 2 * s * t * control.y + t * t * to.y;
    mask.line(x, y, nextX, nextY);
    x = nextX;
    y = nextY;
  }
}

/** The replacement box, in parts of the em. */
const boxAdvance = 0.6;
const boxHeight = 0.72;
const boxInset = 0.06;
const boxStroke = 0.05;

function drawBox(size: number, x: number, y: number, mask: CoverageMask): void {
  const left = x + boxInset * size;
  const right = x + (boxAdvance - boxInset) * size;
  const top = y - boxHeight * size;
  const stroke = Math.max(1, boxStroke * size);
  drawRectangle(left, top, right, y, mask);
  // The other way round: a hole.
  drawRectangle(right - stroke, top + stroke, left + stroke, y - stroke, mask);
}

function drawRectangle(left: number, top: number, right: number, bottom: number, mask: CoverageMask): void {
  mask.line(left, top, left, bottom);
  mask.line(left, bottom, right, bottom);
  mask.line(right, bottom, right, top);
  mask.line(right, top, left, top);
}
