import assert from 'node:assert/strict';
import { setTimeout as delay } from 'node:timers/promises';
import { probe } from '../../support/discovery-client.ts';
import { testCredentials } from '../../support/media-server.ts';
import { type HttpResult, post } from '../../support/onvif-peer.ts';
import { until } from '../../support/program.ts';
import { RtmpClient } from '../../support/rtmp-client.ts';
import { RtspClient } from '../../support/rtsp-client.ts';
import { Prober } from './discovery-rows.ts';
import { askOperator, httpFigures } from './http-operator.ts';
import { statuses } from './http-talk.ts';
import { getProfiles, pullMessages, signed, subscribe, unsubscribe } from './onvif-talk.ts';
import type { Row, Scene, StatusEnd } from './row.ts';

/** Connections that an address may have, as the servers are told. */
const perAddress = 4;
/** S0, S1 and S2. */
const handshakeBytes = 1 + 2 * 1536;
/** Milliseconds within which all is free again; some limits look back, and some wrong logins have to wait. */
const recoveryMs = 60_000;
/** Lines that one port may make of one row: five of each kind, of which a row causes three at most, in ten seconds. */
const mostLines = 30;
/** The HTTP port looks back for 50 ms only, so that rows that follow each other have lines of their own. */
const mostHttpLines = 200;
const longestLine = 2048;
const tls = { rejectUnauthorized: false };

/**
 * Every connection to an ONVIF or HTTP port came to the end that the row names, and the log says why in few short lines. When a row plays
 * again (not `first`), the log may have had enough of it.
 */
export async function statusEndings(scene: Scene, row: Row, firstLine: number, first: boolean): Promise<void> {
  const ends = row.ends as StatusEnd;
  const lines = () =>
    scene.server.lines
      .slice(firstLine)
      .filter(
        ({ address, level }) =>
          level !== 'debug' && address?.split('.').slice(2).join('.') === scene.address.split('.').slice(2).join('.'),
      );
  if (ends.reason !== null && first) {
    await until(`the log says "${ends.reason}": ${lines().map(({ raw }) => raw)}`, () =>
      lines().some(({ reason, msg }) => (reason ?? msg).startsWith(ends.reason!)),
    );
  }
  let isClosed = 0;
  for (const peer of scene.peers) {
    // Requests that take too long end one by one: the line in the log may be that of another one.
    if (ends.closed && ends.reason !== 'too many connections') await peer.end();
    const last = statuses(peer).at(-1) ?? null;
    if (ends.status !== null)
      assert.ok([ends.status].flat().includes(last), `${last} after ${peer.received.slice(-500)}`);
    if (peer.closed) isClosed++;
  }
  if (ends.closed === false) assert.equal(isClosed, 0, `${isClosed} connections are closed`);
  if (ends.closed) assert.ok(isClosed > 0);
  for (const peer of scene.peers) peer.socket.destroy();
  if (ends.reason === null)
    assert.deepEqual(
      lines().map(({ raw }) => raw),
      [],
    );
  const most = row.protocol.startsWith('HTTP') ? mostHttpLines : mostLines;
  assert.ok(lines().length <= most, `${lines().length} lines`);
  for (const { raw } of lines()) assert.ok(raw.length <= longestLine, `${raw.length} characters: ${raw.slice(0, 200)}`);
}

/** The address, the camera and the protocol are free again. */
export function serves(scene: Scene, row: Row): Promise<void> {
  if (row.protocol.startsWith('ONVIF')) return servesOnvif(scene, row);
  if (row.protocol === 'WS-Discovery') return servesDiscovery(scene);
  if (row.protocol.startsWith('HTTP')) return servesHttp(scene, row);
  if (row.protocol.startsWith('RTMP')) return servesPublishers(scene, row);
  return servesReaders(scene, row);
}

async function servesReaders(scene: Scene, row: Row): Promise<void> {
  const { ports } = scene.server;
  const port = row.gate ? scene.gate.rtsp : row.protocol === 'RTSPS' ? ports.secureRtsp : ports.rtsp;
  const host = row.protocol.endsWith('IPv6') ? '::1' : '127.0.0.1';
  const reader = await RtspClient.play({ port, host, path: scene.path, credentials: testCredentials });
  await reader.until(({ units }) => units.length > 0);
  reader.close();
}

