import { readU32 } from '../base/bytes.ts';
import { bytesPerSearch, searchEnd, searches } from './annexb.ts';
import { nalType, usualNalHeader } from './nal-unit.ts';
import { recoveryFrameCount } from './sei.ts';
import { SliceHeader, startsNewPicture } from './slice-header.ts';
import type { SpsFacts } from './sps.ts';

/** Bytes. Non-VCL units up to this size are searched for start codes every time: that is where careless muxers leave them. */
const smallUnitBytes = 512;

/** The heads of two slices that are compared. Of use within one walk only, so one pair serves every stream. */
const first = new SliceHeader();
const next = new SliceHeader();

/**
 * What one walk over length-prefixed NAL units finds out about an access unit; one object is used again and again.
 *
 * The walk ends at the end of the bytes, or in front of the first NAL unit of the next picture if there are several.
 */
export class AccessUnit {
  /** Offset behind the last NAL unit that belongs to the access unit. */
  end = 0;
  /** Stray bytes behind the last NAL unit: 0 to 3. */
  stray = 0;
  /** A NAL unit length reaches past the end, or there are more of them than allowed. */
  truncated = false;
  /** NAL units that the walk met, empty ones and the one that it stopped at included. */
  looked = 0;
  /** Another picture starts at `end`. */
  more = false;
  /** NAL units that are not empty, and those of them that hold slices (types 1 to 5). */
  units = 0;
  vcl = 0;
  idr = false;
  sps = false;
  pps = false;
  /** The first slice does not start at macroblock 0: the message goes on with a picture that another one began. */
  continues = false;
  /** Every slice is an I or SI slice. Looked at only when SPS and PPS are here and no IDR slice is. */
  allIntra = false;
  /** recovery_frame_cnt of a recovery point message, -1 without. */
  recoveryFrames = -1;
  /** A start code with a usual NAL unit header behind it lies inside a small non-VCL unit. */
  embedded = false;

  /** NAL unit of the first slice. */
  #firstStart = -1;
  #firstEnd = 0;
  /** Prefix of the first non-VCL unit behind the last slice: there the next access unit would start (clause 7.4.1.2.3). */
  #boundary = -1;
  /** What {@link searches} may reach. */
  #lastSearch = 0;

  /**
   * Walks [start, end) of `bytes`, as far as `mostUnits` NAL units. `sps` is needed to tell fields and redundant slices from new
   * pictures. What is searched byte by byte is left alone from where `last`, a {@link searchEnd}, is reached. Never throws.
   */
  examine(
    bytes: Uint8Array,
    start: number,
    end: number,
    sps: SpsFacts | null,
    mostUnits: number,
    last = searchEnd(),
  ): void {
    this.#reset();
    this.#lastSearch = last;
    let at = start;
    let looked = 0;
    while (end - at >= 4) {
      const length = readU32(bytes, at);
      const unit = at + 4;
      looked++;
      if (length > end - unit || looked > mostUnits) {
        this.looked = looked;
        this.truncated = true;
        return;
      }
      if (length > 0 && this.#startsNext(bytes, at, unit, unit + length, sps)) {
        this.looked = looked;
        this.more = true;
        this.end = this.#boundary < 0 ? at : this.#boundary;
        this.#finish(bytes, start);
        return;
      }
      at = unit + length;
    }
    this.looked = looked;
    this.end = at;
    this.stray = end - at;
    this.#finish(bytes, start);
  }

  /** Takes over what is known of the picture in `from`, though not where it lies. */
  copy(from: AccessUnit): void {
    this.units = from.units;
    this.vcl = from.vcl;
    this.idr = from.idr;
    this.sps = from.sps;
    this.pps = from.pps;
    this.continues = from.continues;
    this.allIntra = from.allIntra;
    this.recoveryFrames = from.recoveryFrames;
    this.embedded = from.embedded;
  }

  /** Adds what another message brought of the same picture. */
  absorb(more: AccessUnit): void {
    this.units += more.units;
    this.vcl += more.vcl;
    this.idr ||= more.idr;
    this.sps ||= more.sps;
    this.pps ||= more.pps;
    this.allIntra = false;
    if (this.recoveryFrames < 0) this.recoveryFrames = more.recoveryFrames;
  }

