import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { limits } from '../../../src/base/limits.ts';
import { bearerToken, endedCookie, sessionCookie, sessionIds } from '../../../src/status/session-cookie.ts';

describe('the cookie of a session', () => {
  test('is bound to this host, to scripts that cannot see it, and to TLS where there is TLS', () => {
    assert.equal(sessionCookie('x', true), '__Host-skyweir=x; Path=/; HttpOnly; SameSite=Strict; Secure');
    assert.equal(sessionCookie('x', false), 'skyweir=x; Path=/; HttpOnly; SameSite=Strict');
    assert.equal(endedCookie(true), '__Host-skyweir=; Max-Age=0; Path=/; HttpOnly; SameSite=Strict; Secure');
  });

  test('is found among others, by the name that belongs to the connection', () => {
    const cookie = 'theme=dark; skyweir=plain; xskyweir=1;__Host-skyweir=secure ; skyweir';
    assert.deepEqual(sessionIds(cookie, true), ['secure']);
    assert.deepEqual(sessionIds(cookie, false), ['plain']);
    for (const none of [undefined, '', ';', '=', 'Skyweir=x', 'skyweir', 'a=skyweir=x'])
      assert.deepEqual(sessionIds(none, false), [], String(none));
  });

  test('may be there more than once, but not often, and a header that is too long has none', () => {
    assert.deepEqual(sessionIds('skyweir=a; skyweir=b', false), ['a', 'b']);
    const many = Array.from({ length: 100 }, (_, i) => `skyweir=${i}`).join('; ');
    assert.equal(sessionIds(many, false).length, limits.access.cookiesPerRequest);
    assert.deepEqual(sessionIds(`skyweir=a; b=${'x'.repeat(limits.access.cookieCharacters)}`, false), []);
  });
});

test('a Bearer header has one token; any other header is none', () => {
  assert.equal(bearerToken('Bearer abc'), 'abc');
  assert.equal(bearerToken('bearer   skyweir_a-b_c~.+/== '), 'skyweir_a-b_c~.+/==');
  for (const other of [undefined, '', 'Basic YTpi', 'Digest username="Bearer x"', 'Bearerx abc', ' Bearer abc'])
    assert.equal(bearerToken(other), null, String(other));
  // Something was given that is no token: it is wrong, and no other login counts in its place.
  for (const wrong of ['Bearer', 'Bearer ', 'Bearer a b', 'Bearer "a"', `Bearer ${'x'.repeat(100_000)} y`])
    assert.notEqual(bearerToken(wrong), null, wrong.slice(0, 20));
});
