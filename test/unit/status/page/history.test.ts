import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { CameraHistory } from '../../../../src/status/page/history.ts';
import { overviewAnswer } from '../../../support/overview.ts';

const indexes = [7, 8];
/** 25 frames and one keyframe a second. */
const atSecond = (seconds: number, starts = 1) =>
  overviewAnswer(
    2,
    [{ camera: 1, frames: seconds * 25, bytes: seconds * 250_000, keyframes: seconds, lost: seconds * 2 }],
    { seconds, starts },
  );

describe('the last minutes of a camera', () => {
  test('are rates between polls, by the clock of the server', () => {
    const history = new CameraHistory();
    for (const seconds of [100, 101, 103, 110]) history.add(atSecond(seconds), indexes);
    const { times, values } = history.series(8);
    assert.deepEqual(times, [100, 101, 103, 110]);
    assert.deepEqual(values.fps, [Number.NaN, 25, 25, 25]);
    assert.deepEqual(values.kbps, [Number.NaN, 2000, 2000, 2000]);
    assert.deepEqual(values.dropped, [Number.NaN, 2, 2, 2]);
    assert.equal(values.gop.at(-1), 1);
    assert.ok(history.series(7).values.fps.every(Number.isNaN));
  });

  test('have a gap while it is offline, and begin anew with another stream', () => {
    const history = new CameraHistory();
    history.add(atSecond(100), indexes);
    history.add(atSecond(101), indexes);
    history.add(overviewAnswer(2, [], { seconds: 102 }), indexes);
    history.add(atSecond(103, 2), indexes);
    history.add(atSecond(104, 2), indexes);
    assert.deepEqual(history.series(8).values.fps, [Number.NaN, 25, Number.NaN, Number.NaN, 25]);
  });

  test('are not those of the camera that had its index before', () => {
    const history = new CameraHistory();
    for (const seconds of [100, 101]) history.add(atSecond(seconds), indexes);
    history.forget(8);
    history.add(atSecond(102), indexes);
    assert.deepEqual(history.series(8).values.fps, [Number.NaN, Number.NaN, Number.NaN]);
    assert.deepEqual(history.series(8).values.queue.slice(0, 2), [Number.NaN, Number.NaN]);
  });

  test('forget what is older, also of a camera that was gone for longer', () => {
    const history = new CameraHistory();
    for (let seconds = 0; seconds < 250; seconds++) history.add(atSecond(seconds), indexes);
    for (let seconds = 250; seconds < 500; seconds++) history.add(overviewAnswer(2, [], { seconds }), indexes);
    history.add(atSecond(500, 2), indexes);
    const { times, values } = history.series(8);
    assert.equal(times.length, 300);
    assert.deepEqual([times[0], times.at(-1)], [201, 500]);
    assert.equal(values.fps.filter((value) => !Number.isNaN(value)).length, 49);
    assert.ok(values.fps.slice(49).every(Number.isNaN));
  });

  test('begin anew when the clock of the server was put back', () => {
    const history = new CameraHistory();
    for (const seconds of [100, 101, 50, 51]) history.add(atSecond(seconds), indexes);
    const { times, values } = history.series(8);
    assert.deepEqual(
      [times, values.fps],
      [
        [50, 51],
        [Number.NaN, 25],
      ],
    );
  });
});
