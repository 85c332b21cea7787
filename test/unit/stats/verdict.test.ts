import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { type Blame, judge, thresholds, type VerdictFacts } from '../../../src/stats/verdict.ts';

type Window = VerdictFacts['window'];

/** Half a minute of 30 fps that a reader has fetched. */
const good: Window = {
  measuredMs: 30_000,
  push: { frames: 900, bytes: 900_000, keyframes: 30 },
  pop: { frames: 900 },
  drops: { overflow: 0, seiOnly: 0, nonH264: 0 },
  truncated: 0,
  shed: 0,
  ingestShed: 0,
  unplayable: 0,
  parametersMissing: false,
  queue: { average: 1, maximum: 3, capacity: 300 },
  interFrame: { average: 1000 / 30, minimum: 33, maximum: 34, samples: 900 },
  usualMs: 1000 / 30,
  arrival: { average: 1000 / 30, deviation: 1, maximum: 50 },
  lateness: { average: 1, maximum: 20 },
  threadLateMs: 0,
  silentMs: 10,
  audioOnlyMs: 0,
  threadSilentMs: 500,
  readersBefore: 1,
  readers: 1,
  cutOff: 0,
  ingestLoad: 0.3,
  consumerLoad: 0.3,
};

interface Case {
  readonly name: string;
  readonly window?: Partial<Window>;
  readonly declaredFps?: number;
  readonly totalFrames?: number;
  readonly blame: Blame;
  readonly text: RegExp;
}

const at = (fps: number, maximum = 1000 / fps) => ({
  average: 1000 / fps,
  minimum: 1000 / fps,
  maximum,
  samples: Math.round(fps * 30),
});
const push = (frames: number) => ({ frames, bytes: frames * 1000, keyframes: 1 });
const empty = { push: push(0), pop: { frames: 0 }, interFrame: null, arrival: null, lateness: null };

