import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { judge } from '../../../native-free-bench/system/churn.ts';
import { parseOptions } from '../../../native-free-bench/system/options.ts';
import { formatReport, median, ratiosOf, rowsOf } from '../../../native-free-bench/system/report.ts';

type Measurement = Parameters<typeof rowsOf>[0][number];

function measurement(target: string, cpuPerGigabit: number, p99Ms: number, invalid: string[] = []): Measurement {
  const latency = { count: 1, meanMs: 1, p50Ms: 1, p90Ms: 2, p95Ms: 2, p99Ms, p999Ms: 20, maximumMs: 30 };
  return {
    target,
    mode: 'relay',
    publishers: 10,
    readers: 10,
    seconds: 5,
    gigabitsIn: 1,
    gigabitsOut: 1,
    cpuSeconds: cpuPerGigabit,
    cores: cpuPerGigabit / 5,
    cpuPerGigabit,
    residentBytes: 100e6,
    anonymousBytes: 60e6,
    sharedBytes: 0,
    descriptors: 50,
    threads: 4,
    framesSent: 100,
    framesReceived: 100,
    lost: 1,
    duplicated: 1,
    reordered: 0,
    misrouted: 0,
    unstamped: 0,
    sequenceGaps: 0,
    silentReaders: 0,
    notSent: 0,
    closed: 0,
    latency,
    transit: latency,
    generatorCores: 0.2,
    generatorLateness: latency,
    deferredWrites: 0,
    readerCores: 0.1,
    readerLag: latency,
    foreignCores: 0,
    invalid,
  };
}

describe('benchmark report', () => {
  test('medians of odd and even counts', () => {
    assert.equal(median([3, 1, 2]), 2);
    assert.equal(median([4, 1, 2, 3]), 2.5);
    assert.ok(Number.isNaN(median([])));
  });

  test('rounds of a target become one row of medians; losses add up', () => {
    const rows = rowsOf([
      measurement('skyweir', 0.1, 5),
      measurement('nginx', 0.2, 10),
      measurement('skyweir', 0.3, 9),
      measurement('skyweir', 0.2, 6),
    ]);
    assert.deepEqual(
      rows.map((row) => [row.target, row.cpuPerGigabit, row.p99Ms, row.lost, row.rounds]),
      [
        ['skyweir', 0.2, 6, 3, 3],
        ['nginx', 0.2, 10, 1, 1],
      ],
    );
  });

  test('a round in which the generator was late does not count while there is a valid one', () => {
    const rows = rowsOf([measurement('skyweir', 0.1, 5), measurement('skyweir', 9, 900, ['the generator was late'])]);
    assert.deepEqual([rows[0]!.cpuPerGigabit, rows[0]!.validRounds, rows[0]!.rounds], [0.1, 1, 2]);
    const none = rowsOf([measurement('skyweir', 9, 900, ['late'])]);
    assert.deepEqual([none[0]!.cpuPerGigabit, none[0]!.validRounds], [9, 0]);
  });

  test('ratios are against nginx in the same mode, and the table shows them', () => {
    const rows = rowsOf([measurement('skyweir', 0.1, 5), measurement('nginx', 0.2, 10)]);
    assert.deepEqual(
      ratiosOf(rows).map((ratio) => [ratio.target, ratio.cpuPerGigabit, ratio.p99]),
      [['skyweir', 0.5, 0.5]],
    );
    assert.match(formatReport(rows), /ratios to nginx[\s\S]*skyweir +0\.50/);
    assert.deepEqual(ratiosOf(rowsOf([measurement('skyweir', 0.1, 5)])), []);
  });

  test('a ratio is marked when either side has no valid round', () => {
    const good = measurement('skyweir', 0.1, 5);
    const silent = measurement('nginx', 0.2, 10, ['97 readers got nothing at the end']);
    assert.deepEqual(
      ratiosOf(rowsOf([good, silent])).map((ratio) => ratio.valid),
      [false],
    );
    const both = [good, silent, measurement('nginx', 0.2, 10)];
    assert.deepEqual(
      ratiosOf(rowsOf(both)).map((ratio) => ratio.valid),
      [true],
    );
  });
});

describe('churn verdict', () => {
  const self = { seconds: 2, cpuSeconds: 1, loopUtilization: 0.5 };
  const figures = { type: 'churned', ...self, completed: 1000, rejected: 0, failed: 0, firstFailure: '' } as const;
  const usage = {
    processes: 1,
    threads: 10,
    cpuSeconds: 1,
    residentBytes: 100e6,
    anonymousBytes: 60e6,
    sharedBytes: 0,
    descriptors: 40,
  };

  const looks = (last: Partial<typeof usage>) => [usage, usage, usage, usage, { ...usage, ...last }];
  const many = Array(4).fill({ ...figures, completed: 5000 });

  test('the same memory and descriptors pass', () => {
    assert.equal(judge(looks({ descriptors: 44 }), many).passed, true);
  });

  test('each kind of leak fails by itself and is named', () => {
    assert.match(judge(looks({ residentBytes: 200e6 }), many).text, /FAILED: memory grew by 100 MB/);
    assert.match(judge(looks({ descriptors: 90 }), many).text, /FAILED: 50 more descriptors/);
    const rejected = [...many.slice(1), { ...figures, rejected: 3 }];
    assert.match(judge(looks({}), rejected).text, /FAILED: 3 publishers were rejected/);
  });

  test('growth that ends before the second half, or a run too short to settle, is no leak', () => {
    const settled = { ...usage, residentBytes: 300e6 };
    assert.equal(judge([usage, settled, settled, settled, settled], many).passed, true);
    const short = judge(looks({ residentBytes: 200e6 }), Array(4).fill(figures));
    assert.equal(short.passed, true);
    assert.match(short.text, /memory is judged from 20000/);
  });
});

describe('benchmark options', () => {
  test('no readers means ingest only', () => {
    assert.deepEqual(parseOptions(['--readers', '0']).modes, ['ingest']);
    assert.deepEqual(parseOptions([]).modes, ['ingest', 'relay']);
  });

  test('targets are a list and the shape is in bits and frames', () => {
    const options = parseOptions(['--targets', 'skyweir,nginx,nms', '--mbit', '2', '--gop', '30', '--profile']);
    assert.deepEqual(options.targets, ['skyweir', 'nginx', 'nms']);
    assert.equal(options.shape.bitsPerSecond, 2e6);
    assert.equal(options.shape.gop, 30);
    assert.equal(options.profile, 'profiles');
  });
});
