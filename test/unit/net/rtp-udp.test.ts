import assert from 'node:assert/strict';
import { createSocket, type Socket } from 'node:dgram';
import { once } from 'node:events';
import { isIPv4 } from 'node:net';
import { describe, test } from 'node:test';
import { setImmediate as turn } from 'node:timers/promises';
import { limits } from '../../../src/base/limits.ts';
import { RtpPorts, UdpTransport } from '../../../src/net/rtp-udp.ts';
import { RtspConnection } from '../../../src/net/rtsp-connection.ts';
import { PacketBatch } from '../../../src/rtp/packet-batch.ts';
import { FakeSocket } from '../../support/fake-socket.ts';
import { until } from '../../support/program.ts';
import { RtspSurroundings } from '../../support/rtsp-surroundings.ts';

type Test = { after(cleanup: () => void): void };

const timeout = 20_000;
const receiverReport = Buffer.from([0x80, 201, 0, 1, 0, 0, 0, 7]);

async function openPorts(t: Test): Promise<RtpPorts> {
  const ports = await RtpPorts.open('127.0.0.1');
  assert.ok(ports);
  t.after(() => ports.close());
  return ports;
}

async function bind(t: Test, port = 0): Promise<Socket> {
  const socket = createSocket('udp4');
  socket.bind(port, '127.0.0.1');
  await once(socket, 'listening');
  t.after(() => {
    try {
      socket.close();
    } catch {
      // The test has closed it.
    }
  });
  return socket;
}

function send(socket: Socket, bytes: Buffer, port: number): Promise<void> {
  return new Promise((resolve) => socket.send(bytes, port, '127.0.0.1', () => resolve()));
}

/** A transport whose packets and reports are written down instead of being sent. */
function noteSent(ports: RtpPorts, sent: string[], name: string): { transport: UdpTransport; readies: () => number } {
  let readies = 0;
  const user = { onReady: () => void readies++, onLost: () => assert.fail(), onReport: () => undefined };
  ports.sendPacket = (bytes, start, _end, port) => sent.push(`${port} ${bytes.readUInt32BE(start)}`);
  ports.sendReport = (bytes, length, port) => sent.push(`${port} ${bytes.toString('latin1', 0, length)}`);
  const rtpPort = Number(name);
  return { transport: new UdpTransport(ports, '127.0.0.1', [rtpPort, rtpPort], user), readies: () => readies };
}

/** A picture of so many packets, the first of which has the number `first`. */
function fill(batch: PacketBatch, packets: number, first: number): PacketBatch {
  batch.reset();
  batch.reserve(packets * 4, packets);
  for (let i = 0; i < packets; i++) {
    batch.starts[i] = batch.length;
    batch.length = batch.buffer.writeUInt32BE(first + i, batch.length);
    batch.ends[i] = batch.length;
  }
  batch.count = packets;
  return batch;
}

function numbers(port: number, first: number, count: number): string[] {
  return Array.from({ length: count }, (_, i) => `${port} ${first + i}`);
}

describe('pictures of many packets over UDP', { timeout }, () => {
  const atOnce = limits.turns.packets;

  test('a usual keyframe goes out at once', async (t) => {
    const sent: string[] = [];
    const { transport } = noteSent(await openPorts(t), sent, '5000');
    transport.sendPackets(fill(new PacketBatch(), atOnce, 0));
    assert.equal(sent.length, atOnce);
    assert.ok(transport.ready());
  });

  test('larger ones of several readers go out in parts between which others have a turn, each in order, reports behind them', async (t) => {
    const ports = await openPorts(t);
    const sent: string[] = [];
    const batch = new PacketBatch();
    const readers = [5000, 6000].map((port) => noteSent(ports, sent, String(port)));
    const packets = 3 * atOnce + 1;
    for (const { transport } of readers) {
      transport.sendPackets(fill(batch, packets, 100));
      transport.sendReport(Buffer.from('report'), 6);
      assert.ok(!transport.ready());
    }
    // The batch is another reader's by now.
    fill(batch, atOnce, 9_000_000);
    assert.equal(sent.length, 2 * atOnce);
    for (let before = sent.length; sent.length < 2 * (packets + 1); before = sent.length) {
      await turn();
      assert.ok(sent.length - before <= atOnce + 1, `${sent.length - before} in one turn`);
    }
    for (const port of [5000, 6000])
      assert.deepEqual(
        sent.filter((line) => line.startsWith(`${port} `)),
        [...numbers(port, 100, packets), `${port} report`],
      );
    for (const { transport, readies } of readers) {
      assert.ok(transport.ready());
      assert.equal(readies(), 1);
      transport.sendReport(Buffer.from('at once'), 7);
    }
    assert.deepEqual(sent.slice(-2), ['5000 at once', '6000 at once']);
  });

  test('nothing follows after TEARDOWN', async (t) => {
    const sent: string[] = [];
    const { transport } = noteSent(await openPorts(t), sent, '5000');
    transport.sendPackets(fill(new PacketBatch(), 4 * atOnce, 0));
    transport.sendReport(Buffer.from('report'), 6);
    transport.close();
    for (let i = 0; i < 10; i++) await turn();
    assert.deepEqual(sent, numbers(5000, 0, atOnce));
  });
});

