import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { type AddressInfo, createServer } from 'node:net';
import { resolve } from 'node:path';
import { describe, type TestContext, test } from 'node:test';
import { makeClip, pushArgs, temporaryFolder } from '../support/media.ts';
import { type Program, start, until } from '../support/program.ts';
import { RunningTime } from '../support/running-time.ts';

const demo = resolve(import.meta.dirname, '../../scripts/demo.ts');

/** Ports of its own, so that tests and people can run the demo at the same time. */
const apart = ['--host', '127.0.0.1', '--rtmp-port', '0', '--rtsp-port', '0'];

function startDemo(t: TestContext, ...args: string[]): Program {
  return start(t, process.execPath, [demo, ...apart, ...args]);
}

/** The cells of a camera in each table: name, path, state, fps, Mbit/s, GOP, size, readers, queue, drops, jumps, uptime. */
function rowsOf(output: string, path: string): string[][] {
  const rows = output.split('\n').filter((line) => line.includes(` ${path} `));
  return rows.map((row) => row.replace(/[●○] /, '').split(/ {2,}/));
}

function newestRow(output: string, path: string): string[] {
  return rowsOf(output, path).at(-1) ?? [];
}

describe('npm run demo', () => {
  test('without a terminal: totals each second, and the table after every fifth, with the figures of each drone; it ends within three seconds', {
    timeout: 120_000,
  }, async (t) => {
    const program = startDemo(t, '--drones', '5');
    const { output } = program;
    await until('it has begun', () => output.stdout.includes('\n'));
    const time = new RunningTime();
    t.after(() => time.stop());
    const rates = [25, 25, 12.5, 25, 25];
    // Figures of a machine that does other work too. The drone on the bad link has none that can be foretold.
    const isRight = ([, , state, fps, , gop, size]: string[], index: number): boolean =>
      state === 'live' &&
      size === '640x360' &&
      (index === 3 || (Math.abs(Number(fps) - rates[index]!) <= rates[index]! / 4 && Math.abs(Number(gop) - 50) <= 5));
    // Some drones land or pause after a while: the figures of each have been right once.
    for (const index of rates.keys())
      await until(
        `the figures of drone ${index + 1} are right: ${output.stdout}`,
        () => rowsOf(output.stdout, `/stream${index + 1}`).some((row) => isRight(row, index)),
        60_000,
      );
    await until(
      'the newest table is whole',
      () => rowsOf(output.stdout, '/stream6').length === rowsOf(output.stdout, '/stream1').length,
    );
    const ranMs = time.ms;
    const { stdout } = output;
    assert.match(stdout, /^Skyweir \S+ demo: RTMP port \d+, RTSP port \d+\n/);
    const lines = stdout
      .split('\n')
      .map((line) =>
        /^00:\d\d {2}\d of 6 cameras live {2}in /.test(line) ? 'totals' : / \/stream6 /.test(line) ? 'table' : '',
      );
    const shown = lines.filter((line) => line !== '');
    assert.ok(shown.filter((line) => line === 'totals').length >= ranMs / 1200 - 2, `${shown} in ${ranMs} ms`);
    for (const [i, line] of shown.entries()) assert.equal(line, i % 6 === 5 ? 'table' : 'totals', String(shown));
    assert.match(stdout, /^00:\d\d {2}Drone 5: RTMP stream started on \/stream5$/m);
    for (const index of rates.keys()) {
      const [name, path, , , , , , readers, , drops] = newestRow(stdout, `/stream${index + 1}`);
      assert.deepEqual([name, path], [`Drone ${index + 1}`, `/stream${index + 1}`]);
      assert.deepEqual([readers, drops], [index === 0 ? '2' : '1', '0']);
    }
    assert.deepEqual(newestRow(stdout, '/stream6').slice(0, 4), ['Free', '/stream6', 'offline', '-']);
    assert.ok(!stdout.includes('\x1b'));
    const beforeMs = time.ms;
    program.kill('SIGINT');
    const { code, stderr } = await program.ended;
    assert.deepEqual([code, stderr], [0, '']);
    assert.ok(time.ms - beforeMs < 3000, `it ended after ${time.ms - beforeMs} ms`);
  });

  test('the addresses it prints are right: a player watches, FFmpeg pushes to the free camera', {
    timeout: 90_000,
  }, async (t) => {
    const program = startDemo(t, '--drones', '2');
    await until('both drones fly', () => program.output.stdout.includes('2 of 3 cameras live'));
    const { stdout } = program.output;
    const watch = /ffplay -rtsp_transport tcp (rtsp:\S+)/.exec(stdout)![1]!;
    const push = /^Push +(rtmp:\S+)/m.exec(stdout)![1]!;

    const player = start(t, 'ffmpeg', [
      ...['-v', 'error', '-rtsp_transport', 'tcp', '-i', watch],
      ...['-frames:v', '20', '-f', 'framemd5', '-'],
    ]);
    const { code, stdout: pictures, stderr } = await player.ended;
    assert.deepEqual([code, stderr], [0, '']);
    assert.ok(pictures.split('\n').filter((line) => line.startsWith('0,')).length === 20);

    const clip = await makeClip(temporaryFolder(t), 'clip', { seconds: 60, fps: 10 });
    start(t, 'ffmpeg', pushArgs(clip, push));
    await until('the free camera shows it', () => newestRow(program.output.stdout, '/stream3')[2] === 'live');
    assert.equal(newestRow(program.output.stdout, '/stream3')[6], '320x180');
    assert.match(program.output.stdout, /Free: RTMP stream started on \/stream3 from 127\.0\.0\.1/);
    assert.match(program.output.stdout, /this is yours/);

    program.kill('SIGINT');
    assert.equal((await program.ended).code, 0);
  });

  test('a port that is taken is replaced, and the output says so', { timeout: 60_000 }, async (t) => {
    const blocker = createServer().listen(0, '127.0.0.1');
    t.after(() => blocker.close());
    await new Promise((done) => blocker.once('listening', done));
    const { port } = blocker.address() as AddressInfo;
    const program = startDemo(t, '--drones', '1', '--rtmp-port', String(port));
    await until('the drone flies', () => program.output.stdout.includes('1 of 2 cameras live'));
    const text = `RTMP port ${port} is taken by another program: a free port is used instead.`;
    assert.ok(program.output.stdout.includes(text));
  });

  test('ends by itself after a time', { timeout: 60_000 }, async (t) => {
    const { code, stdout, stderr } = await startDemo(t, '--drones', '1', '--seconds', '1').ended;
    assert.deepEqual([code, stderr], [0, '']);
    assert.match(stdout, /Ended after 00:\d\d\.\n$/);
  });

  test('a wrong argument is one line and exit code 2', { timeout: 60_000 }, async (t) => {
    const { code, stdout, stderr } = await startDemo(t, '--drones', '500').ended;
    assert.deepEqual([code, stdout, stderr], [2, '', 'demo: --drones 500: must be a whole number from 1 to 200\n']);
  });
});

