/**
 * A publisher on a real ring without a socket: one second of 4.6 Mbit/s video (30 access units of 19 KB, the first one an
 * IDR), cut into pieces as the chunk decoder hands them over, and the same bytes copied and nothing else. One operation is
 * one second of video. `drained` is live traffic, where the ring starts again at its first byte with each record; `full`
 * has a reader that does not keep up, so that records go round the whole ring.
 */
import { Bench } from 'tinybench';
import { encodeAvcDecoderConfig } from '../../src/h264/avc-decoder-config.ts';
import { Publisher } from '../../src/ingest/publisher.ts';
import { createRing } from '../../src/shm/frame-ring.ts';
import { ReaderSlot } from '../../src/shm/ring-reader.ts';
import { RingWriter } from '../../src/shm/ring-writer.ts';
import { StreamCounters } from '../../src/shm/stream-counters.ts';

const frames = 30;
const frameBytes = 19_000;
const sps = Buffer.from('6742c028da01e0089f970110000003001000000303c0f1832a', 'hex');
const pps = Buffer.from('68ce0fc8', 'hex');

const framing = { lengths: 0, 'byte stream': 1 } as const;

/** One message body: delimiter, SEI and four slices, with 4-byte lengths or start codes. */
function message(key: boolean, kind: number): Buffer {
  const body = Buffer.alloc(frameBytes, 0x55);
  body.set([key ? 0x17 : 0x27, 1, 0, 0, 0]);
  let at = 5;
  const put = (length: number, ...head: number[]) => {
    body.writeUInt32BE(kind === framing.lengths ? length : 1, at);
    body.set(head, at + 4);
    at += 4 + length;
  };
  put(2, 9, 0xf0);
  put(24, 6, 5, 21);
  const sliceBytes = Math.floor((frameBytes - at) / 4) - 4;
  for (let i = 0; i < 3; i++) put(sliceBytes, key ? 0x65 : 0x41, i === 0 ? 0x9a : 0x24, 0x84);
  put(frameBytes - at - 4, key ? 0x65 : 0x41, 0x24, 0x84);
  return body;
}

class Camera {
  readonly publisher: Publisher;
  #timestampMs = 0;
  readonly #messages: readonly Buffer[];
  readonly #piece: number;

  constructor(piece: number, kind: number, full: boolean) {
    const ring = createRing({
      frames: 300,
      initialBytes: 1024 * 1024,
      maximumBytes: 8 * 1024 * 1024,
      hardMaximumBytes: 24 * 1024 * 1024,
      gopCache: false,
    });
    this.publisher = new Publisher({
      writer: new RingWriter(ring),
      counters: new StreamCounters(StreamCounters.create(1)).publisher(0),
      ring() {},
      wallMs: () => 0,
      pressure: { saturated: false, lateMs: () => 0 },
      random: Math.random,
      onEvent() {},
    });
    if (full) ReaderSlot.claim(ring, 0).publish(0);
    this.publisher.start(0);
    const header = Buffer.concat([Buffer.from([0x17, 0, 0, 0, 0]), encodeAvcDecoderConfig([sps], [pps])]);
    this.#messages = Array.from({ length: frames }, (_, i) => message(i === 0, kind));
    this.#piece = piece;
    this.#send(header);
    for (let i = 0; i < 10; i++) this.second();
    if (this.publisher.lastVideoMs === 0) throw new Error('the publisher refused the video');
  }

  second(): void {
    for (let i = 0; i < frames; i++) {
      this.#timestampMs = (this.#timestampMs + 33) >>> 0;
      this.#send(this.#messages[i]!);
    }
  }

  #send(body: Buffer): void {
    const { publisher } = this;
    publisher.begin(this.#timestampMs, body.length, this.#timestampMs);
    for (let at = 0; at < body.length; at += this.#piece)
      publisher.append(body, at, Math.min(at + this.#piece, body.length));
    publisher.end();
  }
}

const bench = new Bench({ name: 'publisher', time: 500, warmupTime: 200 });

for (const full of [false, true]) {
  for (const piece of [128, 4096, 65_536]) {
    const camera = new Camera(piece, framing.lengths, full);
    bench.add(`lengths, ${full ? 'full' : 'drained'}, pieces of ${piece}`, () => camera.second());
  }
}
const converting = new Camera(4096, framing['byte stream'], false);
bench.add('byte stream, drained, pieces of 4096', () => converting.second());

const source = message(false, framing.lengths);
const target = Buffer.from(new SharedArrayBuffer(1024 * 1024, { maxByteLength: 2 * 1024 * 1024 }));
bench.add('Buffer.copy alone, pieces of 4096', () => {
  for (let i = 0; i < frames; i++)
    for (let at = 0; at < frameBytes; at += 4096) source.copy(target, at, at, Math.min(at + 4096, frameBytes));
});

await bench.run();

const rows = bench.tasks.map((task) => {
  const ms = task.result.state === 'completed' ? task.result.latency.p50 : Number.NaN;
  return {
    name: task.name,
    nsPerFrame: Math.round((ms * 1e6) / frames),
    gigabytesPerSecond: (frames * frameBytes) / ms / 1e6,
  };
});
if (process.argv.includes('--json')) {
  console.log(JSON.stringify(rows));
} else {
  console.table(rows);
}
