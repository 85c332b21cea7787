import { arc, type Canvas, disc, stroke, textWidth } from './canvas.ts';
import type { CardFonts } from './card-fonts.ts';
import { macroblockAt } from './macroblock-encoder.ts';
import type { OutlineFont } from './outline-font.ts';
import { type Colour, colourOf, macroblockRows, pictureWidth } from './picture.ts';
import { cleanText, fitText, type TextBlock, type TextSize } from './text-layout.ts';

/** What a card says. */
export type CardContent =
  /** Nobody publishes: where to publish to. `hint` is one line of small print, '' for none. */
  | {
      readonly variant: 'offline';
      readonly name: string;
      readonly url: string;
      readonly product: string;
      readonly hint: string;
    }
  /** Nobody can publish, and why. */
  | {
      readonly variant: 'error';
      readonly name: string;
      readonly reason: string;
      readonly product: string;
      readonly hint: string;
    }
  /** Nothing but a grey picture. */
  | { readonly variant: 'plain' };

/** A band of the card: whole macroblock rows, encoded as one slice. Two bands with the same key look the same. */
export interface Band {
  readonly key: string;
  readonly firstRow: number;
  readonly endRow: number;
  draw(canvas: Canvas): void;
}

/** The band that the mark moves in. Bands with the same `markKey` differ in their small print at most. */
export interface FootBand extends Band {
  readonly markKey: string;
}

/** Places that the moving mark walks through, one a second. */
export const markPositions = 10;

const background = colourOf('#23282f');
const panel = colourOf('#181c21');
const panelEdge = colourOf('#39424d');
const white = colourOf('#f2f5f8');
const grey = colourOf('#a3aebb');
const dim = colourOf('#4a5563');
const plainGrey = colourOf('#333333');
const accents: Record<'offline' | 'error', Colour> = { offline: colourOf('#58c4f6'), error: colourOf('#ff6b61') };

/** Macroblock rows at which the bands begin, the last number being the end. */
const bandRows = { icon: 0, name: 11, status: 20, detail: 29, foot: 37, end: macroblockRows } as const;

const textWidthLimit = 1136;
const centre = pictureWidth / 2;

const nameSizes: readonly TextSize[] = [
  { size: 84, lines: 1 },
  { size: 68, lines: 1 },
  { size: 50, lines: 2 },
];
const urlSizes: readonly TextSize[] = [
  { size: 40, lines: 1 },
  { size: 34, lines: 1 },
  { size: 30, lines: 2 },
  { size: 24, lines: 3 },
];
const reasonSizes: readonly TextSize[] = [
  { size: 34, lines: 1 },
  { size: 30, lines: 2 },
  { size: 26, lines: 3 },
];

/** Line of the picture that the panel is centred on. */
const detailMiddle = 526;

/** Size of the small print; it is written below the track, where no change of the mark reaches. */
const smallPrint = 22;

/** The bands of a card from top to bottom, without the last one, which moves: see `footBand`. */
export function cardBands(content: CardContent, fonts: CardFonts): readonly Band[] {
  if (content.variant === 'plain') return [plainBand];
  const { variant } = content;
  return [
    iconBand(variant),
    nameBand(cleanText(content.name), fonts),
    statusBand(variant, fonts),
    detailBand(content, fonts),
  ];
}

/** The last band, with the mark at `position`; null for a card on which nothing moves. */
export function footBand(content: CardContent, fonts: CardFonts, position: number): FootBand | null {
  if (content.variant === 'plain') return null;
  const { variant } = content;
  const product = cleanText(content.product);
  const hint = cleanText(content.hint);
  return {
    key: JSON.stringify(['foot', variant, product, hint, position]),
    markKey: `${variant} ${position}`,
    firstRow: bandRows.foot,
    endRow: bandRows.end,
    draw(canvas) {
      canvas.picture.fillRows(bandRows.foot, bandRows.end, background);
      drawTrack(canvas, variant, position);
      const lines = fitText(
        fonts.regular,
        [product, hint].filter(Boolean).join('   ·   '),
        textWidthLimit,
        [{ size: smallPrint, lines: 1 }],
        ' ',
      );
      drawLines(canvas, fonts.regular, lines, 684, grey);
    },
  };
}

const plainBand: Band = {
  key: 'plain',
  firstRow: 0,
  endRow: macroblockRows,
  draw(canvas) {
    canvas.picture.fillRows(0, macroblockRows, plainGrey);
  },
};

function iconBand(variant: 'offline' | 'error'): Band {
  return {
    key: JSON.stringify(['icon', variant]),
    firstRow: bandRows.icon,
    endRow: bandRows.name,
    draw(canvas) {
      canvas.picture.fillRows(bandRows.icon, bandRows.name, background);
      drawAntenna(canvas, centre, 94, accents[variant]);
    },
  };
}

