import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { type AddressInfo, createServer } from 'node:net';
import { resolve } from 'node:path';
import { describe, type TestContext, test } from 'node:test';
import { makeClip, pushArgs, temporaryFolder } from '../support/media.ts';
import { type Program, start, until } from '../support/program.ts';

const demo = resolve(import.meta.dirname, '../../scripts/demo.ts');

/** Ports of its own, so that tests and people can run the demo at the same time. */
const apart = ['--host', '127.0.0.1', '--rtmp-port', '0', '--rtsp-port', '0'];

function startDemo(t: TestContext, ...args: string[]): Program {
  return start(t, process.execPath, [demo, ...apart, ...args]);
}

/** The cells of a camera in the newest table: name, path, state, fps, Mbit/s, GOP, size, readers, queue, drops, jumps, uptime. */
function newestRow(output: string, path: string): string[] {
  const row = output.split('\n').findLast((line) => line.includes(` ${path} `)) ?? '';
  return row.replace(/[●○] /, '').split(/ {2,}/);
}

describe('npm run demo', () => {
  test('without a terminal: totals each second, the table every five, and an end by itself', {
    timeout: 60_000,
  }, async (t) => {
    const { code, stdout, stderr } = await startDemo(t, '--drones', '5', '--seconds', '9').ended;
    assert.deepEqual([code, stderr], [0, '']);
    assert.match(stdout, /^Skyweir \S+ demo: RTMP port \d+, RTSP port \d+\n/);
    assert.ok([...stdout.matchAll(/^00:0\d {2}\d of 6 cameras live {2}in /gm)].length >= 7);
    assert.match(stdout, /^00:0\d {2}Drone 5: RTMP stream started on \/stream5$/m);

    const rates = [25, 25, 12.5, 25, 25];
    for (const [index, rate] of rates.entries()) {
      const [name, path, state, fps, , gop, size, readers, , drops] = newestRow(stdout, `/stream${index + 1}`);
      assert.deepEqual([name, path, state, size], [`Drone ${index + 1}`, `/stream${index + 1}`, 'live', '640x360']);
      // Figures of a machine that does other work too. The drone on the bad link has none that can be foretold.
      if (index !== 3) {
        assert.ok(Math.abs(Number(fps) - rate) <= rate / 4, `drone ${index + 1} has ${fps} fps`);
        assert.ok(Math.abs(Number(gop) - 50) <= 5, `drone ${index + 1} has a GOP of ${gop}`);
      }
      assert.deepEqual([readers, drops], [index === 0 ? '2' : '1', '0']);
    }
    assert.deepEqual(newestRow(stdout, '/stream6').slice(0, 4), ['Free', '/stream6', 'offline', '-']);
    assert.match(stdout, /Ended after 00:\d\d\.\n$/);
    assert.ok(!stdout.includes('\x1b'));
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

    const clip = await makeClip(temporaryFolder(t), 'clip', { seconds: 8 });
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
    const args = ['--drones', '1', '--seconds', '3', '--rtmp-port', String(port)];
    const { code, stdout } = await startDemo(t, ...args).ended;
    assert.equal(code, 0);
    assert.ok(stdout.includes(`RTMP port ${port} is taken by another program: a free port is used instead.`));
    assert.match(stdout, /1 of 2 cameras live/);
  });

  test('a wrong argument is one line and exit code 2', { timeout: 20_000 }, async (t) => {
    const { code, stdout, stderr } = await startDemo(t, '--drones', '500').ended;
    assert.deepEqual([code, stdout, stderr], [2, '', 'demo: --drones 500: must be a whole number from 1 to 200\n']);
  });
});

const hasScript = process.platform === 'linux' && existsSync('/usr/bin/script');

describe('npm run demo on a terminal', { skip: hasScript ? false : 'needs script(1) of util-linux' }, () => {
  test('draws in place, and Ctrl-C ends it within three seconds with the terminal as it was', {
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
    await until('rates are on the table', () => /Drone 1 {2}\/stream1 .*25\.\d/.test(screen));
    const before = screen.indexOf('\x1b[?1049h\x1b[?25l');
    assert.ok(before >= 0, 'the other screen is used, without a cursor');
    assert.ok(!screen.includes('\x1b[2J'), 'nothing is cleared, so nothing flickers');

    const ended = new Promise((done) => child.on('close', done));
    const pressedMs = performance.now();
    child.stdin.write('\x03');
    assert.equal(await ended, 0);
    assert.ok(performance.now() - pressedMs < 3000);
    const restored = screen.lastIndexOf('\x1b[?25h\x1b[?1049l');
    assert.ok(restored > before, 'the terminal is given back');
    const afterwards = screen.slice(restored);
    assert.match(afterwards, /Drone 3 {2}\/stream3/, 'the last table stays');
    assert.match(afterwards, /Ended after 00:\d\d\.\r\n$/);
    assert.ok(!afterwards.includes('\x1b[H'), 'nothing is drawn after that');
  });
});
