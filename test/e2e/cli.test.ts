import assert from 'node:assert/strict';
import { once } from 'node:events';
import { existsSync, writeFileSync } from 'node:fs';
import { createServer, type Server as Listener } from 'node:net';
import { join, resolve } from 'node:path';
import { describe, type TestContext, test } from 'node:test';
import { freePorts } from '../../native-free-bench/system/free-port.ts';
import { StartError } from '../../src/config/errors.ts';
import { temporaryFolder } from '../support/media.ts';
import { startTestServer } from '../support/media-server.ts';
import { isRun, NumberedStream, receivedNumbers } from '../support/numbered-stream.ts';
import { type Program, start, until } from '../support/program.ts';
import { RtspClient, type RtspClientOptions } from '../support/rtsp-client.ts';

const timeout = 120_000;
/** Milliseconds that a start may take. */
const startMs = 60_000;
const cli = resolve(import.meta.dirname, '../../src/cli.ts');

/** `node src/cli.ts` in a folder of its own, on this machine only. */
function run(t: TestContext, folder: string, args: string[]): Program {
  const all = [cli, '--host', '127.0.0.1', '--log-format', 'json', '--onvif-port', '0', '--http-port', '0', ...args];
  return start(t, process.execPath, all, { cwd: folder, env: { PATH: process.env['PATH'] } });
}

interface ReadyLine {
  readonly rtmp: string;
  readonly rtsp: string;
  readonly pushUrl: string;
  readonly pullUrl: string;
  readonly user: string;
  readonly passwordOrigin: string;
}

/** Resolves with the line that says where the server is reached. */
async function ready(program: Program): Promise<ReadyLine> {
  const find = () => /^\{.*"msg":"Skyweir is ready".*\}$/m.exec(program.output.stdout)?.[0];
  const isOver = () => find() !== undefined || program.process.exitCode !== null;
  await until(`it is ready: ${program.output.stderr}`, isOver, startMs);
  assert.equal(program.process.exitCode, null, program.output.stderr);
  return JSON.parse(find()!);
}

function portOf(address: string): number {
  return Number(address.slice(address.lastIndexOf(':') + 1));
}

/** Listens like another program. Port 0 takes a free one. */
async function listen(port: number): Promise<Listener> {
  const listener = createServer();
  listener.listen(port, '127.0.0.1');
  await once(listener, 'listening');
  return listener;
}

/** Throws when another program has the port. */
async function assertFree(port: number): Promise<void> {
  const listener = await listen(port);
  listener.close();
  await once(listener, 'close');
}

describe('src/start.js, which npm start runs', () => {
  const startFile = resolve(import.meta.dirname, '../../src/start.js');

  for (const [name, cache] of [
    ['keeps what Node made of the sources', 'compiled'],
    ['starts also where nothing can be kept', 'file/compiled'],
  ] as const)
    test(name, { timeout }, async (t) => {
      const folder = temporaryFolder(t);
      writeFileSync(join(folder, 'file'), '');
      const NODE_COMPILE_CACHE = join(folder, cache);
      for (let i = 0; i < 2; i++) {
        const ports = ['--rtmp-port', '0', '--rtsp-port', '0', '--onvif-port', '0', '--http-port', '0'];
        const args = [startFile, '--host', '127.0.0.1', '--log-format', 'json', ...ports];
        const program = start(t, process.execPath, args, { cwd: folder, env: { NODE_COMPILE_CACHE } });
        await ready(program);
        program.process.kill('SIGTERM');
        await program.ended;
        assert.equal(program.process.exitCode, 0, program.output.stderr);
        assert.equal(existsSync(NODE_COMPILE_CACHE), cache === 'compiled');
      }
    });
});

