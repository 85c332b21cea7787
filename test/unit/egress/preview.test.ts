import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { CardPicture, CardStream } from '../../../src/egress/offline-source.ts';
import { parameterSetsToAvcc } from '../../../src/h264/parameter-sets.ts';
import { recordFlag } from '../../../src/shm/frame-ring.ts';
import { StreamCounters } from '../../../src/shm/stream-counters.ts';
import { PreviewBench } from '../../support/preview-bench.ts';
import { pps, sps720 } from '../ingest/publisher-rig.ts';

const { discontinuity, recoveryPoint } = recordFlag;

/** Decoding time and duration of each sample. */
function times(bench: PreviewBench): [number, number][] {
  return bench.tape.samples.map(({ decodeMs, durationMs }) => [decodeMs, durationMs]);
}

/** A card that always has a picture, the first of each run an IDR. */
class Card implements CardStream {
  #first = true;
  #dueMs = 0;

  restart(nowMs: number, wasLive: boolean): void {
    this.#first = true;
    this.#dueMs = nowMs + (wasLive ? 1000 : 0);
  }

  due(nowMs: number): boolean {
    return nowMs >= this.#dueMs;
  }

  next(nowMs: number): CardPicture {
    this.#dueMs = nowMs + 1000;
    const isFirst = this.#first;
    this.#first = false;
    const unit = Buffer.from([0, 0, 0, 6, isFirst ? 0x65 : 0x41, 0x88, 0, 0, 0, 99]);
    return { unit, parameterSets: isFirst ? parameterSetsToAvcc([sps720], [pps]) : null };
  }
}

const cardParameters = {
  version: -1,
  sps: [sps720],
  pps: [pps],
  units: parameterSetsToAvcc([sps720], [pps]),
  fps: 0,
};

describe('the start of a preview', () => {
  test('is at the next keyframe, behind the stream that it belongs to', () => {
    const bench = new PreviewBench();
    bench.publish();
    bench.frame();
    bench.nowMs = 40;
    bench.frame();
    assert.deepEqual(bench.tape.story, ['live']);
    bench.nowMs = 80;
    bench.gop(5);
    assert.deepEqual(bench.tape.story, ['live', 'start 1920']);
    assert.deepEqual(bench.tape.numbers, [2, 3, 4]);
    assert.deepEqual(times(bench)[0], [0, 40]);
  });

  test('is at the newest keyframe at once with the GOP cache', () => {
    const bench = new PreviewBench({ gopCache: true });
    bench.feed.leave(bench.session);
    bench.publish();
    bench.gop(4);
    bench.gop(4);
    bench.feed.join(bench.session);
    bench.frame();
    assert.deepEqual(bench.tape.numbers, [4, 5, 6]);
  });

  test('waits for parameter sets that can be read', () => {
    const bench = new PreviewBench();
    bench.writer.startStream();
    bench.gop(5);
    assert.deepEqual(bench.tape.story, ['live']);
    bench.parameters(720);
    bench.gop(5);
    assert.deepEqual(bench.tape.story, ['live', 'start 1280']);
  });

  test('may be at a recovery point, without the pictures that are shown before it', () => {
    const bench = new PreviewBench();
    bench.publish();
    bench.frame({ flags: recoveryPoint, cts: 80 });
    for (const cts of [0, -40, 80, 80, 80]) {
      bench.nowMs += 40;
      bench.frame({ cts });
    }
    bench.wait(500);
    assert.deepEqual(bench.tape.numbers, [0, 3, 4, 5]);
    assert.deepEqual(times(bench).slice(0, 2), [
      [0, 120],
      [120, 40],
    ]);
    assert.equal(bench.tape.samples[0]!.isSync, true);
  });

  test('pictures that are left out at its start are no gap for which a player drops the rest, also behind a link that stood still', () => {
    const bench = new PreviewBench();
    bench.publish();
    bench.frame({ flags: recoveryPoint, cts: 64 });
    bench.nowMs = 120;
    for (const [i, cts] of [0, -16, -32, 64, 64].entries()) bench.frame({ cts, dtsMs: 16 * (i + 1) });
    bench.wait(500);
    assert.deepEqual(bench.tape.numbers, [0, 4, 5]);
    assert.deepEqual(times(bench).slice(0, 2), [
      [0, 64],
      [64, 16],
    ]);
  });

  test('pictures that are left out behind a first one that went out alone are no such gap either', () => {
    const bench = new PreviewBench();
    bench.publish();
    bench.frame({ flags: recoveryPoint, cts: 400 });
    bench.wait(150);
    for (const [i, cts] of [299, 198, 97, -4, 400, 400].entries()) bench.frame({ cts, dtsMs: 100 * (i + 1) });
    bench.wait(500);
    assert.deepEqual(bench.tape.numbers, [0, 5, 6]);
    assert.deepEqual(times(bench).slice(0, 2), [
      [0, 150],
      [150, 100],
    ]);
  });

  test('a picture behind such is not presented before the first one', () => {
    const bench = new PreviewBench();
    bench.publish();
    bench.frame({ flags: recoveryPoint, cts: 400 });
    bench.wait(150);
    for (const [i, cts] of [299, 198, 97, 100, 100].entries()) bench.frame({ cts, dtsMs: 100 * (i + 1) });
    bench.wait(500);
    assert.deepEqual(bench.tape.numbers, [0, 4, 5]);
    assert.ok(bench.tape.samples.every(({ decodeMs, compositionMs }) => decodeMs + compositionMs >= 0));
  });
});

