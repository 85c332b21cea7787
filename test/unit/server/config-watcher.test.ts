import assert from 'node:assert/strict';
import { mkdirSync, readFileSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, type TestContext, test } from 'node:test';
import { keepFixed } from '../../../src/config/changes.ts';
import { NotReadyError } from '../../../src/config/errors.ts';
import { type LoadedConfig, loadConfig } from '../../../src/config/load.ts';
import type { Config } from '../../../src/config/schema.ts';
import { ConfigWatcher } from '../../../src/server/config-watcher.ts';
import { temporaryFolder } from '../../support/media.ts';

/** How a {@link Rig} starts, where it is not the usual way. */
interface Start {
  readonly write: (file: string, text: string) => void;
  readonly flags: [string, string][];
  /** What happens between the start and the first look. */
  readonly meanwhile: (file: string) => void;
}

/** A watcher of a file, with a clock of its own. Looks are taken by hand. */
class Rig {
  readonly file: string;
  readonly watcher: ConfigWatcher;
  readonly errors: string[] = [];
  readonly infos: string[] = [];
  readonly warnings: string[] = [];
  /** The server is being stopped, and changes nothing any more. */
  stopping = false;
  /** The listeners are being started again. */
  starting = false;
  running: Config;
  #nowMs = 0;

  private constructor(file: string, kept: boolean, flag: [string, string][] = []) {
    this.file = file;
    const load = (): LoadedConfig =>
      loadConfig({
        flags: new Map([...flag, kept ? ['state-dir', join(file, '..')] : ['config', file]]),
        environment: {},
        readFile: (path) => readFileSync(path, 'utf8'),
        keptFile: kept,
        cores: 2,
        terminal: false,
      });
    this.running = load().config;
    const quiet = (): void => {};
    this.watcher = new ConfigWatcher({
      file,
      load,
      running: () => this.running,
      apply: async (config) => {
        if (this.starting) throw new NotReadyError('in a moment');
        if (!this.stopping) this.running = keepFixed(config, this.running);
      },
      logger: {
        debug: quiet,
        info: (_, message) => void this.infos.push(message),
        warn: (_, message) => void this.warnings.push(message),
        error: (_, message) => void this.errors.push(message),
      },
      nowMs: () => this.#nowMs,
    });
  }

  /** With the file of `--config`. */
  static async start(t: TestContext, text: string, about: Partial<Start> = {}): Promise<Rig> {
    const { write = writeFileSync, flags = [], meanwhile = () => {} } = about;
    const file = join(temporaryFolder(t), 'skyweir.yaml');
    write(file, text);
    const rig = new Rig(file, false, flags);
    meanwhile(file);
    await rig.looks(4);
    return rig;
  }

  /** With the file of the state folder. */
  static async keeping(t: TestContext, text: string | null): Promise<Rig> {
    const file = join(temporaryFolder(t), 'skyweir.yaml');
    if (text !== null) writeFileSync(file, text);
    const rig = new Rig(file, true);
    await rig.looks(4);
    return rig;
  }

  /** Looks at the file once a second. */
  async looks(seconds: number): Promise<void> {
    for (let second = 0; second < seconds; second++) {
      this.#nowMs += 1000;
      await this.watcher.look();
    }
  }

  write(text: string): void {
    writeFileSync(this.file, text);
  }

  get connections(): number {
    return this.running.maxConnections;
  }
}

const two = 'publish-auth: true\nmax-connections: 5\n';

