/**
 * Writes assets/font/*.bin: the glyph outlines that the offline card is lettered with, taken from the DejaVu fonts (Debian:
 * `apt-get install fonts-dejavu-core fonts-dejavu-extra`). Outlines instead of bitmaps: one small file serves every size.
 * `--check` only compares. The format is described in src/offline-card/outline-font.ts.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';

const source = process.env['FONT_FOLDER'] ?? '/usr/share/fonts/truetype/dejavu';
const target = resolve(import.meta.dirname, '../assets/font');

const faces: Record<string, string> = {
  'sans.bin': 'DejaVuSansCondensed.ttf',
  'sans-bold.bin': 'DejaVuSansCondensed-Bold.ttf',
  'mono.bin': 'DejaVuSansMono.ttf',
};

/** First and last code point of each range: Latin up to Extended-B, Greek, Cyrillic, Vietnamese, punctuation, some symbols. */
const ranges: readonly (readonly [number, number])[] = [
  [0x20, 0x7e],
  [0xa0, 0x24f],
  [0x2bc, 0x2bc],
  [0x370, 0x3ff],
  [0x400, 0x4ff],
  [0x1e80, 0x1e85],
  [0x1ea0, 0x1ef9],
  [0x2010, 0x2027],
  [0x2030, 0x203a],
  [0x20ac, 0x20ac],
  [0x2116, 0x2116],
  [0x2122, 0x2122],
  [0x2190, 0x2193],
  [0x2212, 0x2212],
];

/** One point of a glyph's outline, in font units, y upwards. Points off the curve are quadratic control points. */
interface OutlinePoint {
  readonly x: number;
  readonly y: number;
  readonly onCurve: boolean;
}

/** As much of the TrueType format as it takes to get outlines and widths: cmap format 4, glyf with composites, hmtx. */
class TrueTypeFont {
  readonly unitsPerEm: number;
  readonly ascender: number;
  readonly descender: number;
  readonly #bytes: Buffer;
  readonly #tables = new Map<string, number>();
  readonly #longOffsets: boolean;
  readonly #widths: number;
  readonly #cmap: number;

  constructor(bytes: Buffer) {
    this.#bytes = bytes;
    const count = bytes.readUInt16BE(4);
    for (let i = 0; i < count; i++) {
      const at = 12 + i * 16;
      this.#tables.set(bytes.toString('latin1', at, at + 4), bytes.readUInt32BE(at + 8));
    }
    const head = this.#table('head');
    this.unitsPerEm = bytes.readUInt16BE(head + 18);
    this.#longOffsets = bytes.readInt16BE(head + 50) === 1;
    const hhea = this.#table('hhea');
    this.ascender = bytes.readInt16BE(hhea + 4);
    this.descender = bytes.readInt16BE(hhea + 6);
    this.#widths = bytes.readUInt16BE(hhea + 34);
    this.#cmap = this.#findCmap();
  }

