import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { backoffMs, judgeAnswer, type Outcome, retryAfterMs } from '../../../src/hooks/outcome.ts';

const wallMs = Date.parse('2026-11-21T12:00:00Z');
const judge = (status: number, retryAfter?: string): Outcome => judgeAnswer({ status, retryAfter, text: '' }, wallMs);
const shortOf = (outcome: Outcome): string =>
  outcome.result === 'retry' ? `retry ${outcome.scope} ${outcome.afterMs ?? '-'}` : outcome.result;

describe('the answer of a target', () => {
  const cases: readonly [status: number, expected: string][] = [
    [200, 'delivered'],
    [204, 'delivered'],
    [301, 'refused'],
    [307, 'refused'],
    [400, 'refused'],
    [401, 'refused'],
    [404, 'refused'],
    [410, 'refused'],
    [408, 'retry event -'],
    [425, 'retry event -'],
    [429, 'retry target -'],
    [500, 'retry event -'],
    [502, 'retry target -'],
    [503, 'retry target -'],
    [504, 'retry target -'],
  ];
  for (const [status, expected] of cases) {
    test(`${status} is ${expected.split(' ')[0]}`, () => assert.equal(shortOf(judge(status)), expected));
  }

  test('Retry-After is honoured: seconds or a date, an hour at most', () => {
    assert.equal(shortOf(judge(503, '120')), 'retry target 120000');
    assert.equal(shortOf(judge(429, 'Sat, 21 Nov 2026 12:01:00 GMT')), 'retry target 60000');
    assert.equal(retryAfterMs('Sat, 21 Nov 2026 11:00:00 GMT', wallMs), 0);
    assert.equal(retryAfterMs('999999999', wallMs), 3_600_000);
    for (const nonsense of ['', 'soon', '-5', '1e9', undefined]) {
      const ms = retryAfterMs(nonsense, wallMs);
      assert.ok(ms === null || ms === 0, String(nonsense));
    }
    assert.ok(!('afterMs' in judge(404, '120')));
  });

  test('a redirect is not followed, and the log says so', () => {
    assert.match(judge(302).detail, /redirects are not followed/);
  });
});

test('pauses grow from 1 s to 5 min, with a random part that never leaves these bounds', () => {
  assert.deepEqual(
    [1, 2, 3, 9, 10, 1000].map((failures) => backoffMs(failures, 1)),
    [1000, 2000, 4000, 256_000, 300_000, 300_000],
  );
  assert.deepEqual(
    [1, 2, 3, 10].map((failures) => backoffMs(failures, 0)),
    [1000, 1000, 2000, 150_000],
  );
});
