/**
 * A long comparison of readers: `node scripts/reader-soak.ts --minutes 10`. One FFmpeg publisher at a low bitrate, and FFmpeg
 * and GStreamer over UDP, TCP, HTTP tunnel and RTSPS at the same time; beside them two readers of ours that watch how RTP time,
 * the NTP time of the sender reports and the wall clock run against each other. A table and JSON at the end; exit code 1 when a
 * reader had to reconnect, complained, missed pictures, or when a clock drifts. Ctrl-C ends it early with both, or with 2 before
 * the publisher is there.
 */
import { spawn } from 'node:child_process';
import { setTimeout as delay } from 'node:timers/promises';
import { Command } from 'commander';
import { temporaryFolder } from '../native-free-bench/system/temporary-folder.ts';
import { makeCertificate } from '../test/support/certificates.ts';
import { startTestServer, testCredentials } from '../test/support/media-server.ts';
import { until } from '../test/support/program.ts';
import type { ClockDrift } from './reader-soak/clock-drift.ts';
import { type ClockFindings, ClockReader } from './reader-soak/clock-reader.ts';
import { Player, type PlayerFindings, playerKinds } from './reader-soak/players.ts';
import { firstSignal } from './tools/first-signal.ts';
import { ReportFile, ReportFileError } from './tools/report-file.ts';

const fps = 25;
const path = '/stream1';

/** What a run may show at most. Pictures: FFmpeg counts twice a second. */
const bounds = { missingFrames: fps / 2, missingShare: 0.005, ppm: 200, timelineMs: 40 } as const;

const { minutes, json } = new Command('reader-soak')
  .option('--minutes <n>', 'for so long', '10')
  .option('--json <file>', 'write the findings there too')
  .parse()
  .opts<{ minutes: string; json?: string }>();

const file = reportFile(json);
const wish = new AbortController();
const stop = firstSignal().then(() => wish.abort());
const folder = temporaryFolder('skyweir-soak-');
const pem = makeCertificate(folder.path, 'server', { rsaBits: 2048 });
const media = await startTestServer({ tls: true, 'tls-cert': pem.cert, 'tls-key': pem.key });
const { rtmpPort, rtspPort } = media.server.addresses;
const picture = `testsrc2=size=640x360:rate=${fps}`;
const encoder = `-c:v libx264 -preset ultrafast -tune zerolatency -b:v 500k -maxrate 500k -bufsize 500k -g ${2 * fps}`;
const publisher = spawn(
  'ffmpeg',
  [
    ...`-nostdin -v error -re -f lavfi -i ${picture} ${encoder}`.split(' '),
    ...`-pix_fmt yuv420p -f flv rtmps://127.0.0.1:${rtmpPort}${path}`.split(' '),
  ],
  // A process group of its own, as that of the players: Ctrl-C is for us, who end them.
  { stdio: ['ignore', 'ignore', 'inherit'], detached: true },
);
let publishing = true;
publisher.on('close', () => {
  publishing = false;
});
process.on('exit', () => publisher.kill('SIGKILL'));
await until('the publisher is there', () => wish.signal.aborted || media.server.snapshot(0).publisher.frames > 0);
if (wish.signal.aborted) giveUp('ended before the publisher was there');

const startMs = performance.now();
const { user, password } = testCredentials;
const players = playerKinds({ user, password, hostAndPort: `127.0.0.1:${rtspPort}`, path }).map(
  (kind) => new Player(kind),
);
const options = { port: rtspPort, path, credentials: testCredentials };
const clockReaders = {
  TCP: await ClockReader.play(options),
  UDP: await ClockReader.play({ ...options, transport: 'udp' }),
};
const rssAtStart = process.memoryUsage.rss();
const endMs = startMs + Number(minutes) * 60_000;
while (performance.now() < endMs && publishing && !wish.signal.aborted) {
  await Promise.race([stop, delay(Math.min(30_000, Math.max(0, endMs - performance.now())))]);
  const frames = players.map((player) => player.frames).join(' ');
  console.error(`${Math.round((performance.now() - startMs) / 1000)} s: pictures ${frames}`);
}

