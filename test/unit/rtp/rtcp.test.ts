import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import {
  isReaderReport,
  rtcpMaximumBytes,
  type SenderReport,
  writeBye,
  writeSenderReport,
} from '../../../src/rtp/rtcp.ts';

const report: SenderReport = {
  ssrc: 0xdeadbeef,
  wallMs: 1_000_000_500.25,
  rtpTimestamp: 0xfffffffe,
  packets: 2 ** 32 + 7,
  octets: 123_456,
  cname: 'skyweir',
};

describe('writing', () => {
  test('a sender report and the CNAME make one compound', () => {
    const into = Buffer.alloc(64, 0xee);
    const end = writeSenderReport(into, 2, report);
    assert.equal(
      into.toString('hex', 2, end),
      '80c80006deadbeef83b9c0c08010624dfffffffe000000070001e240' + '81ca0004deadbeef0107736b7977656972000000',
    );
    assert.equal(into[end], 0xee);
  });

  test('the fraction of the NTP time stays below a second', () => {
    const into = Buffer.alloc(64);
    writeSenderReport(into, 0, { ...report, wallMs: 1_763_636_400_999.999 });
    assert.equal(into.readUInt32BE(8), 1_763_636_400 + 2_208_988_800);
    assert.ok(into.readUInt32BE(12) > 0.9999 * 2 ** 32);
  });

  test('NTP seconds wrap in 2036', () => {
    const into = Buffer.alloc(64);
    writeSenderReport(into, 0, { ...report, wallMs: (2 ** 32 - 2_208_988_800 + 5) * 1000 });
    assert.equal(into.readUInt32BE(8), 5);
  });

  for (const length of [0, 1, 2, 3, 4, 5, 6, 7, 8, 254, 255, 300]) {
    test(`a CNAME of ${length} characters is ended and padded to 32 bits`, () => {
      const into = Buffer.alloc(rtcpMaximumBytes + 8, 0xee);
      const end = writeBye(into, 0, { ...report, cname: 'x'.repeat(length) });
      assert.ok(end <= rtcpMaximumBytes);
      assert.equal(into.readUInt16BE(2), 6);
      const sdesEnd = 28 + 4 + 4 * into.readUInt16BE(30);
      assert.equal(into[37], Math.min(length, 255));
      assert.equal(into[38 + Math.min(length, 255)], 0);
      assert.equal(into.toString('hex', sdesEnd, end), '81cb0001deadbeef');
      assert.equal(into[end], 0xee);
      assert.equal(isReaderReport(into, 0, end), true);
    });
  }
});

describe('reading', () => {
  /** As GStreamer 1.22 sent it. */
  const gstreamer = Buffer.from(
    '81c90007cc7d2a76deadbeef00ffffff000100830000000ba735bba500014f4a' +
      '81ca000ccc7d2a76011c757365723135393931313138313140686f73742d336565326336393706094753747265616d6572000000',
    'hex',
  );

  test('a receiver report with SDES is one', () => {
    assert.equal(isReaderReport(gstreamer, 0, gstreamer.length), true);
  });

  test('a range in the middle of a buffer is read', () => {
    const bytes = Buffer.concat([Buffer.alloc(3, 0xff), gstreamer, Buffer.alloc(3, 0xff)]);
    assert.equal(isReaderReport(bytes, 3, 3 + gstreamer.length), true);
  });

  test('an empty receiver report with BYE is one, BYE alone and nothing are not', () => {
    assert.equal(isReaderReport(Buffer.from('80c9000112345678' + '81cb000112345678', 'hex'), 0, 16), true);
    assert.equal(isReaderReport(Buffer.from('81cb000112345678', 'hex'), 0, 8), false);
    assert.equal(isReaderReport(gstreamer, 0, 0), false);
  });

  test('every truncation is noticed', () => {
    const whole = new Set([32, gstreamer.length]);
    for (let end = 0; end <= gstreamer.length; end++)
      assert.equal(isReaderReport(gstreamer, 0, end), whole.has(end), `${end} bytes`);
  });

  const malformed: [string, string][] = [
    ['another version', '40c9000112345678'],
    ['a length beyond the end', '80c9000212345678'],
    ['more report blocks than the length has room for', '82c9000112345678'],
    ['a sender report without room for its fields', '80c8000112345678'],
    ['more packets than a compound has', `80c9000112345678${'80cb0000'.repeat(32)}`],
  ];
  for (const [name, hex] of malformed) {
    test(`${name} is malformed`, () => {
      const bytes = Buffer.from(hex, 'hex');
      assert.equal(isReaderReport(bytes, 0, bytes.length), false);
    });
  }
});
