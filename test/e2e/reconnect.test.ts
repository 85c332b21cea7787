import assert from 'node:assert/strict';
import { describe, type TestContext, test } from 'node:test';
import type { ErrorCode } from '../../src/base/errors.ts';
import { assertSamePictures, hashOf, pictures, readArgs, withoutCard } from '../support/ffmpeg-reader.ts';
import { decodePictures, makeClip, parseFrameMd5, pushArgs, temporaryFolder } from '../support/media.ts';
import { startTestServer, type TestServer } from '../support/media-server.ts';
import { isRun, NumberedStream, receivedNumbers } from '../support/numbered-stream.ts';
import { type Program, start, until } from '../support/program.ts';
import { RtmpClient } from '../support/rtmp-client.ts';
import type { RtspClient } from '../support/rtsp-client.ts';
import { assertClockGoesOn, parameterSets, startOfNew } from '../support/stream-starts.ts';
import { typesOf } from '../support/test-stream.ts';

const timeout = 120_000;

/** The reasons for which streams stopped, in order. */
function stopReasons(media: TestServer): ErrorCode[] {
  const reasons: ErrorCode[] = [];
  media.server.events.on('stopped', ({ reason }) => reasons.push(reason));
  return reasons;
}

/** Publishes a file over and over, in real time. */
function publishForever(t: TestContext, file: string, url: string): Program {
  return start(t, 'ffmpeg', ['-stream_loop', '-1', ...pushArgs(file, url)]);
}

/** One RTP stream without a hole, whose clock runs like that of the wall, also where publishers begin: at `starts`. */
function assertOneSession(reader: RtspClient, starts: readonly number[]): void {
  const { units } = reader;
  assert.equal(reader.closed, false);
  assert.equal(reader.lostPackets, 0, 'sequence numbers have no gap');
  assert.deepEqual([...new Set(units.map(({ ssrc }) => ssrc))], [units[0]!.ssrc]);
  for (let i = 1; i < units.length; i++) {
    const ticks = (units[i]!.rtpTime - units[i - 1]!.rtpTime) | 0;
    assert.ok(ticks > 0, `access unit ${i}: time steps by ${ticks} ticks`);
  }
  assertClockGoesOn(units, starts);
}

describe('a publisher that is killed comes back', { concurrency: 3 }, () => {
  for (const transport of ['tcp', 'udp'] as const) {
    test(`the session of a reader over ${transport} goes on at an IDR with the new parameter sets`, {
      timeout,
    }, async (t) => {
      const media = await startTestServer();
      t.after(media.stop);
      const reasons = stopReasons(media);
      const folder = temporaryFolder(t);
      const small = await makeClip(folder, 'small', { seconds: 4 });
      const large = await makeClip(folder, 'large', { seconds: 4, size: '640x360' });
      const reader = await media.play('/stream1', { transport });
      await reader.until(({ units }) => units.length > 0);
      const card = parameterSets(reader);

      const url = `${media.rtmp}/stream1`;
      const first = publishForever(t, small, url);
      await reader.until((r) => startOfNew(r, card) >= 0 && r.units.length >= startOfNew(r, card) + 30);
      first.kill('SIGKILL');
      await until('the path is free', () => reasons.length === 1);
      const known = parameterSets(reader);
      const second = publishForever(t, large, url);
      await until('the second stream runs', () => media.server.snapshot(0).publisher.generation === 2);
      await reader.until((r) => startOfNew(r, known) >= 0 && r.units.length >= startOfNew(r, known) + 30);

      second.kill('SIGKILL');
      const restart = startOfNew(reader, known);
      // A picture has several slices, and its encoder may introduce itself in an SEI.
      const types = new Set(typesOf(reader.units[restart]!.units).filter((type) => type !== 6));
      assert.deepEqual([...types], [7, 8, 5]);
      assertOneSession(reader, [startOfNew(reader, card), restart]);
    });
  }

  test('ffmpeg reads on when the new pictures have another size', { timeout }, async (t) => {
    const media = await startTestServer();
    t.after(media.stop);
    const reasons = stopReasons(media);
    const folder = temporaryFolder(t);
    const [small, large] = await Promise.all([
      makeClip(folder, 'small', { seconds: 15 }),
      makeClip(folder, 'large', { seconds: 2, size: '640x360' }),
    ]);
    const [before, after] = [await decodePictures(small), await decodePictures(large)];
    const reader = start(t, 'ffmpeg', readArgs(`${media.rtsp}/stream1`, 'tcp'));
    await until('the reader plays', () => media.server.snapshot(0).reader.readers === 1);
    const first = start(t, 'ffmpeg', pushArgs(small, `${media.rtmp}/stream1`));
    await until('pictures flow', () => media.server.snapshot(0).reader.frames >= 40);
    first.kill('SIGKILL');
    await until('the path is free', () => reasons.length === 1);
    const cut = media.server.snapshot(0).publisher.frames;
    const second = start(t, 'ffmpeg', pushArgs(large, `${media.rtmp}/stream1`));
    assert.equal((await second.ended).code, 0);
    await until('all is delivered', () => media.server.snapshot(0).reader.frames === cut + after.length);
    await media.stop();
    const { stdout, stderr } = await reader.ended;
    assert.equal(stderr, '', 'ffmpeg decodes without a complaint');
    assert.ok(cut >= 40 && cut < before.length, `the first stream was cut after ${cut} of its pictures`);
    const sent = [...before.slice(0, cut), ...after];
    assert.deepEqual(withoutCard(parseFrameMd5(stdout), sent).map(hashOf), sent.map(hashOf));
  });
});

