import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { PathRegistry, type PublishConflict } from '../../../src/server/path-registry.ts';
import { testCamera } from '../../support/test-camera.ts';

const cameras = [
  testCamera(),
  testCamera({ index: 1, name: 'North', path: '/Live/North' }),
  testCamera({ index: 2, name: 'north', path: '/live/north2' }),
];
const drone = { id: 'r1', address: '10.0.0.1', listener: '1935' };
const sameDrone = { id: 'r2', address: '10.0.0.1', listener: '1935' };
const stranger = { id: 'r3', address: '10.9.9.9', listener: '1935' };

function registry(policy: PublishConflict, silentMs = 0) {
  return new PathRegistry(cameras, policy, () => silentMs);
}

function claim(paths: PathRegistry, who: typeof drone, path: string, nowMs = 0) {
  return paths.claim(who, path, path, nowMs);
}

describe('path registry', () => {
  test('grants a path to the first publisher and refuses one that no camera has', () => {
    const paths = registry('reject');
    assert.deepEqual(claim(paths, drone, '/stream1'), { type: 'granted', camera: cameras[0] });
    assert.deepEqual(claim(paths, stranger, '/stream99'), { type: 'refused', reason: 'path_unknown' });
  });

  test('takes a path that is given twice, as server and as key, for the one path', () => {
    const paths = registry('reject');
    assert.deepEqual(claim(paths, drone, '/stream1/stream1'), { type: 'granted', camera: cameras[0] });
    assert.deepEqual(claim(paths, stranger, '/stream1/stream1/stream1'), { type: 'refused', reason: 'path_unknown' });
  });

  test('lets a publisher reach the cameras of its own listener only', () => {
    const paths = registry('reject');
    const elsewhere = { ...stranger, listener: '2000' };
    assert.deepEqual(claim(paths, elsewhere, '/STREAM1'), { type: 'refused', reason: 'path_elsewhere' });
    assert.deepEqual(claim(paths, elsewhere, '/none'), { type: 'refused', reason: 'path_unknown' });
  });

  test('keeps the publisher of a camera that gets another name and path, and names those of one that is gone', () => {
    const paths = registry('takeover');
    claim(paths, drone, '/stream1');
    claim(paths, stranger, '/live/north');
    claim(paths, sameDrone, '/live/north', 5000);
    const renamed = testCamera({ name: 'Gate', path: '/gate' });
    assert.deepEqual(paths.replace([renamed]), [stranger, sameDrone]);
    assert.equal(paths.release(stranger, 0), null, 'nobody gets a camera that is gone');
    assert.equal(paths.release(sameDrone, 0), null);
    assert.deepEqual(paths.release(drone, 0), { camera: renamed, next: null });
    assert.deepEqual(claim(paths, drone, '/stream1'), { type: 'refused', reason: 'path_unknown' });
  });

  test('compares without regard to case, and percent-escapes both raw and decoded', () => {
    const paths = registry('reject');
    assert.deepEqual(claim(paths, drone, '/LIVE/north'), { type: 'granted', camera: cameras[1] });
    assert.deepEqual(paths.claim(stranger, '/live%2Fnorth2', '/live/north2', 0), {
      type: 'granted',
      camera: cameras[2],
    });
  });

  test('reject: a second publisher is refused until the first has gone', () => {
    const paths = registry('reject', 60_000);
    claim(paths, drone, '/stream1');
    assert.deepEqual(claim(paths, sameDrone, '/stream1'), { type: 'refused', reason: 'path_busy' });
    assert.deepEqual(paths.release(drone, 0), { camera: cameras[0], next: null });
    assert.equal(claim(paths, sameDrone, '/stream1').type, 'granted');
  });

  test('takeover: the path goes over only when the holder has let go', () => {
    const paths = registry('takeover');
    claim(paths, drone, '/stream1');
    assert.deepEqual(claim(paths, stranger, '/stream1', 10), { type: 'waiting', holder: drone, displaced: null });
    assert.deepEqual(paths.release(drone, 0), { camera: cameras[0], next: stranger });
    assert.deepEqual(paths.release(stranger, 0), { camera: cameras[0], next: null });
  });

  test('takeover-stale: only the same address, or anybody when the publisher is silent', () => {
    const live = registry('takeover-stale', 100);
    claim(live, drone, '/stream1');
    assert.deepEqual(claim(live, stranger, '/stream1'), { type: 'refused', reason: 'path_busy' });
    assert.equal(claim(live, sameDrone, '/stream1').type, 'waiting');

    const silent = registry('takeover-stale', 3000);
    claim(silent, drone, '/stream1');
    assert.equal(claim(silent, stranger, '/stream1', 3000).type, 'waiting');
  });

  test('takeover-stale: a publisher that has just got the path is not silent, whoever had it before', () => {
    const paths = registry('takeover-stale', 600_000);
    claim(paths, drone, '/stream1', 5000);
    assert.deepEqual(claim(paths, stranger, '/stream1', 5001), { type: 'refused', reason: 'path_busy' });
    assert.equal(claim(paths, stranger, '/stream1', 8000).type, 'waiting');
    paths.release(drone, 12_000);
    const third = { ...stranger, id: 'r4', address: '10.8.8.8' };
    assert.deepEqual(claim(paths, third, '/stream1', 14_999), { type: 'refused', reason: 'path_busy' });
    assert.equal(claim(paths, third, '/stream1', 15_000).type, 'waiting');
  });

  test('two live publishers cannot kick each other more than once in two seconds', () => {
    const paths = registry('takeover');
    claim(paths, drone, '/stream1', 0);
    claim(paths, stranger, '/stream1', 0);
    paths.release(drone, 0);
    assert.deepEqual(claim(paths, sameDrone, '/stream1', 1999), { type: 'refused', reason: 'path_flapping' });
    assert.equal(claim(paths, sameDrone, '/stream1', 2000).type, 'waiting');
  });

  test('a publisher that waits for a path and leaves does not get it later', () => {
    const paths = registry('takeover');
    claim(paths, drone, '/stream1', 0);
    claim(paths, stranger, '/stream1', 0);
    assert.equal(paths.release(stranger, 0), null);
    assert.deepEqual(paths.release(drone, 0), { camera: cameras[0], next: null });
  });

  test('releasing twice, or without a claim, changes nothing', () => {
    const paths = registry('reject');
    assert.equal(paths.release(drone, 0), null);
    claim(paths, drone, '/stream1');
    paths.release(drone, 0);
    assert.equal(paths.release(drone, 0), null);
    assert.equal(claim(paths, stranger, '/stream1').type, 'granted');
  });
});
