import { textWidth } from './canvas.ts';
import type { OutlineFont } from './outline-font.ts';

const ellipsis = '…';

/** Code points of a text that are looked at: more than any card shows, few enough to measure at once. */
const mostCodePoints = 600;

/** Text set in lines that all fit. */
export interface TextBlock {
  readonly size: number;
  readonly lines: readonly string[];
}

/** One way to set a text: pixels per em, and how many lines there may be. */
export interface TextSize {
  readonly size: number;
  readonly lines: number;
}

/** One line of plain characters: composed (NFC), white space folded, what cannot be seen or only combines left out. */
export function cleanText(text: string): string {
  const characters: string[] = [];
  for (const character of text.slice(0, mostCodePoints * 2).normalize('NFC')) {
    if (characters.length >= mostCodePoints) break;
    if (/[\s\p{Cc}]/u.test(character)) {
      if (characters.length > 0 && characters.at(-1) !== ' ') characters.push(' ');
    } else if (!/[\p{Mn}\p{Me}\p{Cf}\p{Cs}]/u.test(character)) characters.push(character);
  }
  return characters.join('').trim();
}

/**
 * Sets `text` the first way of `sizes` that shows all of it within `width` pixels; if none does, the last way, shortened with an
 * ellipsis. `breakAfter` tells the characters after which a line may end; a piece too long for a line is broken anywhere.
 */
export function fitText(
  font: OutlineFont,
  text: string,
  width: number,
  sizes: readonly TextSize[],
  breakAfter: string,
): TextBlock {
  for (const { size, lines } of sizes) {
    const broken = breakText(font, size, text, width, breakAfter);
    if (broken.length <= lines) return { size, lines: balanced(font, size, text, width, breakAfter, broken) };
  }
  const { size, lines } = sizes.at(-1)!;
  const kept = breakText(font, size, text, width, breakAfter).slice(0, lines);
  kept[lines - 1] = shorten(font, size, `${kept[lines - 1]}${ellipsis}`, width);
  return { size, lines: kept };
}

/** Lines of about equal length look calmer than a full one above a single word. */
function balanced(
  font: OutlineFont,
  size: number,
  text: string,
  width: number,
  breakAfter: string,
  lines: readonly string[],
): readonly string[] {
  if (lines.length < 2) return lines;
  let best = lines;
  for (let narrower = width - 16; narrower > width / 2; narrower -= 16) {
    const tried = breakText(font, size, text, narrower, breakAfter);
    if (tried.length > lines.length || endsWithinWord(tried, breakAfter)) break;
    best = tried;
  }
  return best;
}

function endsWithinWord(lines: readonly string[], breakAfter: string): boolean {
  return lines.slice(0, -1).some((line) => !breakAfter.includes(line.at(-1)!) && !breakAfter.includes(' '));
}

function breakText(font: OutlineFont, size: number, text: string, width: number, breakAfter: string): string[] {
  const lines: string[] = [];
  let line = '';
  let used = 0;
  let breakAt = 0;
  for (const character of text) {
    const advance = font.advanceOf(character.codePointAt(0)!, size);
    // A space at the end of a line takes no room.
    if (used + advance > width && line !== '' && character !== ' ') {
      const cut = breakAt > 0 ? breakAt : line.length;
      lines.push(line.slice(0, cut).trimEnd());
      line = line.slice(cut).trimStart();
      used = textWidth(font, size, line);
      breakAt = 0;
    }
    line += character;
    used += advance;
    if (breakAfter.includes(character)) breakAt = line.length;
  }
  if (line.trim() !== '' || lines.length === 0) lines.push(line.trimEnd());
  return lines;
}

/** Takes characters off in front of the ellipsis until the line fits. */
function shorten(font: OutlineFont, size: number, line: string, width: number): string {
  const characters = [...line.slice(0, -ellipsis.length)];
  while (characters.length > 0 && textWidth(font, size, characters.join('') + ellipsis) > width) characters.pop();
  return characters.join('').trimEnd() + ellipsis;
}
