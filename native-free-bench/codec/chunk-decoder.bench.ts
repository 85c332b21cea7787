/**
 * Chunk decoding without a socket: one second of 4.7 Mbit/s video (30 frames, the first one an IDR) plus audio, at the
 * chunk sizes that encoders use, through a bare decoder with a sink that counts, through one that copies each byte once
 * (what a ring does), and through a whole server session. One operation is one pass over the stream, cut into reads.
 */
import { Bench } from 'tinybench';
import { ChunkDecoder } from '../../src/rtmp/chunk-decoder.ts';
import { ChunkEncoder } from '../../src/rtmp/chunk-encoder.ts';
import type { ChunkStream, MessageSink } from '../../src/rtmp/chunk-stream.ts';
import { encodeCommand } from '../../src/rtmp/command.ts';
import { messageType } from '../../src/rtmp/message.ts';
import { ServerSession } from '../../src/rtmp/server-session.ts';
import { SessionCounters } from '../../src/rtmp/session-counters.ts';
import type { VideoSink } from '../../src/rtmp/video-sink.ts';

/** Bytes of a read: the worker's whole buffer, and one TCP segment. */
const readBytes = 256 * 1024;
const segmentBytes = 1448;
const frames = 30;
const keyframeBytes = 120_000;
const frameBytes = 16_000;
const audioBytes = 350;

class CountingSink implements MessageSink {
  bytes = 0;
  messages = 0;
  appends = 0;
  begin(_stream: ChunkStream): void {}
  append(_stream: ChunkStream, _bytes: Buffer, start: number, end: number): void {
    this.bytes += end - start;
    this.appends++;
  }
  end(_stream: ChunkStream): void {
    this.messages++;
  }
  abort(_stream: ChunkStream): void {}
}

class CopyingSink implements VideoSink {
  readonly #into = Buffer.alloc(1024 * 1024);
  #at = 0;
  bytes = 0;
  begin(_timestampMs: number, length: number, _nowMs: number): void {
    if (this.#at + length > this.#into.length) this.#at = 0;
  }
  append(bytes: Buffer, start: number, end: number): void {
    bytes.copy(this.#into, this.#at, start, end);
    this.#at += end - start;
    this.bytes += end - start;
  }
  end(): number {
    return 0;
  }
  abort(): void {}
}

interface Stream {
  readonly bytes: Buffer;
  readonly chunks: number;
}

/** One second of audio and video as chunks. */
function encodeStream(chunkSize: number): Stream {
  const encoder = new ChunkEncoder();
  encoder.chunkSize = chunkSize;
  const video = Buffer.alloc(keyframeBytes, 0x55);
  video[0] = 0x27;
  const audio = Buffer.alloc(audioBytes, 0xaf);
  let chunks = 0;
  for (let i = 0; i < frames; i++) {
    const body = i === 0 ? video : video.subarray(0, frameBytes);
    encoder.write(6, messageType.video, 1, i * 33, body);
    encoder.write(4, messageType.audio, 1, i * 33, audio);
    chunks += Math.ceil(body.length / chunkSize) + Math.ceil(audio.length / chunkSize);
  }
  return { bytes: encoder.take(), chunks };
}

type Receive = (bytes: Buffer, start: number, end: number) => void;

function pump(receive: Receive, bytes: Buffer, step: number): void {
  for (let at = 0; at < bytes.length; at += step) receive(bytes, at, Math.min(at + step, bytes.length));
}

/** A session with a live publication. */
function publishingSession(video: VideoSink, chunkSize: number): ServerSession {
  const session: ServerSession = new ServerSession(
    {
      onOutput() {},
      onConnect() {},
      onPublishRequest() {
        session.acceptPublish(0, video);
      },
      onUnpublish() {},
      onMetadata() {},
    },
    {
      nowMs: 0,
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
  encoder.write(3, messageType.commandAmf0, 0, 0, encodeCommand('connect', 1, new Map([['app', 'live']])));
  encoder.write(3, messageType.commandAmf0, 1, 0, encodeCommand('publish', 2, null, 'cam1', 'live'));
  const size = Buffer.alloc(4);
  size.writeUInt32BE(chunkSize);
  encoder.write(2, messageType.setChunkSize, 0, 0, size);
  const bytes = Buffer.concat([hello, encoder.take()]);
  session.receive(bytes, 0, bytes.length, 0);
  return session;
}

const bench = new Bench({ name: 'chunk decoder', time: 500, warmupTime: 100 });
const work = new Map<string, Stream>();

for (const chunkSize of [128, 4096, 65_536]) {
  const stream = encodeStream(chunkSize);
  const decoder = new ChunkDecoder(new CountingSink(), new SessionCounters());
  decoder.chunkSize = chunkSize;
  add(`decoder, counting sink, chunks of ${chunkSize}`, stream, (bytes, start, end) =>
    decoder.decode(bytes, start, end),
  );
  const session = publishingSession(new CopyingSink(), chunkSize);
  const receive: Receive = (bytes, start, end) => session.receive(bytes, start, end, 0);
  add(`session, copying sink, chunks of ${chunkSize}`, stream, receive);
  if (chunkSize === 4096) add(`the same, read by segments of ${segmentBytes}`, stream, receive, segmentBytes);
}
const plain = encodeStream(65_536);
const target = Buffer.alloc(plain.bytes.length);
work.set('Buffer.copy alone', plain);
bench.add('Buffer.copy alone', () =>
  pump((bytes, start, end) => bytes.copy(target, start, start, end), plain.bytes, readBytes),
);

await bench.run();

function add(name: string, stream: Stream, receive: Receive, step = readBytes): void {
  work.set(name, stream);
  bench.add(name, () => pump(receive, stream.bytes, step));
}

const rows = bench.tasks.map((task) => {
  const { bytes, chunks } = work.get(task.name)!;
  const ms = task.result.state === 'completed' ? task.result.latency.p50 : Number.NaN;
  return {
    name: task.name,
    gigabytesPerSecond: bytes.length / ms / 1e6,
    nsPerChunk: (ms * 1e6) / chunks,
    coreShareOf1000Publishers: (ms / 1000) * 1000 * (4_700_000 / 8 / bytes.length),
  };
});
if (process.argv.includes('--json')) {
  console.log(JSON.stringify(rows));
} else {
  console.table(bench.table());
  console.table(rows);
}
