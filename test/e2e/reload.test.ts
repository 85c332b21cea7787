import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { join, resolve } from 'node:path';
import { describe, type TestContext, test } from 'node:test';
import { CliLog, type LogLine, portOf } from '../support/cli-log.ts';
import { temporaryFolder } from '../support/media.ts';
import { startTestServer } from '../support/media-server.ts';
import { isRun, NumberedStream, receivedNumbers } from '../support/numbered-stream.ts';
import { type Program, start, until } from '../support/program.ts';
import { RtmpClient } from '../support/rtmp-client.ts';
import { RtspClient } from '../support/rtsp-client.ts';

const timeout = 40_000;
const cli = resolve(import.meta.dirname, '../../src/cli.ts');
const credentials = { user: 'skyweir', password: 'correct horse' };

/** The program with a configuration file that the test changes. */
class Configured {
  readonly program: Program;
  readonly #file: string;
  readonly #log: CliLog;
  #seen = 0;

  constructor(t: TestContext, yaml: string, write = (file: string) => writeFileSync(file, yaml)) {
    const folder = temporaryFolder(t);
    this.#file = join(folder, 'skyweir.yaml');
    write(this.#file);
    const args = [cli, '--config', 'skyweir.yaml', '--host', '127.0.0.1', '--log-format', 'json', '--no-onvif'];
    const env = { PATH: process.env['PATH'], SKYWEIR_PASSWORD: credentials.password };
    this.program = start(t, process.execPath, [...args, '--rtsp-port', '0', '--http-port', '0'], { cwd: folder, env });
    this.#log = new CliLog(this.program);
  }

  /** Resolves with the first line since the last call that says this. */
  async says(text: string): Promise<LogLine> {
    const [line] = await this.saysAll([text]);
    return line!;
  }

  /** {@link Configured.says} for each of several, in whatever order they come: each thread writes to the log for itself. */
  async saysAll(texts: readonly string[]): Promise<LogLine[]> {
    const find = (text: string) =>
      this.#log.lines.findIndex(({ msg }, at) => at >= this.#seen && String(msg).includes(text));
    for (const text of texts) await until(`the log says ${text}: ${this.program.output.stderr}`, () => find(text) >= 0);
    const places = texts.map(find);
    this.#seen = Math.max(...places) + 1;
    return places.map((at) => this.#log.lines[at]!);
  }

  /** The same, of what can be read only once. */
  static piped(t: TestContext, yaml: string): Configured {
    return new Configured(t, yaml, (file) => {
      execFileSync('mkfifo', [file]);
      void writeFile(file, yaml);
    });
  }

  change(yaml: string): void {
    writeFileSync(this.#file, yaml);
  }

  async ready(): Promise<{ rtmp: number; rtsp: number }> {
    const line = await this.says('Skyweir is ready');
    return { rtmp: portOf(line, 'rtmp'), rtsp: portOf(line, 'rtsp') };
  }
}

async function freePort(): Promise<number> {
  const listener = createServer().listen(0, '127.0.0.1');
  await once(listener, 'listening');
  const { port } = listener.address() as { port: number };
  listener.close();
  await once(listener, 'close');
  return port;
}

const camera = (path: string, name: string) => `  - {path: ${path}, name: ${name}}\n`;

describe('a change of the configuration file', () => {
  test('renames cameras, adds and removes others, and changes limits, without touching a stream', {
    timeout,
  }, async (t) => {
    const base = 'rtmp-port: 0\nrate-limit: false\n';
    const server = new Configured(t, `${base}cameras:\n${camera('/a', 'One')}${camera('/b', 'Two')}`);
    const { rtmp, rtsp } = await server.ready();
    const stream = await NumberedStream.start(t, { port: rtmp, path: '/a' });
    const reader = await RtspClient.play({ port: rtsp, path: '/a', credentials });
    t.after(() => reader.close());
    await reader.until(() => receivedNumbers(reader).length > 10);

    server.change(`${base}max-connections: 2\ncameras:\n${camera('/c', 'Three')}${camera('/a2', 'One')}`);
    await server.says('configuration changed: max-connections, cameras');
    const before = stream.sent;
    await reader.until(() => receivedNumbers(reader).at(-1)! > before + 10);
    assert.ok(isRun(receivedNumbers(reader)), 'the reader of the camera whose path changed lost nothing');
    assert.ok(!stream.closed);

    const added = await NumberedStream.start(t, { port: rtmp, path: '/c' });
    const other = await RtspClient.play({ port: rtsp, path: '/c', credentials });
    t.after(() => other.close());
    await other.until(() => receivedNumbers(other).length > 5);
    // Two connections are the limit now.
    await assert.rejects(RtmpClient.publish({ port: rtmp, path: '/a2' }));
    const gone = await RtspClient.connect({ port: rtsp, path: '/b', credentials });
    t.after(() => gone.close());
    assert.equal((await gone.describe()).status, 404);
    added.stop();
  });

  test('cuts off who publishes to a camera that is gone, and who reads it, each with its reason', {
    timeout,
  }, async (t) => {
    const base = 'rtmp-port: 0\n';
    const server = new Configured(t, `${base}cameras:\n${camera('/a', 'One')}${camera('/b', 'Two')}`);
    const { rtmp, rtsp } = await server.ready();
    const stream = await NumberedStream.start(t, { port: rtmp, path: '/b' });
    const reader = await RtspClient.play({ port: rtsp, path: '/b', credentials });
    await reader.until(() => receivedNumbers(reader).length > 3);
    server.change(`${base}cameras:\n${camera('/a', 'One')}`);
    await until('both are gone', () => stream.closed && reader.closed);
    const [stopped, closed] = await server.saysAll(['RTMP Stream Stopped', 'reader closed']);
    assert.deepEqual([stopped!['camera'], stopped!['reason']], ['Two', 'camera_removed']);
    assert.equal(closed!['reason'], 'camera_removed');
  });

  test('opens a listener anew only when its port changed, and refuses a port that is taken with all the rest', {
    timeout,
  }, async (t) => {
    const [first, second] = [await freePort(), await freePort()];
    const taken = createServer().listen(0, '127.0.0.1');
    t.after(() => taken.close());
    await once(taken, 'listening');
    const takenPort = (taken.address() as { port: number }).port;

    const server = new Configured(t, `rtmp-port: ${first}\n`);
    const { rtsp } = await server.ready();
    const stream = await NumberedStream.start(t, { port: first, path: '/stream1' });
    const reader = await RtspClient.play({ port: rtsp, path: '/stream1', credentials });
    t.after(() => reader.close());
    await reader.until(() => receivedNumbers(reader).length > 3);

    server.change(`rtmp-port: ${takenPort}\nmax-connections: 1\n`);
    const refused = await server.says('is in use by another program');
    assert.match(String(refused.msg), new RegExp(`--rtmp-port ${takenPort}`));
    await server.says('all of it stays as it was');
    const still = await NumberedStream.start(t, { port: first, path: '/stream2' });
    still.stop();

    server.change(`rtmp-port: ${second}\n`);
    await server.says('configuration changed: rtmp-port');
    await assert.rejects(RtmpClient.publish({ port: first, path: '/stream3' }), /ECONNREFUSED/);
    await NumberedStream.start(t, { port: second, path: '/stream3' });
    const before = stream.sent;
    await reader.until(() => receivedNumbers(reader).at(-1)! > before + 5);
    assert.ok(isRun(receivedNumbers(reader)), 'the stream that came by the old port goes on');
  });

  test('that SIGHUP tells of while the program starts does not end it', { timeout }, async (t) => {
    let read = Promise.resolve();
    const server = new Configured(t, '', (file) => {
      execFileSync('mkfifo', [file]);
      read = writeFile(file, 'rtmp-port: 0\n');
    });
    await read;
    server.program.kill('SIGHUP');
    await server.ready();
  });

  test('with a mistake is refused whole, with the line, and SIGHUP reads the file too', { timeout }, async (t) => {
    const server = new Configured(t, 'rtmp-port: 0\n');
    const { rtmp } = await server.ready();
    server.change('rtmp-port: 0\nmax-connections: 1\nrate-limit-per-second: many\n');
    const mistake = await server.says('rate-limit-per-second many');
    assert.match(String(mistake.msg), /^skyweir\.yaml:3:24: /);
    await server.says('all of it stays as it was');
    for (const path of ['/stream1', '/stream2']) await NumberedStream.start(t, { port: rtmp, path });

    server.change('rtmp-port: 0\nmax-connections: 1\nstate-dir: elsewhere\n');
    await server.says('takes effect when Skyweir is started again: state-dir');
    await server.says('configuration changed: max-connections');
    if (process.platform === 'win32') return;
    server.change('rtmp-port: 0\nmax-connections: 1\nrate-limit-per-second: 0\n');
    server.program.kill('SIGHUP');
    await server.says('rate-limit-per-second 0: must be');
  });

  test('is asked for once only where it is a pipe', { timeout, skip: process.platform === 'win32' }, async (t) => {
    const server = Configured.piped(t, 'rtmp-port: 0\nmax-connections: 1\nhttp: true\n');
    const { rtmp } = await server.ready();
    server.program.kill('SIGHUP');
    await NumberedStream.start(t, { port: rtmp, path: '/stream1' });
    await assert.rejects(RtmpClient.publish({ port: rtmp, path: '/stream2' }));
    server.program.kill('SIGTERM');
    assert.equal((await server.program.ended).code, 0);
    assert.doesNotMatch(server.program.output.stdout, /"level":"error"/);
  });

  test('lets in and keeps out by address, before any other limit', { timeout }, async (t) => {
    const server = new Configured(t, 'rtmp-port: 0\ndeny-ip: 127.0.0.9\n');
    const { rtmp } = await server.ready();
    await assert.rejects(RtmpClient.publish({ port: rtmp, path: '/stream1', localAddress: '127.0.0.9' }));
    assert.equal((await server.says('refused in the last second'))['reason'], 'ip_denied');
    await NumberedStream.start(t, { port: rtmp, path: '/stream1' });
    server.change('rtmp-port: 0\nallow-ip: [127.0.0.8/30]\ndeny-ip: []\n');
    await server.says('configuration changed: allow-ip, deny-ip');
    await NumberedStream.start(t, { port: rtmp, path: '/stream2', localAddress: '127.0.0.9' });
    await assert.rejects(RtmpClient.publish({ port: rtmp, path: '/stream3' }));
  });
});

describe('hardware with its own ports', () => {
  test('takes its own cameras only, and two may have the same paths', { timeout }, async (t) => {
    const [north, south] = [await freePort(), await freePort()];
    const server = new Configured(
      t,
      `hardware:
  - {name: North, rtmp-port: ${north}, cameras: [{path: /stream1, rtsp-path: /north/1}, {path: /only}]}
  - {name: South, rtmp-port: ${south}, cameras: 1}
`,
    );
    const { rtsp } = await server.ready();
    const toNorth = await NumberedStream.start(t, { port: north, path: '/stream1', first: 1000 });
    const toSouth = await NumberedStream.start(t, { port: south, path: '/stream1', first: 500_000 });
    const read = async (path: string): Promise<number> => {
      const reader = await RtspClient.play({ port: rtsp, path, credentials });
      await reader.until(() => receivedNumbers(reader).length > 3);
      reader.close();
      return receivedNumbers(reader)[0]!;
    };
    assert.ok((await read('/north/1')) < 500_000);
    assert.ok((await read('/stream1')) >= 500_000);
    await assert.rejects(RtmpClient.publish({ port: south, path: '/only' }), /refused/);
    assert.equal((await server.says('on another port'))['reason'], 'path_elsewhere');
    assert.ok(!toNorth.closed && !toSouth.closed);
  });
});

test('a change that comes while the server starts waits for the end of the start', { timeout }, async (t) => {
  let changed: Promise<void> | null = null;
  const server = await startTestServer({}, {}, [], (starting) => {
    changed = starting.apply({ ...starting.config, maxConnections: 64 });
  });
  t.after(() => server.stop());
  await changed;
  assert.equal(server.server.config.maxConnections, 64);
  assert.ok(server.server.addresses.rtmpPort > 0);
  const publisher = await RtmpClient.connect({ port: server.server.addresses.rtmpPort, path: '/stream1' });
  t.after(() => publisher.socket.destroy());
  assert.equal(await publisher.accepted, true);
  // The acceptor knows its consumers.
  await server.play('/stream1');
});

test('a change that comes while the server starts fails with the start', { timeout }, async () => {
  const port = await freePort();
  const taken = createServer().listen(port, '127.0.0.1');
  await once(taken, 'listening');
  let changed: Promise<void> | null = null;
  const start = startTestServer({ 'rtsp-port': String(port) }, {}, [], (starting) => {
    changed = starting.apply({ ...starting.config, maxConnections: 64 });
    changed.catch(() => undefined);
  });
  await assert.rejects(start, /in use/);
  await assert.rejects(changed!, /in use/);
  taken.close();
});
