import assert from 'node:assert/strict';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { type IncomingMessage, STATUS_CODES } from 'node:http';
import { get } from 'node:https';
import { connect } from 'node:net';
import { describe, type TestContext, test } from 'node:test';
import { StartError } from '../../src/config/errors.ts';
import { breakWorkers } from '../support/breaking.ts';
import { makeCertificate } from '../support/certificates.ts';
import { makeClip, pushArgs, temporaryFolder } from '../support/media.ts';
import { startTestServer, type TestServer, testCredentials } from '../support/media-server.ts';
import { parseMetrics } from '../support/metrics-parser.ts';
import { NumberedStream, receivedNumbers } from '../support/numbered-stream.ts';
import { start, until } from '../support/program.ts';
import { talk } from '../support/raw-socket.ts';

const timeout = 60_000;
const fragile = (name: string) => new URL(`../support/fragile-${name}.ts`, import.meta.url);
const { user, password } = testCredentials;

function basic(name: string, secret: string): Record<string, string> {
  return { Authorization: `Basic ${Buffer.from(`${name}:${secret}`).toString('base64')}` };
}

const login = basic(user, password);

/** What of the answers of the API is looked at here. */
interface ApiAnswer {
  readonly streams: readonly { readonly path: string; readonly live: boolean }[];
  readonly live: boolean;
  readonly publisher: { readonly address: string };
  readonly stream: Readonly<Record<'width' | 'height' | 'framesPerSecond' | 'bitsPerSecond', number>>;
  readonly total: { readonly frames: number };
  readonly publishers: readonly { readonly stream: number }[];
  readonly readers: readonly Readonly<Record<'stream' | 'playing' | 'transport' | 'lost', unknown>>[];
  readonly hardware: readonly { readonly streams: readonly number[] }[];
  readonly events: readonly SentEvent[];
  readonly complete: boolean;
}

/** A server with its HTTP port, and what to ask it with. */
class Port {
  readonly media: TestServer;

  constructor(media: TestServer) {
    this.media = media;
  }

  static async open(
    t: TestContext,
    flags: Record<string, string | boolean> = {},
    entries: Parameters<typeof startTestServer>[1] = {},
  ): Promise<Port> {
    const media = await startTestServer(flags, entries);
    t.after(media.stop);
    return new Port(media);
  }

  get url(): string {
    return `http://127.0.0.1:${this.media.server.addresses.httpPort}`;
  }

  get(path: string, headers: Record<string, string> = login): Promise<Response> {
    return fetch(this.url + path, { headers });
  }

  async json(path: string): Promise<ApiAnswer> {
    const response = await this.get(path);
    assert.equal(response.status, 200, path);
    return (await response.json()) as ApiAnswer;
  }

  post(path: string, headers: Record<string, string> = login): Promise<Response> {
    return fetch(this.url + path, { method: 'POST', headers });
  }

  async metrics(): Promise<ReadonlyMap<string, number>> {
    const response = await this.get('/metrics');
    assert.equal(response.status, 200);
    return parseMetrics(await response.text()).values;
  }

  publish(t: TestContext, path = '/stream1'): Promise<NumberedStream> {
    return NumberedStream.start(t, { port: this.media.server.addresses.rtmpPort, path });
  }
}

const stream1 = '{camera="Stream 1",path="/stream1"}';

