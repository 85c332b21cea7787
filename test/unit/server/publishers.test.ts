import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { MainToConnection } from '../../../src/control/messages.ts';
import { PathRegistry, type PublishConflict } from '../../../src/server/path-registry.ts';
import { Publishers } from '../../../src/server/publishers.ts';
import type { RingStore } from '../../../src/server/ring-store.ts';
import { StreamEvents } from '../../../src/server/stream-events.ts';
import { RemoteConnection } from '../../support/remote-connection.ts';
import { testCamera } from '../../support/test-camera.ts';

const cameras = [testCamera(), testCamera({ index: 1 })];

class Rig {
  /** What was sent to workers and what was emitted, in order. */
  readonly log: string[] = [];
  readonly publishers: Publishers;
  nowMs = 0;
  #count = 0;

  constructor(policy: PublishConflict = 'reject') {
    const events = new StreamEvents();
    events.on('started', ({ camera, publisher }) => this.log.push(`started ${publisher.id} ${camera.path}`));
    events.on('stopped', ({ camera, publisher, reason }) =>
      this.log.push(`stopped ${publisher.id} ${camera.path} ${reason}`),
    );
    const rings = { acquire: () => new SharedArrayBuffer(0) } as unknown as RingStore;
    const silence = () => undefined;
    this.publishers = new Publishers(
      new PathRegistry(cameras, policy, () => 0),
      rings,
      events,
      { nowMs: () => this.nowMs, wallMs: () => 0 },
      { debug: silence, info: silence, warn: silence, error: silence },
    );
  }

  /** `neighbour` lives in the same worker. */
  connect(neighbour?: RemoteConnection): RemoteConnection {
    const id = `r${++this.#count}`;
    const onSent = (to: string, message: MainToConnection): void => {
      const reason = 'reason' in message ? ` ${message.reason}` : '';
      this.log.push(`${message.type} ${to}${reason}`);
    };
    return new RemoteConnection(this.publishers, id, this.nowMs, onSent, neighbour);
  }
}

