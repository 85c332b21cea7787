import { Canvas } from './canvas.ts';
import type { CardFonts } from './card-fonts.ts';
import {
  type Band,
  type CardContent,
  cardBands,
  type FootBand,
  footBand,
  markAddresses,
  markPositions,
} from './card-layout.ts';
import {
  markDelta,
  markIdr,
  pictureParameterSet,
  type Slice,
  SliceEncoder,
  sequenceParameterSet,
} from './slice-encoder.ts';

/** Pictures a second. */
export const cardFps = 1;

/** Pictures from one IDR to the next at most, one picture a second. */
export const idrInterval = 10;

/** Values of frame_num. */
const frameNums = 16;

/** Different small prints whose bands are kept as plans. One for all cameras is best: their bands are then encoded once. */
const mostFeet = 16;

/** Bytes of encoded bands that a store keeps for use again; a card has some 20 kB of its own. */
const defaultMaximumBytes = 32 * 1024 * 1024;

/**
 * Encodes cards and keeps their bands, least recently used first to go. Bands that look the same are encoded once: cards differ by
 * the bands of their name and URL only. One store per thread; it holds 4 MB of pictures to draw on.
 */
export class OfflineCardStore {
  readonly sps = sequenceParameterSet();
  readonly pps = pictureParameterSet();
  readonly #fonts: CardFonts;
  readonly #maximumBytes: number;
  readonly #encoder = new SliceEncoder();
  readonly #canvas = new Canvas(this.#encoder.canvas);
  readonly #slices = new Map<string, Slice>();
  readonly #deltas = new Map<string, Buffer>();
  readonly #feet = new Map<string, readonly (FootBand | null)[]>();
  #bytes = 0;
  /** The band that is being encoded. */
  #begun: { readonly band: Band; readonly rows: Generator<void, Slice> } | null = null;

  constructor(fonts: CardFonts, options: { readonly maximumBytes?: number } = {}) {
    this.#fonts = fonts;
    this.#maximumBytes = options.maximumBytes ?? defaultMaximumBytes;
  }

