import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isKeySegment } from '../../../src/base/stream-key-form.ts';
import {
  hashStreamKey,
  isGeneratedKey,
  newKeyId,
  newStreamKey,
  normaliseKey,
} from '../../../src/publish-auth/stream-key.ts';
import { keyInPath, withoutKeys } from '../../../src/rtmp/stream-path.ts';

test('a key has 160 bits in a form that can be known again', () => {
  const keys = Array.from({ length: 200 }, newStreamKey);
  assert.equal(new Set(keys).size, keys.length);
  for (const key of keys) {
    assert.match(key, /^swk_[0-9a-hjkmnp-tv-z]{32}$/);
    assert.ok(isGeneratedKey(key) && isKeySegment(key));
  }
  // All 32 characters turn up, at the first place as at the last: no bit is lost.
  for (const place of [4, 35]) assert.ok(new Set(keys.map((key) => key[place])).size > 25);
  assert.match(newKeyId(), /^[0-9a-z]{8}$/);
});

test('what people confuse when they type a key is the same key', () => {
  const key = 'swk_0123456789abcdefghjkmnpqrstvwxyz';
  for (const typed of [
    key.toUpperCase(),
    ` ${key}\n`,
    'swk_oi23456789abcdefghjkmnpqrstvwxyz',
    'SWK_OL23456789ABCDEFGHJKMNPQRSTVWXYZ',
  ]) {
    assert.equal(normaliseKey(typed), key);
    assert.deepEqual(hashStreamKey(typed), hashStreamKey(key));
  }
  assert.notDeepEqual(hashStreamKey(`${key}0`), hashStreamKey(key));
});

test('a key at the end of a path is taken off it, also a damaged one', () => {
  const key = 'swk_0123456789abcdefghjkmnpqrstvwxyz';
  const both = (path: string) => keyInPath({ path, decodedPath: path });
  assert.deepEqual(both(`/live/cam/${key}`), { path: '/live/cam', decodedPath: '/live/cam', key });
  assert.deepEqual(both(`/${key}`), { path: '/', decodedPath: '/', key });
  assert.equal(both(`/cam/${key}x`)?.path, '/cam');
  assert.equal(both(`/cam/${key.slice(0, 20)}`)?.path, '/cam');
  assert.equal(both(`/${key}/cam`), null);
  assert.equal(both('/cam/swk_short'), null);
  const escaped = keyInPath({ path: `/a%20b/swk%5f${key.slice(4)}`, decodedPath: `/a b/${key}` });
  assert.deepEqual(escaped, { path: '/a%20b', decodedPath: '/a b', key });
});

test('what has the form of a key is hidden wherever it stands', () => {
  const key = 'swk_0123456789abcdefghjkmnpqrstvwxyz';
  assert.equal(withoutKeys(`/live/${key}/cam`), '/live/[key]/cam');
  assert.equal(withoutKeys(`/${key.toUpperCase()}`), '/[key]');
  assert.equal(withoutKeys(`/swk%5F${key.slice(4)}/a%20b`), '/[key]/a%20b');
  assert.equal(withoutKeys('/gate/swk_north'), '/gate/swk_north');
});
