import assert from 'node:assert/strict';
import { describe, type TestContext, test } from 'node:test';
import { startCliServer } from '../support/cli-server.ts';
import { DeadLink } from '../support/dead-link.ts';
import { makeClip, pushArgs, temporaryFolder } from '../support/media.ts';
import { startTestServer, type TestServer, testCredentials } from '../support/media-server.ts';
import { isRun, NumberedStream, receivedNumbers } from '../support/numbered-stream.ts';
import { start, until } from '../support/program.ts';
import { RtmpClient } from '../support/rtmp-client.ts';
import { RtspClient } from '../support/rtsp-client.ts';
import { parameterSets, startOfNew } from '../support/stream-starts.ts';
import { typesOf } from '../support/test-stream.ts';

const timeout = 60_000;
interface Happening {
  readonly what: string;
  readonly atMs: number;
}

/** Starts and stops of streams, with the time at which they were told. */
function watch(media: TestServer): Happening[] {
  const happenings: Happening[] = [];
  const add = (what: string) => happenings.push({ what, atMs: performance.now() });
  media.server.events.on('started', ({ camera }) => add(`started ${camera.path}`));
  media.server.events.on('stopped', ({ camera, reason }) => add(`stopped ${camera.path} ${reason}`));
  return happenings;
}

/** One RTP session: the same source, no number left out, time that never stands still or steps back. */
function assertOneSession({ units, lostPackets, closed, saidBye }: RtspClient): void {
  assert.deepEqual({ lostPackets, closed, saidBye }, { lostPackets: 0, closed: false, saidBye: false });
  for (const [i, unit] of units.entries()) {
    assert.equal(unit.ssrc, units[0]!.ssrc);
    if (i > 0) assert.ok(((unit.rtpTime - units[i - 1]!.rtpTime) | 0) > 0, `time stands still or steps back at ${i}`);
  }
}

/**
 * Tries to publish until it is let in, with a short rest after each refusal. Every refusal so far must have come without
 * an error status, after which encoders would give up.
 */
async function publishAgain(
  t: TestContext,
  options: Parameters<typeof NumberedStream.start>[1],
  limitMs: number,
): Promise<{ stream: NumberedStream; refusals: number }> {
  const endMs = performance.now() + limitMs;
  for (let refusals = 0; performance.now() < endMs; refusals++) {
    const stream = await NumberedStream.start(t, options).catch((error: Error) => {
      assert.match(error.message, /was refused: $/, 'a refusal that will pass has no status');
      return null;
    });
    if (stream !== null) return { stream, refusals };
    await new Promise((rested) => setTimeout(rested, 50));
  }
  throw new Error(`not let in within ${limitMs} ms`);
}

