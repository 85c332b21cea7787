import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { fitClocks, UnwrappedTime } from '../../../scripts/reader-soak/clock-drift.ts';

describe('clock drift', () => {
  test('a media clock that is 50 ppm fast is found, whatever the origins', () => {
    const ntp0 = Date.UTC(2026, 0, 1);
    const instants = Array.from({ length: 200 }, (_, i) => ({
      ntpMs: ntp0 + i * 3000,
      mediaMs: 77 + i * 3000 * 1.00005,
    }));
    const drift = fitClocks(instants)!;
    assert.ok(Math.abs(drift.ppm - 50) < 0.1, String(drift.ppm));
    assert.ok(drift.residualMs < 0.01, String(drift.residualMs));
    assert.equal(drift.instants, 200);
  });

  test('jitter is no drift, and is told as the distance from the line', () => {
    const instants = Array.from({ length: 201 }, (_, i) => ({ ntpMs: i * 1000, mediaMs: i * 1000 + (i % 2) * 10 }));
    const drift = fitClocks(instants)!;
    assert.ok(Math.abs(drift.ppm) < 1, String(drift.ppm));
    assert.ok(Math.abs(drift.residualMs - 5) < 0.5, String(drift.residualMs));
  });

  test('few instants, or all of one moment, say nothing', () => {
    assert.equal(fitClocks([]), null);
    assert.equal(fitClocks(Array(2).fill({ ntpMs: 0, mediaMs: 0 })), null);
    assert.equal(fitClocks(Array(5).fill({ ntpMs: 7, mediaMs: 3 })), null);
  });

  test('RTP time goes on over its wrap, and may step back', () => {
    const time = new UnwrappedTime();
    assert.equal(time.ms(2 ** 32 - 90), 0);
    assert.equal(time.ms(810), 10);
    assert.equal(time.ms(2 ** 32 - 90), 0);
  });
});