describe('fragments', () => {
  test('hold a tenth of a second, end when the next frame is there, and say when their newest frame came', () => {
    const bench = new PreviewBench();
    bench.nowMs = 5000;
    bench.publish();
    bench.gop(10);
    const { fragments } = bench.tape;
    assert.deepEqual(
      fragments.map(({ samples, mediaMs, arrivalMs }) => [samples.length, mediaMs, arrivalMs]),
      [
        [3, 80, 5080],
        [3, 200, 5200],
        [3, 320, 5320],
      ],
    );
    assert.deepEqual(
      times(bench),
      Array.from({ length: 9 }, (_, i) => [i * 40, 40]),
    );
    assert.deepEqual(
      bench.tape.samples.map(({ isSync }) => isSync),
      [true, ...Array(8).fill(false)],
    );
  });

  test('go out without a next frame when that does not come', () => {
    const bench = new PreviewBench();
    bench.publish();
    bench.frame({ key: true });
    bench.wait(250);
    assert.deepEqual(bench.tape.numbers, [0]);
    bench.nowMs = 1000;
    bench.frame();
    bench.wait(250);
    assert.deepEqual(bench.tape.numbers, [0, 1]);
  });

  test('have the steps of the time stamps, not of the arrival', () => {
    const bench = new PreviewBench();
    bench.publish();
    const dts = [0, 33, 66, 100, 133, 300, 301, 301, 340];
    for (const dtsMs of dts) {
      bench.frame({ key: dtsMs === 0, dtsMs });
      bench.nowMs += 40;
    }
    bench.wait(250);
    assert.deepEqual(
      times(bench).map(([decodeMs]) => decodeMs),
      // Two frames of one time stamp are one frame apart like those before: nothing may take no time.
      [0, 33, 66, 100, 133, 300, 301, 302, 341],
    );
  });

  test('keep the order in which B-frames are decoded, and present the first picture at 0', () => {
    const bench = new PreviewBench();
    bench.publish();
    for (const [i, cts] of [80, 160, 40, 40, 160, 40].entries()) {
      bench.frame({ key: i === 0, cts });
      bench.nowMs += 40;
    }
    bench.wait(250);
    assert.deepEqual(
      bench.tape.samples.map(({ decodeMs, compositionMs }) => decodeMs + compositionMs),
      [0, 120, 40, 80, 240, 160],
    );
  });
});

