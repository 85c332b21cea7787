/** A log that cannot be written must not touch the streams that it tells of. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, existsSync, openSync } from 'node:fs';
import { resolve } from 'node:path';
import { describe, type TestContext, test } from 'node:test';
import { freePorts } from '../../native-free-bench/system/free-port.ts';
import { temporaryFolder } from '../support/media.ts';
import { testCredentials } from '../support/media-server.ts';
import { isRun, NumberedStream, receivedNumbers } from '../support/numbered-stream.ts';
import { RtmpClient } from '../support/rtmp-client.ts';
import { RtspClient } from '../support/rtsp-client.ts';

const cli = resolve(import.meta.dirname, '../../src/cli.ts');
const fullDevice = '/dev/full';

/** Starts the program; `out` is where its standard output and standard error go. */
async function run(t: TestContext, format: string, out: number | 'pipe') {
  const [rtmp, rtsp] = [await freePorts(), await freePorts()];
  const ports = ['--rtmp-port', String(rtmp), '--rtsp-port', String(rtsp), '--onvif-port', '0', '--http-port', '0'];
  const chatty = ['--log-format', format, '--log-level', 'trace', '--stats-interval', '1s', '--cameras', '2'];
  const child = spawn(process.execPath, [cli, '--host', '127.0.0.1', ...ports, ...chatty], {
    cwd: temporaryFolder(t),
    env: {
      PATH: process.env['PATH'],
      SKYWEIR_USER: testCredentials.user,
      SKYWEIR_PASSWORD: testCredentials.password,
    },
    stdio: ['ignore', out, out],
  });
  t.after(() => {
    child.kill('SIGKILL');
  });
  const ended = once(child, 'exit') as Promise<[number | null, NodeJS.Signals | null]>;
  return { child, rtmp, rtsp, ended };
}

/** Streams, reads, and stops the program in order. */
async function serves(t: TestContext, { child, rtmp, rtsp, ended }: Awaited<ReturnType<typeof run>>): Promise<void> {
  const credentials = testCredentials;
  const reader = await retried(child, () => RtspClient.play({ port: rtsp, path: '/stream1', credentials }));
  t.after(() => reader.close());
  const stream = await NumberedStream.start(t, { port: rtmp, path: '/stream1' });
  await reader.until((r) => receivedNumbers(r).length > 0);
  // Every refusal is a line of the log.
  for (let i = 0; i < 500; i++) {
    const client = await RtmpClient.connect({ port: rtmp, path: `/nowhere${i}${'x'.repeat(300)}` });
    await client.ended;
  }
  const goal = stream.next + 20;
  await reader.until((r) => receivedNumbers(r).at(-1)! >= goal);
  assert.ok(isRun(receivedNumbers(reader)));
  assert.equal(stream.closed, false);
  child.kill('SIGTERM');
  assert.deepEqual(await ended, [0, null]);
}

/** Tries until the program listens. */
async function retried<T>(child: { readonly exitCode: number | null }, what: () => Promise<T>): Promise<T> {
  const endMs = performance.now() + 20_000;
  for (;;) {
    try {
      return await what();
    } catch (error) {
      assert.equal(child.exitCode, null, 'the program has ended');
      if (performance.now() > endMs) throw error;
      await new Promise((next) => setTimeout(next, 50));
    }
  }
}

describe('a log that cannot be written', { skip: process.platform === 'win32' }, () => {
  for (const format of ['json', 'pretty']) {
    test(`${format}, on a disk that is full: streams go on, and SIGTERM ends the program in order`, {
      timeout: 180_000,
      skip: !existsSync(fullDevice) && `needs ${fullDevice}`,
    }, async (t) => {
      const out = openSync(fullDevice, 'w');
      t.after(() => closeSync(out));
      await serves(t, await run(t, format, out));
    });

    test(`${format}, to a pipe whose reader has gone: streams go on, and SIGTERM ends the program in order`, {
      timeout: 180_000,
    }, async (t) => {
      const running = await run(t, format, 'pipe');
      running.child.stdout!.destroy();
      running.child.stderr!.destroy();
      await serves(t, running);
    });

    test(`${format}, to a pipe that nobody reads: streams go on, and SIGTERM ends the program in order`, {
      timeout: 180_000,
    }, async (t) => {
      // Paused from the start, as all pipes are that have no listener.
      await serves(t, await run(t, format, 'pipe'));
    });
  }
});
