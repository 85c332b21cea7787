import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { StreamMetadata } from '../../../src/control/messages.ts';
import { formatStatsBlock, statsTitle } from '../../../src/stats/stats-block.ts';
import { reportFields, type StreamReport, type WindowFigures } from '../../../src/stats/stream-report.ts';

const declared: StreamMetadata = {
  width: 1920,
  height: 1080,
  fps: 30,
  videoKbps: 4500,
  videoCodec: 'H.264',
  audioCodec: 'AAC',
  audioHz: 48_000,
  audioKbps: 160,
  audioChannels: 2,
  encoder: '',
};

/** The window of the example in the documentation of the driver. */
const exampleWindow: WindowFigures = {
  measuredMs: 30_000,
  seconds: 30,
  push: { frames: 900, bytes: 900 * 19_149, keyframes: 30 },
  pop: { frames: 870 },
  drops: { overflow: 0, seiOnly: 0, nonH264: 0 },
  truncated: 0,
  shed: 0,
  ingestShed: 0,
  unplayable: 0,
  parametersMissing: false,
  discontinuities: 0,
  queue: { average: 1.5, maximum: 12, capacity: 300 },
  interFrame: { average: 33.34, minimum: 30.1, maximum: 41.8, samples: 899 },
  usualMs: 33.3,
  arrival: { average: 33.3, deviation: 2.04, maximum: 61 },
  lateness: { average: 1.26, maximum: 27.9 },
  threadLateMs: 0,
  silentMs: 3,
  audioOnlyMs: 0,
  threadSilentMs: 500,
  pacing: { sleeps: 840, averageMs: 2.1 },
  readersBefore: 1,
  readers: 1,
  cutOff: 0,
  framesSent: 870,
  ingestLoad: 0.1,
  consumerLoad: 0.1,
};

const example: StreamReport = {
  path: '/stream1',
  publisher: '192.168.1.10:54321',
  final: false,
  since: '2026-04-25T06:30:00.250Z',
  uptimeMs: 330_400,
  codec: { profile: 100, level: 40, width: 1920, height: 1080, fps: 30 },
  declared,
  window: exampleWindow,
  total: {
    push: { frames: 9900, bytes: 167.8 * 1024 * 1024 },
    pop: { frames: 9870 },
    drops: { overflow: 0, seiOnly: 0, nonH264: 0 },
  },
  verdict: { blame: 'none', text: '30 of 30 fps' },
};

const lines = (report: StreamReport) => formatStatsBlock(report).split('\n');
const lineOf = (report: StreamReport, label: string) => lines(report).find((line) => line.startsWith(` ${label}`));
const withWindow = (window: Partial<WindowFigures>) => ({ ...example, window: { ...exampleWindow, ...window } });

