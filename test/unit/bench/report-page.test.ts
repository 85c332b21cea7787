import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import {
  type Experiment,
  type ExperimentFile,
  fullScale,
  type PartRecord,
  quickScale,
} from '../../../native-free-bench/report/experiment.ts';
import {
  jsonText,
  loadExperiment,
  saveExperiment,
  withPart,
} from '../../../native-free-bench/report/experiment-file.ts';
import { experiments } from '../../../native-free-bench/report/experiments.ts';
import { figure, table } from '../../../native-free-bench/report/markdown.ts';
import { chartFiles, sectionText, withSection } from '../../../native-free-bench/report/page.ts';
import { balanceOf, parseServerFigures } from '../../../native-free-bench/report/server-metrics.ts';
import { barChart, lineChart } from '../../../native-free-bench/report/svg/charts.ts';
import { axisFor } from '../../../native-free-bench/report/svg/scale.ts';

const calibration = { computeMs: 67, copyMs: 32, socketMs: 55 };

function record(name: string, more: Partial<PartRecord> = {}): PartRecord {
  return {
    name,
    at: '2026-01-02T03:04:05.000Z',
    seconds: 10,
    options: {},
    machine: { model: 'Some CPU', cores: 2, memoryBytes: 8 * 2 ** 30, kernel: '6.1', node: '26.10.0', load: 0.1 },
    source: { commit: 'abc', hash: '0123456789' },
    calibration: { before: calibration, after: calibration },
    validity: { cost: [], latency: [] },
    figures: { value: 1.5 },
    ...more,
  };
}

const example: Experiment = {
  name: 'example',
  question: 'How much?',
  minutes: 1,
  parts: () => [],
  render: (records) => ({
    blocks: [`${records.length} parts`],
    charts: [{ name: 'cost', description: 'Cost', svg: '<svg/>' }],
  }),
};

function file(...parts: PartRecord[]): ExperimentFile {
  return { format: 'skyweir-bench-1', experiment: 'example', quick: false, parts };
}

