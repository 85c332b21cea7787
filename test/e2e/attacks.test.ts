import assert from 'node:assert/strict';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { join } from 'node:path';
import { describe, type TestContext, test } from 'node:test';
import { limits } from '../../src/base/limits.ts';
import { amf, body, bytes, fmt0, handshake, message, u32 } from '../golden/wire.ts';
import { type CliServer, startCliServer } from '../support/cli-server.ts';
import { temporaryFolder } from '../support/media.ts';
import { testCredentials } from '../support/media-server.ts';
import { isRun, NumberedStream, receivedNumbers } from '../support/numbered-stream.ts';
import { until } from '../support/program.ts';
import { RtmpClient } from '../support/rtmp-client.ts';
import { RtspClient } from '../support/rtsp-client.ts';

const timeout = 120_000;

/** A live stream with a reader, beside which a server is attacked. */
class Bystander {
  readonly stream: NumberedStream;
  readonly reader: RtspClient;

  private constructor(stream: NumberedStream, reader: RtspClient) {
    this.stream = stream;
    this.reader = reader;
  }

  static async start(t: TestContext, { rtmpPort, rtspPort }: CliServer): Promise<Bystander> {
    const reader = await RtspClient.play({ port: rtspPort, path: '/stream1', credentials: testCredentials });
    t.after(() => reader.close());
    await reader.until(({ units }) => units.length > 0);
    const stream = await NumberedStream.start(t, { port: rtmpPort, path: '/stream1', localAddress: '127.0.0.9' });
    return new Bystander(stream, reader);
  }

  /** Has everything so far, and what comes from now on. */
  async assertUnharmed(): Promise<void> {
    const goal = this.stream.next + 20;
    await this.reader.until((r) => (receivedNumbers(r).at(-1) ?? -1) >= goal);
    assert.ok(receivedNumbers(this.reader)[0] === 0 && isRun(receivedNumbers(this.reader)));
    assert.equal(this.stream.closed, false);
    assert.equal(this.reader.lostPackets, 0);
  }
}

/** A connection that says nothing. */
async function hold(t: TestContext, port: number, localAddress = '127.0.0.1'): Promise<Socket> {
  const socket = connect({ port, host: '127.0.0.1', localAddress });
  socket.on('error', () => undefined);
  socket.resume();
  t.after(() => socket.destroy());
  await once(socket, 'connect');
  return socket;
}

const send = (name: string, ...values: Buffer[]) =>
  message(3, 20, 0, 0, bytes(amf.string(name), amf.number(1), ...values));
const connected = bytes(handshake(), send('connect', amf.object({ app: amf.string('') })));
const published = bytes(connected, send('publish', amf.null, amf.string('stream2'), amf.string('live')));
const nested = (levels: number) => bytes(...Array.from({ length: levels }, () => bytes([3, 0, 1, 97])));

/** What the attacker sends, and for which reason it is cut off. A reason that ends in `_timeout` is a deadline of that name. */
const attacks: readonly (readonly [name: string, sent: Buffer, reason: string])[] = [
  ['another RTMP version', bytes([5], body(1536)), 'bad_version'],
  ['a chunk size of 0', bytes(connected, message(2, 1, 0, 0, u32(0))), 'chunk_size_invalid'],
  [
    'a chunk size above what the field may hold',
    bytes(connected, message(2, 1, 0, 0, u32(0x80000000))),
    'chunk_size_invalid',
  ],
  [
    'more chunk streams than are kept',
    bytes(
      connected,
      ...Array.from({ length: limits.rtmp.chunkStreams + 1 }, (_, i) => bytes(fmt0(10 + i, 0, 5, 9), body(5))),
    ),
    'chunk_streams_exceeded',
  ],
  ['a message above 10 MiB', bytes(published, fmt0(6, 0, limits.rtmp.messageBytes + 1, 9)), 'message_too_large'],
  ['a message above 64 KiB before publishing', bytes(connected, fmt0(6, 0, 65_537, 9)), 'message_too_large'],
  ['AMF values nested 50 deep', bytes(handshake(), send('connect', nested(50))), 'amf_too_deep'],
  [
    'AMF that is cut off',
    bytes(handshake(), message(3, 20, 0, 0, bytes([2, 0, 9], Buffer.from('conn')))),
    'amf_malformed',
  ],
  ['a path that no camera has', bytes(connected, send('publish', amf.null, amf.string('nobody'))), 'path_unknown'],
  ['half a handshake', handshake().subarray(0, 100), 'handshake_timeout'],
  ['nothing', Buffer.alloc(0), 'handshake_timeout'],
  ['a connection that never publishes', connected, 'publish_timeout'],
  ['a publisher that never sends video', published, 'video_timeout'],
];

