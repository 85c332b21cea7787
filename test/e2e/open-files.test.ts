import { readdirSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { resolve } from 'node:path';
import { type TestContext, test } from 'node:test';
import { anyPorts, CliLog, portOf } from '../support/cli-log.ts';
import { temporaryFolder } from '../support/media.ts';
import { start, until } from '../support/program.ts';

const cli = resolve(import.meta.dirname, '../../src/cli.ts');
const skip = process.platform !== 'linux' && 'it counts open files by /proc';
const openFiles = 200;

/** Opens connections that say nothing. Resolves when each was accepted by the system or refused. */
async function flood(t: TestContext, port: number, count: number): Promise<Socket[]> {
  const sockets = Array.from({ length: count }, () =>
    connect(port, '127.0.0.1')
      .on('error', () => undefined)
      .resume(),
  );
  t.after(() => {
    for (const socket of sockets) socket.destroy();
  });
  await Promise.all(sockets.map((socket) => new Promise((done) => socket.once('connect', done).once('close', done))));
  return sockets;
}

test('connections that exhaust the open files are refused, and none of them stays open', {
  skip,
  timeout: 60_000,
}, async (t) => {
  const few = ['--max-connections', '20', '--cameras', '4', '--no-onvif', '--no-rate-limit', '--log-format', 'json'];
  const command = [process.execPath, cli, ...anyPorts, ...few, '--no-auth'];
  const limited = ['-c', `ulimit -n ${openFiles}; exec "$@"`, 'sh', ...command];
  const program = start(t, 'sh', limited, { cwd: temporaryFolder(t), env: { PATH: process.env['PATH'] } });
  const log = new CliLog(program);
  const port = portOf(await log.ready(), 'rtsp');
  const descriptors = () => readdirSync(`/proc/${program.process.pid}/fd`).length;
  const before = descriptors();
  for (let wave = 0; wave < 3; wave++) {
    const sockets = await flood(t, port, 300);
    await until('the server has refused some', () => sockets.some(({ destroyed }) => destroyed));
    for (const socket of sockets) socket.destroy();
    await until('the files of the connections are closed', () => descriptors() <= before + 8);
  }
  await until('the log says why', () => log.said('may open no more files').length > 0);
});
