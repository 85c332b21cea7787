import assert from 'node:assert/strict';
import { describe, type TestContext, test } from 'node:test';
import { setImmediate as turn } from 'node:timers/promises';
import { addressKey } from '../../../src/base/address.ts';
import { limits } from '../../../src/base/limits.ts';
import { writePipeGreeting } from '../../../src/net/pipe-greeting.ts';
import { RtpPorts } from '../../../src/net/rtp-udp.ts';
import { RtspConnection } from '../../../src/net/rtsp-connection.ts';
import { Tunnels } from '../../../src/net/rtsp-tunnel.ts';
import { createRing } from '../../../src/shm/frame-ring.ts';
import { FakeSocket } from '../../support/fake-socket.ts';
import { until } from '../../support/program.ts';
import { type LogLine, RtspSurroundings as Surroundings } from '../../support/rtsp-surroundings.ts';
import { smallRing, TestStream } from '../../support/test-stream.ts';

const url = 'rtsp://server/stream1';
const tcp = 'Transport: RTP/AVP/TCP;unicast;interleaved=0-1';
const udp = 'Transport: RTP/AVP;unicast;client_port=40000-40001';

/** One connection with its peer. */
class Bench {
  readonly socket = new FakeSocket();
  readonly around: Surroundings;
  readonly connection: RtspConnection;
  closed = 0;
  readonly #id: string;
  #cseq = 0;

  constructor(around = new Surroundings(), id = 's1', address = '192.0.2.9') {
    this.around = around;
    this.#id = id;
    const peer = { id, address, port: 50_000 };
    this.connection = new RtspConnection(around.context, this.socket.socket, peer, () => this.closed++);
  }

