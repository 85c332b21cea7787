import assert from 'node:assert/strict';
import { chmodSync, chownSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import {
  describeExposure,
  findCredentials,
  generatePassword,
  storeCredentials,
} from '../../../src/config/credentials.ts';
import { StartError, UsageError } from '../../../src/config/errors.ts';

let folder = '';
before(() => {
  folder = mkdtempSync(join(tmpdir(), 'skyweir-credentials-'));
});
after(() => rmSync(folder, { recursive: true }));

let count = 0;
/** A configuration with a state folder of its own. */
function configuration(changes: { auth?: boolean; passwordFile?: string } = {}) {
  return { auth: true, user: 'skyweir', passwordFile: null, stateDir: join(folder, `state${count++}`), ...changes };
}

function fileWith(content: string): string {
  const path = join(folder, `file${count++}`);
  writeFileSync(path, content);
  return path;
}

describe('where the password comes from', () => {
  test('--no-auth needs none', () => {
    assert.equal(findCredentials(configuration({ auth: false }), { SKYWEIR_PASSWORD: 'x' }), null);
  });

  for (const [name, content] of [
    ['first line', 'secret one\nother\n'],
    ['Windows line end and byte order mark', '\ufeffsecret one\r\n'],
    ['no line end', 'secret one'],
  ] as const) {
    test(`the file wins over the environment: ${name}`, () => {
      const passwordFile = fileWith(content);
      const found = findCredentials(configuration({ passwordFile }), { SKYWEIR_PASSWORD: 'x' });
      assert.deepEqual(found, { user: 'skyweir', password: 'secret one', origin: 'password-file', file: passwordFile });
    });
  }

  test('the environment wins over the stored one', () => {
    const found = findCredentials(configuration(), { SKYWEIR_PASSWORD: 'from outside' });
    assert.deepEqual(found, { user: 'skyweir', password: 'from outside', origin: 'environment', file: null });
  });

  test('without any a password is generated, and kept for the next start only when it is stored', () => {
    const config = configuration();
    const first = findCredentials(config, {});
    assert.equal(first?.origin, 'generated');
    const again = findCredentials(config, {});
    assert.equal(again?.origin, 'generated');
    assert.notEqual(first!.password, again!.password);
    storeCredentials(again!);
    const stored = findCredentials(config, {});
    assert.deepEqual(stored, { ...again, origin: 'stored' });
  });

  test('the stored file is for its owner only', { skip: process.platform === 'win32' }, () => {
    const config = configuration();
    const credentials = findCredentials(config, {})!;
    storeCredentials(credentials);
    assert.equal(statSync(credentials.file!).mode & 0o777, 0o600);
    assert.equal(statSync(config.stateDir).mode & 0o777, 0o700);
    assert.equal(describeExposure(credentials), null);
    chmodSync(credentials.file!, 0o644);
    assert.match(describeExposure(credentials)!, /mode 644/);
  });

  test('a file of somebody else may be for a group too: so systemd hands its credentials over, as an access list shows', {
    skip: process.getuid?.() !== 0 && 'only root can give a file away',
  }, () => {
    const passwordFile = fileWith('secret one');
    chownSync(passwordFile, 54321, 54321);
    const credentials = findCredentials(configuration({ passwordFile }), {})!;
    for (const mode of [0o400, 0o440, 0o640]) {
      chmodSync(passwordFile, mode);
      assert.equal(describeExposure(credentials), null, mode.toString(8));
    }
    chmodSync(passwordFile, 0o644);
    assert.match(describeExposure(credentials)!, /mode 644\); run chmod o-rwx on it$/);
    chownSync(passwordFile, 0, 0);
    chmodSync(passwordFile, 0o440);
    assert.match(describeExposure(credentials)!, /mode 440\); run chmod 600 on it$/);
  });

  test('a stored password is never overwritten', () => {
    const config = configuration();
    const one = findCredentials(config, {})!;
    const two = findCredentials(config, {})!;
    storeCredentials(one);
    assert.throws(() => storeCredentials(two), StartError);
    assert.equal(readFileSync(one.file!, 'utf8'), `${one.password}\n`);
  });
});

describe('what cannot be used is refused in one line that never shows the password', () => {
  const refusedFiles: [string, () => string, RegExp][] = [
    ['missing', () => join(folder, 'none'), /^--password-file .*none: cannot read the file: no such file or folder; /],
    ['a folder', () => folder, /^--password-file .*: cannot read the file: is a folder, not a file; /],
    ['empty', () => fileWith('\nsecret'), /^--password-file .*: the password is empty/],
    [
      'control character',
      () => fileWith('sec\u0007ret'),
      /^--password-file .*: the password holds control characters$/,
    ],
    [
      'very long',
      () => fileWith('secret'.repeat(100)),
      /^--password-file .*: the password is longer than 256 characters$/,
    ],
  ];
  for (const [name, make, message] of refusedFiles) {
    test(`file: ${name}`, () => {
      const config = configuration({ passwordFile: make() });
      assert.throws(
        () => findCredentials(config, {}),
        (error) => error instanceof UsageError && message.test(error.message) && !error.message.includes('secret'),
      );
    });
  }

  test('environment', () => {
    assert.throws(
      () => findCredentials(configuration(), { SKYWEIR_PASSWORD: 'sec\nret' }),
      (error) =>
        error instanceof UsageError && error.message === 'SKYWEIR_PASSWORD: the password holds control characters',
    );
  });

  test('an empty stored file says how to go on', () => {
    const config = configuration();
    mkdirSync(config.stateDir);
    writeFileSync(join(config.stateDir, 'password'), '');
    assert.throws(() => findCredentials(config, {}), /delete the file, and the next start makes a new password/);
  });

  test('a state folder where the system makes none ends in an error, not in a loop', {
    skip: process.platform !== 'linux',
  }, () => {
    const credentials = findCredentials({ ...configuration(), stateDir: '/proc/skyweir' }, {});
    assert.throws(() => storeCredentials(credentials!), StartError);
  });

  test('a state folder that cannot be made', () => {
    const config = { ...configuration(), stateDir: join(fileWith(''), 'state') };
    assert.throws(
      () => {
        const credentials = findCredentials(config, {});
        storeCredentials(credentials!);
      },
      (error) => error instanceof StartError && error.exitCode === 1 && error.message.includes('--state-dir'),
    );
  });
});

test('generated passwords differ and are easy to type', () => {
  const passwords = new Set(Array.from({ length: 100 }, generatePassword));
  assert.equal(passwords.size, 100);
  for (const password of passwords) assert.match(password, /^([a-km-np-z2-9]{4}-){3}[a-km-np-z2-9]{4}$/);
});
