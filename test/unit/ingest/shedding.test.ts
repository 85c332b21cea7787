import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { recordFlag } from '../../../src/shm/frame-ring.ts';
import {
  avcc,
  delimiter,
  headerTag,
  idr,
  laterSlice,
  naluTag,
  PublisherRig,
  pps,
  recoverySei,
  slice,
  sps,
  sps720,
  userSei,
} from './publisher-rig.ts';

/** A stream past its beginning, of two keyframes, whose next messages come `lateMs` too late; the next timestamp is 80. */
function lateRig(lateMs: number, { saturated = true, random = 0, keyframes = [0, 1] } = {}): PublisherRig {
  const rig = new PublisherRig(undefined, random);
  rig.send(0, headerTag([sps], [pps]));
  sendPictures(rig, 0, 2, keyframes);
  rig.records.length = 0;
  rig.nowMs += lateMs;
  rig.pressure.saturated = saturated;
  return rig;
}

/** Sends ordinary pictures, 40 ms apart, from `timestampMs` on; those at `keyframes` are IDR pictures. */
function sendPictures(rig: PublisherRig, timestampMs: number, count: number, keyframes: readonly number[] = []): void {
  for (let i = 0; i < count; i++) {
    const key = keyframes.includes(i);
    rig.send(timestampMs + i * 40, naluTag(avcc(key ? idr() : slice()), { key }));
    rig.nowMs += 40;
  }
}

const times = (rig: PublisherRig): number[] => rig.video.map(({ dtsMs }) => dtsMs);

