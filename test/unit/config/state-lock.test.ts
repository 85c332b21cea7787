import assert from 'node:assert/strict';
import { mkdirSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { StartError } from '../../../src/config/errors.ts';
import { withStateLock } from '../../../src/config/state-lock.ts';
import { temporaryFolder } from '../../support/media.ts';

describe('withStateLock', () => {
  test('lets one in at a time, also where several find the lock of a program that crashed', async (t) => {
    const file = join(temporaryFolder(t), 'users.json');
    let inside = 0;
    let most = 0;
    const act = async (): Promise<void> => {
      most = Math.max(most, ++inside);
      await nextTurn();
      inside--;
    };
    for (let round = 0; round < 10; round++) {
      writeFileSync(`${file}.lock`, '1\n');
      utimesSync(`${file}.lock`, 0, 0);
      await Promise.all(Array.from({ length: 3 }, () => withStateLock(file, 'the users', act)));
    }
    assert.equal(most, 1);
  });

  test('says that an old lock cannot be removed', async (t) => {
    const file = join(temporaryFolder(t), 'users.json');
    mkdirSync(`${file}.lock`);
    utimesSync(`${file}.lock`, 0, 0);
    await assert.rejects(
      withStateLock(file, 'the users', () => Promise.resolve()),
      (error: Error) => error instanceof StartError && /--state-dir/.test(error.message),
    );
  });
});
