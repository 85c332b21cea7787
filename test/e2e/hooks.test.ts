import assert from 'node:assert/strict';
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { type AddressInfo, createServer } from 'node:net';
import { join, resolve } from 'node:path';
import { describe, type TestContext, test } from 'node:test';
import { limits } from '../../src/base/limits.ts';
import { signatureHeader } from '../../src/base/message-signature.ts';
import { StartError } from '../../src/config/errors.ts';
import type { HookEntry } from '../../src/config/hook-list.ts';
import { makeCertificate } from '../support/certificates.ts';
import { HookTarget } from '../support/hook-target.ts';
import { temporaryFolder } from '../support/media.ts';
import { startTestServer, type TestServer, testCredentials } from '../support/media-server.ts';
import { NumberedStream } from '../support/numbered-stream.ts';
import { start, until } from '../support/program.ts';
import { RtmpClient } from '../support/rtmp-client.ts';

const timeout = 120_000;

/** A server with hooks. */
class Hooked {
  readonly media: TestServer;
  readonly stateDir: string;

  private constructor(media: TestServer, stateDir: string) {
    this.media = media;
    this.stateDir = stateDir;
  }

  static async start(
    t: TestContext,
    hooks: HookEntry[],
    flags: Record<string, string | boolean> = {},
  ): Promise<Hooked> {
    const stateDir = temporaryFolder(t);
    const media = await startTestServer({ 'state-dir': stateDir, onvif: false, ...flags });
    t.after(media.stop);
    const hooked = new Hooked(media, stateDir);
    await hooked.change(hooks);
    return hooked;
  }

  async change(hooks: HookEntry[]): Promise<void> {
    const { server } = this.media;
    await server.apply({ ...server.config, hooks });
  }

  /** Starts and stops a stream. */
  async flash(path: string): Promise<void> {
    const { server } = this.media;
    const client = await RtmpClient.publish({ port: server.addresses.rtmpPort, path });
    client.stop();
    await until('it is gone', () => server.connections === 0);
    client.destroy();
  }

  get deadLetters(): Record<string, unknown>[] {
    const file = join(this.stateDir, 'hooks-dead-letters.jsonl');
    if (!existsSync(file)) return [];
    const lines = readFileSync(file, 'utf8').split('\n').slice(0, -1);
    return lines.map((line) => JSON.parse(line));
  }

  async api(path: string, method = 'GET'): Promise<{ status: number; text: string }> {
    const { user, password } = testCredentials;
    const Authorization = `Basic ${Buffer.from(`${user}:${password}`).toString('base64')}`;
    const url = `http://127.0.0.1:${this.media.server.addresses.httpPort}${path}`;
    const response = await fetch(url, { method, headers: { Authorization } });
    return { status: response.status, text: await response.text() };
  }
}

