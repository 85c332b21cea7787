import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { startTestServer, testCredentials } from '../support/media-server.ts';
import { isRun, NumberedStream, numberedPicture, pictureNumber, receivedNumbers } from '../support/numbered-stream.ts';
import { until } from '../support/program.ts';
import { RtmpClient } from '../support/rtmp-client.ts';
import { RtspClient } from '../support/rtsp-client.ts';
import { typesOf } from '../support/test-stream.ts';
import { avcc, headerTag, naluTag, pps, sps } from '../unit/ingest/publisher-rig.ts';

/** Waiting readers give up soon. */
const impatient = { consumer: new URL('../support/impatient-consumer.ts', import.meta.url) };
const timeout = 60_000;

describe('readers', () => {
  test('several of one camera, over TCP and UDP, each get every picture once and in order', { timeout }, async (t) => {
    const media = await startTestServer();
    t.after(media.stop);
    const readers = await Promise.all([
      media.play('/stream1'),
      media.play('/stream1', { transport: 'udp' }),
      media.play('/STREAM1'),
      media.play('/stream1', { transport: 'udp' }),
    ]);
    const { rtmpPort } = media.server.addresses;
    // Four packets a picture, so that fragments are put together too.
    const stream = await NumberedStream.start(t, { port: rtmpPort, path: '/stream1', bytes: 5000 });
    await Promise.all(readers.map((reader) => reader.until((r) => receivedNumbers(r).length >= 60)));
    for (const reader of readers) {
      const numbers = receivedNumbers(reader);
      assert.equal(numbers[0], 0, 'from the very first picture on');
      assert.ok(isRun(numbers), String(numbers));
      assert.equal(reader.lostPackets, 0);
    }
    assert.equal(new Set(readers.map((reader) => reader.units[0]!.ssrc)).size, readers.length);
    assert.equal(stream.closed, false);
  });

  test('one that comes before any publisher waits, and then starts at the first keyframe', { timeout }, async (t) => {
    const media = await startTestServer();
    t.after(media.stop);
    const readers = await Promise.all([media.play('/stream1'), media.play('/stream1', { transport: 'udp' })]);
    await NumberedStream.start(t, { port: media.server.addresses.rtmpPort, path: '/stream1', first: 70 });
    for (const reader of readers) {
      await reader.until((r) => receivedNumbers(r).length >= 5);
      const first = reader.units.find(({ units }) => pictureNumber(units) === 70);
      assert.deepEqual(typesOf(first!.units), [7, 8, 5], 'parameter sets in front of the IDR');
      assert.deepEqual(receivedNumbers(reader).slice(0, 5), [70, 71, 72, 73, 74]);
    }
  });

  test('one that waits gets every picture of a burst, also the first', { timeout }, async (t) => {
    const media = await startTestServer();
    t.after(media.stop);
    // Each camera has never been published to: its ring is made while the burst is on its way.
    for (const { path } of media.server.cameras) {
      const reader = await media.play(path);
      const client = await RtmpClient.publish({ port: media.server.addresses.rtmpPort, path });
      t.after(() => client.destroy());
      client.send(0, headerTag([sps], [pps]));
      for (let i = 0; i < 30; i++) client.send(i * 5, naluTag(avcc(numberedPicture(i, i % 5 === 0))));
      await reader.until((r) => receivedNumbers(r).at(-1) === 29);
      assert.deepEqual(receivedNumbers(reader), [...Array(30).keys()]);
    }
  });

  test('one that joins a running stream starts at the next keyframe', { timeout }, async (t) => {
    const media = await startTestServer();
    t.after(media.stop);
    const { rtmpPort } = media.server.addresses;
    const stream = await NumberedStream.start(t, { port: rtmpPort, path: '/stream1', gop: 25 });
    await until('the stream is past its first keyframe', () => stream.sent > 10);
    const reader = await media.play('/stream1');
    await reader.until((r) => receivedNumbers(r).length >= 10);
    const numbers = receivedNumbers(reader);
    assert.equal(numbers[0]! % 25, 0);
    assert.ok(isRun(numbers));
  });

  test('one that stops reading is cut off; the publisher and the other readers lose nothing', {
    timeout,
  }, async (t) => {
    const media = await startTestServer({}, impatient);
    t.after(media.stop);
    const [stalled, watching, overUdp] = await Promise.all([
      media.play('/stream1'),
      media.play('/stream1'),
      media.play('/stream1', { transport: 'udp' }),
    ]);
    const reports = setInterval(() => overUdp.sendReceiverReport(), 300);
    t.after(() => clearInterval(reports));
    // Enough to fill the kernel's buffers in a moment.
    const options = { port: media.server.addresses.rtmpPort, path: '/stream1', bytes: 60_000, intervalMs: 10 };
    const stream = await NumberedStream.start(t, options);
    await stalled.until((r) => receivedNumbers(r).length > 3);
    stalled.socket.pause();
    await until('it is cut off', () => media.server.snapshot(0).reader.cutOff === 1);
    const cutOffAt = stream.next;
    for (const reader of [watching, overUdp]) await reader.until((r) => receivedNumbers(r).at(-1)! >= cutOffAt + 20);
    assert.ok(isRun(receivedNumbers(watching)));
    // At this rate the kernel may drop datagrams of a busy test; the server itself leaves nothing out.
    assert.ok(isRun(receivedNumbers(overUdp)) || overUdp.lostPackets > 0);
    assert.equal(stream.closed, false);
    assert.equal(media.server.snapshot(0).reader.readers, 2);
    stalled.socket.resume();
    await until('its connection is closed', () => stalled.closed);
  });

  test('GET_PARAMETER keeps a session over UDP alive, silence ends it', { timeout }, async (t) => {
    const media = await startTestServer({}, impatient);
    t.after(media.stop);
    const startMs = performance.now();
    const [alive, silent] = await Promise.all([
      media.play('/stream1', { transport: 'udp' }),
      media.play('/stream2', { transport: 'udp' }),
    ]);
    while (!silent.closed) {
      const { status } = await alive.request('GET_PARAMETER', alive.url);
      assert.equal(status, 200);
      await delay(100);
    }
    assert.ok(performance.now() - startMs >= 3000, 'not before its time');
    await until('its place is free', () => media.server.snapshot(1).reader.readers === 0);
    await NumberedStream.start(t, { port: media.server.addresses.rtmpPort, path: '/stream1' });
    await alive.until((r) => receivedNumbers(r).length >= 5);
  });
});