describe('the page of measurements', () => {
  const page = 'before\n<!-- bench:example:begin -->old<!-- bench:example:end -->\nafter';

  test('a section is replaced between its markers, and again gives the same', () => {
    const once = withSection(page, example, file(record('a')), 'performance')!;
    assert.match(
      once,
      /^before\n<!-- bench:example:begin -->\n\n_How much\?_\n\n1 parts\n\n!\[Cost\]\(performance\/example-cost\.svg\)/,
    );
    assert.match(once, /Some CPU; 8 GiB; .* speed 1\.00 of the reference; 2026-01-02; commit abc/);
    assert.ok(once.endsWith('<!-- bench:example:end -->\nafter'));
    assert.equal(withSection(once, example, file(record('a')), 'performance'), once);
    assert.equal(withSection('no markers', example, file(), 'performance'), null);
  });

  test('what was not measured says so, with the command', () => {
    assert.match(sectionText(example, file(), '.'), /Not measured yet: `npm run bench:report -- --only example`/);
    assert.equal(chartFiles(example, file()).size, 0);
  });

  test('doubts are told: what was not valid, what was late, a machine that changed its speed', () => {
    const slow = { ...calibration, computeMs: 200 };
    const text = sectionText(
      example,
      file(
        record('a', { validity: { cost: ['other programs used 0.70 cores'], latency: [] } }),
        record('b', { validity: { cost: [], latency: ['the generator was late (p99 31.0 ms)'] } }),
        record('c', { calibration: { before: calibration, after: slow } }),
      ),
      '.',
    );
    assert.match(text, /1 of 3 measurements are not valid: other programs used n cores \(1\)\./);
    assert.match(text, /latency of 1 of 3 is not the server's alone \(\\\*\): the generator was late \(1\)\./);
    assert.match(text, /speed changed meanwhile between 0\.69 and 1\.00/);
  });

  test('a try-out is never taken for a result', () => {
    assert.match(
      sectionText(example, { ...file(record('a')), quick: true }, '.'),
      /A try-out in small size, no result/,
    );
  });

  test('docs/performance.md has the markers of every experiment, once', () => {
    const text = readFileSync(join(import.meta.dirname, '../../../docs/performance.md'), 'utf8');
    for (const { name } of experiments) {
      assert.equal(text.split(`<!-- bench:${name}:begin -->`).length, 2, name);
      assert.equal(text.split(`<!-- bench:${name}:end -->`).length, 2, name);
    }
  });
});

describe('the parts of the experiments', () => {
  test('names are unique, in full size and in small', () => {
    for (const scale of [fullScale, quickScale])
      for (const { name, parts } of experiments) {
        const names = parts(scale).map((part) => part.name);
        assert.ok(names.length > 0, name);
        assert.equal(new Set(names).size, names.length, name);
      }
  });

  test('a part replaces the one of its name, and stands where the experiment has it', () => {
    const names = ['a', 'b', 'c'];
    let one = withPart(file(record('c')), record('a'), names);
    one = withPart(one, record('a', { seconds: 99 }), names);
    assert.deepEqual(
      one.parts.map(({ name, seconds }) => [name, seconds]),
      [
        ['a', 99],
        ['c', 10],
      ],
    );
  });

  test('a file is read back as it was written; another one is refused', () => {
    const folder = mkdtempSync(join(tmpdir(), 'skyweir-report-'));
    try {
      const path = join(folder, 'x/example.json');
      assert.deepEqual(loadExperiment(path, 'example', false), file());
      saveExperiment(path, file(record('a')));
      assert.deepEqual(loadExperiment(path, 'example', false), file(record('a')));
      assert.throws(() => loadExperiment(path, 'other', false), /no file of the experiment other/);
    } finally {
      rmSync(folder, { recursive: true });
    }
  });

  test('figures are cut to six digits, lists of plain values stay on a line', () => {
    assert.equal(
      jsonText({ a: [1.23456789, 2], b: {}, c: Number.NaN }),
      '{\n  "a": [1.23457, 2],\n  "b": {},\n  "c": null\n}\n',
    );
  });
});

describe('charts and tables', () => {
  test('an axis begins at 0 and ends beyond the largest value, in steps people count in', () => {
    const axis = axisFor([3, 47], { label: 'x', pixels: 100 });
    assert.deepEqual(
      axis.ticks.map(({ text }) => text),
      ['0', '10', '20', '30', '40', '50'],
    );
    assert.equal(axis.place(25), 50);
    const small = axisFor([0.0123], { label: 'x', pixels: 100 });
    assert.equal(small.ticks.at(-1)!.text, '0.015');
  });

  test('a logarithmic axis has the powers of ten', () => {
    const axis = axisFor([2, 350], { label: 'ms', pixels: 90, logarithmic: true });
    assert.deepEqual(
      axis.ticks.map(({ value }) => value),
      [1, 10, 100, 1000],
    );
    assert.equal(Math.round(axis.place(10)), 30);
    assert.equal(axis.place(0), 0);
  });

  test('charts have title, labels and names, text is escaped, and nothing is no number', () => {
    const line = lineChart({
      title: 'A < B & C',
      xLabel: 'cameras',
      yLabel: 'MB',
      series: [
        {
          name: 'one',
          points: [
            [1, 2],
            [3, Number.NaN],
            [5, 6],
          ],
        },
        { name: 'none', points: [] },
      ],
    });
    const bars = barChart({
      title: 'Bars',
      xLabel: 'x',
      yLabel: 'y',
      series: ['a', 'b'],
      groups: [{ name: 'g', values: [1, null] }],
    });
    for (const svg of [line, bars]) {
      assert.doesNotMatch(svg, /NaN|undefined|Infinity/);
      assert.match(svg, /prefers-color-scheme:dark/);
    }
    assert.match(line, /A &lt; B &amp; C/);
    for (const text of ['cameras', 'MB', 'one', 'none']) assert.ok(line.includes(`>${text}<`), text);
  });

  test('columns of figures are flush right', () => {
    assert.equal(
      table(
        ['Name', 'MB', 'To'],
        [
          ['a|b', '1', '1.00 x'],
          ['c', '-', '12.0 x'],
        ],
      ),
      [
        '| Name |  MB |     To |',
        '| ---- | --: | -----: |',
        '| a\\|b |   1 | 1.00 x |',
        '| c    |   - | 12.0 x |',
      ].join('\n'),
    );
    assert.deepEqual(
      [1234.4, 12.34, 1.234, 0.1234, null, Number.NaN].map((value) => figure(value)),
      ['1234', '12.3', '1.23', '0.123', '-', '-'],
    );
  });
});

describe('what the server says of its threads', () => {
  const text = [
    'skyweir_thread_bits_per_second{thread="ingest",index="0"} 3000',
    'skyweir_thread_bits_per_second{thread="ingest",index="1"} 2000',
    'skyweir_thread_bits_per_second{thread="consumer",index="0"} 5000',
    'skyweir_thread_busy_ratio{thread="ingest",index="1"} 0.5',
    'skyweir_stream_overflow_frames_total{camera="a",path="/a"} 3',
    'skyweir_stream_overflow_frames_total{camera="b",path="/b"} 4',
  ].join('\n');

  test('bits, busy parts and lost frames are read, and the balance of a kind', () => {
    const figures = parseServerFigures(text);
    assert.equal(figures.overflowFrames, 7);
    assert.equal(figures.threads.find(({ thread, index }) => thread === 'ingest' && index === 1)!.busy, 0.5);
    assert.equal(balanceOf(figures, 'ingest'), 1.5);
    assert.equal(balanceOf(figures, 'consumer'), 1);
  });
});