describe('the health of the server', () => {
  test('/healthz and /readyz answer without a login, until the server has stopped', { timeout }, async (t) => {
    const port = await Port.open(t);
    const health = await port.get('/healthz', {});
    assert.equal(health.status, 200);
    const { status, version, uptimeSeconds } = (await health.json()) as Record<string, unknown>;
    assert.deepEqual([status, typeof version, typeof uptimeSeconds], ['ok', 'string', 'number']);
    assert.equal(health.headers.get('cache-control'), 'no-store');
    assert.equal(health.headers.get('x-content-type-options'), 'nosniff');
    const ready = await port.get('/readyz', {});
    assert.deepEqual([ready.status, await ready.json()], [200, { ready: true, reasons: [] }]);

    await port.media.stop();
    await assert.rejects(port.get('/healthz', {}));
  });

  test('--no-http opens no port, and a change of the port moves it while streams run', { timeout }, async (t) => {
    const port = await Port.open(t, { http: false });
    const { server } = port.media;
    assert.equal(server.addresses.httpPort, null);
    const stream = await port.publish(t);
    await server.apply({ ...server.config, http: true });
    const first = server.addresses.httpPort!;
    assert.equal((await port.get('/healthz', {})).status, 200);
    const other = await Port.open(t);
    const taken = other.media.server.addresses.httpPort!;
    await assert.rejects(server.apply({ ...server.config, httpPort: taken }), (error: Error) => {
      assert.ok(error instanceof StartError);
      assert.match(error.message, new RegExp(`^--http-port ${taken}: the port is in use`));
      return true;
    });
    assert.equal(server.addresses.httpPort, first);
    assert.equal((await port.get('/healthz', {})).status, 200);
    await other.media.stop();
    await server.apply({ ...server.config, httpPort: taken });
    assert.equal(server.addresses.httpPort, taken);
    assert.equal((await port.get('/healthz', {})).status, 200);
    await server.apply({ ...server.config, http: false });
    assert.equal(server.addresses.httpPort, null);
    await assert.rejects(fetch(`http://127.0.0.1:${taken}/healthz`));
    assert.ok(!stream.closed);
  });

  test('threads that fail are counted and replaced, and one that is gone makes the server not ready', {
    timeout,
  }, async (t) => {
    const port = await Port.open(
      t,
      { 'ingest-workers': '1' },
      { ingest: fragile('ingest'), consumer: fragile('consumer') },
    );
    const { server } = port.media;
    await port.publish(t);
    breakWorkers('ingest', 'throw');
    await until('the publisher is cut off', () => server.connections === 0);
    const codes = new Set<string>();
    const isReady = async () => {
      const { ready, reasons } = (await (await port.get('/readyz', {})).json()) as ReadyAnswer;
      for (const { code } of reasons) codes.add(code);
      return ready;
    };
    const failures = async (thread: string) =>
      (await port.metrics()).get(`skyweir_thread_failures_total{thread="${thread}"}`);
    let broken = 0;
    // On a busy machine the next one may be there before anybody has asked.
    while (!codes.has('consumer_down')) {
      breakWorkers('consumer', 'throw');
      broken++;
      await until('it is ready again', async () => (await isReady()) && (await failures('consumer')) === broken);
    }
    // That may be said too, of the machine.
    codes.delete('overloaded');
    assert.deepEqual([...codes], ['consumer_down']);
    await until('the failure is counted', async () => (await failures('ingest')) === 1);
    const values = await port.metrics();
    assert.equal(values.get('skyweir_publisher_ends_total{reason="worker_failed"}'), 1);
  });

  test('HTTPS comes to the same port where there is a certificate', { timeout }, async (t) => {
    const { cert, key } = makeCertificate(temporaryFolder(t), 'status');
    const port = await Port.open(t, { tls: true, 'tls-cert': cert, 'tls-key': key });
    const { httpPort } = port.media.server.addresses;
    assert.equal((await port.get('/healthz', {})).status, 200);
    const request = get({ host: 'localhost', port: httpPort, path: '/healthz', ca: readFileSync(cert), agent: false });
    const [response] = (await once(request, 'response')) as [IncomingMessage];
    assert.equal(response.statusCode, 200);
    assert.equal(JSON.parse(Buffer.concat(await response.toArray()).toString()).status, 'ok');
  });
});

