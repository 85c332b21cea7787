/** Somebody sets the clock of the machine while streams run: an hour forward, then back. */
import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { test } from 'node:test';
import { pathToFileURL } from 'node:url';
import { temporaryFolder } from '../support/media.ts';
import { testCredentials } from '../support/media-server.ts';
import { isRun, NumberedStream, receivedNumbers } from '../support/numbered-stream.ts';
import { envelope, post, securityXml } from '../support/onvif-peer.ts';
import { start, until } from '../support/program.ts';
import { type ReceivedReport, RtspClient } from '../support/rtsp-client.ts';

const cli = resolve(import.meta.dirname, '../../src/cli.ts');
const stepper = resolve(import.meta.dirname, '../support/clock-stepper.ts');
const hourMs = 3_600_000;
const clockRate = 90_000;
/** Seconds between two pictures on a machine that does other things too; a step of the clock is far longer. */
const longestPauseSeconds = 8;
/** Milliseconds by which sender reports may be off: they are made on a machine that does other things too. */
const reportToleranceMs = 1000;

test('the wall clock is set: no stream, reader, deadline or subscription notices, and reports tell the new time', {
  timeout: 90_000,
}, async (t) => {
  const folder = temporaryFolder(t);
  const stepFile = join(folder, 'step');
  const program = start(
    t,
    process.execPath,
    [
      ...[cli, '--host', '127.0.0.1', '--rtmp-port', '0', '--rtsp-port', '0', '--onvif-port', '0', '--cameras', '2'],
      ...['--log-format', 'json', '--video-timeout', '20s', '--receive-timeout', '20s', '--publish-timeout', '20s'],
    ],
    {
      cwd: folder,
      env: {
        PATH: process.env['PATH'],
        SKYWEIR_USER: testCredentials.user,
        SKYWEIR_PASSWORD: testCredentials.password,
        NODE_OPTIONS: `--import=${pathToFileURL(stepper)}`,
        CLOCK_STEP_FILE: stepFile,
      },
    },
  );
  const record = () => /^.*"Skyweir is ready".*$/m.exec(program.output.stdout)?.[0];
  await until('the program is ready', () => record() !== undefined);
  const ready = JSON.parse(record()!) as { rtmp: string; rtsp: string; onvifPorts: number[] };
  const port = (address: string): number => Number(address.split(':').at(-1));
  const onvifPort = ready.onvifPorts[0]!;

  const options = { port: port(ready.rtsp), path: '/stream1', credentials: testCredentials };
  const readers = [await RtspClient.play(options), await RtspClient.play({ ...options, transport: 'udp' })];
  for (const reader of readers) t.after(() => reader.close());
  const stream = await NumberedStream.start(t, { port: port(ready.rtmp), path: '/stream1' });

  let offsetMs = 0;
  const ask = async (path: string, body: string): Promise<string> => {
    const { user, password } = testCredentials;
    const header = securityXml({ user, password, createdMs: Date.now() + offsetMs });
    const answer = await post(onvifPort, envelope(body, header), { path });
    assert.equal(answer.status, 200, answer.body);
    return answer.body;
  };
  const subscription = await ask('/onvif/event_service', '<tev:CreatePullPointSubscription/>');
  const pullPath = /\/onvif\/events\/subscription\/[^<]+/.exec(subscription)![0];

  /** The first report of each reader that tells the time as it is set now. */
  const reportsOfNow = async (): Promise<ReceivedReport[]> => {
    const isNow = ({ wallMs }: ReceivedReport): boolean => Math.abs(wallMs - offsetMs - Date.now()) < hourMs / 4;
    await Promise.all(readers.map((reader) => reader.until(({ reports }) => reports.slice(-1).some(isNow), 20_000)));
    return readers.map(({ reports }) => reports.at(-1)!);
  };

  let last = await reportsOfNow();
  for (const step of [hourMs, 0]) {
    const moved = step - offsetMs;
    offsetMs = step;
    writeFileSync(stepFile, `${step}`);
    const reports = await reportsOfNow();
    for (const [i, report] of reports.entries()) {
      const rtpMs = (((report.rtpTime - last[i]!.rtpTime) | 0) / clockRate) * 1000;
      const wallMs = report.wallMs - last[i]!.wallMs;
      assert.ok(Math.abs(wallMs - moved - rtpMs) < reportToleranceMs, `RTP time went on by ${rtpMs}, NTP by ${wallMs}`);
      assert.equal(report.ssrc, last[i]!.ssrc);
    }
    last = reports;
    const pull =
      '<tev:PullMessages><tev:Timeout>PT0S</tev:Timeout><tev:MessageLimit>10</tev:MessageLimit></tev:PullMessages>';
    await ask(pullPath, pull);
  }

  const goal = stream.next + 25;
  await Promise.all(readers.map((reader) => reader.until((r) => receivedNumbers(r).at(-1)! >= goal)));
  for (const reader of readers) {
    assert.ok(isRun(receivedNumbers(reader)));
    assert.equal(reader.lostPackets, 0);
    assert.equal(reader.closed, false);
    // RTP times follow the publisher's, whatever the wall clock does.
    const units = reader.units.filter(({ units }) => units.length > 0).slice(-200);
    for (const [i, unit] of units.entries())
      if (i > 0)
        assert.ok(
          ((unit.rtpTime - units[i - 1]!.rtpTime) | 0) < longestPauseSeconds * clockRate,
          'no jump in RTP time',
        );
  }
  assert.equal(stream.closed, false);
  program.kill('SIGTERM');
  const { code, stdout } = await program.ended;
  assert.equal(code, 0);
  assert.doesNotMatch(stdout, /timeout/, 'no deadline was hit');
});
