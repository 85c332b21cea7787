/** What a family of samples is. `info` has the value 1 and says what it has to say in its labels. */
export type MetricType = 'counter' | 'gauge' | 'histogram' | 'info';

/** What is known of a family before it has values; the documentation is made from it. */
export interface MetricFamily {
  /** As Prometheus shows it: counters end with `_total`, and the unit stands in the name. */
  readonly name: string;
  readonly type: MetricType;
  /** A sentence without a full stop. */
  readonly help: string;
  /** Names of the labels, in their order. */
  readonly labels?: readonly string[];
}

/** The two text formats that Prometheus reads. */
export type MetricsFormat = 'prometheus' | 'openmetrics';

/** Media types of {@link MetricsFormat}. */
export const metricsMediaTypes: Readonly<Record<MetricsFormat, string>> = {
  prometheus: 'text/plain; version=0.0.4; charset=utf-8',
  openmetrics: 'application/openmetrics-text; version=1.0.0; charset=utf-8',
};

/** The format that a client prefers; what does not ask for OpenMetrics gets the older one. */
export function chooseMetricsFormat(accept: string | undefined): MetricsFormat {
  return /(?:^|[,\s])application\/openmetrics-text\b/i.test(accept ?? '') ? 'openmetrics' : 'prometheus';
}

/**
 * Writes the Prometheus text format (exposition formats, version 0.0.4) or OpenMetrics 1.0.0. All samples of a family follow
 * its head; what differs between the formats is the name in the head, and the end.
 */
export class MetricsText {
  readonly #format: MetricsFormat;
  #text = '';
  #name = '';

  constructor(format: MetricsFormat) {
    this.#format = format;
  }

  /** The head of a family, whose samples come next. */
  family({ name, type, help }: MetricFamily): void {
    this.#name = name;
    const isOpen = this.#format === 'openmetrics';
    const shown = isOpen ? name.replace(suffixes[type], '') : name;
    const kind = type === 'info' && !isOpen ? 'gauge' : type;
    this.#text += `# HELP ${shown} ${escapeHelp(help, isOpen)}\n# TYPE ${shown} ${kind}\n`;
  }

  /** A value of the family. `labels` come from {@link labelText}; `suffix` is for the parts of a histogram. */
  sample(labels: string, value: number, suffix = ''): void {
    this.#text += `${this.#name}${suffix}${labels} ${numberText(value)}\n`;
  }

  /** Everything so far, and the end of the text. */
  end(): string {
    return this.#format === 'openmetrics' ? `${this.#text}# EOF\n` : this.#text;
  }
}

const suffixes: Readonly<Record<MetricType, RegExp>> = {
  counter: /_total$/,
  info: /_info$/,
  gauge: /$^/,
  histogram: /$^/,
};

/** `{a="1",b="2"}`, with the values escaped; nothing without labels. */
export function labelText(labels: Readonly<Record<string, string | number>>): string {
  const parts = Object.entries(labels).map(([name, value]) => `${name}="${escapeValue(String(value))}"`);
  return parts.length === 0 ? '' : `{${parts.join(',')}}`;
}

function escapeValue(text: string): string {
  return /[\\"\n]/.test(text) ? text.replace(/[\\"\n]/g, (character) => escapes[character]!) : text;
}

const escapes: Readonly<Record<string, string>> = { '\\': '\\\\', '"': '\\"', '\n': '\\n' };

/** Quotes are escaped in OpenMetrics only. */
function escapeHelp(text: string, isOpen: boolean): string {
  return text.replace(isOpen ? /[\\"\n]/g : /[\\\n]/g, (character) => escapes[character]!);
}

function numberText(value: number): string {
  if (Number.isFinite(value)) return String(value);
  return Number.isNaN(value) ? 'NaN' : value > 0 ? '+Inf' : '-Inf';
}