describe("what the RTMP Push Driver's own attack tests do", () => {
  test('each attack ends its connection with its reason, and the live stream beside it loses nothing', {
    timeout,
  }, async (t) => {
    const file = join(temporaryFolder(t), 'skyweir.yaml');
    writeFileSync(file, '{}');
    const server = await startCliServer(t, ['--config', file]);
    const bystander = await Bystander.start(t, server);
    const changes = () => server.lines().filter(({ msg }) => String(msg).startsWith('configuration changed: '));
    let shortened = '';
    for (const [name, sent, reason] of attacks) {
      // Only the deadline that is waited for is short, and only for connections that come now: no other one ends anybody on a busy machine.
      const deadline = reason.endsWith('_timeout') ? reason.replace('_', '-') : '';
      if (deadline !== shortened) {
        shortened = deadline;
        const before = changes().length;
        writeFileSync(file, JSON.stringify({ [deadline]: '400ms' }));
        server.program.kill('SIGHUP');
        await until('the deadline is set', () => changes().length > before);
      }
      const socket = await hold(t, server.rtmpPort);
      const before = server.reasons().length;
      const closed = once(socket, 'close');
      socket.write(sent);
      await closed;
      await until(`${name} is logged`, () => server.reasons().length > before);
      assert.equal(server.reasons().at(-1), reason, name);
      socket.destroy();
    }
    await bystander.assertUnharmed();
    assert.deepEqual(server.reasons().length, attacks.length, 'each connection has one reason');
  });

  test('nothing is received for a while: the receive deadline, of a publisher and of a stranger', {
    timeout,
  }, async (t) => {
    const server = await startCliServer(t, ['--receive-timeout', '3s']);
    const stranger = await hold(t, server.rtmpPort);
    const strangerClosed = once(stranger, 'close');
    stranger.write(connected);
    const publisher = await RtmpClient.publish({ port: server.rtmpPort, path: '/stream2' });
    await Promise.all([strangerClosed, publisher.ended]);
    await until('both are logged', () => server.reasons().length === 2);
    assert.deepEqual(server.reasons(), ['receive_timeout', 'receive_timeout']);
  });

  test('a flood is refused before any work, counted in one line a second, and harms no stream', {
    timeout,
  }, async (t) => {
    const limited = ['--max-connections', '40', '--max-connections-per-ip', '6', '--rate-limit-per-second', '12'];
    const server = await startCliServer(t, [...limited, '--rate-limit', '--handshake-timeout', '5m']);
    const bystander = await Bystander.start(t, server);
    const startMs = performance.now();
    const sockets = Array.from({ length: 100 }, () => connect(server.rtmpPort, '127.0.0.1'));
    let bytesReceived = 0;
    t.after(() => {
      for (const socket of sockets) socket.destroy();
    });
    for (const socket of sockets) {
      socket.on('error', () => undefined);
      socket.on('data', (data) => {
        bytesReceived += data.length;
      });
    }
    const refusals = () => server.lines().filter(({ msg }) => / new connection\(s\) refused/.test(String(msg)));
    const refused = () => refusals().reduce((sum, { count }) => sum + Number(count), 0);
    await until('94 are refused', () => refused() === 94);
    const seconds = (performance.now() - startMs) / 1000;
    assert.ok(refusals().length <= 1 + Math.ceil(seconds), `${refusals().length} lines in ${seconds} s`);
    assert.deepEqual([...new Set(refusals().map(({ reason }) => reason))], ['connections_per_ip_exceeded']);
    assert.equal(bytesReceived, 0, 'who is refused gets no answer');
    await bystander.assertUnharmed();

    // As fast as this machine can, until more came in a second than may.
    await until('the rate is limited', async () => {
      await Promise.all(
        Array.from({ length: 6 }, async () => {
          const socket = await hold(t, server.rtmpPort, '127.0.0.5');
          const closed = once(socket, 'close');
          socket.end();
          await closed;
        }),
      );
      return refusals().some(({ reason }) => reason === 'rate_limited');
    });
    for (let i = 0; i < 48; i++) await hold(t, server.rtmpPort, `127.0.0.${11 + (i % 8)}`);
    await until('the total is limited', () => refusals().some(({ reason }) => reason === 'connections_exceeded'));
    await bystander.assertUnharmed();
  });
});