describe('/metrics', () => {
  test('says what the counters say, of a publisher, a reader and the refused', { timeout }, async (t) => {
    const port = await Port.open(t, { 'max-connections': '1' });
    const before = await port.metrics();
    assert.equal(before.get(`skyweir_stream_live${stream1}`), 0);
    assert.equal(before.get(`skyweir_stream_uptime_seconds${stream1}`), undefined);
    const stream = await port.publish(t);
    const reader = await port.media.play('/stream1');
    await until('some frames were read', () => reader.units.length > 20);
    const refused = connect(port.media.server.addresses.rtmpPort, '127.0.0.1');
    refused.on('error', () => undefined);
    await once(refused, 'close');
    stream.pause();
    const { server } = port.media;
    await until('all frames have come', () => server.snapshot(0).publisher.frames === stream.sent);
    await reader.until((r) => receivedNumbers(r).at(-1) === stream.next - 1);
    const { rtmpPort } = server.addresses;
    const rejected = `skyweir_listener_rejected_total{protocol="rtmp",port="${rtmpPort}",reason="connections_exceeded"}`;
    let values = await port.metrics();
    await until('the rejection is counted', async () => {
      values = await port.metrics();
      return values.get(rejected) === 1;
    });
    const { publisher, reader: read } = server.snapshot(0);
    const expected: Record<string, number> = {
      [`skyweir_stream_live${stream1}`]: 1,
      [`skyweir_stream_starts_total${stream1}`]: 1,
      [`skyweir_stream_frames_total${stream1}`]: publisher.frames,
      [`skyweir_stream_bytes_total${stream1}`]: publisher.bytes,
      [`skyweir_stream_keyframes_total${stream1}`]: publisher.keyframes,
      [`skyweir_stream_readers${stream1}`]: 1,
      [`skyweir_stream_popped_frames_total${stream1}`]: read.frames,
      [`skyweir_stream_overflow_frames_total${stream1}`]: 0,
      [`skyweir_stream_width_pixels${stream1}`]: publisher.width,
      [`skyweir_listener_connections{protocol="rtmp",port="${rtmpPort}"}`]: 1,
      [`skyweir_listener_connections_limit{protocol="rtmp",port="${rtmpPort}"}`]: 1,
      [`skyweir_listener_accepted_total{protocol="rtmp",port="${rtmpPort}"}`]: 1,
      [rejected]: 1,
      skyweir_publish_requests_total: 1,
      skyweir_publish_granted_total: 1,
      skyweir_ready: 1,
      'skyweir_thread_failures_total{thread="ingest"}': 0,
    };
    for (const [name, value] of Object.entries(expected)) assert.equal(values.get(name), value, name);
    assert.ok(values.get('process_resident_memory_bytes')! > 10e6);
    assert.ok(publisher.frames > 20);

    reader.close();
    stream.stop();
    await until('both are gone', () => server.connections === 0 && server.snapshot(0).reader.readers === 0);
    const after = await port.metrics();
    assert.equal(after.get(`skyweir_stream_live${stream1}`), 0);
    assert.equal(after.get(`skyweir_stream_frames_total${stream1}`), publisher.frames);
    assert.equal(sumOf(after, 'skyweir_publisher_ends_total'), 1);
    assert.equal(sumOf(after, 'skyweir_reader_ends_total'), 1);
    assert.equal(after.get('skyweir_reader_first_picture_seconds_count'), 1);
  });

  test('counts go on over the next stream of a camera', { timeout }, async (t) => {
    const port = await Port.open(t);
    const { server } = port.media;
    let sent = 0;
    for (let round = 1; round <= 2; round++) {
      const stream = await port.publish(t);
      await until('frames came', () => stream.sent > 10);
      stream.pause();
      await until('all came', () => server.snapshot(0).publisher.frames === stream.sent);
      stream.stop();
      await until('it is gone', () => server.connections === 0);
      sent += stream.sent;
      const values = await port.metrics();
      assert.equal(values.get(`skyweir_stream_frames_total${stream1}`), sent);
      assert.equal(values.get(`skyweir_stream_starts_total${stream1}`), round);
    }
  });

  test('is OpenMetrics for who asks for it', { timeout }, async (t) => {
    const port = await Port.open(t);
    const response = await port.get('/metrics', {
      ...login,
      Accept: 'application/openmetrics-text;version=1.0.0,*/*;q=0.1',
    });
    assert.match(response.headers.get('content-type')!, /^application\/openmetrics-text; version=1\.0\.0/);
    const { types } = parseMetrics(await response.text(), 'openmetrics');
    assert.equal(types.get('skyweir_stream_frames'), 'counter');
    assert.equal(types.get('skyweir_build'), 'info');
  });

  test('shows a stream of FFmpeg as it is', { timeout: 60_000 }, async (t) => {
    const port = await Port.open(t);
    const clip = await makeClip(temporaryFolder(t), 'clip', { seconds: 10, size: '640x360' });
    start(t, 'ffmpeg', pushArgs(clip, `${port.media.rtmp}/stream2`));
    const { server } = port.media;
    await until('a good second came', () => server.snapshot(1).publisher.frames > 60, 30_000);
    const { stream, total, live, publisher } = await port.json('/api/v1/streams/1');
    assert.deepEqual([live, stream.width, stream.height], [true, 640, 360]);
    assert.ok(stream.framesPerSecond > 10 && stream.framesPerSecond < 60, `${stream.framesPerSecond} fps`);
    assert.ok(stream.bitsPerSecond > 1000);
    assert.equal(publisher.address, '127.0.0.1');
    assert.ok(total.frames >= 60);
  });
});