async function servesPublishers(scene: Scene, row: Row): Promise<void> {
  const { ports } = scene.server;
  const secure = row.protocol === 'RTMPS';
  const options = {
    port: row.gate ? scene.gate.rtmp : secure ? ports.rtmps : ports.rtmp,
    path: scene.path,
    localAddress: row.protocol.endsWith('IPv6') ? '::1' : scene.address,
    ...(secure && { tls }),
  };
  // As many as an address may have: one that was not counted down would leave no room for the last.
  const endMs = performance.now() + recoveryMs;
  for (;;) {
    const clients = await Promise.all(
      Array.from({ length: perAddress }, () => RtmpClient.connect(options).catch(() => null)),
    );
    const accepted = await Promise.all(clients.map((client) => client?.accepted ?? false));
    // All had their handshake: one has the path now, and the others were told that it is busy.
    const greeted = clients.filter((client) => client !== null && client.socket.bytesRead >= handshakeBytes);
    for (const client of clients) client?.destroy();
    const isOne = row.gate ? accepted.some(Boolean) : accepted.filter(Boolean).length === 1;
    if (isOne && greeted.length === perAddress) return;
    assert.ok(performance.now() < endMs, `${scene.path} can be published again from ${scene.address}`);
    // Longer than what the rate limit looks back at, and than refused peers get to leave.
    await delay(1500);
  }
}

/** Asks until the answer is good; throws when it is not in good time. */
async function again<T>(what: string, one: () => Promise<T>, isGood: (answer: T) => boolean): Promise<T> {
  const endMs = performance.now() + recoveryMs;
  for (;;) {
    const answer = await one().catch((error: Error) => error);
    if (!(answer instanceof Error) && isGood(answer)) return answer;
    assert.ok(performance.now() < endMs, `${what}: ${JSON.stringify(answer)}`);
    await delay(300);
  }
}

/** Somebody who is logged in is answered, and a pull point tells that a camera is published to. */
async function servesOnvif(scene: Scene, row: Row): Promise<void> {
  const secure = row.protocol === 'ONVIF over HTTPS';
  const { port, path } = secure ? scene.secureOnvif : { port: scene.onvifPort, path: scene.path };
  const ask = (body: string, at?: string): Promise<HttpResult> =>
    post(port, signed(body), { from: scene.address, secure, ...(at !== undefined && { path: at }) });
  await again(
    'GetProfiles',
    () => ask(getProfiles),
    ({ body }) => body.includes('<trt:Profiles '),
  );
  const pullPoint = await again(
    'a pull point',
    () => subscribe((body) => ask(body), 60),
    ({ status }) => status === 200,
  );
  assert.match((await ask(pullMessages(0), pullPoint.path)).body, /PropertyOperation="Initialized"/);
  const options = { port: secure ? scene.server.ports.rtmps : scene.gate.rtmp, path, localAddress: scene.address };
  const publisher = await RtmpClient.publish({ ...options, ...(secure && { tls }) });
  const changed = await ask(pullMessages(10), pullPoint.path);
  publisher.destroy();
  assert.match(changed.body, /PropertyOperation="Changed"[\s\S]*Value="true"/);
  assert.equal((await ask(unsubscribe, pullPoint.path)).status, 200);
}

/** Somebody who is logged in is answered, and when nothing else plays, nobody but that one is connected. */
async function servesHttp(scene: Scene, row: Row): Promise<void> {
  const secure = row.protocol === 'HTTP over TLS';
  const options = { from: scene.address, secure };
  await again(
    '/healthz',
    () => askOperator(scene, '/healthz', options),
    ({ status }) => status === 200,
  );
  await again(
    '/metrics',
    async () => httpFigures(scene, options),
    ({ connections, eventClients, previews }) => !row.alone || connections + eventClients + previews === 1,
  );
}

/** A client that asks now and then finds the devices, from the row's address too. */
async function servesDiscovery(scene: Scene): Promise<void> {
  const prober = await Prober.open(scene);
  const endMs = performance.now() + recoveryMs;
  for (let i = 0; prober.datagrams === 0; i++) {
    assert.ok(performance.now() < endMs, 'a probe is answered');
    await prober.send(probe({ messageId: `urn:uuid:again-${scene.index}-${i}` }));
    await delay(700);
  }
  prober.close();
  assert.ok(prober.longest < 4096);
}
