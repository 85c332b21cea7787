import assert from 'node:assert/strict';
import { test } from 'node:test';
import { forgetOldest } from '../../../src/base/forget-oldest.ts';

test('what came first is forgotten, and only as much as there is too much', () => {
  const kept = new Set(['a', 'b', 'c']);
  forgetOldest(kept, 3);
  assert.deepEqual([...kept], ['a', 'b', 'c']);
  forgetOldest(kept, 1);
  assert.deepEqual([...kept], ['c']);
});

test('what came again counts as new', () => {
  const kept = new Map([
    ['a', 1],
    ['b', 1],
  ]);
  kept.delete('a');
  kept.set('a', 2).set('c', 1);
  forgetOldest(kept, 2);
  assert.deepEqual([...kept.keys()], ['a', 'c']);
});