  /** A card that says `content`. Nothing is encoded before it is asked for. */
  card(content: CardContent): OfflineCard {
    return new OfflineCard(this, cardBands(content, this.#fonts), this.#feetOf(content));
  }

  /** The last band at each position of the mark, shared by all cards with the same small print. */
  #feetOf(content: CardContent): readonly (FootBand | null)[] {
    const key = content.variant === 'plain' ? '' : JSON.stringify([content.variant, content.product, content.hint]);
    const found = this.#feet.get(key);
    if (found !== undefined) return found;
    if (this.#feet.size >= mostFeet) this.#feet.clear();
    const feet = Array.from({ length: markPositions }, (_, position) => footBand(content, this.#fonts, position));
    this.#feet.set(key, feet);
    return feet;
  }

  /** Bytes of encoded bands held. */
  get bytes(): number {
    return this.#bytes;
  }

  /** Whether `slice` has the band at hand. */
  holds(band: Band): boolean {
    return this.#slices.has(band.key);
  }

  /** The encoded band, from the store or made now. */
  slice(band: Band): Slice {
    const found = this.#slices.get(band.key);
    if (found !== undefined) {
      this.#slices.delete(band.key);
      this.#slices.set(band.key, found);
      return found;
    }
    for (;;) {
      const slice = this.#advance(band);
      if (slice !== null) return slice;
    }
  }

  /** Makes the band ready for `slice`, a millisecond or so at each step. */
  *prepare(band: Band): Generator<void, void> {
    while (!this.holds(band) && this.#advance(band) === null) yield;
  }

  /** Draws the band, or encodes a row of it. Returns the slice after the last; null before. */
  #advance(band: Band): Slice | null {
    if (this.#begun?.band.key !== band.key) {
      this.#finish();
      band.draw(this.#canvas);
      this.#begun = { band, rows: this.#encoder.encodeIdrRows(band.firstRow, band.endRow) };
      return null;
    }
    const { done, value } = this.#begun.rows.next();
    if (!done) return null;
    this.#begun = null;
    this.#keep(band, value);
    return value;
  }

  /** There is one canvas, and one encoder. */
  #finish(): void {
    while (this.#begun !== null) this.#advance(this.#begun.band);
  }

  #keep(band: Band, slice: Slice): void {
    this.#slices.set(band.key, slice);
    this.#bytes += slice.unit.length;
    for (const [key, oldest] of this.#slices) {
      if (this.#bytes <= this.#maximumBytes) break;
      this.#slices.delete(key);
      this.#bytes -= oldest.unit.length;
    }
  }

  /** The P picture that moves the mark to where `foot` has it; `foot` null: nothing moves. There are 336 of some 500 bytes in all. */
  delta(foot: FootBand | null, position: number, frameNum: number): Buffer {
    const key = `${foot?.markKey ?? 'plain'} ${frameNum}`;
    const found = this.#deltas.get(key);
    if (found !== undefined) return found;
    this.#finish();
    foot?.draw(this.#canvas);
    const delta = markDelta(this.#encoder.encodeDelta(foot === null ? [] : markAddresses(position)), frameNum);
    this.#deltas.set(key, delta);
    return delta;
  }
}

/**
 * The H.264 stream of one camera while nobody publishes: one picture a second, 1280x720, constrained baseline. Pictures come as access
 * units of 4-byte length-prefixed NAL units without parameter sets; those are `sps` and `pps`.
 */
export class OfflineCard {
  readonly sps: Buffer;
  readonly pps: Buffer;
  readonly #store: OfflineCardStore;
  readonly #bands: readonly Band[];
  readonly #feet: readonly (FootBand | null)[];

  constructor(store: OfflineCardStore, bands: readonly Band[], feet: readonly (FootBand | null)[]) {
    this.#store = store;
    this.#bands = bands;
    this.#feet = feet;
    this.sps = store.sps;
    this.pps = store.pps;
  }

  /** The same for cards that look the same. */
  get key(): string {
    return this.#bands.map(({ key }) => key).join();
  }

  /** Whether `idr` only has to copy; else it encodes, some 6 ms. */
  get ready(): boolean {
    return this.#bands.every((band) => this.#store.holds(band));
  }

  /** Encodes what `idr` needs, a millisecond or so at each step. */
  *prepare(): Generator<void, void> {
    for (const band of this.#bands) yield* this.#store.prepare(band);
  }

  /** The same, and the mark at each place and most of its moves, which all cards share. */
  *prepareAll(): Generator<void, void> {
    yield* this.prepare();
    for (const foot of this.#feet) if (foot !== null) yield* this.#store.prepare(foot);
    for (let step = 1; step < idrInterval; step++) {
      this.delta(step, 0);
      yield;
    }
  }

  /** The whole picture at second `step` (any whole number >= 0); a new buffer. Of two in a row one second must be odd and one even. */
  idr(step: number): Buffer {
    const slices = this.#bands.map((band) => this.#store.slice(band));
    const foot = this.#feet[step % markPositions]!;
    if (foot !== null) slices.push(this.#store.slice(foot));
    const into = Buffer.allocUnsafe(slices.reduce((sum, slice) => sum + 4 + slice.unit.length, 0));
    let at = 0;
    // idr_pic_id has to differ between two IDR pictures in a row (H.264 clause 7.4.3).
    for (const slice of slices) at = markIdr(slice, step % 2 === 1, into, at);
    return into;
  }

  /**
   * The picture at second `step`, as the change from second `step - 1`, to a reader whose last IDR was `idr(idrStep)` and who has had every
   * picture since. Some 500 bytes; the buffer is shared, do not write to it.
   */
  delta(step: number, idrStep: number): Buffer {
    const position = step % markPositions;
    return this.#store.delta(this.#feet[position]!, position, (step - idrStep) % frameNums);
  }
}
