import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { StreamHealth } from '../../../src/stats/stream-health.ts';
import type { Blame } from '../../../src/stats/verdict.ts';

/** What a row of windows of 5 s changes: `n` none to blame, `b` somebody, `s` silent. */
function changes(windows: string): string {
  const health = new StreamHealth();
  let nowMs = 0;
  return [...windows]
    .map((window) => {
      const blame: Blame = window === 'n' ? 'none' : 'network';
      nowMs += 5000;
      const change = health.judge({ blame, text: '' }, window === 's', nowMs);
      return change === null ? '.' : change[0];
    })
    .join('');
}

describe('the health of a stream', () => {
  const rows: readonly [what: string, windows: string, expected: string][] = [
    ['a good stream says nothing', 'nnnnnnnn', '........'],
    ['one bad window is a hiccup', 'nbnbnbn', '.......'],
    ['two in a row are told, once', 'nbbbbb', '..d...'],
    ['silence is told at once', 'nnsss', '..d..'],
    ['good again after three good windows', 'bbnnnn', '.d..r.'],
    ['a link that comes and goes stays bad', 'bbnnbnnbnn', '.d........'],
    ['and bad again', 'bbnnnbb', '.d..r.d'],
  ];
  for (const [what, windows, expected] of rows) test(what, () => assert.equal(changes(windows), expected));
});
