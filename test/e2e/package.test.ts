/** The published package is packed, unpacked and used, in folders of its own: what it leaves out is missed here, and not by an operator. */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import {
  cpSync,
  existsSync,
  globSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { promisify } from 'node:util';
import { anyPorts, CliLog, portOf } from '../support/cli-log.ts';
import { temporaryFolder } from '../support/media.ts';
import { testCredentials } from '../support/media-server.ts';
import { start, until } from '../support/program.ts';
import { RtspClient } from '../support/rtsp-client.ts';

const timeout = 120_000;
const run = promisify(execFile);
const root = resolve(import.meta.dirname, '../..');
/** What a clean checkout has not, and what no package is made of. */
const leftBehind = new Set(['.git', '.ci', '.skyweir', 'dist', 'node_modules', 'native-free-bench', 'test']);

describe('the published package', () => {
  const cleanups: (() => void)[] = [];
  let unpacked = '';

  before(
    async () => {
      const folder = temporaryFolder({ after: (cleanup) => cleanups.push(cleanup) });
      const checkout = join(folder, 'checkout');
      cpSync(root, checkout, { recursive: true, filter: (path) => !leftBehind.has(relative(root, path)) });
      // Of a module that is no more, from a build long ago.
      mkdirSync(join(checkout, 'dist/src'), { recursive: true });
      writeFileSync(join(checkout, 'dist/src/stale.js'), '');
      symlinkSync(join(root, 'node_modules'), join(checkout, 'node_modules'));

      const packed = join(folder, 'packed');
      mkdirSync(packed);
      const env = { ...process.env, npm_config_cache: join(folder, 'npm'), npm_config_update_notifier: 'false' };
      await run('npm', ['pack', '--offline', '--pack-destination', packed], { cwd: checkout, env });
      const [tarball] = readdirSync(packed);
      assert.match(tarball ?? '', /^skyweir-[\d.]+\.tgz$/);

      const modules = join(folder, 'installed/node_modules');
      mkdirSync(dirname(modules));
      symlinkSync(join(root, 'node_modules'), modules);
      await run('tar', ['-xzf', join(packed, tarball!), '-C', dirname(modules)]);
      unpacked = join(dirname(modules), 'package');
    },
    { timeout },
  );
  after(() => {
    for (const cleanup of cleanups) cleanup();
  });

  test('serves, as its command starts it: a publisher, a reader, the offline card, the status page', {
    timeout,
  }, async (t) => {
    const { bin } = JSON.parse(readFileSync(join(unpacked, 'package.json'), 'utf8')) as { bin: { skyweir: string } };
    const { user, password } = testCredentials;
    const env = { PATH: process.env['PATH'], SKYWEIR_USER: user, SKYWEIR_PASSWORD: password };
    const args = [join(unpacked, bin.skyweir), ...anyPorts, '--log-format', 'json'];
    const program = start(t, process.execPath, args, { cwd: temporaryFolder(t), env });
    const log = new CliLog(program);
    const ready = await log.ready();

    const reader = async (path: string) => {
      const client = await RtspClient.play({ port: portOf(ready, 'rtsp'), path, credentials: testCredentials });
      t.after(() => client.close());
      return client;
    };
    const card = await reader('/stream2');
    await card.until((r) => r.units.length >= 2);

    const url = `rtmp://127.0.0.1:${portOf(ready, 'rtmp')}/stream1`;
    const picture = ['-re', '-f', 'lavfi', '-i', 'testsrc2=size=160x120:rate=25'];
    const encoded = [
      '-c:v',
      'libx264',
      '-preset',
      'ultrafast',
      '-tune',
      'zerolatency',
      '-pix_fmt',
      'yuv420p',
      '-g',
      '25',
    ];
    start(t, 'ffmpeg', ['-v', 'error', ...picture, ...encoded, '-f', 'flv', url]);
    await until('the stream has started', () => log.said('RTMP Stream Started').length > 0);
    // The card comes at one picture a second: so many are of the stream.
    const live = await reader('/stream1');
    await live.until((r) => r.units.length >= 30);
    assert.equal(live.lostPackets, 0);

    const page = await fetch(`http://127.0.0.1:${portOf(ready, 'http')}/`);
    assert.equal(page.status, 200);
    const [, styles] = /<link rel="stylesheet" href="([^"]+)"/.exec(await page.text()) ?? [];
    const style = await fetch(new URL(styles!, page.url));
    assert.equal(style.status, 200);
    await style.body?.cancel();

    program.kill('SIGTERM');
    const { code, stderr } = await program.ended;
    assert.equal(code, 0, stderr);
    assert.deepEqual(
      log.lines.filter(({ level }) => level === 'error' || level === 'fatal'),
      [],
    );
  });

  test('has every file that its pages link to', () => {
    const pages = globSync('{,docs/**/}*.md', { cwd: unpacked });
    assert.ok(pages.includes('README.md') && pages.length > 15, `${pages}`);
    const dead = pages.flatMap((page) => {
      const links = readFileSync(join(unpacked, page), 'utf8').matchAll(/\]\((?![a-z]+:|#)([^)#\s]+)/g);
      const targets = [...links].map((match) => match[1]!);
      return targets
        .filter((target) => !existsSync(join(unpacked, dirname(page), target)))
        .map((target) => `${page}: ${target}`);
    });
    assert.deepEqual(dead, []);
  });

  test('is built anew, and has nothing that only the repository can use', () => {
    assert.equal(existsSync(join(unpacked, 'dist/src/stale.js')), false);
    const allowed = [
      'CHANGELOG.md',
      'CONTRIBUTING.md',
      'LICENSE',
      'README.md',
      'SECURITY.md',
      'assets',
      'dist',
      'docs',
    ];
    assert.deepEqual(readdirSync(unpacked).sort(), [...allowed, 'package.json', 'skyweir.sample.yaml'].sort());
  });
});
