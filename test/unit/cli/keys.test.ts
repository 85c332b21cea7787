import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, type TestContext, test } from 'node:test';
import { Command } from 'commander';
import { registerKeys } from '../../../src/cli/keys.ts';
import { UsageError } from '../../../src/config/errors.ts';
import { loadConfig } from '../../../src/config/load.ts';
import { temporaryFolder } from '../../support/media.ts';

const cameras = [{ path: '/Gate/North' }, { path: '/yard', 'publish-auth': 'required' }];

function keysOf(t: TestContext) {
  const stateDir = join(temporaryFolder(t), 'state');
  const run = async (...args: string[]): Promise<string> => {
    let text = '';
    const program = new Command().exitOverride().enablePositionalOptions();
    const surroundings = {
      version: '1',
      environment: {},
      columns: 100,
      load: (flags: ReadonlyMap<string, string | boolean>) =>
        loadConfig({
          flags: new Map([...flags, ['config', 'a.yaml'], ['state-dir', stateDir]]),
          environment: {},
          readFile: () => JSON.stringify({ cameras }),
          cores: 2,
          terminal: false,
        }),
      write: (more: string) => {
        text += more;
      },
      exitCode: () => {},
    };
    registerKeys(program, surroundings, async () => 'correct-horse-battery');
    program.configureOutput({ writeErr: () => {} });
    await program.parseAsync(['keys', ...args], { from: 'user' });
    return text;
  };
  const file = () => readFileSync(join(stateDir, 'publish-keys.json'), 'utf8');
  return { run, file };
}

describe('skyweir keys', () => {
  test('shows a new key once, and how to publish with it', async (t) => {
    const { run, file } = keysOf(t);
    assert.equal(await run('list'), 'There are no keys.\n');
    const made = await run('add', 'gate/north', '--label', 'drone 7');
    const key = /^ {2}(swk_\w{32})$/m.exec(made)![1]!;
    assert.ok(made.includes(`rtmp://<server>/Gate/North?key=${key}`));
    assert.match(made, /not asked for a key yet/);
    assert.match(await run('list'), /^\w{8} {2}\/gate\/north +valid {2}drone 7\n$/);
    assert.ok(!file().includes(key) && !(await run('list')).includes(key));
    assert.doesNotMatch(await run('add', '/yard'), /not asked for a key yet/);
  });

  test('takes a secret of your own, and does not show it', async (t) => {
    const { run, file } = keysOf(t);
    const text = await run('add', '/yard', '--chosen');
    assert.ok(!text.includes('correct-horse') && !file().includes('correct-horse'));
  });

  test('has dates, and rotates and revokes', async (t) => {
    const { run, file } = keysOf(t);
    const dates = 'from 2999-01-01T00:00:00.000Z until 2999-01-01T23:00:00.000Z';
    const given = ['--not-before', '2999-01-01T00:00:00Z', '--not-after', '2999-01-02T00:00:00+01:00'];
    assert.ok((await run('add', '/yard', ...given)).includes(`for /yard was made, valid ${dates}. `));
    const [id = ''] = (await run('list')).split(' ');
    assert.ok((await run('list')).includes(`early ${dates}`));
    // It has not begun, and could not before the ten minutes are over: the other takes its place at once.
    assert.match(await run('rotate', id, '--grace', '10m'), /swk_/);
    assert.match(await run('list'), /^\w{8} {2}\/yard +early from 2999.*\n$/);
    await run('add', '/yard');
    const second = (await run('list')).split('\n')[1]!.slice(0, 8);
    await run('rotate', second, '--grace', '10m');
    assert.equal((await run('list')).split('\n').length, 4);
    assert.match(await run('revoke', second, '--cut'), /was revoked/);
    assert.match(file(), new RegExp(`"id":"${second}","cut":true`));
  });

  for (const [name, args, message] of [
    ['a path that there is not', ['add', '/nowhere'], /no camera has this path/],
    ['a time without a zone', ['add', '/yard', '--not-after', '2027-01-01'], /with its zone/],
    [
      'a day that no month has',
      ['add', '/yard', '--not-after', '2999-02-30T00:00:00Z'],
      /--not-after 2999-02-30T.*must be a time/,
    ],
    ['an end that has passed', ['add', '/yard', '--not-after', '2020-01-01T00:00:00Z'], /would have ended already/],
    ['a key that there is not', ['revoke', 'aaaaaaaa'], /there is no key aaaaaaaa/],
    ['cutting what goes on', ['rotate', 'aaaaaaaa', '--cut', '--grace', '1h'], /leave --grace out/],
    ['a duration that is none', ['rotate', 'aaaaaaaa', '--grace', 'soon'], /must be a duration/],
    ['a word that is no command', ['make'], /write list, add, rotate or revoke/],
  ] as const)
    test(`explains ${name}`, async (t) => {
      const { run } = keysOf(t);
      await assert.rejects(run(...args), (error: Error) => error instanceof UsageError && message.test(error.message));
    });
});
