const rulePrefix = 'http://schemas.xmlsoap.org/ws/2005/04/discovery/';

/** RFC 3986 is what ONVIF says (Core, clause 7.3.3), RFC 2396 what WS-Discovery says and its clients send. */
const uriRules: readonly string[] = [`${rulePrefix}rfc3986`, `${rulePrefix}rfc2396`];
const textRule = `${rulePrefix}strcmp0`;

/** What can be between a scheme and a query of a URI. */
const uriShape = /^([a-z][a-z0-9+.-]*):(?:\/\/([^/?#]*))?([^?#]*)/i;

/**
 * Whether each scope that a probe asks for is matched by one of the device's; no scope asks for nothing. `rule` is the
 * MatchBy of the probe, '' for the usual one. A rule that is not known matches nothing (WS-Discovery, clause 5.1).
 */
export function scopesMatch(asked: readonly string[], scopes: readonly string[], rule: string): boolean {
  if (asked.length === 0) return true;
  if (rule === textRule) return asked.every((scope) => scopes.includes(scope));
  if (rule !== '' && !uriRules.includes(rule)) return false;
  return asked.every((scope) => scopes.some((own) => uriMatches(scope, own)));
}

/** Same scheme and authority whatever their case, and the path's segments are the first of the device's. */
function uriMatches(asked: string, own: string): boolean {
  const a = partsOf(asked);
  const b = partsOf(own);
  if (a === null || b === null || a.scheme !== b.scheme || a.authority !== b.authority) return false;
  return a.segments.every((segment, i) => segment === b.segments[i]);
}

interface UriParts {
  readonly scheme: string;
  readonly authority: string;
  /** Decoded, without an empty one at the end. */
  readonly segments: readonly string[];
}

/** Null if it is no URI, or one with `.` or `..` segments, which match nothing. */
function partsOf(uri: string): UriParts | null {
  const match = uriShape.exec(uri);
  if (match === null) return null;
  const segments = match[3]!.split('/').map(decoded);
  if (segments.some((segment) => segment === null || segment === '.' || segment === '..')) return null;
  while (segments.at(-1) === '') segments.pop();
  return {
    scheme: match[1]!.toLowerCase(),
    authority: (match[2] ?? '').toLowerCase(),
    segments: segments as string[],
  };
}

function decoded(segment: string): string | null {
  try {
    return decodeURIComponent(segment);
  } catch {
    return null;
  }
}
