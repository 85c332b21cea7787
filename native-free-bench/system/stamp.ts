/**
 * The mark every generated frame carries: an H.264 SEI NAL unit with user data (ITU-T H.264, D.1.7). It says whose frame it
 * is, its number and when it was due, so that a reader can check identity, loss and order and measure latency.
 * Every payload byte has its top bit set: no emulation prevention can ever be needed, and a relay cannot change the length.
 */

/** Whole SEI NAL unit in bytes, without its length prefix: header, payload type, payload size, 32 bytes, trailing bits. */
export const stampNalLength = 36;
/** Offset of the first changing byte inside the NAL unit: header, type and size (3 bytes), then 16 bytes of identifier. */
export const stampFieldsOffset = 19;

const identifier = Buffer.from('d3a5f19b8ec74bb2a1c6e8f09d84b7ca', 'hex').map((byte) => byte | 0x80);
const low28 = 0x10000000;
/** Lateness does not fit more than this, 21 bits of microseconds. */
const latestUs = 0x1fffff;

/** A new stamp NAL unit; the fields behind the identifier are zero values until `writeStamp` fills them in. */
export function createStampNal(): Buffer {
  const nal = Buffer.alloc(stampNalLength, 0x80);
  nal[0] = 0x06;
  nal[1] = 0x05;
  nal[2] = 32;
  nal.set(identifier, 3);
  return nal;
}

/**
 * Writes the fields at `at` (NAL start + `stampFieldsOffset`): publisher below 2^14, frame below 2^28, due time in
 * monotonic microseconds below 2^49, and by how many microseconds the sender was late (clipped at 2.09 s).
 */
export function writeStamp(
  bytes: Uint8Array,
  at: number,
  publisher: number,
  frame: number,
  dueUs: number,
  lateUs: number,
): void {
  bytes[at] = (publisher >>> 7) | 0x80;
  bytes[at + 1] = publisher | 0x80;
  write28(bytes, at + 2, frame);
  const whole = Math.floor(dueUs);
  const high = Math.floor(whole / low28);
  bytes[at + 6] = (high >>> 14) | 0x80;
  bytes[at + 7] = (high >>> 7) | 0x80;
  bytes[at + 8] = high | 0x80;
  write28(bytes, at + 9, whole % low28);
  const late = lateUs < 0 ? 0 : lateUs > latestUs ? latestUs : lateUs | 0;
  bytes[at + 13] = (late >>> 14) | 0x80;
  bytes[at + 14] = (late >>> 7) | 0x80;
  bytes[at + 15] = late | 0x80;
}

/** The fields of one stamp; one object is reused for every frame. */
export class Stamp {
  publisher = 0;
  frame = 0;
  /** Monotonic microseconds at which the frame was due to be sent. */
  dueUs = 0;
  /** By how many microseconds the sender was late. */
  lateUs = 0;

  /** Fills the fields from the NAL unit that starts at `at`; false if it is not a stamp or does not lie before `end`. */
  read(bytes: Uint8Array, at: number, end: number): boolean {
    if (end - at < stampNalLength || bytes[at] !== 0x06 || bytes[at + 1] !== 0x05 || bytes[at + 2] !== 32) return false;
    for (let i = 0; i < 16; i++) if (bytes[at + 3 + i] !== identifier[i]) return false;
    const fields = at + stampFieldsOffset;
    this.publisher = ((bytes[fields]! & 0x7f) << 7) | (bytes[fields + 1]! & 0x7f);
    this.frame = read28(bytes, fields + 2);
    this.dueUs = read21(bytes, fields + 6) * low28 + read28(bytes, fields + 9);
    this.lateUs = read21(bytes, fields + 13);
    return true;
  }
}

function write28(bytes: Uint8Array, at: number, value: number): void {
  bytes[at] = (value >>> 21) | 0x80;
  bytes[at + 1] = (value >>> 14) | 0x80;
  bytes[at + 2] = (value >>> 7) | 0x80;
  bytes[at + 3] = value | 0x80;
}

function read28(bytes: Uint8Array, at: number): number {
  return ((bytes[at]! & 0x7f) << 21) | read21(bytes, at + 1);
}

function read21(bytes: Uint8Array, at: number): number {
  return ((bytes[at]! & 0x7f) << 14) | ((bytes[at + 1]! & 0x7f) << 7) | (bytes[at + 2]! & 0x7f);
}
