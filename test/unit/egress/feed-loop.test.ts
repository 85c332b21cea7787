import assert from 'node:assert/strict';
import { mock, type TestContext, test } from 'node:test';
import { limits } from '../../../src/base/limits.ts';
import { FeedLoop } from '../../../src/egress/feed-loop.ts';
import type { FeedRing } from '../../../src/egress/feed-ring.ts';
import type { FeedSession, PlayObserver } from '../../../src/egress/feed-session.ts';
import { Doorbell } from '../../../src/shm/doorbell.ts';
import { createRing } from '../../../src/shm/frame-ring.ts';
import { StreamCounters } from '../../../src/shm/stream-counters.ts';
import { smallRing, TestStream } from '../../support/test-stream.ts';

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

/** A loop over many cameras, with a small ring each. */
class Crowd {
  nowMs = 1000;
  readonly rings: readonly SharedArrayBuffer[];
  readonly loop: FeedLoop;

  constructor(cameras: number) {
    this.rings = Array.from({ length: cameras }, () => createRing(smallRing));
    this.loop = new FeedLoop({
      ...{ slot: 0, gopCache: false, rings: this.rings, doorbell: new Doorbell(Doorbell.create(cameras)) },
      clock: { nowMs: () => this.nowMs, wallMs: () => this.nowMs },
      counters: new StreamCounters(StreamCounters.create(cameras, 1)),
      onSessionFailed: (_session, error) => assert.fail(error as Error),
    });
    this.loop.start();
  }

  pass(ms: number): void {
    this.nowMs += ms;
    mock.timers.tick(ms);
  }
}

/** Timers go on by {@link Crowd.pass} alone. */
function testCrowd(name: string, cameras: number, body: (crowd: Crowd) => void): void {
  test(name, () => {
    mock.timers.enable({ apis: ['setTimeout', 'setImmediate'] });
    const crowd = new Crowd(cameras);
    try {
      body(crowd);
    } finally {
      crowd.loop.stop();
      mock.timers.reset();
    }
  });
}

testCrowd(
  'bursts of more cameras than are paced at the same time are not spread',
  limits.pacing.cameras + 10,
  (crowd) => {
    const { loop, rings } = crowd;
    const readers = rings.map((_, camera) => new PromptReader(camera));
    const writers = rings.map((ring) => new TestStream(ring));
    const behind = () => readers.filter(({ ring }) => ring!.lead.lag > 0).length;
    /** Four frames of each camera at once, 40 ms apart by their time stamps. */
    const burst = (fromMs: number) => {
      for (const [camera, writer] of writers.entries()) {
        for (let i = 0; i < 4; i++) writer.frame(fromMs + i * 40, crowd.nowMs);
        loop.resume(readers[camera]!);
      }
      crowd.pass(0);
    };
    for (const reader of readers) loop.join(reader);
    for (const writer of writers) writer.start();
    burst(0);
    assert.equal(loop.pacedCameras, limits.pacing.cameras);
    assert.equal(behind(), limits.pacing.cameras, 'the others have got all at once');
    for (let ms = 0; ms < 3 * 40; ms += 5) crowd.pass(5);
    assert.equal(loop.pacedCameras, 0);
    assert.equal(behind(), 0, 'and these at their times');
    burst(160);
    assert.equal(loop.pacedCameras, limits.pacing.cameras, 'there is room for the next bursts');
  },
);

testCrowd('cameras that always have more to do take turns', 100, (crowd) => {
  const pumps = crowd.rings.map(() => 0);
  /** Of all cameras, when the first of them was done. */
  let fewest = -1;
  const onPump = (camera: number): boolean => {
    crowd.nowMs += 0.5;
    pumps[camera]!++;
    const more = pumps[camera]! < 10;
    if (!more && fewest < 0) fewest = Math.min(...pumps);
    return more;
  };
  for (const camera of pumps.keys()) crowd.loop.join(new PromptReader(camera, () => onPump(camera)));
  crowd.pass(0);
  assert.ok(pumps.every((count) => count === 10));
  assert.equal(fewest, 9);
});

testCrowd('a loop that has not served all cameras once in a second sheds until it has', 100, (crowd) => {
  const { loop, rings } = crowd;
  /** When sessions were told to leave out what is late. */
  const sheddingMs: number[] = [];
  let shedding = false;
  const onPump = (observer: PlayObserver): boolean => {
    crowd.nowMs += 0.5;
    shedding = observer.shedding;
    if (shedding) sheddingMs.push(crowd.nowMs);
    return crowd.nowMs < 4000;
  };
  const readers = rings.map((_, camera) => new PromptReader(camera, onPump));
  for (const reader of readers) loop.join(reader);
  crowd.pass(0);
  assert.ok(Math.abs(sheddingMs[0]! - 1000 - limits.shedding.behindMs) < 10, `from ${sheddingMs[0]} ms on`);
  assert.ok(sheddingMs.at(-1)! >= 4000);
  loop.resume(readers[0]!);
  crowd.pass(1);
  assert.equal(shedding, false, 'it has caught up');
});