describe('the time of a preview', () => {
  test('has no hole that a player would stop at, however long nothing came', () => {
    const bench = new PreviewBench();
    bench.publish();
    bench.gop(3);
    bench.wait(1000);
    const [endMs, durationMs] = times(bench).at(-1)!;
    bench.nowMs = 8000;
    bench.gop(3);
    bench.wait(250);
    assert.equal(times(bench)[3]![0], endMs + durationMs);
  });

  test('goes on by a usual step when the clock of the publisher jumps or steps back', () => {
    const bench = new PreviewBench();
    bench.publish();
    bench.frame({ key: true, dtsMs: 0 });
    for (const [dtsMs, flags] of [
      [40, 0],
      [90_000, discontinuity],
      [90_040, 0],
      [500, 0],
      [540, 0],
      [580, 0],
    ] as const) {
      bench.nowMs += 40;
      bench.frame({ dtsMs, flags });
    }
    bench.wait(250);
    assert.deepEqual(
      times(bench).map(([decodeMs]) => decodeMs),
      [0, 40, 80, 120, 160, 200, 240],
    );
  });

  test('begins at 0 again with another stream, and with other parameter sets at their keyframe', () => {
    const bench = new PreviewBench();
    bench.publish();
    bench.gop(4);
    bench.parameters(720);
    bench.frame();
    bench.nowMs += 40;
    bench.gop(4);
    bench.writer.endStream();
    bench.pump();
    bench.publish(720);
    bench.gop(4);
    bench.wait(250);
    assert.deepEqual(bench.tape.story, ['live', 'start 1920', 'start 1280', 'not live', 'start 1280', 'live']);
    const starts = bench.tape.words.map(({ type }, i) => (type === 'start' ? bench.tape.words.slice(i + 1) : []));
    for (const words of starts.filter((list) => list.length > 0)) {
      const first = words.find((word) => word.type === 'fragment');
      assert.deepEqual([first?.samples[0]?.decodeMs, first?.samples[0]?.isSync], [0, true]);
    }
    assert.deepEqual(
      bench.tape.numbers,
      Array.from({ length: 13 }, (_, i) => i),
    );
  });

  test('goes on over parameter sets that are the same as before', () => {
    const bench = new PreviewBench();
    bench.publish();
    bench.gop(4);
    bench.parameters(1080);
    bench.gop(4);
    bench.wait(250);
    assert.deepEqual(bench.tape.story, ['live', 'start 1920']);
    assert.equal(times(bench).at(-1)![0], 280);
  });
});

describe('a viewer who is too slow', () => {
  test('misses frames up to a keyframe, is told so once, and has no hole in its time', () => {
    const bench = new PreviewBench();
    bench.publish();
    bench.gop(5);
    bench.session.pause();
    bench.session.pause();
    bench.gop(5);
    bench.frame();
    bench.nowMs += 40;
    bench.session.resume();
    bench.frame();
    bench.nowMs += 40;
    assert.deepEqual(bench.tape.numbers, [0, 1, 2, 3, 4]);
    bench.gop(5);
    bench.wait(250);
    assert.deepEqual(bench.tape.story, ['live', 'start 1920', 'restarted']);
    assert.deepEqual(bench.tape.numbers, [0, 1, 2, 3, 4, 12, 13, 14, 15, 16]);
    const all = times(bench);
    for (const [i, [decodeMs]] of all.entries()) if (i > 0) assert.equal(decodeMs, all[i - 1]![0] + all[i - 1]![1]);
  });

  test('may be found too slow by a fragment that a frame ends', () => {
    const bench = new PreviewBench();
    bench.publish();
    bench.tape.onFragment = () => bench.session.pause();
    bench.gop(5);
    assert.deepEqual(bench.tape.numbers, [0, 1, 2]);
    bench.tape.onFragment = null;
    bench.session.resume();
    bench.gop(5);
    bench.wait(250);
    assert.deepEqual(bench.tape.numbers, [0, 1, 2, 5, 6, 7, 8, 9]);
    const [before, after] = [times(bench)[2]!, times(bench)[3]!];
    // Of the frame that did not fit there is a step, which no player minds.
    assert.ok(after[0] - before[0] - before[1] <= 40);
  });

  test('never holds back the ring', () => {
    const bench = new PreviewBench();
    bench.publish();
    bench.session.pause();
    bench.gop(50);
    assert.equal(bench.session.cursor, bench.session.ring!.lead.cursor);
    assert.equal(bench.session.drained, true);
  });

  test('loses what was overwritten, up to a keyframe', () => {
    const bench = new PreviewBench({ frames: 8 });
    bench.publish();
    bench.gop(4);
    const late = bench.feed.pump;
    bench.feed.pump = () => false;
    for (let i = 0; i < 6; i++) bench.gop(4);
    bench.feed.pump = late;
    bench.pump();
    bench.gop(4);
    bench.wait(250);
    const { numbers } = bench.tape;
    assert.deepEqual(numbers.slice(0, 3), [0, 1, 2]);
    assert.equal(numbers.at(-1), 31);
    const afterLoss = numbers.findIndex((number, i) => i > 0 && number !== numbers[i - 1]! + 1);
    assert.equal(numbers[afterLoss]! % 4, 0);
    assert.equal(bench.tape.samples[afterLoss]!.isSync, true);
  });
});

