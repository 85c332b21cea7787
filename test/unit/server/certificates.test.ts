import assert from 'node:assert/strict';
import { chmodSync, copyFileSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, describe, test } from 'node:test';
import { StartError } from '../../../src/config/errors.ts';
import { createServerContext, servedCertificate } from '../../../src/net/tls-context.ts';
import { TlsMaterialBoard } from '../../../src/net/tls-material.ts';
import type { CertificateSource } from '../../../src/server/certificate-problem.ts';
import { Certificates } from '../../../src/server/certificates.ts';
import {
  encryptKey,
  fingerprintOf,
  makeCertificate,
  makeChain,
  makePfx,
  type PemFiles,
} from '../../support/certificates.ts';
import { temporaryFolder } from '../../support/media.ts';
import { until } from '../../support/program.ts';

const folder = temporaryFolder({ after });
const one = makeCertificate(folder, 'one');
const other = makeCertificate(folder, 'other');
const rsa = makeCertificate(folder, 'rsa', { rsaBits: 2048 });
const password = 'p4ss "word" äß';

interface Line {
  readonly level: string;
  readonly message: string;
  readonly fields: Record<string, unknown>;
}

/** Certificates of some files with their log lines. Looks are quick, so that tests are. */
class Rig {
  readonly lines: Line[] = [];
  readonly certificates: Certificates;
  wallMs = Date.now();

  constructor(source: Partial<CertificateSource>, given = '', pollMs = 20) {
    const log =
      (level: string) =>
      (fields: object, message: string): void =>
        void this.lines.push({ level, message, fields: fields as Record<string, unknown> });
    this.certificates = new Certificates({
      source: { tlsPfx: null, tlsCert: null, tlsKey: null, tlsPasswordFile: null, ...source },
      password: given,
      logger: { debug: log('debug'), info: log('info'), warn: log('warn'), error: log('error') },
      wallMs: () => this.wallMs,
      times: { settleMs: 5, patienceMs: 100, pollMs },
    });
  }

  of(level: string): string[] {
    return this.lines.filter((line) => line.level === level).map((line) => line.message);
  }

  /** Fingerprint of what workers would serve. */
  get served(): string {
    const read = new TlsMaterialBoard(this.certificates.memory).read();
    return read === null ? '' : (servedCertificate(createServerContext(read.material))?.fingerprint256 ?? '');
  }
}

function pemSource(files: PemFiles): Partial<CertificateSource> {
  return { tlsCert: files.cert, tlsKey: files.key };
}

function file(name: string, content: string | Uint8Array): string {
  const path = join(folder, name);
  writeFileSync(path, content, { mode: 0o600 });
  return path;
}

const chain = makeChain(folder, 'chained');
const passwordFile = file('password', `${password}\r\nsecond line\n`);
const good: [string, Partial<CertificateSource>, string, PemFiles][] = [
  ['PKCS#12 with a password', { tlsPfx: makePfx(join(folder, 'a.pfx'), one, password) }, password, one],
  [
    'PKCS#12 as Export-PfxCertificate writes it',
    { tlsPfx: makePfx(join(folder, 'b.pfx'), one, password, 'windows') },
    password,
    one,
  ],
  ['PKCS#12 of an RSA key', { tlsPfx: makePfx(join(folder, 'c.pfx'), rsa, password) }, password, rsa],
  ['PKCS#12 with an empty password', { tlsPfx: makePfx(join(folder, 'd.pfx'), one, '') }, '', one],
  [
    'the password of a file, whose other lines do not count',
    { tlsPfx: join(folder, 'a.pfx'), tlsPasswordFile: passwordFile },
    'not this one',
    one,
  ],
  [
    'a password file as Windows PowerShell writes it',
    {
      tlsPfx: join(folder, 'a.pfx'),
      tlsPasswordFile: file('utf16', Buffer.from(`\ufeff${password}\r\n`, 'utf16le')),
    },
    '',
    one,
  ],
  ['PEM', pemSource(one), '', one],
  ['PEM with a chain', pemSource(chain), '', chain],
  ['PEM with an encrypted key', pemSource(encryptKey(one, password)), password, one],
  ['PEM with an encrypted RSA key', pemSource(encryptKey(rsa, password)), password, rsa],
  ['PEM, although a PKCS#12 file is named by default', { tlsPfx: 'rtmp.pfx', ...pemSource(one) }, '', one],
];