describe('the program', () => {
  for (const signal of ['SIGTERM', 'SIGINT'] as const) {
    test(`tells where it is reached, serves, and ends on ${signal} with everybody connected`, {
      timeout,
    }, async (t) => {
      const args = ['--rtmp-port', '0', '--rtsp-port', '0', '--drain-timeout', '60s'];
      const program = run(t, temporaryFolder(t), args);
      const line = await ready(program);
      const [rtmpPort, rtspPort] = [portOf(line.rtmp), portOf(line.rtsp)];
      assert.equal(line.pushUrl, `rtmp://127.0.0.1:${rtmpPort}/stream1`);
      assert.equal(line.pullUrl, `rtsp://127.0.0.1:${rtspPort}/stream1`);
      assert.equal(line.passwordOrigin, 'generated');

      // Shown once, beside the log.
      const password = new RegExp(`password for user ${line.user}: (\\S+)`).exec(program.output.stderr)![1]!;
      assert.ok(!program.output.stdout.includes(password));
      const credentials = { user: line.user, password };
      const play = async (options: Partial<RtspClientOptions>) => {
        const reader = await RtspClient.play({ port: rtspPort, path: '/stream1', credentials, ...options });
        t.after(() => reader.close());
        return reader;
      };
      const [overTcp, overUdp] = await Promise.all([play({}), play({ transport: 'udp' })]);
      const stream = await NumberedStream.start(t, { port: rtmpPort, path: '/stream1' });
      await Promise.all([overTcp, overUdp].map((reader) => reader.until((r) => receivedNumbers(r).length >= 20)));
      assert.ok(isRun(receivedNumbers(overTcp)));
      // One that takes nothing any more, with more for it than the kernel's buffers hold.
      const stalled = await play({ path: '/stream2' });
      const huge = await NumberedStream.start(t, { port: rtmpPort, path: '/stream2', bytes: 400_000 });
      await stalled.until((r) => receivedNumbers(r).length >= 2);
      stalled.socket.pause();
      await until('its buffers are full', () => huge.sent >= 40);
      const idle = await RtspClient.connect({ port: rtspPort, path: '/stream1' });
      t.after(() => idle.close());

      const killedMs = performance.now();
      program.kill(signal);
      const { code, stderr } = await program.ended;
      const tookMs = performance.now() - killedMs;
      assert.equal(code, 0, stderr);
      assert.ok(tookMs < 55_000, `it took ${tookMs} ms, not the drain timeout`);
      await until('everybody was told', () => overTcp.closed && overUdp.closed && idle.closed && stream.closed);
      assert.ok(overTcp.saidBye && overUdp.saidBye);
      await assertFree(rtmpPort);
      await assertFree(rtspPort);
    });
  }

  test('keeps its password over a restart and does not show it again', { timeout }, async (t) => {
    const folder = temporaryFolder(t);
    const ports = ['--rtmp-port', '0', '--rtsp-port', '0'];
    const first = run(t, folder, ports);
    const { user } = await ready(first);
    const password = /password for user \S+: (\S+)/.exec(first.output.stderr)![1]!;
    first.kill('SIGTERM');
    assert.equal((await first.ended).code, 0);

    const second = run(t, folder, ports);
    const line = await ready(second);
    assert.equal(line.passwordOrigin, 'stored');
    const reader = await RtspClient.connect({
      port: portOf(line.rtsp),
      path: '/stream1',
      credentials: { user, password },
    });
    t.after(() => reader.close());
    assert.equal((await reader.describe()).status, 200);
    second.kill('SIGTERM');
    const { code, stdout, stderr } = await second.ended;
    assert.equal(code, 0);
    assert.ok(!stdout.includes(password) && !stderr.includes(password));
  });
});

describe('a port that another program has', () => {
  for (const taken of ['rtmp', 'rtsp', 'onvif', 'http'] as const) {
    const flag = `--${taken}-port`;
    const other = taken === 'rtmp' ? '--rtsp-port' : '--rtmp-port';
    const third = taken === 'onvif' ? '--rtsp-port' : '--onvif-port';

    test(`${flag}: one line that names it, exit code 1`, { timeout }, async (t) => {
      const listener = await listen(0);
      t.after(() => listener.close());
      const { port } = listener.address() as { port: number };
      const free = await freePorts();
      const folder = temporaryFolder(t);
      const { code, stdout, stderr } = await run(t, folder, [third, '0', flag, `${port}`, other, `${free}`]).ended;
      assert.equal(code, 1);
      assert.match(stderr, new RegExp(`^skyweir: ${flag} ${port}: the port is in use.*\n$`));
      assert.doesNotMatch(stdout, /is ready/);
      await assertFree(free);
    });

    test(`${flag}: a server inside another program leaves no port open either`, { timeout }, async (t) => {
      const listener = await listen(0);
      t.after(() => listener.close());
      const { port } = listener.address() as { port: number };
      const free = await freePorts();
      const flags = { [third.slice(2)]: '0', [flag.slice(2)]: `${port}`, [other.slice(2)]: `${free}` };
      await assert.rejects(startTestServer(flags), StartError);
      await assertFree(free);
    });
  }
});
