/** What is written for deployment fits the program that is deployed. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { describe, test } from 'node:test';
import { settingKeys, settings } from '../../../src/config/schema.ts';

const root = resolve(import.meta.dirname, '../../..');
const text = (file: string): string => readFileSync(join(root, file), 'utf8');
const start = (JSON.parse(text('package.json')) as { scripts: { start: string } }).scripts.start;
const nodeFlags = start.split(' ').filter((word) => word.startsWith('--'));
const unit = text('deploy/skyweir.service');
const container = text('deploy/Containerfile');

/** Values of a key of the unit, continued lines joined. */
function values(key: string): string[] {
  const lines = unit.replace(/\\\n\s*/g, '').split('\n');
  return lines.filter((line) => line.startsWith(`${key}=`)).map((line) => line.slice(key.length + 1));
}

describe('deploy/skyweir.service', () => {
  test('starts the program as npm start does', () => {
    const [command] = values('ExecStart');
    const words = command!.split(/\s+/);
    assert.deepEqual(words.slice(1, 1 + nodeFlags.length), nodeFlags);
    const script = words[1 + nodeFlags.length]!;
    assert.equal(script, `/opt/skyweir/${start.split(' ').at(-1)}`);
    assert.ok(existsSync(script.replace('/opt/skyweir', root)), script);
    for (const flag of words.slice(2 + nodeFlags.length).filter((word) => word.startsWith('--')))
      assert.ok(settingNames.has(flag.slice(2)), flag);
  });

  test('takes every privilege away', () => {
    const wanted: Record<string, string> = {
      DynamicUser: 'yes',
      StateDirectory: 'skyweir',
      ProtectSystem: 'strict',
      ProtectHome: 'yes',
      NoNewPrivileges: 'yes',
      CapabilityBoundingSet: '',
      AmbientCapabilities: '',
      RestrictAddressFamilies: 'AF_INET AF_INET6 AF_UNIX AF_NETLINK',
      ExecReload: 'kill -HUP $MAINPID',
      Restart: 'on-failure',
      RestartForceExitStatus: 'SIGHUP',
    };
    for (const [key, value] of Object.entries(wanted)) assert.deepEqual(values(key), [value], key);
  });

  test('lets V8 compile: with MemoryDenyWriteExecute Node.js does not start', () => {
    assert.deepEqual(values('MemoryDenyWriteExecute'), ['no']);
  });

  test('is a unit that systemd understands, and exposes little', (t) => {
    if (spawnSync('systemd-analyze', ['--version']).status !== 0) return t.skip('needs systemd-analyze');
    const folder = mkdtempSync(join(tmpdir(), 'skyweir-unit-'));
    t.after(() => rmSync(folder, { recursive: true, force: true }));
    const file = join(folder, 'skyweir.service');
    // For a program that is there: that of the tests.
    const placed = unit.replace('/opt/skyweir/node_modules/node/bin/node', process.execPath);
    writeFileSync(file, placed.replaceAll('/opt/skyweir', root));
    const { stdout, stderr, status } = spawnSync('systemd-analyze', ['verify', file], { encoding: 'utf8' });
    // Old versions of systemd do not know "offline".
    assert.equal(status, 0, stdout + stderr);
    const security = spawnSync('systemd-analyze', ['security', '--offline=yes', file], { encoding: 'utf8' });
    if (security.status !== 0) return t.diagnostic(security.stderr);
    const exposure = Number(/exposure level for \S+ ([\d.]+)/.exec(security.stdout)![1]);
    t.diagnostic(`exposure ${exposure}`);
    assert.ok(exposure <= 1.5, `${exposure}`);
  });
});

describe('deploy/Containerfile', () => {
  test('starts the program as npm start does', () => {
    const entry = JSON.parse(/^ENTRYPOINT (.*)$/m.exec(container)![1]!) as string[];
    assert.deepEqual(entry, ['node', ...nodeFlags, 'src/start.js']);
  });

  test('copies what is there', () => {
    for (const [, sources] of container.matchAll(/^COPY (?!--from)(.*) \S+$/gm))
      for (const source of sources!.split(' ')) assert.ok(existsSync(join(root, source)), source);
  });

  test('names settings that exist', () => {
    for (const [, name] of container.matchAll(/SKYWEIR_([A-Z_]+)=/g))
      assert.ok(settingNames.has(name!.toLowerCase().replaceAll('_', '-')), name!);
  });
});

describe('docs/deployment.md and SECURITY.md', () => {
  test('name flags that exist', () => {
    for (const file of ['docs/deployment.md', 'SECURITY.md'])
      for (const [, flag] of text(file).matchAll(/`--([a-z0-9-]+)[^`]*`/g)) {
        const known = settingNames.has(flag!) || foreignFlags.has(flag!) || settingNames.has(flag!.replace(/^no-/, ''));
        assert.ok(known, `${file}: --${flag}`);
      }
  });

  test('say what each flag of npm start is for', () => {
    for (const flag of nodeFlags) assert.ok(text('docs/deployment.md').includes(`| \`${flag}\` `), flag);
  });

  test('link to files that are there', () => {
    for (const [file, folder] of [
      ['docs/deployment.md', 'docs'],
      ['SECURITY.md', '.'],
    ] as const)
      for (const [, target] of text(file).matchAll(/\]\((?!https?:)([^)#]+)/g))
        assert.ok(existsSync(join(root, folder, target!)), `${file}: ${target}`);
  });
});

/** Names of settings as they are on the command line. */
const settingNames = new Set<string>(settingKeys.map((key) => settings[key].flag));
/** Of Node.js and of container engines. */
const foreignFlags = new Set([
  ...['permission', 'allow-fs-read', 'allow-net', 'allow-worker', 'jitless', 'network'],
  ...nodeFlags.map((flag) => flag.slice(2).split('=', 1)[0]!),
]);
