import assert from 'node:assert/strict';
import { copyFileSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { join } from 'node:path';
import { describe, type TestContext, test } from 'node:test';
import { type ConnectionOptions, type TLSSocket, connect as tlsConnect } from 'node:tls';
import { fingerprintOf, makeCertificate } from '../support/certificates.ts';
import { readArgs } from '../support/ffmpeg-reader.ts';
import { decodePictures, makeClip, parseFrameMd5, pushArgs, temporaryFolder } from '../support/media.ts';
import { startTestServer, type TestServer, testCredentials } from '../support/media-server.ts';
import { isRun, NumberedStream, receivedNumbers } from '../support/numbered-stream.ts';
import { type Program, start, until } from '../support/program.ts';

const timeout = 60_000;
const anyCertificate: ConnectionOptions = { rejectUnauthorized: false };
const impatient = { consumer: new URL('../support/impatient-consumer.ts', import.meta.url) };

/** Starts a server with a certificate, whose files are `cert.pem` and `key.pem` of `folder`. */
async function startTlsServer(
  t: TestContext,
  folder: string,
  flags: Record<string, string> = {},
  entries = {},
): Promise<TestServer> {
  const first = makeCertificate(folder, 'first', { rsaBits: 2048 });
  const files = { 'tls-cert': join(folder, 'cert.pem'), 'tls-key': join(folder, 'key.pem') };
  copyFileSync(first.cert, files['tls-cert']);
  copyFileSync(first.key, files['tls-key']);
  const media = await startTestServer({ tls: true, ...files, ...flags }, entries);
  t.after(media.stop);
  return media;
}

function rtmpsUrl(media: TestServer, path: string): string {
  return `${media.rtmp.replace('rtmp:', 'rtmps:')}${path}`;
}

/** Fingerprint of the certificate that a new connection to the RTSP port sees. */
async function shownCertificate(t: TestContext, port: number): Promise<string> {
  const socket = tlsConnect({ port, host: '127.0.0.1', ...anyCertificate });
  socket.on('error', () => undefined);
  t.after(() => socket.destroy());
  await new Promise((settled) => socket.once('secureConnect', settled).once('close', settled));
  const { fingerprint256 } = socket.getPeerCertificate();
  socket.destroy();
  return fingerprint256;
}

/** Reads a camera; `hashes` is of the pictures that are decoded so far. */
interface Decoder {
  readonly program: Program;
  hashes(): (string | undefined)[];
}

function ffmpeg(t: TestContext, url: string, transport: string): Decoder {
  const args = readArgs(url, 'tcp').map((arg) => (arg === 'tcp' ? transport : arg));
  const program = start(t, 'ffmpeg', args);
  return { program, hashes: () => parseFrameMd5(program.output.stdout).map(({ hash }) => hash) };
}

function gstreamer(t: TestContext, url: string): Decoder {
  const { user, password } = testCredentials;
  const program = start(t, 'gst-launch-1.0', [
    '-q',
    ...`rtspsrc location=${url} latency=100 tls-validation-flags=0 user-id=${user}`.split(' '),
    `user-pw=${password}`,
    ...'! rtph264depay ! h264parse ! avdec_h264 max-threads=1'.split(' '),
    ...'! videoconvert ! video/x-raw,format=I420 ! checksumsink hash=md5 sync=false'.split(' '),
  ]);
  const lines = () => [...program.output.stdout.matchAll(/^\S+ ([0-9a-f]{32})$/gm)];
  return { program, hashes: () => lines().map((match) => match[1]) };
}

const decoders: Record<string, (t: TestContext, media: TestServer) => Decoder> = {
  'ffmpeg over rtsps://': (t, media) => ffmpeg(t, `${media.rtsp.replace('rtsp:', 'rtsps:')}/stream1`, 'tcp'),
  'ffmpeg over HTTPS': (t, media) => ffmpeg(t, `${media.rtsp}/stream1`, 'https'),
  'GStreamer over rtsps://, with TCP after UDP was refused': (t, media) =>
    gstreamer(t, `rtsps://127.0.0.1:${media.server.addresses.rtspPort}/stream1`),
  'GStreamer over HTTPS': (t, media) => gstreamer(t, `rtspsh://127.0.0.1:${media.server.addresses.rtspPort}/stream1`),
};

describe('RTSPS and RTSP over HTTPS', () => {
  for (const [name, open] of Object.entries(decoders)) {
    for (const consumers of name.includes('HTTPS') ? ['1', '2'] : ['1']) {
      test(`${name} reads every picture, with ${consumers} consumer(s)`, { timeout }, async (t) => {
        const folder = temporaryFolder(t);
        const media = await startTlsServer(t, folder, { consumers });
        const clip = await makeClip(folder, 'clip', { seconds: 2 });
        const sent = (await decodePictures(clip)).map(({ hash }) => hash);
        const { program, hashes } = open(t, media);
        await until('the reader plays', () => media.server.snapshot(0).reader.readers === 1);
        start(t, 'ffmpeg', pushArgs(clip, rtmpsUrl(media, '/stream1')));
        const received = () => hashes().filter((hash) => sent.includes(hash!));
        // The last pictures leave the reader's pipeline when later ones come, which are of the card, one a second.
        await until('it has nearly all pictures', () => received().length >= sent.length - 10);
        program.kill('SIGTERM');
        assert.equal((await program.ended).stderr, '');
        assert.deepEqual(received(), sent.slice(0, received().length));
        await until('its place is free', () => media.server.snapshot(0).reader.readers === 0);
      });
    }
  }

  for (const version of ['TLSv1.2', 'TLSv1.3'] as const) {
    test(`${version}: large and small pictures arrive whole, beside plain readers on the same port`, {
      timeout,
    }, async (t) => {
      const media = await startTlsServer(t, temporaryFolder(t));
      const tls = { ...anyCertificate, minVersion: version, maxVersion: version };
      const readers = await Promise.all([
        media.play('/stream1', { tls }),
        media.play('/stream1'),
        media.play('/stream2', { tls }),
        media.play('/stream1', { tls }),
      ]);
      const port = media.server.addresses.rtmpPort;
      await NumberedStream.start(t, { port, tls: anyCertificate, path: '/stream1', bytes: 70_000, intervalMs: 50 });
      await NumberedStream.start(t, { port, tls: anyCertificate, path: '/stream2', bytes: 900, intervalMs: 10 });
      for (const reader of readers) {
        await reader.until((r) => receivedNumbers(r).length >= 60);
        assert.equal(receivedNumbers(reader)[0], 0);
        assert.ok(isRun(receivedNumbers(reader)), String(receivedNumbers(reader)));
        assert.equal(reader.lostPackets, 0);
      }
    });
  }

  test('a reader that stops reading is cut off; the others, encrypted and plain, lose nothing', {
    timeout,
  }, async (t) => {
    const media = await startTlsServer(t, temporaryFolder(t), {}, impatient);
    const [stalled, ...others] = await Promise.all([
      media.play('/stream1', { tls: anyCertificate }),
      media.play('/stream1', { tls: anyCertificate }),
      media.play('/stream1'),
    ]);
    const port = media.server.addresses.rtmpPort;
    const stream = await NumberedStream.start(t, {
      port,
      tls: anyCertificate,
      path: '/stream1',
      bytes: 60_000,
      intervalMs: 10,
    });
    await stalled.until((r) => receivedNumbers(r).length > 3);
    stalled.socket.pause();
    await until('it is cut off', () => media.server.snapshot(0).reader.cutOff === 1);
    const cutOffAt = stream.next;
    for (const reader of others) {
      await reader.until((r) => receivedNumbers(r).at(-1)! >= cutOffAt + 20);
      assert.ok(isRun(receivedNumbers(reader)));
    }
    assert.equal(stream.closed, false);
    assert.equal(media.server.snapshot(0).reader.readers, 2);
  });

  test('a reader that is slow for a while goes on at a keyframe', { timeout }, async (t) => {
    const media = await startTlsServer(t, temporaryFolder(t), { 'ring-frames': '30' });
    const reader = await media.play('/stream1', { tls: anyCertificate });
    const port = media.server.addresses.rtmpPort;
    const options = { port, tls: anyCertificate, path: '/stream1', bytes: 60_000, intervalMs: 10, gop: 10 };
    await NumberedStream.start(t, options);
    await reader.until((r) => receivedNumbers(r).length > 3);
    reader.socket.pause();
    await until('it has lost pictures', () => media.server.snapshot(0).reader.overflow > 0);
    reader.socket.resume();
    const behindGap = () => receivedNumbers(reader).findIndex((number, i, all) => i > 0 && number !== all[i - 1]! + 1);
    await reader.until((r) => behindGap() > 0 && receivedNumbers(r).length > behindGap() + 30);
    const numbers = receivedNumbers(reader);
    assert.equal(numbers[behindGap()]! % 10, 0, 'a keyframe');
    assert.equal(reader.lostPackets, 0, 'whole pictures are left out, without a gap in the sequence numbers');
  });
});

describe('connections that break in every way', () => {
  test('leave nothing behind, and a reader beside them loses nothing', { timeout }, async (t) => {
    const media = await startTlsServer(t, temporaryFolder(t));
    const { rtspPort, rtmpPort } = media.server.addresses;
    const reader = await media.play('/stream1', { tls: anyCertificate });
    await NumberedStream.start(t, { port: rtmpPort, tls: anyCertificate, path: '/stream1' });
    const openings = [
      Buffer.alloc(0),
      Buffer.of(0x16),
      Buffer.from([0x16, 3, 1, 2, 0, 1]),
      Buffer.concat([Buffer.from([0x16, 3, 1, 0x40, 0]), Buffer.alloc(3000, 7)]),
      Buffer.alloc(2000, 0x16),
      Buffer.from('$\x00\x16'),
      Buffer.from('GET / HTTP/1.1\r\n\r\n'),
      Buffer.from('OPTIONS * RTSP/1.0\r\nCSeq: 1\r\n'),
    ];
    let open = 0;
    const sockets: Socket[] = [];
    const add = (socket: Socket) => {
      open++;
      socket.on('error', () => undefined);
      socket.on('close', () => open--);
      t.after(() => socket.destroy());
      sockets.push(socket);
    };
    for (let i = 0; i < 200; i++) {
      const socket = connect(rtspPort, '127.0.0.1');
      add(socket);
      socket.write(openings[i % openings.length]!);
      if (i % 3 === 0) socket.end();
      else if (i % 3 === 1) socket.once('connect', () => setTimeout(() => socket.resetAndDestroy(), i % 10));
    }
    for (let i = 0; i < 30; i++) {
      const socket = tlsConnect({ port: rtspPort, host: '127.0.0.1', ...anyCertificate });
      add(socket);
      socket.once('secureConnect', () => (i % 2 === 0 ? socket.write('no request at all\r\n\r\n') : socket.destroy()));
    }
    // Those that said nothing, or not enough, may stay until their deadline: here they end by themselves.
    for (const socket of sockets) setTimeout(() => socket.destroy(), 500);
    await until('all are closed', () => open === 0);
    const count = receivedNumbers(reader).length;
    await reader.until((r) => receivedNumbers(r).length >= count + 20);
    assert.ok(isRun(receivedNumbers(reader)));
    assert.equal(media.server.snapshot(0).reader.readers, 1);
    assert.deepEqual(
      media.log.filter((line) => Number(line['level']) >= 50),
      [],
    );
  });
});

describe('the certificate is replaced while readers play', () => {
  test('nobody loses a picture, and a new connection sees the new certificate', { timeout }, async (t) => {
    const folder = temporaryFolder(t);
    const media = await startTlsServer(t, folder, { consumers: '2' });
    const { rtspPort, rtmpPort } = media.server.addresses;
    const readers = await Promise.all([1, 2].map(() => media.play('/stream1', { tls: anyCertificate })));
    const stream = await NumberedStream.start(t, {
      port: rtmpPort,
      tls: anyCertificate,
      path: '/stream1',
      intervalMs: 5,
    });
    for (const reader of readers) await reader.until((r) => receivedNumbers(r).length >= 20);
    const before = fingerprintOf(join(folder, 'first.cert.pem'));
    assert.equal(await shownCertificate(t, rtspPort), before);
    const second = makeCertificate(folder, 'second');
    copyFileSync(second.cert, join(folder, 'cert.pem'));
    copyFileSync(second.key, join(folder, 'key.pem'));
    await until('it is replaced', () => media.log.some((line) => /replaced/.test(String(line['msg']))));
    // Each connection goes to the consumer with the fewest, so this asks both.
    for (let i = 0; i < 4; i++) assert.equal(await shownCertificate(t, rtspPort), fingerprintOf(second.cert));
    const goal = stream.next + 50;
    for (const reader of readers) {
      await reader.until((r) => receivedNumbers(r).at(-1)! >= goal);
      assert.equal(receivedNumbers(reader)[0], 0);
      assert.ok(isRun(receivedNumbers(reader)), String(receivedNumbers(reader)));
      assert.equal((reader.socket as TLSSocket).getPeerCertificate().fingerprint256, before);
    }
  });
});
