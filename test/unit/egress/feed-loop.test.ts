import assert from 'node:assert/strict';
import { mock, test } from 'node:test';
import { FeedLoop } from '../../../src/egress/feed-loop.ts';
import type { FeedSession } from '../../../src/egress/feed-session.ts';
import { Doorbell } from '../../../src/shm/doorbell.ts';
import { StreamCounters } from '../../../src/shm/stream-counters.ts';

/** A loop with one camera and a session that counts its turns. Timers and clock go on by {@link Loop.pass} alone. */
class Loop {
  nowMs = 1000;
  pumps = 0;
  readonly #bell = Doorbell.create(1);
  readonly writer = new Doorbell(this.#bell);
  readonly loop: FeedLoop;
  readonly session: FeedSession;

  constructor() {
    this.session = {
      ...{ camera: 0, counted: true, ring: null, cursor: 0, drained: true, live: false, lastFrameMs: 0 },
      ...{ enter: () => undefined, follow: () => undefined, leave: () => undefined, goIdle: () => undefined },
      ...{ pump: () => this.#pump(), sweep: () => true },
    };
    this.loop = new FeedLoop({
      ...{ slot: 0, gopCache: false, rings: [null], doorbell: new Doorbell(this.#bell) },
      clock: { nowMs: () => this.nowMs, wallMs: () => this.nowMs },
      counters: new StreamCounters(StreamCounters.create(1, 1)),
      onSessionFailed: (_session, error) => assert.fail(error as Error),
    });
    this.loop.start();
    this.loop.join(this.session);
    this.pass(0);
  }

  /** Whether a writer that rings now has to wake the thread. */
  get wantsWakeUp(): boolean {
    return Atomics.load(new Int32Array(this.#bell), 0) === 1;
  }

  pass(ms: number): void {
    this.nowMs += ms;
    mock.timers.tick(ms);
  }

  #pump(): boolean {
    this.pumps++;
    return false;
  }
}

function testLoop(name: string, body: (loop: Loop) => void): void {
  test(name, () => {
    mock.timers.enable({ apis: ['setTimeout', 'setImmediate'] });
    const loop = new Loop();
    try {
      body(loop);
    } finally {
      loop.loop.stop();
      mock.timers.reset();
    }
  });
}

testLoop('a turn long after the one before ends in sleep on the doorbell', (loop) => {
  loop.pass(100);
  loop.loop.resume(loop.session);
  loop.pass(0);
  assert.equal(loop.pumps, 2);
  assert.ok(loop.wantsWakeUp);
});

testLoop('a turn soon after another ends in a rest, in which writers wake nobody', (loop) => {
  loop.loop.resume(loop.session);
  loop.pass(0);
  assert.ok(!loop.wantsWakeUp);
  loop.writer.ring(0);
  loop.pass(1);
  assert.equal(loop.pumps, 3, 'what was rung meanwhile is served after the rest');
  assert.ok(!loop.wantsWakeUp, 'and the thread rests again');
});

testLoop('a rest in which nothing came ends in sleep on the doorbell', (loop) => {
  loop.loop.resume(loop.session);
  loop.pass(0);
  loop.pass(1);
  assert.equal(loop.pumps, 2);
  assert.ok(loop.wantsWakeUp);
});

testLoop('what comes during a rest from elsewhere does not wait for its end', (loop) => {
  loop.loop.resume(loop.session);
  loop.pass(0);
  loop.loop.resume(loop.session);
  loop.pass(0);
  assert.equal(loop.pumps, 3);
});
