import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { ConfiguredCamera } from '../../../src/config/hardware.ts';
import type { Peer } from '../../../src/control/messages.ts';
import { firstHoldOffMs } from '../../../src/ingest-rules/hold-off.ts';
import { type IngestRules, noRules } from '../../../src/ingest-rules/ingest-rules.ts';
import { IngestRuleWatch } from '../../../src/server/ingest-rules.ts';
import { StreamEvents } from '../../../src/server/stream-events.ts';
import { publisherWord, StreamCounters } from '../../../src/shm/stream-counters.ts';
import { testCamera } from '../../support/test-camera.ts';

const camera = testCamera();
const publisher: Peer = { id: 'r1', address: '192.0.2.7', port: 4000 };
const parameters = { type: 'parameters', width: 1920, height: 1080, profile: 100, level: 40, fps: 0 } as const;

/** A watch over one camera with an injected clock. */
function watchOf(t: { after(cleanup: () => void): void }, rules: Partial<IngestRules>) {
  const events = new StreamEvents();
  const counters = new StreamCounters(StreamCounters.create(1, 1));
  const clock = { now: 1000, nowMs: () => clock.now, wallMs: () => 0 };
  const cuts: [number, string, string][] = [];
  const told: string[] = [];
  const cut = (...args: [number, string, string]) => cuts.push(args);
  const watch = new IngestRuleWatch({ events, counters, clock, cut });
  t.after(() => watch.stop());
  events.on('rule', ({ state, rule, value, action }) => told.push(`${state} ${rule} ${value} ${action}`));
  const configure = (changed: Partial<IngestRules>, now = camera) => {
    const configured = {
      ...now,
      ownRules: {},
      ownAccess: {},
      rules: { ...noRules, ...changed },
    } satisfies ConfiguredCamera;
    watch.configure([configured], [now]);
  };
  configure(rules);
  const words = counters.publisher(0);
  const start = () => {
    events.emit('started', { camera, publisher });
    words.reset();
    words.set(publisherWord.startedMs, clock.now);
  };
  /** Seconds of 30 frames and a keyframe each, of so many Mbit/s. */
  const play = (seconds: number, mbit: number) => {
    for (let i = 0; i < seconds; i++) {
      clock.now += 1000;
      words.add(publisherWord.frames, 30);
      words.add(publisherWord.keyframes, 1);
      words.add(publisherWord.lastDtsMs, 1000);
      words.add(publisherWord.bytes, (mbit * 1e6) / 8);
      watch.look();
    }
  };
  return { events, watch, clock, cuts, told, configure, start, play };
}

describe('flag', () => {
  test('tells once, shows the violation, and leaves the stream alone', (t) => {
    const { watch, events, cuts, told, start, play } = watchOf(t, { maxMbit: 8 });
    start();
    play(30, 12);
    assert.deepEqual(told, ['broken max-bitrate 12 Mbit/s flag']);
    assert.deepEqual(watch.violations(0), [{ rule: 'max-bitrate', value: '12 Mbit/s', limit: '8 Mbit/s' }]);
    assert.deepEqual(cuts, []);
    events.emit('stopped', { camera, publisher, reason: 'unpublished' });
    assert.deepEqual(watch.violations(0), []);
  });

  test('names the camera as it is named now', (t) => {
    const { events, configure, start, play } = watchOf(t, { maxMbit: 8 });
    const names: string[] = [];
    events.on('rule', (event) => names.push(event.camera.name));
    start();
    configure({ maxMbit: 8 }, { ...camera, name: 'North' });
    play(30, 12);
    assert.deepEqual(names, ['North']);
  });

  test('what a publisher reports is judged at once', (t) => {
    const { events, told, start } = watchOf(t, {
      maxSize: { width: 1280, height: 720 },
      profiles: ['main'],
      bFrames: false,
    });
    start();
    events.emit('notice', { camera, publisher, notice: parameters });
    events.emit('notice', { camera, publisher, notice: { type: 'b_frames' } });
    assert.deepEqual(told, [
      'broken max-resolution 1920x1080 flag',
      'broken allowed-profiles high flag',
      'broken allow-b-frames B-frames flag',
    ]);
  });

  test('the counters of the stream before are not held against a new one', (t) => {
    const { events, watch, clock, told, start, play } = watchOf(t, { maxMbit: 8 });
    start();
    play(9, 50);
    events.emit('stopped', { camera, publisher, reason: 'unpublished' });
    // The new publisher's thread has not reset them yet.
    events.emit('started', { camera, publisher });
    for (let i = 0; i < 20; i++) {
      clock.now += 1000;
      watch.look();
    }
    assert.deepEqual(told, []);
  });
});

describe('reject', () => {
  test('cuts the publisher off once, with rule, value and limit, and holds it off for a while', (t) => {
    const { watch, events, clock, cuts, start, play } = watchOf(t, { maxMbit: 8, maxFps: 15, action: 'reject' });
    start();
    play(15, 12);
    assert.equal(cuts.length, 1);
    const [index, reason, detail] = cuts[0]!;
    assert.deepEqual([index, reason], [0, 'rule_violated']);
    const both = 'max-bitrate: 12 Mbit/s, allowed: 8 Mbit/s; max-fps: 30 fps, allowed: 15 fps';
    assert.equal(detail, `${both}; it may come back in 10 s`);
    events.emit('stopped', { camera, publisher, reason: 'rule_violated' });
    assert.equal(watch.holdsOff(0, publisher.address), true);
    assert.equal(watch.holdsOff(0, '192.0.2.8'), false);
    clock.now += firstHoldOffMs;
    assert.equal(watch.holdsOff(0, publisher.address), false);
  });

  test('a publisher that comes back with the same fault is cut again', (t) => {
    const { events, cuts, start } = watchOf(t, { profiles: ['main'], action: 'reject' });
    for (let i = 0; i < 2; i++) {
      start();
      events.emit('notice', { camera, publisher, notice: parameters });
      events.emit('stopped', { camera, publisher, reason: 'rule_violated' });
    }
    assert.equal(cuts.length, 2);
    assert.match(cuts[1]![2], /may come back in 20 s$/);
  });
});

describe('a change of the configuration', () => {
  test('holds for streams that run: a new limit, and a new action', (t) => {
    const { cuts, told, configure, start, play } = watchOf(t, { maxMbit: 20 });
    start();
    play(20, 12);
    assert.deepEqual(told, []);
    configure({ maxMbit: 8 });
    assert.deepEqual(told, ['broken max-bitrate 12 Mbit/s flag']);
    assert.deepEqual(cuts, []);
    configure({ maxMbit: 8, action: 'reject' });
    assert.equal(cuts.length, 1);
  });

  test('lets a publisher that is held off try at once', (t) => {
    const { events, watch, configure, start } = watchOf(t, { profiles: ['main'], action: 'reject' });
    start();
    events.emit('notice', { camera, publisher, notice: parameters });
    assert.equal(watch.holdsOff(0, publisher.address), true);
    configure({ profiles: ['main', 'high'], action: 'reject' });
    assert.equal(watch.holdsOff(0, publisher.address), false);
    assert.deepEqual(watch.violations(0), []);
  });
});