describe('readers over UDP', { timeout }, () => {
  test('ports open where the listeners are also when those are given by a host name', async (t) => {
    for (const host of ['localhost', '127.0.0.1', '::']) {
      const ports = await RtpPorts.open(host);
      assert.ok(ports, host);
      t.after(() => ports.close());
      assert.equal(ports.rtcpPort, ports.rtpPort + 1);
    }
    assert.equal(await RtpPorts.open('no-such-host.invalid'), null);
  });

  test('get their packets over IPv4 and IPv6, also where sockets for IPv6 take no IPv4', async (t) => {
    for (const ipv6Only of [false, true]) {
      const ports = await RtpPorts.open('::', ipv6Only);
      assert.ok(ports);
      t.after(() => ports.close());
      for (const address of ['127.0.0.1', '::1']) {
        const reader = createSocket(isIPv4(address) ? 'udp4' : 'udp6');
        t.after(() => reader.close());
        reader.bind(0, address);
        await once(reader, 'listening');
        const pair = ports.of(address);
        assert.equal(pair === ports.of('::1'), !(ipv6Only && isIPv4(address)));
        const user = { onReady: () => undefined, onLost: () => assert.fail(), onReport: () => undefined };
        const transport = new UdpTransport(pair, address, [reader.address().port, 9], user);
        const came = once(reader, 'message');
        transport.sendPackets(fill(new PacketBatch(), 1, 7));
        const [bytes, from] = await came;
        assert.deepEqual([bytes.readUInt32BE(0), from.port], [7, pair.rtpPort]);
      }
    }
  });

  test('a port that nobody listens on is no error, and packets go on when somebody does again', async (t) => {
    const ports = await openPorts(t);
    const first = await bind(t);
    const { port } = first.address();
    const lost: string[] = [];
    const transport = new UdpTransport(ports, '127.0.0.1', [port, port + 1], {
      onReady: () => undefined,
      onLost: (reason) => lost.push(reason),
      onReport: () => undefined,
    });
    const batch = new PacketBatch();
    const sendOne = (text: string) => {
      batch.reset();
      batch.reserve(100, 1);
      batch.starts[0] = 0;
      batch.ends[0] = batch.length = batch.buffer.write(text);
      batch.count = 1;
      transport.sendPackets(batch);
      transport.sendReport(Buffer.from('report'), 6);
    };
    sendOne('first');
    assert.equal(String((await once(first, 'message'))[0]), 'first');
    await new Promise<void>((resolve) => first.close(resolve));
    // The kernel tells of a port that is closed with the next packet.
    for (let i = 0; i < 5; i++) {
      sendOne('nobody');
      await turn();
    }
    const second = await bind(t, port);
    const arrived = once(second, 'message');
    sendOne('second');
    assert.equal(String((await arrived)[0]), 'second');
    assert.deepEqual(lost, []);
    assert.equal(transport.ready(), true);
  });

  test('a reader that vanishes ends with session_timeout and leaves nothing; its reports would have kept it', async (t) => {
    const ports = await openPorts(t);
    const around = new RtspSurroundings(ports);
    const rtcp = await bind(t);
    const stranger = await bind(t);
    const { port } = rtcp.address();
    const socket = new FakeSocket();
    let closed = 0;
    const peer = { id: 's1', address: '127.0.0.1', port: 50_000 };
    const connection = new RtspConnection(around.context, socket.socket, peer, () => closed++);
    const ask = async (request: string, ...headers: string[]) => {
      socket.push([`${request} RTSP/1.0`, 'CSeq: 1', ...headers, '', ''].join('\r\n'));
      let answer = '';
      await until(`${request} is answered`, () => {
        answer += socket.takeText();
        return answer !== '';
      });
      assert.match(answer, /^RTSP\/1\.0 200 /);
    };
    await ask('SETUP rtsp://h/stream1/trackID=0', `Transport: RTP/AVP;unicast;client_port=${port - 1}-${port}`);
    await ask('PLAY rtsp://h/stream1');
    assert.equal(around.readers, 1);

    // Datagrams come in the order in which they were sent: behind one that is waited for, all earlier ones have been heard.
    const marker = await bind(t);
    let marks = 0;
    ports.add('127.0.0.1', marker.address().port, { onReport: () => marks++ });
    const heard = async () => {
      const before = marks;
      await send(marker, receiverReport, ports.rtcpPort);
      await until('it is heard', () => marks > before);
    };

    const lifeMs = limits.rtsp.sessionTimeoutMs + limits.rtsp.sessionGraceMs;
    around.nowMs += lifeMs - 1;
    await send(rtcp, receiverReport, ports.rtcpPort);
    await heard();
    around.nowMs += lifeMs - 1;
    connection.sweep(around.nowMs);
    assert.equal(around.readers, 1, 'the report counted');
    // What is no report, what comes to the other port, and what comes from elsewhere are no signs of life.
    await send(rtcp, Buffer.from('hello'), ports.rtcpPort);
    await send(rtcp, receiverReport, ports.rtpPort);
    await send(stranger, receiverReport, ports.rtcpPort);
    await heard();
    around.nowMs += 1;
    connection.sweep(around.nowMs);
    await until('it is closed', () => closed === 1);
    assert.equal(around.readers, 0);
    const ends = around.log.filter(({ fields }) => 'reason' in fields);
    assert.deepEqual(
      ends.map(({ fields }) => fields['reason']),
      ['session_timeout'],
    );
    await send(rtcp, receiverReport, ports.rtcpPort);
    await heard();
  });
});
