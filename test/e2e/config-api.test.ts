import assert from 'node:assert/strict';
import { once } from 'node:events';
import { existsSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { describe, type TestContext, test } from 'node:test';
import { type ApiAnswer, ConfigServer } from '../support/config-server.ts';
import { makeClip, pushArgs, temporaryFolder } from '../support/media.ts';
import { testCredentials } from '../support/media-server.ts';
import { isRun, NumberedStream, receivedNumbers } from '../support/numbered-stream.ts';
import { OnvifClient } from '../support/onvif-client.ts';
import { start, until } from '../support/program.ts';
import { RtmpClient } from '../support/rtmp-client.ts';
import { RtspClient } from '../support/rtsp-client.ts';

const timeout = 120_000;
const base = '# the site of the north\nrtmp-port: 0 # any\nrate-limit: false\n';

interface Outcome {
  readonly version: string;
  readonly changes: readonly {
    readonly key: string;
    readonly applies: string;
    readonly from?: unknown;
    readonly to?: unknown;
  }[];
  readonly waiting: readonly string[];
  readonly notes: readonly string[];
  readonly location?: string;
}

interface Problem {
  readonly detail: string;
  readonly problems: readonly {
    readonly key: string | null;
    readonly value: unknown;
    readonly remedy: string;
    readonly line: number | null;
  }[];
}

interface Shown {
  readonly version: string;
  readonly file: { readonly path: string; readonly kept: boolean } | null;
  readonly config: Readonly<Record<string, unknown>>;
  readonly settings: Readonly<Record<string, Readonly<Record<string, unknown>>>>;
  readonly problems: readonly unknown[];
  readonly waiting: readonly { readonly key: string }[];
}

/** Fails unless the status is this; returns the body. */
function expect<T>({ status, body }: ApiAnswer<T>, wanted: number): T {
  assert.equal(status, wanted, JSON.stringify(body));
  return body;
}

async function takenPort(t: TestContext): Promise<number> {
  const listener = createServer().listen(0, '127.0.0.1');
  t.after(() => listener.close());
  await once(listener, 'listening');
  return (listener.address() as { port: number }).port;
}

describe('a camera over HTTP', () => {
  test('is created, published to by FFmpeg and read, renamed while it streams, and removed with its publisher', {
    timeout,
  }, async (t) => {
    const server = await ConfigServer.start(t, `${base}cameras: # two for now\n  - path: /a # roof\n  - path: /b\n`);
    const { body, headers } = await server.ask<Outcome>('POST', '/hardware/1/cameras', {
      name: 'Drone',
      path: '/drone',
    });
    assert.equal(body.location, '/api/v1/hardware/1/cameras/3');
    assert.equal(headers.get('location'), body.location);
    assert.deepEqual(body.changes, [{ key: 'cameras', applies: 'live' }]);
    const path = '/hardware/1/cameras/3';
    const camera = expect(await server.ask('GET', path), 200);
    assert.deepEqual(camera, { channel: 3, name: 'Drone', path: '/drone', rtspPath: '/drone', own: {}, stream: 2 });

    const clip = await makeClip(temporaryFolder(t), 'clip', { seconds: 60, fps: 10 });
    const ffmpeg = start(t, 'ffmpeg', pushArgs(clip, `rtmp://127.0.0.1:${server.ports.rtmp}/drone`));
    await until('FFmpeg publishes', () => server.said('RTMP Stream Started').length === 1);
    const reader = await RtspClient.play({ port: server.ports.rtsp, path: '/drone', credentials: testCredentials });
    t.after(() => reader.close());
    await reader.until(() => reader.units.length > 15);

    const renamed = expect(await server.ask<Outcome>('PATCH', path, { name: 'Heron', path: '/heron' }), 200);
    assert.deepEqual(renamed.changes, [{ key: 'cameras', applies: 'live' }]);
    const before = reader.units.length;
    await reader.until(() => reader.units.length > before + 15);
    assert.equal(ffmpeg.process.exitCode, null);
    assert.deepEqual(server.said('RTMP Stream Stopped'), []);
    const { streams } = expect(
      await server.ask<{ streams: { name: string; live: boolean; channel: number }[] }>('GET', '/streams'),
      200,
    );
    assert.deepEqual(
      streams.map(({ name, live, channel }) => [name, live, channel]),
      [
        ['Stream 1', false, 1],
        ['Stream 2', false, 2],
        ['Heron', true, 3],
      ],
    );

    expect(await server.ask('DELETE', path), 200);
    await ffmpeg.ended;
    await until('its end is logged', () => server.said('RTMP Stream Stopped').length === 1);
    assert.equal(server.said('RTMP Stream Stopped')[0]!['reason'], 'camera_removed');
    expect(await server.ask('GET', path), 404);
    expect(await server.ask('DELETE', path), 404);
    assert.equal(server.text, `${base}cameras:\n  # two for now\n  - path: /a # roof\n  - path: /b\n`);
    assert.equal(server.said('configuration changed').length, 3, 'nothing was applied twice');
  });

  test('that takes the place of one that was removed begins with nothing', { timeout }, async (t) => {
    const server = await ConfigServer.start(t, `${base}cameras:\n  - path: /a\n`);
    const cameras = '/hardware/1/cameras';
    const { body } = await server.ask<Outcome>('POST', cameras, { name: 'Old', path: '/old' });
    await NumberedStream.start(t, { port: server.ports.rtmp, path: '/old' });
    const figures = async () => {
      const answer = await server.ask<{ streams: { total: { frames: number; starts: number } }[] }>('GET', '/streams');
      return answer.body.streams[1]!.total;
    };
    await until('frames have come', async () => (await figures()).frames > 0);
    expect(await server.ask('DELETE', body.location!.replace('/api/v1', '')), 200);
    await until('its end is logged', () => server.said('RTMP Stream Stopped').length === 1);
    expect(await server.ask('POST', cameras, { name: 'New', path: '/new' }), 201);
    const { frames, starts } = await figures();
    assert.deepEqual([frames, starts], [0, 0]);
    const { events } = (await server.ask<{ events: unknown[] }>('GET', '/streams/1/events')).body;
    assert.deepEqual(events, []);
  });

  test('in the middle goes while its neighbours stream on, each with its ONVIF channel', { timeout }, async (t) => {
    const server = await ConfigServer.start(t, `${base}cameras: 3\n`);
    const { rtmp, rtsp } = server.ports;
    const third = await NumberedStream.start(t, { port: rtmp, path: '/stream3' });
    const reader = await RtspClient.play({ port: rtsp, path: '/stream3', credentials: testCredentials });
    t.after(() => reader.close());
    await reader.until(() => receivedNumbers(reader).length > 10);
    const { notes } = expect(await server.ask<Outcome>('DELETE', '/hardware/1/cameras/2'), 200);
    assert.deepEqual(notes, ['cameras: 3 was turned into the list hardware, which says the same']);
    const before = third.sent;
    await reader.until(() => receivedNumbers(reader).at(-1)! > before + 10);
    assert.ok(isRun(receivedNumbers(reader)) && !third.closed);

    const channels = async (): Promise<unknown> => {
      const { cameras } = expect(
        await server.ask<{ cameras: { channel: number; name: string }[] }>('GET', '/hardware/1'),
        200,
      );
      return cameras.map(({ channel, name }) => [channel, name]);
    };
    const expected = [
      [1, 'Stream 1'],
      [3, 'Stream 3'],
    ];
    /** What a recorder finds at the device: the token of each profile with its name and its stream. */
    const profiles = async (): Promise<unknown> => {
      const client = await OnvifClient.connect({ port: server.ports.onvif, credentials: testCredentials });
      const read = await client.profiles();
      const uris = await Promise.all(read.map(({ $: { token } }) => client.streamUri(token, 'RTSP')));
      return read.map(({ $: { token }, name, videoSourceConfiguration: { sourceToken } }, at) => {
        return [token, name, sourceToken, uris[at]!.pathname];
      });
    };
    const tokens = [
      ['Profile_1', 'Stream 1', 'VideoSource_1', '/stream1'],
      ['Profile_3', 'Stream 3', 'VideoSource_3', '/stream3'],
    ];
    assert.deepEqual([await channels(), await profiles()], [expected, tokens]);
    await server.stop();
    await server.run();
    assert.deepEqual([await channels(), await profiles()], [expected, tokens]);
  });
});

describe('the configuration over HTTP', () => {
  test('says of each key what it is, where that comes from and when it takes effect', { timeout }, async (t) => {
    const server = await ConfigServer.start(t, `${base}max-connections: 5\n`, ['--cameras', '3']);
    const answer = await server.ask<Shown>('GET', '/config');
    const { settings, config, file, version } = expect(answer, 200);
    assert.equal(answer.headers.get('etag'), `"${version}"`);
    assert.deepEqual(file, { path: server.file, kept: false });
    assert.equal(config['max-connections'], 5);
    const picked = (key: string): unknown[] => {
      const { value, default: fallback, from, applies, unit, changeable } = settings[key]!;
      return [value, fallback, from, applies, unit, changeable];
    };
    assert.deepEqual(picked('max-connections'), [5, 32, 'file', 'live', '', true]);
    assert.deepEqual(picked('cameras'), [3, 16, 'flag', 'live', 'cameras', false]);
    assert.deepEqual(picked('user'), [testCredentials.user, 'skyweir', 'environment', 'restart', '', false]);
    assert.deepEqual(picked('max-connections-per-ip'), [16, 16, 'default', 'live', 'connections', true]);
    assert.equal(settings['max-connections']!['place'], `${server.file}:4`);
    assert.ok(!JSON.stringify(answer.body).includes(testCredentials.password));
  });

  test('with a mistake is refused whole, and validation says the same without trying', { timeout }, async (t) => {
    const server = await ConfigServer.start(t, `${base}cameras: 2\n`);
    const mistakes = { 'max-connections': 9, 'rtsp-prot': 1, cameras: [{ path: '/a' }, { path: '/A' }] };
    const refused = await server.ask<Problem>('PATCH', '/config', mistakes);
    assert.match(refused.headers.get('content-type')!, /^application\/problem\+json/);
    const { problems } = expect(refused, 422);
    assert.deepEqual(
      problems.map(({ key, remedy }) => [key, remedy.split(';').at(-1)!.trim()]),
      [['rtsp-prot', 'did you mean rtsp-port?']],
    );
    const validate = (body: unknown) =>
      server.ask<Problem & { valid: boolean; changes: unknown[] }>('POST', '/config/validate', body);
    const yaml = expect(await validate({ yaml: 'user: ada\nmax-connections: many\nhardware: [{cameras: 17}]\n' }), 200);
    assert.deepEqual(
      [yaml.valid, ...yaml.problems.map(({ key, value, line }) => [key, value, line])],
      [false, ['user', 'ada', null], ['max-connections', 'many', 2], ['hardware[1].cameras', 17, 3]].filter(
        (row) => !Array.isArray(row) || row[0] !== 'user',
      ),
    );
    const good = expect(await validate({ changes: { 'max-connections': 7, 'log-level': 'debug' } }), 200);
    assert.deepEqual([good.valid, good.changes.length], [true, 2]);
    assert.equal(server.text, `${base}cameras: 2\n`);
    assert.equal((await server.ask('POST', '/config/validate', {})).status, 400);
    assert.equal((await server.ask('PUT', '/config', '- no\n- keys\n')).status, 422);
    assert.equal((await server.ask('PUT', '/config', '')).status, 400, 'nothing is not a configuration');
    assert.equal((await server.ask('PUT', '/config')).status, 400);
    assert.equal((await server.ask('POST', '/keys', { stream: null })).status, 400, 'null is no camera');
    assert.equal((await server.ask('POST', '/keys', { stream: true })).status, 400, 'true is not the camera 1');
    assert.equal((await server.ask('POST', '/keys', { stream: '1' })).status, 400, 'nor is a text');
    assert.equal((await server.ask('POST', '/keys', { stream: 0, label: 7 })).status, 400, 'and a number is no text');
    assert.equal((await server.ask('PATCH', '/config', { 'max-connections': null })).status, 200);
  });

  test('changes limits at once, keeps comments, and says what waits for a restart', { timeout }, async (t) => {
    const server = await ConfigServer.start(t, base);
    const changes = { 'max-connections': 1, 'gop-cache': true };
    const outcome = expect(await server.ask<Outcome>('PATCH', '/config', changes), 200);
    assert.deepEqual(outcome.changes, [
      { key: 'max-connections', applies: 'live', from: 32, to: 1 },
      { key: 'gop-cache', applies: 'restart', from: false, to: true },
    ]);
    assert.deepEqual(outcome.waiting, ['gop-cache']);
    assert.equal(server.text, `${base}max-connections: 1\ngop-cache: true\n`);
    await NumberedStream.start(t, { port: server.ports.rtmp, path: '/stream1' });
    await assert.rejects(RtmpClient.publish({ port: server.ports.rtmp, path: '/stream2' }));

    const file = await server.ask<string>('GET', '/config/file');
    assert.equal(file.body, server.text);
    const put = `${file.body}# by PUT\nmax-connections-per-ip: 3\n`;
    const replaced = expect(
      await server.ask<Outcome>('PUT', '/config', put, { 'If-Match': file.headers.get('etag')! }),
      200,
    );
    assert.deepEqual([server.text, replaced.waiting], [put, ['gop-cache']]);
  });

  test('is refused whole for a port that is taken: file and server stay as they were', { timeout }, async (t) => {
    const server = await ConfigServer.start(t, `${base}cameras: 2\n`);
    const stream = await NumberedStream.start(t, { port: server.ports.rtmp, path: '/stream1' });
    const port = await takenPort(t);
    const refused = await server.ask<Problem>('PATCH', '/config', {
      'rtmp-port': port,
      'max-connections': 1,
      cameras: 1,
    });
    const { problems } = expect(refused, 409);
    assert.deepEqual(
      problems.map(({ key, value }) => [key, value]),
      [['rtmp-port', String(port)]],
    );
    assert.equal(server.text, `${base}cameras: 2\n`);
    await NumberedStream.start(t, { port: server.ports.rtmp, path: '/stream2' });
    assert.ok(!stream.closed);
  });

  test('that a flag fixes is refused with that reason', { timeout }, async (t) => {
    const server = await ConfigServer.start(t, base, ['--cameras', '2']);
    const { problems } = expect(await server.ask<Problem>('PATCH', '/config', { cameras: 5 }), 409);
    assert.match(problems[0]!.remedy, /^is fixed by the flag --cameras/);
    const { detail } = expect(await server.ask<Problem>('PATCH', '/hardware/1/cameras/1', { name: 'x' }), 409);
    assert.match(detail, /given by --cameras/);
    assert.equal(server.text, base);
  });

  test('of two changes at once made from one version, one is refused, and neither is lost', { timeout }, async (t) => {
    const server = await ConfigServer.start(t, base);
    const { headers } = await server.ask('GET', '/config');
    const match = { 'If-Match': headers.get('etag')! };
    const both = await Promise.all([
      server.ask('PATCH', '/config', { 'max-connections': 7 }, match),
      server.ask('PATCH', '/config', { 'max-connections-per-ip': 7 }, match),
    ]);
    assert.deepEqual(both.map(({ status }) => status).sort(), [200, 412]);
    const many = Array.from({ length: 8 }, (_, i) => server.ask('POST', '/hardware', { name: `H${i}`, cameras: 1 }));
    for (const answer of await Promise.all(many)) expect(answer, 201);
    const { hardware } = expect(await server.ask<{ hardware: { number: number }[] }>('GET', '/hardware'), 200);
    assert.deepEqual(
      hardware.map(({ number }) => number),
      [1, 2, 3, 4, 5, 6, 7, 8, 9],
    );
  });

  test('is put in force once when it is written here, and a text by hand in between is not lost', {
    timeout,
  }, async (t) => {
    const server = await ConfigServer.start(t, base);
    expect(await server.ask('PATCH', '/config', { 'max-connections': 7 }), 200);
    writeFileSync(server.file!, `${server.text}# by hand\nmax-connections-per-ip: 9\n`);
    expect(await server.ask('PATCH', '/config', { 'rate-limit-per-second': 11 }), 200);
    const { config } = expect(await server.ask<Shown>('GET', '/config'), 200);
    assert.deepEqual([config['max-connections-per-ip'], config['rate-limit-per-second']], [9, 11]);
    assert.match(server.text, /# by hand\nmax-connections-per-ip: 9\nrate-limit-per-second: 11\n$/);
    writeFileSync(server.file!, `${server.text}max-bitrate: 5\n`);
    await until('the change by hand is in force', () => server.said('configuration changed: max-bitrate').length === 1);
    assert.equal(server.said('configuration changed').length, 3);
  });

  test('of the file is the same after a restart', { timeout }, async (t) => {
    const server = await ConfigServer.start(t, `${base}cameras: 20\n`);
    expect(await server.ask('PATCH', '/hardware/2/cameras/4', { name: 'Last', own: { 'max-bitrate': 8 } }), 200);
    expect(await server.ask('DELETE', '/hardware/1/cameras/7'), 200);
    expect(
      await server.ask('POST', '/hardware', {
        name: 'Yard',
        onvifPort: 0,
        cameras: [{ path: '/yard', name: 'Y' }, {}],
      }),
      201,
    );
    expect(await server.ask('DELETE', '/hardware/2'), 200);
    expect(
      await server.ask('PATCH', '/config', { 'deny-ip': ['192.0.2.0/24'], 'video-timeout': '20s', 'gop-cache': true }),
      200,
    );
    const read = async (): Promise<unknown> => {
      const { config } = expect(await server.ask<Shown>('GET', '/config'), 200);
      const hardware = [];
      for (const number of [1, 3]) {
        const { cameras, ...device } = expect(
          await server.ask<{ cameras: { stream: number }[] }>('GET', `/hardware/${number}`),
          200,
        );
        const shown = cameras.map(({ stream: _stream, ...camera }) => camera);
        hardware.push({ ...device, onvifPort: null, rtmpPort: null, cameras: shown });
      }
      return [{ ...config, 'gop-cache': null }, hardware];
    };
    const before = await read();
    await server.stop();
    await server.run();
    assert.deepEqual(await read(), before);
    const { config, waiting } = expect(await server.ask<Shown>('GET', '/config'), 200);
    assert.deepEqual([config['gop-cache'], waiting], [true, []]);
  });

  test('without --config is kept in the state folder, and read there at the next start', { timeout }, async (t) => {
    const server = await ConfigServer.start(t, null, ['--rtmp-port', '0']);
    const kept = join('.skyweir', 'skyweir.yaml');
    assert.deepEqual(expect(await server.ask<Shown>('GET', '/config'), 200).file, { path: kept, kept: true });
    const { config, settings } = expect(await server.ask<Shown>('GET', '/config'), 200);
    assert.deepEqual([settings['state-dir']!['changeable'], settings['max-connections']!['changeable']], [false, true]);
    assert.deepEqual(expect(await server.ask<Outcome>('PUT', '/config', config), 200).changes, []);
    assert.equal((await server.ask('PATCH', '/config', { 'state-dir': 'elsewhere' })).status, 422);
    assert.ok(!existsSync(join(server.folder, kept)));
    expect(await server.ask('PATCH', '/hardware/1/cameras/1', { name: 'Gate' }), 200);
    await server.stop();
    await server.run();
    assert.equal(expect(await server.ask('GET', '/hardware/1/cameras/1'), 200)['name'], 'Gate');
  });

  test('is read by a viewer and changed by an admin only; its text is for an admin too', { timeout }, async (t) => {
    const server = await ConfigServer.start(t, `${base}max-connections: 5\n`);
    for (const role of ['viewer', 'operator']) {
      const made = await server.ask<{ token: string }>('POST', '/tokens', { label: role, role });
      const as = { Authorization: `Bearer ${expect(made, 201).token}` };
      for (const path of ['/config', '/hardware/1', '/hardware/1/cameras', '/hardware/1/cameras/1'])
        expect(await server.ask('GET', path, undefined, as), 200);
      const refused: [string, string, unknown?][] = [
        ['GET', '/config/file'],
        ['POST', '/config/validate', { changes: { user: 'x' } }],
        ['PATCH', '/config', { 'max-connections': 6 }],
        ['PUT', '/config', 'max-connections: 6\n'],
        ['POST', '/hardware', { cameras: 1 }],
        ['PATCH', '/hardware/1', { name: 'x' }],
        ['DELETE', '/hardware/1'],
        ['POST', '/hardware/1/cameras', {}],
        ['PATCH', '/hardware/1/cameras/1', { name: 'x' }],
        ['DELETE', '/hardware/1/cameras/1'],
      ];
      for (const [method, path, body] of refused) expect(await server.ask(method, path, body, as), 403);
      writeFileSync(server.file!, `${base}max-connections: 5\nhooks:\n  - {url: x, headers: {Token: hidden}}\n`);
      const { body } = await server.ask<Shown>('GET', '/config', undefined, as);
      assert.ok(body.problems.length > 0 && !JSON.stringify(body).includes('hidden'), 'nor a mistake with its value');
    }
    assert.equal(expect(await server.ask<Shown>('GET', '/config'), 200).config['max-connections'], 5);
  });

  test('may move the port that it came by: the answer still arrives', { timeout }, async (t) => {
    const server = new ConfigServer(t, `${base}http-port: 0\n`);
    await server.run();
    const { status } = await server.ask('PATCH', '/config', { http: false });
    assert.equal(status, 200);
    await assert.rejects(fetch(`${server.url}/healthz`));
  });

  test('of a thousand cameras fits into one request, and a larger body does not', { timeout }, async (t) => {
    const server = await ConfigServer.start(t, base);
    const hardware = Array.from({ length: 63 }, (_, h) => ({
      name: `Hardware ${h + 1} of the northern site`,
      cameras: Array.from({ length: 16 }, (__, c) => ({
        name: `Camera ${h + 1}.${c + 1} at the gate of the yard`,
        path: `/site-north/area-${h + 1}/camera-${c + 1}`,
        'rtsp-path': `/site-north/rtsp/area-${h + 1}/camera-${c + 1}`,
      })),
    }));
    expect(await server.ask('PATCH', '/config', { hardware, onvif: false }), 200);
    const { streams } = expect(await server.ask<{ streams: unknown[] }>('GET', '/streams'), 200);
    assert.equal(streams.length, 1008);
    expect(await server.ask('PATCH', '/hardware/63/cameras/16', { name: 'The last' }), 200);
    assert.equal((await server.ask('PUT', '/config', `# ${'x'.repeat(1024 * 1024)}\n`)).status, 413);
    assert.equal((await server.ask('POST', '/hardware/1/cameras', { name: 'x'.repeat(20_000) })).status, 413);
  });
});
