import { limits } from '../base/limits.ts';
import { isKeySegment, withKeysHidden } from '../base/stream-key-form.ts';

/** Where a publisher wants its stream to be. */
export interface StreamPath {
  /** Normalised, '/' before each segment, as the peer wrote it; '/' alone if it named nothing. */
  readonly path: string;
  /** The same, percent-decoded once. */
  readonly decodedPath: string;
  /** Of `app`, `tcUrl` and name together, without '?', '' if none. It often holds a token: a secret. */
  readonly query: string;
}

/** Default instance names of Flash Media Server applications; clients add them to any address. */
const defaultInstance = '_definst_';
/** FFmpeg puts these in front of a name by its file extension. */
const namePrefix = /^(?:mp4|flv|mp3):/i;
const percentEscape = /%[0-9a-f]{2}/i;

/** The end of a {@link StreamPath} that is a key, for encoders that take no query: `/stream1/swk_...`. */
export interface PathKey {
  /** The path without it. */
  readonly path: string;
  readonly decodedPath: string;
  /** A secret. */
  readonly key: string;
}

/**
 * Joins what `connect` and `publish` said into one path: `rtmp://host/live/cam1` arrives as app `live` and name `cam1`,
 * as app `live/cam1` and no name, or as no app and a long name, by client. `app` is null if it was not sent; then
 * `tcUrl` stands in. Returns null for a path that is not acceptable: too long, too deep, control characters, `..`.
 */
export function resolveStreamPath(app: string | null, name: string, tcUrl: string): StreamPath | null {
  const appPart = splitQuery(app ?? tcUrlPath(tcUrl));
  const namePart = splitQuery(name.replace(namePrefix, ''));
  const joined = `${appPart.path}/${namePart.path}`;
  if (Buffer.byteLength(joined) > limits.rtmp.pathBytes + 1) return null;

  const segments: string[] = [];
  const decoded: string[] = [];
  for (const segment of joined.split('/')) {
    if (segment === '' || segment === '.' || segment === defaultInstance) continue;
    const plain = decodeSegment(segment);
    if (!isAcceptable(segment) || !isAcceptable(plain)) return null;
    segments.push(segment);
    decoded.push(plain);
  }
  if (segments.length > limits.rtmp.pathSegments) return null;
  return {
    path: `/${segments.join('/')}`,
    decodedPath: `/${decoded.join('/')}`,
    query: joinQueries([appPart.query, splitQuery(tcUrl).query, namePart.query]),
  };
}

/** The key at the end of a path, by its form; null if there is none. Whether it stands for a camera is not known here. */
export function keyInPath({ path, decodedPath }: Pick<StreamPath, 'path' | 'decodedPath'>): PathKey | null {
  const [slash, decodedSlash] = [path.lastIndexOf('/'), decodedPath.lastIndexOf('/')];
  const key = decodedPath.slice(decodedSlash + 1);
  if (!isKeySegment(key)) return null;
  return { path: path.slice(0, slash) || '/', decodedPath: decodedPath.slice(0, decodedSlash) || '/', key };
}

/** What begins a query, or stands in one: encoders escape the question mark, and people type another mark in its place. */
const queryMark = /[?&=]/;

/**
 * A path fit for logs and events. What has the form of a stream key is hidden, at whatever place somebody put it, and so is what
 * may have been meant as a query.
 */
export function withoutKeys(path: string): string {
  let plain = path;
  // Each round is shorter, but for one that makes the letters of an escape large.
  for (let escaped = ''; escaped !== plain; ) {
    escaped = plain;
    plain = escaped.split('/').map(decodeSegment).join('/');
  }
  const mark = plain.search(queryMark);
  const shown = withKeysHidden(mark < 0 ? plain : `${plain.slice(0, mark + 1)}[query]`);
  // Line breaks stay escaped, or a peer could write lines of the log.
  return shown === plain ? path : shown.replace(/[\p{Cc}\s]/gu, encodeURIComponent);
}

/** Everything before the first '?' or '#', and the query without its mark. */
function splitQuery(text: string): { path: string; query: string } {
  const cut = text.search(/[?#]/);
  if (cut < 0) return { path: text, query: '' };
  if (text[cut] === '#') return { path: text.slice(0, cut), query: '' };
  const hash = text.indexOf('#', cut);
  return { path: text.slice(0, cut), query: text.slice(cut + 1, hash < 0 ? undefined : hash) };
}

/** Path and query of an address, '' if it is none. Neko puts a quotation mark in front of the scheme. */
function tcUrlPath(tcUrl: string): string {
  const match = /^'?[a-z][a-z0-9+.-]*:\/\/[^/?#]*\/?(.*)$/is.exec(tcUrl);
  return match?.[1] ?? '';
}

/** Clients repeat the query: rendition switches of OBS in app and name, FFmpeg in app and tcUrl. The same again is once. */
function joinQueries(queries: readonly string[]): string {
  return [...new Set(queries)].filter((query) => query !== '').join('&');
}

/** Percent-decodes once. A bad escape stays as it is, and so does an escaped slash, which would make a new segment. */
function decodeSegment(segment: string): string {
  if (!percentEscape.test(segment)) return segment;
  return segment.replace(/(?:%[0-9a-f]{2})+/gi, (escapes) => {
    try {
      return decodeURIComponent(escapes.replace(/%2f/gi, '%252F'));
    } catch {
      return escapes;
    }
  });
}

function isAcceptable(segment: string): boolean {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what is looked for
  return segment !== '..' && segment !== '.' && !/[\u0000-\u001f\u007f\\]/.test(segment);
}
