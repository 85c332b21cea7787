import assert from 'node:assert/strict';
import { mkdirSync, readdirSync, readFileSync, statSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, type TestContext, test } from 'node:test';
import { StartError } from '../../../src/config/errors.ts';
import { KeyProblem } from '../../../src/publish-auth/key-book.ts';
import { changeKeyFile, publishKeyFile, readKeyFile } from '../../../src/server/publish-key-file.ts';
import { addKey, type NewKey, PublishKeys } from '../../../src/server/publish-keys.ts';
import { temporaryFolder } from '../../support/media.ts';

const wish: NewKey = { camera: '/Gate/North', label: 'drone 7', notBeforeMs: null, notAfterMs: null };
const never = new AbortController().signal;

function keysOf(t: TestContext, stateDir = join(temporaryFolder(t), 'state')) {
  const cut: string[] = [];
  const errors: string[] = [];
  const clock = { now: 1000, nowMs: () => clock.now, wallMs: () => clock.now };
  const silence = () => undefined;
  const logger = {
    debug: silence,
    info: silence,
    warn: silence,
    error: (_: object, text: string) => errors.push(text),
  };
  const keys = new PublishKeys({ stateDir, clock, logger, onCut: (id) => cut.push(id) });
  t.after(() => keys.close());
  const check = async (key: string, camera = '/gate/north') =>
    (await keys.check.check(camera, key, clock.now, true, never)).type;
  return { keys, cut, errors, clock, check, file: publishKeyFile(stateDir), stateDir };
}

describe('the file of stream keys', () => {
  test('is made with the first key, for this user only, and holds no key', async (t) => {
    const { keys, check, file, stateDir } = keysOf(t);
    await keys.load();
    const { secret, record } = await keys.add(wish);
    assert.equal(await check(secret), 'accepted');
    assert.equal(record.camera, '/gate/north');
    if (process.platform !== 'win32') assert.equal(statSync(file).mode & 0o777, 0o600);
    assert.ok(!readFileSync(file, 'utf8').includes(secret.slice(4)));
    assert.deepEqual(readdirSync(stateDir), ['publish-keys.json'], 'no lock and no half-written file stays');
  });

  test('keeps a secret of a person as a slow hash, with a salt that stays', async (t) => {
    const { keys, check, file } = keysOf(t);
    await keys.load();
    const secret = 'correct-horse-battery';
    assert.equal((await keys.add({ ...wish, secret })).record.kind, 'chosen');
    assert.equal(await check(secret), 'accepted');
    await keys.add(wish);
    await keys.load();
    assert.equal(await check(secret), 'accepted');
    assert.ok(!readFileSync(file, 'utf8').includes(secret));
  });

  test('takes no secret that could be guessed, or that breaks a URL', async (t) => {
    const { keys, stateDir } = keysOf(t);
    await keys.load();
    for (const secret of [
      'short',
      'with a space inside',
      'with-and-&-in-it-xxxx',
      'x'.repeat(257),
      'ünïcode-ünïcode-x',
    ])
      await assert.rejects(keys.add({ ...wish, secret }), KeyProblem);
    await assert.rejects(keys.add({ ...wish, label: 'x'.repeat(65) }), KeyProblem);
    assert.throws(() => statSync(publishKeyFile(stateDir)));
  });

  test('is changed by several at a time without a loss', async (t) => {
    const { keys, file } = keysOf(t);
    await keys.load();
    const ids = await Promise.all(
      Array.from({ length: 10 }, async (_, i) => {
        const made = i % 2 === 0 ? await keys.add(wish) : await addKey(file, wish, 0);
        return made.record.id;
      }),
    );
    const stored = (await readKeyFile(file)).keys.map(({ id }) => id);
    assert.deepEqual(stored.sort(), ids.sort());
  });

  test('is not locked for ever by a program that crashed', async (t) => {
    const { keys, file } = keysOf(t);
    await keys.load();
    await keys.add(wish);
    // The second before its clock was set back.
    for (const at of [new Date(0), new Date(Date.now() + 3_600_000)]) {
      writeFileSync(`${file}.lock`, '1\n');
      utimesSync(`${file}.lock`, at, at);
      await keys.add(wish);
    }
    assert.equal((await readKeyFile(file)).keys.length, 3);
  });

  test('that cannot be written is said so, and nothing has changed', async (t) => {
    const folder = temporaryFolder(t);
    writeFileSync(join(folder, 'no-folder'), '');
    const { keys } = keysOf(t, join(folder, 'no-folder'));
    await assert.rejects(
      keys.add(wish),
      (error: Error) => error instanceof StartError && /--state-dir/.test(error.message),
    );
    assert.deepEqual(keys.book.keys, []);
  });

  test('of something else is refused, without telling what is in it', async (t) => {
    const { keys, file, stateDir } = keysOf(t);
    mkdirSync(stateDir);
    writeFileSync(file, '{"secret": "of somebody"}');
    await assert.rejects(
      keys.load(),
      (error: Error) => error instanceof StartError && !/of somebody/.test(error.message),
    );
    await assert.rejects(
      changeKeyFile(file, (book) => book),
      StartError,
    );
    assert.equal(readFileSync(file, 'utf8'), '{"secret": "of somebody"}');
  });
});

