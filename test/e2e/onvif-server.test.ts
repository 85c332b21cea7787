import assert from 'node:assert/strict';
import { once } from 'node:events';
import { statSync } from 'node:fs';
import { join } from 'node:path';
import { describe, type TestContext, test } from 'node:test';
import { namespaces } from '../../src/onvif/namespaces.ts';
import { parseXml } from '../../src/onvif/xml.ts';
import { makeCertificate } from '../support/certificates.ts';
import { startCliServer } from '../support/cli-server.ts';
import { makeClip, temporaryFolder } from '../support/media.ts';
import { startTestServer, type TestServer, testCredentials } from '../support/media-server.ts';
import { isRun, NumberedStream, receivedNumbers } from '../support/numbered-stream.ts';
import { OnvifClient, type ReadProfile } from '../support/onvif-client.ts';
import { envelope, post, securityXml } from '../support/onvif-peer.ts';
import { start, until } from '../support/program.ts';
import { RtspClient } from '../support/rtsp-client.ts';

const timeout = 60_000;
const credentials = testCredentials;
const topic = 'tns1:VideoSource/skyweir:RtmpPublishing';
const slots = Array.from({ length: 16 }, (_, index) => index + 1);

interface Device {
  readonly media: TestServer;
  readonly port: number;
  readonly client: OnvifClient;
}

/** A server of sixteen cameras, and a client of its one ONVIF device. */
async function startDevice(
  t: TestContext,
  flags: Record<string, string | boolean> = {},
  secure = false,
): Promise<Device> {
  const media = await startTestServer(flags);
  t.after(media.stop);
  const { port } = media.server.addresses.onvif[0]!;
  return { media, port, client: await OnvifClient.connect({ port, credentials, secure }) };
}

/** Flags of a certificate, which the ONVIF port takes HTTPS with. */
function tlsFlags(t: TestContext): Record<string, string | boolean> {
  const { cert, key } = makeCertificate(temporaryFolder(t), 'device');
  return { tls: true, 'tls-cert': cert, 'tls-key': key };
}

/** Reads some pictures of an RTSP URI, and ends. */
async function playUri(uri: URL, transport: 'tcp' | 'udp', pictures = 1): Promise<void> {
  const reader = await RtspClient.play({ port: Number(uri.port), path: uri.pathname, transport, credentials });
  try {
    await reader.until(({ units }) => units.length >= pictures);
  } finally {
    reader.close();
  }
}

/** Has ffmpeg decode pictures through a tunnel of RTSP over HTTP or HTTPS; returns their size as it says it. */
async function playTunnel(t: TestContext, uri: URL, pictures = 2): Promise<string> {
  const { user, password } = credentials;
  const url = `rtsp://${user}:${encodeURIComponent(password)}@${uri.host}${uri.pathname}`;
  // It would look at seconds of the card, which has one picture a second, to find its rate.
  const input = ['-analyzeduration', '100000', '-rtsp_transport', uri.protocol.replace(':', ''), '-i', url];
  const output = ['-map', '0:v', '-frames:v', String(pictures), '-f', 'null', '-'];
  const { code, stderr } = await start(t, 'ffmpeg', ['-hide_banner', ...input, ...output]).ended;
  assert.equal(code, 0, stderr);
  return /Video: h264.*?, (\d+x\d+)/.exec(stderr)?.[1] ?? stderr;
}

/** What a profile says of its picture. */
function shown({ videoEncoderConfiguration: encoder }: ReadProfile): Record<string, number> {
  const { width, height } = encoder.resolution;
  const { frameRateLimit: fps, bitrateLimit: kbps } = encoder.rateControl;
  return { width, height, fps: Number(fps), kbps: Number(kbps), gop: Number(encoder.H264.govLength) };
}

