/** The whole process stands still for longer than its deadlines, as when a hypervisor stops a machine for a snapshot. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { startCliServer } from '../support/cli-server.ts';
import { testCredentials } from '../support/media-server.ts';
import { NumberedStream, receivedNumbers } from '../support/numbered-stream.ts';
import { until } from '../support/program.ts';
import { RtspClient } from '../support/rtsp-client.ts';

/** Of a block of statistics. */
interface Window {
  readonly latenessMs: { readonly maximum: number } | null;
}

test('after a standstill publishers are not cut off while what they have sent is still to be read', {
  timeout: 90_000,
}, async (t) => {
  const cli = await startCliServer(t, ['--video-timeout', '4s', '--receive-timeout', '4s', '--stats-interval', '5s']);
  const paths = ['/stream1', '/stream2', '/stream3', '/stream4'];
  const reader = await RtspClient.play({ port: cli.rtspPort, path: paths[0]!, credentials: testCredentials });
  t.after(() => reader.close());
  const streams = await Promise.all(paths.map((path) => NumberedStream.start(t, { port: cli.rtmpPort, path })));
  await reader.until((r) => receivedNumbers(r).length >= 5);

  cli.program.kill('SIGSTOP');
  const stoppedMs = performance.now();
  await until('the deadlines are over', () => performance.now() - stoppedMs >= 6000);
  const goals = streams.map(({ next }) => next);
  cli.program.kill('SIGCONT');

  await reader.until((r) => receivedNumbers(r).at(-1)! >= goals[0]!);
  await until('the streams go on', () => streams.every(({ closed, next }, i) => closed || next >= goals[i]! + 50));
  assert.deepEqual(cli.reasons(), []);

  const blocks = () => cli.lines().filter(({ window }) => window !== undefined);
  const before = blocks().length;
  await until('the statistics tell of it', () => blocks().length >= before + 2 * paths.length);
  const late = blocks().filter(({ window }) => ((window as Window).latenessMs?.maximum ?? 0) >= 3000);
  assert.ok(late.length > 0);
  for (const { verdict, because } of late) assert.equal(verdict, 'server', String(because));
});
