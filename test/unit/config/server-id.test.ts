import assert from 'node:assert/strict';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
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
  const folder = temporaryFolder(t);
  mkdirSync(join(folder, 'server-id'));
  const { id, warning } = findServerId(folder);
  assert.equal(id, hostname());
  assert.match(warning!, /server-id: cannot keep the identity of the ONVIF devices: is a folder, not a file; /);
});