describe('the block', () => {
  test('has the form of the RTMP Push Driver, with two lines more', () => {
    assert.deepEqual(lines(example), [
      '================ RTMP Stream Stats: /stream1 ================',
      ' Publisher       : 192.168.1.10:54321',
      ' Uptime          : 00:05:30 (since 2026-04-25 06:30:00 UTC)',
      ' Video codec     : H.264 (profile=100 level=40)',
      ' Source declared : 1920x1080 @ 30 fps, video=4500 kbps',
      ' Source audio    : codec=AAC rate=48000 Hz (160 kbps)',
      ' --- Last 30s window ---',
      ' Push (RTMP)     : 900 frames (30.00 fps), 4.60 Mbit/s, avg 18.7 KB/frame, 30 keyframes (GOP~30.0)',
      ' Pop (XProtect)  : 870 frames (29.00 fps)',
      ' Drops in window : overflow=0, SEI-only=0, non-H264=0',
      ' Queue depth     : avg=1.5, max=12, capacity=300',
      ' Inter-frame ms  : avg=33.3, min=30.1, max=41.8 (899 samples)',
      ' Pacing sleep    : avg=2.1 ms (840 sleeps), driver throttled to publisher rate',
      ' Arrival ms      : avg=33.3, stddev=2.0, max=61.0, late against time stamps avg=1.3, max=27.9',
      ' Verdict         : none (30 of 30 fps)',
      ' --- Cumulative ---',
      ' Push total      : 9900 frames, 167.8 MB',
      ' Pop total       : 9870 frames (gap to push: 30)',
      ' Drops total     : overflow=0, SEI-only=0, non-H264=0',
      '=========================================================',
    ]);
  });

  test('the last one says so in its header, which is the title', () => {
    const final = { ...example, final: true };
    assert.equal(statsTitle(example), 'RTMP Stream Stats: /stream1');
    assert.equal(
      lines(final)[0],
      '================ RTMP Stream Stats: /stream1 (final, publisher disconnected) ================',
    );
    assert.ok(lines(final)[0]!.includes(statsTitle(final)));
  });

  test('a publisher that declares nothing, and one that declares little', () => {
    const nothing = { ...example, declared: null };
    assert.equal(lineOf(nothing, 'Source declared'), ' Source declared : (no onMetaData received from publisher)');
    assert.equal(lineOf(nothing, 'Source audio'), undefined);
    const none = { ...declared, width: 0, fps: 0, videoKbps: 0, audioCodec: '', audioHz: 0, audioKbps: 0 };
    const empty = { ...example, declared: none };
    assert.equal(lineOf(empty, 'Source declared'), ' Source declared : ? @ ? fps, video=?');
    assert.equal(lineOf(empty, 'Source audio'), undefined);
    const quiet = { ...example, declared: { ...declared, audioKbps: 0 } };
    assert.equal(
      lineOf(quiet, 'Source audio'),
      ' Source audio    : codec=AAC rate=48000 Hz (audio is ignored by the driver)',
    );
    const bare = { ...example, declared: { ...declared, audioCodec: '', audioHz: 0 } };
    assert.equal(lineOf(bare, 'Source audio'), ' Source audio    : codec=? rate=? Hz (160 kbps)');
    const odd = { ...example, declared: { ...declared, fps: 29.970_03, videoKbps: 4499.6 } };
    assert.equal(lineOf(odd, 'Source declared'), ' Source declared : 1920x1080 @ 29.97 fps, video=4500 kbps');
  });

  test('the fixed phrases when nothing is known', () => {
    const empty = withWindow({
      push: { frames: 0, bytes: 0, keyframes: 0 },
      interFrame: null,
      arrival: null,
      lateness: null,
      pacing: { sleeps: 0, averageMs: 0 },
    });
    assert.equal(lineOf({ ...example, codec: null }, 'Video codec'), ' Video codec     : (unknown)');
    assert.equal(lineOf(empty, 'Inter-frame ms'), ' Inter-frame ms  : (no frames in window)');
    assert.equal(lineOf(empty, 'Arrival ms'), ' Arrival ms      : (no frames in window)');
    assert.equal(
      lineOf(empty, 'Pacing sleep'),
      ' Pacing sleep    : 0 (queue empty most of the time, or backlog skipped pacing)',
    );
    assert.equal(
      lineOf(empty, 'Push (RTMP)'),
      ' Push (RTMP)     : 0 frames (0.00 fps), 0.00 Mbit/s, avg 0.0 KB/frame, 0 keyframes (GOP~0.0)',
    );
  });

  test('hours go on behind a day, and body lines start with one space', () => {
    const long = { ...example, uptimeMs: (49 * 3600 + 62) * 1000 };
    assert.match(lineOf(long, 'Uptime')!, / 49:01:02 \(/);
    assert.ok(
      lines(example)
        .slice(1, -1)
        .every((line) => /^ \S/.test(line)),
    );
  });
});

test('the fields of a JSON line are rounded and complete', () => {
  const fields = reportFields(withWindow({ measuredMs: 30_012, seconds: 30.012 }));
  assert.deepEqual(fields.window.push, {
    frames: 900,
    bytes: 17_234_100,
    keyframes: 30,
    fps: 29.99,
    mbitPerSecond: 4.59,
  });
  assert.deepEqual(fields.window.interFrameMs, { average: 33.3, minimum: 30.1, maximum: 41.8, samples: 899 });
  assert.deepEqual(fields.window.latenessMs, { average: 1.3, maximum: 27.9 });
  assert.equal(fields.total.gapToPush, 30);
  assert.equal(fields.since, '2026-04-25T06:30:00.250Z');
  assert.deepEqual([fields.verdict, fields.because, fields.final], ['none', '30 of 30 fps', false]);
  const small = { ...example, window: { ...exampleWindow, seconds: 1, arrival: null }, codec: null, declared: null };
  assert.equal(
    JSON.stringify(reportFields(small)),
    '{"publisher":"192.168.1.10:54321","final":false,"since":"2026-04-25T06:30:00.250Z","uptimeSeconds":330.4,' +
      '"codec":null,"declared":null,"window":{"seconds":1,' +
      '"push":{"frames":900,"bytes":17234100,"keyframes":30,"fps":900,"mbitPerSecond":137.87},' +
      '"pop":{"frames":870,"fps":870},"drops":{"overflow":0,"seiOnly":0,"nonH264":0},"truncated":0,"shed":0,"ingestShed":0,' +
      '"discontinuities":0,"queueDepth":{"average":1.5,"maximum":12,"capacity":300},' +
      '"interFrameMs":{"average":33.3,"minimum":30.1,"maximum":41.8,"samples":899},"arrivalMs":null,' +
      '"latenessMs":{"average":1.3,"maximum":27.9},"silentMs":3,"pacing":{"sleeps":840,"averageMs":2.1},' +
      '"readers":1,"cutOff":0,"framesSent":870,"ingestLoad":0.1,"consumerLoad":0.1},' +
      '"total":{"push":{"frames":9900,"bytes":175951052.8},"pop":{"frames":9870},' +
      '"drops":{"overflow":0,"seiOnly":0,"nonH264":0},"gapToPush":30},"verdict":"none","because":"30 of 30 fps"}',
  );
  const empty = reportFields(withWindow({ interFrame: null, arrival: null, lateness: null }));
  assert.deepEqual([empty.window.interFrameMs, empty.window.arrivalMs], [null, null]);
});