describe('access', () => {
  test('everything but the health needs the password, and guessing is slowed down', { timeout }, async (t) => {
    const port = await Port.open(t);
    for (const path of ['/metrics', '/api/v1/streams', '/api/v1/config', '/api/v1/openapi.json', '/nothing']) {
      const response = await port.get(path, {});
      assert.equal(response.status, 401, path);
      assert.match(response.headers.get('www-authenticate')!, /^Digest .*, Basic /);
      assert.match(response.headers.get('content-type')!, /^application\/problem\+json/);
    }
    assert.equal((await port.post('/api/v1/streams/0/kick', {})).status, 401);
    assert.equal((await port.get('/api/v1/events/live', {})).status, 401);
    assert.equal((await port.get('/metrics', basic(user, 'wrong'))).status, 401);
    assert.equal((await port.get('/metrics', login)).status, 200);
    const statuses: number[] = [];
    for (let i = 0; i < 8; i++) statuses.push((await port.get('/metrics', basic('root', password))).status);
    assert.equal(statuses[0], 401);
    assert.equal(statuses.at(-1), 429);
    assert.equal((await port.get('/healthz', {})).status, 200);
  });

  test('HTTP Digest opens it as well', { timeout }, async (t) => {
    const port = await Port.open(t);
    const curl = start(t, 'curl', ['-s', '--digest', '-u', `${user}:${password}`, `${port.url}/api/v1/hardware?x=1`]);
    const { code, stdout } = await curl.ended;
    assert.equal(code, 0);
    assert.equal(JSON.parse(stdout).hardware[0].name, 'Skyweir');
  });

  test('--no-auth leaves it open', { timeout }, async (t) => {
    const port = await Port.open(t, { auth: false });
    assert.equal((await port.get('/metrics', {})).status, 200);
  });

  test('another site cannot have a browser change anything', { timeout }, async (t) => {
    const port = await Port.open(t);
    const kick = '/api/v1/streams/0/kick';
    assert.equal((await port.post(kick, { ...login, Origin: 'https://example.com' })).status, 403);
    assert.equal((await port.post(kick, { ...login, 'Sec-Fetch-Site': 'cross-site' })).status, 403);
    assert.equal((await port.post(kick, { ...login, Origin: port.url })).status, 409);
  });
});

