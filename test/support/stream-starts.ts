import assert from 'node:assert/strict';
import type { ReceivedUnit, RtspClient } from './rtsp-client.ts';

const isSps = (unit: Buffer): boolean => (unit[0]! & 0x1f) === 7;

/** The sequence parameter sets that a reader got so far, in hex: of the card and of each stream. */
export function parameterSets({ units }: RtspClient): Set<string> {
  return new Set(units.flatMap((unit) => unit.units.filter(isSps).map((sps) => sps.toString('hex'))));
}

/** Index of the first access unit with a sequence parameter set that is not among `known`, -1 if there is none. */
export function startOfNew({ units }: RtspClient, known: ReadonlySet<string>): number {
  return units.findIndex((unit) => unit.units.some((sps) => isSps(sps) && !known.has(sps.toString('hex'))));
}

/** How many access units go by one of these sequence parameter sets. */
export function countUnder({ units }: RtspClient, sets: ReadonlySet<string>): number {
  let goesBy = false;
  let count = 0;
  for (const unit of units) {
    const sps = unit.units.find(isSps);
    if (sps !== undefined) goesBy = sets.has(sps.toString('hex'));
    if (goesBy) count++;
  }
  return count;
}

/**
 * The RTP clock has run like that of the wall over these access units: those from each of the indices `starts` on came as long after
 * their RTP time as those before. The least delay of each part counts, since a machine that stands still only adds to a delay.
 */
export function assertClockGoesOn(units: readonly ReceivedUnit[], starts: readonly number[]): void {
  const delayMs = ({ rtpTime, receivedMs }: ReceivedUnit) => receivedMs - ((rtpTime - units[0]!.rtpTime) | 0) / 90;
  const parts = [0, ...starts].map((from, i) => units.slice(from, starts[i] ?? units.length));
  const delays = parts.map((part) => Math.min(...part.map(delayMs)) - delayMs(units[0]!));
  for (const delay of delays)
    assert.ok(Math.abs(delay - delays[0]!) < 1000, `RTP time was left or overtaken: ${delays}`);
}
