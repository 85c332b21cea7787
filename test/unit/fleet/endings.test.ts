import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { endingsOf, unsettledAt } from '../../../scripts/fleet/endings.ts';
import { planSchedule } from '../../../scripts/fleet/schedule.ts';

const steady = planSchedule({ scenario: 'steady', seed: 1, count: 3, ramp: 1, seconds: 60 });

describe('what the end of a fleet explains', () => {
  test('the last stream of each camera ends with the fleet, and a reader may be cut off then', () => {
    const last = { fromMs: 91_000, toMs: Number.POSITIVE_INFINITY };
    assert.deepEqual(endingsOf(steady, 3, 5000, 91_000), [[last], [last], [last]]);
    const storm = planSchedule({ scenario: 'storm', seed: 1, count: 1, ramp: 1, seconds: 30 });
    const kill = storm.actions.find(({ kind }) => kind === 'kill')!.atMs;
    assert.deepEqual(endingsOf(storm, 1, 5000, 91_000)[0], [{ fromMs: 5000 + kill, toMs: 8000 + kill }, last]);
  });

  test('an early end meets cameras that have not settled: just started, just back, or behind a bad link', () => {
    assert.deepEqual(unsettledAt(steady, 3, 1500), [true, true, false], 'the third has not been asked yet');
    assert.deepEqual(unsettledAt(steady, 3, 6500), [false, true, true]);
    assert.deepEqual(unsettledAt(steady, 3, 30_000), [false, false, false]);
    const kills = planSchedule({ scenario: 'kills', seed: 1, count: 1, ramp: 1, seconds: 60 });
    const { atMs } = kills.actions.find(({ kind }) => kind === 'kill')!;
    assert.deepEqual(unsettledAt(kills, 1, atMs + 100), [true]);
    const radio = planSchedule({ scenario: 'bad-radio', seed: 1, count: 1, ramp: 1, seconds: 60 });
    assert.deepEqual([unsettledAt(radio, 1, 30_000), unsettledAt(radio, 1, 59_000)], [[true], [false]]);
  });
});
