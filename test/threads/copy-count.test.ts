import assert from 'node:assert/strict';
import type { Socket } from 'node:net';
import { describe, type TestContext, test } from 'node:test';
import { systemClock } from '../../src/base/clock.ts';
import { CameraFeed } from '../../src/egress/camera-feed.ts';
import type { MediaTransport } from '../../src/egress/media-transport.ts';
import { PlaySession } from '../../src/egress/play-session.ts';
import { Publisher } from '../../src/ingest/publisher.ts';
import { InterleavedTransport } from '../../src/net/rtp-interleaved.ts';
import { ClientSession } from '../../src/rtmp/client-session.ts';
import { ServerSession } from '../../src/rtmp/server-session.ts';
import { PacketBatch } from '../../src/rtp/packet-batch.ts';
import { createRing } from '../../src/shm/frame-ring.ts';
import { RingWriter } from '../../src/shm/ring-writer.ts';
import { StreamCounters } from '../../src/shm/stream-counters.ts';
import { countCopies } from '../support/copy-meter.ts';
import { avcc, headerTag, idr, naluTag, pps, slice, sps } from '../unit/ingest/publisher-rig.ts';

const pictureCount = 240;
const timeouts = { handshakeTimeoutMs: 5000, publishTimeoutMs: 5000, videoTimeoutMs: 5000, receiveTimeoutMs: 5000 };

/** Video messages of about 4 MB: a large IDR every 60 pictures. The first is the sequence header. */
const pictures = Array.from({ length: pictureCount }, (_, i) =>
  naluTag(avcc(i % 60 === 0 ? idr(120_000) : slice(15_000))),
);
const videoBytes = pictures.reduce((sum, body) => sum + body.length, 0);

/** The ingest side of one connection without its socket: reads go in, records come out. */
class IngestSide {
  readonly ring = createRing({
    frames: 300,
    initialBytes: 1024 * 1024,
    maximumBytes: 8 * 1024 * 1024,
    hardMaximumBytes: 24 * 1024 * 1024,
    gopCache: false,
  });
  readonly counters = StreamCounters.create(1, 1);
  readonly session: ServerSession;
  readonly client: ClientSession;
  /** What the client says until it is taken. */
  output: Buffer[] = [];
  readonly #replies: Buffer[] = [];

  constructor(chunkSize: number) {
    const publisher = new Publisher({
      writer: new RingWriter(this.ring),
      counters: new StreamCounters(this.counters).publisher(0),
      ring: () => undefined,
      wallMs: systemClock.wallMs,
      pressure: { saturated: false, lateMs: () => 0 },
      random: Math.random,
      onEvent: () => undefined,
    });
    publisher.start(0);
    const random = () => undefined;
    this.session = new ServerSession(
      {
        onOutput: (bytes) => this.#replies.push(Buffer.from(bytes)),
        onConnect: () => undefined,
        onPublishRequest: () => this.session.acceptPublish(0, publisher),
        onUnpublish: () => undefined,
        onMetadata: () => undefined,
      },
      { ...timeouts, nowMs: 0, random },
    );
    this.client = new ClientSession(
      {
        onOutput: (bytes) => this.output.push(Buffer.from(bytes)),
        onPublishing: () => undefined,
        onRejected: (code) => assert.fail(code),
      },
      { app: 'live', streamName: 'cam1', tcUrl: 'rtmp://127.0.0.1/live', chunkSize, nowMs: 0, random },
    );
    this.client.start();
    while (this.output.length > 0) {
      for (const bytes of this.takeOutput(1460)) this.session.receive(bytes, 0, bytes.length, 0);
      for (const bytes of this.#replies.splice(0)) this.client.receive(bytes, 0, bytes.length, 0);
    }
    assert.ok(this.client.publishing);
    this.client.sendVideo(0, headerTag([sps], [pps]));
  }

  /** The client's output cut into reads of at most `readBytes`. */
  takeOutput(readBytes: number): Buffer[] {
    const bytes = Buffer.concat(this.output.splice(0));
    const reads: Buffer[] = [];
    for (let at = 0; at < bytes.length; at += readBytes) reads.push(bytes.subarray(at, at + readBytes));
    return reads;
  }
}

/** Bytes of media that went out, and how often they were looked at. */
class CountingSocket {
  readonly writableLength = 0;
  bytes = 0;

