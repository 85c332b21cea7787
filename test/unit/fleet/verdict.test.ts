import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { stripVTControlCharacters } from 'node:util';
import type { ReaderFigures } from '../../../scripts/fleet/camera-readers.ts';
import { parseFleetOptions } from '../../../scripts/fleet/options.ts';
import type { PublisherFigures } from '../../../scripts/fleet/publishers.ts';
import { makeReport, totalsOf } from '../../../scripts/fleet/report.ts';
import { parsePattern } from '../../../scripts/fleet/url-pattern.ts';
import { type CameraResult, judge, tailLoss, type VerdictFacts } from '../../../scripts/fleet/verdict.ts';
import { reportLines, screenLines, tableLines } from '../../../scripts/fleet/view.ts';

const sender: PublisherFigures = {
  state: 'live',
  starts: 1,
  kills: 0,
  sent: 100,
  bytes: 1000,
  notSent: 0,
  broken: 0,
  refused: 0,
  problem: '',
  finished: [{ run: 0, sent: 100 }],
  killed: [],
};
const reader: ReaderFigures = {
  frames: 100,
  bytes: 1000,
  lost: 0,
  duplicated: 0,
  reordered: 0,
  corrupt: 0,
  misrouted: 0,
  foreign: 3,
  unseen: 0,
  runs: 1,
  slowestStartMs: 40,
  gaps: [],
  ends: [{ run: 0, last: 99 }],
  playing: true,
  breaks: 0,
  breaksAtMs: [],
  sequenceGaps: 0,
  problem: '',
};
const facts: VerdictFacts = {
  scenario: 'steady',
  stamped: true,
  readBack: true,
  interrupted: false,
  asked: 4,
  failures: [],
};

function fleet(change: Partial<PublisherFigures>, read: Partial<ReaderFigures> = {}, tailLost = 0): CameraResult[] {
  const good = { path: '/stream1', clip: '720p25', publisher: sender, reader, tailLost: 0 };
  return [good, { ...good, publisher: { ...sender, ...change }, reader: { ...reader, ...read }, tailLost }, good, good];
}

function line(cameras: readonly CameraResult[], more: Partial<VerdictFacts> = {}): string {
  return judge(cameras, { ...facts, ...more }).line;
}

