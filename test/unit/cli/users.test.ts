import assert from 'node:assert/strict';
import { mkdirSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { PassThrough } from 'node:stream';
import { describe, type TestContext, test } from 'node:test';
import { Command } from 'commander';
import { ask, readLine } from '../../../src/cli/secret-input.ts';
import type { Surroundings } from '../../../src/cli/surroundings.ts';
import { registerUsers } from '../../../src/cli/users.ts';
import { StartError, UsageError } from '../../../src/config/errors.ts';
import { loadConfig } from '../../../src/config/load.ts';
import { AccessFiles } from '../../../src/server/access-files.ts';
import { temporaryFolder } from '../../support/media.ts';

const good = 'vier grüne Fische';

class Shell {
  readonly stateDir: string;
  written = '';
  asked = 0;

  constructor(t: TestContext, stateDir = join(temporaryFolder(t), 'state')) {
    this.stateDir = stateDir;
  }

  /** Returns what was printed. */
  async run(password: string, ...args: string[]): Promise<string> {
    this.written = '';
    const surroundings: Surroundings = {
      version: '1.2.3',
      environment: {},
      columns: 100,
      load: (flags) => loadConfig({ flags, environment: {}, readFile: () => '', cores: 2, terminal: false }),
      write: (text) => {
        this.written += text;
      },
      exitCode: () => undefined,
    };
    const program = new Command('skyweir')
      .exitOverride()
      .configureOutput({ writeOut: surroundings.write, writeErr: () => {} });
    registerUsers(program, surroundings, async () => {
      this.asked++;
      return password;
    });
    const place = args.length > 0 && args[0] !== 'lst' ? ['--state-dir', this.stateDir] : [];
    await program.parseAsync(['users', ...args, ...place], { from: 'user' });
    return this.written;
  }

  users() {
    return new AccessFiles(this.stateDir).loadUsers();
  }
}

const refuses = (text: RegExp, act: Promise<unknown>) =>
  assert.rejects(act, (error) => error instanceof UsageError && text.test(error.message));

describe('skyweir users', () => {
  test('adds, shows, changes and removes a user', async (t) => {
    const shell = new Shell(t);
    assert.match(await shell.run('', 'list'), /^skyweir +admin +\(--user\)\n$/);
    assert.match(await shell.run(good, 'add', 'anna', '--role', 'operator'), /anna was added with the role operator/);
    assert.equal(statSync(join(shell.stateDir, 'users.json')).mode & 0o777, 0o600);
    assert.match(await shell.run('', 'list'), /^skyweir .*\nanna +operator +\d{4}-/);
    const [before] = await shell.users();
    assert.ok(!before!.password.includes(good));
    await shell.run('fünf blaue Vögel', 'passwd', 'anna');
    const [after] = await shell.users();
    assert.notEqual(after!.password, before!.password);
    assert.equal(shell.asked, 2);
    await shell.run('', 'passwd', 'anna', '--role', 'admin');
    assert.deepEqual([(await shell.users())[0]!.role, shell.asked], ['admin', 2]);
    await shell.run('', 'remove', 'anna');
    assert.deepEqual(await shell.users(), []);
    assert.match(await shell.run(''), /list.*\n.*add/);
  });

  test('loses no user where several are added and removed at the same time', async (t) => {
    const first = new Shell(t);
    await first.run(good, 'add', 'gone');
    const names = ['ada', 'bob', 'cy', 'dora', 'eve'];
    const shells = [...names.map(() => new Shell(t, first.stateDir)), first];
    await Promise.all(
      shells.map((shell, i) =>
        i < names.length ? shell.run(good, 'add', names[i]!) : shell.run('', 'remove', 'gone'),
      ),
    );
    assert.deepEqual((await first.users()).map(({ name }) => name).sort(), names);
  });

  test('says what is wrong before it asks for a password', async (t) => {
    const shell = new Shell(t);
    await refuses(/letters, digits/, shell.run(good, 'add', 'a/b'));
    await refuses(/is the user of --user/, shell.run(good, 'add', 'skyweir'));
    await refuses(/there is no such user; see: skyweir users list/, shell.run(good, 'passwd', 'anna'));
    await refuses(/is the user of --user/, shell.run(good, 'passwd', 'skyweir'));
    await refuses(/is the user of --user/, shell.run(good, 'remove', 'skyweir'));
    await refuses(/users lst: unknown; write list, add, passwd or remove/, shell.run(good, 'lst'));
    assert.equal(shell.asked, 0);
    await refuses(/shorter than 12/, shell.run('short', 'add', 'anna'));
    await shell.run(good, 'add', 'anna');
    await refuses(/already/, shell.run(good, 'add', 'Anna'));
  });

  test('keeps the last admin where there is no user of the settings', async (t) => {
    const shell = new Shell(t);
    await shell.run(good, 'add', 'anna', '--role', 'admin');
    await refuses(/last admin/, shell.run('', 'remove', 'anna', '--no-auth'));
    await shell.run('', 'remove', 'anna');
    assert.equal(await shell.run('', 'list', '--no-auth'), 'There are no users.\n');
  });

  test('does not touch a file that it cannot read', async (t) => {
    const shell = new Shell(t);
    mkdirSync(shell.stateDir);
    writeFileSync(join(shell.stateDir, 'users.json'), 'mine');
    await assert.rejects(shell.run(good, 'add', 'anna'), (error) => {
      return error instanceof StartError && /users\.json: cannot be used: it is no JSON/.test(error.message);
    });
  });
});

test('a password on standard input is its first line', async () => {
  const from = async (...chunks: string[]) =>
    readLine(
      (async function* () {
        yield* chunks;
      })(),
    );
  assert.equal(await from('\ufeffvier ', 'grüne Fische\r\nmore'), good);
  assert.equal(await from(good), good);
  await refuses(/no password came/, from());
  await refuses(/no password came/, from('\nsecond line'));
});

test('a password on a terminal is a line; where the terminal ends before it, nothing is changed', async () => {
  const typed = new PassThrough();
  const answer = ask('', typed);
  typed.write(`${good}\r`);
  assert.equal(await answer, good);
  const ended = new PassThrough();
  const none = ask('', ended);
  ended.end();
  await refuses(/^interrupted; nothing was changed$/, none);
});
