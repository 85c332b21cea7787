import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { RtpTimeline } from '../../../src/egress/rtp-timeline.ts';

describe('RTP timeline', () => {
  test('J1: the time stamps are decoding times on a 90 kHz clock, untouched by arrival jitter', () => {
    const timeline = new RtpTimeline(0, 0);
    const dts = [0, 33, 66, 100, 133, 166, 200];
    const first = timeline.place(500, 10);
    const stamps = dts.slice(1).map((ms, i) => timeline.place(500 + ms, 10 + ms + ((i * 17) % 40)));
    assert.deepEqual(
      stamps.map((stamp) => (stamp - first) / 90),
      dts.slice(1),
    );
  });

  test('the first frame is placed by its distance from the moment of PLAY', () => {
    const timeline = new RtpTimeline(1000, 5000);
    assert.equal(timeline.rtpTime, 1000);
    assert.equal(timeline.place(777_777, 5250), 1000 + 250 * 90);
  });

  test('the 32-bit time stamp wraps and goes on', () => {
    const timeline = new RtpTimeline(2 ** 32 - 90 * 40, 0);
    timeline.place(0, 0);
    const before = timeline.place(30, 30);
    const after = timeline.place(60, 60);
    assert.ok(before > after);
    assert.equal((after - before) >>> 0, 30 * 90);
  });

  test('equal decoding times give strictly increasing time stamps', () => {
    const timeline = new RtpTimeline(7, 0);
    const first = timeline.place(100, 100);
    assert.equal(timeline.place(100, 101), first + 1);
    assert.equal(timeline.place(99, 102), first + 2);
    assert.equal(timeline.place(133, 133), first + 33 * 90);
  });

  test('a new publisher continues by the time that went by, whatever its clock says', () => {
    for (const restart of [0, 123_456_789]) {
      const timeline = new RtpTimeline(7, 0);
      timeline.place(50_000, 1000);
      const last = timeline.place(50_033, 1033);
      timeline.breakStretch();
      const next = timeline.place(restart, 1033 + 2500);
      assert.equal(next - last, 2500 * 90);
      assert.equal(timeline.place(restart + 40, 9999) - next, 40 * 90);
    }
  });

  test('a new publisher never makes time step back, even if its first frame is said to have arrived before', () => {
    const timeline = new RtpTimeline(7, 0);
    const last = timeline.place(50_000, 1000);
    timeline.breakStretch();
    assert.equal(timeline.place(0, 900), last + 90, 'by a millisecond, for recorders that count in those');
  });

  test('J6: a clock that jumps back over 1 s or ahead over 10 s is re-anchored without a flag', () => {
    const timeline = new RtpTimeline(7, 0);
    const start = timeline.place(100_000, 0);
    assert.equal(timeline.place(98_000, 40) - start, 40 * 90, 'back');
    assert.equal(timeline.place(500_000, 80) - start, 80 * 90, 'ahead');
  });

  test('J6: a pause of 5 s keeps its length', () => {
    const timeline = new RtpTimeline(7, 0);
    const start = timeline.place(0, 0);
    assert.equal(timeline.place(5000, 5000) - start, 5000 * 90);
  });

  test('PAUSE and PLAY continue the timeline by the time that went by', () => {
    const timeline = new RtpTimeline(7, 0);
    const last = timeline.place(0, 100);
    timeline.resume(5100);
    assert.equal(timeline.rtpTime, last + 5000 * 90);
    assert.equal(timeline.place(5100, 5200) - last, 5100 * 90);
  });

  test('publishers whose first seconds were held back put no picture into the future, and nothing adds up over many of them', () => {
    const heldMs = 4000;
    const lastedMs = 10_000;
    const timeline = new RtpTimeline(0, 0);
    for (let publisher = 0; publisher < 20; publisher++) {
      const startMs = publisher * 12_000;
      timeline.breakStretch();
      let rtpTime = 0;
      for (let dtsMs = 0; dtsMs < lastedMs; dtsMs += 40) {
        const arrivalMs = startMs + Math.max(heldMs, dtsMs);
        rtpTime = timeline.place(dtsMs, arrivalMs);
        const futureMs = ((rtpTime - timeline.rtpTimeAt(arrivalMs)) | 0) / 90;
        assert.ok(futureMs <= 100, `publisher ${publisher}: ${futureMs} ms in the future`);
      }
      assert.ok(rtpTime / 90 <= startMs + lastedMs + heldMs, 'the time stamps do not run away from the clock');
    }
  });

  test('a publisher whose clock is slow comes back where our clock is, not further ahead the longer it had been there', () => {
    const timeline = new RtpTimeline(7, 0);
    let last = 0;
    let arrivalMs = 0;
    for (let frame = 0; frame < 1800 * 30; frame++) {
      arrivalMs = (frame * 1000) / 30;
      last = timeline.place(frame * 33, arrivalMs);
    }
    timeline.breakStretch();
    const stepMs = (timeline.place(0, arrivalMs + 2000) - last) / 90;
    assert.ok(Math.abs(stepMs - 2000) < 100, `${stepMs} ms`);
  });

  test('a stretch that begins before our clock has caught up with the one before keeps a distance from it', () => {
    const timeline = new RtpTimeline(7, 0);
    timeline.place(0, 100);
    const last = timeline.place(4000, 100);
    timeline.breakStretch();
    assert.equal(timeline.place(0, 600) - last, 40 * 90);
    assert.equal(timeline.rtpTimeAt(600) - last, 40 * 90);
    timeline.breakStretch();
    assert.equal(timeline.place(0, 610) - last, 50 * 90, 'no more than what went by');
    timeline.breakStretch();
    assert.equal(timeline.place(0, 10_100) - last, 6000 * 90, 'then the clock tells');
  });

  test('PLAY after PAUSE takes no time stamp a second time when it begins at a keyframe from before the PAUSE', () => {
    const timeline = new RtpTimeline(7, 0);
    timeline.place(0, 100);
    const last = timeline.place(2000, 2100);
    timeline.resume(100);
    assert.ok(timeline.rtpTime > last);
    assert.equal(timeline.place(0, 100), timeline.rtpTime, 'the first picture has the time of the answer');
    timeline.resume(50);
    const resumed = timeline.rtpTime;
    timeline.resume(60);
    assert.equal(timeline.rtpTime, resumed, 'no picture came: the number is still free');
  });

  test('a day at 30 frames a second accumulates no rounding error', () => {
    const timeline = new RtpTimeline(123, 0);
    const first = timeline.place(0, 0);
    let last = first;
    const frames = 24 * 3600 * 30;
    for (let frame = 1; frame <= frames; frame++) {
      const ms = Math.round((frame * 1000) / 30);
      last = timeline.place(ms, ms);
    }
    assert.equal(last, (first + 24 * 3600 * 90_000) >>> 0);
  });
});
