import assert from 'node:assert/strict';
import { once } from 'node:events';
import { renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { connect } from 'node:tls';
import { fingerprintOf, makeCertificate, makePfx } from '../support/certificates.ts';
import { assertSamePictures, pictures, readArgs } from '../support/ffmpeg-reader.ts';
import { decodePictures, makeClip, pushArgs, temporaryFolder } from '../support/media.ts';
import { startTestServer } from '../support/media-server.ts';
import { start, until } from '../support/program.ts';

const timeout = 60_000;

test('rtmp.pfx is replaced while ffmpeg pushes over RTMPS: not one picture is lost, who comes later sees the new one', {
  timeout,
}, async (t) => {
  const folder = temporaryFolder(t);
  const file = join(folder, 'rtmp.pfx');
  const passwordFile = join(folder, 'password.txt');
  const [first, second] = [makeCertificate(folder, 'first'), makeCertificate(folder, 'second', { rsaBits: 2048 })];
  makePfx(file, first, 'one', 'windows');
  writeFileSync(passwordFile, 'one\n', { mode: 0o600 });
  const flags = { tls: true, 'tls-pfx': file, 'tls-password-file': passwordFile };
  const media = await startTestServer(flags);
  t.after(media.stop);
  const { server, rtsp, log } = media;
  const port = server.addresses.rtmpPort;
  const shown = async () => {
    const socket = connect({ port, host: '127.0.0.1', rejectUnauthorized: false });
    await once(socket, 'secureConnect');
    const { fingerprint256 } = socket.getPeerCertificate();
    socket.destroy();
    return fingerprint256;
  };
  const clip = await makeClip(folder, 'clip', { seconds: 12 });
  const sent = await decodePictures(clip);
  const reader = start(t, 'ffmpeg', readArgs(`${rtsp}/stream1`, 'tcp'));
  await until('the reader plays', () => server.snapshot(0).reader.readers === 1);
  const pusher = start(t, 'ffmpeg', pushArgs(clip, `rtmps://127.0.0.1:${port}/stream1`));
  await until('it streams', () => server.snapshot(0).publisher.frames >= 25);
  assert.equal(await shown(), fingerprintOf(first.cert));

  // With a new password: both files change, one after the other.
  makePfx(join(folder, 'next.pfx'), second, 'two');
  writeFileSync(passwordFile, 'two\n');
  renameSync(join(folder, 'next.pfx'), file);
  await until('it is replaced', () => log.some(({ msg }) => String(msg).startsWith('TLS certificate replaced')));
  const framesThen = server.snapshot(0).publisher.frames;
  assert.ok(framesThen < sent.length - 25, `in mid-stream, after ${framesThen} of ${sent.length} pictures`);
  for (let i = 0; i < 4; i++) assert.equal(await shown(), fingerprintOf(second.cert));
  assert.equal((await pusher.ended).code, 0);
  assertSamePictures(await pictures(reader, sent, media), sent);
  assert.deepEqual(
    log.filter(({ msg }) => msg === 'RTMP Stream Stopped').map(({ reason }) => reason),
    ['unpublished'],
  );
  assert.ok(
    log.every(({ level }) => Number(level) < 50),
    'no error is logged',
  );
});
