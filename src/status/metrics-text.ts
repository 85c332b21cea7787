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

/** Bytes that a text begins with. */
const usualBytes = 64 * 1024;

/** Bytes of the longest number, the space before it and the line end. */
const numberBytes = 32;

const space = 0x20;
const lineEnd = 0x0a;
const zero = 0x30;

/**
 * Writes the Prometheus text format (exposition formats, version 0.0.4) or OpenMetrics 1.0.0. All samples of a family follow
 * its head; what differs between the formats is the name in the head, and the end.
 *
 * The text grows as bytes in one piece. As a string it would be a tree of some hundred thousand parts, which outlives the young
 * heap: to clear that away took longer than to write it.
 */
export class MetricsText {
  readonly #format: MetricsFormat;
  #bytes: Buffer<ArrayBuffer>;
  #at = 0;
  #name = '';

  /** `memory` of an earlier text, which is not needed any more, is written over. */
  constructor(format: MetricsFormat, memory: Buffer<ArrayBuffer> = Buffer.allocUnsafeSlow(usualBytes)) {
    this.#format = format;
    this.#bytes = memory;
  }

  /** What it was written into: of the memory that was given, or of more if that was too small. */
  get memory(): Buffer<ArrayBuffer> {
    return this.#bytes;
  }

  /** The head of a family, whose samples come next. */
  family({ name, type, help }: MetricFamily): void {
    this.#name = name;
    const isOpen = this.#format === 'openmetrics';
    const shown = isOpen ? name.replace(suffixes[type], '') : name;
    const kind = type === 'info' && !isOpen ? 'gauge' : type;
    this.#write(`# HELP ${shown} ${escapeHelp(help, isOpen)}\n# TYPE ${shown} ${kind}\n`);
  }

  /** A value of the family. `labels` come from {@link labelText}; `suffix` is for the parts of a histogram. */
  sample(labels: string, value: number, suffix = ''): void {
    this.#write(`${this.#name}${suffix}${labels} ${numberText(value)}\n`);
  }

  /**
   * Many values of the family: `values[i]` with `labels[i]`, which come from {@link labelText} as UTF-8. Where `shown` is 0 there
   * is none.
   */
  samples(labels: readonly Uint8Array[], values: Float64Array, shown: Uint8Array | null): void {
    const name = Buffer.from(this.#name);
    for (let i = 0; i < labels.length; i++) {
      if (shown === null || shown[i] !== 0) this.#sample(name, labels[i]!, noBytes, values[i]!);
    }
  }

  /** A value of 1 with `labels` as in {@link MetricsText.samples} and one more from {@link lastLabel}. */
  flag(labels: Uint8Array, last: Uint8Array): void {
    // Without the brace that closes them: the last label brings its own.
    this.#sample(Buffer.from(this.#name), labels.subarray(0, -1), last, 1);
  }

  /** Everything so far, and the end of the text. */
  end(): string {
    return this.bytes().toString();
  }

  /** {@link MetricsText.end} as UTF-8. It is not copied: nothing may be written any more. */
  bytes(): Buffer<ArrayBuffer> {
    const at = this.#at;
    if (this.#format === 'openmetrics') this.#write('# EOF\n');
    const bytes = this.#bytes.subarray(0, this.#at);
    this.#at = at;
    return bytes;
  }

  #write(text: string): void {
    // A UTF-16 unit has three bytes at most.
    this.#reserve(3 * text.length);
    this.#at += this.#bytes.write(text, this.#at);
  }

  #sample(name: Uint8Array, labels: Uint8Array, more: Uint8Array, value: number): void {
    this.#reserve(name.length + labels.length + more.length + numberBytes);
    const bytes = this.#bytes;
    bytes.set(name, this.#at);
    bytes.set(labels, this.#at + name.length);
    let at = this.#at + name.length + labels.length;
    if (more.length > 0) bytes.set(more, at);
    at += more.length;
    bytes[at++] = space;
    at = writeNumber(bytes, at, value);
    bytes[at++] = lineEnd;
    this.#at = at;
  }

  #reserve(count: number): void {
    const needed = this.#at + count;
    if (needed <= this.#bytes.length) return;
    const larger = Buffer.allocUnsafeSlow(Math.max(needed, 2 * this.#bytes.length));
    larger.set(this.#bytes.subarray(0, this.#at));
    this.#bytes = larger;
  }
}

const noBytes = new Uint8Array(0);

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

/** The last of several labels with the brace that closes them, as UTF-8; see {@link MetricsText.flag}. */
export function lastLabel(name: string, value: string): Uint8Array {
  return Buffer.from(`,${name}="${escapeValue(value)}"}`);
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

/** Writes what {@link numberText} says; returns where it ends. Most numbers are small whole ones, which need no text. */
function writeNumber(bytes: Uint8Array, at: number, value: number): number {
  if (value >= 0 && (value | 0) === value) {
    let rest = value | 0;
    let end = at + 1;
    for (let bound = 10; rest >= bound; bound *= 10) end++;
    for (let place = end - 1; place >= at; place--) {
      const tenth = (rest / 10) | 0;
      bytes[place] = zero + rest - 10 * tenth;
      rest = tenth;
    }
    return end;
  }
  const text = numberText(value);
  for (let i = 0; i < text.length; i++) bytes[at + i] = text.charCodeAt(i);
  return at + text.length;
}
