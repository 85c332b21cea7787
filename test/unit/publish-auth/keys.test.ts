import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { limits } from '../../../src/base/limits.ts';
import { KeyBook, KeyProblem, type KeyRecord, keyState } from '../../../src/publish-auth/key-book.ts';
import { hashChosenSecret, KeyCheck } from '../../../src/publish-auth/key-check.ts';
import { hashStreamKey, newKeyId, newStreamKey } from '../../../src/publish-auth/stream-key.ts';

const salt = 'ab'.repeat(32);
const never = new AbortController().signal;
const empty = new KeyBook(salt);

function record(key: string, changes: Partial<KeyRecord> = {}): KeyRecord {
  const hash = hashStreamKey(key).toString('hex');
  const dates = { createdMs: 0, notBeforeMs: null, notAfterMs: null };
  return { id: newKeyId(), camera: '/stream1', label: '', kind: 'random', hash, ...dates, ...changes };
}

describe('the book of keys', () => {
  test('is read as it was written, one key a line', () => {
    const book = empty
      .add(record(newStreamKey(), { label: 'drone "7"\u2028' }))
      .add(record(newStreamKey(), { notBeforeMs: 1, notAfterMs: 2 }))
      .add(record(newStreamKey(), { id: 'aaaaaaaa' }))
      .withdraw('aaaaaaaa', true, 5);
    const again = KeyBook.parse(book.text);
    assert.deepEqual([again.salt, again.keys, again.withdrawn], [book.salt, book.keys, book.withdrawn]);
    assert.equal(book.text.split('\n').filter((line) => line.includes('"id"')).length, 3);
  });

  test('holds no key', () => {
    const key = newStreamKey();
    assert.ok(!empty.add(record(key)).text.includes(key.slice(4)));
  });

  for (const [name, text] of [
    ['no JSON', '{'],
    ['something else', '{"keys":[]}'],
    ['a newer format', empty.text.replace('"format": 1', '"format": 2')],
    ['a hash that is too short', empty.add(record(newStreamKey())).text.replace(/"hash":"\w\w/, '"hash":"')],
    ['a field that is not known', empty.text.replace('{', '{"more":1,')],
  ] as const)
    test(`is refused whole: ${name}`, () => assert.throws(() => KeyBook.parse(text)));

  test('refuses one id for two keys', () => {
    const one = record(newStreamKey(), { id: 'aaaaaaaa' });
    const book = new KeyBook(salt, [one, record(newStreamKey(), { id: 'aaaaaaaa' })]);
    assert.throws(() => KeyBook.parse(book.text), /two keys/);
  });

  test('has a bound for each camera, and takes no secret twice', () => {
    let book = empty;
    for (let i = 0; i < limits.publishAuth.keysPerCamera; i++) book = book.add(record(newStreamKey()));
    assert.throws(
      () => book.add(record(newStreamKey())),
      (error: KeyProblem) => error.kind === 'full',
    );
    const key = newStreamKey();
    book = book.add(record(key, { camera: '/other' }));
    assert.throws(
      () => book.add(record(key, { camera: '/other' })),
      (error: KeyProblem) => error.kind === 'invalid',
    );
  });

  test('takes no key that ends before it begins', () => {
    const book = empty.add(record(newStreamKey(), { id: 'aaaaaaaa' }));
    assert.throws(() => book.change('aaaaaaaa', { notBeforeMs: 5, notAfterMs: 5 }), KeyProblem);
    assert.throws(
      () => book.change('bbbbbbbb', {}),
      (error: KeyProblem) => error.kind === 'unknown',
    );
  });

  test('takes no date that is none, which the file would turn into for ever, and no label of several lines', () => {
    for (const changes of [
      { notAfterMs: Number.NaN },
      { notBeforeMs: -1 },
      { notAfterMs: 1.5 },
      { label: 'a\nb' },
      { label: 'x'.repeat(65) },
    ])
      assert.throws(() => empty.add(record(newStreamKey(), changes)), KeyProblem, JSON.stringify(changes));
    const book = empty.add(record(newStreamKey(), { id: 'aaaaaaaa' }));
    assert.throws(() => book.change('aaaaaaaa', { notAfterMs: Number.NaN }), KeyProblem);
  });

  test('tells whose streams are to be cut, of keys that were there before only', () => {
    const before = empty
      .add(record(newStreamKey(), { id: 'aaaaaaaa' }))
      .add(record(newStreamKey(), { id: 'bbbbbbbb' }));
    const after = before.withdraw('aaaaaaaa', true, 1).withdraw('bbbbbbbb', false, 2);
    assert.deepEqual(after.cutSince(before), ['aaaaaaaa']);
    assert.deepEqual(after.cutSince(after), []);
  });

  test('remembers withdrawn keys for a while only', () => {
    let book = empty;
    for (let i = 0; i < limits.publishAuth.withdrawals + 3; i++) {
      const key = record(newStreamKey());
      book = book.add(key).withdraw(key.id, false, i);
    }
    assert.equal(book.withdrawn.length, limits.publishAuth.withdrawals);
  });
});

test('a key is valid from its first to its last moment', () => {
  const key = { notBeforeMs: 10, notAfterMs: 20 };
  assert.deepEqual(
    [9, 10, 20, 21].map((at) => keyState(key, at)),
    ['early', 'valid', 'valid', 'expired'],
  );
  assert.equal(keyState({ notBeforeMs: null, notAfterMs: null }, 0), 'valid');
});

describe('a stream key', () => {
  const [first, second, early, old, other] = Array.from({ length: 5 }, newStreamKey) as [string, ...string[]] &
    string[];
  const book = [
    record(first, { id: 'aaaaaaaa', label: 'drone 1' }),
    record(second!),
    record(early!, { notBeforeMs: 2000 }),
    record(old!, { notAfterMs: 500 }),
    record(other!, { camera: '/stream2' }),
  ].reduce((before, key) => before.add(key), empty);
  const check = (key: string, camera = '/stream1') => new KeyCheck(book).check(camera, key, 1000, true, never);

  test('that is right is accepted, and so is a second one', async () => {
    assert.deepEqual(await check(first), { type: 'accepted', detail: 'key aaaaaaaa (drone 1)', keyId: 'aaaaaaaa' });
    assert.equal((await check(second!)).type, 'accepted');
  });

  for (const [name, key, reason] of [
    ['of another camera is wrong', other, 'credential_wrong'],
    ['that nobody has is wrong', newStreamKey(), 'credential_wrong'],
    ['of which the end is missing is wrong', first.slice(0, -1), 'credential_wrong'],
    ['that begins later is early', early, 'credential_early'],
    ['that has ended is expired', old, 'credential_expired'],
    ['of a million characters is wrong', 'x'.repeat(1e6), 'credential_wrong'],
  ] as const)
    test(name, async () => {
      const verdict = await check(key!);
      assert.equal(verdict.type === 'refused' && verdict.reason, reason);
      assert.ok(!JSON.stringify(verdict).includes(key!.slice(4)), 'the verdict does not tell the key');
    });

  test('that is good goes before one of the same secret that is not', async () => {
    const key = newStreamKey();
    const twice = new KeyBook(salt, [record(key, { notAfterMs: 1 }), record(key, { id: 'bbbbbbbb' })]);
    const verdict = await new KeyCheck(twice).check('/stream1', key, 1000, true, never);
    assert.equal(verdict.type === 'accepted' && verdict.keyId, 'bbbbbbbb');
  });
});

describe('a secret that somebody thought up', () => {
  const secret = 'correct-horse-battery';
  const bookOf = async (camera = '/stream1') => {
    const hash = (await hashChosenSecret(salt, camera, secret)).toString('hex');
    return empty.add(record('', { id: 'cccccccc', camera, kind: 'chosen', hash }));
  };

  test('is accepted for its camera, and nowhere else', async () => {
    const check = new KeyCheck(await bookOf());
    const ask = async (camera: string, given: string) => (await check.check(camera, given, 0, true, never)).type;
    assert.equal(await ask('/stream1', secret), 'accepted');
    assert.equal(await ask('/stream1', secret.toUpperCase()), 'refused');
    assert.equal(await ask('/stream2', secret), 'refused');
  });

  test('is not looked at while the address has to wait, unless it was right before', async () => {
    const check = new KeyCheck(await bookOf());
    const ask = async (slow: boolean, given = secret) => check.check('/stream1', given, 0, slow, never);
    const verdict = await ask(false);
    assert.equal(verdict.type === 'refused' && verdict.reason, 'credential_throttled');
    assert.equal((await ask(true)).type, 'accepted');
    assert.equal((await ask(false)).type, 'accepted');
    assert.equal((await ask(false, `${secret}x`)).type, 'refused');
  });

  test('that was revoked is forgotten', async () => {
    const check = new KeyCheck(await bookOf());
    const ask = async () => (await check.check('/stream1', secret, 0, true, never)).type;
    assert.equal(await ask(), 'accepted');
    check.book = check.book.withdraw('cccccccc', false, 0);
    assert.equal(await ask(), 'refused');
  });

  test('is hashed for a few at a time; the rest is turned away', async () => {
    const check = new KeyCheck(await bookOf());
    const { parallel, waiting } = limits.publishAuth.slowHashes;
    const many = Array.from({ length: parallel + waiting + 3 }, (_, i) => `wrong-secret-${i}-of-many`);
    const verdicts = await Promise.all(many.map((given) => check.check('/stream1', given, 0, true, never)));
    const turnedAway = verdicts.filter((v) => v.type === 'refused' && v.reason === 'credential_unavailable');
    assert.equal(turnedAway.length, 3);
  });

  test('costs a hash also where a camera has none, but not for a key of ours', async () => {
    // A generated key is 160 bits: nobody finds it by trying, so it is never worth a slow hash.
    const check = new KeyCheck(await bookOf());
    const quick = await check.check('/stream1', newStreamKey(), 0, false, never);
    assert.equal(quick.type === 'refused' && quick.reason, 'credential_wrong');
    const elsewhere = await check.check('/stream9', 'some-other-secret', 0, false, never);
    assert.equal(elsewhere.type === 'refused' && elsewhere.reason, 'credential_throttled');
  });
});