describe('/api/v1', () => {
  test('lists cameras, connections and hardware, and shows the configuration without secrets', {
    timeout,
  }, async (t) => {
    const port = await Port.open(t, { cameras: '20' });
    await port.publish(t, '/stream3');
    await port.media.play('/stream3');
    const { streams } = await port.json('/api/v1/streams');
    assert.equal(streams.length, 20);
    assert.deepEqual(
      streams.filter(({ live }) => live).map(({ path }) => path),
      ['/stream3'],
    );
    const { publishers, readers, complete } = await port.json('/api/v1/connections');
    assert.equal(complete, true);
    assert.deepEqual([publishers.length, publishers[0]!.stream], [1, 2]);
    assert.deepEqual(
      [readers.length, readers[0]!.stream, readers[0]!.playing, readers[0]!.transport],
      [1, 2, true, 'tcp'],
    );
    assert.equal(readers[0]!.lost, 0);
    const { hardware } = await port.json('/api/v1/hardware');
    assert.deepEqual(
      hardware.map(({ streams: of }) => of.length),
      [16, 4],
    );
    const config = await port.get('/api/v1/config');
    const text = await config.text();
    assert.equal(JSON.parse(text).config.cameras, 20);
    assert.ok(!text.includes(password));
  });

  test('kick ends the publisher of a camera, and its reason is told', { timeout }, async (t) => {
    const port = await Port.open(t);
    const kick = (index: number | string) => port.post(`/api/v1/streams/${index}/kick`);
    assert.equal((await kick(0)).status, 409);
    assert.equal((await kick(99)).status, 404);
    assert.equal((await kick('x')).status, 400);
    const stream = await port.publish(t);
    const other = await port.publish(t, '/stream2');
    assert.equal((await port.get('/api/v1/streams/0/kick')).status, 405);
    const response = await kick(0);
    assert.deepEqual([response.status, Object.keys((await response.json()) as object)], [200, ['connection']]);
    await until('it is cut off', () => stream.closed);
    await until('its camera is free', () => port.media.server.connections === 1);
    assert.ok(!other.closed);
    assert.equal(port.media.server.history.newest(1)[0]!.reason, 'kicked');
    const again = await port.publish(t);
    assert.ok(!again.closed);
  });

  test('events: by number with since and limit, and live in order with Last-Event-ID', { timeout }, async (t) => {
    const port = await Port.open(t);
    const live = await EventReader.open(port);
    t.after(() => live.close());
    for (const path of ['/stream1', '/stream2']) {
      const stream = await port.publish(t, path);
      stream.stop();
      await until('it is gone', () => port.media.server.connections === 0);
    }
    await until('all events have come', () => live.events.length === 4);
    assert.deepEqual(
      live.events.map(({ type, path }) => `${type} ${path}`),
      ['started /stream1', 'stopped /stream1', 'started /stream2', 'stopped /stream2'],
    );
    assert.equal((await fetch(`${port.url}/api/v1/events/live`, { method: 'HEAD', headers: login })).status, 200);
    const { events, complete } = await port.json('/api/v1/events');
    assert.deepEqual(events, live.events.toReversed());
    assert.equal(complete, true);
    const newest = await port.json('/api/v1/events?limit=1');
    assert.deepEqual([newest.events, newest.complete], [[live.events[3]], false]);
    const since = await port.json(`/api/v1/events?since=${live.events[1]!.id}`);
    assert.deepEqual(since.events, [live.events[3], live.events[2]]);

    const resumed = await EventReader.open(port, live.events[0]!.id);
    t.after(() => resumed.close());
    await until('what was missed has come', () => resumed.events.length === 3);
    assert.deepEqual(resumed.events, live.events.slice(1));
    const fromOtherRun = await EventReader.open(port, 'other-17');
    t.after(() => fromOtherRun.close());
    await until('all of this run have come', () => fromOtherRun.events.length === 4);
    await port.media.stop();
    await until('the streams of events have ended', () => live.closed && resumed.closed);
  });

  test('who leaves is no client any more, also of events that were to come after another answer', {
    timeout,
  }, async (t) => {
    const port = await Port.open(t, { auth: false });
    const ahead = 'GET /healthz HTTP/1.1\r\nHost: x\r\n\r\nGET /api/v1/events/live HTTP/1.1\r\nHost: x\r\n\r\n';
    // With this the connection is Node's no more.
    const last = 'CONNECT x:1 HTTP/1.1\r\nHost: x\r\n\r\n';
    await talk(port.media.server.addresses.httpPort!, ahead + last);
    await until('it is no client', async () => (await port.metrics()).get('skyweir_http_event_clients') === 0);
  });

  test('what is wrong with a request is told as a problem', { timeout }, async (t) => {
    const port = await Port.open(t, { auth: false });
    const ask = (path: string, init: RequestInit = {}) => fetch(port.url + path, init);
    const cases: readonly [status: number, response: Response][] = [
      [404, await ask('/nothing')],
      [404, await ask('/api/v1/streams/77')],
      [405, await ask('/metrics', { method: 'DELETE' })],
      [400, await ask('/api/v1/events?limit=0')],
      [400, await ask('/api/v1/events?unknown=1')],
      [400, await ask('/api/v1/streams/%ff')],
      [414, await ask(`/api/v1/streams/${'1'.repeat(500)}`)],
      [426, await ask('/api/v1/streams/0/preview')],
      [
        413,
        await ask('/api/v1/streams/0/kick', {
          method: 'POST',
          body: 'x'.repeat(20_000),
          headers: { 'Content-Type': 'application/json' },
        }),
      ],
      [
        415,
        await ask('/api/v1/streams/0/kick', { method: 'POST', body: 'x', headers: { 'Content-Type': 'image/png' } }),
      ],
    ];
    for (const [status, response] of cases) {
      const problem = (await response.json()) as { status: number; title: string };
      assert.deepEqual([response.status, problem.status], [status, status], response.url);
      assert.match(response.headers.get('content-type')!, /^application\/problem\+json/);
      assert.equal(problem.title, status === 413 ? 'Content Too Large' : STATUS_CODES[status]);
      assert.equal(response.headers.get('cache-control'), 'no-store');
    }
    assert.equal(cases[2]![1].headers.get('allow'), 'GET, HEAD');
    const noHttp = connect(port.media.server.addresses.httpPort!, '127.0.0.1');
    let answer = '';
    noHttp.on('data', (bytes) => {
      answer += bytes.toString('latin1');
    });
    noHttp.write('hello there\r\n\r\n');
    await once(noHttp, 'close');
    assert.match(answer, /^HTTP\/1\.1 400 /);
  });
});