describe('H7: certificates that are good', () => {
  for (const [name, source, given, expected] of good) {
    test(name, async () => {
      const rig = new Rig(source, given);
      await rig.certificates.load();
      assert.equal(rig.served, fingerprintOf(expected.cert));
      assert.deepEqual(rig.of('error'), []);
    });
  }

  test('the start says whose it is, until when it is valid, and that nobody signed it', async () => {
    const rig = new Rig(pemSource(one));
    await rig.certificates.load();
    const { fields } = rig.lines[0]!;
    assert.equal(fields['subject'], 'CN=localhost');
    assert.equal(fields['names'], 'DNS:localhost, IP Address:127.0.0.1');
    assert.match(String(fields['issuer']), /self-signed/);
    assert.equal(fields['fingerprint256'], fingerprintOf(one.cert));
    assert.equal(fields['days'], 89);
    const signed = new Rig(pemSource(chain));
    await signed.certificates.load();
    assert.equal(signed.lines[0]!.fields['issuer'], 'CN=Test Intermediate');
  });
});

const bad: [string, Partial<CertificateSource>, string, RegExp][] = [
  [
    'a missing file',
    { tlsPfx: '/nowhere/rtmp.pfx' },
    '',
    /^--tls-pfx \/nowhere\/rtmp\.pfx: no such file.*put the cert/,
  ],
  ['a folder', { tlsPfx: folder }, '', /is a folder/],
  ['a missing key', { tlsCert: one.cert, tlsKey: '/nowhere.pem' }, '', /^--tls-key \/nowhere\.pem: no such file/],
  [
    'a missing password file',
    { tlsPfx: join(folder, 'a.pfx'), tlsPasswordFile: '/nowhere' },
    '',
    /^--tls-password-file \/nowhere: no such file/,
  ],
  [
    'a wrong password',
    { tlsPfx: join(folder, 'a.pfx') },
    'n0t this',
    /^--tls-pfx .*a\.pfx: the password is wrong.*--tls-password-file or SKYWEIR_TLS_PASSWORD/,
  ],
  ['no password', { tlsPfx: join(folder, 'a.pfx') }, '', /a\.pfx: the file has a password; give it with/],
  [
    'an old PKCS#12 file (RC2-40)',
    { tlsPfx: makePfx(join(folder, 'rc2.pfx'), one, password, 'rc2-40') },
    password,
    /rc2\.pfx: the file is encrypted in an old way.*openssl pkcs12 -legacy -in \S+rc2\.pfx/,
  ],
  [
    'PKCS#12 without a key',
    { tlsPfx: makePfx(join(folder, 'nokey.pfx'), one, password, 'no-key') },
    password,
    /nokey\.pfx: the file holds no private key; export/,
  ],
  [
    'PKCS#12 without a certificate',
    { tlsPfx: makePfx(join(folder, 'nocert.pfx'), one, password, 'no-certificate') },
    password,
    /nocert\.pfx: the file holds no certificate/,
  ],
  [
    'PKCS#12 that is cut off',
    { tlsPfx: file('cut.pfx', readFileSync(join(folder, 'a.pfx')).subarray(0, 300)) },
    password,
    /cut\.pfx: the file is no PKCS#12 file, or it is damaged/,
  ],
  ['an empty file', { tlsPfx: file('empty.pfx', '') }, password, /empty\.pfx: the file is no PKCS#12 file/],
  ['PEM in place of PKCS#12', { tlsPfx: one.cert }, '', /one\.cert\.pem: the file is no PKCS#12 file/],
  [
    'a key of another certificate',
    { tlsCert: one.cert, tlsKey: other.key },
    '',
    /^--tls-key .*other\.key\.pem: the key does not match the first certificate of --tls-cert .*one\.cert\.pem/,
  ],
  ['a key of another kind', { tlsCert: one.cert, tlsKey: rsa.key }, '', /rsa\.key\.pem: the key does not match/],
  [
    'a chain with the authority first',
    {
      tlsCert: file('turned.pem', readFileSync(chain.root, 'utf8') + readFileSync(chain.cert, 'utf8')),
      tlsKey: chain.key,
    },
    '',
    /does not match the first certificate.*put the server's own certificate before/,
  ],
  ['a wrong password of a key', pemSource(encryptKey(one, password)), 'n0t this', /the password of the key is wrong/],
  ['no password of a key', pemSource(encryptKey(rsa, password)), '', /the key has a password; give it with/],
  [
    'a text in place of a certificate',
    { tlsCert: file('text', 'hello'), tlsKey: one.key },
    '',
    /no certificate in PEM/,
  ],
  ['a text in place of a key', { tlsCert: one.cert, tlsKey: file('text2', 'hello') }, '', /no private key in PEM/],
  ['key and certificate exchanged', { tlsCert: one.key, tlsKey: one.cert }, '', /no certificate in PEM form/],
  [
    'a key that is too short',
    pemSource(makeCertificate(folder, 'weak', { rsaBits: 1024 })),
    '',
    /weak\.cert\.pem: the key is too short/,
  ],
  ['a file that is no certificate by its size', { tlsPfx: file('big', Buffer.alloc(500_000)) }, '', /500000 bytes/],
];

describe('H7: a certificate that cannot be used is one line with flag, file and remedy', () => {
  for (const [name, source, given, expected] of bad) {
    test(name, async () => {
      const rig = new Rig(source, given);
      await assert.rejects(rig.certificates.load(), (error) => {
        assert.ok(error instanceof StartError, String(error));
        assert.equal(error.exitCode, 1);
        assert.match(error.message, expected);
        assert.ok(!error.message.includes('\n'));
        assert.ok(given === '' || !error.message.includes(given), 'the password is not in the message');
        return true;
      });
      assert.equal(rig.served, '');
    });
  }

  test('a file that this user may not read', {
    skip: process.getuid?.() === 0 && 'root may read everything',
  }, async () => {
    const hidden = file('hidden.pfx', 'x');
    chmodSync(hidden, 0);
    await assert.rejects(
      new Rig({ tlsPfx: hidden }).certificates.load(),
      /hidden\.pfx: permission denied; let the user/,
    );
  });
});

describe('dates', () => {
  const expired = makeCertificate(folder, 'expired', { from: '20200101000000Z', to: '20210101000000Z' });
  const dayMs = 86_400_000;

  test('an expired certificate is served, with a warning', async () => {
    const rig = new Rig(pemSource(expired));
    await rig.certificates.load();
    assert.equal(rig.served, fingerprintOf(expired.cert));
    assert.match(rig.of('warn')[0]!, /has expired on 2021-01-01/);
  });

  test('a certificate of tomorrow is served, with a warning about the clock', async () => {
    const rig = new Rig(pemSource(one));
    rig.wallMs -= 2 * dayMs;
    await rig.certificates.load();
    assert.match(rig.of('warn')[0]!, /valid only from .*clock/);
  });

  const cases: [number, RegExp | null][] = [
    [31, null],
    [29.5, /expires in 29 days/],
    [1.5, /expires in 1 day, /],
    [0.5, /expires within a day/],
    [-0.5, /has expired/],
  ];
  for (const [daysLeft, expected] of cases) {
    test(`${daysLeft} days before its end: ${expected === null ? 'nothing' : 'a warning'}`, async () => {
      const rig = new Rig(pemSource(one));
      await rig.certificates.load();
      const endMs = rig.certificates.certificate!.validToDate.getTime();
      rig.lines.length = 0;
      rig.wallMs = endMs - daysLeft * dayMs;
      await rig.certificates.load();
      if (expected === null) assert.deepEqual(rig.of('warn'), []);
      else assert.match(rig.of('warn')[0]!, expected);
    });
  }

  test('the warning comes again every day', async (t) => {
    t.mock.timers.enable({ apis: ['setInterval'] });
    const rig = new Rig(pemSource(expired), '', dayMs / 2);
    t.after(() => rig.certificates.close());
    await rig.certificates.load();
    rig.certificates.watch();
    for (let day = 1; day <= 3; day++) {
      t.mock.timers.tick(dayMs);
      assert.equal(rig.of('warn').length, 1 + day);
    }
  });
});

describe('secrets', () => {
  test('a secret file that everybody may read is warned about', async () => {
    const open = file('open.key.pem', readFileSync(one.key));
    chmodSync(open, 0o644);
    const rig = new Rig({ tlsCert: one.cert, tlsKey: open });
    await rig.certificates.load();
    assert.match(rig.of('warn').join('\n'), /open\.key\.pem: every user of this machine may read the private key/);
    chmodSync(open, 0o640);
    const closed = new Rig({ tlsCert: one.cert, tlsKey: open });
    await closed.certificates.load();
    assert.deepEqual(closed.of('warn'), []);
  });

  test('nothing that is logged holds the password or a part of the key', async () => {
    const rig = new Rig({ tlsPfx: join(folder, 'a.pfx'), tlsPasswordFile: passwordFile });
    await rig.certificates.load();
    await rig.certificates.reload();
    const text = JSON.stringify(rig.lines);
    assert.ok(!text.includes('p4ss'));
    assert.ok(!text.includes(readFileSync(one.key, 'utf8').split('\n')[1]!.slice(0, 20)));
  });
});

describe('H7: replacing a certificate while the server runs', () => {
  let count = 0;

  /** Certificates that are watched, in a folder of their own with a PEM pair. */
  async function watched(t: { after(cleanup: () => void): void }): Promise<{ rig: Rig; files: PemFiles }> {
    const own = temporaryFolder(t);
    const files = { cert: join(own, 'cert.pem'), key: join(own, 'key.pem') };
    copyFileSync(one.cert, files.cert);
    copyFileSync(one.key, files.key);
    const rig = new Rig(pemSource(files));
    t.after(() => rig.certificates.close());
    await rig.certificates.load();
    rig.certificates.watch();
    rig.lines.length = 0;
    return { rig, files };
  }

  /** Replaces both files as certificate programs do: written beside, then renamed. */
  function replace(files: PemFiles, by: PemFiles): void {
    for (const [from, to] of [
      [by.cert, files.cert],
      [by.key, files.key],
    ] as const) {
      const beside = `${to}.${++count}`;
      copyFileSync(from, beside);
      renameSync(beside, to);
    }
  }

  test('a new one takes effect by itself, and says so once', async (t) => {
    const { rig, files } = await watched(t);
    replace(files, other);
    await until('it is served', () => rig.served === fingerprintOf(other.cert));
    assert.equal(rig.of('info').length, 1);
    assert.match(rig.of('info')[0]!, /replaced/);
    assert.deepEqual(rig.of('error'), []);
  });

  test('certificate and key that are written in place, one after the other, are no error in between', async (t) => {
    const { rig, files } = await watched(t);
    writeFileSync(files.cert, readFileSync(other.cert).subarray(0, 100));
    await new Promise((resolve) => setTimeout(resolve, 30));
    writeFileSync(files.cert, readFileSync(other.cert));
    await new Promise((resolve) => setTimeout(resolve, 30));
    writeFileSync(files.key, readFileSync(other.key));
    await until('it is served', () => rig.served === fingerprintOf(other.cert));
    await new Promise((resolve) => setTimeout(resolve, 200));
    assert.deepEqual(rig.of('error'), []);
  });

  test('a bad one is one clear error, and the old one stays in force', async (t) => {
    const { rig, files } = await watched(t);
    writeFileSync(files.key, readFileSync(other.key));
    await until('it is reported', () => rig.of('error').length > 0);
    assert.match(rig.of('error')[0]!, /the key does not match.*the old certificate stays in force/);
    // Several looks later.
    await new Promise((resolve) => setTimeout(resolve, 300));
    assert.equal(rig.of('error').length, 1);
    assert.equal(rig.served, fingerprintOf(one.cert));

    writeFileSync(files.cert, readFileSync(other.cert));
    await until('the pair is served once it is complete', () => rig.served === fingerprintOf(other.cert));
  });

  test('files that go away are one error; when they come back the same, all is well', async (t) => {
    const { rig, files } = await watched(t);
    rmSync(files.cert);
    await until('it is reported', () => rig.of('error').length > 0);
    assert.match(rig.of('error')[0]!, /no such file/);
    copyFileSync(one.cert, files.cert);
    await rig.certificates.reload();
    assert.match(rig.of('info')[0]!, /the same as before/);
    assert.equal(rig.of('error').length, 1);
  });

  test('files that are touched but not changed are not news', async (t) => {
    const { rig, files } = await watched(t);
    writeFileSync(files.cert, readFileSync(files.cert));
    await new Promise((resolve) => setTimeout(resolve, 150));
    assert.deepEqual(rig.lines, []);
  });

  test('a request to read again is answered at once, good or bad', async (t) => {
    const { rig, files } = await watched(t);
    await rig.certificates.reload();
    assert.deepEqual(rig.of('info'), ['the TLS certificate is the same as before']);
    writeFileSync(files.cert, 'nothing');
    await rig.certificates.reload();
    assert.equal(rig.of('error').length, 1);
    await rig.certificates.reload();
    assert.equal(rig.of('error').length, 2);
  });

  test('SIGHUP is such a request', { skip: process.platform === 'win32' || process.stdout.isTTY }, async (t) => {
    const { rig } = await watched(t);
    process.kill(process.pid, 'SIGHUP');
    await until('it is answered', () => rig.of('info').length > 0);
  });

  test('a new password comes with a new file', async (t) => {
    const own = temporaryFolder(t);
    const source = { tlsPfx: join(own, 'a.pfx'), tlsPasswordFile: join(own, 'password') };
    makePfx(source.tlsPfx, one, 'first');
    writeFileSync(source.tlsPasswordFile, 'first\n', { mode: 0o600 });
    const rig = new Rig(source);
    t.after(() => rig.certificates.close());
    await rig.certificates.load();
    rig.certificates.watch();
    makePfx(source.tlsPfx, other, 'second');
    writeFileSync(source.tlsPasswordFile, 'second\n');
    await until('it is served', () => rig.served === fingerprintOf(other.cert));
  });

  test('nothing is looked at after the end', async (t) => {
    const { rig, files } = await watched(t);
    rig.certificates.close();
    replace(files, other);
    await rig.certificates.reload();
    await new Promise((resolve) => setTimeout(resolve, 100));
    assert.equal(rig.served, fingerprintOf(one.cert));
    assert.deepEqual(rig.lines, []);
    assert.equal(process.listenerCount('SIGHUP'), 0);
  });
});
