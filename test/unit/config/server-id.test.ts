import assert from 'node:assert/strict';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { StartError } from '../../../src/config/errors.ts';
import { findServerId } from '../../../src/config/server-id.ts';
import { temporaryFolder } from '../../support/media.ts';

const shape = /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[0-9a-f]{4}-[0-9a-f]{12}$/;

test('the identity is made once, and kept in the state folder', (t) => {
  const folder = join(temporaryFolder(t), 'state');
  const first = findServerId(folder);
  assert.match(first.id, shape);
  assert.deepEqual([first.warning, findServerId(folder)], [null, first]);
});

test('a file that lost its text when the power went is written anew', (t) => {
  const folder = temporaryFolder(t);
  const file = join(folder, 'server-id');
  for (const text of ['', '\n']) {
    writeFileSync(file, text);
    const { id, warning } = findServerId(folder);
    assert.match(id, shape);
    assert.equal(warning, null);
    assert.equal(readFileSync(file, 'utf8'), `${id}\n`);
  }
});

test('where it cannot be kept it is the name of the machine, with a warning', (t) => {
  const file = join(temporaryFolder(t), 'file');
  writeFileSync(file, '');
  const { id, warning } = findServerId(join(file, 'state'));
  assert.equal(id, hostname());
  assert.match(
    warning!,
    /server-id: cannot keep the identity of the ONVIF devices: a part of the path is not a folder; /,
  );
});

test('one that is there and cannot be read, such as that of another user, is no reason to take another', (t) => {
  const folder = temporaryFolder(t);
  mkdirSync(join(folder, 'server-id'));
  const message = /server-id: cannot read the identity of the ONVIF devices: is a folder, not a file; make it readable/;
  assert.throws(
    () => findServerId(folder),
    (error) => error instanceof StartError && message.test(error.message),
  );
});