const published = publishing;
const flownMinutes = (performance.now() - startMs) / 60_000;
const played = await Promise.all(players.map((player) => player.stop()));
const clocks = Object.entries(clockReaders).map(([name, reader]) => ({ name: `own ${name}`, ...reader.stop() }));
const server = { ...media.server.snapshot(0).reader, rssAtStart, rssAtEnd: process.memoryUsage.rss() };
publisher.kill('SIGKILL');
await media.stop();
folder.remove();

const problems = [
  ...(published ? [] : ['the publisher ended']),
  ...(server.cutOff > 0 ? [`the server cut ${server.cutOff} reader(s) off`] : []),
  ...played.flatMap(judgePlayer),
  ...clocks.flatMap(judgeClock),
];
const interrupted = wish.signal.aborted;
const findings = { minutes: Number(minutes), interrupted, players: played, clocks, server, problems };
console.log(JSON.stringify(findings));
printTables();
for (const problem of problems) console.log(`FAILED: ${problem}`);
orGiveUp(() => file?.write(findings));
process.exit(problems.length === 0 ? 0 : 1);

/** Looked at before anything is started. */
function reportFile(name: string | undefined): ReportFile | null {
  return name === undefined ? null : orGiveUp(() => new ReportFile('--json', name));
}

function orGiveUp<T>(action: () => T): T {
  try {
    return action();
  } catch (error) {
    if (!(error instanceof ReportFileError)) throw error;
    return giveUp(error.message);
  }
}

function giveUp(why: string): never {
  console.error(`reader-soak: ${why}`);
  process.exit(2);
}

function missing({ frames, seconds }: PlayerFindings): number {
  return Math.round(seconds * fps) - frames;
}

function judgePlayer(player: PlayerFindings): string[] {
  const { name, frames, reconnects, complaints, lines, seconds } = player;
  const found: string[] = [];
  if (frames === 0) found.push(`${name}: no picture`);
  if (reconnects > 0) found.push(`${name}: ${reconnects} reconnect(s)`);
  if (complaints > 0) found.push(`${name}: ${complaints} complaint(s): ${lines.join(' | ')}`);
  if (missing(player) > Math.max(bounds.missingFrames, bounds.missingShare * seconds * fps))
    found.push(`${name}: ${missing(player)} pictures missing`);
  return found;
}

function judgeClock(clock: ClockFindings & { readonly name: string }): string[] {
  const { name, reports, arrivals, closed, lostPackets, firstDelayMs, lastDelayMs } = clock;
  const found: string[] = [];
  if (closed) found.push(`${name}: its connection ended`);
  if (lostPackets > 0) found.push(`${name}: ${lostPackets} packets lost`);
  for (const [what, drift] of Object.entries({ reports, arrivals }))
    if (drift === null) found.push(`${name}: no ${what}`);
    // In a short run the jitter of single instants makes any slope.
    else if (Math.abs(drift.ppm) > bounds.ppm && flownMinutes >= 2)
      found.push(`${name}: ${what} drift by ${drift.ppm.toFixed(1)} ppm`);
  if (Math.abs(lastDelayMs - firstDelayMs) > bounds.timelineMs)
    found.push(`${name}: the timeline moved by ${(lastDelayMs - firstDelayMs).toFixed(1)} ms`);
  return found;
}

function printTables(): void {
  const columns = (cells: readonly unknown[]) => console.log(cells.map((cell) => String(cell).padEnd(22)).join(''));
  columns(['reader', 'pictures', 'missing', 'reconnects', 'complaints', 'seconds']);
  for (const player of played) {
    const { name, frames, reconnects, complaints, seconds } = player;
    columns([name, frames, missing(player), reconnects, complaints, seconds.toFixed(1)]);
  }
  columns([
    'reader',
    'pictures',
    'lost packets',
    'RTP:NTP ppm (ms)',
    'RTP:wall ppm (ms)',
    'delay first -> last',
    'latest picture',
  ]);
  for (const { name, units, lostPackets, reports, arrivals, firstDelayMs, lastDelayMs, latestMs } of clocks) {
    const moved = `${firstDelayMs.toFixed(1)} -> ${lastDelayMs.toFixed(1)} ms`;
    columns([name, units, lostPackets, driftText(reports), driftText(arrivals), moved, `${latestMs.toFixed(0)} ms`]);
  }
}

function driftText(drift: ClockDrift | null): string {
  return drift === null ? '-' : `${drift.ppm.toFixed(1)} (${drift.residualMs.toFixed(1)})`;
}
