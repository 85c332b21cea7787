import assert from 'node:assert/strict';
import { test } from 'node:test';
import { occupyWorkers } from '../support/blocking.ts';
import { startTestServer } from '../support/media-server.ts';
import { isRun, NumberedStream, receivedNumbers } from '../support/numbered-stream.ts';
import { until } from '../support/program.ts';

const timeout = 60_000;
const entries = { ingest: new URL('../support/blockable-ingest.ts', import.meta.url) };
const gop = 10;
/** Later than the limit of any stream. */
const lateMs = 2100;

test('an ingest worker leaves out frames that are late only while it cannot keep up, and goes on at keyframes', {
  timeout,
}, async (t) => {
  const media = await startTestServer({ 'ingest-workers': '1', 'video-timeout': '60s' }, entries);
  t.after(media.stop);
  const { server } = media;
  const reader = await media.play('/stream1');
  const stream = await NumberedStream.start(t, { port: server.addresses.rtmpPort, path: '/stream1', gop });
  const shed = () => server.snapshot(0).publisher.shed;
  const more = (count: number) => {
    const goal = reader.units.length + count;
    return reader.until((r) => r.units.length >= goal);
  };
  await more(20);

  stream.pause();
  const pausedMs = performance.now();
  await until('the link has stood still', () => performance.now() - pausedMs >= lateMs);
  stream.resumeLate();
  await more(60);
  assert.equal(shed(), 0, 'the link was slow, not the server');
  assert.ok(isRun(receivedNumbers(reader)));

  const release = occupyWorkers('ingest');
  t.after(release);
  await until('frames are left out', () => shed() >= 5 * gop);
  release();
  const before = shed();
  await until('the worker has time', () => server.load().every(({ busy }) => busy < 0.9));
  await more(10 * gop);
  const numbers = receivedNumbers(reader);
  for (const [i, number] of numbers.entries())
    if (i > 0 && number !== numbers[i - 1]! + 1) assert.equal(number % gop, 0, `${numbers[i - 1]} ${number}`);
  assert.ok(isRun(numbers.slice(-5 * gop)));
  const { frames, shed: after } = server.snapshot(0).publisher;
  assert.ok(after >= before && frames - after >= numbers.length, `${frames} ${after} ${numbers.length}`);
});
