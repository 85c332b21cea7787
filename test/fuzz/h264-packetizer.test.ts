import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { H264Packetizer } from '../../src/rtp/h264-packetizer.ts';
import { PacketBatch } from '../../src/rtp/packet-batch.ts';
import { decodeRtp, depacketize, lengthPrefixed, nalUnit, splitInterleaved } from '../support/h264-depacketizer.ts';

const dropped = new Set([0, 9, 10, 11, 12, 24, 25, 26, 27, 28, 29, 30, 31]);
const options = { interruptAfterTimeLimit: 1500, markInterruptAsFailure: false, numRuns: 3000 };

const unit = fc
  .record({
    type: fc.oneof({ weight: 4, arbitrary: fc.constantFrom(1, 5, 6, 7, 8) }, fc.integer({ min: 0, max: 31 })),
    nri: fc.integer({ min: 0, max: 3 }),
    length: fc.oneof(fc.integer({ min: 0, max: 40 }), fc.integer({ min: 0, max: 4000 })),
  })
  .map(({ type, nri, length }) => nalUnit(type, length, nri));
const parameterSets = fc.option(
  fc
    .tuple(fc.integer({ min: 1, max: 200 }), fc.integer({ min: 1, max: 200 }))
    .map(([sps, pps]) => [nalUnit(7, sps), nalUnit(8, pps)]),
);
const shape = fc.record({
  interleavedChannel: fc.constantFrom(-1, 0, 254),
  maxPayloadBytes: fc.oneof(fc.integer({ min: 64, max: 300 }), fc.integer({ min: 64, max: 65_523 })),
  sequence: fc.integer({ min: 0, max: 0xffff }),
  ssrc: fc.integer({ min: 0, max: 0xffff_ffff }),
  timestamp: fc.integer({ min: 0, max: 0xffff_ffff }),
});

const isSent = (bytes: Buffer) => bytes.length > 0 && !dropped.has(bytes[0]! & 0x1f);

test('what is packetized comes back as the same NAL units, whatever their sizes', () => {
  fc.assert(
    fc.property(fc.array(unit, { maxLength: 12 }), parameterSets, shape, (units, sets, form) => {
      const packetizer = new H264Packetizer({ ...form, payloadType: 96 });
      const batch = new PacketBatch(64);
      const source = lengthPrefixed(units);
      const count = packetizer.packetize(
        batch,
        source,
        0,
        source.length,
        form.timestamp,
        sets === null ? null : lengthPrefixed(sets),
      );
      const sent = units.filter(isSent);
      const expected = sent.length > 0 ? [...(sets ?? []), ...sent] : [];
      const packets = [];
      for (let i = 0; i < batch.count; i++)
        packets.push(decodeRtp(batch.buffer.subarray(batch.starts[i], batch.ends[i])));
      assert.equal(packets.length, count);
      assert.deepEqual(depacketize(packets), expected);
      packets.forEach((packet, i) => {
        assert.ok(packet.payload.length <= form.maxPayloadBytes);
        assert.equal(packet.sequence, (form.sequence + i) & 0xffff);
        assert.equal(packet.timestamp, form.timestamp);
        assert.equal(packet.ssrc, form.ssrc);
        assert.equal(packet.marker, i === packets.length - 1);
      });
      assert.equal(packetizer.packets, count);
      assert.equal(
        packetizer.octets,
        packets.reduce((sum, packet) => sum + packet.payload.length, 0),
      );
      assert.equal(batch.length, count === 0 ? 0 : batch.ends[count - 1]);
      if (form.interleavedChannel >= 0)
        assert.equal(splitInterleaved(batch.buffer.subarray(0, batch.length)).length, count);
    }),
    options,
  );
});

test('any bytes make valid packets or none', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 300 }), parameterSets, shape, (bytes, sets, form) => {
      const packetizer = new H264Packetizer({ ...form, payloadType: 96 });
      const batch = new PacketBatch(64);
      const source = Buffer.from(bytes);
      packetizer.packetize(batch, source, 0, source.length, 0, sets === null ? null : lengthPrefixed(sets));
      for (let i = 0; i < batch.count; i++) decodeRtp(batch.buffer.subarray(batch.starts[i], batch.ends[i]));
      // Garbage as parameter sets must do no harm either.
      const clean = lengthPrefixed([nalUnit(1, 10)]);
      packetizer.packetize(batch, clean, 0, clean.length, 0, source);
      const last = decodeRtp(batch.buffer.subarray(batch.starts[batch.count - 1], batch.ends[batch.count - 1]));
      assert.deepEqual(last.payload, nalUnit(1, 10));
      assert.equal(last.marker, true);
    }),
    options,
  );
});