const hasScript = process.platform === 'linux' && existsSync('/usr/bin/script');

describe('npm run demo on a terminal', { skip: hasScript ? false : 'needs script(1) of util-linux' }, () => {
  test('draws in place, and Ctrl-C ends it with the terminal as it was', {
    timeout: 60_000,
  }, async (t) => {
    const command = `stty cols 100 rows 30; exec ${process.execPath} ${demo} ${apart.join(' ')} --drones 3`;
    const environment = { ...process.env, TERM: 'xterm', LC_ALL: 'C.UTF-8', NO_COLOR: '' };
    const child = spawn('/usr/bin/script', ['-qec', command, '/dev/null'], { env: environment });
    t.after(() => child.kill('SIGKILL'));
    let screen = '';
    child.stdout.setEncoding('utf8').on('data', (text) => {
      screen += text;
    });
    await until('the drones are on the table', () => /3 of 4 cameras live/.test(screen));
    await until('rates are on the table', () => /Drone 1 {2}\/stream1 .*\d\.\d/.test(screen));
    const before = screen.indexOf('\x1b[?1049h\x1b[?25l');
    assert.ok(before >= 0, 'the other screen is used, without a cursor');
    assert.ok(!screen.includes('\x1b[2J'), 'nothing is cleared, so nothing flickers');

    const ended = new Promise((done) => child.on('close', done));
    child.stdin.write('\x03');
    assert.equal(await ended, 0);
    const restored = screen.lastIndexOf('\x1b[?25h\x1b[?1049l');
    assert.ok(restored > before, 'the terminal is given back');
    const afterwards = screen.slice(restored);
    assert.match(afterwards, /Drone 3 {2}\/stream3/, 'the last table stays');
    assert.match(afterwards, /Ended after 00:\d\d\.\r\n$/);
    assert.ok(!afterwards.includes('\x1b[H'), 'nothing is drawn after that');
  });
});