  write(bytes: Buffer): boolean {
    this.bytes += bytes.length;
    return true;
  }
}

/** UDP without a network: the packets are handed to the kernel where they lie. */
class CountingDatagrams implements MediaTransport {
  readonly interleavedChannel = -1;
  bytes = 0;
  ready = () => true;
  sendReport = () => undefined;
  pendingBytes = () => 0;

  sendPackets(batch: PacketBatch): void {
    this.bytes += batch.length;
  }
}

/** Once: headers are taken off or put in front, and the first access unit of a stream is looked at more closely. */
function assertOnce(t: TestContext, copied: number, videoBytes: number): void {
  t.diagnostic(`${copied} bytes copied for ${videoBytes} bytes of video`);
  assert.ok(copied > 0.99 * videoBytes, 'the meter misses a way of copying');
  assert.ok(copied < 1.01 * videoBytes, 'bytes are copied more than once');
}

describe('zero-copy, exactly', () => {
  test('the meter sees every way of copying', () => {
    const from = Buffer.from('0123456789');
    const to = Buffer.alloc(10);
    const ways: (() => unknown)[] = [
      () => from.copy(to),
      () => to.set(from),
      () => to.copyWithin(0, 0, 10),
      () => Buffer.concat([from]),
      () => Buffer.from(from),
      () => new Uint8Array(from),
      () => Uint8Array.prototype.slice.call(from),
      () => from.toString('latin1'),
    ];
    for (const way of ways) assert.equal(countCopies(way), 10, String(way));
    assert.equal(
      countCopies(() => from.subarray(2)),
      0,
    );
    assert.equal(
      countCopies(() => new Uint8Array(from.buffer)),
      0,
    );
  });

  for (const chunkSize of [128, 4096, 65_536]) {
    for (const readBytes of [1460, 65_536, 262_144]) {
      test(`ingest: each video byte is copied once, chunks of ${chunkSize}, reads of ${readBytes} bytes`, (t) => {
        const side = new IngestSide(chunkSize);
        for (const [i, body] of pictures.entries()) side.client.sendVideo(i * 33, body);
        const reads = side.takeOutput(readBytes);
        const copied = countCopies(() => {
          for (const read of reads) side.session.receive(read, 0, read.length, 1);
        });
        assert.equal(new StreamCounters(side.counters).publisher(0).snapshot().frames, pictureCount);
        assertOnce(t, copied, videoBytes);
      });
    }
  }

  for (const protocol of ['tcp', 'udp'] as const) {
    test(`egress over ${protocol}: each video byte is copied once for each reader`, (t) => {
      const side = new IngestSide(4096);
      const context = {
        clock: systemClock,
        random: () => 0.5,
        batch: new PacketBatch(),
        cname: 'test',
      };
      const feed = new CameraFeed(
        { slot: 0, gopCache: false, onSessionFailed: (_, error) => assert.fail(String(error)) },
        0,
        new StreamCounters(side.counters).reader(0, 0),
        side.ring,
      );
      const sinks: { bytes: number }[] = [];
      for (let i = 0; i < 2; i++) {
        const user = { onReady: () => undefined, onLost: () => undefined };
        const socket = new CountingSocket();
        const datagrams = new CountingDatagrams();
        const overTcp = () => new InterleavedTransport(socket as unknown as Socket, [0, 1], user);
        const transport = protocol === 'tcp' ? overTcp() : datagrams;
        sinks.push(protocol === 'tcp' ? socket : datagrams);
        const session = new PlaySession(context, 0, transport, { endPlay: (why) => assert.fail(why) }, 1400);
        session.begin(systemClock.nowMs());
        feed.join(session);
      }

      let copied = 0;
      for (const [i, body] of pictures.entries()) {
        side.client.sendVideo(i * 33, body);
        for (const read of side.takeOutput(65_536)) side.session.receive(read, 0, read.length, systemClock.nowMs());
        // Far in the future, so that pacing holds nothing back.
        copied += countCopies(() => {
          while (feed.pump(systemClock.nowMs() + 60_000));
        });
      }
      const delivered = new StreamCounters(side.counters).reader(0, 0).snapshot();
      assert.equal(delivered.framesSent, 2 * pictureCount);
      for (const { bytes } of sinks) assert.ok(bytes > delivered.bytes && bytes < 1.03 * delivered.bytes);
      assertOnce(t, copied, sinks.length * delivered.bytes);
    });
  }
});
