/**
 * Bytes of vectors, written without the code under test: chunk headers by their fields, AMF0 values by their markers.
 */
import { crc32 } from 'node:zlib';

/** Joins what vectors are made of; strings are hex and may hold blanks. */
export function bytes(...parts: (Uint8Array | string | number[])[]): Buffer {
  return Buffer.concat(
    parts.map((part) =>
      typeof part === 'string' ? Buffer.from(part.replaceAll(/\s/g, ''), 'hex') : Buffer.from(part),
    ),
  );
}

/** A body of `length` bytes that differs from others with another `seed`. */
export function body(length: number, seed = 1): Buffer {
  return Buffer.from(Array.from({ length }, (_, i) => (seed * 37 + i * 11 + (i >> 5)) & 0xff));
}

/** Basic header (RTMP 1.0, clause 5.3.1.1); `form` is its length in bytes, by default the shortest. */
export function basic(fmt: number, csid: number, form?: 1 | 2 | 3): Buffer {
  const length = form ?? (csid < 64 ? 1 : csid < 320 ? 2 : 3);
  if (length === 1) return Buffer.from([(fmt << 6) | csid]);
  if (length === 2) return Buffer.from([fmt << 6, csid - 64]);
  return Buffer.from([(fmt << 6) | 1, (csid - 64) & 0xff, (csid - 64) >> 8]);
}

export function u24(value: number): Buffer {
  return Buffer.from([value >>> 16, value >>> 8, value]);
}

export function u32(value: number): Buffer {
  return Buffer.from([value >>> 24, value >>> 16, value >>> 8, value]);
}

/** fmt 0 message header; from 0xFFFFFF on with extended timestamp. */
export function fmt0(csid: number, time: number, length: number, type: number, stream = 1, form?: 1 | 2 | 3): Buffer {
  const id = Buffer.alloc(4);
  id.writeUInt32LE(stream);
  return bytes(basic(0, csid, form), field(time), u24(length), [type], id, extension(time));
}

export function fmt1(csid: number, delta: number, length: number, type: number, form?: 1 | 2 | 3): Buffer {
  return bytes(basic(1, csid, form), field(delta), u24(length), [type], extension(delta));
}

export function fmt2(csid: number, delta: number, form?: 1 | 2 | 3): Buffer {
  return bytes(basic(2, csid, form), field(delta), extension(delta));
}

/** fmt 3; `extended` is the timestamp that the sender repeats. */
export function fmt3(csid: number, extended?: number, form?: 1 | 2 | 3): Buffer {
  return bytes(basic(3, csid, form), extended === undefined ? [] : u32(extended));
}

function field(time: number): Buffer {
  return u24(Math.min(time, 0xffffff));
}

function extension(time: number): Buffer | number[] {
  return time >= 0xffffff ? u32(time) : [];
}

/** A whole message, fmt 0 first and fmt 3 after each `chunkSize` bytes. */
export function message(
  csid: number,
  type: number,
  stream: number,
  time: number,
  content: Uint8Array,
  chunkSize = 128,
): Buffer {
  const parts: Uint8Array[] = [fmt0(csid, time, content.length, type, stream)];
  for (let at = 0; at < content.length; at += chunkSize) {
    if (at > 0) parts.push(time >= 0xffffff ? fmt3(csid, time) : fmt3(csid));
    parts.push(content.subarray(at, at + chunkSize));
  }
  return Buffer.concat(parts);
}

/** What a decoder has to say about a message. */
export function event(csid: number, type: number, stream: number, time: number, content: Uint8Array): string {
  return `message csid=${csid} type=${type} stream=${stream} time=${time} ${digest(content)}`;
}

/** Length and checksum of a body. */
export function digest(content: Uint8Array): string {
  return `bytes=${content.length} crc=${crc32(content).toString(16).padStart(8, '0')}`;
}

/** AMF0 values, each as its marker and body. */
export const amf = {
  number(value: number): Buffer {
    const content = Buffer.alloc(9);
    content.writeDoubleBE(value, 1);
    return content;
  },
  boolean: (value: boolean): Buffer => bytes([1, value ? 1 : 0]),
  string: (value: string): Buffer => bytes([2], name(value)),
  null: Buffer.from([5]),
  undefined: Buffer.from([6]),
  object: (values: Record<string, Buffer>): Buffer => bytes([3], properties(values), '00 00 09'),
  ecmaArray: (values: Record<string, Buffer>, count = Object.keys(values).length): Buffer =>
    bytes([8], u32(count), properties(values), '00 00 09'),
  strictArray: (...values: Buffer[]): Buffer => bytes([10], u32(values.length), ...values),
};

function name(value: string): Buffer {
  const content = Buffer.from(value);
  return bytes([content.length >> 8, content.length & 0xff], content);
}

function properties(values: Record<string, Buffer>): Buffer {
  return Buffer.concat(Object.entries(values).map(([key, value]) => bytes(name(key), value)));
}

/** C0, C1 with zeroes where a digest handshake has a version, and C2. */
export function handshake(): Buffer {
  return bytes([3], u32(0), u32(0), body(1528, 3), body(1536, 4));
}
