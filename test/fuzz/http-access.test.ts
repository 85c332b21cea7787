import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { test } from 'node:test';
import fc from 'fast-check';
import { AccessControl } from '../../src/access/access-control.ts';
import { PasswordHasher } from '../../src/access/password-hash.ts';
import { describePasswordProblem } from '../../src/access/password-rule.ts';
import { parseTokens } from '../../src/access/token-list.ts';
import { formatUsers, parseUsers } from '../../src/access/user-list.ts';
import { limits } from '../../src/base/limits.ts';
import { bearerToken, sessionIds } from '../../src/status/session-cookie.ts';

const options = { interruptAfterTimeLimit: 1500, markInterruptAsFailure: false, numRuns: 5000 };
const client = { address: '192.0.2.7', secure: false };
const builtIn = { user: 'skyweir', password: 'correct horse battery' };

function newControl(): AccessControl {
  return new AccessControl({
    builtIn,
    digestSha256: true,
    sessions: { idleMs: 1000, lifetimeMs: 1000 },
    store: {
      loadUsers: async () => [],
      changeUsers: async (change) => change([]),
      loadTokens: async () => [],
      saveTokens: async () => undefined,
    },
    hasher: new PasswordHasher(randomBytes, { logN: 1, r: 1, p: 1 }),
    journal: { loggedIn: () => undefined, loginFailed: () => undefined },
    clock: { nowMs: () => 0, wallMs: () => 0 },
    random: randomBytes,
  });
}

const piece = fc.oneof(
  fc.string({ maxLength: 40, unit: 'binary' }),
  fc.constantFrom(
    ...['skyweir=', '__Host-skyweir=', '; ', ';', '=', 'Bearer ', 'Basic ', 'Digest ', 'bearer skyweir_', ','],
    ...['username="skyweir"', 'realm="Skyweir"', 'A'.repeat(43), '__proto__', 'constructor', 'c2t5d2Vpcjo='],
  ),
);
const header = fc.array(piece, { maxLength: 10 }).map((parts) => parts.join(''));

test('no cookie and no Authorization header that was not given out or made with the password gets in', async () => {
  const control = newControl();
  const login = await control.login(builtIn.user, builtIn.password, client, undefined);
  assert.ok(login.result === 'accepted');
  const { id } = login;
  const { secret } = await control.addToken({ label: 'x', role: 'admin', notAfter: null }, 'anna');
  const damaged = fc
    .tuple(fc.constantFrom(`skyweir=${id}`, `Bearer ${secret}`), fc.nat(60), piece)
    .filter(([, , put]) => put.trim() !== '')
    .map(([good, at, put]) => {
      const place = Math.max(8, Math.min(at, good.length - 1));
      return good.slice(0, place) + put + good.slice(place + put.length);
    });
  fc.assert(
    fc.property(fc.oneof(header, damaged), fc.oneof(header, damaged), fc.boolean(), (cookie, authorization, secure) => {
      if (cookie.includes(id) || authorization.includes(secret)) return;
      const facts = { ...client, secure, method: 'GET', target: '/', anonymousRole: 'viewer' } as const;
      const { result } = control.admit({ ...facts, cookie, authorization });
      assert.ok(result === 'refused' || result === 'wait', result);
      control.logout({ ...client, secure }, cookie);
    }),
    options,
  );
  const still = { method: 'GET', target: '/', anonymousRole: 'viewer', ...client } as const;
  assert.equal(control.admit({ ...still, cookie: `skyweir=${id}`, authorization: undefined }).result, 'admitted');
});

test('what is read from a cookie or a Bearer header is a piece of it, in bounded number', () => {
  fc.assert(
    fc.property(header, fc.boolean(), (text, secure) => {
      const ids = sessionIds(text, secure);
      assert.ok(ids.length <= limits.access.cookiesPerRequest);
      for (const id of ids) assert.ok(text.includes(id) && !id.includes(';'));
      const token = bearerToken(text);
      assert.ok(token === null || (text.includes(token) && /^[\w.~+/=-]*$/.test(token)));
    }),
    options,
  );
});

test('long headers take no time to speak of', () => {
  for (const unit of [';', '; ', 'skyweir=', 'skyweir=;', 'Bearer ', 'Bearer a=', 'Digest a="', '\\"', ' ', 'a,'])
    for (const text of [unit.repeat(4000), `Bearer ${unit.repeat(4000)}`, `Digest ${unit.repeat(4000)}`]) {
      sessionIds(text, false);
      bearerToken(text);
      const facts = { ...client, method: 'GET', target: '/', anonymousRole: 'viewer' } as const;
      assert.notEqual(newControl().admit({ ...facts, cookie: text, authorization: text }).result, 'admitted');
    }
});

test('a file of users or tokens is read or refused in words, and what is read can be written', () => {
  const value = fc.oneof(
    fc.string(),
    fc.constantFrom('anna', 'viewer', null, 1, '2026-11-21T12:00:00Z', 'a'.repeat(64)),
  );
  const names = [
    'name',
    'role',
    'password',
    'createdAt',
    'changedAt',
    'id',
    'label',
    'sha256',
    'createdBy',
    'notAfter',
  ];
  const entry = fc.dictionary(fc.constantFrom(...names), value);
  const file = fc.oneof(
    fc.string(),
    fc.json(),
    fc
      .tuple(fc.constantFrom('users', 'tokens'), fc.array(entry))
      .map(([name, entries]) => JSON.stringify({ version: 1, [name]: entries })),
  );
  fc.assert(
    fc.property(file, (text) => {
      for (const parse of [parseUsers, parseTokens]) {
        try {
          const list = parse(text);
          assert.ok(Array.isArray(list));
          if (parse === parseUsers) assert.deepEqual(parseUsers(formatUsers(parseUsers(text))), list);
        } catch (error) {
          assert.ok(error instanceof Error && error.name !== 'TypeError' && error.message.length < 200, String(error));
        }
      }
    }),
    options,
  );
});

test('whatever a password is, a problem with it is one line that does not show it', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'grapheme', maxLength: 300 }), fc.string({ maxLength: 32 }), (password, user) => {
      const problem = describePasswordProblem(password, user);
      assert.ok(problem === null || !problem.includes('\n'));
      if (password.length > 12) assert.ok(problem === null || !problem.includes(password));
    }),
    options,
  );
});
