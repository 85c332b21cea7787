import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { describe, test } from 'node:test';
import {
  addToken,
  findToken,
  formatTokens,
  makeToken,
  parseTokens,
  removeToken,
} from '../../../src/access/token-list.ts';
import {
  addUser,
  changedUsers,
  changeUser,
  formatUsers,
  parseUsers,
  removeUser,
  type StoredUser,
  type UserList,
} from '../../../src/access/user-list.ts';
import { limits } from '../../../src/base/limits.ts';
import { AccessError, type AccessProblem } from '../../../src/status/access-source.ts';

const hash = `$scrypt$ln=4,r=1,p=1$${'A'.repeat(22)}$${'B'.repeat(43)}`;
const at = '2026-11-21T12:00:00.000Z';
const user = (name: string, role: StoredUser['role'] = 'viewer'): StoredUser => ({
  name,
  role,
  password: hash,
  createdAt: at,
  changedAt: at,
});

function refuses(problem: AccessProblem, text: RegExp, act: () => unknown): void {
  assert.throws(act, (error) => error instanceof AccessError && error.problem === problem && text.test(error.message));
}

describe('the list of users', () => {
  test('is read as it was written', () => {
    const users = [user('anna', 'admin'), user('Jörg.Müller@example.com', 'operator')];
    assert.deepEqual(parseUsers(formatUsers(users)), users);
    assert.deepEqual(parseUsers(formatUsers([])), []);
  });

  const broken: [what: string, text: string, why: RegExp][] = [
    ['no JSON', '{"version": 1, "users": [{"password": "ge', /no JSON/],
    ['another version', '{"version": 2, "users": []}', /"version": 1/],
    ['no list', '{"version": 1, "users": {}}', /"users"/],
    ['null', 'null', /"users"/],
    ['an entry that is none', '{"version": 1, "users": [null]}', /no object/],
    ['a bad name', formatUsers([user('a b')]), /entry 1: a user name/],
    ['an unknown role', formatUsers([user('anna', 'root' as never)]), /role must be one of viewer, operator, admin/],
    ['a password in the clear', formatUsers([{ ...user('anna'), password: 'geheim' }]), /skyweir users passwd anna/],
    ['no time', formatUsers([{ ...user('anna'), createdAt: 'yesterday' }]), /a time is missing/],
    ['one name twice', formatUsers([user('anna'), user('ANNA')]), /ANNA is there twice/],
  ];
  for (const [what, text, why] of broken)
    test(`${what} is told, and no password with it`, () => {
      assert.throws(
        () => parseUsers(text),
        (error: Error) =>
          why.test(error.message) && !error.message.includes('geheim') && !error.message.includes('BBB'),
      );
    });

  test('has each name once, none of them that of the settings, and not too many', () => {
    const list: UserList = [user('anna')];
    assert.deepEqual(addUser(list, user('bernd'), 'skyweir'), [user('anna'), user('bernd')]);
    refuses('conflict', /already/, () => addUser(list, user('Anna'), 'skyweir'));
    refuses('conflict', /--user/, () => addUser(list, user('Skyweir'), 'skyweir'));
    for (const name of ['', ' anna', 'a/b', '../x', 'a:b', '-a', 'a\nb', 'x'.repeat(33), '<b>'])
      refuses('invalid', /letters, digits/, () => addUser(list, user(name), null));
    const full = Array.from({ length: limits.access.users }, (_, i) => user(`u${i}`));
    refuses('conflict', /no room/, () => addUser(full, user('one-more'), null));
  });

  test('keeps its last admin, unless there is another one beside it', () => {
    const list = [user('anna', 'admin'), user('bernd')];
    refuses('conflict', /last admin/, () => removeUser(list, 'anna', false));
    refuses('conflict', /last admin/, () => changeUser(list, 'anna', { role: 'operator' }, false));
    assert.equal(changeUser(list, 'anna', { password: `${hash}` }, false)[0]!.role, 'admin');
    assert.deepEqual(removeUser(list, 'anna', true), [user('bernd')]);
    assert.deepEqual(removeUser(list, 'bernd', false), [user('anna', 'admin')]);
    const two = changeUser(list, 'bernd', { role: 'admin', changedAt: at }, false);
    assert.equal(removeUser(two, 'anna', false).length, 1);
    assert.equal(removeUser([user('anna')], 'anna', false).length, 0, 'there was none before');
  });

  test('says whose logins are worth nothing after a change', () => {
    const before = ['a', 'b', 'c', 'd'].map((name) => user(name));
    const other = hash.replace('A', 'C');
    const after = [user('a'), user('b', 'admin'), { ...user('c'), password: other }, user('e')];
    assert.deepEqual(changedUsers(before, after), ['b', 'c', 'd']);
    refuses('unknown', /no user/, () => changeUser(before, 'z', {}, true));
    refuses('unknown', /no user of that name/, () => removeUser(before, 'my password?', true));
  });
});