describe('a publisher whose radio link dies in mid-stream, and who is started again', { concurrency: 2 }, () => {
  for (const policy of ['takeover-stale', 'takeover']) {
    test(`${policy}, ffmpeg killed behind a link that is dead: streams again at once, readers stay`, {
      timeout,
    }, async (t) => {
      const media = await startTestServer({ 'publish-conflict': policy });
      t.after(media.stop);
      const happenings = watch(media);
      const folder = temporaryFolder(t);
      const before = await makeClip(folder, 'before', { seconds: 20 });
      const after = await makeClip(folder, 'after', { seconds: 20, size: '640x360' });
      const reader = await media.play('/stream1');
      const link = await DeadLink.open(t, media.server.addresses.rtmpPort);
      const url = `rtmp://127.0.0.1:${link.port}/stream1`;
      const first = start(t, 'ffmpeg', pushArgs(before, url));
      await reader.until(({ units }) => units.length >= 30);
      link.die();
      const known = parameterSets(reader);
      first.kill('SIGKILL');
      await first.ended;
      assert.deepEqual(
        happenings.map(({ what }) => what),
        ['started /stream1'],
        'the server does not know that the first one is gone',
      );

      start(t, 'ffmpeg', pushArgs(after, url));
      await until('the second one streams', () => happenings.length >= 3);
      const [, stopped, started] = happenings;
      assert.deepEqual([stopped!.what, started!.what], ['stopped /stream1 taken_over', 'started /stream1']);
      const seen = reader.units.length;
      await reader.until(({ units }) => units.length > seen + 30);
      // Pictures of the first one may still have been on their way when the second one started.
      await reader.until((r) => startOfNew(r, known) >= 0);
      const again = reader.units[startOfNew(reader, known)]!;
      assert.ok(typesOf(again.units).includes(5), 'it begins with its parameter sets and an IDR');
      const gapMs = again.receivedMs - link.openedMs[1]!;
      assert.ok(gapMs > 0);
      assert.equal(link.openedMs.length, 2, 'it was let in at once');
      t.diagnostic(`streams again ${Math.round(gapMs)} ms after its new connection`);
      assertOneSession(reader);
      assert.equal(media.server.snapshot(0).publisher.generation, 2);
      assert.equal(happenings.length, 3, 'nothing more has happened');
    });
  }

  test('takeover-stale, from another address: let in after 3 s of silence, not before', { timeout }, async (t) => {
    const media = await startTestServer({ 'publish-conflict': 'takeover-stale' });
    t.after(media.stop);
    const happenings = watch(media);
    const reader = await media.play('/stream1');
    const { rtmpPort } = media.server.addresses;
    const link = await DeadLink.open(t, rtmpPort, { localAddress: '127.0.0.3' });
    await NumberedStream.start(t, { port: link.port, path: '/stream1' });
    await reader.until((r) => receivedNumbers(r).length >= 20);
    link.die();
    const silentSinceMs = link.passedMs;
    const elsewhere = { port: rtmpPort, path: '/stream1', localAddress: '127.0.0.2', first: 1000 };
    const { refusals } = await publishAgain(t, elsewhere, 25_000);
    const waitedMs = performance.now() - silentSinceMs;
    assert.ok(waitedMs > 2900, `${waitedMs} ms of silence`);
    assert.ok(refusals > 0, 'not before');
    await reader.until((r) => receivedNumbers(r).at(-1)! >= 1030);
    assertOneSession(reader);
    const numbers = receivedNumbers(reader);
    assert.ok(isRun(numbers.filter((number) => number >= 1000)) && numbers.includes(1000));
    assert.deepEqual(
      happenings.map(({ what }) => what),
      ['started /stream1', 'stopped /stream1 taken_over', 'started /stream1'],
    );
  });

  test('reject: refused until the old connection has run into its deadline', { timeout }, async (t) => {
    const media = await startTestServer({ 'publish-conflict': 'reject', 'video-timeout': '3s' });
    t.after(media.stop);
    const happenings = watch(media);
    const reader = await media.play('/stream1');
    const link = await DeadLink.open(t, media.server.addresses.rtmpPort);
    await NumberedStream.start(t, { port: link.port, path: '/stream1' });
    await reader.until((r) => receivedNumbers(r).length >= 20);
    link.die();
    const silentSinceMs = link.passedMs;
    const { refusals } = await publishAgain(t, { port: link.port, path: '/stream1', first: 1000 }, 25_000);
    const waitedMs = performance.now() - silentSinceMs;
    assert.ok(waitedMs > 2900, `${waitedMs} ms of silence`);
    assert.ok(refusals > 0, 'not before');
    await reader.until((r) => receivedNumbers(r).at(-1)! >= 1030);
    assertOneSession(reader);
    assert.deepEqual(
      happenings.map(({ what }) => what),
      ['started /stream1', 'stopped /stream1 video_timeout', 'started /stream1'],
    );
  });
});

describe('an intruder', () => {
  test('cannot flap a live stream: path_busy from elsewhere, path_flapping from its own address', {
    timeout,
  }, async (t) => {
    const server = await startCliServer(t, ['--publish-conflict', 'takeover-stale']);
    const options = { port: server.rtmpPort, path: '/stream1' };
    const reader = await RtspClient.play({ port: server.rtspPort, path: '/stream1', credentials: testCredentials });
    t.after(() => reader.close());
    await reader.until(({ units }) => units.length > 0);

    const first = await NumberedStream.start(t, options);
    await reader.until((r) => receivedNumbers(r).length >= 10);
    for (let attempt = 0; attempt < 5; attempt++)
      await assert.rejects(RtmpClient.publish({ ...options, localAddress: '127.0.0.2' }), /refused/);
    assert.equal(first.closed, false);
    let [takenMs, holder] = [performance.now(), await NumberedStream.start(t, { ...options, first: 1000 })];
    await first.client.ended;
    const expected = [...Array(5).fill('path_busy'), 'taken_over'];
    for (let refusals = 0, attempt = 2; refusals < 5; attempt++) {
      const startMs = performance.now();
      const next = await NumberedStream.start(t, { ...options, first: attempt * 1000 }).catch(() => null);
      if (next === null) {
        refusals++;
        expected.push('path_flapping');
        assert.equal(holder.closed, false, 'whoever took the path keeps it for two seconds');
      } else {
        // Only because this machine stood still for as long: it keeps the path in its turn.
        assert.ok(performance.now() - takenMs >= 2000, 'it is not taken over again before two seconds are over');
        await holder.client.ended;
        expected.push('taken_over');
        [takenMs, holder] = [startMs, next];
      }
    }
    const goal = holder.next + 50;
    await reader.until((r) => receivedNumbers(r).at(-1)! >= goal);

    await until('every connection that ended is logged', () => server.reasons().length >= expected.length);
    // Each worker writes its lines for itself.
    assert.deepEqual(server.reasons().toSorted(), expected.toSorted());
    const texts = server.lines().map(({ msg }) => msg);
    assert.equal(texts.filter((msg) => msg === 'connection closed: Stream is already being published to').length, 5);
    const stops = expected.filter((reason) => reason === 'taken_over').length;
    assert.equal(texts.filter((msg) => msg === 'RTMP Stream Stopped').length, stops);
    const numbers = receivedNumbers(reader);
    for (let from = 0; from <= numbers.at(-1)!; from += 1000)
      assert.ok(isRun(numbers.filter((number) => number >= from && number < from + 1000)), 'no stream lost a picture');
    assertOneSession(reader);
  });
});
