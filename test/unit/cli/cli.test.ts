import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, existsSync, mkdtempSync, openSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { text } from 'node:stream/consumers';
import { after, before, describe, test } from 'node:test';

const cli = resolve(import.meta.dirname, '../../../src/cli.ts');
let folder = '';
before(() => {
  folder = mkdtempSync(join(tmpdir(), 'skyweir-cli-'));
});
after(() => rmSync(folder, { recursive: true }));

/** Runs the program in an empty folder. */
function run(args: string[], environment: Record<string, string> = {}) {
  const { stdout, stderr, status } = spawnSync(process.execPath, [cli, ...args], {
    cwd: folder,
    env: { PATH: process.env['PATH'], ...environment },
    encoding: 'utf8',
    timeout: 20_000,
  });
  return { stdout, stderr, status };
}

describe('what only prints ends with 0', () => {
  test('--help', () => {
    const { stdout, stderr, status } = run(['--help']);
    assert.deepEqual([status, stderr], [0, '']);
    assert.match(stdout, /^Usage: skyweir \[flags\]\n/);
    assert.match(stdout, /--rtmp-port <port>/);
  });

  test('also when nobody reads what it prints', async () => {
    for (const args of [['--help'], ['--print-config'], ['completion', 'bash']]) {
      const child = spawn(process.execPath, [cli, ...args], { cwd: folder, stdio: ['ignore', 'pipe', 'pipe'] });
      child.stdout.destroy();
      const said = text(child.stderr);
      const [status] = await once(child, 'close');
      assert.deepEqual([args, status, await said], [args, 0, '']);
    }
  });

  test('but not when what it prints cannot be written', { skip: !existsSync('/dev/full') }, () => {
    const full = openSync('/dev/full', 'w');
    const { status } = spawnSync(process.execPath, [cli, '--help'], { cwd: folder, stdio: ['ignore', full, 'ignore'] });
    closeSync(full);
    assert.equal(status, 1);
  });

  test('--version', () => {
    const { stdout, status } = run(['--version']);
    assert.equal(status, 0);
    assert.match(stdout, /^\d+\.\d+\.\d+\n$/);
  });

  test('--print-config: file < environment < flags, and no secret', () => {
    writeFileSync(join(folder, 'a.yaml'), 'rtmp-port: 1001\nrtsp-port: 1002\nuser: file\n');
    const environment = { SKYWEIR_RTSP_PORT: '2002', SKYWEIR_USER: 'environment', SKYWEIR_PASSWORD: 'hidden' };
    const { stdout, status } = run(['--config', 'a.yaml', '--user', 'flag', '--print-config'], environment);
    assert.equal(status, 0);
    assert.match(stdout, /^rtmp-port: 1001 # a\.yaml:1$/m);
    assert.match(stdout, /^rtsp-port: 2002 # SKYWEIR_RTSP_PORT$/m);
    assert.match(stdout, /^user: flag # --user$/m);
    assert.match(stdout, /^log-format: json # default$/m);
    assert.ok(!stdout.includes('hidden'));
  });
});

describe('a mistake is one line on standard error, without a stack trace, and ends with 2', () => {
  const cases: [string, string[], Record<string, string>, string][] = [
    ['unknown flag', ['--rtmp-prot', '1'], {}, 'skyweir: --rtmp-prot: unknown flag; did you mean --rtmp-port?\n'],
    ['out of range', ['--cameras', '5000'], {}, 'skyweir: --cameras 5000: must be a whole number from 1 to 1008\n'],
    [
      'variable',
      [],
      { SKYWEIR_AUTH: 'x' },
      'skyweir: SKYWEIR_AUTH=x: must be true or false (also on/off, yes/no, 1/0)\n',
    ],
    [
      'missing file',
      ['--config', 'none'],
      {},
      'skyweir: --config none: cannot read the file: no such file or folder\n',
    ],
    [
      'missing password file',
      ['--password-file', 'none'],
      {},
      'skyweir: --password-file none: cannot read the file: no such file or folder; it must hold the password in its first line\n',
    ],
  ];
  for (const [name, args, environment, expected] of cases) {
    test(name, () => {
      const { stdout, stderr, status } = run(args, environment);
      assert.deepEqual({ stdout, stderr, status }, { stdout: '', stderr: expected, status: 2 });
    });
  }

  test('a file with several: each with its line and column', () => {
    writeFileSync(join(folder, 'b.yaml'), '# cameras\ncameras:\n  - path: /a/../b\nrtmp-prot: 1\nvideo-timeout: x\n');
    const { stderr, status } = run(['--config', 'b.yaml']);
    assert.equal(status, 2);
    const places = stderr
      .trimEnd()
      .split('\n')
      .map((line) => /^skyweir: (b\.yaml:\d+:\d+): /.exec(line)?.[1]);
    assert.deepEqual(places.sort(), ['b.yaml:3:11', 'b.yaml:4:1', 'b.yaml:5:16']);
  });
});
