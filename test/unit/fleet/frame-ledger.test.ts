import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { type FrameBook, frameNumber } from '../../../scripts/fleet/frame-book.ts';
import { FrameLedger } from '../../../scripts/fleet/frame-ledger.ts';
import { ReceivedFrame } from '../../../scripts/fleet/rtp-frames.ts';

const period = 50;
const framesPerSecond = 25;
const clip: FrameBook = {
  period,
  numbersRepeat: true,
  framesPerSecond,
  checksums: Uint32Array.from({ length: period }, (_, index) => 1000 + index),
};

/** A ledger of camera 4, and frames for it by their place in the run. */
function account(book = clip) {
  const ledger = new FrameLedger(4, book, true);
  const startOf = (run: number): number => 1e6 + run * 100e6;
  const send = (run: number, place: number, change: Partial<ReceivedFrame> = {}): void => {
    const frame = new ReceivedFrame();
    const startUs = startOf(run);
    const dueUs = startUs + (1e6 * place) / framesPerSecond;
    Object.assign(frame, {
      stamped: true,
      camera: 4,
      number: frameNumber(run, book.numbersRepeat ? place % period : place),
      dueUs: book.numbersRepeat ? startUs : dueUs,
      checksum: book.checksums[place % period],
      bytes: 10,
      rtpTime: (place * (90_000 / framesPerSecond) + run * 12345) >>> 0,
      ...change,
    });
    ledger.frame(frame, dueUs + 20_000);
  };
  const flight = (run: number, from: number, to: number): void => {
    for (let place = from; place < to; place++) send(run, place);
  };
  return { ledger, send, flight, startOf };
}

describe("the account of a camera's frames", () => {
  test('a stream that is read from its start, over many repetitions, is complete', () => {
    const { ledger, flight } = account();
    ledger.playing(0);
    flight(0, 0, 1234);
    const { frames, lost, duplicated, reordered, corrupt, unseen, runs, ends, slowestStartMs } = ledger.figures();
    assert.deepEqual([frames, lost, duplicated, reordered, corrupt, unseen, runs], [1234, 0, 0, 0, 0, 0, 1]);
    assert.deepEqual(ends, [{ run: 0, last: 1233 }]);
    assert.equal(slowestStartMs, 20);
  });

  test('missing frames are counted, also where several repetitions are missing, and said where', () => {
    const { ledger, flight } = account();
    ledger.playing(0);
    flight(0, 0, 10);
    flight(0, 12, 48);
    flight(0, 52, 60);
    flight(0, 60 + 3 * period, 300);
    const { lost, gaps, ends } = ledger.figures();
    assert.equal(lost, 2 + 4 + 3 * period);
    assert.deepEqual(gaps, [
      { run: 0, from: 10, frames: 2 },
      { run: 0, from: 48, frames: 4 },
      { run: 0, from: 60, frames: 3 * period },
    ]);
    assert.deepEqual(ends, [{ run: 0, last: 299 }]);
  });

  test('the first frames of a stream count when the reader was there before', () => {
    const { ledger, flight } = account();
    ledger.playing(0);
    flight(0, 3, 10);
    assert.deepEqual(ledger.figures().gaps, [{ run: 0, from: 0, frames: 3 }]);
  });

  test('a reader that came late, or came back, has missed nothing', () => {
    const { ledger, flight, startOf } = account();
    ledger.playing(startOf(0) + 5e6);
    flight(0, 125, 150);
    assert.deepEqual([ledger.figures().lost, ledger.figures().unseen], [0, 125]);
    ledger.playing(startOf(0) + 7e6);
    flight(0, 180, 200);
    const { lost, unseen, ends } = ledger.figures();
    assert.deepEqual([lost, unseen, ends], [0, 155, [{ run: 0, last: 199 }]]);
  });

  test('twice, out of order, wrong bytes, the wrong camera and a test card are told apart', () => {
    const { ledger, send, flight } = account();
    ledger.playing(0);
    flight(0, 0, 10);
    send(0, 9);
    send(0, 7);
    send(0, 10, { checksum: 1 });
    send(0, 11, { camera: 5 });
    send(0, 11);
    send(0, 0, { stamped: false });
    const { frames, lost, duplicated, reordered, corrupt, misrouted, foreign } = ledger.figures();
    assert.deepEqual([frames, lost, duplicated, reordered, corrupt, misrouted, foreign], [14, 0, 1, 1, 1, 1, 1]);
  });

  test('a camera that comes back begins a new run; the end of the one before is kept', () => {
    const { ledger, send, flight } = account();
    ledger.playing(0);
    flight(0, 0, 30);
    flight(1, 0, 80);
    send(0, 30);
    const { lost, reordered, runs, ends } = ledger.figures();
    assert.deepEqual([lost, reordered, runs], [0, 1, 2]);
    assert.deepEqual(ends, [
      { run: 0, last: 29 },
      { run: 1, last: 79 },
    ]);
  });

  test('runs are followed past the point where their number begins again', () => {
    const { ledger, flight } = account();
    ledger.playing(0);
    for (let run = 250; run < 260; run++) flight(run, 0, 3);
    const { lost, reordered, runs } = ledger.figures();
    assert.deepEqual([lost, reordered, runs], [0, 0, 10]);
  });

  test('synthetic frames have numbers of their own that do not repeat', () => {
    const { ledger, send, flight } = account({ ...clip, numbersRepeat: false });
    ledger.playing(0);
    flight(0, 0, 120);
    flight(0, 300, 310);
    send(0, 305);
    const { lost, reordered, corrupt } = ledger.figures();
    assert.deepEqual([lost, reordered, corrupt], [180, 1, 0]);
  });

  test('hours of one stream are followed past the point where the number of a frame begins again', () => {
    const { ledger, flight } = account({ ...clip, numbersRepeat: false });
    ledger.playing(0);
    flight(0, 0, 2);
    // All but the last frames before that point are missing, then three right behind it.
    flight(0, 0x0ffff0, 0x0ffffd);
    flight(0, 0x100000, 0x100010);
    const { lost, duplicated, reordered, corrupt, ends } = ledger.figures();
    assert.deepEqual([duplicated, reordered, corrupt], [0, 0, 0]);
    assert.equal(lost, 0x0ffff0 - 2 + 3);
    assert.deepEqual(ends, [{ run: 0, last: 0x10000f }]);
  });

  test('frames without known contents are counted by their profile', () => {
    const ledger = new FrameLedger(0, null, true);
    const frame = new ReceivedFrame();
    frame.profile = 66;
    assert.equal(ledger.frame(frame, 0), false);
    frame.profile = 100;
    assert.equal(ledger.frame(frame, 0), true);
    assert.deepEqual([ledger.figures().frames, ledger.figures().foreign], [1, 1]);
  });
});