describe('who may read', () => {
  test('a wrong password and none are refused, the right one is not', { timeout }, async (t) => {
    const media = await startTestServer();
    t.after(media.stop);
    const port = media.server.addresses.rtspPort;
    const cases = [
      { credentials: { ...testCredentials, password: 'correct hose' }, status: 401 },
      { credentials: { ...testCredentials, user: 'operators' }, status: 401 },
      { status: 401 },
      { credentials: testCredentials, status: 200 },
    ];
    for (const { status, ...options } of cases) {
      const reader = await RtspClient.connect({ port, path: '/stream1', ...options });
      t.after(() => reader.close());
      assert.equal((await reader.describe()).status, status);
      assert.equal((await reader.setup()).status, status);
    }
  });

  test('without authentication everybody is let in', { timeout }, async (t) => {
    const media = await startTestServer({ auth: false });
    t.after(media.stop);
    const reader = await RtspClient.connect({ port: media.server.addresses.rtspPort, path: '/stream1' });
    t.after(() => reader.close());
    assert.equal((await reader.describe()).status, 200);
  });

  test('a path that no camera has is 404, and nothing else on the connection suffers', { timeout }, async (t) => {
    const media = await startTestServer();
    t.after(media.stop);
    const { rtspPort } = media.server.addresses;
    const options = { port: rtspPort, credentials: testCredentials };
    const lost = await RtspClient.connect({ ...options, path: '/stream99' });
    t.after(() => lost.close());
    assert.equal((await lost.describe()).status, 404);
    assert.equal((await lost.setup()).status, 404);
    const found = await lost.request('DESCRIBE', lost.url.replace('/stream99', '/stream1'));
    assert.equal(found.status, 200);
  });
});