describe('a camera that nobody publishes to', () => {
  test('shows its card, each picture at once, and then the publisher', () => {
    const bench = new PreviewBench({ card: new Card(), cardParameters, published: false });
    bench.wait(2250);
    assert.deepEqual(bench.tape.story, ['not live', 'start 1280']);
    assert.deepEqual(
      bench.tape.samples.map(({ decodeMs, isSync }) => [decodeMs, isSync]),
      [
        [0, true],
        [1000, false],
        [2000, false],
      ],
    );
    bench.publish();
    bench.gop(5);
    assert.deepEqual(bench.tape.story, ['not live', 'start 1280', 'start 1920', 'live']);
    assert.deepEqual(bench.tape.numbers, [99, 99, 99, 0, 1, 2]);
  });

  test('shows it again when the stream has ended, as another stream that begins with an IDR', () => {
    const bench = new PreviewBench({ card: new Card(), cardParameters });
    bench.publish(720);
    bench.gop(4);
    bench.writer.endStream();
    bench.pump();
    assert.deepEqual(bench.tape.story, ['live', 'start 1280', 'not live']);
    // All of the stream went out before.
    assert.deepEqual(bench.tape.numbers, [0, 1, 2, 3]);
    bench.wait(1500);
    assert.deepEqual(bench.tape.story, ['live', 'start 1280', 'not live', 'start 1280']);
    const last = bench.tape.samples.at(-1)!;
    assert.deepEqual([last.decodeMs, last.isSync], [0, true]);
  });

  test('goes on with its card while a publisher has no keyframe, without another start', () => {
    const bench = new PreviewBench({ card: new Card(), cardParameters, published: false });
    bench.wait(1250);
    bench.publish();
    bench.frame();
    bench.wait(2000);
    assert.deepEqual(bench.tape.story, ['not live', 'start 1280']);
    bench.gop(5);
    assert.deepEqual(bench.tape.story, ['not live', 'start 1280', 'start 1920', 'live']);
  });

  test('sends no card to a viewer who is too slow', () => {
    const bench = new PreviewBench({ card: new Card(), cardParameters, published: false });
    bench.wait(250);
    bench.session.pause();
    bench.wait(3000);
    assert.equal(bench.tape.samples.length, 1);
    bench.session.resume();
    bench.wait(250);
    assert.equal(bench.tape.samples.length, 2);
    assert.deepEqual(bench.tape.story, ['not live', 'start 1280', 'restarted']);
  });
});

test('a preview is no reader in the statistics', () => {
  const bench = new PreviewBench();
  const counters = () => new StreamCounters(bench.counters).reader(0, 0).snapshot();
  const before = counters();
  bench.publish();
  bench.gop(20);
  // A burst, which the pacer spreads.
  for (let i = 0; i < 5; i++) bench.frame({ dtsMs: bench.nowMs + i * 40, isBurst: true });
  bench.pump();
  assert.notEqual(bench.feed.dueMs, Number.POSITIVE_INFINITY);
  for (let i = 0; i < 5; i++) {
    bench.nowMs += 40;
    bench.pump();
  }
  bench.wait(500);
  assert.equal(bench.tape.samples.length, 25);
  assert.deepEqual(counters(), before);
});
