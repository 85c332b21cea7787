import assert from 'node:assert/strict';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { describe, type TestContext, test } from 'node:test';
import type { FleetReport } from '../../scripts/fleet/report.ts';
import { temporaryFolder } from '../support/media.ts';
import { type Program, start, until } from '../support/program.ts';

const script = resolve(import.meta.dirname, '../../scripts/fleet.ts');

interface FleetProgram extends Program {
  readonly folder: string;
  report(): FleetReport;
}

/** The fleet with everything that it writes in a folder of its own. */
function fly(t: TestContext, ...args: string[]): FleetProgram {
  const folder = temporaryFolder(t);
  const json = join(folder, 'report.json');
  const env = { ...process.env, TMPDIR: folder, TMP: folder, TEMP: folder };
  const program = start(t, process.execPath, [script, '--json', json, '--cache', join(folder, 'clips'), ...args], {
    env,
  });
  return { ...program, folder, report: () => JSON.parse(readFileSync(json, 'utf8')) as FleetReport };
}

/** Processes whose command line names the folder. */
function processesOf(folder: string): string[] {
  if (!existsSync('/proc/self/cmdline')) return [];
  return readdirSync('/proc').filter((name) => {
    try {
      return /^\d+$/.test(name) && readFileSync(`/proc/${name}/cmdline`, 'utf8').includes(`${folder}/skyweir-fleet-`);
    } catch {
      return false;
    }
  });
}

