import type { ErrorCode } from '../base/errors.ts';

/** Openings of other protocols that are seen on RTMP ports, as Latin-1 text. */
const openings: readonly { readonly text: string; readonly code: ErrorCode }[] = [
  { text: 'GET ', code: 'not_rtmp_http' },
  { text: 'POST ', code: 'not_rtmp_http' },
  { text: 'PUT ', code: 'not_rtmp_http' },
  { text: 'HEAD ', code: 'not_rtmp_http' },
  { text: 'OPTIONS ', code: 'not_rtmp_http' },
  { text: 'PROXY ', code: 'not_rtmp_proxy' },
  { text: '\r\n\r\n\0\r\nQ', code: 'not_rtmp_proxy' },
];

/** Bytes that are needed at most to tell what a peer speaks. */
export const longestOpening = 8;

/** RTMPE versions of the first byte (Adobe RTMPE, not part of RTMP 1.0). */
const rtmpeVersions: readonly number[] = [6, 8, 9];
const tlsHandshakeRecord = 0x16;
/** From here on the first byte is text, not a version (RTMP 1.0, clause 5.2.2). */
const firstPrintable = 32;

/**
 * What the first `length` bytes of a connection, which do not begin with version 3, say about the peer; null while
 * several answers are possible. With `longestOpening` bytes there is always an answer.
 */
export function classifyFirstBytes(bytes: Uint8Array, length: number): ErrorCode | null {
  let undecided = false;
  for (const opening of openings) {
    let same = 0;
    while (same < length && same < opening.text.length && bytes[same] === opening.text.charCodeAt(same)) same++;
    if (same === opening.text.length) return opening.code;
    if (same === length) undecided = true;
  }
  if (undecided) return null;
  const first = bytes[0]!;
  if (first === tlsHandshakeRecord) return 'not_rtmp_tls';
  if (rtmpeVersions.includes(first)) return 'rtmpe_unsupported';
  return first < firstPrintable ? 'bad_version' : 'not_rtmp';
}
