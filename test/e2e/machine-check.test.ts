import assert from 'node:assert/strict';
import { resolve } from 'node:path';
import { describe, type TestContext, test } from 'node:test';
import { temporaryFolder } from '../support/media.ts';
import { type Program, start } from '../support/program.ts';

const timeout = 120_000;
const cli = resolve(import.meta.dirname, '../../src/cli.ts');

/** The program under a limit of open files; 0 is the limit of this process. */
function run(t: TestContext, openFiles: number, args: string[]): Program {
  const limit = openFiles === 0 ? '' : `ulimit -n ${openFiles} && `;
  const command = ['-c', `${limit}exec "$@"`, 'sh', process.execPath, cli, ...args];
  return start(t, '/bin/sh', command, { cwd: temporaryFolder(t), env: { PATH: process.env['PATH'] } });
}

describe('the check of the machine', { skip: process.platform === 'win32' }, () => {
  test('--print-plan tells what is needed and ends with 0 if the machine has it', { timeout }, async (t) => {
    const { code, stdout, stderr } = await run(t, 0, ['--print-plan', '--cameras', '4', '--plan-bitrate', '8']).ended;
    assert.equal(code, 0, stderr);
    assert.match(stdout, /^Skyweir \S+: 4 cameras of 8 Mbit\/s/);
    for (const need of ['Memory', 'Connections', 'Open files', 'Cores', 'Threads', 'Network'])
      assert.ok(stdout.includes(`\n${need}`));
  });

  test('--print-plan ends with 1 if the machine has not', { timeout }, async (t) => {
    const { code, stdout } = await run(t, 200, ['--print-plan', '--cameras', '500']).ended;
    assert.equal(code, 1);
    assert.match(stdout, /^ {2}here +200: NOT ENOUGH$/m);
    assert.match(stdout, /"ulimit -n 4096"/);
  });

  test('a start that would run out of descriptors fails with one line, and opens nothing', { timeout }, async (t) => {
    const { code, stdout, stderr } = await run(t, 200, ['--cameras', '500', '--log-format', 'json']).ended;
    assert.equal(code, 1);
    assert.equal(stdout, '');
    assert.match(stderr, /^skyweir: open files: the process may have 200, .*"ulimit -n 4096".*\n$/);
    assert.equal(stderr.trim().split('\n').length, 1);
  });
});
