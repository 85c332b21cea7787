import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { isReaderReport, rtcpMaximumBytes, writeBye, writeSenderReport } from '../../src/rtp/rtcp.ts';

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
    fc.property(bytes, fc.nat(8), (inner, margin) => {
      const results = [0x00, 0xff].map((filling) => {
        const around = Buffer.concat([Buffer.alloc(margin, filling), inner, Buffer.alloc(margin, filling)]);
        return isReaderReport(around, margin, margin + inner.length);
      });
      assert.equal(results[0], results[1]);
    }),
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
          assert.equal(isReaderReport(into, 0, end), true);
          assert.equal(into.readUInt32BE(20), packets % 2 ** 32);
        }
      },
    ),
    options,
  );
});