  #reset(): void {
    this.end = 0;
    this.stray = 0;
    this.truncated = false;
    this.more = false;
    this.units = 0;
    this.vcl = 0;
    this.idr = false;
    this.sps = false;
    this.pps = false;
    this.continues = false;
    this.allIntra = false;
    this.recoveryFrames = -1;
    this.embedded = false;
    this.#firstStart = -1;
    this.#boundary = -1;
  }

  /** Takes one NAL unit in; returns true, and leaves it out, when it starts another picture. */
  #startsNext(bytes: Uint8Array, prefix: number, start: number, end: number, sps: SpsFacts | null): boolean {
    const type = bytes[start]! & 0x1f;
    if (type === nalType.slice || type === nalType.idr || type === nalType.partitionA) {
      // first_mb_in_slice is the first ue(v) of a slice; its value is 0 when its first bit is 1.
      if (end - start > 1) {
        const atFirstMb = bytes[start + 1]! >= 0x80;
        if (this.#firstStart < 0) {
          this.#firstStart = start;
          this.#firstEnd = end;
          this.continues = !atFirstMb;
        } else if (atFirstMb && this.#isNewPicture(bytes, start, end, sps)) return true;
      }
      if (type === nalType.idr) this.idr = true;
      this.vcl++;
      this.#boundary = -1;
    } else if (type > nalType.slice && type < nalType.idr) {
      this.vcl++;
      this.#boundary = -1;
    } else {
      if (this.vcl > 0 && this.#boundary < 0 && startsAccessUnit(type)) this.#boundary = prefix;
      if (type === nalType.sps || type === nalType.pps || type === nalType.sei) {
        const isSearched = end - start <= smallUnitBytes && this.#searched(start + 1, end) === end;
        if (isSearched && holdsStartCode(bytes, start + 1, end)) this.embedded = true;
      }
    }
    this.units++;
    return false;
  }

  /** How far [start, end) may be searched byte by byte, which is charged. */
  #searched(start: number, end: number): number {
    const most = bytesPerSearch * Math.max(0, this.#lastSearch - searches.count);
    const length = Math.min(end - start, most);
    searches.count += Math.floor(length / bytesPerSearch);
    return start + length;
  }

  #isNewPicture(bytes: Uint8Array, start: number, end: number, sps: SpsFacts | null): boolean {
    if (!first.read(bytes, this.#firstStart, this.#firstEnd, sps)) return true;
    if (!next.read(bytes, start, end, sps)) return true;
    return startsNewPicture(first, next);
  }

  /** What depends on the NAL units that really belong to this access unit: a second, rarer look at some of them. */
  #finish(bytes: Uint8Array, start: number): void {
    if (this.units === this.vcl) return;
    let at = start;
    while (at < this.end) {
      const length = readU32(bytes, at);
      at += 4;
      if (length > 0) {
        const type = bytes[at]! & 0x1f;
        if (type === nalType.sps) this.sps = true;
        else if (type === nalType.pps) this.pps = true;
        else if (type === nalType.sei && this.recoveryFrames < 0 && !this.idr)
          this.recoveryFrames = recoveryFrameCount(bytes, at, this.#searched(at, at + length));
      }
      at += length;
    }
    if (this.sps && this.pps && this.vcl > 0 && !this.idr) this.allIntra = this.#onlyIntra(bytes, start);
  }

  #onlyIntra(bytes: Uint8Array, start: number): boolean {
    let at = start;
    while (at < this.end) {
      const length = readU32(bytes, at);
      at += 4;
      const type = length > 0 ? bytes[at]! & 0x1f : 0;
      if (type === nalType.slice || type === nalType.partitionA) {
        if (!next.read(bytes, at, at + length, null) || !next.intra) return false;
      }
      at += length;
    }
    return true;
  }
}

/** NAL unit types that start a new access unit when they come behind the last slice of the one before (clause 7.4.1.2.3). */
function startsAccessUnit(type: number): boolean {
  return (type >= nalType.sei && type <= nalType.delimiter) || (type >= 14 && type <= 18);
}

function holdsStartCode(bytes: Uint8Array, start: number, end: number): boolean {
  for (let at = start; at < end - 3; at++) {
    if (bytes[at] === 0 && bytes[at + 1] === 0 && bytes[at + 2] === 1 && usualNalHeader(bytes[at + 3]!)) return true;
  }
  return false;
}
