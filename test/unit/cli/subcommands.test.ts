import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { registerSubcommands, runSubcommand } from '../../../src/cli/subcommands.ts';
import type { Surroundings } from '../../../src/cli/surroundings.ts';
import { UsageError } from '../../../src/config/errors.ts';
import { parseCommandLine } from '../../../src/config/flags.ts';
import { loadConfig } from '../../../src/config/load.ts';
import { anyPorts } from '../../support/cli-log.ts';

/** Surroundings that keep what is written, and what the process would end with. */
function fakeSurroundings() {
  const seen = { text: '', code: 0, flags: new Map<string, string | boolean>() };
  const surroundings: Surroundings = {
    version: '1.2.3',
    environment: {},
    columns: undefined,
    load: (flags) => {
      seen.flags = new Map(flags);
      return loadConfig({ flags, environment: {}, readFile: () => '', cores: 2, terminal: false });
    },
    write: (text) => {
      seen.text += text;
    },
    exitCode: (code) => {
      seen.code = code;
    },
  };
  return { seen, surroundings };
}

const isUsage = (expected: RegExp) => (error: unknown) => error instanceof UsageError && expected.test(error.message);

describe('subcommands', () => {
  test('what begins with none is not theirs', async () => {
    const { surroundings } = fakeSurroundings();
    for (const args of [[], ['--rtmp-port', '1'], ['--user', 'doctor'], ['doctors']])
      assert.equal(await runSubcommand(args, surroundings), false, args.join(' '));
  });

  test('take the flags of the server that stand behind them', async () => {
    const { seen, surroundings } = fakeSurroundings();
    assert.equal(await runSubcommand(['doctor', ...anyPorts, '--json', '--cameras', '3'], surroundings), true);
    assert.deepEqual([...seen.flags].slice(-1), [['cameras', '3']]);
    const { version, findings } = JSON.parse(seen.text);
    assert.equal(version, '1.2.3');
    assert.ok(findings.length > 10);
  });

  test('have a help of their own', async () => {
    const { seen, surroundings } = fakeSurroundings();
    assert.equal(await runSubcommand(['doctor', '--help'], surroundings), true);
    assert.match(seen.text, /^Usage: skyweir doctor/);
  });

  test('a word too many is a mistake, and nothing is done', async () => {
    const { seen, surroundings } = fakeSurroundings();
    for (const args of [
      ['doctor', 'a.yaml'],
      ['users', 'list', 'x'],
      ['keys', 'list', 'x'],
      ['completion', 'bash', 'x'],
    ])
      await assert.rejects(
        runSubcommand(args, surroundings),
        isUsage(/^\w+: takes \d arguments?, not \d; see --help/),
        args.join(' '),
      );
    await assert.rejects(
      runSubcommand(['keys', 'revoke', 'aaaaaaaa', 'bbbbbbbb'], surroundings),
      isUsage(/^revoke: takes 1 argument, not 2; see --help for all flags$/),
    );
    await assert.rejects(runSubcommand(['users', 'lst'], surroundings), isUsage(/^users lst: unknown; write list/));
    assert.equal(seen.text, '');
  });

  test('a flag of another command is not suggested in its own place', async () => {
    const { surroundings } = fakeSurroundings();
    await assert.rejects(
      runSubcommand(['doctor', '--print-plan'], surroundings),
      isUsage(/^--print-plan: is no flag of this command$/),
    );
  });

  test('mistakes are one line', async () => {
    const { surroundings } = fakeSurroundings();
    await assert.rejects(
      runSubcommand(['completion', 'tcsh'], surroundings),
      isUsage(/'tcsh' is invalid.*bash, zsh, fish/),
    );
    await assert.rejects(
      runSubcommand(['doctor', '--rtmp-prot', '1'], surroundings),
      isUsage(/did you mean --rtmp-port\?$/),
    );
  });

  test('stand in the help of the program, which tells who meant one', () => {
    const register = registerSubcommands(fakeSurroundings().surroundings);
    const { print } = parseCommandLine(['--help'], '1.2.3', 100, register);
    for (const name of ['doctor', 'completion']) assert.match(print!, new RegExp(`^  ${name} `, 'm'));
    assert.throws(
      () => parseCommandLine(['docter'], '1.2.3', 100, register),
      isUsage(/not a command; did you mean doctor\?/),
    );
    const misplaced = ['--cameras', '3', 'doctor'];
    assert.throws(() => parseCommandLine(misplaced, '1.2.3', 100, register), isUsage(/^doctor: a command comes first/));
  });
});
