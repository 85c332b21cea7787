import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { createSecureContext } from 'node:tls';
import { Cam } from 'onvif';
import { makeCertificate } from '../support/certificates.ts';
import { startDevice } from '../support/onvif-device.ts';
import { cardVideo, credentials, liveVideo } from '../support/onvif-peer.ts';

/** Of the camera object of npm onvif, what is used here; its types lag behind. */
interface Camera {
  readonly capabilities: Record<string, Record<string, unknown>>;
  readonly services: readonly { readonly namespace: string; readonly XAddr: string }[];
  readonly profiles: readonly Record<string, unknown>[];
  readonly videoSources: readonly { readonly $: { readonly token: string } }[];
  readonly activeSources: readonly {
    readonly sourceToken: string;
    readonly profileToken: string;
    readonly width?: number;
  }[];
  media2Support: boolean;
}

type Callback = (error: Error | null, value?: unknown) => void;

function connect(port: number, useSecure: boolean, password: string = credentials.password): Promise<Camera> {
  const options = {
    hostname: '127.0.0.1',
    port,
    username: credentials.user,
    password,
    timeout: 10_000,
    useSecure,
    secureOpts: { rejectUnauthorized: false },
  };
  return new Promise((resolve, reject) => {
    const camera: unknown = new Cam(options as never, (error: Error | null) =>
      error ? reject(error) : resolve(camera as Camera),
    );
  });
}

/** Calls a method of the camera object that takes a callback last. */
function ask(camera: Camera, method: string, ...values: unknown[]): Promise<never> {
  const call = (camera as unknown as Record<string, (...all: unknown[]) => void>)[method]!;
  return new Promise((resolve, reject) => {
    const callback: Callback = (error, value) => (error ? reject(error) : resolve(value as never));
    call.call(camera, ...values, callback);
  });
}

for (const secure of [false, true]) {
  test(`a client finds sixteen cameras and their streams over ${secure ? 'HTTPS' : 'HTTP'}`, {
    timeout: 30_000,
  }, async (t) => {
    const folder = mkdtempSync(join(tmpdir(), 'skyweir-onvif-'));
    t.after(() => rmSync(folder, { recursive: true, force: true }));
    const files = makeCertificate(folder, 'device');
    const context = createSecureContext({ cert: readFileSync(files.cert), key: readFileSync(files.key) });
    const { port, lines } = await startDevice(t, {
      secureContext: () => (secure ? context : null),
      rtspPort: 18554,
      video: (camera) => (camera === 2 ? liveVideo : cardVideo),
    });
    const camera = await connect(port, secure);
    const scheme = secure ? 'https' : 'http';
    assert.equal(camera.media2Support, true);
    assert.deepEqual(
      camera.services.map(({ XAddr }) => XAddr),
      ['device_service', 'media_service', 'media2_service'].map(
        (name) => `${scheme}://127.0.0.1:${port}/onvif/${name}`,
      ),
    );
    assert.equal(camera.videoSources.length, 16);
    assert.equal(camera.profiles.length, 16);
    assert.equal(camera.activeSources.length, 16);
    assert.equal(camera.activeSources[2]!.sourceToken, 'VideoSource_3');
    assert.equal(camera.activeSources[2]!.width, 1920);
    const information: Record<string, unknown> = await ask(camera, 'getDeviceInformation');
    assert.equal(information['manufacturer'], 'Skyweir');
    assert.equal(information['firmwareVersion'], '9.8.7');
    const interfaces = JSON.stringify(await ask(camera, 'getNetworkInterfaces'));
    assert.match(interfaces, /"hwAddress":"02:[0-9a-f:]{14}"/);
    assert.doesNotMatch(interfaces, /127\.0\.0\.1/);
    const answer: { networkProtocols: { name: string; port: number }[] } = await ask(camera, 'getNetworkProtocols');
    const protocols = answer.networkProtocols;
    assert.deepEqual(
      protocols.map(({ name, port: number }) => [name, Number(number)]),
      [['HTTP', port], ...(secure ? [['HTTPS', port]] : []), ['RTSP', 18554]],
    );
    for (const method of ['getScopes', 'getHostname', 'getDNS', 'getNTP', 'getNetworkDefaultGateway', 'getUsers'])
      await ask(camera, method);
    const capabilities: Record<string, unknown> = await ask(camera, 'getCapabilities');
    assert.ok(capabilities['media']);
    await ask(camera, 'getServiceCapabilities');
    assert.deepEqual(await ask(camera, 'getStreamUri', { protocol: 'RTSP', profileToken: 'Profile_3' }), {
      uri: 'rtsp://127.0.0.1:18554/stream3',
    });
    camera.media2Support = false;
    for (const protocol of ['UDP', 'RTSP', 'HTTP']) {
      const answer: { uri: string } = await ask(camera, 'getStreamUri', { protocol, profileToken: 'Profile_16' });
      const wanted = protocol === 'HTTP' ? scheme : 'rtsp';
      assert.equal(answer.uri, `${wanted}://127.0.0.1:18554/stream16`);
    }
    const profiles = (await ask(camera, 'getProfiles')) as Record<string, Record<string, unknown>>[];
    assert.equal(profiles.length, 16);
    const encoder = JSON.stringify(profiles[2]!['videoEncoderConfiguration']);
    assert.match(encoder, /"width":1920,"height":1080/);
    assert.match(encoder, /"frameRateLimit":30,"encodingInterval":1,"bitrateLimit":4670/);
    await ask(camera, 'getVideoEncoderConfigurations');
    await ask(camera, 'getVideoEncoderConfigurationOptions', { profileToken: 'Profile_1' });
    await ask(camera, 'getVideoSourceConfigurations');
    await assert.rejects(ask(camera, 'getSnapshotUri', { profileToken: 'Profile_1' }), /not implemented/);
    assert.deepEqual(
      lines.filter(({ level }) => level === 'error'),
      [],
    );
  });
}

test('a client with a wrong password is turned away', { timeout: 30_000 }, async (t) => {
  const { port, counters } = await startDevice(t);
  await assert.rejects(connect(port, false, 'wrong'));
  assert.ok(counters.authFailures > 0);
});