describe('a running server', () => {
  test('keeps the keys that were good when the file is broken, and says so once', async (t) => {
    const { keys, file, check, errors } = keysOf(t);
    await keys.load();
    const { secret } = await keys.add(wish);
    writeFileSync(file, 'broken');
    for (let i = 0; i < 3; i++) await keys.loadIfGood();
    assert.equal(await check(secret), 'accepted');
    assert.equal(errors.length, 1);
  });

  test('is told which streams to cut: of keys that were revoked so, by whomever', async (t) => {
    const { keys, file, cut } = keysOf(t);
    await keys.load();
    const made = await Promise.all(Array.from({ length: 4 }, () => keys.add(wish)));
    const [first, second, third, fourth] = made.map(({ record }) => record.id) as [string, string, string, string];
    await keys.revoke(first, true);
    await keys.revoke(second, false);
    await keys.rotate(third, { graceMs: 0, cut: true });
    await changeKeyFile(file, (book) => book.withdraw(fourth, true, 5));
    await keys.loadIfGood();
    await keys.loadIfGood();
    assert.deepEqual(cut, [first, third, fourth]);
  });

  test('lets the old key live for a while after a rotation, but not beyond its own end', async (t) => {
    const { keys, clock, check } = keysOf(t);
    await keys.load();
    const old = await keys.add({ ...wish, notAfterMs: 50_000 });
    const next = await keys.rotate(old.record.id, { graceMs: 10_000, cut: false });
    assert.deepEqual(
      [next.record.label, next.record.camera, next.record.notAfterMs],
      ['drone 7', '/gate/north', 50_000],
    );
    clock.now = 11_000;
    assert.deepEqual([await check(old.secret), await check(next.secret)], ['accepted', 'accepted']);
    clock.now = 11_001;
    assert.deepEqual([await check(old.secret), await check(next.secret)], ['refused', 'accepted']);
    await keys.rotate(next.record.id, { graceMs: 1e9, cut: false });
    assert.equal(keys.book.get(next.record.id)?.notAfterMs, 50_000);
    clock.now = 50_001;
    await assert.rejects(keys.rotate(next.record.id, { graceMs: 0, cut: false }), /has ended/);
    await assert.rejects(keys.rotate('nothing0', { graceMs: 0, cut: false }), KeyProblem);
  });

  test('gives the new key the end of the old one, not that of a grace', async (t) => {
    const { keys } = keysOf(t);
    await keys.load();
    const grace = { graceMs: 10_000, cut: false };
    for (const notAfterMs of [null, 50_000]) {
      // The key that a rotation made was lost, so that the old one is rotated once more.
      const { record } = await keys.add({ ...wish, notAfterMs });
      await keys.rotate(record.id, grace);
      assert.equal((await keys.rotate(record.id, grace)).record.notAfterMs, notAfterMs);
      // What somebody set meanwhile is an end of its own.
      await keys.change(record.id, { label: 'drone 8' });
      assert.equal((await keys.rotate(record.id, grace)).record.notAfterMs, notAfterMs);
      await keys.change(record.id, { notAfterMs: 40_000 });
      assert.equal((await keys.rotate(record.id, grace)).record.notAfterMs, 40_000);
    }
    await keys.load();
    const [first] = keys.book.keys;
    assert.deepEqual([first?.notAfterMs, first?.ownEndMs], [11_000, 40_000]);
  });
});
