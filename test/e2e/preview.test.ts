import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync, writeFileSync } from 'node:fs';
import type { IncomingMessage } from 'node:http';
import { connect } from 'node:net';
import { join } from 'node:path';
import { describe, type TestContext, test } from 'node:test';
import { promisify } from 'node:util';
import { type ClientOptions, WebSocket } from 'ws';
import { limits } from '../../src/base/limits.ts';
import { breakWorkers } from '../support/breaking.ts';
import { makeCertificate } from '../support/certificates.ts';
import { decodePictures, makeClip, pushArgs, temporaryFolder } from '../support/media.ts';
import { startTestServer, type TestServer, testCredentials } from '../support/media-server.ts';
import { parseMetrics } from '../support/metrics-parser.ts';
import { type Mp4Sample, readSamples } from '../support/mp4-reader.ts';
import { NumberedStream, pictureNumber } from '../support/numbered-stream.ts';
import { PreviewClient } from '../support/preview-client.ts';
import { type Program, start, until } from '../support/program.ts';
import { talk } from '../support/raw-socket.ts';

const run = promisify(execFile);
const timeout = 60_000;
const basic = (name: string, secret: string) => ({
  Authorization: `Basic ${Buffer.from(`${name}:${secret}`).toString('base64')}`,
});
const login = basic(testCredentials.user, testCredentials.password);

async function open(t: TestContext, ...rest: Parameters<typeof startTestServer>): Promise<TestServer> {
  const media = await startTestServer(...rest);
  t.after(media.stop);
  return media;
}

function httpPort(media: TestServer): number {
  return media.server.addresses.httpPort!;
}

async function metric(media: TestServer, name: string): Promise<number> {
  const response = await fetch(`http://127.0.0.1:${httpPort(media)}/metrics`, { headers: login });
  assert.equal(response.status, 200);
  return parseMetrics(await response.text()).values.get(name)!;
}

function untilMetric(media: TestServer, name: string, value: number): Promise<void> {
  return until(`${name} is ${value}`, async () => (await metric(media, name)) === value);
}

/** Publishes a file over and over, in real time. */
function publish(t: TestContext, media: TestServer, file: string, path = '/stream1'): Program {
  return start(t, 'ffmpeg', ['-stream_loop', '-1', ...pushArgs(file, media.rtmp + path)]);
}

/** The status and body that a request for a WebSocket is answered with. */
async function refusal(url: string, options: ClientOptions): Promise<[status: number, response: IncomingMessage]> {
  const socket = new WebSocket(url, options);
  socket.on('error', () => {});
  const [, response] = (await once(socket, 'unexpected-response')) as [unknown, IncomingMessage];
  response.resume();
  return [response.statusCode!, response];
}

function previewUrl(media: TestServer, camera = 0): string {
  return `ws://127.0.0.1:${httpPort(media)}/api/v1/streams/${camera}/preview`;
}

