import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { H264Packetizer, maximumPayloadBytes } from '../../../src/rtp/h264-packetizer.ts';
import { PacketBatch } from '../../../src/rtp/packet-batch.ts';
import {
  decodeRtp,
  depacketize,
  lengthPrefixed,
  nalUnit,
  type RtpPacket,
  splitInterleaved,
} from '../../support/h264-depacketizer.ts';

const sps = nalUnit(7, 20);
const pps = nalUnit(8, 5);
const sets = lengthPrefixed([sps, pps]);

function packetizer(changes: Partial<ConstructorParameters<typeof H264Packetizer>[0]> = {}): H264Packetizer {
  return new H264Packetizer({
    ssrc: 0xdeadbeef,
    payloadType: 96,
    sequence: 100,
    interleavedChannel: -1,
    maxPayloadBytes: 100,
    ...changes,
  });
}

function packetsOf(batch: PacketBatch): RtpPacket[] {
  const packets: RtpPacket[] = [];
  for (let i = 0; i < batch.count; i++) packets.push(decodeRtp(batch.buffer.subarray(batch.starts[i], batch.ends[i])));
  return packets;
}

function packetize(units: readonly Buffer[], parameterSets: Buffer | null = null, p = packetizer()): RtpPacket[] {
  const batch = new PacketBatch(64);
  const source = lengthPrefixed(units);
  assert.equal(p.packetize(batch, source, 0, source.length, 9000, parameterSets), batch.count);
  return packetsOf(batch);
}

describe('shapes of packets', () => {
  const idr = nalUnit(5, 30);
  const cases: [name: string, units: Buffer[], parameterSets: Buffer | null, types: number[], sent: Buffer[]][] = [
    ['a short slice is a single NAL unit packet', [idr], null, [5], [idr]],
    ['a slice of exactly the largest payload is not cut', [nalUnit(1, 100)], null, [1], [nalUnit(1, 100)]],
    ['a slice one byte longer is two fragments', [nalUnit(1, 101)], null, [28, 28], [nalUnit(1, 101)]],
    ['SPS and PPS share a STAP-A', [idr], sets, [24, 5], [sps, pps, idr]],
    ['SEI joins the parameter sets', [nalUnit(6, 9), idr], sets, [24, 5], [sps, pps, nalUnit(6, 9), idr]],
    ['SEI alone is a single NAL unit packet', [nalUnit(6, 9, 0), idr], null, [6, 5], [nalUnit(6, 9, 0), idr]],
    [
      'an SEI that does not fit has its own packet',
      [nalUnit(6, 90), idr],
      sets,
      [24, 6, 5],
      [sps, pps, nalUnit(6, 90), idr],
    ],
    ['a long SEI is fragmented', [nalUnit(6, 150), idr], null, [28, 28, 5], [nalUnit(6, 150), idr]],
    ['an SEI of the largest payload is a single packet', [nalUnit(6, 100), idr], null, [6, 5], [nalUnit(6, 100), idr]],
    ['slices never share a packet', [nalUnit(1, 9), nalUnit(1, 9)], null, [1, 1], [nalUnit(1, 9), nalUnit(1, 9)]],
    ['in-band parameter sets share a STAP-A', [sps, pps, idr], null, [24, 5], [sps, pps, idr]],
    [
      'order is kept around a slice',
      [nalUnit(6, 5), idr, nalUnit(6, 6)],
      null,
      [6, 5, 6],
      [nalUnit(6, 5), idr, nalUnit(6, 6)],
    ],
    [
      'long parameter sets are split from each other',
      [idr],
      lengthPrefixed([nalUnit(7, 95), nalUnit(8, 95)]),
      [7, 8, 5],
      [nalUnit(7, 95), nalUnit(8, 95), idr],
    ],
    ['one byte is a NAL unit', [nalUnit(1, 1)], null, [1], [nalUnit(1, 1)]],
  ];
  for (const [name, units, parameterSets, types, sent] of cases) {
    test(name, () => {
      const packets = packetize(units, parameterSets);
      assert.deepEqual(
        packets.map((packet) => packet.payload[0]! & 0x1f),
        types,
      );
      assert.deepEqual(depacketize(packets), sent);
      for (const packet of packets) assert.ok(packet.payload.length <= 100);
      assert.deepEqual(
        packets.map((packet) => packet.marker),
        types.map((_, i) => i === types.length - 1),
      );
    });
  }
});

describe('what is left out', () => {
  for (const type of [0, 9, 10, 11, 12, 24, 25, 26, 27, 28, 29, 30, 31]) {
    test(`NAL units of type ${type} are skipped, and the marker is on the last packet that is sent`, () => {
      const packets = packetize([nalUnit(type, 8), nalUnit(1, 30), nalUnit(type, 300)]);
      assert.deepEqual(depacketize(packets), [nalUnit(1, 30)]);
      assert.equal(packets.at(-1)!.marker, true);
    });
  }

  test('NAL units without a byte are skipped', () => {
    assert.deepEqual(depacketize(packetize([Buffer.alloc(0), nalUnit(1, 30), Buffer.alloc(0)])), [nalUnit(1, 30)]);
  });

  test('an access unit with nothing to send makes no packet, not even of parameter sets', () => {
    const p = packetizer();
    assert.deepEqual(packetize([nalUnit(9, 2), nalUnit(12, 300), Buffer.alloc(0)], sets, p), []);
    assert.deepEqual(packetize([], sets, p), []);
    assert.deepEqual([p.packets, p.octets, p.nextSequence], [0, 0, 100]);
  });

  test('a truncated last NAL unit is left out wherever it is cut', () => {
    const source = lengthPrefixed([nalUnit(1, 30), nalUnit(1, 40)]);
    for (let end = 34; end < source.length; end++) {
      const batch = new PacketBatch();
      assert.equal(packetizer().packetize(batch, source, 0, end, 0, null), 1);
      assert.deepEqual(depacketize(packetsOf(batch)), [nalUnit(1, 30)]);
      assert.equal(packetsOf(batch)[0]!.marker, true);
    }
  });

  test('a length beyond 2^31 is a truncated unit, not a negative one', () => {
    const batch = new PacketBatch();
    const source = Buffer.from('ffffffff6501020304', 'hex');
    assert.equal(packetizer().packetize(batch, source, 0, source.length, 0, sets), 0);
  });
});

