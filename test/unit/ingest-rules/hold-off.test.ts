import assert from 'node:assert/strict';
import { test } from 'node:test';
import { firstHoldOffMs, forgivenAfterMs, HoldOffs, longestHoldOffMs } from '../../../src/ingest-rules/hold-off.ts';

test('a publisher waits after it was disconnected; another address, and another camera, does not', () => {
  const holdOffs = new HoldOffs();
  assert.equal(holdOffs.begin(3, '192.0.2.1', 0), firstHoldOffMs);
  assert.equal(holdOffs.holds(3, '192.0.2.1', firstHoldOffMs - 1), true);
  assert.equal(holdOffs.holds(3, '192.0.2.2', 1), false);
  assert.equal(holdOffs.holds(4, '192.0.2.1', 1), false);
  assert.equal(holdOffs.holds(3, '192.0.2.1', firstHoldOffMs), false);
});

test('it waits longer each time, up to a bound, and is forgiven after a while', () => {
  const holdOffs = new HoldOffs();
  let nowMs = 0;
  const lengths = Array.from({ length: 5 }, () => {
    const lengthMs = holdOffs.begin(0, 'a', nowMs);
    nowMs += lengthMs + 1000;
    return lengthMs;
  });
  const expected = [firstHoldOffMs, 2 * firstHoldOffMs, 4 * firstHoldOffMs, longestHoldOffMs, longestHoldOffMs];
  assert.deepEqual(lengths, expected);
  assert.equal(holdOffs.begin(0, 'a', nowMs + forgivenAfterMs), firstHoldOffMs);
});

test('other rules let it try at once', () => {
  const holdOffs = new HoldOffs();
  holdOffs.begin(0, 'a', 0);
  holdOffs.forget(0);
  assert.equal(holdOffs.holds(0, 'a', 1), false);
});
