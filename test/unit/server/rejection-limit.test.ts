import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { ErrorCode } from '../../../src/base/errors.ts';
import { RejectionLimit } from '../../../src/server/rejection-limit.ts';
import type { Refusal } from '../../../src/server/stream-events.ts';

const bounds = { addresses: 2, windowMs: 60_000, longestMs: 240_000 };

function refusal(address: string, reason: ErrorCode = 'path_unknown', path = '/a', count = 1): Refusal {
  return { camera: null, publisher: { id: 'r1', address, port: 1 }, address, reason, path, count };
}

const told = (refusals: readonly Refusal[]): string[] =>
  refusals.map(({ address, reason, path, count }) => `${address ?? 'others'} ${reason} ${path ?? '-'} ${count}`);

describe('refused publishers', () => {
  test('the first of an address and reason is told at once, the rest as a sum', () => {
    const limit = new RejectionLimit(bounds);
    assert.ok(limit.add(refusal('10.0.0.1'), 0));
    assert.ok(limit.add(refusal('10.0.0.1', 'path_busy'), 1));
    for (let i = 0; i < 500; i++) assert.ok(!limit.add(refusal('10.0.0.1'), 1000));
    assert.deepEqual(limit.flush(59_999), []);
    assert.deepEqual(told(limit.flush(60_000)), ['10.0.0.1 path_unknown /a 500']);
  });

  test('beyond some addresses, all others are one sum for each reason', () => {
    const limit = new RejectionLimit(bounds);
    let atOnce = 0;
    for (let i = 0; i < 1000; i++) if (limit.add(refusal(`10.0.${i >> 8}.${i & 255}`), 0)) atOnce++;
    assert.equal(atOnce, 2);
    limit.add({ camera: null, publisher: null, reason: 'rate_limited', count: 40 }, 1);
    assert.deepEqual(told(limit.flush(60_000)), ['others path_unknown - 998', 'others rate_limited - 40']);
  });

  test('paths of one address are told only while they are the same', () => {
    const limit = new RejectionLimit(bounds);
    limit.add(refusal('10.0.0.1', 'path_unknown', '/a'), 0);
    limit.add(refusal('10.0.0.1', 'path_unknown', '/b'), 0);
    assert.deepEqual(told(limit.flush(60_000)), ['10.0.0.1 path_unknown - 1']);
  });

  test('sums of what goes on come further and further apart, and all begins anew after a quiet while', () => {
    const limit = new RejectionLimit(bounds);
    const at: number[] = [];
    let atOnce = 0;
    for (let nowMs = 0; nowMs < 1_000_000; nowMs += 1000) {
      if (limit.add(refusal('10.0.0.1'), nowMs)) atOnce++;
      if (limit.flush(nowMs).length > 0) at.push(nowMs / 1000);
    }
    assert.deepEqual([atOnce, at], [1, [60, 180, 420, 660, 900]]);
    limit.flush(1_140_000);
    assert.deepEqual(limit.flush(1_400_000), [], 'a quiet while');
    assert.ok(limit.add(refusal('10.0.0.1'), 1_500_000));
    assert.deepEqual(limit.flush(1_560_000), []);
    assert.ok(limit.add(refusal('10.0.0.1'), 1_600_000), 'told at once again');
  });
});