const cases: readonly Case[] = [
  // nobody
  { name: 'all is well', blame: 'none', text: /^30 of 30 fps$/ },
  { name: 'nothing declared', declaredFps: 0, blame: 'none', text: /^30 fps, none declared$/ },
  {
    name: 'nobody reads',
    window: { pop: { frames: 0 }, readersBefore: 0, readers: 0 },
    blame: 'none',
    text: /nobody reads/,
  },
  { name: '29.97 instead of 30', window: { interFrame: at(29.97) }, blame: 'none', text: /^29.97 of 30 fps$/ },
  { name: 'just above the limit', window: { interFrame: at(28.6) }, blame: 'none', text: /28.6 of 30/ },
  { name: 'more frames than declared', declaredFps: 25, blame: 'none', text: /30 of 25/ },
  {
    name: 'one picture each 5 s is no stall',
    declaredFps: 0,
    window: {
      push: push(6),
      pop: { frames: 6 },
      interFrame: { average: 5000, minimum: 5000, maximum: 5000, samples: 6 },
      usualMs: 5000,
      arrival: { average: 5000, deviation: 0, maximum: 5000 },
      silentMs: 4990,
    },
    blame: 'none',
    text: /0.2 fps/,
  },
  {
    name: 'a camera that sends far fewer pictures than it did before',
    declaredFps: 0,
    window: {
      push: push(15),
      pop: { frames: 15 },
      interFrame: at(0.5),
      arrival: { average: 2000, deviation: 0, maximum: 2000 },
      silentMs: 1900,
    },
    blame: 'none',
    text: /^0.5 fps, none declared$/,
  },
  {
    name: 'no picture in a window of a camera that sends one each 10 s',
    declaredFps: 0,
    window: { ...empty, measuredMs: 5000, usualMs: 10_000, silentMs: 9000 },
    blame: 'none',
    text: /^no frames/,
  },
  {
    name: 'frames on their way',
    window: { measuredMs: 1000, push: push(30), pop: { frames: 24 } },
    blame: 'none',
    text: /30 of 30/,
  },
  {
    name: 'a reader that came in the window',
    window: { pop: { frames: 400 }, readersBefore: 0 },
    blame: 'none',
    text: /30 of 30/,
  },
  {
    name: 'a reader that left in the window',
    window: { pop: { frames: 400 }, readers: 0 },
    blame: 'none',
    text: /30 of 30/,
  },
  {
    name: 'a stream that began in the middle of a group of pictures',
    window: { pop: { frames: 780 }, unplayable: 120 },
    blame: 'none',
    text: /30 of 30/,
  },
  {
    name: 'the first moment of a stream whose parameter sets are still to come',
    window: {
      measuredMs: 500,
      push: push(5),
      pop: { frames: 0 },
      unplayable: 5,
      parametersMissing: true,
      interFrame: { average: 40, minimum: 40, maximum: 40, samples: 4 },
    },
    blame: 'none',
    text: /too short/,
  },
  {
    name: 'a moment at the end of a stream',
    window: { ...empty, measuredMs: 100, silentMs: 100 },
    blame: 'none',
    text: /no frames/,
  },
  {
    name: 'less than a second of video',
    window: {
      measuredMs: 500,
      push: push(5),
      pop: { frames: 5 },
      interFrame: { average: 40, minimum: 40, maximum: 40, samples: 4 },
    },
    blame: 'none',
    text: /too short/,
  },
  {
    name: 'one frame of another codec',
    window: { drops: { overflow: 0, seiOnly: 900, nonH264: 1 } },
    blame: 'none',
    text: /30 of 30/,
  },
  {
    name: 'a busy server that is in time',
    window: { ingestLoad: 0.99, consumerLoad: 0.99 },
    blame: 'none',
    text: /30 of 30/,
  },

  // source
  {
    name: 'fewer frames by the time stamps than declared',
    window: { push: push(360), pop: { frames: 360 }, interFrame: at(12) },
    blame: 'source',
    text: /^time stamps say 12 fps, 30 declared$/,
  },
  { name: 'just below the limit', window: { interFrame: at(28.4) }, blame: 'source', text: /28.4 fps/ },
  {
    name: 'time stamps that stand still',
    declaredFps: 0,
    window: { interFrame: { ...at(28), maximum: 2000 } },
    blame: 'source',
    text: /^time stamps stand still for 2000 ms$/,
  },
  {
    name: 'both',
    window: { interFrame: { ...at(28), maximum: 2000 } },
    blame: 'source',
    text: /say 28 fps, 30 declared, time stamps stand still/,
  },
  {
    name: 'another codec only',
    totalFrames: 0,
    window: { ...empty, drops: { overflow: 0, seiOnly: 0, nonH264: 900 } },
    blame: 'source',
    text: /^900 messages are not H.264/,
  },
  {
    name: 'another codec only, in the midst of which nothing is silent',
    totalFrames: 0,
    window: { ...empty, measuredMs: 9100, silentMs: 9100, drops: { overflow: 0, seiOnly: 0, nonH264: 136 } },
    blame: 'source',
    text: /^136 messages are not H.264$/,
  },
  {
    name: 'another codec from the middle of the window on',
    window: {
      push: push(450),
      pop: { frames: 450 },
      silentMs: 15_000,
      drops: { overflow: 0, seiOnly: 0, nonH264: 450 },
    },
    blame: 'source',
    text: /^450 messages are not H.264$/,
  },
  {
    name: 'a reader that waits for a keyframe',
    window: {
      push: { ...push(150), keyframes: 0 },
      pop: { frames: 0 },
      queue: { average: 1, maximum: 1, capacity: 300 },
    },
    blame: 'source',
    text: /^no keyframe among 150 frames, which readers wait for$/,
  },
  {
    name: 'a reader that waits for a keyframe, while bursts of the link are spread',
    window: {
      push: { ...push(900), keyframes: 0 },
      pop: { frames: 0 },
      queue: { average: 4, maximum: 25, capacity: 300 },
    },
    blame: 'source',
    text: /^no keyframe among 900 frames, which readers wait for$/,
  },
  { name: 'damaged frames', window: { truncated: 100 }, blame: 'source', text: /^100 frames are damaged$/ },
  {
    name: 'no parameter sets, with or without a reader',
    window: { pop: { frames: 0 }, unplayable: 900, parametersMissing: true },
    blame: 'source',
    text: /^no parameter sets \(SPS and PPS\) have come, so none of 900 frames can be decoded$/,
  },
  {
    name: 'never a frame',
    totalFrames: 0,
    window: { ...empty, silentMs: 30_000 },
    blame: 'source',
    text: /no video since the start, 30.0 s ago/,
  },
  {
    name: 'time stamps that count fields instead of frames',
    declaredFps: 25,
    window: {
      push: push(750),
      pop: { frames: 750 },
      interFrame: at(50),
      arrival: { average: 40, deviation: 2, maximum: 60 },
      lateness: { average: 8000, maximum: 16_000 },
    },
    blame: 'source',
    text: /^time stamps say 50 fps, 25 declared, and so many arrive$/,
  },
  {
    name: 'video that stopped while audio goes on',
    window: { push: push(660), pop: { frames: 660 }, silentMs: 8000, audioOnlyMs: 7600 },
    blame: 'source',
    text: /^no video for the last 8.0 s, while audio went on; its uplink may be too slow for both$/,
  },
  {
    name: 'a file pushed as fast as it goes',
    window: {
      arrival: { average: 3, deviation: 1, maximum: 9 },
      drops: { overflow: 400, seiOnly: 0, nonH264: 0 },
      pop: { frames: 500 },
    },
    blame: 'source',
    text: /11.11 times real time and 400 frames overflowed/,
  },

  // network
  {
    name: 'frames late against even time stamps',
    window: { lateness: { average: 40, maximum: 800 }, arrival: { average: 33.3, deviation: 60, maximum: 830 } },
    blame: 'network',
    text: /^frames arrive up to 800 ms after their time stamps, longest gap 830 ms$/,
  },
  { name: 'just in time', window: { lateness: { average: 40, maximum: 499 } }, blame: 'none', text: /30 of 30/ },
  {
    name: 'a gap at the end of the window',
    window: { push: push(660), pop: { frames: 660 }, silentMs: 8000 },
    blame: 'network',
    text: /nothing arrived for the last 8.0 s/,
  },
  {
    name: 'nothing in the whole window',
    window: { ...empty, silentMs: 34_000 },
    blame: 'network',
    text: /nothing arrived for the last 34.0 s; the source may have stopped as well/,
  },

  {
    name: 'frames much later than their thread was',
    window: { lateness: { average: 40, maximum: 800 }, threadLateMs: 300 },
    blame: 'network',
    text: /^frames arrive up to 800 ms after their time stamps/,
  },
  {
    name: 'bursts of a source that sends more frames than it declares',
    declaredFps: 25,
    window: {
      interFrame: at(50),
      arrival: { average: 20, deviation: 60, maximum: 700 },
      lateness: { average: 40, maximum: 700 },
    },
    blame: 'network',
    text: /^frames arrive up to 700 ms/,
  },
  {
    name: 'a link too slow for a source that sends more frames than it declares',
    declaredFps: 25,
    window: {
      interFrame: at(50),
      arrival: { average: 29, deviation: 9, maximum: 90 },
      lateness: { average: 700, maximum: 5000 },
    },
    blame: 'network',
    text: /^frames arrive up to 5000 ms/,
  },
  {
    name: 'a link that broke soon after the video had stopped',
    window: { ...empty, silentMs: 9000, audioOnlyMs: 900 },
    blame: 'network',
    text: /^nothing arrived for the last 9.0 s/,
  },
  {
    name: 'silence that began before the ingest thread hung',
    window: { ...empty, silentMs: 9000, threadSilentMs: 4000 },
    blame: 'network',
    text: /^nothing arrived for the last 9.0 s; the source may have stopped as well$/,
  },
  {
    name: 'silence behind some messages of another codec',
    window: { push: push(600), pop: { frames: 600 }, silentMs: 9000, drops: { overflow: 0, seiOnly: 0, nonH264: 40 } },
    blame: 'network',
    text: /^nothing arrived for the last 9.0 s.*; also source: 40 messages are not H.264$/,
  },

  // server
  {
    name: 'frames late behind a busy ingest thread',
    window: { lateness: { average: 40, maximum: 800 }, ingestLoad: 0.97 },
    blame: 'server',
    text: /ingest thread is 97 % busy and frames arrive up to 800 ms/,
  },
  {
    name: 'overflow behind a busy consumer thread',
    window: { drops: { overflow: 300, seiOnly: 0, nonH264: 0 }, consumerLoad: 0.95 },
    blame: 'server',
    text: /consumer thread is 95 % busy and 300 frames overflowed/,
  },
  {
    name: 'frames that were shed, although the consumer thread was not busy all the time',
    window: { drops: { overflow: 300, seiOnly: 0, nonH264: 0 }, shed: 200, pop: { frames: 700 } },
    blame: 'server',
    text: /^it could not keep up and left out 200 frames: 300 frames overflowed, 700 of 900 frames were read$/,
  },
  {
    name: 'frames that were shed on arrival, although the ingest thread was not busy all the time',
    window: { lateness: { average: 500, maximum: 1900 }, ingestShed: 300, pop: { frames: 595 } },
    blame: 'server',
    text: /^it could not keep up and left out 300 frames: frames arrive up to 1900 ms after their time stamps, longest gap 50 ms$/,
  },
  {
    name: 'frames late behind an ingest thread, or a machine, that stood still',
    window: { lateness: { average: 40, maximum: 3000 }, threadLateMs: 2900 },
    blame: 'server',
    text: /^its ingest thread, or the machine, stood still for 2.9 s and frames arrive up to 3000 ms after/,
  },
  {
    name: 'silence of an ingest thread that hangs',
    window: { ...empty, silentMs: 5100, threadSilentMs: 5800 },
    blame: 'server',
    text: /^its ingest thread, or the machine, stood still for 5.8 s and nothing arrived for the last 5.1 s$/,
  },
  {
    name: 'silence of a stream that an ingest thread was to begin when it hung',
    totalFrames: 0,
    window: { ...empty, silentMs: 6000, threadSilentMs: 6000 },
    blame: 'server',
    text: /nothing arrived for the last 6.0 s$/,
  },
  {
    name: 'frames that were shed on arrival, up to a keyframe that came when nothing was late any more',
    window: { ingestShed: 890, pop: { frames: 10 } },
    blame: 'server',
    text: /^it could not keep up and left out 890 frames$/,
  },
  {
    name: 'a full queue behind a busy consumer thread',
    window: { queue: { average: 100, maximum: 280, capacity: 300 }, consumerLoad: 0.95 },
    blame: 'server',
    text: /the queue is at 280/,
  },

  // reader
  {
    name: 'overflow',
    window: { drops: { overflow: 300, seiOnly: 0, nonH264: 0 }, pop: { frames: 600 } },
    blame: 'reader',
    text: /^300 frames overflowed, 600 of 900 frames were read$/,
  },
  {
    name: 'overflow of one reader beside another that keeps up',
    window: { drops: { overflow: 300, seiOnly: 0, nonH264: 0 } },
    blame: 'reader',
    text: /^300 frames overflowed$/,
  },
  {
    name: 'a queue at its capacity',
    window: { queue: { average: 100, maximum: 270, capacity: 300 } },
    blame: 'reader',
    text: /^the queue is at 270$/,
  },
  {
    name: 'a reader that was cut off',
    window: { cutOff: 1, readers: 0, pop: { frames: 100 } },
    blame: 'reader',
    text: /^1 too slow and disconnected$/,
  },
  {
    name: 'fewer frames read than sent',
    window: { pop: { frames: 800 } },
    blame: 'reader',
    text: /^800 of 900 frames were read$/,
  },
  {
    name: 'a reader that takes nothing while no keyframe comes',
    window: {
      push: { ...push(150), keyframes: 0 },
      pop: { frames: 0 },
      queue: { average: 75, maximum: 150, capacity: 300 },
    },
    blame: 'reader',
    text: /^0 of 150 frames were read$/,
  },
  {
    name: 'a reader that takes nothing from a full queue while no keyframe comes',
    window: {
      push: { ...push(900), keyframes: 0 },
      pop: { frames: 0 },
      queue: { average: 250, maximum: 300, capacity: 300 },
    },
    blame: 'reader',
    text: /^the queue is at 300, 0 of 900 frames were read$/,
  },
  {
    name: 'fewer frames read than could be decoded',
    window: { pop: { frames: 700 }, unplayable: 100 },
    blame: 'reader',
    text: /^700 of 800 frames were read$/,
  },

  // several at once: what explains most comes first
  {
    name: 'a slow reader of a slow source',
    window: { push: push(840), interFrame: at(28), pop: { frames: 300 } },
    blame: 'reader',
    text: /^300 of 840 frames were read; also source: time stamps say 28 fps/,
  },
  {
    name: 'a slow source with a slow reader',
    window: { push: push(300), interFrame: at(10), pop: { frames: 270 } },
    blame: 'source',
    text: /^time stamps say 10 fps, 30 declared; also reader: 270 of 300/,
  },
  {
    name: 'a source that drops frames because its network is slow',
    window: { push: push(600), pop: { frames: 600 }, interFrame: at(20), lateness: { average: 300, maximum: 2000 } },
    blame: 'source',
    text: /also network: frames arrive up to 2000 ms/,
  },
];

describe('verdict', () => {
  for (const { name, window, declaredFps, totalFrames, blame, text } of cases) {
    test(`${blame}: ${name}`, () => {
      const merged = { ...good, ...window };
      // Frames arrive as fast as their time stamps say, unless the case is about that.
      const arrival =
        window?.arrival ?? (merged.interFrame && { ...good.arrival!, average: merged.interFrame.average });
      const facts = {
        window: { ...merged, arrival },
        declaredFps: declaredFps ?? 30,
        totalFrames: totalFrames ?? 5000,
      };
      const verdict = judge(facts);
      assert.equal(verdict.blame, blame, verdict.text);
      assert.match(verdict.text, text);
    });
  }

  test('the documented limits are those in use', () => {
    assert.deepEqual(thresholds, {
      share: 0.05,
      judgedMs: 1000,
      stallMs: 1000,
      stallMultiple: 5,
      lateMs: 500,
      silenceMs: 1000,
      noteMs: 1500,
      ownLateness: 0.5,
      framesOnTheWay: 10,
      fullQueue: 0.9,
      busy: 0.9,
      flood: 1.25,
    });
  });
});
