/** What a reader's connection holds for itself is there for others when it has gone on or has gone. */
import assert from 'node:assert/strict';
import { createSocket, type Socket } from 'node:dgram';
import { once } from 'node:events';
import { describe, type TestContext, test } from 'node:test';
import { setImmediate as turn } from 'node:timers/promises';
import { limits } from '../../../src/base/limits.ts';
import { RtpPorts } from '../../../src/net/rtp-udp.ts';
import { RtspConnection } from '../../../src/net/rtsp-connection.ts';
import { FakeSocket } from '../../support/fake-socket.ts';
import { until } from '../../support/program.ts';
import { RtspSurroundings } from '../../support/rtsp-surroundings.ts';

const timeout = 20_000;

class Reader {
  readonly socket = new FakeSocket();
  readonly connection: RtspConnection;
  readonly #around: RtspSurroundings;
  readonly #id: string;

  constructor(around: RtspSurroundings, id: string, address = '192.0.2.9') {
    this.#around = around;
    this.#id = id;
    const peer = { id, address, port: 50_000 };
    this.connection = new RtspConnection(around.context, this.socket.socket, peer, () => undefined);
  }

  /** Why the connection ended, if it has. */
  get reason(): unknown {
    return this.#around.log.find(({ fields }) => fields['conn'] === this.#id && 'reason' in fields)?.fields['reason'];
  }

  /** Sends a request, whose answer must be 200. */
  async ask(request: string, ...headers: string[]): Promise<void> {
    this.socket.takeText();
    this.socket.push([`${request} RTSP/1.0`, 'CSeq: 1', ...headers, '', ''].join('\r\n'));
    await turn();
    assert.match(this.socket.takeText(), /^RTSP\/1\.0 200 /);
  }

  async leave(): Promise<void> {
    this.socket.push(null);
    await turn();
    await turn();
    assert.equal(this.reason, 'peer_closed');
  }
}

test('who has logged in, and who has gone, makes room for one more that has not logged in; who was refused does not', async () => {
  const around = new RtspSurroundings();
  let count = 0;
  const come = () => new Reader(around, `s${++count}`);
  const strangers = Array.from({ length: limits.rtsp.strangersPerAddress }, come);
  assert.equal(strangers.at(-1)!.reason, undefined);
  const assertFull = async () => {
    for (let i = 0; i < 2; i++) {
      const refused = come();
      assert.equal(refused.reason, 'connections_per_ip_exceeded');
      await turn();
    }
  };
  await assertFull();

  // Without a password the first request is the login.
  await strangers[0]!.ask('OPTIONS rtsp://server/stream1');
  assert.equal(come().reason, undefined);
  await assertFull();

  await strangers[1]!.leave();
  assert.equal(come().reason, undefined);
  await assertFull();

  // It has given its place away when it logged in.
  await strangers[0]!.leave();
  await assertFull();
});

describe('the UDP ports of a reader', { timeout }, () => {
  const receiverReport = Buffer.from([0x80, 201, 0, 1, 0, 0, 0, 7]);
  const setup = 'SETUP rtsp://server/stream1/trackID=0';
  const overUdp = (rtcpPort: number) => `Transport: RTP/AVP;unicast;client_port=${rtcpPort - 1}-${rtcpPort}`;
  const overTcp = 'Transport: RTP/AVP/TCP;unicast;interleaved=0-1';

  async function openPorts(t: TestContext): Promise<RtpPorts> {
    const ports = await RtpPorts.open('127.0.0.1');
    assert.ok(ports);
    t.after(() => ports.close());
    return ports;
  }

  async function bind(t: TestContext): Promise<Socket> {
    const socket = createSocket('udp4');
    socket.bind(0, '127.0.0.1');
    await once(socket, 'listening');
    t.after(() => socket.close());
    return socket;
  }

  function send(socket: Socket, port: number): Promise<void> {
    return new Promise((resolve) => socket.send(receiverReport, port, '127.0.0.1', () => resolve()));
  }

  test('are its own no more when it has set up TCP instead: reports from there are no sign of life', async (t) => {
    const ports = await openPorts(t);
    const around = new RtspSurroundings(ports);
    const [rtcp, marker] = [await bind(t), await bind(t)];
    let marks = 0;
    ports.add('127.0.0.1', marker.address().port, { onReport: () => marks++ });
    /** Datagrams come in the order in which they were sent: the reader's report has been heard before the marker's. */
    const report = async () => {
      const before = marks;
      await send(rtcp, ports.rtcpPort);
      await send(marker, ports.rtcpPort);
      await until('it is heard', () => marks > before);
    };
    const lifeMs = limits.rtsp.sessionTimeoutMs + limits.rtsp.sessionGraceMs;
    const reader = new Reader(around, 's1', '127.0.0.1');
    await reader.ask(setup, overUdp(rtcp.address().port));
    around.nowMs += lifeMs - 1;
    await report();
    around.nowMs += lifeMs - 1;
    reader.connection.sweep(around.nowMs);
    assert.equal(reader.reason, undefined, 'over UDP they are');

    await reader.ask(setup, overTcp);
    around.nowMs += lifeMs - 1;
    await report();
    around.nowMs += 1;
    reader.connection.sweep(around.nowMs);
    assert.equal(reader.reason, 'session_timeout');
  });

  test('are given back however it leaves', async (t) => {
    const ports = await openPorts(t);
    const held = new Set<string>();
    const { add, remove } = ports;
    t.mock.method(ports, 'add', (...[address, port, sink]: Parameters<RtpPorts['add']>) => {
      held.add(`${address} ${port}`);
      add.call(ports, address, port, sink);
    });
    t.mock.method(ports, 'remove', (...[address, port, sink]: Parameters<RtpPorts['remove']>) => {
      held.delete(`${address} ${port}`);
      remove.call(ports, address, port, sink);
    });
    const around = new RtspSurroundings(ports);
    const ways: readonly ((reader: Reader) => unknown)[] = [
      (reader) => reader.leave(),
      (reader) => reader.ask('TEARDOWN rtsp://server/stream1'),
      (reader) => reader.connection.shutdown(),
      (reader) => reader.connection.keepCameras(new Set()),
      (reader) => reader.connection.sweep(around.nowMs + 3_600_000),
    ];
    for (const [i, leave] of ways.entries()) {
      const reader = new Reader(around, `s${i}`, '127.0.0.1');
      await reader.ask(setup, overUdp(40_001));
      await reader.ask('PLAY rtsp://server/stream1');
      assert.deepEqual([...held], ['127.0.0.1 40001']);
      await leave(reader);
      assert.deepEqual([...held], [], `way ${i}`);
    }
  });
});