describe('the live picture of a camera', () => {
  test('is what was published: decodes without a word of complaint, frame for frame, in order', {
    timeout,
  }, async (t) => {
    const folder = temporaryFolder(t);
    const clip = await makeClip(folder, 'plain', { seconds: 4 });
    const media = await open(t);
    const client = await PreviewClient.open(t, httpPort(media), 0);
    publish(t, media, clip);
    await until('the stream is shown', () => client.states.includes(true));
    await client.more(15);
    assert.deepEqual(client.faults, []);
    assert.deepEqual(client.states, [false, true]);
    const { codec } = client.parts.at(-1)!;
    assert.deepEqual([codec.width, codec.height], [320, 180]);
    assert.match(codec.mime!, /^video\/mp4; codecs="avc1\.[0-9a-f]{6}"$/);

    const file = join(folder, 'preview.mp4');
    writeFileSync(file, client.file());
    const { stdout, stderr } = await run('ffprobe', [
      '-v',
      'warning',
      '-show_entries',
      'stream=codec_tag_string,width',
      '-of',
      'csv=p=0',
      file,
    ]);
    assert.deepEqual([stdout.trim(), stderr], ['avc1,320', '']);
    const shown = await decodePictures(file);
    const published = (await decodePictures(clip)).map(({ hash }) => hash);
    assert.ok(shown.length > 30);
    const first = published.indexOf(shown[0]!.hash);
    assert.equal(first % 25, 0);
    for (const [i, { hash, ms }] of shown.slice(0, published.length - first).entries()) {
      assert.equal(hash, published[first + i]);
      assert.ok(Math.abs(ms - i * 40) <= 1, `picture ${i} at ${ms} ms`);
    }
  });

  test('keeps B-frames in order', { timeout }, async (t) => {
    const folder = temporaryFolder(t);
    const extra = ['-bf', '3', '-x264-params', 'b-adapt=0:scenecut=0'];
    const clip = await makeClip(folder, 'b', { seconds: 4, extra });
    const media = await open(t);
    const client = await PreviewClient.open(t, httpPort(media), 0);
    publish(t, media, clip);
    await until('the stream is shown', () => client.states.includes(true));
    await client.more(20);
    const part = client.parts.at(-1)!;
    const samples = readSamples(Buffer.concat(part.fragments));
    const offsets = new Set(samples.map(({ compositionMs }) => compositionMs));
    assert.ok(Math.min(...offsets) < 0 && Math.max(...offsets) > 0);
    assert.equal(samples[0]!.decodeMs + samples[0]!.compositionMs, 0);

    const file = join(folder, 'preview.mp4');
    writeFileSync(file, client.file(part));
    const shown = await decodePictures(file);
    const published = (await decodePictures(clip)).map(({ hash }) => hash);
    const first = published.indexOf(shown[0]!.hash);
    // What came last may be decoded before a picture that has not come.
    const sure = Math.min(shown.length - 4, published.length - first);
    assert.ok(sure > 20);
    for (let i = 0; i < sure; i++) assert.equal(shown[i]!.hash, published[first + i], `picture ${i}`);
    for (let i = 1; i < shown.length; i++) assert.ok(shown[i]!.ms > shown[i - 1]!.ms);
  });

  test('begins with the card, and goes back to it, each as a stream of its own', { timeout }, async (t) => {
    const folder = temporaryFolder(t);
    const clip = await makeClip(folder, 'plain', { seconds: 2 });
    const media = await open(t);
    const client = await PreviewClient.open(t, httpPort(media), 0);
    await client.more(2);
    assert.deepEqual([client.states, client.heights], [[false], [720]]);
    const publisher = publish(t, media, clip);
    await until('the stream is shown', () => client.states.length === 2);
    await client.more(3);
    publisher.kill('SIGINT');
    await until('the card is shown', () => client.parts.length === 3);
    await client.more(2);
    assert.deepEqual(client.states, [false, true, false]);
    assert.deepEqual(client.heights, [720, 180, 720]);
    assert.deepEqual(client.faults, []);
    for (const [i, part] of client.parts.entries()) {
      assert.equal(readSamples(part.fragments[0]!)[0]!.decodeMs, 0);
      const file = join(folder, `${i}.mp4`);
      writeFileSync(file, client.file(part));
      assert.ok((await decodePictures(file)).length > 0);
    }
  });

  test('changes with the resolution of a stream that restarts', { timeout }, async (t) => {
    const folder = temporaryFolder(t);
    const [small, large] = await Promise.all([
      makeClip(folder, 'small', { seconds: 2 }),
      makeClip(folder, 'large', { seconds: 2, size: '640x360' }),
    ]);
    const media = await open(t);
    const client = await PreviewClient.open(t, httpPort(media), 0);
    const first = publish(t, media, small!);
    await until('the stream is shown', () => client.heights.includes(180));
    await client.more(3);
    first.kill();
    await until('the path is free', () => media.server.connections === 0);
    publish(t, media, large!);
    await until('the other stream is shown', () => client.heights.includes(360));
    await client.more(5);
    assert.equal(client.states.at(-1), true);
    assert.deepEqual(client.faults, []);
    const file = join(folder, 'large.mp4');
    writeFileSync(file, client.file());
    assert.ok((await decodePictures(file)).length > 5);
  });

  test('tells the time of its newest frame, from which its age follows', { timeout }, async (t) => {
    const media = await open(t, { 'gop-cache': true });
    await NumberedStream.start(t, { port: media.server.addresses.rtmpPort, path: '/stream1' });
    const client = await PreviewClient.open(t, httpPort(media), 0);
    const clocks = () => client.texts.filter(({ type }) => type === 'clock');
    await until('the time was told', () => clocks().length >= 3);
    for (const { mediaMs, arrivalWallMs, nowWallMs } of clocks()) {
      assert.ok(Number.isInteger(mediaMs) && mediaMs! >= 0);
      assert.ok(arrivalWallMs! <= nowWallMs!);
    }
    const decoded = new Set(
      client.parts.flatMap(({ fragments }) => fragments.flatMap(readSamples)).map(({ decodeMs }) => decodeMs),
    );
    for (const { mediaMs } of clocks()) assert.ok(decoded.has(mediaMs!), `${mediaMs} ms`);
  });

  test('does not count as a reader, and changes nothing for one', { timeout }, async (t) => {
    const media = await open(t, { 'gop-cache': true });
    const stream = await NumberedStream.start(t, { port: media.server.addresses.rtmpPort, path: '/stream1' });
    const client = await PreviewClient.open(t, httpPort(media), 0);
    await client.more(3);
    assert.equal(media.server.snapshot(0).reader.readers, 0);
    assert.equal(media.server.snapshot(0).reader.frames, 0);
    await untilMetric(media, 'skyweir_http_previews', 1);
    const reader = await media.play('/stream1');
    assert.equal(media.server.snapshot(0).reader.readers, 1);
    await client.more(10);
    client.socket.close();
    await untilMetric(media, 'skyweir_http_previews', 0);
    stream.pause();
    await until('the reader has all', () => media.server.snapshot(0).reader.frames >= reader.units.length);
    const { readers, overflow } = media.server.snapshot(0).reader;
    assert.deepEqual([readers, overflow], [1, 0]);
  });
});