describe('a client of the whole server', () => {
  test('finds sixteen cameras while nobody publishes, with tokens that belong together', { timeout }, async (t) => {
    const { client } = await startDevice(t);
    const sources = await client.videoSources();
    assert.deepEqual(
      sources.map(({ $: { token } }) => token),
      slots.map((slot) => `VideoSource_${slot}`),
    );
    const profiles = await client.profiles();
    assert.deepEqual(
      profiles.map(({ $: { token }, name, videoSourceConfiguration }) => [
        token,
        name,
        videoSourceConfiguration.sourceToken,
      ]),
      slots.map((slot) => [`Profile_${slot}`, `Stream ${slot}`, `VideoSource_${slot}`]),
    );
    for (const profile of profiles)
      assert.deepEqual(shown(profile), { width: 1280, height: 720, fps: 1, kbps: 64, gop: 10 });
    assert.equal(client.activeSources.length, 16);
  });

  test('plays every stream by the address that it is given, over TCP and UDP', { timeout }, async (t) => {
    const { client, media } = await startDevice(t);
    const port = media.server.addresses.rtmpPort;
    await NumberedStream.start(t, { port, path: '/stream2' });
    for (const [protocol, transport] of [
      ['RTSP', 'tcp'],
      ['UDP', 'udp'],
    ] as const) {
      const uris = await Promise.all(slots.map((slot) => client.streamUri(`Profile_${slot}`, protocol)));
      assert.equal(new Set(uris.map(String)).size, 16);
      for (const { protocol: scheme } of uris) assert.equal(scheme, 'rtsp:');
      await Promise.all(uris.map((uri, index) => playUri(uri, transport, index === 1 ? 20 : 1)));
    }
  });

  test('plays through a tunnel of HTTP on the RTSP port that it is given, and on the ONVIF port', {
    timeout,
  }, async (t) => {
    const { client, media, port } = await startDevice(t);
    const { rtmpPort, rtspPort } = media.server.addresses;
    const clip = await makeClip(temporaryFolder(t), 'clip', { seconds: 2, size: '640x360' });
    const loop = ['-v', 'error', '-re', '-stream_loop', '-1', '-i', clip, '-c', 'copy', '-f', 'flv'];
    start(t, 'ffmpeg', [...loop, `rtmp://127.0.0.1:${rtmpPort}/stream16`]);
    await once(media.server.events, 'started');
    const uris = await Promise.all([1, 16].map((slot) => client.streamUri(`Profile_${slot}`, 'HTTP')));
    for (const uri of uris) assert.equal(`${uri.protocol} ${uri.port}`, `http: ${rtspPort}`);
    const there = uris.map((uri) => Object.assign(new URL(uri), { port: String(port) }));
    const sizes = await Promise.all([...uris, ...there].map((uri, i) => playTunnel(t, uri, i % 2 === 0 ? 1 : 50)));
    assert.deepEqual(sizes, ['1280x720', '640x360', '1280x720', '640x360']);
  });

  test('sees size, rate and keyframes of what is published, and the card again after it', { timeout }, async (t) => {
    const { client, media } = await startDevice(t);
    const seconds = 4;
    const clip = await makeClip(temporaryFolder(t), 'clip', { seconds, size: '640x360', fps: 25 });
    const clipKbps = (statSync(clip).size * 8) / 1000 / seconds;
    const input = ['-v', 'error', '-re', '-stream_loop', '-1', '-i', clip];
    const publisher = start(t, 'ffmpeg', [...input, '-c', 'copy', '-f', 'flv', `${media.rtmp}/stream3`]);
    const third = async () => shown((await client.profiles())[2]!);
    // Size at once; the rates over some seconds.
    await once(media.server.events, 'started');
    let seen = await third();
    while (seen['width'] !== 640) seen = await third();
    assert.equal(seen['height'], 360);
    const frames = () => media.server.snapshot(2).publisher.frames;
    await until('some seconds are published', () => frames() >= 25 * 5 + 1);
    seen = await third();
    assert.ok(Math.abs(seen['fps']! - 25) <= 1, `${seen['fps']} frames per second`);
    assert.ok(Math.abs(seen['gop']! - 25) <= 4, `a keyframe each ${seen['gop']} frames`);
    assert.ok(Math.abs(seen['kbps']! / clipKbps - 1) < 0.3, `${seen['kbps']} kbit/s of ${clipKbps}`);
    const source = (await client.videoSources())[2]!;
    assert.deepEqual([source.resolution.width, source.resolution.height], [640, 360]);
    assert.ok(Math.abs(Number(source.framerate) - 25) <= 1);
    assert.equal((await client.profiles())[3]!.videoEncoderConfiguration.resolution.width, 1280, 'no other camera');
    assert.equal(await playTunnel(t, await client.streamUri('Profile_3', 'HTTP')), '640x360');

    publisher.kill('SIGINT');
    await once(media.server.events, 'stopped');
    assert.deepEqual(await third(), { width: 1280, height: 720, fps: 1, kbps: 64, gop: 10 });
  });

  test('hears of each camera at first, then of a drone that starts and stops, in one pull', { timeout }, async (t) => {
    const { client, media } = await startDevice(t);
    const port = media.server.addresses.rtmpPort;
    const first = await NumberedStream.start(t, { port, path: '/stream2' });
    await client.subscribe();
    assert.deepEqual(
      await client.pull(),
      slots.map((slot) => ({
        operation: 'Initialized',
        topic,
        source: `VideoSource_${slot}`,
        state: slot === 2,
      })),
    );
    const drone = await NumberedStream.start(t, { port, path: '/stream5' });
    const stopped = once(media.server.events, 'stopped');
    drone.client.stop();
    await stopped;
    const changed = { operation: 'Changed', topic, source: 'VideoSource_5' };
    assert.deepEqual(await client.pull(), [
      { ...changed, state: true },
      { ...changed, state: false },
    ]);
    // A pull that waits is answered by the change.
    const pull = client.pull();
    first.client.destroy();
    assert.deepEqual(await pull, [{ operation: 'Changed', topic, source: 'VideoSource_2', state: false }]);
    await client.unsubscribe();
    await assert.rejects(client.pull(), /create pull-point subscription first/);
  });

  test('hears of all cameras whose drones come and go between two pulls', { timeout }, async (t) => {
    const { client, media } = await startDevice(t);
    const port = media.server.addresses.rtmpPort;
    await client.subscribe();
    await client.pull();
    let stops = 0;
    media.server.events.on('stopped', () => {
      stops++;
    });
    const drones = await Promise.all(slots.map((slot) => NumberedStream.start(t, { port, path: `/stream${slot}` })));
    for (const drone of drones) drone.client.stop();
    await until('all have stopped', () => stops === 16);
    const events = await client.pull();
    for (const slot of slots) {
      const own = events.filter(({ source }) => source === `VideoSource_${slot}`);
      assert.deepEqual(
        own.map(({ operation, state }) => [operation, state]),
        [
          ['Changed', true],
          ['Changed', false],
        ],
      );
    }
  });

  test('is told that there is no snapshot, and turned away with a wrong password', { timeout }, async (t) => {
    const { client, media, port } = await startDevice(t);
    await assert.rejects(client.ask('getSnapshotUri', { profileToken: 'Profile_1' }), /not implemented/);
    const capabilities = JSON.stringify(await client.ask('getServiceCapabilities'));
    assert.doesNotMatch(capabilities, /"snapshotUri":true/);
    await assert.rejects(OnvifClient.connect({ port, credentials: { ...credentials, password: 'wrong' } }));
    await until('it is logged', () => media.log.some(({ msg }) => /an ONVIF login failed/.test(String(msg))));
    assert.doesNotMatch(JSON.stringify(media.log), new RegExp(credentials.password));
  });

  test('sees a new name in its next question, and readers go on', { timeout }, async (t) => {
    const { client, media } = await startDevice(t);
    const port = media.server.addresses.rtmpPort;
    await NumberedStream.start(t, { port, path: '/stream4' });
    const reader = await media.play('/stream4');
    await reader.until((r) => receivedNumbers(r).length >= 10);
    await client.subscribe();
    await client.pull();
    const { config } = media.server;
    const cameraList = config.cameraList.map((camera, index) =>
      index === 3 ? { ...camera, name: 'Harbour <North> & "Crane"' } : camera,
    );
    await media.server.apply({ ...config, cameraList });
    const names = (await client.profiles()).map(({ name }) => name);
    assert.equal(names[3], 'Harbour <North> & "Crane"');
    assert.equal(names[4], 'Stream 5');
    const count = receivedNumbers(reader).length;
    await reader.until((r) => receivedNumbers(r).length >= count + 20);
    assert.ok(isRun(receivedNumbers(reader)));
    // The subscription lives on as well, and a name is no event.
    const pull = client.pull();
    await NumberedStream.start(t, { port, path: '/stream5' });
    assert.deepEqual(await pull, [{ operation: 'Changed', topic, source: 'VideoSource_5', state: true }]);
  });
});