describe('a configuration file that is changed', () => {
  test('is put in force when it has stood still for two seconds', async (t) => {
    const rig = await Rig.start(t, two);
    rig.write('publish-auth: true\n');
    await rig.looks(2);
    assert.equal(rig.connections, 5);
    // A slow copy writes on.
    rig.write('publish-auth: true\nmax-connections: 6\n');
    await rig.looks(2);
    assert.equal(rig.connections, 5);
    await rig.looks(1);
    assert.deepEqual([rig.connections, rig.running.publishAuth], [6, true]);
    assert.deepEqual(rig.errors, []);
  });

  test('is put in force at once by SIGHUP, and not told of again', async (t) => {
    const rig = await Rig.start(t, two);
    rig.write('max-connections: x\n');
    await rig.watcher.reload();
    assert.match(rig.errors[0]!, /max-connections x: must be/);
    const { length } = rig.errors;
    await rig.looks(5);
    assert.equal(rig.errors.length, length);
    rig.write('max-connections: 7\n');
    await rig.watcher.reload();
    assert.equal(rig.connections, 7);
  });

  test('while the listeners are being started again is put in force when they are back', async (t) => {
    const rig = await Rig.start(t, two);
    rig.starting = true;
    rig.write('publish-auth: true\nmax-connections: 6\n');
    await rig.looks(6);
    assert.deepEqual([rig.connections, rig.errors, rig.warnings.length], [5, [], 1]);
    rig.starting = false;
    await rig.looks(1);
    assert.deepEqual([rig.connections, rig.infos.length], [6, 1]);
    await rig.looks(3);
    assert.deepEqual([rig.errors, rig.warnings.length, rig.infos.length], [[], 1, 1]);
  });

  test('and told of by SIGHUP in such a moment is put in force too', async (t) => {
    const rig = await Rig.start(t, two);
    rig.starting = true;
    rig.write('publish-auth: true\nmax-connections: 6\n');
    await rig.watcher.reload();
    rig.starting = false;
    await rig.looks(3);
    assert.deepEqual([rig.connections, rig.errors], [6, []]);
  });

  for (const [what, text] of [
    ['is empty', ''],
    ['holds comments only', '# being written\n'],
    ['holds nothing', '---\n'],
  ] as const)
    test(`that ${what} is refused with one line, also on SIGHUP`, async (t) => {
      const rig = await Rig.start(t, two);
      rig.write(text);
      await rig.looks(6);
      assert.equal(rig.errors.length, 1);
      assert.match(rig.errors[0]!, /skyweir\.yaml: holds no key.*stays as it was/);
      await rig.watcher.reload();
      assert.equal(rig.errors.length, 2);
      assert.deepEqual([rig.connections, rig.running.publishAuth], [5, true]);
      rig.write('max-connections: 8\n');
      await rig.looks(3);
      assert.deepEqual([rig.connections, rig.running.publishAuth], [8, false]);
    });

  test('that is emptied of keys which wait for the next start is refused too', async (t) => {
    const rig = await Rig.start(t, 'gop-cache: true\n');
    rig.write('');
    await rig.looks(3);
    assert.match(rig.errors.join(), /holds no key/);
  });

  test('of the state folder that is gone is refused too; where there was none nothing is said', async (t) => {
    const rig = await Rig.keeping(t, two);
    rmSync(rig.file);
    await rig.looks(5);
    assert.match(rig.errors.join(), /skyweir\.yaml: holds no key/);
    assert.equal(rig.connections, 5);
    const without = await Rig.keeping(t, null);
    await without.watcher.reload();
    without.write('# nothing yet\n');
    await without.looks(4);
    assert.deepEqual(without.errors, []);
    without.write(two);
    await without.looks(3);
    assert.equal(without.connections, 5);
  });

  test('all of whose keys have no effect, because flags win over them, is not empty', async (t) => {
    const rig = await Rig.start(t, two, { flags: [['rtsp-port', '9000']] });
    rig.write('rtsp-port: 9001\n');
    await rig.looks(3);
    assert.deepEqual([rig.errors, rig.running.publishAuth], [[], false]);
  });

  test('is not said to be in force while the server is being stopped', async (t) => {
    const rig = await Rig.start(t, two);
    rig.write('max-connections: 6\n');
    await rig.looks(3);
    assert.deepEqual(rig.infos, ['configuration changed: max-connections, publish-auth']);
    rig.stopping = true;
    rig.write('max-connections: 7\n');
    await rig.looks(3);
    assert.deepEqual([rig.connections, rig.infos.length, rig.errors], [6, 1, []]);
  });

  test('before the first look is seen', async (t) => {
    const rig = await Rig.start(t, two, {
      meanwhile: (file) => writeFileSync(file, 'max-connections: 6\n'),
    });
    assert.equal(rig.connections, 6);
  });

  test('may be a symbolic link, also one over others whose folder is exchanged', async (t) => {
    const write = (file: string, text: string): void => {
      const folder = join(file, '..');
      for (const [name, content] of Object.entries({ v1: text, v2: 'max-connections: 9\n' })) {
        mkdirSync(join(folder, name));
        writeFileSync(join(folder, name, 'skyweir.yaml'), content);
      }
      // As Kubernetes mounts a ConfigMap.
      symlinkSync('v1', join(folder, '..data'));
      symlinkSync('..data/skyweir.yaml', file);
    };
    const rig = await Rig.start(t, two, { write });
    const folder = join(rig.file, '..');
    writeFileSync(join(folder, 'v1', 'skyweir.yaml'), 'max-connections: 8\n');
    await rig.looks(3);
    assert.equal(rig.connections, 8);
    symlinkSync('v2', join(folder, '..next'));
    renameSync(join(folder, '..next'), join(folder, '..data'));
    await rig.looks(3);
    assert.equal(rig.connections, 9);
  });
});
