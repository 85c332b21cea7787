import assert from 'node:assert/strict';
import { once } from 'node:events';
import { chmodSync, existsSync, mkdirSync, rmdirSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join, resolve } from 'node:path';
import { describe, type TestContext, test } from 'node:test';
import { promisify } from 'node:util';
import { freePorts } from '../../native-free-bench/system/free-port.ts';
import type { Finding } from '../../src/doctor/finding.ts';
import { makeCertificate } from '../support/certificates.ts';
import { temporaryFolder } from '../support/media.ts';
import { start, until } from '../support/program.ts';

const timeout = 120_000;
const cli = resolve(import.meta.dirname, '../../src/cli.ts');
const local = ['--host', '127.0.0.1', '--rtmp-port', '0', '--rtsp-port', '0', '--onvif-port', '0', '--http-port', '0'];

/** What `skyweir doctor --json` finds in a folder. */
async function doctor(t: TestContext, folder: string, args: readonly string[]) {
  const env = { PATH: process.env['PATH'] };
  const { ended } = start(t, process.execPath, [cli, 'doctor', '--json', ...local, ...args], { cwd: folder, env });
  const { code, stdout, stderr } = await ended;
  assert.equal(stderr, '');
  const { healthy, findings } = JSON.parse(stdout) as { healthy: boolean; findings: Finding[] };
  assert.equal(code, healthy ? 0 : 1);
  const problems = findings.filter(({ grade }) => grade === 'problem').map(({ check, text }) => `${check}: ${text}`);
  const of = (check: string) => findings.filter((finding) => finding.check === check);
  return { healthy, findings, problems, of };
}

/** Takes a free port, as another program would, until it is given back. */
async function takePort(t: TestContext): Promise<{ readonly port: string; giveBack(): Promise<void> }> {
  const listener = createServer((socket) => socket.destroy());
  // No connection takes it after it was given back.
  listener.listen(await freePorts(), '127.0.0.1');
  await once(listener, 'listening');
  const giveBack = async () => {
    if (listener.listening) await promisify(listener.close.bind(listener))();
  };
  t.after(giveBack);
  return { port: String((listener.address() as { port: number }).port), giveBack };
}

