import assert from 'node:assert/strict';
import { test } from 'node:test';
import { eventMessage, eventsSince } from '../../../src/status/event-feed.ts';
import type { EventRecord } from '../../../src/status/event-record.ts';
import { testCamera } from '../../support/test-camera.ts';

function event(number: number): EventRecord {
  const publisher = { id: `r${number}`, address: '192.0.2.1', port: 5 };
  return { number, type: 'stopped', camera: testCamera({ name: 'A\nB' }), publisher, wallMs: 0, reason: 'peer_closed' };
}

const history = [5, 4, 3].map(event);
const numbers = (id: string): [number[], boolean] => {
  const { events, complete } = eventsSince(history, 'run', id);
  return [events.map(({ number }) => number), complete];
};

test('the events after an id, and whether some between are forgotten', () => {
  assert.deepEqual(numbers('run-5'), [[], true]);
  assert.deepEqual(numbers('run-4'), [[5], true]);
  assert.deepEqual(numbers('run-2'), [[5, 4, 3], true]);
  assert.deepEqual(numbers('run-1'), [[5, 4, 3], false]);
  for (const id of ['', 'other-4', 'run-', 'run-x', 'run--3', 'run-1e999'])
    assert.deepEqual(numbers(id), [[5, 4, 3], false], id);
  assert.deepEqual(eventsSince([event(1)], 'run', ''), { events: [event(1)], complete: true });
});

test('a message is three lines and an empty one, whatever the names hold', () => {
  const lines = eventMessage('run', event(3)).split('\n');
  assert.deepEqual(lines.slice(0, 2), ['id: run-3', 'event: stopped']);
  assert.deepEqual(lines.slice(3), ['', '']);
  const body = JSON.parse(lines[2]!.slice('data: '.length));
  assert.deepEqual(
    [body.id, body.name, body.reason, body.time],
    ['run-3', 'A\nB', 'peer_closed', '1970-01-01T00:00:00.000Z'],
  );
});