describe('a thread that cannot keep up', () => {
  test('leaves out what is late, from the picture after it to the next keyframe, which goes to the ring however late', () => {
    const rig = lateRig(1000);
    sendPictures(rig, 80, 12, [6]);
    assert.deepEqual(times(rig), [80, 320], 'the first one shows how late the stream is; so does the keyframe');
    rig.nowMs -= 1000;
    sendPictures(rig, 560, 3, [1]);
    assert.deepEqual(times(rig), [80, 320, 600, 640], 'there is no going on without the keyframe');
  });

  test('what is left out is counted as received and as shed, and nothing of it looks like a fault of the stream', () => {
    const rig = lateRig(1500);
    const before = rig.counters;
    sendPictures(rig, 80, 10, [6]);
    const { frames, shed, bytes, truncated, tolerated, discontinuities, dtsDeltaMax, lastDtsMs, lateMax } =
      rig.counters;
    assert.deepEqual([frames - before.frames, shed], [10, 8]);
    assert.ok(bytes - before.bytes > 10 * 20);
    assert.deepEqual([truncated, tolerated, discontinuities, dtsDeltaMax], [0, 0, 0, 40]);
    assert.deepEqual([lastDtsMs, lateMax], [440, 1500]);
    assert.equal(rig.publisher.lastVideoMs, rig.nowMs - 40);
  });

  test('marks what it takes, so that readers get it without a pause', () => {
    const rig = lateRig(500);
    sendPictures(rig, 80, 1);
    rig.pressure.saturated = false;
    sendPictures(rig, 120, 1);
    assert.deepEqual(
      rig.video.map(({ flags }) => flags),
      [recordFlag.heldUp, 0],
    );
  });

  test('SEI or a delimiter in a message of its own is no picture that was received or left out', () => {
    const rig = lateRig(1500);
    const before = rig.counters;
    for (let i = 0; i < 10; i++) {
      rig.send(80 + i * 40, naluTag(avcc(delimiter)));
      rig.send(80 + i * 40, naluTag(avcc(userSei)));
      sendPictures(rig, 80 + i * 40, 1, i === 6 ? [0] : []);
    }
    const { frames, shed, seiOnly, tolerated, lastDtsMs, dtsDeltaMin } = rig.counters;
    assert.deepEqual([frames - before.frames, shed, seiOnly, tolerated], [10, 8, 20, 0]);
    assert.deepEqual([lastDtsMs, dtsDeltaMin], [440, 40]);
    assert.deepEqual(rig.video.at(-1)?.payload.subarray(0, 11), avcc(userSei));
  });

  test('leaves out nothing while it has time: then the link was slow', () => {
    const rig = lateRig(3000, { saturated: false });
    sendPictures(rig, 80, 5);
    assert.equal(rig.video.length, 5);
    assert.equal(rig.counters.shed, 0);
  });

  test('leaves out nothing that is less late than the limit, which is drawn at random', () => {
    const rig = lateRig(1400, { random: 0.5 });
    sendPictures(rig, 80, 5);
    assert.equal(rig.video.length, 5);
    rig.nowMs += 200;
    sendPictures(rig, 280, 5);
    assert.equal(rig.video.length, 6);
  });

  test('takes every third group of pictures of a stream that stays late, so that there is always something that moves', () => {
    const rig = lateRig(5000);
    sendPictures(rig, 80, 1);
    for (let i = 0; i < 9; i++) sendPictures(rig, 120 + i * 200, 5, [0]);
    const taken = Array.from({ length: 9 }, (_, i) => {
      return times(rig).filter((dtsMs) => dtsMs >= 120 + i * 200 && dtsMs < 320 + i * 200).length;
    });
    assert.deepEqual(taken, [1, 1, 5, 1, 1, 5, 1, 1, 5]);
  });

  test('also where the tag of the parameter sets, in a message of their own, says keyframe', () => {
    const rig = lateRig(5000);
    sendPictures(rig, 80, 1);
    for (let i = 0; i < 9; i++) {
      rig.send(120 + i * 200, naluTag(avcc(sps, pps), { key: true }));
      sendPictures(rig, 120 + i * 200, 5, [0]);
    }
    const taken = Array.from({ length: 9 }, (_, i) => {
      return times(rig).filter((dtsMs) => dtsMs >= 120 + i * 200 && dtsMs < 320 + i * 200).length;
    });
    assert.deepEqual(taken, [1, 1, 5, 1, 1, 5, 1, 1, 5]);
  });

  test('takes nothing but keyframes of a stream that catches up, until it is on time', () => {
    const rig = lateRig(5000);
    sendPictures(rig, 80, 1);
    const taken: number[] = [];
    for (let i = 0; i < 8; i++) {
      const before = rig.video.length;
      sendPictures(rig, 120 + i * 200, 5, [0]);
      taken.push(rig.video.length - before);
      rig.nowMs -= 800;
    }
    assert.deepEqual(taken, [1, 1, 1, 1, 1, 1, 5, 5]);
  });

  test('goes on to the keyframe when it has time again', () => {
    const rig = lateRig(1500);
    sendPictures(rig, 80, 3);
    rig.pressure.saturated = false;
    sendPictures(rig, 200, 4, [2]);
    assert.deepEqual(times(rig), [80, 280, 320]);
  });

  test('a stream stays late against the promptest picture, however long the thread is busy', () => {
    const rig = lateRig(1500);
    for (let i = 0; i < 90; i++) sendPictures(rig, 80 + i * 1000, 25, [0]);
    assert.equal(rig.video.length, 30 * 25 + 60);
  });

  test('leaves out nothing of a stream that is on time and whose clock is slow', () => {
    const rig = new PublisherRig();
    const startMs = rig.nowMs;
    rig.send(0, headerTag([sps], [pps]));
    for (let i = 0; i < 180 * 60; i++) {
      rig.nowMs = startMs + (i * 1000) / 60;
      rig.pressure.saturated = i >= 30 * 60;
      const key = i % 60 === 0;
      rig.send(i * 16, naluTag(avcc(key ? idr() : slice()), { key }));
    }
    assert.equal(rig.counters.shed, 0);
  });

  test('messages that come in pieces, and one that does not end', () => {
    const rig = lateRig(1500);
    sendPictures(rig, 80, 1);
    const body = naluTag(avcc(slice()));
    for (let cut = 0; cut <= body.length; cut++) rig.send(120 + cut, body, [cut, cut + 1]);
    rig.publisher.begin(400, 1000, rig.nowMs);
    rig.publisher.append(body, 0, body.length);
    sendPictures(rig, 440, 1);
    assert.equal(rig.video.length, 1);
    assert.deepEqual([rig.counters.shed, rig.counters.truncated], [body.length + 2, 1]);
  });

  test('what was held for a picture that is left out does not end up at the keyframe', () => {
    const rig = lateRig(1500);
    rig.send(80, naluTag(avcc(userSei)));
    sendPictures(rig, 80, 1);
    rig.send(120, naluTag(avcc(userSei)));
    sendPictures(rig, 120, 1);
    const key = naluTag(avcc(idr()), { key: true });
    rig.send(160, key);
    assert.deepEqual(rig.video.at(-1)?.payload, key.subarray(5));
    assert.deepEqual(times(rig), [80, 160]);
  });

  test('parameter sets in a message of their own are taken', () => {
    const rig = lateRig(1500);
    sendPictures(rig, 80, 2);
    rig.send(160, naluTag(avcc(sps720, pps)));
    assert.equal(rig.counters.width, 1280);
  });

  test('a new sequence header is taken', () => {
    const rig = lateRig(1500);
    sendPictures(rig, 80, 2);
    rig.records.length = 0;
    rig.send(160, headerTag([sps], [pps, Buffer.from('684bc8', 'hex')]));
    assert.equal(rig.headers.length, 1);
  });
});

