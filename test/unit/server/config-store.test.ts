import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import {
  chmodSync,
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, type TestContext, test } from 'node:test';
import { limits } from '../../../src/base/limits.ts';
import type { Logger } from '../../../src/base/logger.ts';
import { keepFixed } from '../../../src/config/changes.ts';
import { patchKeys, replaceKeys, replaceText } from '../../../src/config/edits.ts';
import { StartError } from '../../../src/config/errors.ts';
import { changeCamera } from '../../../src/config/hardware-edits.ts';
import { loadConfig } from '../../../src/config/load.ts';
import type { Config } from '../../../src/config/schema.ts';
import { ConfigStore } from '../../../src/server/config-store.ts';
import { temporaryFolder } from '../../support/media.ts';

const any = (_version: string): boolean => true;

/** A store with a file of its own; what it puts in force is kept here. */
class Rig {
  readonly file: string;
  readonly store: ConfigStore;
  readonly log: string[] = [];
  running: Config;
  applied = 0;
  /** What happens while a configuration is being put in force. */
  onApply: (config: Config) => void | Promise<void> = () => {};

  constructor(
    t: TestContext,
    text: string | null,
    given: { flags?: Record<string, string>; environment?: Record<string, string> } = {},
  ) {
    const folder = temporaryFolder(t);
    this.file = join(folder, text === null ? 'state/skyweir.yaml' : 'site.yaml');
    if (text !== null) writeFileSync(this.file, text);
    const named = text === null ? { 'state-dir': join(folder, 'state') } : { config: this.file };
    const load = (fileText?: string) =>
      loadConfig({
        flags: new Map(Object.entries({ ...named, ...given.flags })),
        environment: given.environment ?? {},
        readFile: (path) => readFileSync(path, 'utf8'),
        ...(fileText !== undefined && { fileText }),
        keptFile: true,
        cores: 2,
        terminal: false,
      });
    this.running = load().config;
    const line = (_fields: object, message: string): void => void this.log.push(message);
    const logger: Logger = { debug: line, info: line, warn: line, error: line };
    const apply = async (config: Config): Promise<void> => {
      await this.onApply(config);
      this.applied++;
      this.running = keepFixed(config, this.running);
    };
    this.store = new ConfigStore({ load, running: () => this.running, apply, logger });
  }

  get text(): string {
    return readFileSync(this.file, 'utf8');
  }

  get folder(): string[] {
    return readdirSync(dirname(this.file)).sort();
  }

  patch(changes: Record<string, unknown>, isVersion = any) {
    return this.store.change(patchKeys(changes), isVersion, 'ada');
  }
}

