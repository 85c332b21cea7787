import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isOf, kindOf } from '../../../../src/status/page/event-words.ts';

test('a rule that is kept again has the mark of what is good', () => {
  assert.equal(kindOf('rule', { state: 'broken' }).mark, 'trouble');
  assert.equal(kindOf('rule', { state: 'kept' }).mark, 'air');
  assert.equal(kindOf('degraded', null).mark, 'trouble');
  assert.deepEqual(kindOf('brand_new', null), { title: 'brand new', mark: 'offline' });
});

test('an event leads to its camera, also after a change of name or path, and to no other one of that index', () => {
  const event = { name: 'Gate', path: '/gate' };
  assert.ok(isOf(event, { index: 3, name: 'Gate', path: '/gate' }));
  assert.ok(isOf(event, { index: 3, name: 'North gate', path: '/gate' }));
  assert.ok(isOf(event, { index: 3, name: 'Gate', path: '/north' }));
  assert.ok(!isOf(event, { index: 3, name: 'Roof', path: '/roof' }));
  assert.ok(!isOf(event, undefined));
});
