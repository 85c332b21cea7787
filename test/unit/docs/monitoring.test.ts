import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { describe, test } from 'node:test';
import { parse } from 'yaml';
import { generatedFiles } from '../../../scripts/config-reference.ts';
import { settings } from '../../../src/config/schema.ts';
import type { MetricFamily } from '../../../src/status/metrics-text.ts';
import { processFamilies } from '../../../src/status/process-metrics.ts';
import { serverFamilies } from '../../../src/status/server-metrics.ts';
import { streamFamilies } from '../../../src/status/stream-metrics.ts';

const root = resolve(import.meta.dirname, '../../..');
const read = (name: string) => readFileSync(resolve(root, 'docs', name), 'utf8');
const page = read('monitoring.md');
const families = new Map(
  [...streamFamilies, ...serverFamilies, ...processFamilies].map((family) => [family.name, family]),
);

/** Every metric that a text names, with the labels in the braces behind it. */
function metricsIn(text: string): { name: string; labels: string[] }[] {
  return [...text.matchAll(/\b((?:skyweir|process|nodejs)_[a-z0-9_]+)(?:\{([^}]*)\})?/g)].map(
    ([, name = '', labels = '']) => ({
      name,
      labels: [...labels.matchAll(/(\w+)\s*=~?/g)].map((match) => match[1]!),
    }),
  );
}

/** Fails if a text names a metric or label that there is not. Prometheus itself adds `instance` and `job`. */
function checkMetrics(text: string): void {
  for (const { name, labels } of metricsIn(text)) {
    const family = families.get(name) ?? histogramOf(name);
    assert.ok(family !== undefined, `there is no metric ${name}`);
    for (const label of labels)
      assert.ok([...(family.labels ?? []), 'instance', 'job'].includes(label), `${name} has no label ${label}`);
  }
}

function histogramOf(name: string): MetricFamily | undefined {
  const family = families.get(name.replace(/_(bucket|sum|count)$/, ''));
  return family?.type === 'histogram' ? family : undefined;
}

describe('metrics', () => {
  test('have names and helps as Prometheus wants them', () => {
    for (const { name, type, help } of families.values()) {
      assert.match(name, /^(skyweir|process|nodejs)_[a-z0-9_]+$/);
      assert.equal(name.endsWith('_total'), type === 'counter', name);
      assert.equal(name.endsWith('_info'), type === 'info', name);
      assert.doesNotMatch(name, /_(ms|milliseconds|kb|mb|kbps|percent)(_|$)/);
      assert.match(help, /^[A-Z0-9].*[^.]$/);
    }
    assert.equal(families.size, streamFamilies.length + serverFamilies.length + processFamilies.length);
  });
});

describe('docs/monitoring.md', () => {
  test('has its tables as they are generated', () => {
    assert.equal(page, generatedFiles(root).get('docs/monitoring.md'));
  });

  test('names only metrics and flags that there are', () => {
    checkMetrics(page.replaceAll(/<!-- metrics:begin -->.*<!-- metrics:end -->/gs, ''));
    const flags = new Set(Object.values(settings).flatMap(({ flag }) => [flag, `no-${flag}`]));
    for (const [, flag = ''] of page.matchAll(/`--([a-z0-9-]+)/g)) assert.ok(flags.has(flag), flag);
  });
});

describe('docs/monitoring/alerts.yaml', () => {
  interface Rule {
    readonly alert: string;
    readonly expr: string;
    readonly for?: string;
    readonly labels: { readonly severity: string };
    readonly annotations: { readonly summary: string };
  }
  const { groups } = parse(read('monitoring/alerts.yaml')) as { groups: { name: string; rules: Rule[] }[] };
  const rules = groups.flatMap((group) => group.rules);

  test('every rule is whole, and has a name of its own', () => {
    assert.equal(new Set(rules.map(({ alert }) => alert)).size, rules.length);
    for (const { alert, expr, for: wait = '1m', labels, annotations } of rules) {
      assert.match(alert, /^Skyweir[A-Za-z]+$/);
      assert.match(wait, /^\d+[smh]$/);
      assert.ok(['info', 'warning', 'critical'].includes(labels.severity));
      assert.equal(expr.split('(').length, expr.split(')').length, expr);
      assert.match(annotations.summary, /\S/);
    }
  });

  test('names only metrics and labels that there are', () => {
    for (const { expr, annotations } of rules) {
      checkMetrics(expr);
      const labels = new Set(metricsIn(expr).flatMap(({ name }) => families.get(name)?.labels ?? []));
      for (const [, label = ''] of annotations.summary.matchAll(/\$labels\.(\w+)/g))
        assert.ok(label === 'instance' || labels.has(label), `${expr} has no label ${label}`);
    }
  });
});

describe('docs/monitoring/grafana.json', () => {
  interface Panel {
    readonly id: number;
    readonly type: string;
    readonly title: string;
    readonly gridPos: { readonly x: number; readonly w: number };
    readonly targets?: readonly { readonly refId: string; readonly expr: string; readonly legendFormat: string }[];
  }
  const dashboard = JSON.parse(read('monitoring/grafana.json')) as {
    panels: Panel[];
    templating: { list: { name: string }[] };
  };

  test('every panel has its place, and queries of metrics that there are', () => {
    assert.equal(new Set(dashboard.panels.map(({ id }) => id)).size, dashboard.panels.length);
    for (const { type, title, gridPos, targets = [] } of dashboard.panels) {
      assert.ok(gridPos.x + gridPos.w <= 24, title);
      assert.equal(targets.length === 0, type === 'row', title);
      for (const { expr, legendFormat } of targets) {
        checkMetrics(expr);
        const labels = new Set(metricsIn(expr).flatMap(({ name }) => families.get(name)?.labels ?? []));
        for (const [, label = ''] of legendFormat.matchAll(/\{\{(\w+)\}\}/g))
          assert.ok(label === 'instance' || labels.has(label), `${title}: no label ${label}`);
      }
    }
  });

  test('uses only variables that it has', () => {
    const variables = dashboard.templating.list.map(({ name }) => name);
    const text = JSON.stringify(dashboard);
    for (const [, name = ''] of text.matchAll(/\$\{?(\w+)/g))
      assert.ok(variables.includes(name) || name === '__rate_interval', name);
    checkMetrics(text.replaceAll('\\"', '"'));
  });
});
