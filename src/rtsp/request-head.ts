import { limits } from '../base/limits.ts';

/** One request. Header names are lower case; repeated headers are joined with ', '. */
export interface RtspRequest {
  /** As sent; empty if the request line was malformed. */
  readonly method: string;
  readonly uri: string;
  /** 'RTSP/1.0'; other protocols and versions are passed on as they came. */
  readonly version: string;
  readonly headers: ReadonlyMap<string, string>;
  /** Valid during the call only. */
  readonly body: Uint8Array;
  /** False if the request line or a header was malformed: answer 400. The next request is found all the same. */
  readonly wellFormed: boolean;
}

const noBody = new Uint8Array(0);

/**
 * Request line and headers, in time linear in their length. The method is what stands before the first blank, the
 * version what stands after the last: some clients leave the blanks of an address unescaped.
 */
export function parseRequestHead(text: string): RtspRequest {
  const headers = new Map<string, string>();
  const lines = text.split('\n');
  const requestLine = lines[0]!.trim();
  const method = requestLine.slice(0, Math.max(requestLine.indexOf(' '), 0));
  const version = requestLine.slice(requestLine.lastIndexOf(' ') + 1);
  const uri = requestLine.slice(method.length, -version.length).trim();
  let wellFormed = method !== '' && uri !== '' && !requestLine.includes('\r');
  let name = '';
  let count = 0;
  for (let i = 1; i < lines.length; i++) {
    const line = lines[i]!.trimEnd();
    if (line === '') continue;
    if (line.includes('\r') || line.includes('\0') || ++count > limits.rtsp.headers) wellFormed = false;
    else if (line[0] === ' ' || line[0] === '\t') {
      // A folded header goes on (RFC 2326 section 4.1 by way of HTTP/1.1).
      if (headers.has(name)) headers.set(name, `${headers.get(name)} ${line.trim()}`);
      else wellFormed = false;
    } else {
      const colon = line.indexOf(':');
      name = line.slice(0, Math.max(colon, 0)).trim().toLowerCase();
      const value = line.slice(colon + 1).trim();
      if (name === '') wellFormed = false;
      else headers.set(name, headers.has(name) ? `${headers.get(name)}, ${value}` : value);
    }
  }
  return { method, uri, version, headers, body: noBody, wellFormed };
}