describe('a change of the configuration', () => {
  test('is in the file and in force, and the text before is kept', async (t) => {
    const rig = new Rig(t, '# mine\nmax-connections: 5\n');
    const outcome = await rig.patch({ 'max-connections': 6, 'log-level': 'debug' });
    assert.ok(!('refused' in outcome));
    assert.deepEqual(outcome.changes, [
      { key: 'max-connections', applies: 'live', from: 5, to: 6 },
      { key: 'log-level', applies: 'restart', from: 'info', to: 'debug' },
    ]);
    assert.equal(rig.text, '# mine\nmax-connections: 6\nlog-level: debug\n');
    assert.equal(readFileSync(`${rig.file}.bak`, 'utf8'), '# mine\nmax-connections: 5\n');
    assert.deepEqual(rig.folder, ['site.yaml', 'site.yaml.bak']);
    assert.deepEqual([rig.running.maxConnections, rig.running.logLevel], [6, 'info']);
    const { waiting, version } = rig.store.state();
    assert.deepEqual(
      waiting.map(({ key }) => key),
      ['log-level'],
    );
    assert.equal(version, outcome.version);
    assert.deepEqual(rig.log, [
      'takes effect when Skyweir is started again: log-level',
      'configuration changed: max-connections',
    ]);
  });

  test('that changes nothing writes nothing', async (t) => {
    const rig = new Rig(t, 'max-connections:   5\n');
    const outcome = await rig.patch({ 'max-connections': 5 });
    assert.ok(!('refused' in outcome) && outcome.changes.length === 0);
    assert.deepEqual([rig.applied, rig.folder], [0, ['site.yaml']]);
  });

  test('with a mistake is refused whole, with every mistake', async (t) => {
    const rig = new Rig(t, 'max-connections: 5\n');
    const outcome = await rig.patch({ 'max-connections': 6, 'rtsp-port': 'many', cameras: [{ path: '..' }] });
    assert.ok('refused' in outcome && outcome.refused === 'invalid');
    assert.deepEqual(
      outcome.problems.map(({ key, value }) => [key, value]),
      [
        ['rtsp-port', 'many'],
        ['cameras[1].path', '..'],
      ],
    );
    assert.deepEqual([rig.text, rig.applied, rig.folder], ['max-connections: 5\n', 0, ['site.yaml']]);
  });

  test('that cannot be put in force leaves the file, and what is in force, as they were', async (t) => {
    const rig = new Rig(t, 'max-connections: 5\n');
    rig.onApply = () => {
      throw new StartError('--rtmp-port 1940: the port is in use by another program; choose another');
    };
    const outcome = await rig.patch({ 'rtmp-port': 1940 });
    assert.ok('refused' in outcome && outcome.refused === 'conflict');
    const [{ key, value, remedy } = { key: '', value: '', remedy: '' }] = outcome.problems;
    assert.deepEqual([key, value], ['rtmp-port', '1940']);
    assert.match(remedy, /^the port is in use/);
    assert.deepEqual([rig.text, rig.folder, rig.running.rtmpPort], ['max-connections: 5\n', ['site.yaml'], 1935]);
  });

  test('of a key that flag or variable fix is refused with that reason, beside others too', async (t) => {
    const given = { flags: { 'rtmp-port': '1940' }, environment: { SKYWEIR_USER: 'ada' } };
    const rig = new Rig(t, 'rtsp-port: 9000\n', given);
    const outcome = await rig.patch({ 'rtmp-port': 1, user: 'bob', 'rtsp-port': 9001 });
    assert.ok('refused' in outcome && outcome.refused === 'conflict');
    assert.deepEqual(
      outcome.problems.map(({ text }) => text),
      [
        'rtmp-port: is fixed by the flag --rtmp-port, which wins over the file; take that away and start Skyweir again',
        'user: is fixed by the variable SKYWEIR_USER, which wins over the file; take that away and start Skyweir again',
      ],
    );
    assert.equal(rig.text, 'rtsp-port: 9000\n');
    const same = await rig.patch({ 'rtmp-port': 1940 });
    assert.ok(!('refused' in same), 'what is in force may be said in the file too');
  });

  test('of another version than the caller saw is refused', async (t) => {
    const rig = new Rig(t, 'max-connections: 5\n');
    const { version } = rig.store.state();
    const isVersion = (now: string): boolean => now === version;
    const both = [rig.patch({ 'max-connections': 6 }, isVersion), rig.patch({ 'max-connections': 7 }, isVersion)];
    const [first, second] = await Promise.all(both);
    assert.ok(!('refused' in first!));
    assert.ok('refused' in second! && second.refused === 'stale');
    assert.equal(rig.running.maxConnections, 6);
  });

  test('waits for the one before, and only so many wait', async (t) => {
    const rig = new Rig(t, '');
    let running = 0;
    rig.onApply = async () => {
      running++;
      await new Promise(setImmediate);
      assert.equal(running--, 1);
    };
    const count = limits.http.waitingChanges;
    const all = Array.from({ length: count + 1 }, (_, i) => rig.patch({ 'max-connections': i + 1 }));
    const outcomes = await Promise.all(all);
    assert.deepEqual(
      outcomes.map((outcome) => ('refused' in outcome ? outcome.refused : 'made')),
      [...Array(count).fill('made'), 'busy'],
    );
    assert.equal(rig.text, `max-connections: ${count}\n`);
  });

  test('holds what others wrote since, also while it was put in force', async (t) => {
    const rig = new Rig(t, 'max-connections: 5\n');
    writeFileSync(rig.file, 'max-connections: 5\nrtsp-port: 9000 # by hand\n');
    let writes = 0;
    rig.onApply = () => {
      if (writes++ === 0) writeFileSync(rig.file, '# also by hand\nmax-connections: 5\nrtsp-port: 9001\n');
    };
    const outcome = await rig.patch({ 'max-connections': 6 });
    assert.ok(!('refused' in outcome));
    assert.equal(rig.text, '# also by hand\nmax-connections: 6\nrtsp-port: 9001\n');
    assert.deepEqual([rig.running.maxConnections, rig.running.rtspPort], [6, 9001]);
  });

  test('is not made to a file that somebody is just writing, and has no key yet', async (t) => {
    const rig = new Rig(t, 'publish-auth: true\nmax-connections: 5\n');
    writeFileSync(rig.file, '');
    for (const edit of [patchKeys({ 'max-connections': 6 }), changeCamera(1, 1, { name: 'Gate' })]) {
      const outcome = await rig.store.change(edit, any, 'ada');
      assert.ok('refused' in outcome && outcome.refused === 'conflict');
      assert.match(outcome.detail, /site\.yaml: holds no key/);
    }
    assert.deepEqual([rig.text, rig.running.publishAuth, rig.applied], ['', true, 0]);
    // A whole text says all that is wanted.
    assert.ok(!('refused' in (await rig.store.change(replaceText('max-connections: 7\n'), any, 'ada'))));
    assert.deepEqual([rig.running.maxConnections, rig.running.publishAuth], [7, false]);
  });

  test('nor is it where the file held what waits for the next start', async (t) => {
    const rig = new Rig(t, 'gop-cache: true\n');
    writeFileSync(rig.file, '');
    const outcome = await rig.patch({ 'max-connections': 6 });
    assert.ok('refused' in outcome && outcome.refused === 'conflict');
    assert.match(outcome.detail, /site\.yaml: holds no key/);
    assert.deepEqual([rig.text, rig.applied], ['', 0]);
  });

  test('is not made to a pipe, nor is that read again', { skip: process.platform === 'win32' }, async (t) => {
    const rig = new Rig(t, 'max-connections: 5\n');
    rmSync(rig.file);
    execFileSync('mkfifo', [rig.file]);
    const outcome = await rig.patch({ 'max-connections': 6 });
    assert.ok('refused' in outcome && outcome.refused === 'conflict');
    assert.match(outcome.detail, /site\.yaml: .*pipe/);
    assert.match(rig.store.state().problems[0]!.text, /site\.yaml: .*pipe/);
  });

  test('is made to a file whose last key was taken out over the API', async (t) => {
    const rig = new Rig(t, 'max-connections: 5\ngop-cache: true\n');
    await rig.patch({ 'max-connections': null, 'gop-cache': null });
    assert.ok(!('refused' in (await rig.patch({ 'max-connections': 6 }))));
    assert.equal(rig.running.maxConnections, 6);
  });

  test('is taken back where others wrote something that cannot be, meanwhile', async (t) => {
    const rig = new Rig(t, 'max-connections: 5\n');
    let writes = 0;
    rig.onApply = () => {
      if (writes++ === 0) writeFileSync(rig.file, 'max-connections: [\n');
    };
    const outcome = await rig.patch({ 'max-connections': 6 });
    assert.ok('refused' in outcome && outcome.refused === 'invalid');
    assert.deepEqual([rig.text, rig.running.maxConnections], ['max-connections: [\n', 5]);
    const { problems, loaded } = rig.store.state();
    assert.deepEqual([problems.length > 0, loaded?.config.maxConnections], [true, 6]);
    assert.deepEqual(rig.folder, ['site.yaml']);
  });

  test('knows its own text again, and no other', async (t) => {
    const rig = new Rig(t, 'max-connections: 5\n');
    assert.equal(rig.store.holdsOwnText, false);
    await rig.patch({ 'max-connections': 6 });
    assert.equal(rig.store.holdsOwnText, true);
    const own = rig.text;
    writeFileSync(rig.file, 'max-connections: 7\n');
    assert.equal(rig.store.holdsOwnText, false);
    writeFileSync(rig.file, own);
    assert.equal(rig.store.holdsOwnText, false, 'somebody put another in force since');
  });
});