  /** Sends requests in one read and returns the statuses of their answers. */
  async ask(...requests: readonly (readonly string[])[]): Promise<number[]> {
    this.socket.takeText();
    this.socket.push(Buffer.from(requests.map((lines) => this.#request(lines)).join('')));
    await turn();
    return [...this.socket.takeText().matchAll(/RTSP\/1\.0 (\d+)/g)].map((match) => Number(match[1]));
  }

  get readers(): number {
    return this.around.readers;
  }

  /** Sends bytes in reads of `step` bytes and returns what is written meanwhile. */
  async send(text: string, step = text.length): Promise<string> {
    this.socket.takeText();
    for (let at = 0; at < text.length; at += step) this.socket.push(Buffer.from(text.slice(at, at + step)));
    await turn();
    return this.socket.takeText();
  }

  /** The one line that says why the connection ended. */
  get end(): LogLine {
    const ends = this.around.log.filter(({ fields }) => 'reason' in fields && fields['conn'] === this.#id);
    assert.equal(ends.length, 1, 'one reason, logged once');
    assert.equal(this.closed, 1);
    return ends[0]!;
  }

  #request(lines: readonly string[]): string {
    const [start, ...headers] = lines;
    return `${[`${start} RTSP/1.0`, `CSeq: ${++this.#cseq}`, ...headers].join('\r\n')}\r\n\r\n`;
  }
}

const setupTcp = [`SETUP ${url}/trackID=0`, tcp];
const setupUdp = [`SETUP ${url}/trackID=0`, udp];
const play = [`PLAY ${url}`];
const pause = [`PAUSE ${url}`];
const teardown = [`TEARDOWN ${url}`];

/** What is around the connections of two threads, whose tunnels find each other. */
function twoThreads(t: TestContext, name: string): [Surroundings, Surroundings] {
  const surroundings = (): Surroundings => {
    const table = new Tunnels(`${name}-${process.pid}`);
    t.after(() => table.close());
    return new Surroundings(null, table);
  };
  return [surroundings(), surroundings()];
}

describe('order of requests', () => {
  test('a SETUP that is refused leaves the transport that was set up before', async () => {
    const bench = new Bench();
    assert.deepEqual(await bench.ask(setupTcp), [200]);
    assert.deepEqual(await bench.ask(setupUdp), [461]);
    assert.deepEqual(await bench.ask(play), [200]);
    assert.equal(bench.readers, 1);
  });

  test('a SETUP that is refused first leaves no session behind', async () => {
    const bench = new Bench();
    assert.deepEqual(await bench.ask(setupUdp, play), [461, 455]);
    assert.deepEqual(await bench.ask(setupTcp, play), [200, 200]);
    assert.equal(bench.readers, 1);
  });

  test('a second SETUP takes the place of the first', async () => {
    const bench = new Bench();
    assert.deepEqual(await bench.ask(setupTcp, [setupTcp[0]!, tcp.replace('0-1', '6-9')], play), [200, 200, 200]);
    assert.equal(bench.readers, 1);
    assert.deepEqual(await bench.ask(setupTcp), [455], 'not while it plays');
    assert.deepEqual(await bench.ask(pause, setupTcp, play), [200, 200, 200]);
    assert.equal(bench.readers, 1);
  });

  test('TEARDOWN, then SETUP on the same connection', async () => {
    const bench = new Bench();
    assert.deepEqual(await bench.ask(setupTcp, play, teardown), [200, 200, 200]);
    assert.equal(bench.readers, 0);
    assert.deepEqual(await bench.ask(play), [455]);
    assert.deepEqual(await bench.ask(setupTcp, play), [200, 200]);
    assert.equal(bench.readers, 1);
    bench.socket.push(null);
    await turn();
    assert.equal(bench.end.fields['reason'], 'peer_closed', 'the second session was not torn down');
  });

  test('PLAY twice, PAUSE twice, and all of them in one read', async () => {
    const bench = new Bench();
    assert.deepEqual(await bench.ask(setupTcp, play, play, pause, pause), [200, 200, 200, 200, 200]);
    assert.equal(bench.readers, 0);
    assert.deepEqual(await bench.ask(play, pause, play), [200, 200, 200]);
    assert.equal(bench.readers, 1);
    assert.deepEqual(await bench.ask(pause), [200]);
    assert.equal(bench.readers, 0);
    assert.deepEqual(await bench.ask(play, teardown, setupTcp, play, teardown), [200, 200, 200, 200, 200]);
    assert.equal(bench.readers, 0);
  });

  test('a transport is given back: UDP, then TCP, then UDP', async (t) => {
    const ports = await RtpPorts.open('127.0.0.1');
    t.after(() => ports?.close());
    const bench = new Bench(new Surroundings(ports));
    assert.deepEqual(await bench.ask(setupUdp, setupTcp, setupUdp, play, pause, setupTcp, play), Array(7).fill(200));
    assert.equal(bench.readers, 1);
    bench.socket.push(null);
    await turn();
    assert.equal(bench.end.fields['transport'], 'tcp');
  });
});

describe('the end of a connection', () => {
  const steps = [setupTcp, play, pause, play, teardown, setupTcp, play];
  for (let done = 0; done <= steps.length; done++) {
    test(`the client goes after ${done} requests, in order, by reset, and in the middle of the next`, async () => {
      for (const way of ['end', 'reset', 'cut'] as const) {
        const bench = new Bench();
        if (done > 0) await bench.ask(...steps.slice(0, done));
        const tornDown = done === 5;
        if (way === 'cut') bench.socket.push(Buffer.from('PLAY rtsp://ser'));
        if (way === 'reset') bench.socket.destroy(Object.assign(new Error('reset'), { code: 'ECONNRESET' }));
        else bench.socket.push(null);
        await turn();
        await turn();
        assert.equal(bench.readers, 0);
        assert.equal(bench.end.fields['reason'], tornDown ? 'teardown' : 'peer_closed');
        assert.equal(bench.end.level, 'info');
      }
    });
  }

  test('a reader that is stopped with data unread has closed, a network that fails has not', async () => {
    for (const [code, reason, level] of [
      ['ECONNRESET', 'peer_closed', 'info'],
      ['EPIPE', 'peer_closed', 'info'],
      ['ETIMEDOUT', 'peer_reset', 'warn'],
      ['EHOSTUNREACH', 'peer_reset', 'warn'],
    ] as const) {
      const bench = new Bench();
      await bench.ask(setupTcp, play);
      bench.socket.destroy(Object.assign(new Error(code), { code }));
      await turn();
      await turn();
      assert.deepEqual(
        [bench.end.fields['reason'], bench.end.level, bench.end.fields['detail']],
        [reason, level, code],
      );
    }
  });
});

describe('responses that are not read', () => {
  const describeRequest = [`DESCRIBE ${url}`];

  test('pipelined requests end the connection before their answers fill the memory', async () => {
    const bench = new Bench();
    bench.socket.full = true;
    for (let read = 0; read < 100 && bench.closed === 0; read++) await bench.ask(...Array(100).fill(describeRequest));
    assert.equal(bench.end.fields['reason'], 'output_exceeded');
    assert.ok(bench.socket.writableLength <= limits.rtsp.outputBytes + 2048, `${bench.socket.writableLength} bytes`);
  });

  test('as many requests of a client that reads are answered', async () => {
    const bench = new Bench();
    for (let read = 0; read < 10; read++)
      assert.equal((await bench.ask(...Array(200).fill(describeRequest))).length, 200);
    bench.socket.full = true;
    await bench.ask(...Array(20).fill(describeRequest));
    bench.socket.release();
    assert.equal((await bench.ask(...Array(200).fill(describeRequest))).length, 200);
    assert.equal(bench.closed, 0);
  });
});

describe('RTSP over HTTP', () => {
  const head = (method: string, cookie: string) =>
    `${method} /stream1 HTTP/1.0\r\nx-sessioncookie: ${cookie}\r\nContent-Length: 32767\r\n\r\n`;
  const encode = (...lines: string[]) => Buffer.from([...lines, '', ''].join('\r\n')).toString('base64');
  const describeRequest = encode(`DESCRIBE ${url} RTSP/1.0`, 'CSeq: 1');
  const piped = (address: string, port: number, pass = 'pass') =>
    writePipeGreeting(pass, { address, port, reachedAt: '198.51.100.1' });
  const setupRequest = encode(`${setupTcp[0]} RTSP/1.0`, 'CSeq: 2', tcp);
  const playRequest = encode(`PLAY ${url} RTSP/1.0`, 'CSeq: 3');

  async function tunnel(around = new Surroundings(), step?: number): Promise<{ get: Bench; post: Bench }> {
    const get = new Bench(around, 's1');
    assert.match(await get.send(head('GET', 'abc'), step), /^HTTP\/1\.0 200 OK\r\n.*x-rtsp-tunnelled/s);
    const post = new Bench(around, 's2');
    assert.equal(await post.send(head('POST', 'abc'), step), '');
    return { get, post };
  }

  test('requests of the POST are answered on the GET, however they are split', async () => {
    for (const step of [1, 2, 3, 7, 1000]) {
      const { get, post } = await tunnel(undefined, step);
      assert.equal(await post.send(describeRequest + setupRequest + playRequest, step), '', 'never answered itself');
      assert.deepEqual(get.socket.takeText().match(/RTSP\/1\.0 \d+/g), Array(3).fill('RTSP/1.0 200'));
      assert.equal(get.readers, 1);
    }
  });

  test('what comes with the head in one read is not lost', async () => {
    const around = new Surroundings();
    const get = new Bench(around, 's1');
    await get.send(head('GET', 'abc'));
    await new Bench(around, 's2').send(head('POST', 'abc') + describeRequest);
    assert.match(get.socket.takeText(), /^RTSP\/1\.0 200 OK/);
  });

  test('plain RTSP is told apart, also when it comes byte by byte and begins like a tunnel', async () => {
    const bench = new Bench();
    const request = (method: string) => `${method} ${url} RTSP/1.0\r\nCSeq: 1\r\n\r\n`;
    assert.match(await bench.send(request('GET_PARAMETER'), 1), /^RTSP\/1\.0 200/);
    assert.match(await bench.send(request('PLAY'), 1), /^RTSP\/1\.0 455/);
    assert.match(await new Bench().send(request('PAUSE'), 1), /^RTSP\/1\.0 455/);
  });

  test('the end of the GET is the end of the POST, but not the other way round', async () => {
    const { get, post } = await tunnel();
    await post.send(setupRequest + playRequest);
    post.socket.push(null);
    await turn();
    assert.equal(post.end.level, 'debug');
    assert.equal(get.readers, 1, 'the session goes on');
    const again = new Bench(get.around, 's3');
    await again.send(head('POST', 'abc') + describeRequest);
    assert.match(get.socket.takeText(), /RTSP\/1\.0 200/, 'the client may open another POST');
    get.socket.push(null);
    await turn();
    await turn();
    assert.equal(get.readers, 0);
    assert.deepEqual([get.end.fields['reason'], get.end.fields['transport']], ['peer_closed', 'http']);
    assert.equal(again.end.fields['reason'], 'teardown');
  });

  test('nobody joins without the cookie or from elsewhere, and a cookie is not used twice', async () => {
    const { get } = await tunnel();
    const others = [
      await new Bench(get.around, 's5').send(head('POST', 'abd') + describeRequest),
      await new Bench(get.around, 's6', '192.0.2.66').send(head('POST', 'abc') + describeRequest),
      await new Bench(get.around, 's7').send(head('GET', 'abc')),
    ];
    for (const answer of others) assert.match(answer, /^HTTP\/1\.0 400/);
    assert.equal(get.socket.takeText(), '');
    assert.equal(get.closed, 0);
  });

  test('another HTTP request is refused', async () => {
    const bench = new Bench();
    assert.match(await bench.send('GET / HTTP/1.1\r\nHost: server\r\n\r\n'), /^HTTP\/1\.0 400/);
    assert.equal(bench.end.fields['reason'], 'rtsp_malformed');
  });

  test('what is not base64 ends the POST, what is not RTSP ends both', async () => {
    const first = await tunnel();
    await first.post.send('!!!!');
    assert.equal(first.post.end.fields['reason'], 'rtsp_malformed');
    const second = await tunnel();
    await second.post.send(encode('\u0016\u0003\u0001'));
    await turn();
    assert.equal(second.get.end.fields['reason'], 'rtsp_malformed');
    assert.equal(second.post.end.fields['reason'], 'teardown');
  });

  test('a GET without requests is closed in time, a POST lives as long as its GET', async () => {
    const { get, post } = await tunnel();
    get.around.nowMs += limits.rtsp.sessionTimeoutMs + 1;
    post.connection.sweep(get.around.nowMs);
    assert.equal(post.closed, 0);
    get.connection.sweep(get.around.nowMs);
    await turn();
    await turn();
    assert.equal(get.end.fields['reason'], 'receive_timeout');
    assert.equal(post.closed, 1);
  });

  test('halves in two threads find each other; a POST that nobody answers for is refused', async (t) => {
    const [here, there] = twoThreads(t, 'test');
    const get = new Bench(here, 's1');
    await get.send(head('GET', 'abc'));
    const post = new Bench(there, 's2');
    assert.equal(await post.send(head('POST', 'abc') + describeRequest + setupRequest + playRequest), '');
    await until('the session plays', () => get.readers === 1);
    assert.deepEqual(get.socket.takeText().match(/RTSP\/1\.0 \d+/g), Array(3).fill('RTSP/1.0 200'));
    const lost = new Bench(there, 's3');
    await lost.send(head('POST', 'abd') + describeRequest);
    there.nowMs += 5001;
    for (const bench of [post, lost]) bench.connection.sweep(there.nowMs);
    await turn();
    assert.match(lost.socket.takeText(), /^HTTP\/1\.0 400/);
    assert.deepEqual([post.closed, lost.closed], [0, 1]);
    get.socket.push(null);
    await until('the POST has ended too', () => post.closed === 1);
  });

  test('a POST has logged in as soon as its GET has, so that tunnels do not count as strangers', async () => {
    const around = new Surroundings();
    for (let i = 0; i < limits.rtsp.strangersPerAddress; i++) {
      const get = new Bench(around, `g${i}`);
      await get.send(head('GET', `c${i}`));
      const post = new Bench(around, `p${i}`);
      await post.send(head('POST', `c${i}`) + describeRequest);
      assert.deepEqual([get.closed, post.closed], [0, 0], `tunnel ${i + 1}`);
    }
    assert.deepEqual(await new Bench(around).ask(setupTcp), [200]);
    const later = new Bench(around, 's2');
    for (let i = 1; i < limits.rtsp.strangersPerAddress; i++) assert.equal(new Bench(around, `x${i}`).closed, 0);
    await later.send(head('POST', 'c0'));
    assert.equal(new Bench(around, 's3').closed, 0, 'one that joins a GET that has logged in is none either');
  });

  test('a POST whose GET logs in in another thread is no stranger in its own', async (t) => {
    const [here, there] = twoThreads(t, 'test-strangers');
    const get = new Bench(here, 's1');
    await get.send(head('GET', 'abc'));
    const room = (around: Surroundings) => {
      const { strangers } = around.context;
      const free = strangers.enter('192.0.2.9');
      if (free) strangers.leave('192.0.2.9');
      return free;
    };
    for (let i = 1; i < limits.rtsp.strangersPerAddress; i++) assert.ok(there.context.strangers.enter('192.0.2.9'));
    const post = new Bench(there, 's2');
    assert.ok(!room(there));
    await post.send(head('POST', 'abc') + describeRequest);
    await until('it has left the strangers', () => room(there));
    assert.ok(there.context.strangers.enter('192.0.2.9'));
    post.socket.push(null);
    await until('the first one has ended', () => post.closed === 1);
    assert.ok(!room(there), 'and does not leave them a second time');
  });

  test('a stranger at the ONVIF ports does not take the places of others who come through them', async (t) => {
    const ports = await RtpPorts.open('127.0.0.1');
    t.after(() => ports?.close());
    const around = new Surroundings(ports);
    const open = async (id: string, address: string, cookie: string) => {
      const get = new Bench(around, id, '127.0.0.1');
      await get.send(piped(address, 40_000) + head('GET', cookie));
      return get;
    };
    for (let i = 0; i < limits.rtsp.strangersPerAddress; i++)
      assert.equal((await open(`x${i}`, '192.0.2.66', `x${i}`)).closed, 0);
    const refused = await open('s0', '192.0.2.66', 'x');
    assert.equal(refused.end.fields['reason'], 'connections_per_ip_exceeded');
    const get = await open('s1', '192.0.2.9', 'abc');
    assert.deepEqual(get.connection.info.peer, { id: 's1', address: '192.0.2.9', port: 40_000 });
    const thief = await new Bench(around, 's2', '127.0.0.1').send(head('POST', 'abc'));
    assert.match(thief, /^HTTP\/1\.0 400/, 'the halves must be of one client');
    const post = new Bench(around, 's3', '127.0.0.1');
    await post.send(piped('192.0.2.9', 40_001) + head('POST', 'abc'));
    get.socket.takeText();
    await post.send(encode(`${setupUdp[0]} RTSP/1.0`, 'CSeq: 1', udp) + setupRequest);
    assert.deepEqual(get.socket.takeText().match(/RTSP\/1\.0 \d+/g), ['RTSP/1.0 461', 'RTSP/1.0 200']);
  });

  test('the card of one who comes through an ONVIF port names the address at which he reached that', async () => {
    const around = new Surroundings();
    await new Bench(around, 's1', '127.0.0.1').send(piped('192.0.2.9', 40_000) + head('GET', 'abc'));
    await new Bench(around, 's2', '127.0.0.1').send(piped('192.0.2.9', 40_001) + head('POST', 'abc') + setupRequest);
    assert.deepEqual(around.cardAddresses, ['198.51.100.1']);
    await new Bench(around, 's3').ask(setupTcp);
    assert.deepEqual(around.cardAddresses.slice(1), ['192.0.2.1'], 'the RTSP port itself');
  });

  test('who does not know the pass is nobody else', async () => {
    const bench = new Bench();
    await bench.send(piped('192.0.2.1', 1, 'word') + head('GET', 'abc'));
    assert.equal(bench.connection.info.peer.address, '192.0.2.9');
    assert.equal(bench.end.fields['reason'], 'rtsp_malformed');
  });

  test('a flood of requests for another thread ends the POST before it fills the memory', async (t) => {
    const [here, there] = twoThreads(t, 'test-flood');
    const get = new Bench(here, 's1');
    await get.send(head('GET', 'abc'));
    const post = new Bench(there, 's2');
    await post.send(head('POST', 'abc'));
    for (let i = 0; i < 300; i++) {
      await post.send(describeRequest);
      await until('it is answered', () => get.socket.takeText() !== '');
    }
    assert.equal(post.closed, 0, 'not for what is answered');
    await post.send(Buffer.alloc(2 * limits.rtsp.tunnelBytes, '\r\n').toString('base64'));
    assert.equal(post.end.fields['reason'], 'rtsp_too_large');
  });
});

describe('the time to the first picture', () => {
  /** A reader of the first camera that plays since now, the camera, and the times that were counted. */
  async function playing() {
    const around = new Surroundings();
    const counted: number[] = [];
    around.context.tally.firstPicture = (ms) => counted.push(ms);
    let isLive = true;
    Object.assign(around.context.offline, { covers: () => !isLive });
    const bench = new Bench(around);
    await bench.ask(setupTcp, play);
    const pass = (ms: number, live: boolean): void => {
      isLive = live;
      around.nowMs += ms;
      bench.connection.sweep(around.nowMs);
    };
    const picture = async (): Promise<void> => {
      const stream = new TestStream(createRing(smallRing));
      stream.start();
      around.loop.setRing(0, stream.writer.buffer.buffer as SharedArrayBuffer);
      stream.keyframe(0, around.nowMs);
      around.loop.resume({ camera: 0 } as Parameters<typeof around.loop.resume>[0]);
      await until('the picture has gone out', () => bench.connection.info.frames > 0);
    };
    return { pass, picture, counted };
  }

  test('is that from PLAY on, of a camera that somebody publishes to', async () => {
    const { pass, picture, counted } = await playing();
    pass(700, true);
    await picture();
    pass(250, true);
    pass(250, true);
    assert.deepEqual(counted, [700]);
  });

  test('is not counted when the publisher left before: the next one may come on another day', async () => {
    const { pass, picture, counted } = await playing();
    pass(700, true);
    pass(250, false);
    pass(250, true);
    await picture();
    pass(250, true);
    assert.deepEqual(counted, []);
  });
});

test('readers of one IPv6 network that have not logged in are bounded as those of one address', () => {
  const around = new Surroundings();
  const { strangers } = around.context;
  const [one, other] = ['2001:db8:1:2::1', '2001:db8:1:2:3:4:5:6'];
  const first = new Bench(around, 's1', one);
  while (strangers.enter(addressKey(one)));
  const second = new Bench(around, 's2', other);
  assert.deepEqual(
    around.log.map(({ fields }) => [fields['conn'], fields['reason']]),
    [['s2', 'connections_per_ip_exceeded']],
  );
  new Bench(around, 's3', '2001:db8:1:3::1').connection.destroy();
  first.connection.shutdown();
  new Bench(around, 's4', other).connection.destroy();
  assert.ok(!around.log.some(({ fields }) => fields['conn'] === 's3' || fields['conn'] === 's4'));
  second.connection.destroy();
});
