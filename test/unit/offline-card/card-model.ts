import { execFileSync, spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { Canvas } from '../../../src/offline-card/canvas.ts';
import { decodeCardFonts } from '../../../src/offline-card/card-fonts.ts';
import {
  type CardContent,
  cardBands,
  footBand,
  markAddresses,
  markPositions,
} from '../../../src/offline-card/card-layout.ts';
import type { OfflineCard } from '../../../src/offline-card/offline-card.ts';
import { macroblockColumns, Picture, pictureHeight, pictureWidth } from '../../../src/offline-card/picture.ts';
import { type Slice, SliceEncoder } from '../../../src/offline-card/slice-encoder.ts';

export const fonts = decodeCardFonts((name) =>
  readFileSync(resolve(import.meta.dirname, '../../../assets/font', name)),
);

export const example = {
  variant: 'offline',
  name: 'Drone 7 · North gate',
  url: 'rtmp://192.168.10.20:1935/stream7',
  product: 'Skyweir 0.1.0',
  hint: 'The picture returns by itself when a stream arrives',
} as const;

/** Bytes of one decoded picture in planar 4:2:0. */
export const pictureBytes = (pictureWidth * pictureHeight * 3) / 2;

/** What a card looks like, without any coding, and what a right decoder shows of it. */
export class CardModel {
  readonly #encoder = new SliceEncoder();
  readonly #canvas = new Canvas(this.#encoder.canvas);
  readonly #content: CardContent;
  readonly #shown = new Picture();

  constructor(content: CardContent) {
    this.#content = content;
  }

  /** The picture as it was drawn. */
  drawn(step: number): Buffer {
    this.#draw(step);
    return planes(this.#encoder.canvas);
  }

  /** What is to be seen after the IDR of second `step`. */
  idr(step: number): Buffer {
    for (const band of this.#bands(step)) {
      band.draw(this.#canvas);
      encodeRows(this.#encoder, band.firstRow, band.endRow);
    }
    this.#shown.copyRows(this.#encoder.decoded, 0, pictureHeight / 16);
    return planes(this.#shown);
  }

  /** What is to be seen after the change to second `step`. */
  delta(step: number): Buffer {
    if (this.#content.variant === 'plain') return planes(this.#shown);
    const addresses = markAddresses(step % markPositions);
    this.#draw(step);
    this.#encoder.encodeDelta(addresses);
    for (const address of addresses) {
      const x = (address % macroblockColumns) * 16;
      const y = Math.floor(address / macroblockColumns) * 16;
      copySquare(this.#encoder.decoded.luma, this.#shown.luma, x, y, 16, pictureWidth);
      copySquare(this.#encoder.decoded.cb, this.#shown.cb, x / 2, y / 2, 8, pictureWidth / 2);
      copySquare(this.#encoder.decoded.cr, this.#shown.cr, x / 2, y / 2, 8, pictureWidth / 2);
    }
    return planes(this.#shown);
  }

  #bands(step: number) {
    const foot = footBand(this.#content, fonts, step % markPositions);
    return [...cardBands(this.#content, fonts), ...(foot === null ? [] : [foot])];
  }

  #draw(step: number): void {
    for (const band of this.#bands(step)) band.draw(this.#canvas);
  }
}

function copySquare(from: Uint8Array, to: Uint8Array, x: number, y: number, size: number, stride: number): void {
  for (let line = y; line < y + size; line++) {
    const at = line * stride + x;
    to.set(from.subarray(at, at + size), at);
  }
}

function planes(picture: Picture): Buffer {
  return Buffer.concat([picture.luma, picture.cb, picture.cr]);
}

/** The NAL units of an access unit. */
export function unitsOf(accessUnit: Buffer): Buffer[] {
  const units: Buffer[] = [];
  for (let at = 0; at < accessUnit.length; ) {
    const length = accessUnit.readUInt32BE(at);
    units.push(accessUnit.subarray(at + 4, at + 4 + length));
    at += 4 + length;
  }
  return units;
}

/** A card's pictures [first, end) as an Annex B stream; an IDR at the first and at every multiple of ten. */
export function annexB(card: OfflineCard, first: number, end: number): Buffer {
  const startCode = Buffer.from([0, 0, 0, 1]);
  const parts: Buffer[] = [];
  let idrStep = first;
  for (let step = first; step < end; step++) {
    const idr = step === first || step % 10 === 0;
    if (idr) idrStep = step;
    const units = idr ? [card.sps, card.pps, ...unitsOf(card.idr(step))] : unitsOf(card.delta(step, idrStep));
    for (const unit of units) parts.push(startCode, unit);
  }
  return Buffer.concat(parts);
}

/** Decodes with ffmpeg to planar 4:2:0; throws on the least complaint. */
export function decode(stream: Buffer): Buffer[] {
  const result = spawnSync(
    'ffmpeg',
    ['-v', 'warning', '-err_detect', 'explode', '-f', 'h264', '-i', 'pipe:0'].concat([
      '-fps_mode',
      'passthrough',
      '-f',
      'rawvideo',
      '-pix_fmt',
      'yuv420p',
      'pipe:1',
    ]),
    { input: stream, maxBuffer: 1 << 30 },
  );
  const complaints = result.stderr.toString().trim();
  if (complaints !== '' || result.status !== 0) throw new Error(`ffmpeg ended with ${result.status}: ${complaints}`);
  const pictures: Buffer[] = [];
  for (let at = 0; at < result.stdout.length; at += pictureBytes) {
    pictures.push(result.stdout.subarray(at, at + pictureBytes));
  }
  return pictures;
}

/** Why a test with `program` cannot run, or false. In CI it has to run. */
export function missing(program: string): string | false {
  if (process.env['CI']) return false;
  try {
    execFileSync('which', [program], { stdio: 'ignore' });
    return false;
  } catch {
    return `${program} is not installed`;
  }
}

/** All steps of an IDR slice at once. */
export function encodeRows(encoder: SliceEncoder, first: number, end: number): Slice {
  const rows = encoder.encodeIdrRows(first, end);
  for (;;) {
    const { done, value } = rows.next();
    if (done) return value;
  }
}