function nameBand(name: string, fonts: CardFonts): Band {
  return {
    key: JSON.stringify(['name', name]),
    firstRow: bandRows.name,
    endRow: bandRows.status,
    draw(canvas) {
      canvas.picture.fillRows(bandRows.name, bandRows.status, background);
      drawLines(canvas, fonts.bold, fitText(fonts.bold, name, textWidthLimit, nameSizes, ' -_/'), 252, white);
    },
  };
}

function statusBand(variant: 'offline' | 'error', fonts: CardFonts): Band {
  return {
    key: JSON.stringify(['status', variant]),
    firstRow: bandRows.status,
    endRow: bandRows.detail,
    draw(canvas) {
      canvas.picture.fillRows(bandRows.status, bandRows.detail, background);
      const title = variant === 'error' ? 'Server error' : 'Stream offline';
      drawLines(canvas, fonts.bold, { size: 54, lines: [title] }, 352, accents[variant]);
      const label = variant === 'error' ? 'Streams cannot be received' : 'Push your RTMP stream to';
      drawLines(canvas, fonts.regular, { size: 30, lines: [label] }, 434, grey);
    },
  };
}

function detailBand(content: CardContent & { variant: 'offline' | 'error' }, fonts: CardFonts): Band {
  const error = content.variant === 'error';
  const detail = cleanText(error ? content.reason : content.url);
  return {
    key: JSON.stringify(['detail', content.variant, detail]),
    firstRow: bandRows.detail,
    endRow: bandRows.foot,
    draw(canvas) {
      canvas.picture.fillRows(bandRows.detail, bandRows.foot, background);
      if (detail === '') return;
      const font = error ? fonts.regular : fonts.mono;
      const block = fitText(font, detail, textWidthLimit, error ? reasonSizes : urlSizes, error ? ' ' : '/?&=-_. ');
      drawPanel(canvas, font, block, detailMiddle);
      drawLines(canvas, font, block, detailMiddle, white);
    },
  };
}

/** A box around a block of lines centred on `middle`. */
function drawPanel(canvas: Canvas, font: OutlineFont, block: TextBlock, middle: number): void {
  const longest = Math.max(...block.lines.map((line) => textWidth(font, block.size, line)));
  // Multiples of four keep the corners on even coordinates.
  const width = 4 * Math.ceil((longest + 64) / 4);
  const height = Math.max(76, 4 * Math.round((block.lines.length * lineHeight(block.size) + 28) / 4));
  const left = centre - width / 2;
  const top = middle - height / 2;
  canvas.roundedRectangle(left, top, width, height, 12, panelEdge);
  canvas.roundedRectangle(left + 2, top + 2, width - 4, height - 4, 10, panel);
}

function lineHeight(size: number): number {
  return Math.round(size * 1.2);
}

/** Draws the lines one below the other, centred on the picture and, by the height of capitals, on `middle`. */
function drawLines(canvas: Canvas, font: OutlineFont, block: TextBlock, middle: number, colour: Colour): void {
  const { size, lines } = block;
  const first = middle - ((lines.length - 1) * lineHeight(size)) / 2 + size * 0.36;
  for (const [i, line] of lines.entries()) {
    const x = Math.round(centre - textWidth(font, size, line) / 2);
    canvas.text(font, size, line, x, Math.round(first + i * lineHeight(size)), colour);
  }
}

/** An antenna mast that radiates to both sides. */
function drawAntenna(canvas: Canvas, x: number, y: number, accent: Colour): void {
  const box = [x - 90, y - 70, 180, 150] as const;
  canvas.shape(...box, stroke(x - 26, y + 66, x - 2, y, 9), white);
  canvas.shape(...box, stroke(x + 26, y + 66, x + 2, y, 9), white);
  canvas.shape(...box, stroke(x - 15, y + 42, x + 15, y + 42, 8), white);
  for (const direction of [0, Math.PI]) {
    canvas.shape(...box, arc(x, y, 38, direction, Math.PI / 4.4, 9), accent);
    canvas.shape(...box, arc(x, y, 64, direction, Math.PI / 4.4, 9), dim);
  }
  canvas.shape(...box, disc(x, y, 15), accent);
}

/** The track: places of two by two macroblocks with two free columns between them, so that each can be coded on its own. */
const trackColumn = 21;
const trackRow = 38;
const placeColumns = 4;

function drawTrack(canvas: Canvas, variant: 'offline' | 'error', position: number): void {
  for (let place = 0; place < markPositions; place++) {
    const x = (trackColumn + place * placeColumns) * 16 + 16;
    const y = trackRow * 16 + 16;
    const lit = place === position;
    canvas.shape(x - 16, y - 16, 32, 32, disc(x, y, lit ? 12 : 6), lit ? accents[variant] : dim);
  }
}

/** The macroblocks that differ between the mark at `position` and one step before, ascending. */
export function markAddresses(position: number): number[] {
  const addresses: number[] = [];
  for (const place of [position, (position + markPositions - 1) % markPositions]) {
    const column = trackColumn + place * placeColumns;
    for (const row of [trackRow, trackRow + 1])
      addresses.push(macroblockAt(column, row), macroblockAt(column + 1, row));
  }
  return addresses.sort((a, b) => a - b);
}
