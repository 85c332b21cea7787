import type { MetricFamily, MetricsText } from './metrics-text.ts';
import { labelText } from './metrics-text.ts';

/** A family as prom-client gives it as JSON. */
export interface ProcessMetric {
  readonly name: string;
  readonly values: readonly {
    readonly labels: Readonly<Record<string, string | number | undefined>>;
    readonly value: number;
    /** Of a part of a histogram, with its suffix. */
    readonly metricName?: string;
  }[];
}

/** What is shown of prom-client's default metrics. The threads of the server have families of their own. */
export const processFamilies: readonly MetricFamily[] = [
  { name: 'process_cpu_user_seconds_total', type: 'counter', help: 'Processor time of all threads in user mode' },
  { name: 'process_cpu_system_seconds_total', type: 'counter', help: 'Processor time of all threads in the system' },
  { name: 'process_cpu_seconds_total', type: 'counter', help: 'Both together' },
  { name: 'process_start_time_seconds', type: 'gauge', help: 'Start of the process, seconds since 1970' },
  { name: 'process_resident_memory_bytes', type: 'gauge', help: 'Memory of the process that is in RAM' },
  { name: 'process_virtual_memory_bytes', type: 'gauge', help: 'Address space of the process (Linux)' },
  { name: 'process_open_fds', type: 'gauge', help: 'Open file descriptors (Linux)' },
  { name: 'process_max_fds', type: 'gauge', help: 'How many there may be (Linux)' },
  {
    name: 'nodejs_eventloop_lag_mean_seconds',
    type: 'gauge',
    help: 'Delay of the main thread since the scrape before, mean',
  },
  { name: 'nodejs_eventloop_lag_p99_seconds', type: 'gauge', help: 'The same, 99th percentile' },
  { name: 'nodejs_eventloop_lag_max_seconds', type: 'gauge', help: 'The same, largest' },
  { name: 'nodejs_heap_size_total_bytes', type: 'gauge', help: 'JavaScript heap of the main thread' },
  { name: 'nodejs_heap_size_used_bytes', type: 'gauge', help: 'What is in use of it' },
  { name: 'nodejs_external_memory_bytes', type: 'gauge', help: 'Memory outside the heap that belongs to its objects' },
];

/** Writes those of `metrics` that are shown; what a machine does not know is left out. */
export function writeProcessMetrics(text: MetricsText, metrics: readonly ProcessMetric[]): void {
  const byName = new Map(metrics.map((metric) => [metric.name, metric]));
  for (const family of processFamilies) {
    // Delays of the main thread are no number right after a scrape, and at the first one.
    const values = (byName.get(family.name)?.values ?? []).filter(({ value }) => Number.isFinite(value));
    if (values.length === 0) continue;
    text.family(family);
    for (const { labels, value } of values) text.sample(labelText(labels as Record<string, string>), value);
  }
}
