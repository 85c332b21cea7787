import assert from 'node:assert/strict';
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { createServer } from 'node:net';
import { describe, type TestContext, test } from 'node:test';
import { systemClock } from '../../src/base/clock.ts';
import { TlsMaterialBoard } from '../../src/net/tls-material.ts';
import { OnvifDevices } from '../../src/server/onvif-devices.ts';
import { StreamEvents } from '../../src/server/stream-events.ts';
import { loadText } from '../support/config-text.ts';
import { type Announced, probe, readAnnounced } from '../support/discovery-client.ts';
import { cardVideo, envelope, post } from '../support/onvif-peer.ts';
import { until } from '../support/program.ts';
import { testCamera } from '../support/test-camera.ts';

const silent = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} };

/** A UDP port that is free now. */
async function freePort(): Promise<number> {
  const socket = createSocket('udp4').bind(0);
  await once(socket, 'listening');
  const { port } = socket.address();
  socket.close();
  await once(socket, 'close');
  return port;
}

/** A TCP port that is free now. */
async function freeTcpPort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as { port: number };
  server.close();
  await once(server, 'close');
  return port;
}

/** The devices of a server, whose configuration can be changed. */
async function devicesOf(t: TestContext) {
  const discoveryPort = await freePort();
  const devices = new OnvifDevices({
    credentials: null,
    clock: systemClock,
    logger: silent,
    events: new StreamEvents(),
    tls: new TlsMaterialBoard().memory,
    serverId: 'test',
    version: '9.8.7',
    video: () => cardVideo,
    live: [],
    pipePass: 'pass',
    discoveryPort,
  });
  t.after(() => devices.close());
  const apply = async (flags: Record<string, string | boolean>): Promise<void> => {
    const { config } = loadText('', { host: '127.0.0.1', cameras: '1', 'onvif-port': '0', ...flags });
    (await devices.prepare(config, [])).commit(8554);
  };
  const client = createSocket('udp4').bind(0, '127.0.0.1');
  await once(client, 'listening');
  t.after(() => void client.close());
  const answers: Announced[] = [];
  client.on('message', (bytes) => answers.push(readAnnounced(bytes)));
  const isFound = async (): Promise<void> => {
    const asked = new Set<string>();
    const answer = () => answers.find(({ relatesTo }) => asked.has(relatesTo));
    await until('a device is found', () => {
      const messageId = `urn:uuid:${performance.now()}`;
      asked.add(messageId);
      client.send(probe({ messageId }), discoveryPort, '127.0.0.1');
      return answer() !== undefined;
    });
    assert.equal(answer()!.addresses, `http://127.0.0.1:${devices.open[0]!.port}/onvif/device_service`);
  };
  return { devices, apply, isFound };
}

describe('the devices of a server', { timeout: 30_000 }, () => {
  test('are found where a host name leads to', async (t) => {
    const { apply, isFound } = await devicesOf(t);
    await apply({ discovery: true, host: 'localhost' });
    await isFound();
  });

  test('are found after discovery was turned off and on again', async (t) => {
    const { apply, isFound } = await devicesOf(t);
    await apply({ discovery: true });
    await isFound();
    await apply({ discovery: false });
    await apply({ discovery: true });
    await isFound();
  });

  test('say whether they can be found at this moment', async (t) => {
    const { devices, apply } = await devicesOf(t);
    const said = async () => {
      const { body } = await post(devices.open[0]!.port, envelope('<tds:GetDiscoveryMode/>'));
      return /DiscoveryMode>(\w+)</.exec(body)?.[1];
    };
    await apply({ discovery: false });
    assert.equal(await said(), 'NonDiscoverable');
    await apply({ discovery: true });
    assert.equal(await said(), 'Discoverable');
    await apply({ discovery: false });
    assert.equal(await said(), 'NonDiscoverable');
  });

  test('tell the RTSP port from the moment on at which they are open, before that itself is', async (t) => {
    const { devices } = await devicesOf(t);
    const [onvif, rtsp, moved] = [await freeTcpPort(), '8554', '9554'];
    const prepare = async (flags: Record<string, string>) => {
      const { config } = loadText('', { host: '127.0.0.1', cameras: '1', 'onvif-port': String(onvif), ...flags });
      const change = await devices.prepare(config, [testCamera()]);
      t.after(() => change.abort());
      return change;
    };
    const said = async (port: number) => {
      const request =
        '<tr2:GetStreamUri><tr2:Protocol>RTSP</tr2:Protocol><tr2:ProfileToken>Profile_1</tr2:ProfileToken>';
      const { body } = await post(port, envelope(`${request}</tr2:GetStreamUri>`), { path: '/onvif/media2_service' });
      return /:Uri>([^<]*)</.exec(body)?.[1];
    };
    const first = await prepare({ 'rtsp-port': rtsp });
    assert.equal(await said(onvif), 'rtsp://127.0.0.1:8554/stream1');
    first.commit(8554);
    const other = await freeTcpPort();
    // The system chose the port that is open already.
    const second = await prepare({ 'rtsp-port': '0', 'onvif-port': String(other) });
    assert.equal(await said(other), 'rtsp://127.0.0.1:8554/stream1');
    second.abort();
    const third = await prepare({ 'rtsp-port': moved, 'onvif-port': String(other) });
    assert.equal(await said(other), 'rtsp://127.0.0.1:9554/stream1');
    third.abort();
  });
});
