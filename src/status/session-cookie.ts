import { limits } from '../base/limits.ts';

/** Over TLS the name itself binds the cookie to TLS, this host and every path (RFC 6265bis, clause 4.1.3.2). */
const cookieNames = { secure: '__Host-skyweir', plain: 'skyweir' } as const;

/** Ids that the cookies of a request give: usually one, more where another program of this host has one of the name. */
export function sessionIds(cookie: string | undefined, secure: boolean): string[] {
  if (cookie === undefined || cookie.length > limits.access.cookieCharacters) return [];
  const wanted = secure ? cookieNames.secure : cookieNames.plain;
  const ids: string[] = [];
  for (const pair of cookie.split(';')) {
    const equals = pair.indexOf('=');
    if (equals < 0 || pair.slice(0, equals).trim() !== wanted) continue;
    ids.push(pair.slice(equals + 1).trim());
    if (ids.length === limits.access.cookiesPerRequest) break;
  }
  return ids;
}

/** The Set-Cookie header of a login. It has no Max-Age: it ends with the browser, and earlier with the session. */
export function sessionCookie(id: string, secure: boolean): string {
  const name = secure ? cookieNames.secure : cookieNames.plain;
  return `${name}=${id}; Path=/; HttpOnly; SameSite=Strict${secure ? '; Secure' : ''}`;
}

/** The Set-Cookie header of a logout. */
export function endedCookie(secure: boolean): string {
  return sessionCookie('', secure).replace('; Path', '; Max-Age=0; Path');
}

/** The token of `Authorization: Bearer` (RFC 6750); null if the header says something else. */
export function bearerToken(authorization: string | undefined): string | null {
  const match = /^bearer +([A-Za-z0-9._~+/-]+=*) *$/i.exec(
    authorization?.slice(0, limits.access.cookieCharacters) ?? '',
  );
  if (match !== null) return match[1]!;
  return /^bearer(\s|$)/i.test(authorization ?? '') ? '' : null;
}
