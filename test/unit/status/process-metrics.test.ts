import assert from 'node:assert/strict';
import { test } from 'node:test';
import { MetricsText } from '../../../src/status/metrics-text.ts';
import { writeProcessMetrics } from '../../../src/status/process-metrics.ts';

test('what is not known, or no number at this moment, is left out with its head', () => {
  const text = new MetricsText('prometheus');
  const of = (name: string, value: number) => ({ name, values: [{ labels: {}, value }] });
  writeProcessMetrics(text, [
    of('nodejs_eventloop_lag_mean_seconds', Number.NaN),
    of('nodejs_eventloop_lag_max_seconds', 0.01),
    { name: 'process_open_fds', values: [] },
  ]);
  assert.equal(
    text.end(),
    '# HELP nodejs_eventloop_lag_max_seconds The same, largest\n' +
      '# TYPE nodejs_eventloop_lag_max_seconds gauge\nnodejs_eventloop_lag_max_seconds 0.01\n',
  );
});
