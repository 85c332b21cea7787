import { OutlineFont } from './outline-font.ts';

/** The fonts that a card is lettered with. */
export interface CardFonts {
  readonly regular: OutlineFont;
  readonly bold: OutlineFont;
  /** For URLs: letters and digits that look alike elsewhere differ here. */
  readonly mono: OutlineFont;
}

/**
 * The fonts of `assets/font`, some 290 kB; once per thread is enough. `read` returns the content of a file of that folder, by its name.
 * Throws `RangeError` when one is not what it should be.
 */
export function decodeCardFonts(read: (name: string) => Buffer): CardFonts {
  return {
    regular: new OutlineFont(read('sans.bin')),
    bold: new OutlineFont(read('sans-bold.bin')),
    mono: new OutlineFont(read('mono.bin')),
  };
}
