/**
 * What one frame costs between the read buffer and the ring, for one publisher and for a thousand that take turns in one
 * thread. Between the two lies the price of cold caches: the more memory a connection touches for a frame, the higher it is.
 * One operation is one 19 KB access unit in one chunk, read by the session, checked, committed and, with a reader, rung for.
 */
import { Bench } from 'tinybench';
import { encodeAvcDecoderConfig } from '../../src/h264/avc-decoder-config.ts';
import { Publisher } from '../../src/ingest/publisher.ts';
import { ChunkEncoder } from '../../src/rtmp/chunk-encoder.ts';
import { encodeCommand } from '../../src/rtmp/command.ts';
import { messageType } from '../../src/rtmp/message.ts';
import { ServerSession } from '../../src/rtmp/server-session.ts';
import { CameraBells } from '../../src/shm/camera-bells.ts';
import { Doorbell } from '../../src/shm/doorbell.ts';
import { createRing } from '../../src/shm/frame-ring.ts';
import { ReaderSlot, RingReader } from '../../src/shm/ring-reader.ts';
import { RingWriter } from '../../src/shm/ring-writer.ts';
import { StreamCounters } from '../../src/shm/stream-counters.ts';

const frameBytes = 19_400;
const chunkSize = 65_536;
const sps = Buffer.from('6742c028da01e0089f970110000003001000000303c0f1832a', 'hex');
const pps = Buffer.from('68ce0fc8', 'hex');
const readBuffer = Buffer.allocUnsafeSlow(256 * 1024);

/** The bytes of one delta frame: fmt 1 chunk header (33 ms later), tag header, one slice. */
function frame(): Buffer {
  const body = Buffer.alloc(frameBytes, 0x55);
  body.set([0x27, 1, 0, 0, 0]);
  body.writeUInt32BE(frameBytes - 9, 5);
  body.set([0x41, 0x9a, 0x24], 9);
  const header = Buffer.from([0x46, 0, 0, 33, 0, 0, 0, messageType.video]);
  header.writeUIntBE(frameBytes, 4, 3);
  return Buffer.concat([header, body]);
}

class Fleet {
  readonly #sessions: ServerSession[] = [];
  readonly #publishers: Publisher[] = [];
  readonly #readers: RingReader[] = [];
  readonly #slots: ReaderSlot[] = [];
  readonly #frame = frame();
  #next = 0;
  #nowMs = 1;

  constructor(size: number, reading: boolean) {
    const counters = new StreamCounters(StreamCounters.create(size, 1));
    const doorbell = new Doorbell(Doorbell.create(size));
    const bells = new CameraBells([doorbell]);
    for (let camera = 0; camera < size; camera++) {
      const ring = createRing({
        frames: 300,
        initialBytes: 1024 * 1024,
        maximumBytes: 8 * 1024 * 1024,
        hardMaximumBytes: 24 * 1024 * 1024,
        gopCache: false,
      });
      const publisher = new Publisher({
        writer: new RingWriter(ring, bells, camera),
        counters: counters.publisher(camera),
        ring: () => bells.ring(camera),
        wallMs: () => 0,
        pressure: { saturated: false, lateMs: () => 0 },
        random: Math.random,
        onEvent() {},
      });
      this.#add(publisher);
      if (!reading) continue;
      doorbell.setInterest(camera, true);
      this.#slots.push(ReaderSlot.claim(ring, 0));
      this.#readers.push(new RingReader(ring));
    }
    for (let i = 0; i < 70 * size; i++) this.turn();
    if (this.#publishers.some((publisher) => publisher.lastVideoMs === 0)) throw new Error('video was refused');
  }

  /** One frame of the next publisher, read and taken by its reader if there is one. */
  turn(): void {
    const camera = this.#next;
    this.#next = camera + 1 === this.#sessions.length ? 0 : camera + 1;
    if (this.#next === 0) this.#nowMs += 33;
    const length = this.#frame.length;
    this.#publishers[camera]!.arrived(this.#nowMs);
    this.#sessions[camera]!.receive(readBuffer, 0, length, this.#nowMs);
    const reader = this.#readers[camera];
    if (reader === undefined) return;
    while (reader.peek() > 0) reader.advance();
    this.#slots[camera]!.publish(reader.cursor);
  }

  #add(publisher: Publisher): void {
    const session: ServerSession = new ServerSession(
      {
        onOutput() {},
        onConnect() {},
        onPublishRequest() {
          publisher.start(1);
          session.acceptPublish(1, publisher);
        },
        onUnpublish() {},
        onMetadata() {},
      },
      {
        nowMs: 1,
        handshakeTimeoutMs: 5_000,
        publishTimeoutMs: 10_000,
        videoTimeoutMs: 15_000,
        receiveTimeoutMs: 30_000,
        random() {},
      },
    );
    const hello = Buffer.alloc(1 + 2 * 1536);
    hello[0] = 3;
    const encoder = new ChunkEncoder();
    const size = Buffer.alloc(4);
    size.writeUInt32BE(chunkSize);
    encoder.write(3, messageType.commandAmf0, 0, 0, encodeCommand('connect', 1, new Map([['app', 'live']])));
    encoder.write(3, messageType.commandAmf0, 1, 0, encodeCommand('publish', 2, null, 'cam1', 'live'));
    encoder.write(2, messageType.setChunkSize, 0, 0, size);
    encoder.chunkSize = chunkSize;
    const header = Buffer.concat([Buffer.from([0x17, 0, 0, 0, 0]), encodeAvcDecoderConfig([sps], [pps])]);
    encoder.write(6, messageType.video, 1, 0, header);
    for (const bytes of [hello, Buffer.from(encoder.take())]) session.receive(bytes, 0, bytes.length, 1);
    this.#sessions.push(session);
    this.#publishers.push(publisher);
  }
}

frame().copy(readBuffer);
const bench = new Bench({ time: 1000, warmupTime: 300 });
for (const [size, reading] of [
  [1, false],
  [1, true],
  [1000, false],
  [1000, true],
] as const) {
  const fleet = new Fleet(size, reading);
  bench.add(`${size} publisher${size === 1 ? '' : 's'}, ${reading ? 'read' : 'nobody reads'}`, () => {
    for (let i = 0; i < 100; i++) fleet.turn();
  });
}
await bench.run();

const rows = bench.tasks.map((task) => {
  const { result } = task;
  if (result.state !== 'completed') throw new Error(`${task.name}: ${result.state}`);
  const ns = (result.latency.p50 * 1e6) / 100;
  return { case: task.name, 'ns per frame (median)': Math.round(ns), 'GB/s': Math.round((frameBytes / ns) * 10) / 10 };
});
if (process.argv.includes('--json')) console.log(JSON.stringify(rows));
else console.table(rows);
