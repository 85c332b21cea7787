import assert from 'node:assert/strict';
import { chownSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { readStateFile, replaceStateFile } from '../../../src/config/state-file.ts';
import { temporaryFolder } from '../../support/media.ts';

describe('replaceStateFile', () => {
  test('makes file and folders for their owner alone, and replaces what is there', async (t) => {
    const folder = join(temporaryFolder(t), 'a', 'b');
    const file = join(folder, 'users.json');
    await replaceStateFile(file, 'one');
    writeFileSync(file, 'meanwhile', { mode: 0o644 });
    await replaceStateFile(file, 'two');
    assert.equal(readFileSync(file, 'utf8'), 'two');
    assert.equal(statSync(file).mode & 0o777, 0o600);
    assert.equal(statSync(folder).mode & 0o777, 0o700);
  });

  test('gives what root makes, also new folders, to whom the folder above belongs', {
    skip: process.getuid?.() !== 0 && 'only root can give files away',
  }, async (t) => {
    const folder = temporaryFolder(t);
    chownSync(folder, 54321, 54322);
    const file = join(folder, 'a', 'b', 'users.json');
    await replaceStateFile(file, 'one');
    for (const made of [join(folder, 'a'), join(folder, 'a', 'b'), file]) {
      const { uid, gid } = statSync(made);
      assert.deepEqual([uid, gid], [54321, 54322], made);
    }
    chownSync(file, 54323, 54323);
    await replaceStateFile(file, 'two');
    assert.equal(statSync(file).uid, 54323);
  });

  test('leaves nothing half-written where it fails', async (t) => {
    const folder = temporaryFolder(t);
    const file = join(folder, 'users.json');
    // A folder cannot be replaced by a file.
    mkdirSync(join(file, 'full'), { recursive: true });
    await assert.rejects(replaceStateFile(file, 'two'));
    assert.deepEqual(readdirSync(folder), ['users.json']);
  });

  test('many at once leave one of them whole', async (t) => {
    const file = join(temporaryFolder(t), 'users.json');
    const texts = Array.from({ length: 20 }, (_, i) => String(i).repeat(10_000));
    await Promise.all(texts.map((text) => replaceStateFile(file, text)));
    assert.ok(texts.includes(readFileSync(file, 'utf8')));
  });
});

describe('readStateFile', () => {
  test('tells a file that is missing from one that is too long', async (t) => {
    const file = join(temporaryFolder(t), 'users.json');
    assert.equal(await readStateFile(file, 10), null);
    assert.equal(await readStateFile(join(file, 'below'), 10), null);
    writeFileSync(file, 'x'.repeat(10));
    assert.equal(await readStateFile(file, 10), 'x'.repeat(10));
    assert.equal(await readStateFile(join(file, 'below'), 10), null, 'a part of the path is no folder');
    await assert.rejects(readStateFile(file, 9), /more than 9 bytes/);
  });
});
