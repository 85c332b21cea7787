import { ConnectionError } from '../base/errors.ts';
import { limits } from '../base/limits.ts';
import { parseRequestHead } from './request-head.ts';

/**
 * RTSP over HTTP, as QuickTime did it and ONVIF took it over: a GET whose endless answer carries everything to the
 * client, and a POST whose endless body carries the client's requests in base64. The same `x-sessioncookie` joins the
 * two connections. The POST is never answered.
 */

/** The half of a tunnel that a connection is. */
export interface TunnelRequest {
  /** 'GET' to the client, 'POST' from the client. */
  readonly method: 'GET' | 'POST';
  /** Joins the halves; chosen by the client. */
  readonly cookie: string;
}

/** The answer to the GET; interleaved RTSP follows. */
export const tunnelResponse =
  'HTTP/1.0 200 OK\r\nServer: Skyweir\r\nConnection: close\r\nCache-Control: no-store\r\nPragma: no-cache\r\n' +
  'Content-Type: application/x-rtsp-tunnelled\r\n\r\n';

/** The answer to an HTTP request that is no tunnel, or to a POST without its GET. */
export const tunnelRefusal =
  'HTTP/1.0 400 Bad Request\r\nServer: Skyweir\r\nConnection: close\r\nContent-Length: 0\r\n\r\n';

/**
 * Whether the first bytes of a connection are of an HTTP request; null while they could be either. RTSP's own
 * GET_PARAMETER, PLAY and PAUSE begin alike.
 */
export function isTunnel(bytes: Uint8Array, start: number, end: number): boolean | null {
  for (const method of ['GET ', 'POST ']) {
    let same = 0;
    while (same < method.length && start + same < end && bytes[start + same] === method.charCodeAt(same)) same++;
    if (same === method.length) return true;
    if (start + same === end) return null;
  }
  return false;
}

/** Gathers the head of a tunnel's HTTP request from reads that are split anywhere. */
export class TunnelHead {
  #text = '';
  #lineLength = 0;
  #request: TunnelRequest | null = null;

  /** What was asked, once the head is complete. */
  get request(): TunnelRequest | null {
    return this.#request;
  }

  /**
   * Takes `bytes[start, end)` and returns the offset after the head, or `end` while it is not complete. Throws
   * {@link ConnectionError} for a head that is too long or asks for something else: send {@link tunnelRefusal}.
   */
  receive(bytes: Buffer, start: number, end: number): number {
    for (let at = start; at < end; at++) {
      const byte = bytes[at]!;
      if (byte !== 0x0a) {
        if (byte !== 0x0d) this.#lineLength++;
        continue;
      }
      if (this.#lineLength === 0) {
        this.#gather(bytes, start, at + 1);
        this.#request = parseTunnel(this.#text);
        this.#text = '';
        return at + 1;
      }
      this.#lineLength = 0;
    }
    this.#gather(bytes, start, end);
    return end;
  }

  #gather(bytes: Buffer, start: number, end: number): void {
    if (this.#text.length + end - start > limits.rtsp.headBytes)
      throw new ConnectionError('rtsp_too_large', 'HTTP head');
    this.#text += bytes.toString('latin1', start, end);
  }
}

/**
 * The base64 of a POST's body, split anywhere. Clients encode each request by itself, so padding may stand between
 * requests; line ends and blanks are skipped.
 */
export class TunnelDecoder {
  /** Bits of the open group of four characters, and how many characters of it have come. */
  #bits = 0;
  #characters = 0;
  #written = 0;

  /** Bytes that the last `decode` wrote, also when it threw: they came before what is wrong. */
  get written(): number {
    return this.#written;
  }

  /**
   * Decodes `bytes[start, end)` into the start of `into`, which must have room for 3 bytes for each 4 begun, and
   * returns how many bytes it wrote. Throws {@link ConnectionError} for anything that is not base64.
   */
  decode(bytes: Uint8Array, start: number, end: number, into: Uint8Array): number {
    let to = 0;
    for (let at = start; at < end; at++) {
      const byte = bytes[at]!;
      const value = base64Values[byte]!;
      if (value < 64) {
        this.#bits = (this.#bits << 6) | value;
        if (++this.#characters < 4) continue;
        into[to++] = this.#bits >>> 16;
        into[to++] = this.#bits >>> 8;
        into[to++] = this.#bits;
      } else if (value === padding) {
        // The second of two finds no open group.
        if (this.#characters === 1) throw this.#foreign(to, 'base64 padding');
        if (this.#characters === 2) into[to++] = this.#bits >>> 4;
        if (this.#characters === 3) {
          into[to++] = this.#bits >>> 10;
          into[to++] = this.#bits >>> 2;
        }
      } else if (value === blank) continue;
      else throw this.#foreign(to, 'a tunnelled request is not base64');
      this.#bits = 0;
      this.#characters = 0;
    }
    this.#written = to;
    return to;
  }

  #foreign(written: number, detail: string): ConnectionError {
    this.#written = written;
    return new ConnectionError('rtsp_malformed', detail);
  }
}

const padding = 64;
const blank = 65;
const foreign = 66;
const base64Values = new Uint8Array(256).fill(foreign);
for (const [value, character] of [...'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/'].entries())
  base64Values[character.charCodeAt(0)] = value;
base64Values[0x3d] = padding;
for (const character of '\r\n \t') base64Values[character.charCodeAt(0)] = blank;

function parseTunnel(text: string): TunnelRequest {
  const head = parseRequestHead(text);
  const cookie = head.headers.get('x-sessioncookie') ?? '';
  const isHttp = /^HTTP\/1\.[01]$/i.test(head.version);
  if (!isHttp || cookie === '' || cookie.length > 256 || (head.method !== 'GET' && head.method !== 'POST'))
    throw new ConnectionError('rtsp_malformed', 'an HTTP request that is no tunnel');
  return { method: head.method, cookie };
}