describe('a second publisher of a path', { concurrency: 3 }, () => {
  for (const policy of ['takeover', 'takeover-stale']) {
    test(`--publish-conflict ${policy}: it takes the path over`, { timeout }, async (t) => {
      const media = await startTestServer({ 'publish-conflict': policy });
      t.after(media.stop);
      const reasons = stopReasons(media);
      const folder = temporaryFolder(t);
      const small = await makeClip(folder, 'small', { seconds: 2 });
      const large = await makeClip(folder, 'large', { seconds: 2, size: '640x360' });
      const reader = await media.play('/stream1');
      await reader.until(({ units }) => units.length > 0);
      const card = parameterSets(reader);
      const first = publishForever(t, small, `${media.rtmp}/stream1`);
      await reader.until((r) => startOfNew(r, card) >= 0 && r.units.length >= startOfNew(r, card) + 20);
      const known = parameterSets(reader);
      const second = start(t, 'ffmpeg', pushArgs(large, `${media.rtmp}/stream1`));
      assert.notEqual((await first.ended).code, 0, 'the first one is cut off');
      assert.equal((await second.ended).code, 0);
      await until('both streams have stopped', () => reasons.length === 2);
      assert.deepEqual(reasons, ['taken_over', 'unpublished']);
      await reader.until((r) => startOfNew(r, known) >= 0 && r.units.length >= startOfNew(r, known) + 50);
      assertOneSession(reader, [startOfNew(reader, card), startOfNew(reader, known)]);
    });
  }

  test('--publish-conflict reject: it is refused, and the first one loses no picture', { timeout }, async (t) => {
    const media = await startTestServer({ 'publish-conflict': 'reject' });
    t.after(media.stop);
    const reasons = stopReasons(media);
    // The first one must still be streaming when the second one, which takes a moment to start, is refused.
    const clip = await makeClip(temporaryFolder(t), 'clip', { seconds: 8 });
    const sent = await decodePictures(clip);
    const reader = start(t, 'ffmpeg', readArgs(`${media.rtsp}/stream1`, 'tcp'));
    await until('the reader plays', () => media.server.snapshot(0).reader.readers === 1);
    const first = start(t, 'ffmpeg', pushArgs(clip, `${media.rtmp}/stream1`));
    await until('the first one publishes', () => media.server.snapshot(0).publisher.frames > 5);
    const second = start(t, 'ffmpeg', pushArgs(clip, `${media.rtmp}/STREAM1`));
    assert.notEqual((await second.ended).code, 0);
    assert.deepEqual(reasons, []);
    assert.equal((await first.ended).code, 0);
    assertSamePictures(await pictures(reader, sent, media), sent);
  });

  test('takeover-stale: from another address only when the first one has been silent', { timeout }, async (t) => {
    const media = await startTestServer({ 'publish-conflict': 'takeover-stale' });
    t.after(media.stop);
    const reasons = stopReasons(media);
    const { rtmpPort } = media.server.addresses;
    const reader = await media.play('/stream1');
    const first = await NumberedStream.start(t, { port: rtmpPort, path: '/stream1' });
    await reader.until((r) => receivedNumbers(r).length >= 5);
    const elsewhere = { port: rtmpPort, path: '/stream1', localAddress: '127.0.0.2' };
    await assert.rejects(RtmpClient.publish(elsewhere), /refused/);

    first.pause();
    const silentSinceMs = first.sentMs;
    let second: NumberedStream | null = null;
    while (second === null) {
      second = await NumberedStream.start(t, { ...elsewhere, first: 1000 }).catch(() => null);
    }
    const waitedMs = performance.now() - silentSinceMs;
    assert.ok(waitedMs > 2800, `it got in after ${waitedMs} ms of silence`);
    await reader.until((r) => receivedNumbers(r).at(-1)! >= 1010);
    assert.deepEqual(reasons, ['taken_over']);
    const numbers = receivedNumbers(reader);
    const cut = numbers.indexOf(1000);
    assert.ok(isRun(numbers.slice(0, cut)) && isRun(numbers.slice(cut)), String(numbers));
  });
});