describe('the verdict', () => {
  test('a link that holds a camera up is no stall of the server', () => {
    const linked = [false, true, false, false];
    assert.match(line(fleet({ notSent: 3 }), { scenario: 'bad-radio', linked }), /^PASS/);
    assert.equal(line(fleet({ notSent: 3 })), 'FAIL: 1 camera stalled by the server: 2 (3 in all)');
  });

  test('all is well', () => {
    assert.equal(line(fleet({})), 'PASS: 4 cameras, 400 frames read back, every one in its place, none lost');
    assert.equal(
      line(fleet({}), { readBack: false }),
      'PASS: 4 cameras published 400 frames; nothing was read back (see --read)',
    );
    assert.match(line(fleet({ kills: 1, starts: 2 }), { scenario: 'kills' }), /^PASS: 4 cameras, 1 kills, 1 returns, /);
  });

  test('frames without known contents that are fewer than were sent are not called complete', () => {
    const counted = { stamped: false };
    assert.equal(line(fleet({}), counted), 'PASS: 4 cameras, 400 frames read back, counted, none missing');
    assert.equal(
      line(fleet({ kills: 1, starts: 2 }, { frames: 60 }), { ...counted, scenario: 'kills' }),
      'PASS: 4 cameras, 1 kills, 1 returns, 360 frames read back of 400 or more that were sent, not known which',
    );
  });

  test('each fault is named with the cameras that have it', () => {
    const faults: [CameraResult[], string][] = [
      [fleet({}, { lost: 7 }), '1 camera lost frames: 2 (7 in all)'],
      [fleet({}, {}, 2), '1 camera lost frames: 2 (2 in all)'],
      [fleet({}, { duplicated: 1 }), '1 camera sent frames twice: 2'],
      [fleet({}, { reordered: 1 }), '1 camera sent frames out of order: 2'],
      [fleet({}, { corrupt: 1 }), '1 camera sent frames with wrong bytes: 2'],
      [fleet({}, { misrouted: 1 }), "1 camera sent another camera's frames: 2"],
      [fleet({}, { sequenceGaps: 1 }), '1 camera had gaps in their RTP packets: 2'],
      [fleet({}, { breaks: 1 }), '1 camera cut off their reader: 2'],
      [fleet({ broken: 1 }), '1 camera cut off by the server: 2'],
      [fleet({ refused: 1 }), '1 camera refused by the server: 2'],
      [fleet({ notSent: 1 }), '1 camera stalled by the server: 2'],
      [fleet({ state: 'starting' }), '1 camera not publishing at the end: 2'],
      [fleet({}, { frames: 0, problem: 'no such path' }), '1 camera never seen by their reader (no such path): 2'],
    ];
    for (const [cameras, text] of faults) assert.equal(line(cameras), `FAIL: ${text}`);
    assert.match(line(fleet({ sent: 0, problem: 'refused' })), /^FAIL: 1 camera never published \(refused\): 2/);
    assert.equal(line(fleet({}), { failures: ['Skyweir ended'] }), 'FAIL: Skyweir ended');
  });

  test('what a scenario brings with it is no fault', () => {
    assert.match(line(fleet({ broken: 3, refused: 2 }), { scenario: 'bad-radio', linkBreaks: [0, 3, 0, 0] }), /^PASS/);
    assert.match(line(fleet({ refused: 2 }), { scenario: 'storm' }), /^PASS/);
    assert.match(line(fleet({ broken: 1 }), { scenario: 'storm' }), /^FAIL/);
    assert.match(line(fleet({}, { lost: 1 }), { scenario: 'bad-radio' }), /^FAIL/);
  });

  test('a server that was down is a fault in every scenario, beside what its links broke', () => {
    const crashed = fleet({ broken: 2 }, { breaks: 1 });
    const linkBreaks = [1, 1, 0, 0];
    for (const scenario of ['bad-radio', 'rough'] as const)
      assert.equal(
        line(crashed, { scenario, linkBreaks }),
        'FAIL: 1 camera cut off by the server: 2; 1 camera cut off their reader: 2',
      );
    assert.equal(line(fleet({ broken: 1 }), { scenario: 'bad-radio' }), 'FAIL: 1 camera cut off by the server: 2');
  });

  test('a reader may be cut off when its stream ends, by servers that do that, and at no other time', () => {
    const ending = { fromMs: 1000, toMs: 4000 };
    const endings = [[ending], [ending, { fromMs: 9000, toMs: Number.POSITIVE_INFINITY }], [], []];
    const told = (...breaksAtMs: number[]) => fleet({}, { breaks: breaksAtMs.length, breaksAtMs });
    for (const scenario of ['mixed', 'kills', 'storm', 'bad-radio', 'rough'] as const) {
      assert.match(line(told(1500, 20_000), { scenario, endings }), /^PASS/);
      for (const cameras of [told(6000), told(1500, 1600), told(500)])
        assert.equal(line(cameras, { scenario, endings }), 'FAIL: 1 camera cut off their reader: 2');
      assert.equal(line(told(1500), { scenario }), 'FAIL: 1 camera cut off their reader: 2', 'Skyweir keeps them');
    }
  });

  test('a run that was ended early does not blame cameras that had not started', () => {
    const cameras = fleet({ sent: 0, state: 'waiting' });
    const early = { interrupted: true, asked: 1 };
    assert.equal(
      line(cameras, early),
      'PASS: 1 camera, 100 frames read back, every one in its place, none lost (ended early)',
    );
    assert.match(line(cameras, { interrupted: true, asked: 0 }), /^FAIL: ended before the first camera/);
  });

  test('an early end is no fault of a camera that it met just after its start, or on its way back', () => {
    const early = { interrupted: true, unsettled: [false, true, false, false] };
    const met: CameraResult[][] = [
      fleet({ sent: 0, state: 'starting' }),
      fleet({ state: 'starting' }),
      fleet({ sent: 2 }, { frames: 0 }),
    ];
    for (const cameras of met) {
      assert.match(line(cameras, early), /^PASS: 4 cameras, .* \(ended early\)$/);
      assert.match(line(cameras, { interrupted: true }), /^FAIL: 1 camera .*: 2 \(ended early\)$/);
    }
    assert.match(line(fleet({}, { lost: 1 }), early), /^FAIL/);
    const nothing = Array.from({ length: 4 }, () => fleet({ sent: 0 }, { frames: 0 })[1]!);
    const all = { ...early, unsettled: [true, true, true, true] };
    assert.equal(line(nothing, all), 'FAIL: ended before the first frame had come (ended early)');
  });

  test('many cameras are not all named', () => {
    const cameras = Array.from({ length: 20 }, () => fleet({}, { lost: 1 })[1]!);
    assert.equal(line(cameras), 'FAIL: 20 cameras lost frames: 1, 2, 3, 4, 5, 6, 7, 8, ...');
  });

  test('frames at the end of each run that ended in order must have come', () => {
    const finished = [
      { run: 0, sent: 100 },
      { run: 257, sent: 50 },
    ];
    const ends = [
      { run: 0, last: 97 },
      { run: 1, last: 49 },
    ];
    assert.equal(tailLoss({ ...sender, finished }, { ...reader, ends }, 256, 30), 2);
    assert.equal(tailLoss({ ...sender, finished }, null, 256, 30), 0);
  });

  test('so is one that was killed after seconds of video; of one that was killed at once nothing need have come', () => {
    const killed = [
      { run: 1, sent: 90 },
      { run: 2, sent: 91 },
      { run: 3, sent: 300 },
    ];
    const ends = [
      { run: 0, last: 99 },
      { run: 3, last: 20 },
    ];
    const loss = (change: Partial<ReaderFigures>) =>
      tailLoss({ ...sender, killed }, { ...reader, ends, ...change }, 256, 30);
    assert.deepEqual([loss({}), loss({ breaks: 1 }), loss({ ends: [] })], [91, 0, 0]);
  });

  test('a kill explains ten seconds of its own stream; what many kills together explain is not for one of them', () => {
    const killed = Array.from({ length: 20 }, (_, run) => ({ run, sent: 600 }));
    const ends = killed.map(({ run }) => ({ run, last: run === 7 ? 598 - 301 : 599 - 300 }));
    assert.equal(tailLoss({ ...sender, killed }, { ...reader, ends }, 256, 30), 302);
  });

  test('the end of a stream is not taken for that of one with the same number, 256 attempts before', () => {
    const [old, fresh] = [
      { run: 5, sent: 600 },
      { run: 261, sent: 90 },
    ];
    const ends = [
      { run: 5, last: 595 },
      { run: 5, last: 85 },
    ];
    const loss = (change: Partial<PublisherFigures>) =>
      tailLoss({ ...sender, finished: [], starts: 262, ...change }, { ...reader, ends }, 256, 30);
    assert.deepEqual([loss({ killed: [old, fresh] }), loss({ finished: [old, fresh] })], [0, 4]);
  });

  test('a stream of which a reader that never left saw nothing is lost as a whole', () => {
    const finished = [
      { run: 254, sent: 10 },
      { run: 256, sent: 70 },
    ];
    const ends = [{ run: 255, last: 20 }];
    assert.equal(
      tailLoss({ ...sender, finished }, { ...reader, ends }, 256, 30),
      70,
      'what came before it may be forgotten',
    );
    assert.equal(tailLoss({ ...sender, finished }, { ...reader, ends, breaks: 1 }, 256, 30), 0);
    assert.equal(tailLoss({ ...sender, finished }, { ...reader, ends: [] }, 256, 30), 0, 'never seen is another fault');
  });
});

