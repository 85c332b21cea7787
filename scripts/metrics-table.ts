/** The tables of docs/monitoring.md: every metric, and every path of the HTTP port. */
import type { HookSource } from '../src/status/hook-facts.ts';
import { hookRoutes } from '../src/status/hook-routes.ts';
import { keyRoutes } from '../src/status/key-routes.ts';
import type { KeySource } from '../src/status/key-source.ts';
import type { MetricFamily } from '../src/status/metrics-text.ts';
import { processFamilies } from '../src/status/process-metrics.ts';
import { statusRoutes } from '../src/status/routes.ts';
import { serverFamilies } from '../src/status/server-metrics.ts';
import type { StatusSource } from '../src/status/status-source.ts';
import { streamFamilies } from '../src/status/stream-metrics.ts';

const sections: readonly (readonly [title: string, families: readonly MetricFamily[]])[] = [
  ['Each stream', streamFamilies],
  ['The server', serverFamilies],
  ['The process', processFamilies],
];

/** `page` with the tables between its markers; null if it has no markers. `table` lays one out. */
export function withMetricTables(
  page: string,
  table: (head: readonly string[], rows: readonly (readonly string[])[]) => string[],
): string | null {
  const filled = fill(page, 'metrics', () =>
    sections.flatMap(([title, families]) => [
      '',
      `### ${title}`,
      '',
      ...table(['Metric', 'Type', 'Labels', 'Meaning'], families.map(row)),
    ]),
  );
  return filled === null ? null : fill(filled, 'paths', () => ['', ...table(['Path', 'Login', 'What'], pathRows())]);
}

function fill(page: string, name: string, lines: () => readonly string[]): string | null {
  const begin = `<!-- ${name}:begin -->`;
  const from = page.indexOf(begin);
  const to = page.indexOf(`<!-- ${name}:end -->`);
  if (from < 0 || to < from) return null;
  return `${page.slice(0, from + begin.length)}\n${lines().join('\n')}\n\n${page.slice(to)}`;
}

function row({ name, type, labels = [], help }: MetricFamily): string[] {
  return [`\`${name}\``, type, labels.map((label) => `\`${label}\``).join(', '), help];
}

function pathRows(): string[][] {
  return statusRoutes({} as StatusSource, '', [...hookRoutes({} as HookSource), ...keyRoutes({} as KeySource)]).map(
    ({ method, path, open, summary }) => {
      return [`\`${method} ${path}\``, open ? 'no' : 'yes', summary];
    },
  );
}