describe('started and stopped come in turn, once each', () => {
  for (const reason of ['peer_closed', 'video_timeout'] as const) {
    test(`a connection that ends: ${reason}`, () => {
      const rig = new Rig();
      const connection = rig.connect();
      connection.claims('/stream1');
      connection.ends(reason);
      assert.deepEqual(rig.log, ['started r1 /stream1', 'granted r1', `stopped r1 /stream1 ${reason}`]);
    });
  }

  test('a worker that dies gives no reason', () => {
    const rig = new Rig();
    const connection = rig.connect();
    connection.claims('/stream1');
    connection.dies();
    assert.deepEqual(rig.log.slice(2), ['stopped r1 /stream1 worker_failed']);
  });

  test('unpublish, then publish again and disconnect', () => {
    const rig = new Rig();
    const connection = rig.connect();
    connection.claims('/stream1');
    connection.says({ type: 'release', reason: 'unpublished' });
    connection.claims('/stream2');
    connection.says({ type: 'release', reason: 'unpublished' });
    connection.ends('peer_closed');
    assert.deepEqual(rig.log, [
      'started r1 /stream1',
      'granted r1',
      'stopped r1 /stream1 unpublished',
      'started r1 /stream2',
      'granted r1',
      'stopped r1 /stream2 unpublished',
    ]);
  });

  test('a refused claim, and a connection that never published, are no events', () => {
    const rig = new Rig();
    const connection = rig.connect();
    connection.claims('/nowhere');
    connection.ends('peer_closed');
    rig.connect().dies();
    assert.deepEqual(rig.log, ['refused r1 path_unknown']);
  });

  test('takeover: the old stream stops before the new one starts', () => {
    const rig = new Rig('takeover');
    const old = rig.connect();
    old.claims('/stream1');
    rig.connect().claims('/stream1');
    old.ends('taken_over');
    assert.deepEqual(rig.log.slice(2), [
      'cut r1 taken_over',
      'stopped r1 /stream1 taken_over',
      'started r2 /stream1',
      'granted r2',
    ]);
  });

  test('takeover of a publisher that unpublishes at the same moment', () => {
    const rig = new Rig('takeover');
    const old = rig.connect();
    old.claims('/stream1');
    rig.connect().claims('/stream1');
    old.says({ type: 'release', reason: 'unpublished' });
    old.ends('taken_over');
    assert.deepEqual(rig.log.slice(3), ['stopped r1 /stream1 unpublished', 'started r2 /stream1', 'granted r2']);
  });

  test('takeover: one who waits and is displaced, or leaves, was never started', () => {
    const rig = new Rig('takeover');
    const old = rig.connect();
    old.claims('/stream1');
    const displaced = rig.connect();
    displaced.claims('/stream1');
    rig.nowMs = 5000;
    const leaving = rig.connect();
    leaving.claims('/stream1');
    displaced.ends('path_flapping');
    leaving.ends('peer_closed');
    old.ends('taken_over');
    assert.deepEqual(
      rig.log.filter((line) => line.startsWith('st')),
      ['started r1 /stream1', 'stopped r1 /stream1 taken_over'],
    );
  });

  test('takeover: one who waits, and whose worker dies with that of the holder, was never started', () => {
    const rig = new Rig('takeover');
    const old = rig.connect();
    old.claims('/stream1');
    rig.connect(old).claims('/stream1');
    old.dies();
    assert.deepEqual(rig.log.slice(2), ['cut r1 taken_over', 'stopped r1 /stream1 worker_failed']);
    assert.equal(rig.publishers.counts.granted, 1);
    rig.connect().claims('/stream1');
    assert.deepEqual(rig.log.slice(4), ['started r3 /stream1', 'granted r3']);
  });

  test('takeover: one who waits when the server is stopped, or asks then, was never started', async () => {
    const rig = new Rig('takeover');
    const old = rig.connect();
    old.claims('/stream1');
    const waiting = rig.connect();
    waiting.claims('/stream1');
    const asking = rig.connect();
    const gone = rig.publishers.cutAll('shutdown');
    asking.claims('/stream2');
    for (const connection of [old, waiting, asking]) connection.ends('shutdown');
    await gone;
    assert.deepEqual(
      rig.log.filter((line) => line.startsWith('st')),
      ['started r1 /stream1', 'stopped r1 /stream1 shutdown'],
    );
    assert.deepEqual([rig.publishers.counts.requested, rig.publishers.counts.granted], [2, 1]);
  });

  test('shutdown, also of a worker that does not answer and of a connection that comes too late', async () => {
    const rig = new Rig();
    const good = rig.connect();
    good.claims('/stream1');
    const hanging = rig.connect();
    hanging.claims('/stream2');
    const gone = rig.publishers.cutAll('shutdown');
    const late = rig.connect();
    good.ends('shutdown');
    hanging.dies();
    late.ends('shutdown');
    await gone;
    assert.deepEqual(rig.log.slice(4), [
      'cut r1 shutdown',
      'cut r2 shutdown',
      'cut r3 shutdown',
      'stopped r1 /stream1 shutdown',
      'stopped r2 /stream2 shutdown',
    ]);
  });
});

describe('what is counted', () => {
  test('publications and ends, each once', () => {
    const rig = new Rig();
    const { counts } = rig.publishers;
    const first = rig.connect();
    const second = rig.connect();
    first.claims('/stream1');
    second.claims('/stream1');
    second.ends('peer_closed');
    rig.connect().claims('/nowhere');
    first.dies();
    assert.deepEqual([counts.requested, counts.granted], [3, 1]);
    assert.deepEqual(
      [...counts.refused.all],
      [
        ['path_busy', 1],
        ['path_unknown', 1],
      ],
    );
    assert.deepEqual(
      [...counts.ends.all],
      [
        ['peer_closed', 1],
        ['worker_failed', 1],
      ],
    );
    assert.deepEqual([...rig.publishers.perListener], [['1935', 1]]);
  });
});

describe('kick', () => {
  test('ends the publisher of that camera and no other', () => {
    const rig = new Rig();
    rig.connect().claims('/stream1');
    rig.connect().claims('/stream2');
    assert.equal(rig.publishers.kick(5), null);
    assert.equal(rig.publishers.kick(1), 'r2');
    assert.equal(rig.log.at(-1), 'cut r2 kicked');
    rig.nowMs = 7;
    const [first, second] = rig.publishers.list(new Map([['1935', 4711]]));
    const facts = { address: '10.0.0.1', port: 1000, listenerPort: 4711, acceptedMs: 0 };
    assert.deepEqual(
      [first, second],
      [
        { connection: 'r1', ...facts, camera: 0 },
        { connection: 'r2', ...facts, camera: 1 },
      ],
    );
  });
});
