import { limits } from '../base/limits.ts';
import { type NalList, usualNalHeader } from './nal-unit.ts';

/** The three bytes every start code ends in. */
const startCode = Buffer.from([0, 0, 1]);

/**
 * Start codes that this thread has looked at so far, and as many times {@link bytesPerSearch} bytes that it has searched one by one: what
 * a search cost is the difference.
 */
export const searches = { count: 0 };

/** Bytes that are searched one by one in the time that a start code takes. */
export const bytesPerSearch = 64;

/** What {@link searches} may reach in a search that begins now. */
export function searchEnd(): number {
  return searches.count + limits.h264.searchedStartCodes;
}

/** Whether [start, end) begins with a 3- or 4-byte start code (H.264 annex B.1.1), possibly behind more zero bytes. */
export function beginsWithStartCode(bytes: Uint8Array, start: number, end: number): boolean {
  let at = start;
  while (at < end && bytes[at] === 0) at++;
  return at - start >= 2 && at < end && bytes[at] === 1;
}

/**
 * The offset of the first start code's `00 00 01` in [start, end) that has a usual NAL unit header behind it, or -1.
 * Inside a well-formed NAL unit there is none: emulation prevention sees to that (clause 7.4.1). But some encoders put
 * binary data into SEI without it, hence the look at the header. `last` is a {@link searchEnd}.
 */
export function findStartCode(bytes: Buffer, start: number, end: number, last = searchEnd()): number {
  // The native search cannot be told where to stop, so it gets a view that stops there.
  const view = bytes.subarray(start, end);
  let at = view.indexOf(startCode);
  while (at >= 0 && at + 3 < view.length && searches.count < last) {
    searches.count++;
    if (usualNalHeader(view[at + 3]!)) return start + at;
    at = view.indexOf(startCode, at + 1);
  }
  return -1;
}

/**
 * Adds the NAL units of the byte stream [start, end) to `list`, without start codes and trailing zero bytes. Bytes in front of
 * the first start code are a NAL unit of their own when `headless`, else they are left out. `last` is a {@link searchEnd}. Returns
 * false when the list is full, or there are too many start codes.
 */
export function listAnnexB(
  list: NalList,
  bytes: Buffer,
  start: number,
  end: number,
  headless = false,
  last = searchEnd(),
): boolean {
  const view = bytes.subarray(start, end);
  let unit = headless ? 0 : -1;
  let code = view.indexOf(startCode);
  // Those that nothing stands between are no NAL units, but each is a search.
  while (code >= 0) {
    if (searches.count >= last) return false;
    searches.count++;
    if (unit >= 0 && !addTrimmed(list, view, start, unit, code)) return false;
    unit = code + 3;
    code = view.indexOf(startCode, unit);
  }
  return unit < 0 || addTrimmed(list, view, start, unit, view.length);
}

/** A NAL unit never ends in a zero byte (clause 7.4.1); those before a start code belong to the byte stream. */
function addTrimmed(list: NalList, view: Buffer, base: number, from: number, to: number): boolean {
  let end = to;
  while (end > from && view[end - 1] === 0) end--;
  return end === from || list.add(base + from, base + end);
}

/** Copies NAL units into one byte stream with 4-byte start codes, for fixtures and files. */
export function joinAnnexB(units: readonly Uint8Array[]): Buffer {
  return Buffer.concat(units.flatMap((unit) => [Buffer.from([0, 0, 0, 1]), unit]));
}
