import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { chooseMetricsFormat, labelText, lastLabel, MetricsText } from '../../../src/status/metrics-text.ts';
import { parseMetrics } from '../../support/metrics-parser.ts';

const requests = { name: 'a_requests_total', type: 'counter', help: 'Requests "so far"\nand a \\' } as const;
const info = { name: 'a_build_info', type: 'info', help: 'Build' } as const;

describe('MetricsText', () => {
  test('writes the text format 0.0.4, with labels and helps escaped', () => {
    const text = new MetricsText('prometheus');
    text.family(requests);
    text.sample(labelText({ name: 'say "hi"\\\n' }), 3);
    text.sample('', 0.25);
    text.family(info);
    text.sample(labelText({ version: 1 }), 1);
    assert.equal(
      text.end(),
      [
        '# HELP a_requests_total Requests "so far"\\nand a \\\\',
        '# TYPE a_requests_total counter',
        'a_requests_total{name="say \\"hi\\"\\\\\\n"} 3',
        'a_requests_total 0.25',
        '# HELP a_build_info Build',
        '# TYPE a_build_info gauge',
        'a_build_info{version="1"} 1',
        '',
      ].join('\n'),
    );
    assert.equal(parseMetrics(text.end()).values.size, 3);
  });

  test('writes OpenMetrics: heads without the suffix, and an end', () => {
    const text = new MetricsText('openmetrics');
    text.family(requests);
    text.sample('', Number.POSITIVE_INFINITY);
    text.family(info);
    text.sample('', 1);
    const lines = text.end().split('\n');
    assert.equal(lines[0], '# HELP a_requests Requests \\"so far\\"\\nand a \\\\');
    assert.equal(lines[1], '# TYPE a_requests counter');
    assert.equal(lines[2], 'a_requests_total +Inf');
    assert.equal(lines[4], '# TYPE a_build info');
    assert.deepEqual(lines.slice(-2), ['# EOF', '']);
    assert.equal(parseMetrics(text.end(), 'openmetrics').types.get('a_build'), 'info');
  });

  test('many samples at once are what they are one by one, however little room there was', () => {
    const values = [
      0,
      1,
      9,
      10,
      99,
      100,
      65_535,
      2 ** 31 - 1,
      2 ** 31,
      2 ** 32,
      2 ** 53,
      1e21,
      0.1,
      1 / 3,
      -1,
      -0.5,
      5e-324,
    ];
    values.push(Number.MAX_VALUE, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, Number.NaN, -0, 1e9, 999_999_999);
    const labels = values.map((_, index) => labelText({ name: `Kåmera ${index} "\n` }));
    const [expected, text] = [new MetricsText('openmetrics'), new MetricsText('openmetrics', Buffer.alloc(1))];
    for (const one of [expected, text]) one.family(requests);
    values.forEach((value, index) => {
      expected.sample(labels[index]!, value);
    });
    const encoded = labels.map((label) => Buffer.from(label));
    text.samples(encoded, new Float64Array(values), null);
    expected.sample(labels[1]!, values[1]!);
    const shown = new Uint8Array(values.length);
    shown[1] = 1;
    text.samples(encoded, new Float64Array(values), shown);
    expected.sample(`${labels[0]!.slice(0, -1)},blame="a\\"b"}`, 1);
    text.flag(encoded[0]!, lastLabel('blame', 'a"b'));
    assert.equal(text.end(), expected.end());
    assert.equal(text.bytes().toString(), expected.end());
  });
});

test('the format is that which the client asks for, and the older one where it does not say', () => {
  const prometheus = 'application/openmetrics-text;version=1.0.0;q=0.5,text/plain;version=0.0.4;q=0.2,*/*;q=0.1';
  assert.equal(chooseMetricsFormat(prometheus), 'openmetrics');
  for (const accept of [undefined, '*/*', 'text/plain', 'text/html,application/xml'])
    assert.equal(chooseMetricsFormat(accept), 'prometheus');
});
