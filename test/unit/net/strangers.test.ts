import assert from 'node:assert/strict';
import { it } from 'node:test';
import { limits } from '../../../src/base/limits.ts';
import { Strangers } from '../../../src/net/strangers.ts';

it('readers that have not logged in are bounded for each address, and make room when they have', () => {
  const strangers = new Strangers(1);
  for (let i = 0; i < limits.rtsp.strangersPerAddress; i++) assert.ok(strangers.enter('192.0.2.1'));
  assert.ok(!strangers.enter('192.0.2.1'));
  assert.ok(strangers.enter('192.0.2.2'), 'others are not concerned');
  strangers.leave('192.0.2.1');
  assert.ok(strangers.enter('192.0.2.1'));
  assert.ok(!strangers.enter('192.0.2.1'));
});

it('each consumer lets in its part of them', () => {
  const consumers = [new Strangers(3), new Strangers(3), new Strangers(3)];
  let places = 0;
  for (const strangers of consumers) while (strangers.enter('192.0.2.1')) places++;
  assert.ok(places >= limits.rtsp.strangersPerAddress && places < limits.rtsp.strangersPerAddress + 3, `${places}`);
});
