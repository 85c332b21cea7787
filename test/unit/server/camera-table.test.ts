import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { ConfiguredCamera } from '../../../src/config/hardware.ts';
import { noRules } from '../../../src/ingest-rules/ingest-rules.ts';
import { assignIndexes, cameraPlaces } from '../../../src/server/camera-table.ts';

function camera(path: string, changes: Partial<ConfiguredCamera> = {}): ConfiguredCamera {
  const place = { hardware: 0, channel: 1, listener: '1935' };
  return {
    name: path,
    path,
    rtspPath: path,
    ...place,
    offlineInfo: true,
    ownRules: {},
    ownAccess: {},
    rules: noRules,
    ...changes,
  };
}

const none = new Set<number>();
const indexes = (configured: ConfiguredCamera[], before: ConfiguredCamera[], inUse = none) =>
  assignIndexes(configured, assignIndexes(before, [], none)!, inUse)!.map(({ index }) => index);

describe('camera indexes', () => {
  test('count from 0 at the start', () => assert.deepEqual(indexes([camera('/a'), camera('/b')], []), [0, 1]));

  test('stay with a camera whose place, name or path changes', () => {
    const before = [camera('/a'), camera('/b'), camera('/c')];
    assert.deepEqual(indexes([camera('/c'), camera('/a'), camera('/b')], before), [2, 0, 1]);
    assert.deepEqual(indexes([camera('/a', { name: 'Gate' }), camera('/B')], before), [0, 1]);
    assert.deepEqual(indexes([camera('/x', { name: '/b' }), camera('/a')], before), [1, 0]);
    assert.deepEqual(indexes([camera('/b', { listener: '2000' })], before), [1], 'another port');
  });

  test('of a camera that is gone are not given to another at once, nor while its publisher is still there', () => {
    const before = [camera('/a'), camera('/b')];
    assert.deepEqual(indexes([camera('/b'), camera('/new')], before), [1, 2]);
    assert.deepEqual(indexes([camera('/new')], [], new Set([0, 1])), [2]);
  });

  test('stay with a camera that is said to be the same, whatever else changes', () => {
    const before = [camera('/a'), camera('/b', { channel: 2 })];
    const after = [camera('/x', { name: 'x' }), camera('/y', { name: 'y', channel: 2 })];
    const known = assignIndexes(before, [], none)!;
    const same = { hardware: 0, channel: 2 };
    assert.deepEqual(
      assignIndexes(after, known, none, same)!.map(({ index }) => index),
      [2, 1],
    );
    assert.equal(assignIndexes(after, known, none, { hardware: 1, channel: 2 })!.length, 2);
  });

  test('run out only when there is no place for old and new together', () => {
    const many = (prefix: string, count: number) => Array.from({ length: count }, (_, i) => camera(`/${prefix}${i}`));
    assert.equal(indexes(many('new', 1000), many('old', 1000)).length, 1000);
    assert.equal(assignIndexes(many('a', cameraPlaces), [], new Set([0])), null);
  });
});