describe('with a certificate', () => {
  test('the ONVIF port takes HTTP and HTTPS alike, and each is told addresses of its own kind', {
    timeout,
  }, async (t) => {
    const { client, media, port } = await startDevice(t, tlsFlags(t), true);
    const plain = await OnvifClient.connect({ port, credentials });
    assert.deepEqual(await client.identity(), await plain.identity());
    const { rtspPort, rtmpPort } = media.server.addresses;
    const secureUri = await client.streamUri('Profile_1', 'HTTP');
    assert.equal(String(secureUri), `https://127.0.0.1:${rtspPort}/stream1`);
    assert.equal(String(await plain.streamUri('Profile_1', 'HTTP')), `http://127.0.0.1:${rtspPort}/stream1`);
    const ways = ['http', 'https'].flatMap((scheme) => [
      `${scheme}://127.0.0.1:${rtspPort}`,
      `${scheme}://127.0.0.1:${port}`,
    ]);
    const sizes = await Promise.all(ways.map((way) => playTunnel(t, new URL(`${way}/stream1`))));
    assert.deepEqual(sizes, Array(4).fill('1280x720'));
    // Events come over HTTPS as well, by the address that the subscription was given.
    await client.subscribe();
    assert.equal((await client.pull()).length, 16);
    const pull = client.pull();
    await NumberedStream.start(t, { port: rtmpPort, path: '/stream9', tls: { rejectUnauthorized: false } });
    assert.deepEqual(await pull, [{ operation: 'Changed', topic, source: 'VideoSource_9', state: true }]);
  });
});

