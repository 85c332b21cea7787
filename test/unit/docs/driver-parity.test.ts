import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { describe, test } from 'node:test';
import { loadConfig } from '../../../src/config/load.ts';
import { settings } from '../../../src/config/schema.ts';
import { hasTitle, testSource } from './test-titles.ts';

const docs = resolve(import.meta.dirname, '../../../docs');
const page = readFileSync(resolve(docs, 'driver-parity.md'), 'utf8');

interface Row {
  readonly driver: string;
  readonly skyweir: string;
  readonly tests: readonly { readonly file: string; readonly title: string | undefined }[];
  readonly rest: string;
}

const reference = /`([a-z0-9/-]+)`(?: "([^"]+)")?/g;

const rows: readonly Row[] = page
  .split('\n')
  .filter((line) => line.startsWith('| ') && !line.startsWith('| The driver'))
  .map((line) => {
    const cells = line.slice(2, -2).split(' | ');
    assert.equal(cells.length, 3, line);
    const [driver, skyweir, heldBy] = cells as [string, string, string];
    const tests = [...heldBy.matchAll(reference)].map(([, file, title]) => ({ file: file!, title }));
    return { driver, skyweir, tests, rest: heldBy.replaceAll(reference, '').replaceAll(/[; ]/g, '') };
  });

/** What the driver's page names, and what its source has besides: each must have a row that begins with it. */
const ofTheDriver = [
  'Server Port',
  'Unique ports required',
  'Show Stream Offline Info',
  'Max Concurrent Connections',
  'Enable Rate Limiter',
  'Rate Limit Max Requests Per Second',
  'TLS Enable (RTMPS)',
  'TLS Certificate Password',
  'Changes take effect immediately',
  'Credentials',
  'RTMP Push Stream Path',
  'RTMP Stream Started',
  'RTMP Stream Stopped',
  'Publish Timeout',
  'Video Data Timeout',
  'TCP Receive Timeout',
  'TLS 1.2',
  'RTMP Stream Stats: /stream1',
  'Publisher',
  'Uptime',
  'Video codec',
  'Source declared',
  'Source audio',
  'Push (RTMP)',
  'Pop (XProtect)',
  'Drops in window: overflow',
  'Drops in window: SEI-only',
  'Drops in window: non-H264',
  'Queue depth',
  'Inter-frame ms',
  'Pacing sleep',
  'Push total / Pop total',
  'Drops total',
  'Known limitation',
  'Connections from one IP',
  'Queue',
  'Pacing',
  'Overflow',
  'Server Error',
];

describe('docs/driver-parity.md', () => {
  test('has a row for everything that the RTMP Push Driver has', () => {
    const names = rows.map(({ driver }) => /^\*\*(.+?)\*\*/.exec(driver)?.[1]);
    assert.deepEqual(
      ofTheDriver.filter((name) => !names.includes(name)),
      [],
    );
  });

  test('every row names the tests that hold it, and nothing else', () => {
    for (const { driver, skyweir, tests, rest } of rows) {
      assert.ok(tests.length > 0, `no test for: ${driver}`);
      assert.equal(rest, '', driver);
      assert.notEqual(skyweir, '', driver);
    }
  });

  const files = new Set(rows.flatMap(({ tests }) => tests.map(({ file }) => file)));
  for (const file of files) {
    test(`the tests of ${file} that it names exist`, () => {
      const source = testSource(file);
      assert.notEqual(source, null, `test/${file}.test.ts is missing`);
      for (const { driver, tests } of rows)
        for (const { title } of tests.filter((named) => named.file === file))
          if (title !== undefined) assert.ok(hasTitle(source!, title), `${driver}: no test "${title}" in ${file}`);
    });
  }

  test('the golden vectors that it names exist', () => {
    const vectors = JSON.parse(readFileSync(resolve(docs, '../test/golden/manifest.json'), 'utf8')) as {
      name: string;
      clause: string;
    }[];
    const titles = new Set(vectors.map(({ name, clause }) => `${name}: ${clause}`));
    const named = rows.flatMap(({ tests }) =>
      tests.filter(({ file }) => /golden/.test(file)).map(({ title }) => title!),
    );
    assert.deepEqual(
      named.filter((title) => !titles.has(title) && !title.startsWith('means ')),
      [],
    );
  });

  test('its flags are settings', () => {
    const flags = new Set(Object.values(settings).flatMap(({ flag }) => [flag, `no-${flag}`]));
    const named = [...page.matchAll(/`--([a-z0-9-]+)[^`]*`/g)].map((match) => match[1]!);
    assert.deepEqual(
      named.filter((flag) => !flags.has(flag)),
      [],
    );
  });

  test('its links lead somewhere', () => {
    const links = [...page.matchAll(/\]\(([^)#:]+)\)/g)].map((match) => match[1]!);
    assert.ok(links.length >= 5);
    assert.deepEqual(
      links.filter((link) => !existsSync(resolve(docs, link))),
      [],
    );
  });

  test('its example is a configuration: three ports with cameras and limits of their own', () => {
    const example = /```yaml\n([\s\S]+?)```/.exec(page)![1]!;
    const { config, warnings } = loadConfig({
      flags: new Map([['config', 'skyweir.yaml']]),
      environment: {},
      readFile: () => example,
      cores: 4,
      terminal: false,
    });
    assert.deepEqual(warnings, []);
    assert.deepEqual(
      config.listenerList.map(({ port, tls, maxConnections, maxConnectionsPerIp, ratePerSecond }) => [
        port,
        tls,
        maxConnections,
        maxConnectionsPerIp,
        ratePerSecond,
      ]),
      [
        [8783, false, 32, 16, 10],
        [8784, true, 64, 64, 0],
        [8785, false, 32, 16, 20],
      ],
    );
    assert.deepEqual(
      config.cameraList.map(({ name, path, offlineInfo }) => `${name} ${path} ${offlineInfo}`),
      [
        'Gate /stream1 true',
        'Drone 7 /drones/7 true',
        'Mast /stream3 true',
        'Car 1 /stream1 false',
        'Car 2 /stream2 false',
        'Spare 1 /stream1 true',
      ],
    );
  });
});
