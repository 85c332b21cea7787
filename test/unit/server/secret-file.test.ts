import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { limits } from '../../../src/base/limits.ts';
import { StartError } from '../../../src/config/errors.ts';
import { readSecrets } from '../../../src/server/secret-file.ts';
import { temporaryFolder } from '../../support/media.ts';

const [first, second] = ['a'.repeat(32), 'b'.repeat(64)];

test('secrets are the lines that are no remarks, without the space around them', async (t) => {
  const file = join(temporaryFolder(t), 'secret');
  writeFileSync(file, `\ufeff# of the noc\r\n\r\n  ${first}\t\r\n${second}\n`);
  assert.deepEqual(await readSecrets('--x', file, 2), [first, second]);
  assert.deepEqual(await readSecrets('--x', file, 1), [first]);
  assert.equal(await readSecrets('--x', null, 1), null);
});

test('a file without a secret that is long enough is refused, and not quoted', async (t) => {
  const file = join(temporaryFolder(t), 'secret');
  const large = 'c'.repeat(limits.publishAuth.secretFileBytes + 1);
  for (const text of ['', '# remark only', 'd'.repeat(31), `${first}\nshort-one`, large]) {
    writeFileSync(file, text);
    await assert.rejects(
      readSecrets('hook noc: secret-file', file, 2),
      (error) =>
        error instanceof StartError &&
        error.message.startsWith(`hook noc: secret-file ${file}: `) &&
        !/remark only|ddd|short-one|ccc/.test(error.message),
    );
  }
  await assert.rejects(readSecrets('--x', `${file}-gone`, 1), /^StartError: --x .*-gone: cannot read the file/);
});