/** Identities of the devices at these ports, each with what only the raw answers hold. */
async function identitiesOf(ports: readonly number[]): Promise<{ mac: string; serial: string; uuid: string }[]> {
  return Promise.all(
    ports.map(async (port) => {
      const client = await OnvifClient.connect({ port, credentials });
      const { user, password } = credentials;
      const { body } = await post(
        port,
        envelope('<tds:GetEndpointReference/>', securityXml({ user, password, createdMs: Date.now() })),
      );
      assert.equal(parseXml(body).name, 'Envelope');
      assert.ok(body.includes(namespaces.tds));
      return { ...(await client.identity()), uuid: /urn:uuid:([0-9a-f-]{36})/.exec(body)![1]! };
    }),
  );
}

describe('twenty cameras', () => {
  test('are two devices with ports and identities of their own, of sixteen cameras and of four', {
    timeout,
  }, async (t) => {
    const { media, client } = await startDevice(t, { cameras: '20' });
    const { onvif, rtmpPort } = media.server.addresses;
    assert.equal(onvif.length, 2);
    assert.notEqual(onvif[0]!.port, onvif[1]!.port);
    const second = await OnvifClient.connect({ port: onvif[1]!.port, credentials });
    assert.equal((await client.profiles()).length, 16);
    assert.deepEqual(
      (await second.profiles()).map(({ $: { token }, name }) => [token, name]),
      [17, 18, 19, 20].map((slot) => [`Profile_${slot - 16}`, `Stream ${slot}`]),
    );
    const uri = await second.streamUri('Profile_4', 'RTSP');
    assert.equal(uri.pathname, '/stream20');
    await playUri(uri, 'tcp');
    // An event is told by the device of its camera alone.
    for (const one of [client, second]) {
      await one.subscribe();
      await one.pull();
    }
    const pull = second.pull();
    const other = client.pull();
    await NumberedStream.start(t, { port: rtmpPort, path: '/stream18' });
    assert.deepEqual(await pull, [{ operation: 'Changed', topic, source: 'VideoSource_2', state: true }]);
    await NumberedStream.start(t, { port: rtmpPort, path: '/stream1' });
    assert.deepEqual(await other, [{ operation: 'Changed', topic, source: 'VideoSource_1', state: true }]);
  });

  test('are the same two devices after a restart with the same state folder, and others with another', {
    timeout,
  }, async (t) => {
    const stateDir = join(temporaryFolder(t), 'state');
    const run = async (folder: string) => {
      const { program, lines } = await startCliServer(t, ['--cameras', '20', '--state-dir', folder]);
      const ports = lines().find(({ msg }) => msg === 'Skyweir is ready')!['onvifPorts'] as number[];
      const identities = await identitiesOf(ports);
      program.kill('SIGTERM');
      await program.ended;
      return identities;
    };
    const first = await run(stateDir);
    assert.deepEqual(await run(stateDir), first);
    const other = await run(join(temporaryFolder(t), 'state'));
    for (const key of ['mac', 'serial', 'uuid'] as const)
      assert.equal(new Set([...first, ...other].map((identity) => identity[key])).size, 4, `${key} are distinct`);
  });
});
