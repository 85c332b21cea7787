import assert from 'node:assert/strict';
import { once } from 'node:events';
import { copyFileSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { connect, createServer, type Socket } from 'node:net';
import { join, resolve } from 'node:path';
import { duplexPair } from 'node:stream';
import { describe, type TestContext, test } from 'node:test';
import { type ConnectionOptions, type TLSSocket, connect as tlsConnect } from 'node:tls';
import { clientHello, publishCommands, serverHelloLength } from '../../native-free-bench/system/rtmp-dialogue.ts';
import { rtmpMessage } from '../../native-free-bench/system/synthetic-stream.ts';
import { StartError } from '../../src/config/errors.ts';
import { fingerprintOf, makeCertificate, makeChain, makePfx } from '../support/certificates.ts';
import { anyPorts } from '../support/cli-log.ts';
import { faultPaths, fragileEntries } from '../support/faults.ts';
import { assertSamePictures, pictures, readArgs } from '../support/ffmpeg-reader.ts';
import { decodePictures, makeClip, pushArgs, temporaryFolder } from '../support/media.ts';
import { startTestServer, type TestServer } from '../support/media-server.ts';
import { isRun, NumberedStream, numberedPicture, receivedNumbers } from '../support/numbered-stream.ts';
import { type Program, start, until } from '../support/program.ts';
import { RtmpClient } from '../support/rtmp-client.ts';
import { headerTag, naluTag, pps, prefixed, sps } from '../unit/ingest/publisher-rig.ts';

const timeout = 90_000;
const password = 'YourPassword';
const cli = resolve(import.meta.dirname, '../../src/cli.ts');
const anyCertificate: ConnectionOptions = { rejectUnauthorized: false };

/** Flags for a certificate in a PKCS#12 file, made as the driver's page says (openssl in place of PowerShell). */
function pfxFlags(folder: string): Record<string, string> {
  makePfx(join(folder, 'rtmp.pfx'), makeCertificate(folder, 'first', { rsaBits: 2048 }), password, 'windows');
  writeFileSync(join(folder, 'password.txt'), `${password}\n`, { mode: 0o600 });
  return { 'tls-pfx': join(folder, 'rtmp.pfx'), 'tls-password-file': join(folder, 'password.txt') };
}

async function startTlsServer(t: TestContext, flags: Record<string, string | boolean>): Promise<TestServer> {
  const media = await startTestServer({ tls: true, ...flags });
  t.after(media.stop);
  return media;
}

/** Opens TLS; resolves when it is secure or has failed. */
async function open(t: TestContext, port: number, options: ConnectionOptions = {}): Promise<TLSSocket> {
  const socket = tlsConnect({ port, host: '127.0.0.1', ...anyCertificate, ...options });
  socket.on('error', () => undefined);
  t.after(() => socket.destroy());
  await new Promise((settled) => socket.once('secureConnect', settled).once('close', settled));
  return socket;
}

/** Fingerprint of the certificate that a new connection sees. */
async function shownCertificate(t: TestContext, port: number): Promise<string> {
  const socket = await open(t, port);
  const { fingerprint256 } = socket.getPeerCertificate();
  socket.destroy();
  return fingerprint256;
}

describe('RTMPS with ffmpeg', () => {
  test('every picture arrives, with a PKCS#12 file as the RTMP Push Driver wants it', { timeout }, async (t) => {
    const folder = temporaryFolder(t);
    const media = await startTlsServer(t, pfxFlags(folder));
    const { rtsp, server } = media;
    const clip = await makeClip(folder, 'clip', { seconds: 4, audio: true });
    const sent = await decodePictures(clip);
    const reader = start(t, 'ffmpeg', readArgs(`${rtsp}/stream1`, 'tcp'));
    await until('the reader plays', () => server.snapshot(0).reader.readers === 1);
    const url = `rtmps://127.0.0.1:${server.addresses.rtmpPort}/stream1`;
    const pusher = start(t, 'ffmpeg', pushArgs(clip, url));
    assert.equal((await pusher.ended).code, 0);
    assertSamePictures(await pictures(reader, sent, media), sent);
  });
});

describe('RTMPS', () => {
  for (const version of ['TLSv1.2', 'TLSv1.3'] as const) {
    test(`${version}: a stream arrives whole, with a full read buffer and small records`, { timeout }, async (t) => {
      const folder = temporaryFolder(t);
      const media = await startTlsServer(t, pfxFlags(folder));
      const port = media.server.addresses.rtmpPort;
      const tls = { ...anyCertificate, minVersion: version, maxVersion: version };
      const readers = await Promise.all([media.play('/stream1'), media.play('/stream2')]);
      await NumberedStream.start(t, { port, tls, path: '/stream1', bytes: 90_000 });
      await NumberedStream.start(t, { port, tls, path: '/stream2', bytes: 900, intervalMs: 3, chunkSize: 128 });
      for (const reader of readers) {
        await reader.until((r) => receivedNumbers(r).length >= 100);
        assert.equal(receivedNumbers(reader)[0], 0);
        assert.ok(isRun(receivedNumbers(reader)));
      }
    });
  }

  test('TLS 1.1 is refused', { timeout }, async (t) => {
    const media = await startTlsServer(t, pfxFlags(temporaryFolder(t)));
    const old: ConnectionOptions = { minVersion: 'TLSv1.1', maxVersion: 'TLSv1.1', ciphers: 'DEFAULT@SECLEVEL=0' };
    const socket = await open(t, media.server.addresses.rtmpPort, old);
    assert.equal(socket.getProtocol() ?? 'none', 'none');
    await until('all is cleaned up', () => media.server.connections === 0);
  });

  test('H7: a client that knows only the root is shown the whole chain', { timeout }, async (t) => {
    const folder = temporaryFolder(t);
    const chain = makeChain(folder, 'chained');
    const pfx = makePfx(join(folder, 'chain.pfx'), chain, '');
    const flags = [{ 'tls-cert': chain.cert, 'tls-key': chain.key }, { 'tls-pfx': pfx }];
    for (const source of flags) {
      const media = await startTlsServer(t, source);
      const trusting = { rejectUnauthorized: true, ca: readFileSync(chain.root), servername: 'localhost' };
      const socket = await open(t, media.server.addresses.rtmpPort, trusting);
      assert.equal(socket.authorized, true, String(socket.authorizationError));
    }
  });

  test('what comes behind a publish command waits for the answer and is not lost', { timeout }, async (t) => {
    const media = await startTlsServer(t, pfxFlags(temporaryFolder(t)));
    const port = media.server.addresses.rtmpPort;
    const reader = await media.play('/stream1');
    await until('it plays', () => media.server.snapshot(0).reader.readers === 1);
    // The client's ciphertext passes through here, so that many small records can go out in one piece.
    const raw = connect(port, '127.0.0.1');
    t.after(() => raw.destroy());
    const [inner, outer] = duplexPair();
    const socket = tlsConnect({ socket: inner as Socket, ...anyCertificate });
    const kept: Buffer[] = [];
    let keeping = false;
    outer.on('data', (bytes: Buffer) => (keeping ? kept.push(bytes) : raw.write(bytes)));
    raw.on('data', (bytes: Buffer) => outer.write(bytes));
    let greeting = 0;
    socket.on('data', (bytes: Buffer) => {
      greeting += bytes.length;
    });
    await once(socket, 'secureConnect');
    socket.write(clientHello);
    await until('the server has greeted', () => greeting >= serverHelloLength);
    keeping = true;
    const burst = [publishCommands({ app: '', name: 'stream1', port }, 4096)];
    burst.push(rtmpMessage(6, 9, 1, headerTag([sps], [pps]), 4096));
    for (let number = 0; number < 60; number++) {
      const picture = naluTag(prefixed(4, numberedPicture(number, number === 0, 9000)), { key: number === 0 });
      const message = rtmpMessage(6, 9, 1, picture, 4096);
      message.writeUIntBE(number * 20, 1, 3);
      burst.push(message);
    }
    const bytes = Buffer.concat(burst);
    for (let at = 0; at < bytes.length; at += 400)
      await new Promise((written) => socket.write(bytes.subarray(at, at + 400), written));
    raw.write(Buffer.concat(kept));
    await reader.until((r) => receivedNumbers(r).length >= 60);
    assert.deepEqual(receivedNumbers(reader), [...Array(60).keys()]);
  });

  test('a second port speaks RTMPS beside RTMP; the first stays plain', { timeout }, async (t) => {
    const folder = temporaryFolder(t);
    const probe = await startTestServer();
    const rtmpsPort = probe.server.addresses.rtmpPort;
    await probe.stop();
    const media = await startTlsServer(t, { ...pfxFlags(folder), 'rtmps-port': String(rtmpsPort) });
    assert.equal(media.server.addresses.rtmpsPort, rtmpsPort);
    const [plainReader, tlsReader] = await Promise.all([media.play('/stream1'), media.play('/stream2')]);
    await NumberedStream.start(t, { port: media.server.addresses.rtmpPort, path: '/stream1' });
    await NumberedStream.start(t, { port: rtmpsPort, path: '/stream2', tls: anyCertificate });
    for (const reader of [plainReader, tlsReader]) await reader.until((r) => receivedNumbers(r).length >= 20);
  });

  test('a second port that is in use is a start error, and nothing is left behind', { timeout }, async (t) => {
    const other = createServer();
    other.listen(0, '127.0.0.1');
    await once(other, 'listening');
    t.after(() => other.close());
    const rtmpsPort = String((other.address() as { port: number }).port);
    await assert.rejects(startTestServer({ ...pfxFlags(temporaryFolder(t)), 'rtmps-port': rtmpsPort }), (error) => {
      assert.ok(error instanceof StartError);
      assert.match(error.message, new RegExp(`^--rtmps-port ${rtmpsPort}: the port is in use`));
      return true;
    });
  });

  test('N1: hundreds of connections that break in every way leave nothing behind', { timeout }, async (t) => {
    const media = await startTlsServer(t, { ...pfxFlags(temporaryFolder(t)), 'max-connections': '500' });
    const port = media.server.addresses.rtmpPort;
    const stream = await NumberedStream.start(t, { port, path: '/stream1', tls: anyCertificate });
    const openings = [
      Buffer.alloc(0),
      Buffer.of(0x16),
      Buffer.from([0x16, 3, 1, 2, 0, 1]),
      Buffer.concat([Buffer.from([0x16, 3, 1, 0x40, 0]), Buffer.alloc(3000, 7)]),
      Buffer.alloc(2000, 0x16),
      Buffer.alloc(2000, 3),
      Buffer.from('GET / HTTP/1.1\r\n\r\n'),
    ];
    const sockets: Socket[] = [];
    for (let i = 0; i < 210; i++) {
      const socket = connect(port, '127.0.0.1');
      socket.on('error', () => undefined);
      sockets.push(socket);
      socket.write(openings[i % openings.length]!);
      if (i % 3 === 0) socket.end();
      else if (i % 3 === 1) socket.once('connect', () => setTimeout(() => socket.resetAndDestroy(), i % 10));
    }
    for (let i = 0; i < 30; i++) {
      const socket = await open(t, port);
      if (i % 2 === 0) socket.write('not RTMP at all');
      else socket.destroy();
      sockets.push(socket);
    }
    for (const socket of sockets) setTimeout(() => socket.destroy(), 500);
    await until('only the stream is left', () => media.server.connections === 1);
    assert.equal(stream.closed, false);
  });
});

describe('H7: the certificate is replaced while a stream runs', () => {
  for (const form of ['PKCS#12', 'PEM'] as const) {
    test(`${form}: no picture is lost, and a new connection sees the new certificate`, { timeout }, async (t) => {
      const folder = temporaryFolder(t);
      const second = makeCertificate(folder, 'second');
      const files = { cert: join(folder, 'cert.pem'), key: join(folder, 'key.pem') };
      let flags: Record<string, string>;
      if (form === 'PKCS#12') flags = pfxFlags(folder);
      else {
        const first = makeCertificate(folder, 'first');
        copyFileSync(first.cert, files.cert);
        copyFileSync(first.key, files.key);
        flags = { 'tls-cert': files.cert, 'tls-key': files.key };
      }
      const media = await startTlsServer(t, flags);
      const port = media.server.addresses.rtmpPort;
      const reader = await media.play('/stream1');
      const stream = await NumberedStream.start(t, { port, path: '/stream1', tls: anyCertificate, intervalMs: 5 });
      await reader.until((r) => receivedNumbers(r).length >= 20);
      const before = await shownCertificate(t, port);
      assert.equal(before, fingerprintOf(join(folder, 'first.cert.pem')));

      if (form === 'PKCS#12') {
        makePfx(join(folder, 'next.pfx'), second, password);
        renameSync(join(folder, 'next.pfx'), join(folder, 'rtmp.pfx'));
      } else {
        copyFileSync(second.cert, files.cert);
        copyFileSync(second.key, files.key);
      }
      await until('it is replaced', () => media.log.some((line) => /replaced/.test(String(line['msg']))));
      // Each connection goes to the worker with the fewest, so this asks both.
      for (let i = 0; i < 4; i++) assert.equal(await shownCertificate(t, port), fingerprintOf(second.cert));

      const goal = stream.next + 50;
      await reader.until((r) => receivedNumbers(r).at(-1)! >= goal);
      assert.equal(receivedNumbers(reader)[0], 0);
      assert.ok(isRun(receivedNumbers(reader)), String(receivedNumbers(reader)));
      assert.equal(stream.closed, false);
      assert.equal((stream.client.socket as TLSSocket).getPeerCertificate().fingerprint256, before);
    });
  }

  test('a bad one is one error, and the old one stays for new connections', { timeout }, async (t) => {
    const folder = temporaryFolder(t);
    const media = await startTlsServer(t, pfxFlags(folder));
    const port = media.server.addresses.rtmpPort;
    makePfx(join(folder, 'rtmp.pfx'), makeCertificate(folder, 'second'), 'another password');
    const errors = () => media.log.filter((line) => line['level'] === 50);
    await until('it is reported', () => errors().length > 0);
    assert.match(String(errors()[0]!['msg']), /rtmp\.pfx: the password is wrong.*the old certificate stays in force/);
    assert.equal(await shownCertificate(t, port), fingerprintOf(join(folder, 'first.cert.pem')));
  });

  test('an ingest worker that takes the place of another has the newest', { timeout }, async (t) => {
    const folder = temporaryFolder(t);
    const flags = { tls: true, ...pfxFlags(folder), 'ingest-workers': '1' };
    const media = await startTestServer(flags, fragileEntries);
    t.after(media.stop);
    const port = media.server.addresses.rtmpPort;
    const second = makeCertificate(folder, 'second');
    makePfx(join(folder, 'rtmp.pfx'), second, password);
    await until('it is replaced', () => media.log.some((line) => /replaced/.test(String(line['msg']))));
    const culprit = await RtmpClient.connect({ port, path: faultPaths.throw, tls: anyCertificate });
    await culprit.ended;
    assert.equal(await shownCertificate(t, port), fingerprintOf(second.cert));
  });
});

describe('RTMPS as a program', () => {
  /** `node src/cli.ts --tls` in a folder of its own; resolves when it is ready or has ended. */
  async function run(
    t: TestContext,
    folder: string,
    args: string[],
    environment: Record<string, string> = {},
  ): Promise<{ program: Program; port: number; lines(): Record<string, unknown>[] }> {
    const all = [cli, ...anyPorts, '--no-auth', '--tls', ...args];
    const env = { PATH: process.env['PATH'], ...environment };
    const program = start(t, process.execPath, [...all, '--log-format', 'json'], { cwd: folder, env });
    const lines = () =>
      program.output.stdout
        .split('\n')
        .slice(0, -1)
        .map((line) => JSON.parse(line) as Record<string, unknown>);
    await until(
      'it has started',
      () => program.output.stdout.includes('is ready') || program.process.exitCode !== null,
    );
    const record = lines().find((line) => line['msg'] === 'Skyweir is ready');
    const port = Number(String(record?.['rtmps']).split(':').at(-1));
    return { program, port, lines };
  }

  test('each connection that fails has its own reason in the log', { timeout }, async (t) => {
    const folder = temporaryFolder(t);
    pfxFlags(folder);
    // Longer than a machine stands still: nobody but the silent ones may run into it.
    const args = ['--handshake-timeout', '3s', '--no-rate-limit'];
    const { port, lines } = await run(t, folder, args, { SKYWEIR_TLS_PASSWORD: password });
    const reasons: [string, string, RegExp, () => Promise<unknown> | unknown][] = [
      ['plain RTMP', 'not_tls_rtmp', /^$/, () => RtmpClient.connect({ port, path: '/stream1' })],
      ['HTTP', 'not_tls', /HTTP/, () => connect(port, '127.0.0.1').end('GET / HTTP/1.1\r\n\r\n')],
      ['garbage', 'not_tls', /ffff/, () => connect(port, '127.0.0.1').end(Buffer.alloc(50, 0xff))],
      [
        'TLS 1.1',
        'tls_handshake_failed',
        /TLS 1\.2/,
        () => open(t, port, { minVersion: 'TLSv1.1', maxVersion: 'TLSv1.1', ciphers: 'DEFAULT@SECLEVEL=0' }),
      ],
      [
        'broken TLS',
        'tls_handshake_failed',
        /not TLS/,
        () => connect(port, '127.0.0.1').end(Buffer.concat([Buffer.of(0x16), Buffer.alloc(50, 0xee)])),
      ],
      [
        'silence',
        'handshake_timeout',
        /before TLS began/,
        () => connect(port, '127.0.0.1').on('error', () => undefined),
      ],
      [
        'a handshake that stops',
        'handshake_timeout',
        /during the TLS handshake/,
        () => connect(port, '127.0.0.1').write(Buffer.from([0x16, 3, 1, 1, 0, 1, 0, 0])),
      ],
      ['a peer that goes', 'peer_closed', /before TLS began/, () => connect(port, '127.0.0.1').end()],
      ['TLS but no RTMP', 'not_rtmp_http', /0x47/, async () => (await open(t, port)).write('GET / HTTP/1.1\r\n\r\n')],
    ];
    const seen = new Set<unknown>();
    for (const [name, reason, detail, attempt] of reasons) {
      await attempt();
      let line: Record<string, unknown> | undefined;
      await until(`${name} is logged`, () => {
        line = lines().find((record) => 'reason' in record && !seen.has(record['conn']));
        return line !== undefined;
      });
      seen.add(line!['conn']);
      assert.equal(line!['reason'], reason, name);
      assert.match(String(line!['detail'] ?? ''), detail, name);
    }
  });

  test('H6: a handshake that trickles in is cut off at its deadline, counted from the connection', {
    timeout,
  }, async (t) => {
    const folder = temporaryFolder(t);
    pfxFlags(folder);
    const { port } = await run(t, folder, ['--handshake-timeout', '3s'], { SKYWEIR_TLS_PASSWORD: password });
    const startMs = performance.now();
    const socket = connect(port, '127.0.0.1');
    socket.on('error', () => undefined);
    // The beginning of a long ClientHello, for as long as it takes.
    const hello = Buffer.concat([Buffer.from([0x16, 3, 1, 2, 0, 1, 0, 1, 0xfc, 3, 3]), Buffer.alloc(500)]);
    let sent = 0;
    const trickle = setInterval(() => socket.write(Buffer.of(hello[sent++ % hello.length]!)), 50);
    t.after(() => clearInterval(trickle));
    // If each byte gave it more time, it would not end while they come.
    await once(socket, 'close');
    const tookMs = performance.now() - startMs;
    assert.ok(tookMs > 2950, `${tookMs} ms`);
    assert.ok(sent > 5);
  });

  test('TLS on a plain port is named as that', { timeout }, async (t) => {
    const { program, lines } = await run(t, temporaryFolder(t), ['--no-tls']);
    const record = lines().find((line) => line['msg'] === 'Skyweir is ready');
    const port = Number(String(record?.['rtmp']).split(':').at(-1));
    await open(t, port);
    await until('it is logged', () => program.output.stdout.includes('not_rtmp_tls'));
  });

  test('start, URL, password and dates are told; the password is not', { timeout }, async (t) => {
    const folder = temporaryFolder(t);
    pfxFlags(folder);
    const { program, port, lines } = await run(t, folder, [], { SKYWEIR_TLS_PASSWORD: password });
    const ready = lines().find((line) => line['msg'] === 'Skyweir is ready');
    assert.equal(ready?.['pushUrl'], `rtmps://127.0.0.1:${port}/stream1`);
    const certificate = lines().find((line) => line['msg'] === 'TLS certificate');
    assert.equal(certificate?.['fingerprint256'], fingerprintOf(join(folder, 'first.cert.pem')));
    program.kill('SIGHUP');
    await until('the signal is answered', () => program.output.stdout.includes('the same as before'));
    assert.equal(program.process.exitCode, null);
    program.kill('SIGTERM');
    assert.equal((await program.ended).code, 0);
    assert.ok(!program.output.stdout.includes(password) && !program.output.stderr.includes(password));
  });

  const failures: [string, string[], RegExp][] = [
    ['no certificate', [], /^skyweir: --tls-pfx rtmp\.pfx: no such file.*--tls-cert and --tls-key/],
    ['a wrong password', ['--tls-pfx', 'good.pfx'], /^skyweir: --tls-pfx good\.pfx: the password is wrong/],
    [
      'a missing key file',
      ['--tls-cert', 'first.cert.pem', '--tls-key', 'no.pem'],
      /^skyweir: --tls-key no\.pem: no such/,
    ],
  ];
  for (const [name, args, expected] of failures) {
    test(`${name}: one line and exit code 1`, { timeout }, async (t) => {
      const folder = temporaryFolder(t);
      makePfx(join(folder, 'good.pfx'), makeCertificate(folder, 'first'), 'right');
      const { program } = await run(t, folder, args, { SKYWEIR_TLS_PASSWORD: 'n0t right' });
      const { code, stderr } = await program.ended;
      assert.equal(code, 1);
      assert.match(stderr, expected);
      assert.equal(stderr.trim().split('\n').length, 1);
      assert.ok(!stderr.includes('n0t right'));
    });
  }

  test('a key without its certificate is a mistake in the flags: exit code 2', { timeout }, async (t) => {
    const { program } = await run(t, temporaryFolder(t), ['--tls-key', 'a.pem']);
    const { code, stderr } = await program.ended;
    assert.equal(code, 2);
    assert.match(stderr, /^skyweir: --tls-key a\.pem: needs --tls-cert too/);
  });
});