describe('a viewer', () => {
  test('needs the same login as for everything else, and a page of the same site', { timeout }, async (t) => {
    const media = await open(t);
    const url = previewUrl(media);
    const [status, { headers }] = await refusal(url, {});
    assert.equal(status, 401);
    assert.match(String(headers['www-authenticate']), /Basic/);
    assert.equal((await refusal(url, { headers: basic('operator', 'wrong') }))[0], 401);
    assert.equal((await refusal(url, { headers: { ...login, Origin: 'https://other.example' } }))[0], 403);
    assert.equal((await refusal(url, { headers: { ...login, 'Sec-Fetch-Site': 'cross-site' } }))[0], 403);
    const origin = `http://127.0.0.1:${httpPort(media)}`;
    const client = await PreviewClient.open(t, httpPort(media), 0, { headers: { ...login, Origin: origin } });
    await client.more(1);
    await untilMetric(media, 'skyweir_http_previews', 1);
    assert.equal(await metric(media, 'skyweir_http_answers_total{status="101"}'), 1);
  });

  test('may log in as the page does, and is shown nothing more when that login has ended', { timeout }, async (t) => {
    const media = await open(t);
    const base = `http://127.0.0.1:${httpPort(media)}/api/v1`;
    const { user, password } = testCredentials;
    const answer = await fetch(`${base}/login`, {
      method: 'POST',
      headers: { 'Content-Type': 'application/json' },
      body: JSON.stringify({ user, password }),
    });
    assert.equal(answer.status, 204);
    const cookie = { Cookie: answer.headers.get('set-cookie')!.split(';', 1)[0]! };
    const client = await PreviewClient.open(t, httpPort(media), 0, { headers: cookie });
    await client.more(1);
    assert.equal((await fetch(`${base}/logout`, { method: 'POST', headers: cookie })).status, 204);
    assert.deepEqual(await client.end(), { code: 1008, reason: 'the login has ended; log in again' });
    assert.equal((await refusal(previewUrl(media), { headers: cookie }))[0], 401);
  });

  test('may come over TLS', { timeout }, async (t) => {
    const { cert, key } = makeCertificate(temporaryFolder(t), 'preview');
    const media = await open(t, { tls: true, 'tls-cert': cert, 'tls-key': key });
    const url = previewUrl(media).replace('ws://127.0.0.1', 'wss://localhost');
    const client = await PreviewClient.open(t, httpPort(media), 0, { url, ca: readFileSync(cert) });
    await client.more(1);
    assert.deepEqual(client.faults, []);
    assert.equal((await refusal(url, { ca: readFileSync(cert) }))[0], 401);
    await media.stop();
    assert.equal((await client.end()).code, 1001);
  });

  test('finds a WebSocket at no other path, and plain HTTP where it asks for something else', {
    timeout,
  }, async (t) => {
    const media = await open(t);
    const base = `127.0.0.1:${httpPort(media)}`;
    for (const [path, status] of [
      ['/healthz', 400],
      ['/api/v1/streams', 400],
      ['/api/v1/events/live', 400],
      ['/nothing', 400],
      ['/', 400],
      ['/api/v1/streams/x/preview', 400],
    ] as const)
      assert.equal((await refusal(`ws://${base}${path}`, { headers: login }))[0], status, path);
    const plain = await fetch(`http://${base}/api/v1/streams/0/preview`, { headers: login });
    assert.deepEqual([plain.status, plain.headers.get('upgrade')], [426, 'websocket']);
    assert.equal(((await plain.json()) as { detail: string }).detail, 'the live preview is a WebSocket');
    const socket = connect(httpPort(media), '127.0.0.1');
    t.after(() => socket.destroy());
    socket.write('GET /healthz HTTP/1.1\r\nHost: x\r\nConnection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\n\r\n');
    const [answer] = (await once(socket, 'data')) as [Buffer];
    assert.match(answer.toString(), /^HTTP\/1\.1 200 /);
  });

  test('is refused behind a request of the same connection that has no answer yet', { timeout }, async (t) => {
    const media = await open(t);
    const preview =
      'GET /api/v1/streams/0/preview HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n';
    const ahead = [
      'GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n',
      // Node itself answers these.
      'GET /healthz HTTP/1.1\r\n\r\n',
      'GET /healthz HTTP/1.1\r\nHost: x\r\nExpect: a-reply\r\n\r\n',
    ];
    for (const request of ahead) {
      assert.doesNotMatch(await talk(httpPort(media), request + preview), / (101|401|426) /, request);
    }
    assert.equal(await metric(media, 'skyweir_http_refused_total'), ahead.length);
  });

  test('is told what to do when there is no such camera, and when there are too many viewers', {
    timeout,
  }, async (t) => {
    const media = await open(t);
    const port = httpPort(media);
    const nowhere = await PreviewClient.open(t, port, 99);
    assert.deepEqual(await nowhere.end(), { code: 1008, reason: 'there is no camera 99; reload the list of streams' });
    const { viewers, viewersPerCamera } = limits.preview;
    const clients: PreviewClient[] = [];
    for (let i = 0; i < viewers; i++) clients.push(await PreviewClient.open(t, port, Math.floor(i / viewersPerCamera)));
    const oneMore = await PreviewClient.open(t, port, 4);
    assert.equal((await oneMore.end()).code, 1013);
    assert.match(oneMore.closed!.reason, /^32 previews are open/);
    clients[9]!.socket.close();
    await untilMetric(media, 'skyweir_http_previews', viewers - 1);
    const ofCamera = await PreviewClient.open(t, port, 0);
    assert.match((await ofCamera.end()).reason, /^8 previews of this camera are open/);
    const last = await PreviewClient.open(t, port, 1);
    await last.more(1);
    assert.ok(clients.every(({ closed }, i) => i === 9 || closed === null));
  });

  test('who does not read gets no more than fits, goes on at a keyframe, and is counted', { timeout }, async (t) => {
    const media = await open(t, { 'gop-cache': true });
    const bytes = 60_000;
    const options = { port: media.server.addresses.rtmpPort, path: '/stream1', bytes, intervalMs: 10 };
    const stream = await NumberedStream.start(t, options);
    const client = await PreviewClient.open(t, httpPort(media), 0);
    await client.more(2);
    client.socket.pause();
    const sent = stream.sent;
    // What the system and the server keep for a viewer is some 10 MiB.
    await until('there is more than can wait', () => (stream.sent - sent) * bytes > 30 * 1024 * 1024, 40_000);
    assert.equal(await metric(media, 'skyweir_http_preview_restarts_total'), 0);
    client.socket.resume();
    const samples = () => client.parts.flatMap(({ fragments }) => fragments.flatMap(readSamples));
    const number = ({ data }: Mp4Sample) => pictureNumber([data.subarray(4)]);
    const gap = () => samples().findIndex((sample, i, all) => i > 0 && number(sample) !== number(all[i - 1]!) + 1);
    await until('frames are missing', () => gap() > 0);
    assert.ok((await metric(media, 'skyweir_http_preview_restarts_total')) >= 1);
    assert.deepEqual([client.closed, client.faults, client.parts.length], [null, [], 1]);
    // The time goes on as if nothing were missing.
    const [before, after] = [samples()[gap() - 1]!, samples()[gap()]!];
    assert.equal(after.isSync, true);
    assert.ok(after.decodeMs - before.decodeMs <= 2 * before.durationMs);
    assert.ok(!stream.closed);
  });

  test('ends when its viewer sends more than viewers have to say', { timeout }, async (t) => {
    const media = await open(t);
    const [quiet, loud] = [
      await PreviewClient.open(t, httpPort(media), 0),
      await PreviewClient.open(t, httpPort(media), 0),
    ];
    quiet.socket.ping('still there?');
    await once(quiet.socket, 'pong');
    // Again and again: a machine that stands still may spread what is sent at once over more than a second.
    await until('it is cut off', () => {
      for (let sent = 0; sent <= limits.preview.bytesPerSecond && loud.closed === null; sent += 6)
        loud.socket.ping(undefined, undefined, () => undefined);
      return loud.closed !== null;
    });
    assert.equal(loud.closed?.code, 1006);
    assert.equal(quiet.closed, null);
  });

  test('of a camera that is removed is told so, and of others notices nothing', { timeout }, async (t) => {
    const media = await open(t, {}, {}, ['/a', '/b']);
    const [a, b] = [await PreviewClient.open(t, httpPort(media), 0), await PreviewClient.open(t, httpPort(media), 1)];
    await Promise.all([a.more(1), b.more(1)]);
    const { server } = media;
    const { config } = server;
    await server.apply({ ...config, cameraList: config.cameraList.filter(({ path }) => path !== '/b') });
    assert.deepEqual(await b.end(), { code: 1008, reason: 'the camera was removed; reload the list of streams' });
    await a.more(1);
  });

  test('is told when its consumer fails, and gets a preview from the next one', { timeout }, async (t) => {
    const media = await open(t, {}, { consumer: new URL('../support/fragile-consumer.ts', import.meta.url) });
    const client = await PreviewClient.open(t, httpPort(media), 0);
    await client.more(1);
    breakWorkers('consumer', 'throw');
    assert.deepEqual(await client.end(), {
      code: 1013,
      reason: 'the preview was interrupted; connect again in a second',
    });
    await until('a consumer is there', () => media.log.some(({ msg }) => String(msg).includes('consumer')));
    for (;;) {
      const next = await PreviewClient.open(t, httpPort(media), 0);
      await until('it is shown or closed', () => next.fragments > 0 || next.closed !== null);
      if (next.fragments > 0) break;
      assert.equal(next.closed!.code, 1013);
    }
  });

  test('is told when the server stops, and when its port moves', { timeout }, async (t) => {
    const media = await open(t);
    const { server } = media;
    const first = await PreviewClient.open(t, httpPort(media), 0);
    await first.more(1);
    const other = await open(t);
    const taken = httpPort(other);
    await other.stop();
    await server.apply({ ...server.config, httpPort: taken });
    assert.deepEqual(await first.end(), { code: 1001, reason: 'the port moves; reload the page' });
    const second = await PreviewClient.open(t, taken, 0);
    await second.more(1);
    await media.stop();
    assert.deepEqual(await second.end(), { code: 1001, reason: 'the server stops; connect again when it is back' });
  });
});
