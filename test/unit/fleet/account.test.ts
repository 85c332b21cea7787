import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { accountOf } from '../../../scripts/fleet/account.ts';
import type { ReaderFigures } from '../../../scripts/fleet/camera-readers.ts';
import type { PublisherFigures } from '../../../scripts/fleet/publishers.ts';
import {
  driftOf,
  parseRings,
  type ServerSample,
  sampleEveryMs,
  trendsOf,
} from '../../../scripts/fleet/server-samples.ts';
import { judge } from '../../../scripts/fleet/verdict.ts';

const publisher: PublisherFigures = {
  state: 'live',
  starts: 1,
  kills: 0,
  sent: 1000,
  bytes: 1,
  notSent: 0,
  broken: 0,
  refused: 0,
  problem: '',
  finished: [],
  killed: [],
};
const reader: ReaderFigures = {
  frames: 1000,
  bytes: 1,
  lost: 0,
  duplicated: 0,
  reordered: 0,
  corrupt: 0,
  misrouted: 0,
  foreign: 0,
  unseen: 0,
  runs: 1,
  slowestStartMs: 1,
  gaps: [],
  ends: [],
  playing: true,
  breaks: 0,
  breaksAtMs: [],
  sequenceGaps: 0,
  problem: '',
};

function camera(sent: Partial<PublisherFigures>, read: Partial<ReaderFigures>, tailLost = 0) {
  return {
    path: '/stream1',
    clip: 'x',
    publisher: { ...publisher, ...sent },
    reader: { ...reader, ...read },
    tailLost,
  };
}

describe('the account of a camera', () => {
  test('is even when each frame was read, lost, or sent while nobody read', () => {
    assert.equal(accountOf(camera({}, {}), 30).unexplained, 0);
    assert.equal(accountOf(camera({}, { frames: 990, lost: 3, unseen: 5 }, 2), 30).unexplained, 0);
    assert.equal(accountOf(camera({}, { frames: 1002, duplicated: 2 }), 30).unexplained, 0);
  });

  test('without a break a frame too few or too many is found', () => {
    assert.equal(accountOf(camera({}, { frames: 999 }), 30).unexplained, 1);
    assert.equal(accountOf(camera({}, { frames: 1004 }), 30).unexplained, 4);
  });

  test('a kill explains ten seconds of video, and no more', () => {
    assert.deepEqual(accountOf(camera({ kills: 1 }, { frames: 720 }), 30), {
      sent: 1000,
      read: 720,
      lost: 0,
      unseen: 0,
      cutOff: 280,
      unexplained: 0,
    });
    assert.equal(accountOf(camera({ broken: 1 }, { frames: 600 }), 30).unexplained, 100);
    // FFmpeg had sent more than it had told.
    assert.equal(accountOf(camera({ kills: 1 }, { frames: 1025 }), 30).unexplained, 0);
  });

  test('what nothing explains fails the fleet', () => {
    const facts = {
      scenario: 'rough' as const,
      stamped: true,
      readBack: true,
      interrupted: false,
      asked: 2,
      failures: [],
      frameRates: [30, 30],
    };
    assert.equal(judge([camera({}, {}), camera({}, {})], facts).pass, true);
    const { line } = judge([camera({}, {}), camera({}, { frames: 900 })], facts);
    assert.match(line, /^FAIL: 1 camera have frames that nothing explains: 2 \(100 in all\)$/);
  });
});

describe('the server minute by minute', () => {
  const sample = (minute: number, residentBytes: number, descriptors: number): ServerSample => ({
    atMs: minute * 60_000,
    live: 1,
    playing: 1,
    frames: 1,
    lost: 0,
    residentBytes,
    anonymousBytes: 1,
    descriptors,
    threads: 10,
    cpuSeconds: 1,
    rings: null,
  });

  test('is looked at once a minute, in short runs twelve times', () => {
    assert.equal(sampleEveryMs(3_600_000), 60_000);
    assert.equal(sampleEveryMs(24_000), 2000);
  });

  test('growth is a fault; a warm-up and what swings are not', () => {
    const minutes = Array.from({ length: 61 }, (_, i) => i);
    const steady = minutes.map((i) => sample(i, i < 5 ? 150e6 : 250e6 + 20e6 * (i % 3), 100 + (i % 2)));
    assert.deepEqual(driftOf(trendsOf(steady, 3_600_000)), []);
    const leaking = minutes.map((i) => sample(i, 250e6 + 2e6 * i, 100 + i));
    assert.match(
      driftOf(trendsOf(leaking, 3_600_000)).join('; '),
      /memory grew from \d+ MB to \d+ MB; .*descriptors grew/,
    );
    assert.deepEqual(trendsOf(leaking.slice(0, 5), 300_000), { resident: null, descriptors: null });
  });

  test('a run of ten minutes is long enough, although its last look comes before its end', () => {
    const everyMs = sampleEveryMs(600_700);
    const samples = Array.from({ length: 12 }, (_, i) => sample((i * everyMs) / 60_000, 250e6 + 20e6 * i, 100));
    assert.match(driftOf(trendsOf(samples, 600_700)).join(), /memory grew/);
    assert.deepEqual(trendsOf(samples, 599_000), { resident: null, descriptors: null });
  });

  test('rings are read from the metrics', () => {
    const text = [
      '# TYPE skyweir_stream_queue_depth_max_frames gauge',
      'skyweir_stream_queue_depth_max_frames{camera="a",path="/a"} 3',
      'skyweir_stream_queue_depth_max_frames{camera="b",path="/b"} 41',
      'skyweir_stream_queue_depth_frames{camera="a",path="/a"} 0.5',
      'skyweir_stream_queue_depth_frames{camera="b",path="/b"} 1.25',
      'skyweir_stream_overflow_frames_total{camera="b",path="/b"} 7',
      'skyweir_stream_slow_readers_total{camera="b",path="/b"} 1',
    ].join('\n');
    assert.deepEqual(parseRings(text), {
      deepestFrames: 41,
      waitingFrames: 1.75,
      overflowFrames: 7,
      slowReadersCutOff: 1,
    });
  });
});
