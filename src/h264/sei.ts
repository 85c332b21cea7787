/** payloadType of the recovery point message (H.264 clause D.1.1). */
const recoveryPoint = 6;

/** The end of the NAL unit, as {@link SeiCursor.next} says it. */
const ended = -1;

/** Bytes of one NAL unit without emulation prevention (H.264 clause 7.4.1). */
class SeiCursor {
  bytes: Uint8Array = new Uint8Array(0);
  at = 0;
  end = 0;
  zeros = 0;

  next(): number {
    if (this.at >= this.end) return ended;
    let byte = this.bytes[this.at++]!;
    if (byte === 3 && this.zeros >= 2) {
      this.zeros = 0;
      if (this.at >= this.end) return ended;
      byte = this.bytes[this.at++]!;
    }
    this.zeros = byte === 0 ? this.zeros + 1 : 0;
    return byte;
  }

  /** Steps over `count` bytes; false when the NAL unit ends before. Keeps its place in locals: messages can be long. */
  skip(count: number): boolean {
    const { bytes, end } = this;
    let { at, zeros } = this;
    for (let left = count; left > 0; left--) {
      if (at < end && zeros >= 2 && bytes[at] === 3) {
        zeros = 0;
        at++;
      }
      if (at >= end) return false;
      zeros = bytes[at] === 0 ? zeros + 1 : 0;
      at++;
    }
    this.at = at;
    this.zeros = zeros;
    return true;
  }

  /** A value in the form of payloadType and payloadSize (clause 7.3.2.3.1), or {@link ended}. */
  extended(): number {
    let value = 0;
    let byte = this.next();
    while (byte === 0xff) {
      value += 255;
      byte = this.next();
    }
    return byte === ended ? ended : value + byte;
  }
}

const cursor = new SeiCursor();

/**
 * recovery_frame_cnt of the first recovery point message in the SEI NAL unit [start, end), header byte included: after that
 * many frames the picture is right, 0 = at once. -1 when there is none. Never throws and does not allocate.
 */
export function recoveryFrameCount(bytes: Uint8Array, start: number, end: number): number {
  cursor.bytes = bytes;
  cursor.at = start + 1;
  cursor.end = end;
  cursor.zeros = 0;
  // Two bytes at the end are the trailing bits at most; a message takes two bytes itself.
  while (cursor.end - cursor.at >= 2) {
    const type = cursor.extended();
    const size = cursor.extended();
    if (type === ended || size === ended) return -1;
    if (type === recoveryPoint) return firstExpGolomb(size);
    if (!cursor.skip(size)) return -1;
  }
  return -1;
}

/** The ue(v) in the next `size` bytes; recovery_frame_cnt fits three of them. */
function firstExpGolomb(size: number): number {
  let bits = 0;
  let count = 0;
  for (let i = 0; i < size && i < 4; i++) {
    const byte = cursor.next();
    if (byte === ended) break;
    bits = bits * 256 + byte;
    count += 8;
  }
  let zeros = 0;
  while (zeros < count && Math.floor(bits / 2 ** (count - 1 - zeros)) % 2 === 0) zeros++;
  if (2 * zeros + 1 > count) return -1;
  return (Math.floor(bits / 2 ** (count - 1 - 2 * zeros)) % 2 ** (zeros + 1)) - 1;
}