  #table(name: string): number {
    const at = this.#tables.get(name);
    if (at === undefined) throw new Error(`the font has no table ${name}`);
    return at;
  }

  #findCmap(): number {
    const cmap = this.#table('cmap');
    const count = this.#bytes.readUInt16BE(cmap + 2);
    for (let i = 0; i < count; i++) {
      const at = cmap + this.#bytes.readUInt32BE(cmap + 8 + i * 8);
      if (this.#bytes.readUInt16BE(at) === 4) return at;
    }
    throw new Error('the font has no cmap of format 4');
  }

  /** Glyph index of a code point of the basic plane, 0 if the font has none. */
  glyphOf(codePoint: number): number {
    const bytes = this.#bytes;
    const at = this.#cmap;
    const doubled = bytes.readUInt16BE(at + 6);
    for (let i = 0; i < doubled; i += 2) {
      if (bytes.readUInt16BE(at + 14 + i) < codePoint) continue;
      const start = bytes.readUInt16BE(at + 16 + doubled + i);
      if (start > codePoint) return 0;
      const delta = bytes.readUInt16BE(at + 16 + doubled * 2 + i);
      const rangeAt = at + 16 + doubled * 3 + i;
      const range = bytes.readUInt16BE(rangeAt);
      if (range === 0) return (codePoint + delta) & 0xffff;
      const glyph = bytes.readUInt16BE(rangeAt + range + (codePoint - start) * 2);
      return glyph === 0 ? 0 : (glyph + delta) & 0xffff;
    }
    return 0;
  }

  /** Font units. */
  advanceOf(glyph: number): number {
    return this.#bytes.readUInt16BE(this.#table('hmtx') + Math.min(glyph, this.#widths - 1) * 4);
  }

  contoursOf(glyph: number): OutlinePoint[][] {
    const bytes = this.#bytes;
    const loca = this.#table('loca');
    const offset = (index: number) =>
      this.#longOffsets ? bytes.readUInt32BE(loca + index * 4) : bytes.readUInt16BE(loca + index * 2) * 2;
    const at = this.#table('glyf') + offset(glyph);
    if (offset(glyph) === offset(glyph + 1)) return [];
    const contours = bytes.readInt16BE(at);
    return contours < 0 ? this.#composite(at + 10) : this.#simple(at + 10, contours);
  }

  #simple(start: number, contours: number): OutlinePoint[][] {
    const bytes = this.#bytes;
    const ends = Array.from({ length: contours }, (_, i) => bytes.readUInt16BE(start + i * 2));
    const points = (ends.at(-1) ?? -1) + 1;
    let at = start + contours * 2;
    at += 2 + bytes.readUInt16BE(at);
    const flags: number[] = [];
    while (flags.length < points) {
      const flag = bytes[at++]!;
      flags.push(flag);
      if (flag & 8) for (let repeats = bytes[at++]!; repeats > 0; repeats--) flags.push(flag);
    }
    const coordinates = (shortBit: number, sameBit: number) => {
      let value = 0;
      return flags.map((flag) => {
        if (flag & shortBit) value += flag & sameBit ? bytes[at++]! : -bytes[at++]!;
        else if (!(flag & sameBit)) {
          value += bytes.readInt16BE(at);
          at += 2;
        }
        return value;
      });
    };
    const xs = coordinates(2, 16);
    const ys = coordinates(4, 32);
    return ends.map((end, i) => {
      const first = i === 0 ? 0 : ends[i - 1]! + 1;
      return flags.slice(first, end + 1).map((flag, j) => ({
        x: xs[first + j]!,
        y: ys[first + j]!,
        onCurve: (flag & 1) === 1,
      }));
    });
  }

  #composite(start: number): OutlinePoint[][] {
    const bytes = this.#bytes;
    const contours: OutlinePoint[][] = [];
    let at = start;
    for (;;) {
      const flags = bytes.readUInt16BE(at);
      const glyph = bytes.readUInt16BE(at + 2);
      at += 4;
      if (!(flags & 2)) throw new Error('a composite glyph is placed by points, which is not supported');
      const words = (flags & 1) !== 0;
      const dx = words ? bytes.readInt16BE(at) : bytes.readInt8(at);
      const dy = words ? bytes.readInt16BE(at + 2) : bytes.readInt8(at + 1);
      at += words ? 4 : 2;
      let [xx, xy, yx, yy] = [1, 0, 0, 1];
      const fraction = () => {
        at += 2;
        return bytes.readInt16BE(at - 2) / 16384;
      };
      if (flags & 8) xx = yy = fraction();
      else if (flags & 64) [xx, yy] = [fraction(), fraction()];
      else if (flags & 128) [xx, xy, yx, yy] = [fraction(), fraction(), fraction(), fraction()];
      for (const contour of this.contoursOf(glyph)) {
        const moved = contour.map(({ x, y, onCurve }) => ({
          x: Math.round(x * xx + y * yx + dx),
          y: Math.round(x * xy + y * yy + dy),
          onCurve,
        }));
        // A mirrored part runs the other way round; turned back, so that every outline encloses its area the same way.
        if (xx * yy - xy * yx < 0) moved.reverse();
        contours.push(moved);
      }
      if (!(flags & 32)) return contours;
    }
  }
}

class ByteList {
  readonly bytes: number[] = [];
  u16(value: number): void {
    this.bytes.push((value >> 8) & 255, value & 255);
  }
  varint(value: number): void {
    let rest = value;
    while (rest > 127) {
      this.bytes.push((rest & 127) | 128);
      rest >>>= 7;
    }
    this.bytes.push(rest);
  }
}

const zigzag = (value: number) => (value < 0 ? -value * 2 - 1 : value * 2);

function atlasOf(font: TrueTypeFont): Buffer {
  const outlines = new ByteList();
  const offsets = new Map<string, number>();
  const table: { codePoint: number; advance: number; offset: number }[] = [];
  for (const [first, last] of ranges) {
    for (let codePoint = first; codePoint <= last; codePoint++) {
      const glyph = font.glyphOf(codePoint);
      if (glyph === 0) continue;
      const bytes = outlineOf(font, glyph);
      const key = bytes.join();
      let offset = offsets.get(key);
      if (offset === undefined) {
        offset = outlines.bytes.length;
        offsets.set(key, offset);
        for (const byte of bytes) outlines.bytes.push(byte);
      }
      table.push({ codePoint, advance: font.advanceOf(glyph), offset });
    }
  }
  const head = new ByteList();
  head.bytes.push(...Buffer.from('SKYFONT1', 'latin1'));
  head.u16(font.unitsPerEm);
  head.u16(font.ascender);
  head.u16(-font.descender);
  head.u16(table.length);
  for (const { codePoint, advance, offset } of table) {
    head.u16(codePoint);
    head.u16(advance);
    head.u16(offset >>> 16);
    head.u16(offset & 0xffff);
  }
  return Buffer.from([...head.bytes, ...outlines.bytes]);
}

function outlineOf(font: TrueTypeFont, glyph: number): number[] {
  const list = new ByteList();
  const contours = font.contoursOf(glyph).filter((contour) => contour.length > 1);
  let x = 0;
  let y = 0;
  list.varint(contours.length);
  for (const contour of contours) {
    list.varint(contour.length);
    for (const point of contour) {
      list.varint(zigzag(point.x - x) * 2 + (point.onCurve ? 1 : 0));
      list.varint(zigzag(point.y - y));
      x = point.x;
      y = point.y;
    }
  }
  return list.bytes;
}

for (const [name, file] of Object.entries(faces)) {
  const bytes = atlasOf(new TrueTypeFont(readFileSync(join(source, file))));
  const path = join(target, name);
  if (process.argv.includes('--check')) {
    if (!readFileSync(path).equals(bytes)) {
      console.error(`${path} is not what ${file} gives; run node scripts/font-atlas.ts`);
      process.exitCode = 1;
    }
    continue;
  }
  writeFileSync(path, bytes);
  console.log(`${name}: ${bytes.length} bytes`);
}
