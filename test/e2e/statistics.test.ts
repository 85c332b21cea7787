import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { reportFields } from '../../src/stats/stream-report.ts';
import type { TestServer } from '../support/media-server.ts';
import { startTestServer } from '../support/media-server.ts';
import { isRun, numberedPicture, receivedNumbers } from '../support/numbered-stream.ts';
import { until } from '../support/program.ts';
import { RtmpClient } from '../support/rtmp-client.ts';
import { headerTag, naluTag, pps, prefixed, sps, userSei } from '../unit/ingest/publisher-rig.ts';

const timeout = 60_000;

type Fields = ReturnType<typeof reportFields> & { readonly msg: string; readonly block: string };

/** The statistics that the server has logged so far. */
function blocks(media: TestServer): Fields[] {
  return media.log.filter(({ msg }) => String(msg).startsWith('RTMP Stream Stats: ')) as unknown as Fields[];
}

async function lastBlock(media: TestServer): Promise<Fields> {
  await until('the last block is written', () => blocks(media).at(-1)?.final === true);
  return blocks(media).at(-1)!;
}

async function publish(media: TestServer): Promise<RtmpClient> {
  const client = await RtmpClient.publish({ port: media.server.addresses.rtmpPort, path: '/stream1' });
  client.send(0, headerTag([sps], [pps]));
  return client;
}

function sendPicture(client: RtmpClient, number: number, timestampMs: number, bytes = 400, gop = 10): void {
  const key = number % gop === 0;
  client.send(timestampMs, naluTag(prefixed(4, numberedPicture(number, key, bytes)), { key }));
}

/** This one is to blame. If the test itself stood still at the end, that silence is named before it. */
function assertBlamed({ verdict, because }: Fields, blame: Fields['verdict']): void {
  if (/^nothing arrived for the last /.test(because)) assert.match(because, new RegExp(`; also (.*; )?${blame}: `));
  else assert.equal(verdict, blame, because);
}

const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

