import assert from 'node:assert/strict';
import { existsSync, globSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { describe, test } from 'node:test';

const root = resolve(import.meta.dirname, '../../..');

interface LockedPackage {
  readonly dev?: boolean;
  readonly optional?: boolean;
  readonly hasInstallScript?: boolean;
  readonly resolved?: string;
  readonly integrity?: string;
  readonly version?: string;
}

const json = <T>(file: string): T => JSON.parse(readFileSync(join(root, file), 'utf8')) as T;
const lock = json<{ packages: Record<string, LockedPackage> }>('package-lock.json');
const nameOf = (path: string): string => path.slice(path.lastIndexOf('node_modules/') + 'node_modules/'.length);
/** Packages that a user installs, without the project itself. */
const installed = Object.entries(lock.packages).filter(([path, entry]) => path !== '' && entry.dev !== true);

/** Brings Node.js itself. */
const runtime = 'node';
/**
 * Piscina may lower the priority of its threads with it, if asked to (`niceIncrement`), and works without it. We do not ask: the
 * test below holds that.
 */
const neverLoaded = /^@napi-rs\/nice(-|$)/;

describe('what is installed with the server', () => {
  test('only Node.js itself has an install script', () => {
    const scripts = installed.filter(([, entry]) => entry.hasInstallScript === true).map(([path]) => nameOf(path));
    assert.deepEqual(scripts, [runtime]);
    const { allowScripts } = json<{ allowScripts: Record<string, boolean> }>('package.json');
    assert.deepEqual(allowScripts, { [runtime]: true });
  });

  test('every package is locked with its checksum', () => {
    const loose = installed.filter(([, { integrity }]) => !/^sha512-/.test(integrity ?? '')).map(([path]) => path);
    assert.deepEqual(loose, []);
  });

  test('no package has native code, but for one that is optional and never loaded', (t) => {
    const native: string[] = [];
    for (const [path, entry] of installed) {
      const name = nameOf(path);
      if (name === runtime || !existsSync(join(root, path))) continue;
      const files = globSync('**/{*.node,binding.gyp}', { cwd: join(root, path), exclude: ['**/node_modules/**'] });
      if (files.length === 0) continue;
      if (entry.optional === true && neverLoaded.test(name)) t.diagnostic(`never loaded: ${path}`);
      else native.push(...files.map((file) => join(path, file)));
    }
    assert.deepEqual(native, []);
  });

  test('only the optional dependencies of Piscina are optional', () => {
    const optional = installed.filter(([, entry]) => entry.optional === true).map(([path]) => nameOf(path));
    assert.deepEqual(
      optional.filter((name) => !neverLoaded.test(name)),
      [],
    );
  });

  test('nobody asks Piscina for what needs native code', () => {
    const files = globSync(['src/**/*.ts', 'workers/**/*.ts'], { cwd: root });
    assert.ok(files.length > 50);
    const asking = files.filter((file) =>
      /niceIncrement|napi-rs|process\.dlopen|\.node'/.test(readFileSync(join(root, file), 'utf8')),
    );
    assert.deepEqual(asking, []);
  });
});
