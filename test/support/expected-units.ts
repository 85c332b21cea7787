import assert from 'node:assert/strict';
import type { RtspClient } from './rtsp-client.ts';

/** NAL unit types that are not sent on: delimiter, ends, filler. */
const droppedTypes = [9, 10, 11, 12];

function typeOf(unit: Buffer): number {
  return unit[0]! & 0x1f;
}

/** The NAL units of an access unit in which each has its length in 4 bytes in front. */
export function nalUnitsOf(bytes: Buffer): Buffer[] {
  const units: Buffer[] = [];
  for (let at = 0; at < bytes.length; ) {
    const end = at + 4 + bytes.readUInt32BE(at);
    if (end > at + 4) units.push(bytes.subarray(at + 4, end));
    at = end;
  }
  return units;
}

/**
 * Waits until the reader has every access unit of `sent` and asserts that these came NAL unit by NAL unit, in order, and
 * nothing between them. The server may put parameter sets in front of a picture; the first picture must have some.
 */
export async function assertReceived(reader: RtspClient, sent: readonly (readonly Buffer[])[]): Promise<void> {
  const expected = sent.map((units) => units.filter((unit) => !droppedTypes.includes(typeOf(unit))));
  // The offline card comes before and behind them.
  const startOf = () => reader.units.findIndex(({ units }) => isSame(units, expected[0]!));
  await reader.until(({ units }) => startOf() >= 0 && units.length >= startOf() + expected.length);
  const start = startOf();
  for (const [i, units] of expected.entries()) {
    const got = reader.units[start + i]!.units;
    assert.ok(isSame(got, units), `access unit ${i}: ${describe(got)} instead of ${describe(units)}`);
  }
  const first = reader.units[start]!.units.map(typeOf);
  assert.ok(first.includes(7) && first.includes(8), `the first picture has parameter sets: ${first}`);
  assert.equal(reader.lostPackets, 0);
}

function isSame(got: readonly Buffer[], sent: readonly Buffer[]): boolean {
  const isSet = (unit: Buffer) => typeOf(unit) === 7 || typeOf(unit) === 8;
  const compared = sent.some(isSet) ? got : got.filter((unit) => !isSet(unit));
  return compared.length === sent.length && compared.every((unit, i) => unit.equals(sent[i]!));
}

function describe(units: readonly Buffer[]): string {
  return units.map((unit) => `type ${typeOf(unit)} of ${unit.length} bytes`).join(', ');
}
