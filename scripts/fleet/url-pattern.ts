/** URLs with a place for the camera's number. */

/** Such as rtmp://host:1935/live/stream%d. */
export interface UrlPattern {
  /** With its colon. */
  readonly protocol: string;
  /** As sockets take it: an IPv6 address has no brackets. */
  readonly host: string;
  readonly port: number;
  /** Behind host and port, with the slash and %d. May hold a key: not for reports. */
  readonly path: string;
}

const defaultPorts: Readonly<Record<string, number>> = { 'rtmp:': 1935, 'rtmps:': 443, 'rtsp:': 554 };

/** Takes a URL apart. Throws an Error whose message says what is wrong, without the URL: it may hold a secret. */
export function parsePattern(text: string, protocols: readonly string[]): UrlPattern {
  const match = /^([a-z]+:)\/\/(?:([^@/]*)@)?(\[[0-9a-f:.]+\]|[^:/@]+)(?::(\d+))?(\/.*)$/i.exec(text);
  const protocol = (match?.[1] ?? '').toLowerCase();
  if (match === null || !protocols.includes(protocol))
    throw new Error(`must look like ${protocols[0]}//host:port/stream%d`);
  if (match[2] !== undefined)
    throw new Error('must not hold a password, which the process list would show; see --user and --password-file');
  const path = match[5]!;
  if (path.split('%d').length !== 2) throw new Error('must hold %d once, where the number of the camera goes');
  const port = match[4] === undefined ? defaultPorts[protocol]! : Number(match[4]);
  if (port < 1 || port > 65_535) throw new Error(`the port ${port} does not exist`);
  return { protocol, host: match[3]!.replace(/^\[|\]$/g, ''), port, path };
}

/** The path of camera `index` (from 0), with its slash. */
export function pathOf(pattern: UrlPattern, index: number): string {
  return pattern.path.replace('%d', String(index + 1));
}

/** The RTMP application of a path, and the name of its stream with the query. */
export function appAndNameOf(path: string): { readonly app: string; readonly name: string } {
  const slash = path.split('?', 1)[0]!.lastIndexOf('/');
  return { app: path.slice(1, Math.max(1, slash)), name: path.slice(slash + 1) };
}

/** The URL of camera `index` (from 0). */
export function urlOf(pattern: UrlPattern, index: number): string {
  return `${pattern.protocol}//${hostInUrl(pattern.host)}:${pattern.port}${pathOf(pattern, index)}`;
}

/** The pattern for people: a query, which may be a key, is left out. */
export function shownPattern(pattern: UrlPattern): string {
  return `${pattern.protocol}//${hostInUrl(pattern.host)}:${pattern.port}${pattern.path.replace(/\?.*$/, '?...')}`;
}

function hostInUrl(host: string): string {
  return host.includes(':') ? `[${host}]` : host;
}
