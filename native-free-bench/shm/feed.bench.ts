/**
 * A frame on its way out, from the ring up to the socket: feed, pacer, play session and packetizer of 300 cameras with a
 * reader each. As in life a turn serves a few of them, and before it others have used the processor's caches: nearly all
 * of the time goes into cache lines that are fetched again. The transport takes the packets and does nothing.
 */
import { CameraFeed } from '../../src/egress/camera-feed.ts';
import type { MediaTransport } from '../../src/egress/media-transport.ts';
import { PlaySession } from '../../src/egress/play-session.ts';
import { PacketBatch } from '../../src/rtp/packet-batch.ts';
import { createRing, recordFlag } from '../../src/shm/frame-ring.ts';
import { RingWriter } from '../../src/shm/ring-writer.ts';
import { StreamCounters } from '../../src/shm/stream-counters.ts';

const MiB = 1024 * 1024;
const cameras = 300;
const camerasPerTurn = 10;
/** In which each camera sends a frame. */
const rounds = 150;
const warmUpRounds = 50;
/** Video bytes in one RTP packet: the default over TCP. */
const packetBytes = 8000;

interface Row {
  readonly name: string;
  readonly p10Ns: number;
  readonly p50Ns: number;
}

/** Read before each turn; more than the caches of one core hold. */
const others = new Uint8Array(2 * MiB);
let read = 0;
let sentBytes = 0;
const transport: MediaTransport = {
  interleavedChannel: 0,
  ready: () => true,
  sendPackets: (batch) => {
    sentBytes += batch.length;
  },
  sendReport: () => undefined,
  pendingBytes: () => 0,
};

const rows = [measure('frames of 500 bytes', 500), measure('frames of 19 kB', 19_000)];
if (process.argv.includes('--json')) console.log(JSON.stringify(rows));
else console.table(rows);
if (sentBytes === 0 || read < 0) throw new Error('nothing was sent');

/** Nanoseconds of a frame in the fast and in the usual turns. */
function measure(name: string, frameBytes: number): Row {
  let nowMs = 1000;
  const unit = accessUnit(frameBytes);
  const play = {
    clock: { nowMs: () => nowMs, wallMs: () => nowMs },
    random: Math.random,
    batch: new PacketBatch(),
    cname: 'bench',
  };
  const counters = new StreamCounters(StreamCounters.create(cameras, 1));
  const context = {
    slot: 0,
    gopCache: false,
    onSessionFailed: (_: unknown, error: unknown) => {
      throw error;
    },
  };
  const writers: RingWriter[] = [];
  const feeds: CameraFeed[] = [];
  for (let camera = 0; camera < cameras; camera++) {
    const ring = createRing({
      ...{ frames: 300, initialBytes: MiB, maximumBytes: 8 * MiB, hardMaximumBytes: 24 * MiB, gopCache: false },
    });
    const writer = new RingWriter(ring);
    writer.startStream();
    const feed = new CameraFeed(context, camera, counters.reader(camera, 0), ring);
    const session = new PlaySession(play, camera, transport, { endPlay: () => undefined }, packetBytes);
    session.begin(nowMs);
    feed.join(session);
    writers.push(writer);
    feeds.push(feed);
  }
  const times: number[] = [];
  for (let round = 0; round < rounds; round++) {
    nowMs += 1000 / 30;
    const flags = round % 60 === 0 ? recordFlag.keyframe | recordFlag.parameterSets : 0;
    for (const writer of writers) {
      writer.begin(unit.length, flags !== 0);
      writer.append(unit, 0, unit.length);
      writer.commit(flags, nowMs, 0, nowMs * 1000);
    }
    for (let first = 0; first < cameras; first += camerasPerTurn) {
      for (let at = 0; at < others.length; at += 64) read += others[at]!;
      const startMs = performance.now();
      for (let camera = first; camera < first + camerasPerTurn; camera++) feeds[camera]!.pump(nowMs);
      if (round >= warmUpRounds) times.push(((performance.now() - startMs) * 1e6) / camerasPerTurn);
    }
  }
  times.sort((a, b) => a - b);
  const at = (part: number): number => Math.round(times[Math.floor(times.length * part)]!);
  return { name, p10Ns: at(0.1), p50Ns: at(0.5) };
}

/** One slice of a picture that others refer to, behind its length. */
function accessUnit(bytes: number): Buffer {
  const unit = Buffer.alloc(bytes, 0x55);
  unit.writeUInt32BE(bytes - 4);
  unit[4] = 0x41;
  return unit;
}
