import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isSameText } from '../../../src/base/same-text.ts';

test('texts of any length are compared whole', () => {
  assert.equal(isSameText('', ''), true);
  assert.equal(isSameText('pässword', 'pässword'), true);
  for (const given of ['', 'p', 'pässwor', 'pässwore', 'Pässword', 'pässword ']) {
    assert.equal(isSameText(given, 'pässword'), false, given);
  }
});