test('is refused for more keys than there are, before each of them is put into the text', async (t) => {
  const rig = new Rig(t, '');
  const keys = Object.fromEntries(Array.from({ length: 10_000 }, (_, index) => [`k${index}`, 1]));
  for (const edit of [patchKeys(keys), replaceKeys(keys)]) {
    const outcome = rig.store.validate(edit);
    assert.ok('refused' in outcome && outcome.refused === 'invalid');
    assert.match(outcome.problems[0]!.text, /^10000 keys are more than there are$/);
  }
});

test('is refused for a text of nothing but brackets, before that is parsed', async (t) => {
  const rig = new Rig(t, '');
  const outcome = await rig.store.change(replaceText('['.repeat(limits.http.configBrackets + 1)), any, 'ada');
  assert.ok('refused' in outcome && outcome.refused === 'invalid');
  assert.match(outcome.detail + outcome.problems[0]!.text, /brackets/);
});

describe('the file', () => {
  test('of the state folder is made where no other is named, for this user only', async (t) => {
    const rig = new Rig(t, null);
    assert.deepEqual(rig.store.state().file, { path: rig.file, kept: true });
    const outcome = await rig.store.change(changeCamera(1, 1, { name: 'Gate' }), any, 'ada');
    assert.ok(!('refused' in outcome));
    assert.match(rig.text, /name: Gate/);
    assert.equal(rig.running.cameraList[0]!.name, 'Gate');
    if (process.platform !== 'win32') assert.equal(statSync(rig.file).mode & 0o777, 0o600);
    assert.ok(!existsSync(`${rig.file}.bak`));
    const refused = await rig.patch({ 'state-dir': '/elsewhere' });
    assert.ok('refused' in refused);
  });

  test('keeps its mode, and a link to it stays a link', { skip: process.platform === 'win32' }, async (t) => {
    const rig = new Rig(t, 'max-connections: 5\n');
    const real = join(dirname(rig.file), 'real');
    mkdirSync(real);
    writeFileSync(join(real, 'x.yaml'), 'max-connections: 5\n', { mode: 0o640 });
    chmodSync(join(real, 'x.yaml'), 0o640);
    const { unlinkSync } = await import('node:fs');
    unlinkSync(rig.file);
    symlinkSync(join(real, 'x.yaml'), rig.file);
    await rig.patch({ 'max-connections': 6 });
    assert.ok(lstatSync(rig.file).isSymbolicLink());
    assert.equal(rig.text, 'max-connections: 6\n');
    assert.equal(statSync(rig.file).mode & 0o777, 0o640);
    assert.deepEqual(readdirSync(real).sort(), ['x.yaml', 'x.yaml.bak']);
  });

  test('that cannot be written is told with what to do, and nothing changes', async (t) => {
    const rig = new Rig(t, null);
    writeFileSync(dirname(rig.file), 'a file where the folder should be');
    const outcome = await rig.patch({ 'max-connections': 6 });
    assert.ok('refused' in outcome && outcome.refused === 'conflict');
    assert.match(outcome.detail, /skyweir\.yaml: cannot .*--state-dir|cannot read the file/);
    assert.equal(rig.running.maxConnections, 32);
  });

  test('as a whole is what was sent, to the byte', async (t) => {
    const rig = new Rig(t, 'max-connections: 5\n');
    const text = '# new\r\nmax-connections:    7   # so\r\n';
    const outcome = await rig.store.change(replaceText(text), any, 'ada');
    assert.ok(!('refused' in outcome));
    assert.equal(rig.text, text);
  });
});