describe('webhooks', () => {
  test('a target that dies for a while gets everything afterwards, in order; another is not held up', {
    timeout,
  }, async (t) => {
    const [mortal, steady] = [await HookTarget.open(t), await HookTarget.open(t)];
    const secretFile = join(temporaryFolder(t), 'secret');
    const secret = 'correct horse battery staple, and more';
    writeFileSync(secretFile, `${secret}\n`);
    const hooked = await Hooked.start(t, [
      { name: 'mortal', url: mortal.url, 'secret-file': secretFile },
      { name: 'steady', url: steady.url },
    ]);
    await hooked.flash('/stream1');
    await Promise.all([mortal.has(2), steady.has(2)]);
    mortal.close();
    for (const path of ['/stream2', '/stream3', '/stream2']) await hooked.flash(path);
    await steady.has(8);
    const { log } = hooked.media;
    await until('it is told', () => log.some(({ msg }) => msg === 'a hook does not reach its target; events wait'));
    const down = JSON.parse((await hooked.api('/api/v1/hooks')).text).hooks[0];
    assert.deepEqual([down.reachable, down.queuedEvents, down.last.result], [false, 6, 'retry']);

    await mortal.open();
    await mortal.has(8);
    assert.deepEqual(new Set(mortal.messages.map(({ id }) => id)), new Set(steady.messages.map(({ id }) => id)));
    for (const name of ['Stream 2', 'Stream 3']) {
      const of = (target: HookTarget) => target.messages.filter(({ camera }) => camera?.name === name);
      assert.deepEqual(of(mortal), of(steady));
    }
    assert.deepEqual(
      mortal.events.filter((event) => event.endsWith('2')),
      ['started Stream 2', 'stopped Stream 2', 'started Stream 2', 'stopped Stream 2'],
    );
    for (const { headers, body } of mortal.received) {
      const given = String(headers['skyweir-signature']);
      const wallMs = Number(/^t=(\d+),/.exec(given)![1]) * 1000;
      assert.equal(given, signatureHeader(secret, body, wallMs)['Skyweir-Signature']);
      assert.ok(Math.abs(Date.now() - wallMs) < 60_000);
      assert.equal(headers['skyweir-id'], JSON.parse(body).id);
      assert.match(String(headers['user-agent']), /^Skyweir\//);
    }
    assert.equal(steady.received[0]!.headers['skyweir-signature'], undefined);
    await until('it is told too', () => log.some(({ msg }) => msg === 'a hook reaches its target again'));
    assert.deepEqual(hooked.deadLetters, []);
  });

  test('what is refused is written down and not sent again; a redirect is not followed', { timeout }, async (t) => {
    const [target, elsewhere] = [await HookTarget.open(t), await HookTarget.open(t)];
    const hooked = await Hooked.start(t, [{ name: 'noc', url: target.url, events: ['started'] }]);
    target.answer = { status: 307, headers: { Location: elsewhere.url } };
    await hooked.flash('/stream1');
    await until('it is written down', () => hooked.deadLetters.length === 1);
    target.answer = { status: 410 };
    await hooked.flash('/stream1');
    await until('the next one too', () => hooked.deadLetters.length === 2);
    const letters = hooked.deadLetters.map(({ hook, cause, detail, attempts }) => [hook, cause, detail, attempts]);
    assert.deepEqual(letters, [
      ['noc', 'refused', 'HTTP 307, and redirects are not followed', 1],
      ['noc', 'refused', 'HTTP 410', 1],
    ]);
    assert.deepEqual(hooked.deadLetters[1]!['event'], target.messages[1]);
    assert.deepEqual([target.received.length, elsewhere.received.length], [2, 0]);
    const metrics = (await hooked.api('/metrics')).text;
    assert.match(metrics, /^skyweir_hook_dropped_total\{hook="noc",cause="refused"\} 2$/m);
    assert.match(metrics, /^skyweir_hook_queue_events\{hook="noc"\} 0$/m);
  });

  test('HTTPS checks the certificate, against a CA of its own where one is named', { timeout }, async (t) => {
    const folder = temporaryFolder(t);
    const { cert, key } = makeCertificate(folder, 'hook');
    const target = await HookTarget.open(t, { cert: readFileSync(cert, 'utf8'), key: readFileSync(key, 'utf8') });
    const trusted = { name: 'trusted', url: target.url, 'ca-file': cert };
    const hooked = await Hooked.start(t, [trusted, { name: 'stranger', url: target.url }]);
    await hooked.flash('/stream1');
    await target.has(2);
    const { hooks } = JSON.parse((await hooked.api('/api/v1/hooks')).text);
    await until('the other has failed', () => hooked.media.log.some(({ hook }) => hook === 'stranger'));
    assert.deepEqual(target.events, ['started Stream 1', 'stopped Stream 1']);
    assert.equal(hooks[0].reachable, true);
    const line = hooked.media.log.find(({ hook }) => hook === 'stranger')!;
    assert.match(String(line['reason']), /certificate/);
  });

  test('a trial answers with what came back, and nothing of it is secret', { timeout }, async (t) => {
    const target = await HookTarget.open(t);
    target.answer = { status: 202, body: 'thank you' };
    const url = `${target.url.replace('//', '//user:hunter2@')}?token=hunter2`;
    const hooked = await Hooked.start(t, [{ name: 'noc', url, headers: { 'X-Key': 'hunter2' } }]);
    const { status, text } = await hooked.api('/api/v1/hooks/0/test?event=degraded', 'POST');
    assert.equal(status, 200, text);
    const { result, detail, status: answered, answer, content } = JSON.parse(text);
    assert.deepEqual([result, detail, answered, answer], ['delivered', 'HTTP 202', 202, 'thank you']);
    assert.equal(JSON.parse(content).event, 'degraded');
    const [received] = target.received;
    assert.deepEqual([received?.path, received?.headers['x-key']], ['/hook?token=hunter2', 'hunter2']);
    assert.equal(received?.headers.authorization, `Basic ${Buffer.from('user:hunter2').toString('base64')}`);
    assert.equal((await hooked.api('/api/v1/hooks/7/test', 'POST')).status, 404);
    target.close();
    const failed = JSON.parse((await hooked.api('/api/v1/hooks/0/test', 'POST')).text);
    assert.deepEqual([failed.result, failed.status], ['retry', null]);
    await hooked.flash('/stream1');
    await until('it is told', () => hooked.media.log.some(({ hook }) => hook === 'noc'));
    const shown = [await hooked.api('/api/v1/hooks'), await hooked.api('/api/v1/config'), await hooked.api('/metrics')];
    for (const everything of [...shown.map((answer) => answer.text), JSON.stringify(hooked.media.log)])
      assert.doesNotMatch(everything, /hunter2/);
    assert.match(shown[0]!.text, /\*\*\*@127\.0\.0\.1/);
  });

  test('a stop delivers what it can, and writes down the rest', { timeout }, async (t) => {
    const [target, gone] = [await HookTarget.open(t), await HookTarget.open(t)];
    gone.close();
    const { stopMs } = limits.hooks;
    t.after(() => Object.assign(limits.hooks, { stopMs }));
    Object.assign(limits.hooks, { stopMs: 20_000 });
    const list = [
      { name: 'here', url: target.url },
      { name: 'gone', url: gone.url },
    ];
    const hooked = await Hooked.start(t, list, { 'drain-timeout': '60s' });
    const { server } = hooked.media;
    await NumberedStream.start(t, { port: server.addresses.rtmpPort, path: '/stream1' });
    await hooked.media.stop();
    assert.deepEqual(
      target.messages.map(({ event, reason }) => [event, reason]),
      [
        ['started', null],
        ['stopped', 'shutdown'],
      ],
    );
    assert.deepEqual(
      hooked.deadLetters.map(({ hook, cause }) => [hook, cause]),
      [
        ['gone', 'stopped'],
        ['gone', 'stopped'],
      ],
    );
  });
});

describe('a change of the hooks', () => {
  test('keeps what waits for a hook that stays, and gives up what waits for one that is gone', {
    timeout,
  }, async (t) => {
    const [first, second] = [await HookTarget.open(t), await HookTarget.open(t)];
    first.close();
    const hooked = await Hooked.start(t, [
      { name: 'moved', url: first.url },
      { name: 'gone', url: first.url },
    ]);
    await hooked.flash('/stream1');
    await until('both have failed', () => new Set(hooked.media.log.map(({ hook }) => hook)).size === 3);
    await assert.rejects(
      hooked.change([{ name: 'moved', url: second.url, 'secret-file': '/nowhere/secret' }]),
      (error) => {
        assert.ok(error instanceof StartError);
        assert.match(error.message, /^hook moved: secret-file \/nowhere\/secret: cannot read the file/);
        return true;
      },
    );
    await hooked.change([{ name: 'moved', url: second.url }]);
    await second.has(2);
    assert.deepEqual(second.events, ['started Stream 1', 'stopped Stream 1']);
    assert.deepEqual(
      hooked.deadLetters.map(({ hook, cause }) => [hook, cause]),
      [
        ['gone', 'removed'],
        ['gone', 'removed'],
      ],
    );
  });

  test('in the file takes effect while streams run', { timeout }, async (t) => {
    const [first, second] = [await HookTarget.open(t), await HookTarget.open(t)];
    const folder = temporaryFolder(t);
    const file = join(folder, 'skyweir.yaml');
    const write = (hooks: string) =>
      writeFileSync(file, `rtmp-port: 0\nrtsp-port: 0\nhttp: false\nonvif: false\n${hooks}`);
    write(`hooks:\n  - url: ${first.url}\n    events: [started]\n`);
    const cli = resolve(import.meta.dirname, '../../src/cli.ts');
    const args = [cli, '--config', 'skyweir.yaml', '--host', '127.0.0.1', '--log-format', 'json'];
    const env = { PATH: process.env['PATH'], SKYWEIR_PASSWORD: testCredentials.password };
    const program = start(t, process.execPath, args, { cwd: folder, env });
    const lines = () =>
      program.output.stdout
        .split('\n')
        .slice(0, -1)
        .map((line) => JSON.parse(line));
    await until('it is ready', () => lines().some(({ msg }) => msg === 'Skyweir is ready'));
    const port = Number(
      String(lines().find(({ msg }) => msg === 'Skyweir is ready').rtmp)
        .split(':')
        .at(-1),
    );
    const stream = await NumberedStream.start(t, { port, path: '/stream1' });
    await first.has(1);
    write(`hooks:\n  - url: ${second.url}\n    events: [started, stopped]\n    cameras: [Stream 2]\n`);
    await until('it is changed', () => lines().some(({ msg }) => msg === 'configuration changed: hooks'));
    for (const path of ['/stream2', '/stream3']) (await RtmpClient.publish({ port, path })).stop();
    await second.has(2);
    assert.deepEqual(second.events, ['started Stream 2', 'stopped Stream 2']);
    assert.deepEqual(first.events, ['started Stream 1']);
    assert.ok(!stream.closed);
  });
});

describe('targets of XProtect', () => {
  test('an Analytics Event is posted as XML, and one that nobody defined is refused', { timeout }, async (t) => {
    const target = await HookTarget.open(t);
    const hooked = await Hooked.start(t, [
      { type: 'milestone-analytics', name: 'xprotect', url: target.url, events: ['started'] },
    ]);
    await hooked.flash('/stream1');
    await target.has(1);
    const { headers, body } = target.received[0]!;
    assert.match(String(headers['content-type']), /^text\/xml/);
    assert.match(body, /<Message>RTMP Stream Started<\/Message>/);
    assert.match(body, /<Source><Name>Stream 1<\/Name><\/Source>/);
    target.answer = { status: 200, body: 'Warning: Event message not known' };
    await hooked.flash('/stream1');
    await until('it is refused', () => hooked.deadLetters.length === 1);
    assert.match(String(hooked.deadLetters[0]!['detail']), /no Analytics Event with this name/);
  });

  test('a Generic Event is a text over TCP, one connection for each', { timeout }, async (t) => {
    const texts: string[] = [];
    const server = createServer((socket) => {
      let text = '';
      socket.on('data', (bytes) => {
        text += bytes;
        socket.write('1,1,1,Skyweir\r\n');
      });
      socket.on('end', () => texts.push(text));
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    t.after(() => server.close());
    const { port } = server.address() as AddressInfo;
    const url = `tcp://127.0.0.1:${port}`;
    const hooked = await Hooked.start(t, [{ type: 'milestone-generic', url, separator: '\r\n' }]);
    await hooked.flash('/stream1');
    await until('two events came', () => texts.length === 2);
    assert.deepEqual(texts, [
      'Skyweir;started;Stream 1;/stream1;;\r\n',
      'Skyweir;stopped;Stream 1;/stream1;unpublished;\r\n',
    ]);
    const { text } = await hooked.api('/api/v1/hooks/0/test', 'POST');
    assert.equal(JSON.parse(text).answer, '1,1,1,Skyweir\r\n');
  });

  test('or over UDP, one datagram for each', { timeout }, async (t) => {
    const socket = createSocket('udp4').bind(0, '127.0.0.1');
    await once(socket, 'listening');
    t.after(() => socket.close());
    const texts: string[] = [];
    socket.on('message', (bytes) => texts.push(bytes.toString()));
    const text = '{title} {camera}';
    const url = `udp://127.0.0.1:${socket.address().port}`;
    const hooked = await Hooked.start(t, [{ type: 'milestone-generic', url, text, cameras: ['/stream1'] }]);
    await hooked.flash('/stream2');
    await hooked.flash('/stream1');
    await until('two events came', () => texts.length === 2);
    assert.deepEqual(texts, ['RTMP Stream Started Stream 1', 'RTMP Stream Stopped Stream 1']);
  });
});
