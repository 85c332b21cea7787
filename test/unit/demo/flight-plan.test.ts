import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import {
  FlightPlan,
  keyframePlaces,
  type Manner,
  mannerOf,
  type PlannedFrame,
} from '../../../scripts/demo/flight-plan.ts';
import { type FlvClip, type FlvTag, isKeyframe } from '../../../scripts/flv-file.ts';

/** Ten seconds of 25 fps with a keyframe every two seconds. */
const clip: FlvClip = {
  metadata: null,
  headers: [],
  frames: Array.from({ length: 250 }, (_, place): FlvTag => {
    const body = Buffer.from([place % 50 === 0 ? 0x17 : 0x27, 1, 0, 0, 0]);
    return { type: 9, timestampMs: 40 * place, body };
  }),
  durationMs: 10_000,
};

const names = ['steady', 'reconnect', 'half rate', 'jittery', 'pauses'];
const manner = (name: string): Manner => mannerOf(names.indexOf(name));

/** A generator that repeats itself in every run. */
function seeded(): () => number {
  let state = 12_345;
  return () => {
    state = (state * 1_103_515_245 + 12_345) % 0x80000000;
    return state / 0x80000000;
  };
}

function fly(one: Manner, frames: number, firstFrame = 0): PlannedFrame[] {
  const plan = new FlightPlan(clip, one, firstFrame, seeded());
  const flown: PlannedFrame[] = [];
  while (flown.length < frames) {
    const frame = plan.next();
    if (frame === null) break;
    flown.push(frame);
  }
  return flown;
}

describe('flight plan', () => {
  test('the first drones have the five manners in turn, all others are steady', () => {
    assert.deepEqual(
      [0, 1, 2, 3, 4, 5, 199].map((index) => mannerOf(index).name),
      [...names, 'steady', 'steady'],
    );
  });

  test('timestamps go on over the end of the clip, and each frame is due when its timestamp says', () => {
    const flown = fly(manner('steady'), 600);
    assert.deepEqual(
      flown.map((frame) => frame.timestampMs),
      flown.map((_, index) => 40 * index),
    );
    assert.ok(flown.every((frame) => frame.dueMs === frame.timestampMs));
  });

  test('a flight that begins inside the clip counts from 0 and goes through all of it', () => {
    const flown = fly(manner('steady'), 250, 100);
    assert.deepEqual([flown[0]!.timestampMs, flown[0]!.tag], [0, clip.frames[100]]);
    assert.equal(flown[150]!.tag, clip.frames[0]);
    assert.equal(flown[249]!.timestampMs, 249 * 40);
  });

  test('timestamps wrap at 32 bits', () => {
    const long: FlvClip = { ...clip, durationMs: 2 ** 32 };
    const plan = new FlightPlan(long, manner('steady'), 0, seeded());
    for (let i = 0; i < 250; i++) plan.next();
    assert.deepEqual([plan.next()?.timestampMs, plan.next()?.timestampMs], [0, 40]);
  });

  test('a reconnecting drone lands after its time in the air', () => {
    const flown = fly(manner('reconnect'), 10_000);
    assert.equal(flown.at(-1)!.dueMs, 17_000 - 40);
  });

  test('half the rate: every frame, twice as far apart', () => {
    const flown = fly(manner('half rate'), 300);
    assert.ok(flown.every((frame, index) => frame.timestampMs === 80 * index && frame.dueMs === 80 * index));
    assert.equal(flown[250]!.tag, clip.frames[0]);
  });

  test('jitter delays frames and bunches them, and changes neither their order nor their timestamps', () => {
    const flown = fly(manner('jittery'), 2000);
    assert.ok(flown.every((frame, index) => frame.timestampMs === 40 * index && frame.dueMs >= frame.timestampMs));
    assert.ok(flown.every((frame, index) => index === 0 || frame.dueMs >= flown[index - 1]!.dueMs));
    const longest = Math.max(...flown.map((frame) => frame.dueMs - frame.timestampMs));
    assert.ok(longest >= 700 && longest < 1000, `longest delay ${longest} ms`);
    assert.ok(flown.filter((frame, index) => frame.dueMs === flown[index - 1]?.dueMs).length > 100, 'bursts');
  });

  test('a pause ends with a keyframe and a clock that starts anew', () => {
    const flown = fly(manner('pauses'), 1000);
    const resumed = flown.findIndex((frame, index) => index > 0 && frame.timestampMs === 0);
    assert.equal(flown[resumed - 1]!.dueMs, 16_000 - 40);
    assert.equal(flown[resumed]!.dueMs, 20_000);
    assert.ok(isKeyframe(flown[resumed]!.tag));
    assert.equal(flown[resumed + 1]!.timestampMs, 40);
  });

  test('a pause that ends between keyframes waits for the next one', () => {
    const flown = fly({ ...manner('pauses'), pauseEveryMs: 5000, pauseMs: 1000 }, 300);
    const resumed = flown.findIndex((frame, index) => index > 0 && frame.timestampMs === 0);
    assert.equal(flown[resumed]!.dueMs, 6000);
  });

  test('keyframes are found', () => {
    assert.deepEqual(keyframePlaces(clip), [0, 50, 100, 150, 200]);
  });
});