describe('statistics of a stream, to the frame', () => {
  test('frames, bytes, distances and drops of a stream with known stalls', { timeout }, async (t) => {
    const media = await startTestServer();
    t.after(media.stop);
    const reader = await media.play('/stream1');
    const client = await publish(media);
    client.session.sendMetadata(
      new Map<string, string | number>([
        ['width', 1920],
        ['height', 1080],
        ['framerate', 25],
        ['videodatarate', 80],
        ['audiocodecid', 10],
        ['audiosamplerate', 44_100],
      ]),
    );
    const gaps = new Map([
      [40, 2000],
      [80, 517],
    ]);
    let timestampMs = 100;
    for (let number = 0; number < 120; number++) {
      if (number > 0) timestampMs += gaps.get(number) ?? 40;
      if (number % 20 === 7) client.send(timestampMs, naluTag(prefixed(4, userSei)));
      if (number % 30 === 11) client.send(timestampMs, Buffer.from([0x1c, 1, 0, 0, 0, 0, 0, 0, 1, 0x26]));
      if (number === 50) client.send(timestampMs, naluTag(Buffer.from([0, 0, 9, 9, 0x41, 0x9a, 1, 2, 3])));
      sendPicture(client, number, timestampMs);
      await pause(2);
    }
    await reader.until(() => receivedNumbers(reader).length === 120);
    client.stop();
    const fields = await lastBlock(media);

    assert.deepEqual(fields.window.push.frames, 120);
    assert.equal(fields.window.push.bytes, 120 * (4 + 400) + 6 * (4 + userSei.length));
    assert.equal(fields.window.push.keyframes, 12);
    assert.deepEqual(fields.window.pop.frames, 120);
    assert.deepEqual(fields.window.drops, { overflow: 0, seiOnly: 6, nonH264: 4 });
    assert.equal(fields.window.truncated, 1);
    assert.deepEqual(fields.window.interFrameMs, {
      average: Math.round(((117 * 40 + 2000 + 517) / 119) * 10) / 10,
      minimum: 40,
      maximum: 2000,
      samples: 119,
    });
    assert.deepEqual(fields.total, {
      push: { frames: 120, bytes: fields.window.push.bytes },
      pop: { frames: 120 },
      drops: { overflow: 0, seiOnly: 6, nonH264: 4 },
      gapToPush: 0,
    });
    assertBlamed(fields, 'source');
    assert.match(fields.because, /time stamps stand still for 2000 ms/);
    for (const line of [
      /^=+ RTMP Stream Stats: \/stream1 \(final, publisher disconnected\) =+\n Publisher {7}: 127\.0\.0\.1:\d+\n/,
      /\n Video codec {5}: H\.264 \(profile=66 level=40\)\n/,
      /\n Source declared : 1920x1080 @ 25 fps, video=80 kbps\n/,
      /\n Source audio {4}: codec=AAC rate=44100 Hz \(audio is ignored by the driver\)\n/,
      /\n Drops in window : overflow=0, SEI-only=6, non-H264=4\n/,
      /\n Inter-frame ms {2}: avg=60\.5, min=40\.0, max=2000\.0 \(119 samples\)\n/,
      /\n Pop total {7}: 120 frames \(gap to push: 0\)\n/,
    ])
      assert.match(fields.block, line);
  });

  test('a reader that is paused: overflow is what it lost, pop is what it got', { timeout }, async (t) => {
    const media = await startTestServer({ 'ring-frames': '16' });
    t.after(media.stop);
    const reader = await media.play('/stream1');
    const client = await publish(media);
    t.after(() => client.destroy());
    const startMs = performance.now();
    let sent = 0;
    const send = async (bytes: number) => {
      sendPicture(client, sent, Math.round(performance.now() - startMs), bytes);
      sent++;
      await pause(10);
    };
    while (sent < 20) await send(400);
    await reader.until(() => receivedNumbers(reader).length >= 15);
    reader.socket.pause();
    // More than the sockets' buffers and the ring hold.
    while (media.server.snapshot(0).reader.overflow === 0 && sent < 300) await send(250_000);
    for (let i = 0; i < 30; i++) await send(250_000);
    reader.socket.resume();
    const resumedAt = sent;
    while ((receivedNumbers(reader).at(-1) ?? 0) < resumedAt && sent < 600) await send(400);
    const last = sent - 1;
    await reader.until(() => receivedNumbers(reader).at(-1) === last);
    client.stop();
    const block = await lastBlock(media);
    const { window, total } = block;

    const received = receivedNumbers(reader).length;
    assert.ok(received < sent, 'the reader lost frames');
    assert.ok(!isRun(receivedNumbers(reader)));
    assert.equal(reader.lostPackets, 0);
    assert.equal(total.push.frames, sent);
    assert.equal(total.pop.frames, received);
    assert.equal(total.drops.overflow, sent - received);
    assert.equal(total.gapToPush, sent - received);
    assert.ok(window.queueDepth.maximum >= 15 && window.queueDepth.capacity === 16, `${window.queueDepth.maximum}`);
    assertBlamed(block, 'reader');
  });

  test('windows of a second share a stream among them, and a gap of the network is in one', { timeout }, async (t) => {
    const media = await startTestServer({ 'stats-interval': '1s' });
    t.after(media.stop);
    const client = await publish(media);
    client.session.sendMetadata(new Map([['framerate', 25]]));
    const startMs = performance.now();
    let sent = 0;
    let sentMs = startMs;
    /** Times that the test sent nothing for long: once because it is to, and when it stood still itself. */
    let silences = 0;
    while (sent < 90) {
      const passedMs = performance.now() - startMs;
      const held = passedMs > 1300 && passedMs < 2100;
      while (!held && sent < 90 && sent * 40 <= passedMs) {
        const nowMs = performance.now();
        if (nowMs - sentMs >= 600) silences++;
        sentMs = nowMs;
        sendPicture(client, sent, sent++ * 40);
      }
      await pause(5);
    }
    await until('three windows are over', () => blocks(media).length >= 3);
    client.stop();
    const last = await lastBlock(media);
    const windows = blocks(media).map(({ window }) => window);
    const sum = (value: (window: Fields['window']) => number) =>
      windows.reduce((all, window) => all + value(window), 0);

    assert.ok(windows.length >= 4, `${windows.length} blocks`);
    assert.equal(
      sum(({ push }) => push.frames),
      90,
    );
    assert.equal(
      sum(({ push }) => push.bytes),
      last.total.push.bytes,
    );
    assert.equal(
      sum(({ interFrameMs }) => interFrameMs?.samples ?? 0),
      89,
    );
    for (const { interFrameMs } of windows)
      if (interFrameMs !== null) assert.deepEqual([interFrameMs.minimum, interFrameMs.maximum], [40, 40]);
    const gaps = windows.filter(({ arrivalMs }) => arrivalMs !== null && arrivalMs.maximum >= 700);
    assert.ok(gaps.length >= 1 && gaps.length <= silences, `${gaps.length} windows with ${silences} gaps`);
    const late = blocks(media).filter(({ window }) => gaps.includes(window) && window.latenessMs!.maximum >= 700);
    assert.ok(late.length >= 1);
    for (const { verdict, because } of late) assert.equal(verdict, 'network', because);
    assert.deepEqual([last.total.push.frames, last.total.pop.frames], [90, 0], 'nobody read');
  });

  test('each message of another codec is counted, in legacy and in Enhanced RTMP, and H.264 is none of them', {
    timeout,
  }, async (t) => {
    const media = await startTestServer();
    t.after(media.stop);
    const notices: unknown[] = [];
    media.server.events.on('notice', ({ notice }) => {
      if (notice.type === 'non_h264') notices.push(notice.codec);
    });
    const client = await publish(media);
    const others: [string, number, Buffer][] = [
      ['Sorenson H.263', 3, Buffer.from([0x22, 0, 0, 0x84, 0])],
      ['VP6', 5, Buffer.from([0x24, 0, 1, 2, 3])],
      ['HEVC with the legacy id 12', 7, Buffer.from([0x1c, 1, 0, 0, 0, 0, 0, 0, 1, 0x26])],
      ['HEVC in Enhanced RTMP', 11, Buffer.concat([Buffer.of(0x91), Buffer.from('hvc1'), Buffer.alloc(9)])],
      ['AV1 in Enhanced RTMP', 13, Buffer.concat([Buffer.of(0x91), Buffer.from('av01'), Buffer.alloc(9)])],
    ];
    let timestampMs = 0;
    for (const [, count, body] of others)
      for (let i = 0; i < count; i++) {
        sendPicture(client, timestampMs / 40, timestampMs);
        client.send(timestampMs, body);
        timestampMs += 40;
      }
    const enhanced = Buffer.concat([Buffer.of(0x93), Buffer.from('avc1'), prefixed(4, numberedPicture(0, true))]);
    client.send(timestampMs, enhanced);
    await until('all has arrived', () => media.server.snapshot(0).publisher.frames === 40);
    client.stop();
    const { window, total, block } = await lastBlock(media);
    assert.deepEqual(window.drops, { overflow: 0, seiOnly: 0, nonH264: 39 });
    assert.deepEqual([total.push.frames, total.drops.nonH264], [40, 39]);
    assert.match(block, /\n Drops total {5}: overflow=0, SEI-only=0, non-H264=39\n/);
    assert.equal(notices.length, 4, `the log names the first four codecs: ${notices}`);
  });

  test('a publisher of another codec alone: every message counted, no frame, and cut off in time', {
    timeout,
  }, async (t) => {
    const media = await startTestServer({ 'video-timeout': '2s' });
    t.after(media.stop);
    const client = await RtmpClient.publish({ port: media.server.addresses.rtmpPort, path: '/stream1' });
    const hevc = Buffer.concat([Buffer.of(0x91), Buffer.from('hvc1'), Buffer.alloc(50)]);
    for (let sent = 0; sent < 20; sent++) client.send(sent * 40, hevc);
    await client.ended;
    const { window, total, verdict, because } = await lastBlock(media);
    assert.deepEqual([window.push.frames, window.drops.nonH264, total.drops.nonH264], [0, 20, 20]);
    assert.equal(verdict, 'source', because);
    const stopped = media.log.find(({ msg }) => msg === 'RTMP Stream Stopped');
    assert.equal(stopped?.['reason'], 'video_timeout');
  });

  test('a publisher that stalls: the longest distance is the stall, and the last block says what it is', {
    timeout,
  }, async (t) => {
    const media = await startTestServer();
    t.after(media.stop);
    const client = await publish(media);
    for (let number = 0; number < 50; number++) {
      // Pictures 25 to 27 were dropped by the source; behind picture 40 it stood still for 1234 ms.
      if (number >= 25 && number < 28) continue;
      sendPicture(client, number, number * 40 + (number > 40 ? 1234 - 40 : 0));
    }
    await until('all has arrived', () => media.server.snapshot(0).publisher.frames === 47);
    client.destroy();
    const { msg, window, total } = await lastBlock(media);
    assert.equal(msg, 'RTMP Stream Stats: /stream1 (final, publisher disconnected)');
    assert.deepEqual(window.interFrameMs, {
      average: Math.round(((44 * 40 + 160 + 1234) / 46) * 10) / 10,
      minimum: 40,
      maximum: 1234,
      samples: 46,
    });
    assert.deepEqual([total.push.frames, total.pop.frames, total.gapToPush], [47, 0, 47]);
    assert.equal(window.push.keyframes, 5);
  });

  test('a publisher that comes back starts at zero', { timeout }, async (t) => {
    const media = await startTestServer();
    t.after(media.stop);
    const reader = await media.play('/stream1');
    let number = 0;
    for (const count of [30, 12]) {
      const client = await publish(media);
      const end = number + count;
      for (let i = 0; number < end; i++) {
        const key = i % 10 === 0;
        client.send(i * 40, naluTag(prefixed(4, numberedPicture(number++, key)), { key }));
        await pause(5);
      }
      await reader.until(() => receivedNumbers(reader).at(-1) === end - 1);
      client.stop();
      await until('it has stopped', () => media.server.connections === 0);
    }
    await until('both last blocks are written', () => blocks(media).length === 2);
    assert.deepEqual(
      blocks(media).map(({ total }) => [total.push.frames, total.pop.frames, total.drops.overflow]),
      [
        [30, 30, 0],
        [12, 12, 0],
      ],
    );
  });
});
