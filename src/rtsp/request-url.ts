/** What a request URL points at. */
export interface RequestUrl {
  /** Percent-decoded once, with a leading and without a trailing slash; '/' for none, '*' for the server as a whole. */
  readonly path: string;
  /** Number of the track whose control URL this is, -1 for the presentation. */
  readonly track: number;
  /** Content-Base: the presentation with a trailing slash, without user name, password, query and track. */
  readonly base: string;
}

const absolute = /^(rtsp[su]?|https?):\/\/([^/?#]*)([^?#]*)([^#]*)/i;
const trackSuffix = /(?:^|\/)trackid=(\d{1,5})\/?$/i;

/**
 * Reads an absolute URL or a bare path. The track may also stand behind a query, where clients put it that append the
 * control attribute to their own URL. Returns null for a broken percent-escape or a control character. `serverHost` is
 * and `serverScheme` are for a bare path, which names neither.
 */
export function parseRequestUrl(uri: string, serverHost: string, serverScheme = 'rtsp'): RequestUrl | null {
  if (uri === '*') return { path: '*', track: -1, base: '*' };
  const match = absolute.exec(uri);
  const scheme = match?.[1]?.toLowerCase() ?? serverScheme;
  const authority = match?.[2] ?? serverHost;
  const rest = match === null ? /^([^?#]*)([^#]*)/.exec(uri)! : null;
  let rawPath = withoutOuterSlashes(rest?.[1] ?? match?.[3] ?? '');
  const query = rest?.[2] ?? match?.[4] ?? '';
  const inPath = trackSuffix.exec(rawPath);
  const inQuery = trackSuffix.exec(query);
  if (inPath !== null) rawPath = rawPath.slice(0, inPath.index);
  rawPath = `/${withoutOuterSlashes(rawPath)}`;
  const path = decodeOnce(rawPath);
  if (path === null) return null;
  const host = authority.slice(authority.lastIndexOf('@') + 1);
  return {
    path,
    track: Number((inPath ?? inQuery)?.[1] ?? -1),
    base: `${scheme}://${host}${rawPath === '/' ? '' : rawPath}/`,
  };
}

function withoutOuterSlashes(path: string): string {
  let start = 0;
  let end = path.length;
  while (start < end && path[start] === '/') start++;
  while (end > start && path[end - 1] === '/') end--;
  return path.slice(start, end);
}

/** Outer slashes may hide in escapes, so they go once more; escapes that decoding uncovers stay as they are. */
function decodeOnce(path: string): string | null {
  try {
    const decoded = `/${withoutOuterSlashes(decodeURIComponent(path))}`;
    // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what is refused
    return /[\u0000-\u001f\u007f]/.test(decoded) ? null : decoded;
  } catch {
    return null;
  }
}
