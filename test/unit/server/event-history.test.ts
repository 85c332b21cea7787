import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { EventHistory } from '../../../src/server/event-history.ts';
import { StreamEvents } from '../../../src/server/stream-events.ts';
import { testCamera } from '../../support/test-camera.ts';

const cameras = [0, 1, 2].map((index) => testCamera({ index }));
const publisher = { id: 'r1', address: '10.0.0.1', port: 5000 };

function history(perCamera = 3, overall = 4) {
  const events = new StreamEvents();
  let wallMs = 1000;
  const clock = { nowMs: () => 0, wallMs: () => wallMs++ };
  const kept = new EventHistory(events, clock, { perCamera, overall });
  const start = (camera: number) => events.emit('started', { camera: cameras[camera]!, publisher });
  const stop = (camera: number) =>
    events.emit('stopped', { camera: cameras[camera]!, publisher, reason: 'peer_closed' });
  return { events, kept, start, stop };
}

describe('event history', () => {
  test('keeps starts and stops with their reason, newest first', () => {
    const { kept, start, stop } = history();
    start(1);
    stop(1);
    assert.deepEqual(kept.newest(), [
      { number: 2, type: 'stopped', camera: cameras[1], publisher, wallMs: 1001, reason: 'peer_closed' },
      { number: 1, type: 'started', camera: cameras[1], publisher, wallMs: 1000, reason: null },
    ]);
    assert.deepEqual(kept.ofCamera(1), kept.newest());
    assert.deepEqual(kept.ofCamera(0), []);
  });

  test('forgets the oldest, of each camera and of all', () => {
    const { kept, start, stop } = history(3, 4);
    start(0);
    for (let i = 0; i < 10; i++) {
      start(2);
      stop(2);
    }
    const numbers = (records: readonly { number: number }[]) => records.map(({ number }) => number);
    assert.deepEqual(numbers(kept.newest()), [21, 20, 19, 18]);
    assert.deepEqual(numbers(kept.ofCamera(2)), [21, 20, 19]);
    assert.deepEqual(numbers(kept.ofCamera(0)), [1], 'a camera that flaps pushes out only its own events');
  });

  test('tells nothing of a camera that was there before as of the one that has its index now', () => {
    const { kept, start } = history(3, 4);
    start(0);
    start(1);
    kept.replaced(0);
    assert.deepEqual([kept.ofCamera(0).length, kept.ofCamera(1).length, kept.newest().length], [0, 1, 2]);
  });

  test('keeps what happens to publishers that are refused, to streams that are bad, and to the server', () => {
    const { events, kept } = history(5, 10);
    const camera = cameras[1]!;
    events.emit('rejected', {
      camera: null,
      publisher,
      reason: 'path_unknown',
      address: '10.0.0.1',
      path: '/x',
      count: 3,
    });
    events.emit('degraded', { camera, publisher, blame: 'network', text: 'late', figures: { silentSeconds: 5 } });
    events.emit('listener_failed', { text: 'The listeners failed.' });
    assert.deepEqual(
      kept.newest().map(({ type, camera: of, reason, detail }) => ({ type, camera: of?.index, reason, detail })),
      [
        { type: 'listener_failed', camera: undefined, reason: null, detail: { text: 'The listeners failed.' } },
        {
          type: 'degraded',
          camera: 1,
          reason: null,
          detail: { blame: 'network', text: 'late', figures: { silentSeconds: 5 } },
        },
        {
          type: 'rejected',
          camera: undefined,
          reason: 'path_unknown',
          detail: { address: '10.0.0.1', path: '/x', count: 3 },
        },
      ],
    );
    assert.equal(kept.ofCamera(1).length, 1);
  });

  test('gives as many as are wanted', () => {
    const { kept, start } = history();
    for (const camera of [0, 1, 2]) start(camera);
    assert.deepEqual(
      kept.newest(2).map(({ camera }) => camera?.index),
      [2, 1],
    );
    assert.deepEqual(kept.newest(0), []);
    assert.equal(kept.ofCamera(0, 5).length, 1);
  });
});
