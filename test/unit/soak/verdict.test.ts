import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { Trend } from '../../../scripts/soak/trend.ts';
import { type Findings, judge } from '../../../scripts/soak/verdict.ts';

const mib = 1024 * 1024;

function trend(first: number, last: number): Trend {
  return { first, last, highest: Math.max(first, last), perHour: last - first, readings: 100 };
}

function findings(changes: Partial<Findings> = {}): Findings {
  return {
    resident: trend(300 * mib, 310 * mib),
    heap: trend(25 * mib, 28 * mib),
    descriptors: trend(120, 124),
    threads: trend(14, 14),
    left: { before: 60, after: 62 },
    unexplained: { 'frames lost': 0 },
    faultCount: 0,
    faults: [],
    framesReceived: 1000,
    ...changes,
  };
}

describe('the verdict of a soak', () => {
  test('passes when nothing grew beyond what is allowed', () => {
    assert.deepEqual(judge(findings()), { pass: true, problems: [] });
    const short = { resident: null, heap: null, descriptors: null, threads: null, left: null };
    assert.equal(judge(findings(short)).pass, true);
  });

  const failing: Record<string, [Partial<Findings>, RegExp]> = {
    'memory that grew by more than a tenth': [
      { resident: trend(300 * mib, 331 * mib) },
      /^resident memory grew from 300/,
    ],
    'a heap that grew': [{ heap: trend(25 * mib, 40 * mib) }, /heap grew from 25/],
    'descriptors that grew': [{ descriptors: trend(120, 129) }, /^descriptors grew from 120 to 129/],
    'threads that grew': [{ threads: trend(14, 16) }, /^threads grew/],
    'descriptors that stayed open': [{ left: { before: 60, after: 65 } }, /^5 descriptors stayed open/],
    'one frame that nobody can explain': [{ unexplained: { 'frames lost': 1 } }, /^frames lost: 1$/],
    'a fault of the server': [{ faultCount: 2, faults: ['{"reason":"internal"}'] }, /^2 faults, such as: .*internal/],
    'no frame at all': [{ framesReceived: 0 }, /^not a single frame/],
  };
  for (const [name, [changes, text]] of Object.entries(failing))
    test(`fails for ${name}`, () => {
      const { pass, problems } = judge(findings(changes));
      assert.equal(pass, false);
      assert.equal(problems.length, 1);
      assert.match(problems[0]!, text);
    });

  test('a small memory may grow by the absolute allowance', () => {
    assert.equal(judge(findings({ resident: trend(100 * mib, 120 * mib) })).pass, true);
  });
});
