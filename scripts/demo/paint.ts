/** Colours and signs of the demo's output, each with a plain form. */

/** What a piece of text says by its colour. */
export type Tone = 'plain' | 'bold' | 'dim' | 'good' | 'notice' | 'bad' | 'accent';

const codes: Readonly<Record<Tone, string>> = {
  plain: '',
  bold: '1',
  dim: '2',
  good: '32',
  notice: '33',
  bad: '31',
  accent: '36',
};

/** How to write: with colours or not, with signs beyond ASCII or not. */
export interface Paint {
  readonly colour: boolean;
  readonly unicode: boolean;
}

/** `text` in its colour. */
export function paint(text: string, tone: Tone, { colour }: Paint): string {
  return colour && tone !== 'plain' && text !== '' ? `\x1b[${codes[tone]}m${text}\x1b[0m` : text;
}

const blocks = '▁▂▃▄▅▆▇█';
const asciiBlocks = '.:-=+*%@';

/** A bar for each value, the largest full. Zero is a blank. */
export function sparkline(values: readonly number[], { unicode }: Paint): string {
  const top = Math.max(...values);
  const signs = unicode ? blocks : asciiBlocks;
  return values.map((value) => (value <= 0 ? ' ' : signs[barHeight(value / top)]!)).join('');
}

/** 0 to 7. What is almost the largest counts as full, so that a steady rate is a flat line although its counts vary by one. */
function barHeight(share: number): number {
  return share >= 0.9 ? 7 : Math.ceil(share * 8) - 1;
}

/** Whether the terminal will show more than ASCII, from the usual variables. */
export function showsUnicode(environment: Readonly<Record<string, string | undefined>>, platform: string): boolean {
  if (platform === 'win32') return environment['WT_SESSION'] !== undefined || environment['TERM_PROGRAM'] !== undefined;
  const locale = environment['LC_ALL'] || environment['LC_CTYPE'] || environment['LANG'] || '';
  return /utf-?8/i.test(locale) || (locale === '' && platform === 'darwin');
}