describe('the list of tokens', () => {
  const wish = { label: 'prometheus', role: 'viewer', notAfter: null, createdBy: 'anna', createdAt: at } as const;
  const wallMs = Date.parse(at);

  test('knows a token by its secret, of which it keeps nothing', () => {
    const { stored, secret } = makeToken(wish, randomBytes);
    assert.match(secret, /^skyweir_[A-Za-z0-9_-]{43}$/);
    const tokens = addToken([], stored);
    const text = formatTokens(tokens);
    assert.ok(!text.includes(secret) && !text.includes(secret.slice(8, 30)));
    assert.deepEqual(parseTokens(text), tokens);
    assert.deepEqual(findToken(tokens, secret, wallMs), stored);
    for (const wrong of ['', 'skyweir_', secret.slice(0, -1), `${secret}A`, secret.toUpperCase(), stored.sha256])
      assert.equal(findToken(tokens, wrong, wallMs), null, wrong);
    assert.equal(findToken(removeToken(tokens, stored.id), secret, wallMs), null);
    refuses('unknown', /no token/, () => removeToken(tokens, 'other'));
  });

  test('a token ends at its time', () => {
    const { stored, secret } = makeToken({ ...wish, notAfter: '2026-11-22T00:00:00Z' }, randomBytes);
    assert.notEqual(findToken([stored], secret, Date.parse('2026-11-21T23:59:59Z')), null);
    assert.equal(findToken([stored], secret, Date.parse('2026-11-22T00:00:00Z')), null);
  });

  test('a label is a line, and an end is to come', () => {
    for (const label of ['', '  ', 'a\nb', 'x'.repeat(65), 'a\u202eb'])
      refuses('invalid', /label/, () => makeToken({ ...wish, label }, randomBytes));
    const elsewhere = makeToken({ ...wish, notAfter: '2026-11-22T02:00:00+02:00' }, randomBytes).stored;
    assert.equal(elsewhere.notAfter, '2026-11-22T00:00:00.000Z');
    assert.deepEqual(parseTokens(formatTokens([elsewhere])), [elsewhere]);
    refuses('invalid', /notAfter/, () => makeToken({ ...wish, notAfter: '9999-12-31T23:59:59-23:00' }, randomBytes));
    for (const notAfter of ['2026-11-21T12:00:00Z', '2020-01-01T00:00:00Z', 'never', '2026-13-41T00:00:00Z', '2031'])
      refuses('invalid', /notAfter/, () => makeToken({ ...wish, notAfter }, randomBytes));
  });

  test('a broken list is refused', () => {
    const { stored } = makeToken(wish, randomBytes);
    for (const change of [
      { id: 'x' },
      { label: '' },
      { role: 'root' },
      { sha256: 'abc' },
      { createdAt: 5 },
      { notAfter: 'soon' },
    ])
      assert.throws(() => parseTokens(JSON.stringify({ version: 1, tokens: [{ ...stored, ...change }] })));
    assert.throws(() => parseTokens(JSON.stringify({ version: 1, tokens: [stored, stored] })), /twice/);
    const full = Array.from({ length: limits.access.tokens }, () => makeToken(wish, randomBytes).stored);
    refuses('conflict', /no room/, () => addToken(full, stored));
  });
});