interface ReadyAnswer {
  readonly ready: boolean;
  readonly reasons: readonly { readonly code: string }[];
}

interface SentEvent {
  readonly id: string;
  readonly type: string;
  readonly path: string;
}

/** A client of the live events. */
class EventReader {
  readonly events: SentEvent[] = [];
  closed = false;
  readonly #abort = new AbortController();

  static async open(port: Port, lastId?: string): Promise<EventReader> {
    const reader = new EventReader();
    const headers = { ...login, ...(lastId !== undefined && { 'Last-Event-ID': lastId }) };
    const response = await fetch(`${port.url}/api/v1/events/live`, { headers, signal: reader.#abort.signal });
    assert.equal(response.status, 200);
    assert.match(response.headers.get('content-type')!, /^text\/event-stream/);
    // nginx keeps what comes otherwise.
    assert.equal(response.headers.get('x-accel-buffering'), 'no');
    void reader.#read(response).catch(() => undefined);
    return reader;
  }

  close(): void {
    this.#abort.abort();
  }

  async #read(response: Response): Promise<void> {
    let text = '';
    try {
      for await (const chunk of response.body!) {
        text += Buffer.from(chunk).toString();
        const messages = text.split('\n\n');
        text = messages.pop()!;
        for (const message of messages) {
          const fields = new Map(
            message.split('\n').map((line) => [line.split(': ', 1)[0]!, line.replace(/^\w*: ?/, '')]),
          );
          if (!fields.has('id')) continue;
          const event = JSON.parse(fields.get('data')!) as SentEvent;
          assert.deepEqual([fields.get('id'), fields.get('event')], [event.id, event.type]);
          this.events.push(event);
        }
      }
    } finally {
      this.closed = true;
    }
  }
}

function sumOf(values: ReadonlyMap<string, number>, family: string): number {
  return [...values].reduce((sum, [name, value]) => sum + (name.startsWith(`${family}{`) ? value : 0), 0);
}
