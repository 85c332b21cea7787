import assert from 'node:assert/strict';

/** The fields of one RTP packet that tests look at. */
export interface RtpPacket {
  marker: boolean;
  payloadType: number;
  sequence: number;
  timestamp: number;
  ssrc: number;
  payload: Buffer;
}

/** Reads one RTP packet without extensions, CSRCs or padding. */
export function decodeRtp(bytes: Buffer): RtpPacket {
  assert.ok(bytes.length > 12, 'an RTP packet has a header and a payload');
  assert.equal(bytes[0], 0x80, 'version 2, no padding, no extension, no CSRC');
  return {
    marker: (bytes[1]! & 0x80) !== 0,
    payloadType: bytes[1]! & 0x7f,
    sequence: bytes.readUInt16BE(2),
    timestamp: bytes.readUInt32BE(4),
    ssrc: bytes.readUInt32BE(8),
    payload: bytes.subarray(12),
  };
}

/** Cuts a run of interleaved frames into channel and payload. */
export function splitInterleaved(bytes: Buffer): { channel: number; payload: Buffer }[] {
  const frames: { channel: number; payload: Buffer }[] = [];
  for (let at = 0; at < bytes.length; ) {
    assert.equal(bytes[at], 0x24, 'an interleaved frame begins with $');
    const end = at + 4 + bytes.readUInt16BE(at + 2);
    assert.ok(end <= bytes.length, 'an interleaved frame is whole');
    frames.push({ channel: bytes[at + 1]!, payload: bytes.subarray(at + 4, end) });
    at = end;
  }
  return frames;
}

/** RFC 6184 packets of one access unit back to NAL units. Fails on anything a strict receiver would object to. */
export function depacketize(packets: readonly RtpPacket[]): Buffer[] {
  const units: Buffer[] = [];
  let fragments: Buffer[] | null = null;
  for (const { payload } of packets) {
    const type = payload[0]! & 0x1f;
    if (type === 28) {
      const header = payload[1]!;
      const start = (header & 0x80) !== 0;
      const end = (header & 0x40) !== 0;
      assert.ok(!(start && end), 'a fragment is not start and end at once');
      assert.equal(header & 0x20, 0, 'the reserved bit is 0');
      assert.ok(payload.length > 2, 'a fragment is not empty');
      assert.equal(start, fragments === null, 'fragments start once');
      fragments ??= [Buffer.of((payload[0]! & 0xe0) | (header & 0x1f))];
      assert.equal(fragments[0]![0], (payload[0]! & 0xe0) | (header & 0x1f), 'the fragments agree on their unit');
      fragments.push(payload.subarray(2));
      if (end) {
        units.push(Buffer.concat(fragments));
        fragments = null;
      }
      continue;
    }
    assert.equal(fragments, null, 'nothing comes between fragments');
    if (type === 24) {
      let highest = 0;
      const before = units.length;
      for (let at = 1; at < payload.length; ) {
        const unitEnd = at + 2 + payload.readUInt16BE(at);
        assert.ok(unitEnd <= payload.length && unitEnd > at + 2, 'an aggregated unit is whole');
        const unit = payload.subarray(at + 2, unitEnd);
        highest = Math.max(highest, unit[0]! & 0x60);
        units.push(unit);
        at = unitEnd;
      }
      assert.ok(units.length - before > 1, 'an aggregate holds more than one unit');
      assert.equal(payload[0]! & 0x60, highest, 'an aggregate has the highest NRI of its units');
    } else {
      assert.ok(type >= 1 && type <= 23, `type ${type} is a single NAL unit packet`);
      units.push(payload);
    }
  }
  assert.equal(fragments, null, 'the last fragment came');
  return units;
}

/** 4-byte length-prefixed NAL units, as they lie in a ring. */
export function lengthPrefixed(units: readonly Uint8Array[]): Buffer {
  const parts: Uint8Array[] = [];
  for (const unit of units) {
    const length = Buffer.alloc(4);
    length.writeUInt32BE(unit.length);
    parts.push(length, unit);
  }
  return Buffer.concat(parts);
}

/** A NAL unit of `length` bytes with a given type and NRI (0 to 3) whose bytes all differ from their neighbours. */
export function nalUnit(type: number, length: number, nri = 3): Buffer {
  const unit = Buffer.alloc(length);
  for (let i = 0; i < length; i++) unit[i] = i * 7 + type;
  if (length > 0) unit[0] = (nri << 5) | type;
  return unit;
}
