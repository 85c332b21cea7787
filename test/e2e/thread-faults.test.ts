/**
 * Faults that are no crash: threads that stand still for a while, a wall clock that is set, files that go away. Each test says
 * what is lost and what is not. Threads that end are in crash.test.ts.
 */
import assert from 'node:assert/strict';
import { copyFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { describe, type TestContext, test } from 'node:test';
import type { TLSSocket } from 'node:tls';
import { blockWorkers } from '../support/blocking.ts';
import { breakWorkers } from '../support/breaking.ts';
import { fingerprintOf, makeCertificate } from '../support/certificates.ts';
import { replay, republish } from '../support/coming-back.ts';
import { temporaryFolder } from '../support/media.ts';
import { startTestServer, type TestServer } from '../support/media-server.ts';
import { isRun, NumberedStream, receivedNumbers } from '../support/numbered-stream.ts';
import { until } from '../support/program.ts';
import type { ReceivedReport, RtspClient } from '../support/rtsp-client.ts';

const timeout = 60_000;
const hourMs = 3_600_000;
/** Milliseconds after which streams must be possible again. */
const backMs = 25_000;
/** Milliseconds that the first pictures of a stream may come late on a busy machine, which moves the media clock; a step is far longer. */
const longestStandstillMs = 8000;
const tls = { rejectUnauthorized: false };
const entries = {
  acceptor: new URL('../support/fragile-acceptor.ts', import.meta.url),
  ingest: new URL('../support/fragile-ingest.ts', import.meta.url),
  consumer: new URL('../support/fragile-consumer.ts', import.meta.url),
};

interface Scene {
  readonly media: TestServer;
  readonly streams: readonly NumberedStream[];
  /** Over TCP and UDP. */
  readonly readers: readonly RtspClient[];
}

/** Two streams, so that both ingest workers have one, and three readers. */
async function play(t: TestContext, flags: Record<string, string> = {}): Promise<Scene> {
  const media = await startTestServer(flags, entries);
  t.after(media.stop);
  const port = media.server.addresses.rtmpPort;
  const readers = [
    await media.play('/stream1'),
    await media.play('/stream1', { transport: 'udp' }),
    await media.play('/stream2'),
  ];
  const streams = await Promise.all(['/stream1', '/stream2'].map((path) => NumberedStream.start(t, { port, path })));
  await Promise.all(readers.map((reader) => reader.until((r) => receivedNumbers(r).length >= 10)));
  return { media, streams, readers };
}

/** Waits for `more` further pictures; then nobody has lost anything, or was cut off, from the first picture on. */
async function assertNothingLost({ media, streams, readers }: Scene, more: number): Promise<void> {
  const goals = streams.map(({ next }) => next + more);
  for (const [i, reader] of readers.entries()) {
    const stream = i === 2 ? 1 : 0;
    await reader.until((r) => receivedNumbers(r).at(-1)! >= goals[stream]!);
    assert.ok(isRun(receivedNumbers(reader)), String(receivedNumbers(reader)));
    assert.equal(reader.lostPackets, 0);
    assert.equal(reader.closed, false);
    assert.equal(new Set(reader.units.map(({ ssrc }) => ssrc)).size, 1);
    for (const [j, unit] of reader.units.entries())
      assert.ok(j === 0 || ((unit.rtpTime - reader.units[j - 1]!.rtpTime) | 0) > 0, 'RTP time goes on');
  }
  for (const stream of streams) assert.equal(stream.closed, false);
  for (const camera of [0, 1]) assert.equal(media.server.snapshot(camera).publisher.discontinuities, 0);
}

describe('a thread that hangs for good is replaced', () => {
  test('an ingest worker: its publishers can come back, readers stay', { timeout }, async (t) => {
    const { media, streams: before, readers } = await play(t);
    breakWorkers('ingest', 'hang');
    await until('their connections are closed', () => before.every(({ closed }) => closed), 40_000);
    const { rtmpPort: port } = media.server.addresses;
    const streams = [
      await republish(t, { port, path: '/stream1' }, backMs),
      await republish(t, { port, path: '/stream2' }, backMs),
    ];
    for (const [i, reader] of readers.entries()) {
      const seen = receivedNumbers(reader).length;
      await reader.until((r) => receivedNumbers(r).length > seen + 10);
      assert.equal(reader.closed, false);
      assert.equal(streams[i === 2 ? 1 : 0]!.closed, false);
    }
  });

  test('a consumer: its readers can come back, no publisher notices', { timeout }, async (t) => {
    const { media, streams, readers } = await play(t);
    breakWorkers('consumer', 'hang');
    // The one over UDP has no connection of its own that would be closed.
    await until('they are cut off', () => readers[0]!.closed && readers[2]!.closed, 40_000);
    const again = await replay(media, '/stream1', backMs);
    await again.until((r) => receivedNumbers(r).length >= 10);
    for (const stream of streams) assert.equal(stream.closed, false);
  });

  test('the acceptor: publishers can come back and new readers come, those that are there stay', {
    timeout,
  }, async (t) => {
    const { media, streams: before, readers } = await play(t);
    breakWorkers('acceptor', 'hang');
    await until('publishers are cut off', () => before.every(({ closed }) => closed), 40_000);
    const { rtmpPort: port } = media.server.addresses;
    const stream = await republish(t, { port, path: '/stream1' }, backMs);
    const another = await replay(media, '/stream1', backMs);
    const seen = receivedNumbers(readers[0]!).length;
    await readers[0]!.until((r) => receivedNumbers(r).length > seen + 10);
    await another.until((r) => receivedNumbers(r).length >= 10);
    for (const reader of readers) assert.equal(reader.closed, false);
    assert.equal(stream.closed, false);
  });
});

test('an ingest worker hangs when the server is stopped: readers are seen off all the same', { timeout }, async (t) => {
  const { media, readers } = await play(t, { 'drain-timeout': '8s' });
  breakWorkers('ingest', 'hang');
  await media.server.stop();
  await until('they are', () => readers.every(({ saidBye }) => saidBye), 5000);
});

describe('a thread that stands still for a second', () => {
  test('the acceptor: no stream notices, and who connects meanwhile is served', { timeout }, async (t) => {
    const scene = await play(t);
    breakWorkers('acceptor', 'block');
    const port = scene.media.server.addresses.rtmpPort;
    const third = await NumberedStream.start(t, { port, path: '/stream3' });
    await assertNothingLost(scene, 50);
    assert.equal(third.closed, false);
  });

  test('an ingest worker: pictures are late, none is lost, nobody is cut off', { timeout }, async (t) => {
    const scene = await play(t);
    breakWorkers('ingest', 'block');
    await assertNothingLost(scene, 100);
  });

  test('a consumer: the ring keeps the pictures, none is lost, no publisher notices', { timeout }, async (t) => {
    const scene = await play(t);
    breakWorkers('consumer', 'block');
    await assertNothingLost(scene, 100);
  });

  test('a consumer, for more pictures than a ring has: lost up to a keyframe, and the readers stay', {
    timeout,
  }, async (t) => {
    const consumer = new URL('../support/blockable-consumer.ts', import.meta.url);
    const media = await startTestServer({ 'ring-frames': '16' }, { consumer });
    t.after(media.stop);
    const reader = await media.play('/stream1');
    const port = media.server.addresses.rtmpPort;
    const stream = await NumberedStream.start(t, { port, path: '/stream1', gop: 10 });
    await reader.until((r) => receivedNumbers(r).length >= 10);
    const release = blockWorkers('consumer');
    t.after(release);
    await until('the ring was filled twice', () => stream.next > receivedNumbers(reader).at(-1)! + 40);
    release();
    const goal = stream.next + 50;
    await reader.until((r) => receivedNumbers(r).at(-1)! >= goal);
    const numbers = receivedNumbers(reader);
    const gaps = numbers.flatMap((number, i) => (i > 0 && number !== numbers[i - 1]! + 1 ? [i] : []));
    assert.ok(gaps.length >= 1, String(numbers));
    for (const gap of gaps) assert.equal(numbers[gap]! % 10, 0, 'the first one after a gap is a keyframe');
    const missing = numbers.at(-1)! - numbers[0]! + 1 - numbers.length;
    assert.equal(media.server.snapshot(0).reader.overflow, missing, 'what is missing is what the ring had no room for');
    assert.equal(reader.lostPackets, 0);
    assert.equal(reader.closed, false);
    assert.equal(stream.closed, false);
  });
});

for (const [how, stepMs] of [
  ['step', hourMs],
  ['step back', -hourMs],
] as const) {
  test(`the wall clock takes a ${how} of an hour: only what tells the time of day changes`, { timeout }, async (t) => {
    const scene = await play(t);
    const reader = scene.readers[0]!;
    await reader.until(({ reports }) => reports.length >= 1);
    const first = reader.reports.at(-1)!;
    breakWorkers('consumer', how);
    breakWorkers('ingest', how);
    const elapsedMs = ({ wallMs }: ReceivedReport) => wallMs - first.wallMs - stepMs;
    await reader.until(({ reports }) => Math.abs(elapsedMs(reports.at(-1)!)) < hourMs / 2, 20_000);
    // The media clock has not moved with it.
    const second = reader.reports.at(-1)!;
    const mediaMs = ((second.rtpTime - first.rtpTime) | 0) / 90;
    const differenceMs = mediaMs - elapsedMs(second);
    assert.ok(
      Math.abs(differenceMs) < longestStandstillMs,
      `${mediaMs} ms of media, ${elapsedMs(second)} ms of the clock`,
    );
    await assertNothingLost(scene, 50);
    // Logins and sessions go by another clock.
    const late = await scene.media.play('/stream2');
    await late.until((r) => receivedNumbers(r).length >= 10);
  });
}

test('the certificate is deleted: streams go on, new ones are served with the one in memory, until another comes', {
  timeout,
}, async (t) => {
  const folder = temporaryFolder(t);
  const [old, next] = [makeCertificate(folder, 'old'), makeCertificate(folder, 'next')];
  const used = { cert: join(folder, 'cert.pem'), key: join(folder, 'key.pem') };
  const put = (from: typeof used) => {
    copyFileSync(from.cert, used.cert);
    copyFileSync(from.key, used.key);
  };
  put(old);
  const media = await startTestServer({ tls: true, 'tls-cert': used.cert, 'tls-key': used.key });
  t.after(media.stop);
  const port = media.server.addresses.rtmpPort;
  const [reader, other] = [await media.play('/stream1'), await media.play('/stream2')];
  const stream = await NumberedStream.start(t, { port, path: '/stream1', tls });

  for (const file of Object.values(used)) rmSync(file);
  const complaints = () => media.log.filter(({ level }) => Number(level) >= 50);
  await until('the log says so', () => complaints().length > 0, 30_000);
  assert.equal(complaints().length, 1, 'once');
  const late = await NumberedStream.start(t, { port, path: '/stream2', tls });
  assert.equal(fingerprint(late), fingerprintOf(old.cert));
  await other.until((r) => receivedNumbers(r).length >= 10);

  put(next);
  const shown = async (): Promise<string> => {
    const visitor = await NumberedStream.start(t, { port, path: '/stream3', tls }).catch(() => null);
    const seen = visitor === null ? '' : fingerprint(visitor);
    visitor?.stop();
    return seen;
  };
  const endMs = performance.now() + 30_000;
  while ((await shown()) !== fingerprintOf(next.cert)) assert.ok(performance.now() < endMs, 'the new one is taken');
  const goal = stream.next;
  await reader.until((r) => receivedNumbers(r).at(-1)! >= goal);
  assert.ok(receivedNumbers(reader)[0] === 0 && isRun(receivedNumbers(reader)));
  assert.equal(stream.closed, false);
});

function fingerprint({ client }: NumberedStream): string {
  const socket = client.socket as TLSSocket;
  return socket.getPeerCertificate().fingerprint256;
}