/** Has always read what its feed has released. */
class PromptReader implements FeedSession {
  readonly camera: number;
  readonly counted = true;
  readonly drained = true;
  readonly live = true;
  readonly lastFrameMs = 0;
  ring: FeedRing | null = null;
  readonly #onPump: (observer: PlayObserver) => boolean;

  /** `onPump` says whether there is more to take at once. */
  constructor(camera: number, onPump: (observer: PlayObserver) => boolean = () => false) {
    this.camera = camera;
    this.#onPump = onPump;
  }

  get cursor(): number {
    return this.ring!.lead.cursor;
  }

  enter(ring: FeedRing): void {
    this.ring = ring;
  }

  follow(): void {}
  leave(): void {}
  goIdle(): void {}
  pump(observer: PlayObserver): boolean {
    return this.#onPump(observer);
  }
  sweep(): boolean {
    return true;
  }
}

test('with the GOP cache, a reader of a camera whose publisher crashed gets none of its pictures', () => {
  const ring = createRing({ ...smallRing, gopCache: true });
  const stream = new TestStream(ring);
  stream.start();
  stream.keyframe(0, 0);
  const starts: string[] = [];
  const session = (): FeedSession => ({
    ...{ camera: 0, counted: true, ring: null, cursor: 0, drained: true, live: false, lastFrameMs: 0 },
    ...{ enter: (_ring, start) => starts.push(start), follow: () => undefined, leave: () => undefined },
    ...{ goIdle: () => undefined, pump: () => false, sweep: () => true },
  });
  const loop = new FeedLoop({
    ...{ slot: 0, gopCache: true, rings: [ring], doorbell: new Doorbell(Doorbell.create(1)) },
    clock: { nowMs: () => 60_000, wallMs: () => 60_000 },
    counters: new StreamCounters(StreamCounters.create(1, 1)),
    onSessionFailed: (_session, error) => assert.fail(error as Error),
  });
  loop.setLive(0, false);
  loop.join(session());
  loop.setLive(0, true);
  loop.join(session());
  loop.stop();
  assert.deepEqual(starts, ['next', 'keyframe']);
});

/** A camera with one session that has nothing left to send, and the loop that serves it. */
function gonePublisher(t: TestContext) {
  t.mock.timers.enable({ apis: ['setTimeout', 'setImmediate'] });
  const ring = createRing(smallRing);
  const stream = new TestStream(ring);
  const seen = { idle: 0, nowMs: 0 };
  const session: FeedSession = {
    ...{ camera: 0, counted: true, ring: null, cursor: 0, drained: true, live: true, lastFrameMs: 0 },
    ...{ enter: () => undefined, follow: () => undefined, leave: () => undefined },
    ...{ goIdle: () => seen.idle++, pump: () => false, sweep: () => true },
  };
  const bell = Doorbell.create(1);
  const loop = new FeedLoop({
    ...{ slot: 0, gopCache: false, rings: [ring], doorbell: new Doorbell(bell) },
    clock: { nowMs: () => seen.nowMs, wallMs: () => seen.nowMs },
    counters: new StreamCounters(StreamCounters.create(1, 1)),
    onSessionFailed: (_session, error) => assert.fail(error as Error),
  });
  t.after(() => loop.stop());
  loop.start();
  loop.join(session);
  t.mock.timers.tick(0);
  stream.start();
  return {
    ...{ seen, session, loop, stream },
    ring: () => new Doorbell(bell).ring(0),
    pass: (ms: number) => {
      seen.nowMs += ms;
      t.mock.timers.tick(ms);
    },
    sweep: () => loop.sweep(session, seen.nowMs),
  };
}

test('a stream whose publisher has gone is over for its readers only when nothing of it waits any more', (t) => {
  const { seen, session, loop, stream, ring, pass, sweep } = gonePublisher(t);
  stream.keyframe(0, 0);
  for (let i = 1; i < 10; i++) stream.frame(40 * i, 0);
  loop.setLive(0, false);
  seen.nowMs = 1000;
  sweep();
  assert.equal(seen.idle, 0, 'what came while this thread stood still is to be looked at first');

  // A link that had held them back: they are spread.
  seen.nowMs = 1001;
  for (let i = 10; i < 20; i++) stream.frame(40 * i, seen.nowMs);
  ring();
  loop.resume(session);
  pass(0);
  assert.ok(loop.pacedCameras === 1);
  sweep();
  assert.equal(seen.idle, 0, 'what the pacer holds goes out first');

  for (let i = 0; i < 40; i++) pass(40);
  assert.equal(loop.pacedCameras, 0);
  sweep();
  assert.equal(seen.idle, 1);
});

test('a stream whose publisher died before it rang for its last picture ends for its readers all the same', (t) => {
  const { seen, loop, stream, pass, sweep } = gonePublisher(t);
  stream.keyframe(0, 0);
  loop.setLive(0, false);
  for (let i = 0; i < 4; i++) {
    pass(1000);
    sweep();
  }
  assert.ok(seen.idle > 0);
});