describe('skyweir doctor', () => {
  test('finds nothing wrong before the first start, and changes nothing', { timeout }, async (t) => {
    const folder = temporaryFolder(t);
    const { healthy, problems, of } = await doctor(t, folder, []);
    assert.deepEqual([healthy, problems], [true, []]);
    assert.match(of('state-folder')[0]!.text, /\.skyweir is made at the first start$/);
    assert.equal(existsSync(join(folder, '.skyweir')), false);
  });

  test('a port that another program has', { timeout }, async (t) => {
    const { port } = await takePort(t);
    const { problems, of } = await doctor(t, temporaryFolder(t), ['--rtsp-port', port]);
    assert.deepEqual(problems, ['ports: another program has it, or a Skyweir that does not answer at its HTTP port']);
    assert.equal(of('ports').at(-1)!.subject, `Port ${port} (RTSP)`);
  });

  test('beside a running Skyweir its ports are right', { timeout }, async (t) => {
    const folder = temporaryFolder(t);
    const http = await takePort(t);
    const rtsp = await takePort(t);
    const ports = ['--http-port', http.port, '--rtsp-port', rtsp.port];
    const args = [cli, ...local, ...ports, '--log-format', 'json', '--ingest-workers', '1'];
    const blocked = await doctor(t, folder, ports);
    assert.equal(blocked.problems.length, 2);
    await Promise.all([http.giveBack(), rtsp.giveBack()]);
    const server = start(t, process.execPath, args, { cwd: folder, env: { PATH: process.env['PATH'] } });
    await until('it is ready', () => server.output.stdout.includes('Skyweir is ready'));
    const { problems, of } = await doctor(t, folder, ports);
    assert.deepEqual(problems, []);
    assert.match(
      of('ports')[0]!.text,
      new RegExp(`^${rtsp.port} RTSP, ${http.port} HTTP held while Skyweir \\S+ runs here`),
    );
    assert.match(of('secrets')[0]!.text, /^\d+ readable by their owner only$/);
  });

  test('a certificate that has expired, and one whose key is another', { timeout }, async (t) => {
    const folder = temporaryFolder(t);
    const old = makeCertificate(folder, 'old', { from: '20200101000000Z', to: '20210101000000Z' });
    const other = makeCertificate(folder, 'other');
    const expired = await doctor(t, folder, ['--tls', '--tls-cert', old.cert, '--tls-key', old.key]);
    assert.deepEqual(expired.problems, ['certificate: expired on 2021-01-01']);
    const mixed = await doctor(t, folder, ['--tls', '--tls-cert', other.cert, '--tls-key', old.key]);
    assert.match(mixed.problems.join(), /^certificate: --tls-key .* does not match the first certificate/);
    const good = await doctor(t, folder, ['--tls', '--tls-cert', other.cert, '--tls-key', other.key]);
    assert.deepEqual(good.problems, []);
    assert.deepEqual(
      good.of('certificate').map(({ text }) => text.replace(/until .*/, 'until')),
      ['matches its key, valid until', 'DNS:localhost, IP:127.0.0.1'],
    );
  });

  test('a mistake in the configuration, and a password that everybody may read', { timeout }, async (t) => {
    const folder = temporaryFolder(t);
    writeFileSync(join(folder, 'a.yaml'), 'rtmp-prot: 1935\n');
    const mistaken = await doctor(t, folder, ['--config', 'a.yaml']);
    assert.match(
      mistaken.problems.join(),
      /^configuration: a\.yaml:1:1: unknown key rtmp-prot; did you mean rtmp-port\?/,
    );
    mkdirSync(join(folder, '.skyweir'), { mode: 0o700 });
    writeFileSync(join(folder, '.skyweir', 'password'), 'correct horse\n');
    chmodSync(join(folder, '.skyweir', 'password'), 0o644);
    const { problems } = await doctor(t, folder, []);
    assert.match(problems.join(), /^secrets: .*password: others may read or change it \(mode 644\)$/);
  });

  test('files without which there is no start, and secrets that everybody may read', { timeout }, async (t) => {
    const folder = temporaryFolder(t);
    const secret = join(folder, 'secret');
    writeFileSync(secret, `${'s'.repeat(40)}\n`);
    chmodSync(secret, 0o644);
    writeFileSync(join(folder, 'short'), 'short\n');
    const hook = (name: string, file: string) =>
      `  - { name: ${name}, url: 'https://a.example/', secret-file: ${file} }\n`;
    writeFileSync(join(folder, 'a.yaml'), `hooks:\n${hook('one', secret)}${hook('two', 'missing')}`);
    mkdirSync(join(folder, '.skyweir'), { mode: 0o700 });
    for (const name of ['users.json', 'publish-keys.json'])
      writeFileSync(join(folder, '.skyweir', name), '{', { mode: 0o600 });
    mkdirSync(join(folder, '.skyweir', 'server-id'));
    // The configuration and what it was before are for everybody who may see them.
    for (const name of ['skyweir.yaml', 'skyweir.yaml.bak'])
      writeFileSync(join(folder, '.skyweir', name), 'max-connections: 30\n', { mode: 0o644 });
    const flags = ['--publish-auth', '--publish-sign-secret-file', 'short', '--password-file', 'missing'];
    const { problems } = await doctor(t, folder, ['--config', 'a.yaml', ...flags]);
    const expected = [
      /secret: others may read or change it \(mode 644\)$/,
      /short: others may read or change it \(mode 644\)$/,
      /^secrets: --password-file missing: cannot read the file: no such file or folder$/,
      /^secrets: .*server-id: cannot read the identity of the ONVIF devices: is a folder, not a file$/,
      /users\.json: cannot be used: it is no JSON$/,
      /^secrets: --publish-sign-secret-file short: needs a secret of at least 32 characters/,
      /^secrets: hook two: secret-file missing: cannot read the file: no such file or folder$/,
    ];
    for (const line of expected)
      assert.ok(
        problems.some((problem) => line.test(problem)),
        `${line}\n${problems.join('\n')}`,
      );
    assert.equal(problems.length, expected.length, problems.join('\n'));
    rmdirSync(join(folder, '.skyweir', 'server-id'));
    // What publishers are not asked for is not read.
    const without = await doctor(t, folder, ['--publish-sign-secret-file', 'short', '--no-http']);
    assert.deepEqual(
      without.problems.map((problem) => problem.replace(/.*\//, '')),
      ['short: others may read or change it (mode 644)'],
    );
  });

  test('prints a line for each check, with what to do below it', { timeout }, async (t) => {
    const { port } = await takePort(t);
    const args = [cli, 'doctor', ...local, '--rtsp-port', port];
    const env = { PATH: process.env['PATH'] };
    const { code, stdout } = await start(t, process.execPath, args, { cwd: temporaryFolder(t), env }).ended;
    assert.equal(code, 1);
    assert.match(stdout, /^ok {7}Node\.js {16}\d+\.\d+\.\d+$/m);
    assert.match(stdout, /^PROBLEM {2}Port \d+ \(RTSP\) .*\n +to do: end that program/m);
    assert.match(stdout, /\n1 problem, \d+ warnings?\n$/);
  });
});
