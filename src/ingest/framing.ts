import { beginsWithStartCode, findStartCode, listAnnexB, searchEnd } from '../h264/annexb.ts';
import { listLengthPrefixed, NalList, nalType, plausibleNalHeader, usualNalHeader } from '../h264/nal-unit.ts';

/** How the NAL units of a stream are told apart: by a length of 1 to 4 bytes in front of each, or one of these. */
const unknown = 0;
const byteStream = 5;

/** Knows, or finds out, how the NAL units of one stream are told apart. */
export class Framing {
  /** The newest message was a byte stream although lengths were announced. */
  foundByteStream = false;
  /** The newest message had stray bytes behind its last NAL unit. */
  stray = false;
  #kind: number = unknown;
  readonly #splitList = new NalList();

  /** Bytes of a NAL unit length; 0 while unknown, 5 for a byte stream. */
  get lengthSize(): number {
    return this.#kind;
  }

  /** A sequence header says how; it says 0 when it does not know itself. */
  announce(lengthSize: number): void {
    if (lengthSize > 0) this.#kind = lengthSize;
  }

  /**
   * Lists the NAL units of a message. `mixed`: byte streams were seen where lengths were announced. Returns false when the
   * message makes no sense in any framing.
   */
  list(list: NalList, bytes: Buffer, start: number, end: number, mixed: boolean): boolean {
    this.foundByteStream = false;
    this.stray = false;
    if (this.#kind === unknown) return this.#guess(list, bytes, start, end);
    if (this.#kind === byteStream)
      return walksExactly(list, bytes, start, end, 4) || listByteStream(list, bytes, start, end);
    if (mixed && (walksExactly(list, bytes, start, end, this.#kind) || listByteStream(list, bytes, start, end)))
      return true;
    const left = listLengthPrefixed(list, bytes, start, end, this.#kind);
    this.stray = left > 0;
    if (left >= 0) return true;
    if (listByteStream(list, bytes, start, end)) {
      this.foundByteStream = true;
      return true;
    }
    if (this.#kind === 4 || !walksExactly(list, bytes, start, end, 4)) return false;
    this.#kind = 4;
    return true;
  }

  /** The units of `list` without start codes inside them; the result is valid until the next call. */
  split(list: NalList, bytes: Buffer): NalList {
    return splitAtStartCodes(this.#splitList, list, bytes) ? this.#splitList : list;
  }

  #guess(list: NalList, bytes: Buffer, start: number, end: number): boolean {
    const kind = guessFraming(list, bytes, start, end);
    if (kind === unknown) {
      // Empty units only say nothing yet.
      return listLengthPrefixed(list, bytes, start, end, 4) >= 0 && list.count === 0;
    }
    if (holdsSlice(list, bytes)) this.#kind = kind;
    return true;
  }
}

/**
 * Guesses the framing of a message of a stream that has no sequence header and lists its NAL units. An exact walk over 4-byte
 * lengths comes first, since `00 00 01 xx` can be a length too; then a byte stream, then lengths of 2 and 1 byte. Returns the
 * framing: 1, 2, 4, or 5 for a byte stream; 0 when nothing fits.
 */
export function guessFraming(list: NalList, bytes: Buffer, start: number, end: number): number {
  if (walksExactly(list, bytes, start, end, 4)) return 4;
  if (listByteStream(list, bytes, start, end)) return byteStream;
  if (walksExactly(list, bytes, start, end, 2)) return 2;
  if (walksExactly(list, bytes, start, end, 1)) return 1;
  return unknown;
}

/** Whether the lengths end exactly where the message ends, and every NAL unit header can be one. */
function walksExactly(list: NalList, bytes: Buffer, start: number, end: number, lengthSize: number): boolean {
  if (listLengthPrefixed(list, bytes, start, end, lengthSize) !== 0 || !plausible(list, bytes)) return false;
  // `00 00 01 09` is a length of 265, and in a byte stream a delimiter. There a slice follows behind another start code.
  const first = list.starts[0]!;
  if (!beginsWithStartCode(bytes, start, end) || findStartCode(bytes, first, list.ends[0]!) < 0) return true;
  // But one length may be around a whole picture, start codes and all. Second bytes of NAL units look like no header, but for SEI's.
  return usualNalHeader(bytes[first]!) && bytes[first - 1] !== nalType.sei;
}

/** Lists the NAL units if the message begins with a start code. */
export function listByteStream(list: NalList, bytes: Buffer, start: number, end: number): boolean {
  list.clear();
  return beginsWithStartCode(bytes, start, end) && listAnnexB(list, bytes, start, end) && plausible(list, bytes);
}

function plausible(list: NalList, bytes: Buffer): boolean {
  for (let i = 0; i < list.count; i++) if (!plausibleNalHeader(bytes[list.starts[i]!]!)) return false;
  return list.count > 0;
}

/** Whether a list holds a slice: only then is a guess worth keeping. */
function holdsSlice(list: NalList, bytes: Buffer): boolean {
  for (let i = 0; i < list.count; i++) {
    const type = bytes[list.starts[i]!]! & 0x1f;
    if (type >= nalType.slice && type <= nalType.idr) return true;
  }
  return false;
}

/**
 * Splits every NAL unit of `from` at the start codes inside it, into `into`. Returns false when the list is full, or there are too
 * many start codes.
 */
export function splitAtStartCodes(into: NalList, from: NalList, bytes: Buffer): boolean {
  into.clear();
  const last = searchEnd();
  for (let i = 0; i < from.count; i++) {
    const start = from.starts[i]!;
    const end = from.ends[i]!;
    const code = findStartCode(bytes, start, end, last);
    const added = code < 0 ? into.add(start, end) : listAnnexB(into, bytes, start, end, true, last);
    if (!added) return false;
  }
  return true;
}
