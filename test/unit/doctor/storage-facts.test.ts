import assert from 'node:assert/strict';
import { syncBuiltinESMExports } from 'node:module';
import os from 'node:os';
import { test } from 'node:test';
import { readStateFolder } from '../../../src/doctor/storage-facts.ts';
import { temporaryFolder } from '../../support/media.ts';

test('a user without a name, such as that of a container that runs as any user, is told by its number', {
  skip: process.platform === 'win32',
}, (t) => {
  const { mock } = t.mock.method(os, 'userInfo', () => {
    throw Object.assign(new Error('uv_os_get_passwd returned ENOENT'), { code: 'ERR_SYSTEM_ERROR' });
  });
  syncBuiltinESMExports();
  t.after(() => {
    mock.restore();
    syncBuiltinESMExports();
  });
  const folder = temporaryFolder(t);
  const { state, user } = readStateFolder(folder);
  assert.deepEqual([state, user], ['writable', String(process.getuid!())]);
});