describe('keyframes that do not come any more', () => {
  /** Sends pictures for so many seconds of video. */
  const seconds = (rig: PublisherRig, fromMs: number, count: number) => sendPictures(rig, fromMs, count * 25);

  test('half a minute of video after the last one readers are given another place to start', () => {
    const rig = lateRig(1500);
    seconds(rig, 80, 2);
    rig.pressure.saturated = false;
    rig.nowMs -= 1500;
    seconds(rig, 2080, 27);
    assert.equal(rig.video.length, 1);
    seconds(rig, 29_080, 5);
    const [, first, ...others] = rig.video;
    assert.deepEqual([first?.dtsMs, first?.flags], [30_120, recordFlag.recoveryPoint]);
    assert.equal(others.length, (34_040 - 30_120) / 40);
    assert.equal(rig.events.filter(({ type }) => type === 'no_idr').length, 1);
  });

  test('the same while the thread still cannot keep up: something moves, and the next keyframe ends it', () => {
    const rig = lateRig(5000);
    seconds(rig, 80, 30);
    seconds(rig, 30_080, 30);
    assert.equal(rig.video.at(1)?.flags, recordFlag.recoveryPoint | recordFlag.heldUp);
    assert.equal(rig.video.at(-1)?.dtsMs, 60_040);
    const before = rig.counters.shed;
    sendPictures(rig, 60_080, 50, [0, 25]);
    assert.ok(rig.counters.shed > before, 'there are keyframes again');
  });

  test('a keyframe every twenty seconds is waited for', () => {
    const rig = lateRig(1500);
    seconds(rig, 80, 2);
    rig.pressure.saturated = false;
    seconds(rig, 2080, 18);
    sendPictures(rig, 20_080, 2, [0]);
    assert.deepEqual(times(rig), [80, 20_080, 20_120]);
    assert.equal(rig.video[1]?.flags, recordFlag.keyframe);
  });
});

describe('streams that nothing is left out of, since nobody knew where to go on', () => {
  test('one keyframe so far: it may be the only one', () => {
    const rig = lateRig(1500, { keyframes: [0] });
    sendPictures(rig, 80, 5);
    assert.equal(rig.video.length, 5);
    assert.equal(rig.counters.shed, 0);
    sendPictures(rig, 280, 5, [0]);
    assert.equal(rig.counters.shed, 4);
  });

  test('keyframes whose tags do not say so', () => {
    const rig = new PublisherRig();
    rig.settle();
    rig.pressure.saturated = true;
    rig.nowMs += 1500;
    sendPictures(rig, 80, 5);
    assert.equal(rig.video.length, 5);
  });

  test('intra refresh', () => {
    const rig = new PublisherRig();
    rig.send(0, headerTag([sps], [pps]));
    rig.send(0, naluTag(avcc(idr()), { key: true }));
    const second = (from: number) => {
      for (let i = 0; i < 25; i++)
        rig.send(from + i * 40, naluTag(avcc(...(i === 0 ? [recoverySei(10)] : []), slice())));
    };
    for (let s = 0; s < 5; s++) {
      rig.nowMs += 1000;
      second(40 + s * 1000);
    }
    rig.pressure.saturated = true;
    rig.nowMs += 3000;
    second(5040);
    assert.equal(rig.counters.shed, 0);
  });

  test('pictures spread over several messages', () => {
    const rig = new PublisherRig();
    rig.send(0, headerTag([sps], [pps]));
    const picture = (timestampMs: number, key: boolean) => {
      rig.send(timestampMs, naluTag(avcc(key ? idr() : slice()), { key }));
      rig.send(timestampMs, naluTag(avcc(laterSlice(key ? 0x65 : 0x41)), { key }));
      rig.nowMs += 40;
    };
    picture(0, true);
    rig.pressure.saturated = true;
    rig.nowMs += 1500;
    for (let i = 1; i <= 5; i++) picture(i * 40, false);
    rig.publisher.stop();
    assert.deepEqual([rig.video.length, rig.counters.shed], [6, 0]);
  });
});
