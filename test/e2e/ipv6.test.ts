import assert from 'node:assert/strict';
import { networkInterfaces } from 'node:os';
import { describe, type TestContext, test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { readArgs } from '../support/ffmpeg-reader.ts';
import { decodePictures, makeClip, parseFrameMd5, pushArgs, temporaryFolder } from '../support/media.ts';
import { startTestServer, type TestServer, testCredentials } from '../support/media-server.ts';
import { isRun, NumberedStream, receivedNumbers } from '../support/numbered-stream.ts';
import { type Program, start, until } from '../support/program.ts';

const timeout = 180_000;
const impatient = { consumer: new URL('../support/impatient-consumer.ts', import.meta.url) };
const { user, password } = testCredentials;

/** A server on every address of the machine, as it is by default. */
async function startDualServer(t: TestContext, entries = {}): Promise<TestServer> {
  const media = await startTestServer({ host: '::' }, entries);
  t.after(media.stop);
  return media;
}

type Open = (t: TestContext, port: number) => { readonly program: Program; hashes(): (string | undefined)[] };

function ffmpeg(transport: 'tcp' | 'udp'): Open {
  return (t, port) => {
    const url = `rtsp://${user}:${encodeURIComponent(password)}@[::1]:${port}/stream1`;
    const program = start(t, 'ffmpeg', readArgs(url, transport));
    return { program, hashes: () => parseFrameMd5(program.output.stdout).map(({ hash }) => hash) };
  };
}

function gstreamer(scheme: string): Open {
  return (t, port) => {
    const program = start(t, 'gst-launch-1.0', [
      '-q',
      ...`rtspsrc location=${scheme}://[::1]:${port}/stream1 latency=100 user-id=${user}`.split(' '),
      `user-pw=${password}`,
      ...'! rtph264depay ! h264parse ! avdec_h264 max-threads=1'.split(' '),
      ...'! videoconvert ! video/x-raw,format=I420 ! checksumsink hash=md5 sync=false'.split(' '),
    ]);
    const lines = () => [...program.output.stdout.matchAll(/^\S+ ([0-9a-f]{32})$/gm)];
    return { program, hashes: () => lines().map((match) => match[1]) };
  };
}

const readers: Record<string, Open> = {
  'ffmpeg over TCP': ffmpeg('tcp'),
  'ffmpeg over UDP': ffmpeg('udp'),
  'GStreamer over UDP': gstreamer('rtspu'),
  'GStreamer over what it prefers': gstreamer('rtsp'),
};

const hasIpv6 = Object.values(networkInterfaces()).some((list) => list?.some(({ address }) => address === '::1'));

describe('RTSP over IPv6', { skip: !hasIpv6 && 'this machine has no IPv6' }, () => {
  for (const [name, open] of Object.entries(readers)) {
    test(`${name} reads every picture`, { timeout }, async (t) => {
      const media = await startDualServer(t);
      const { rtspPort } = media.server.addresses;
      const clip = await makeClip(temporaryFolder(t), 'clip', { seconds: 2 });
      const sent = (await decodePictures(clip)).map(({ hash }) => hash);
      const { program, hashes } = open(t, rtspPort);
      await until('the reader plays', () => media.server.snapshot(0).reader.readers === 1);
      start(t, 'ffmpeg', pushArgs(clip, `${media.rtmp}/stream1`));
      const received = () => hashes().filter((hash) => sent.includes(hash!));
      await until('it has nearly all pictures', () => received().length >= sent.length - 10);
      program.kill('SIGTERM');
      assert.equal((await program.ended).stderr, '');
      assert.deepEqual(received(), sent.slice(0, received().length));
    });
  }

  test('readers of both kinds, over TCP and UDP, get the same pictures from one server', { timeout }, async (t) => {
    const media = await startDualServer(t);
    const options = [
      { host: '::1' },
      { host: '::1', transport: 'udp' },
      { host: '127.0.0.1', transport: 'udp' },
      { host: '127.0.0.1' },
    ] as const;
    const clients = [];
    for (const each of options) clients.push(await media.play('/stream1', each));
    await NumberedStream.start(t, { port: media.server.addresses.rtmpPort, path: '/stream1', bytes: 5000 });
    for (const client of clients) {
      await client.until((r) => receivedNumbers(r).length >= 40 && r.reports.length > 0);
      assert.equal(receivedNumbers(client)[0], 0);
      assert.ok(isRun(receivedNumbers(client)));
    }
  });

  test('receiver reports over UDP are matched, and keep a session alive that nothing else does', {
    timeout,
  }, async (t) => {
    const media = await startDualServer(t, impatient);
    const alive = await media.play('/stream1', { host: '::1', transport: 'udp' });
    const silent = await media.play('/stream2', { host: '::1', transport: 'udp' });
    const deadline = performance.now() + 10_000;
    while (!silent.closed && performance.now() < deadline) {
      alive.sendReceiverReport();
      await delay(100);
    }
    assert.equal(silent.closed, true, 'the silent one goes');
    assert.equal(alive.closed, false);
    await until('its place is free', () => media.server.snapshot(1).reader.readers === 0);
    assert.equal(media.server.snapshot(0).reader.readers, 1);
  });
});