describe('the report', () => {
  const options = parseFleetOptions(['rtmp://example.org/live/cam%d?key=hush', '--user', 'me'], {
    SKYWEIR_FLEET_PASSWORD: 'very secret',
  })!;
  const cameras = fleet({}, { lost: 7 });
  const report = makeReport({
    options,
    startedAt: new Date(0),
    target: options.target!,
    read: parsePattern('rtsp://example.org/cam%d', ['rtsp:']),
    interrupted: false,
    grounded: null,
    verdict: judge(cameras, facts),
    cameras,
    cost: null,
    latency: null,
    senderLateness: null,
    frameRates: [30, 30, 30, 30],
    samples: [],
    trends: { resident: null, descriptors: null },
    slowReaders: null,
  });

  test('adds up, and says what was wrong in words and in data', () => {
    assert.deepEqual(report.totals, totalsOf(cameras));
    assert.deepEqual([report.totals.sent, report.totals.frames, report.totals.lost], [400, 400, 7]);
    assert.equal(report.verdict.pass, false);
    assert.deepEqual(report.verdict.problems, [{ text: 'lost frames', cameras: [2], total: 7 }]);
    const lines = reportLines(report, { colour: true, unicode: true });
    assert.equal(stripVTControlCharacters(lines.at(-1)!), report.verdict.line);
  });

  test('does not say where frames went that nobody read back', () => {
    const sent = { ...report.totals, frames: 0, lost: 0, kills: 2, returns: 2 };
    const lines = reportLines({ ...report, read: null, totals: sent }, { colour: false, unicode: false });
    assert.equal(lines[0], 'At least 400 frames sent, none read back');
    assert.ok(!lines.some((one) => one.includes('on their way')), lines.join('\n'));
  });

  test('holds no password and no key', () => {
    const text = JSON.stringify(report);
    assert.ok(!text.includes('secret') && !text.includes('hush'), text);
    assert.equal(report.target, 'rtmp://example.org:1935/live/cam%d?...');
  });

  test('the table puts cameras in trouble before the others when there is no room for all', () => {
    const how = { colour: false, unicode: false };
    const many = Array.from({ length: 30 }, (_, index) => fleet({}, { lost: index === 25 ? 3 : 0 })[1]!);
    const lines = tableLines(many, 4, 200, how);
    assert.equal(lines.length, 5);
    assert.match(lines[3]!, /^26 .* 3 +0 /);
    assert.equal(lines.at(-1), '... and 27 more');
    const view = {
      title: 'fleet',
      elapsedMs: 61_000,
      lengthMs: 70_000,
      cameras: many,
      totals: totalsOf(many),
      framesPerSecond: 750,
      bitsPerSecond: 12e6,
      serverCores: 0.5,
      serverBytes: 200e6,
    };
    const screen = screenLines(view, 60, 20, how);
    assert.ok(screen.length <= 20 && screen.every((one) => one.length <= 60));
    assert.match(screen[1]!, /^01:01 of 01:10 {2}30 of 30 live/);
  });
});
