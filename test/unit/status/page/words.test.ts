import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as words from '../../../../src/status/page/words.ts';

test('figures are told in plain words', () => {
  assert.deepEqual([0, 850, 4520, 123_400, 2_345_000].map(words.bitrateText), [
    '0 kbit/s',
    '850 kbit/s',
    '4.5 Mbit/s',
    '123 Mbit/s',
    '2.35 Gbit/s',
  ]);
  assert.deepEqual([0, 59.9, 61, 3600, 7500, 90_000].map(words.durationText), [
    '0 s',
    '59 s',
    '1 min',
    '1 h 00 min',
    '2 h 05 min',
    '1 d 1 h',
  ]);
  assert.equal(words.fpsText(29.94, 29.97), '29.9 / 29.97');
  assert.equal(words.fpsText(30, 0), '30.0');
  assert.equal(words.pictureText(1920, 1080), '1920 × 1080');
  assert.equal(words.pictureText(0, 0), '');
  assert.equal(words.countText(1, 'reader'), '1 reader');
  assert.equal(words.countText(1200, 'camera'), '1,200 cameras');
  assert.equal(words.reasonText('kicked', { kicked: 'an operator ended the stream' }), 'an operator ended the stream');
  assert.equal(words.reasonText('brand_new', {}), 'brand new');
});