describe('npm run fleet', () => {
  test('FFmpeg cameras of different kinds: every frame comes back as it was sent', { timeout: 120_000 }, async (t) => {
    // Seven seconds after the last start, the first clips have begun again.
    const clips = ['--clips', '360p25-audio,480p30-bframes,360p15,720p25'];
    const program = fly(t, '--count', '4', '--ramp', '2', '--seconds', '7', ...clips);
    const { code, stdout, stderr } = await program.ended;
    assert.deepEqual([code, stderr], [0, ''], stdout);
    assert.match(stdout, /^PASS: 4 cameras, \d+ frames read back, every one in its place, none lost$/m);
    const { totals, cameras, verdict } = program.report();
    assert.equal(verdict.pass, true);
    assert.deepEqual(new Set(cameras.map(({ clip }) => clip)).size, 4);
    assert.equal(totals.frames, totals.sent);
    for (const { publisher, reader, clip } of cameras)
      assert.ok(reader!.frames > 60 && publisher.finished[0]!.sent === reader!.frames, `${clip}: ${reader!.frames}`);
    assert.deepEqual(readdirSync(program.folder).sort(), ['clips', 'report.json'], 'nothing else is left behind');
  });

  test('50 synthetic cameras, killed at random, with their bytes checked', { timeout: 60_000 }, async (t) => {
    const how = ['--synthetic', '--check-bytes', '--bitrate', '1', '--scenario', 'kills', '--ramp', '100'];
    const program = fly(t, '--count', '50', '--seconds', '4', ...how);
    const { code, stdout, stderr } = await program.ended;
    assert.deepEqual([code, stderr], [0, ''], stdout);
    const { totals, latency } = program.report();
    assert.ok(totals.kills > 0 && totals.returns === totals.kills, stdout);
    assert.deepEqual([totals.lost, totals.duplicated, totals.reordered, totals.corrupt], [0, 0, 0, 0]);
    assert.ok(totals.frames > 50 * 30 * 3 && latency!.count > 0 && latency!.count <= totals.frames, stdout);
  });

  test('a bad radio link costs time, not frames', { timeout: 60_000 }, async (t) => {
    const program = fly(
      t,
      '--synthetic',
      '--bitrate',
      '1',
      '--count',
      '6',
      '--seconds',
      '8',
      '--scenario',
      'bad-radio',
    );
    const { code, stdout } = await program.ended;
    assert.equal(code, 0, stdout);
    const { totals } = program.report();
    assert.ok(totals.broken >= 2 && totals.returns >= 2, stdout);
    assert.deepEqual([totals.lost, totals.corrupt], [0, 0]);
  });

  test('Ctrl-C ends everything in order and still reports', { timeout: 90_000 }, async (t) => {
    const program = fly(t, '--count', '3', '--seconds', '600', '--clips', '360p15');
    await until('the cameras fly', () => program.output.stdout.includes('3 of 3 live'), 60_000);
    const during = processesOf(program.folder);
    assert.ok(during.length >= (process.platform === 'linux' ? 3 : 0), 'the cameras are processes');
    program.kill('SIGINT');
    const { code, stdout } = await program.ended;
    assert.equal(code, 0, stdout);
    assert.match(stdout, /^PASS: 3 cameras, .* \(ended early\)$/m);
    assert.equal(program.report().interrupted, true);
    assert.deepEqual(processesOf(program.folder), []);
  });

  test('Ctrl-C before the start ends the preparation at once, without a report', { timeout: 60_000 }, async (t) => {
    const program = fly(t, '--count', '1', '--clips', '4k15');
    await until('a clip is being made', () => program.output.stdout.includes('making the clip 4k15'), 30_000);
    program.kill('SIGINT');
    const { code, stderr } = await program.ended;
    assert.deepEqual([code, stderr], [2, 'fleet: ended before the first camera had started\n']);
    assert.deepEqual(readdirSync(program.folder), ['clips']);
    assert.deepEqual(readdirSync(join(program.folder, 'clips')), []);
  });

  test('whoever reads the output may leave: the flight goes on, and its verdict is in the report', {
    timeout: 60_000,
  }, async (t) => {
    const program = fly(t, '--synthetic', '--count', '2', '--seconds', '3', '--bitrate', '1');
    await until('the first line has come', () => program.output.stdout.includes('\n'));
    program.process.stdout!.destroy();
    const { code, stderr } = await program.ended;
    assert.deepEqual([code, stderr], [0, '']);
    const { verdict, interrupted, totals } = program.report();
    assert.deepEqual([verdict.pass, interrupted], [true, false]);
    assert.ok(totals.frames > 0);
  });

  test('more connections than the process may open are refused before the start: they would look like refused by the server', {
    timeout: 30_000,
    skip: process.platform !== 'linux',
  }, async (t) => {
    const folder = temporaryFolder(t);
    const target = ['rtmp://127.0.0.1:9/stream%d', '--synthetic', '--count', '60'];
    const limited = ['-c', 'ulimit -n 100; exec "$@"', 'sh', process.execPath, script, ...target];
    const { code, stderr } = await start(t, 'sh', limited, { cwd: folder }).ended;
    assert.equal(code, 2);
    assert.match(
      stderr,
      /^fleet: --count 60: this fleet needs \d+ open files, and the process may have 100; .*"ulimit -n 256"/,
    );
  });

  test('a server that refuses is a failure with exit code 1, a wrong argument and nobody there are 2', {
    timeout: 60_000,
  }, async (t) => {
    const wrong = await fly(t, '--count', 'many').ended;
    assert.deepEqual([wrong.code, wrong.stdout], [2, '']);
    assert.match(wrong.stderr, /^fleet: --count many: must be a whole number/);
    const unwritable = await fly(t, '--synthetic', '--json', '/nowhere/report.json').ended;
    assert.deepEqual([unwritable.code, unwritable.stdout], [2, '']);
    assert.match(unwritable.stderr, /^fleet: --json \/nowhere\/report\.json: cannot be written \(ENOENT\)/);
    const nobody = await fly(t, '--synthetic', 'rtmp://127.0.0.1:9/stream%d').ended;
    assert.deepEqual([nobody.code, nobody.stderr], [2, 'fleet: nobody listens at rtmp://127.0.0.1:9/stream%d\n']);
    const refused = fly(t, '--synthetic', '--count', '2', '--seconds', '2', '--', '--max-connections', '1');
    const { code, stdout } = await refused.ended;
    assert.equal(code, 1, stdout);
    assert.match(stdout, /^FAIL: 1 camera never published .*: [12]/m);
  });
});
