/**
 * Packetizing without a socket: access units of 19 kB (a frame of 4.6 Mbit/s at 30 fps) and of 200 kB (an IDR) from
 * shared memory, for UDP and for TCP with several packet sizes, beside the bare copy of the same bytes in one piece and
 * in the same pieces. The sources go round 8 MiB, as rings of many cameras do, so that they are not always in the cache.
 */
import { Bench } from 'tinybench';
import { H264Packetizer } from '../../src/rtp/h264-packetizer.ts';
import { PacketBatch } from '../../src/rtp/packet-batch.ts';

const ringBytes = 8 * 1024 * 1024;
/** Access units per operation: the clock is read once for all of them. */
const units = 16;
const parameterSets = Buffer.from('000000186742c028da01e0089f970110000003001000000303c0f1830000000468ce0fc8', 'hex');

class Source {
  readonly ring = Buffer.from(new SharedArrayBuffer(ringBytes));
  readonly #unitBytes: number;
  #at = 0;

  constructor(unitBytes: number) {
    this.#unitBytes = unitBytes;
    this.ring.fill(0x55);
    for (let at = 0; at + unitBytes <= ringBytes; at += unitBytes) {
      this.ring.writeUInt32BE(unitBytes - 4, at);
      this.ring[at + 4] = 0x65;
    }
  }

  next(): number {
    const at = this.#at;
    this.#at += this.#unitBytes;
    if (this.#at + this.#unitBytes > ringBytes) this.#at = 0;
    return at;
  }
}

const bench = new Bench({ name: 'H.264 packetizer', time: 400, warmupTime: 100 });
const bytesOf = new Map<string, { bytes: number; packets: number }>();

function add(name: string, bytes: number, packets: number, operation: () => void): void {
  bytesOf.set(name, { bytes, packets });
  bench.add(name, operation);
}

for (const unitBytes of [19_000, 200_000]) {
  const source = new Source(unitBytes);
  const size = `${unitBytes / 1000} kB`;
  const batch = new PacketBatch(2 * unitBytes);
  const target = batch.buffer;
  add(`${size}, one bare copy`, unitBytes, 1, () => {
    for (let i = 0; i < units; i++) {
      const at = source.next();
      source.ring.copy(target, 0, at, at + unitBytes);
    }
  });
  for (const [transport, channel, maxPayloadBytes] of [
    ['UDP', -1, 1400],
    ['TCP', 0, 1400],
    ['TCP', 0, 8192],
    ['TCP', 0, 65_000],
  ] as const) {
    const packetizer = new H264Packetizer({
      ssrc: 1,
      payloadType: 96,
      sequence: 0,
      interleavedChannel: channel,
      maxPayloadBytes,
    });
    const packets = packetizer.packetize(batch, source.ring, 0, unitBytes, 0, null);
    if (channel < 0) {
      add(`${size}, bare copies of ${maxPayloadBytes}`, unitBytes, packets, () => {
        for (let i = 0; i < units; i++) {
          const start = source.next();
          const end = start + unitBytes;
          for (let at = start; at < end; at += maxPayloadBytes)
            source.ring.copy(target, at - start, at, Math.min(end, at + maxPayloadBytes));
        }
      });
    }
    add(`${size}, ${transport}, packets of ${maxPayloadBytes}`, unitBytes, packets, () => {
      for (let i = 0; i < units; i++) {
        batch.reset();
        const at = source.next();
        packetizer.packetize(batch, source.ring, at, at + unitBytes, i, null);
      }
    });
    if (channel === 0 && maxPayloadBytes === 1400) {
      add(`${size}, ${transport}, packets of ${maxPayloadBytes}, parameter sets`, unitBytes, packets + 1, () => {
        for (let i = 0; i < units; i++) {
          batch.reset();
          const at = source.next();
          packetizer.packetize(batch, source.ring, at, at + unitBytes, i, parameterSets);
        }
      });
    }
  }
}
await bench.run();

const rows = bench.tasks.map((task) => {
  const { bytes, packets } = bytesOf.get(task.name)!;
  const ns = task.result.state === 'completed' ? (task.result.latency.p50 * 1e6) / units : Number.NaN;
  return {
    name: task.name,
    packets,
    nsPerAccessUnit: Math.round(ns),
    nsPerPacket: Math.round(ns / packets),
    gigabytesPerSecond: Math.round((bytes / ns) * 10) / 10,
  };
});
if (process.argv.includes('--json')) console.log(JSON.stringify(rows));
else console.table(rows);