describe('the stream of packets', () => {
  test('sequence numbers go on over access units and wrap at 16 bits', () => {
    const p = packetizer({ sequence: 0xfffe });
    const numbers = [...packetize([nalUnit(1, 250)], null, p), ...packetize([nalUnit(1, 9)], null, p)];
    assert.deepEqual(
      numbers.map((packet) => packet.sequence),
      [0xfffe, 0xffff, 0, 1],
    );
    assert.equal(p.nextSequence, 2);
  });

  test('SSRC, payload type and one timestamp are on every packet of an access unit', () => {
    const batch = new PacketBatch();
    const source = lengthPrefixed([nalUnit(5, 1000)]);
    packetizer().packetize(batch, source, 0, source.length, 0xfedcba98, sets);
    for (const packet of packetsOf(batch))
      assert.deepEqual([packet.ssrc, packet.payloadType, packet.timestamp], [0xdeadbeef, 96, 0xfedcba98]);
  });

  test('the counters for sender reports count packets and payload octets', () => {
    const p = packetizer();
    const packets = [...packetize([nalUnit(6, 9), nalUnit(5, 1000)], sets, p), ...packetize([nalUnit(6, 9)], null, p)];
    assert.equal(p.packets, packets.length);
    assert.equal(
      p.octets,
      packets.reduce((sum, packet) => sum + packet.payload.length, 0),
    );
  });

  test('several access units in one batch keep their own timestamps and markers', () => {
    const p = packetizer();
    const batch = new PacketBatch(64);
    const source = lengthPrefixed([nalUnit(1, 150)]);
    p.packetize(batch, source, 0, source.length, 1, null);
    p.packetize(batch, source, 0, source.length, 2, null);
    assert.deepEqual(
      packetsOf(batch).map((packet) => [packet.timestamp, packet.marker]),
      [
        [1, false],
        [1, true],
        [2, false],
        [2, true],
      ],
    );
  });

  test('only the given range of the source is read', () => {
    const inner = lengthPrefixed([nalUnit(1, 30)]);
    const source = Buffer.concat([Buffer.alloc(7, 0xee), inner, Buffer.alloc(9, 0xee)]);
    const batch = new PacketBatch();
    packetizer().packetize(batch, source, 7, 7 + inner.length, 0, null);
    assert.deepEqual(depacketize(packetsOf(batch)), [nalUnit(1, 30)]);
  });

  test('the source may lie in shared memory', () => {
    const inner = lengthPrefixed([nalUnit(1, 300)]);
    const source = Buffer.from(new SharedArrayBuffer(inner.length));
    inner.copy(source);
    const batch = new PacketBatch();
    packetizer().packetize(batch, source, 0, source.length, 0, null);
    assert.deepEqual(depacketize(packetsOf(batch)), [nalUnit(1, 300)]);
  });

  test('over TCP every packet has its interleaved prefix, and the batch is one run of frames', () => {
    const batch = new PacketBatch(64);
    const source = lengthPrefixed([nalUnit(6, 9), nalUnit(6, 9), nalUnit(5, 1000)]);
    const p = packetizer({ interleavedChannel: 2 });
    const count = p.packetize(batch, source, 0, source.length, 0, sets);
    const frames = splitInterleaved(batch.buffer.subarray(0, batch.length));
    assert.equal(frames.length, count);
    frames.forEach((frame, i) => {
      assert.equal(frame.channel, 2);
      assert.deepEqual(frame.payload, batch.buffer.subarray(batch.starts[i], batch.ends[i]));
    });
    assert.deepEqual(depacketize(packetsOf(batch)), [sps, pps, nalUnit(6, 9), nalUnit(6, 9), nalUnit(5, 1000)]);
  });

  test('the largest payload still fits the 16-bit length of an interleaved frame', () => {
    const p = packetizer({ interleavedChannel: 0, maxPayloadBytes: maximumPayloadBytes });
    const batch = new PacketBatch();
    const source = lengthPrefixed([nalUnit(5, 200_000)]);
    p.packetize(batch, source, 0, source.length, 0, null);
    const frames = splitInterleaved(batch.buffer.subarray(0, batch.length));
    assert.equal(frames[0]!.payload.length, 65_535);
    assert.deepEqual(depacketize(packetsOf(batch)), [nalUnit(5, 200_000)]);
  });

  test('a payload size that no packet can have is refused at construction', () => {
    for (const maxPayloadBytes of [0, 63, maximumPayloadBytes + 1, Number.NaN])
      assert.throws(() => packetizer({ maxPayloadBytes }), RangeError);
  });
});
