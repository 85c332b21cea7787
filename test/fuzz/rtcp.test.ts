import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { ReaderReport, rtcpMaximumBytes, writeBye, writeSenderReport } from '../../src/rtp/rtcp.ts';

const options = { interruptAfterTimeLimit: 1000, markInterruptAsFailure: false, numRuns: 20_000 };
const u32 = fc.integer({ min: 0, max: 0xffff_ffff });

const packet = fc.oneof(
  fc.record({
    type: fc.constantFrom(200, 201, 202, 203, 204),
    count: fc.nat(3),
    body: fc.uint8Array({ maxLength: 60 }),
  }),
  fc.record({ type: fc.nat(255), count: fc.nat(31), body: fc.uint8Array({ maxLength: 12 }) }),
);
/** Packets that are nearly right, so that fuzzing gets behind the header. */
const compound = fc.array(packet, { maxLength: 4 }).map((packets) =>
  Buffer.concat(
    packets.map(({ type, count, body }) => {
      const words = Math.floor(body.length / 4);
      return Buffer.concat([Buffer.of(0x80 | count, type, 0, words), body.subarray(0, 4 * words)]);
    }),
  ),
);
const bytes = fc.oneof(
  compound,
  fc.uint8Array({ maxLength: 80 }).map((array) => Buffer.from(array)),
);

test('any bytes are read without an error, and nothing outside the range is looked at', () => {
  fc.assert(
    fc.property(bytes, u32, fc.nat(8), (inner, ssrc, margin) => {
      const results = [0x00, 0xff].map((filling) => {
        const around = Buffer.concat([Buffer.alloc(margin, filling), inner, Buffer.alloc(margin, filling)]);
        const report = new ReaderReport();
        return [report.decode(around, margin, margin + inner.length, ssrc), { ...report }];
      });
      assert.deepEqual(results[0], results[1]);
    }),
    options,
  );
});

test('a report block is read back as it was written', () => {
  fc.assert(
    fc.property(
      u32,
      u32,
      fc.integer({ min: -(2 ** 23), max: 2 ** 23 - 1 }),
      fc.array(u32, { minLength: 4, maxLength: 4 }),
      fc.nat(255),
      fc.nat(4),
      (reader, ssrc, lost, words, fraction, others) => {
        const blocks = others + 1;
        const packet = Buffer.alloc(8 + 24 * blocks);
        packet[0] = 0x80 | blocks;
        packet[1] = 201;
        packet.writeUInt16BE(packet.length / 4 - 1, 2);
        packet.writeUInt32BE(reader, 4);
        for (let i = 0; i < blocks; i++) packet.writeUInt32BE((ssrc + 1 + i) >>> 0, 8 + 24 * i);
        const at = 8 + 24 * others;
        packet.writeUInt32BE(ssrc, at);
        packet[at + 4] = fraction;
        packet.writeIntBE(lost, at + 5, 3);
        for (const [i, word] of words.entries()) packet.writeUInt32BE(word, at + 8 + 4 * i);
        const report = new ReaderReport();
        assert.equal(report.decode(packet, 0, packet.length, ssrc), true);
        assert.deepEqual(
          { ...report },
          {
            alive: true,
            bye: false,
            reported: true,
            fractionLost: fraction,
            cumulativeLost: lost,
            highestSequence: words[0],
            jitter: words[1],
            lastSenderReport: words[2],
            delaySinceLastSenderReport: words[3],
          },
        );
      },
    ),
    options,
  );
});

test('what is written is a well-formed compound within its bound', () => {
  fc.assert(
    fc.property(
      u32,
      u32,
      fc.double({ min: 0, max: 4e12, noNaN: true }),
      fc.nat(2 ** 40),
      fc.string({ maxLength: 300 }),
      (ssrc, rtpTimestamp, wallMs, packets, cname) => {
        const into = Buffer.alloc(rtcpMaximumBytes + 4, 0xee);
        const report = { ssrc, rtpTimestamp, wallMs, packets, octets: packets * 1000, cname };
        for (const write of [writeSenderReport, writeBye]) {
          into.fill(0xee);
          const end = write(into, 0, report);
          assert.ok(end <= rtcpMaximumBytes && end % 4 === 0);
          assert.equal(into.readUInt32BE(end), 0xeeeeeeee);
          const reader = new ReaderReport();
          assert.equal(reader.decode(into, 0, end, ssrc), true);
          assert.equal(reader.bye, write === writeBye);
          assert.equal(into.readUInt32BE(20), packets % 2 ** 32);
        }
      },
    ),
    options,
  );
});
