/** What a scrape says: values by name with labels, as the text has them, and the families with their types. */
export interface ParsedMetrics {
  /** `skyweir_stream_live{camera="Camera 1",path="/stream1"}` to its value. */
  readonly values: ReadonlyMap<string, number>;
  /** Of each family as its head names it. */
  readonly types: ReadonlyMap<string, string>;
}

const helpLine = /^# HELP ([a-zA-Z_:][a-zA-Z0-9_:]*) (?:[^\\\n]|\\\\|\\n|\\")*$/;
const typeLine = /^# TYPE ([a-zA-Z_:][a-zA-Z0-9_:]*) (counter|gauge|histogram|info)$/;
const sampleLine =
  /^([a-zA-Z_:][a-zA-Z0-9_:]*)(\{[a-zA-Z_][a-zA-Z0-9_]*="(?:[^"\\\n]|\\\\|\\"|\\n)*"(?:,[a-zA-Z_][a-zA-Z0-9_]*="(?:[^"\\\n]|\\\\|\\"|\\n)*")*\})? (-?\d+(?:\.\d+)?(?:e[+-]?\d+)?|\+Inf|-Inf|NaN)$/;

/**
 * Reads the Prometheus text format 0.0.4 or OpenMetrics 1.0.0, as strictly as their grammars are: every family has one head, its
 * samples follow it at once and have a name that belongs to it, and none comes twice. Throws an Error for what is not so.
 */
export function parseMetrics(text: string, format: 'prometheus' | 'openmetrics' = 'prometheus'): ParsedMetrics {
  const values = new Map<string, number>();
  const types = new Map<string, string>();
  const helped = new Set<string>();
  let family = '';
  if (!text.endsWith('\n')) throw new Error('the last line does not end');
  const lines = text.slice(0, -1).split('\n');
  if (format === 'openmetrics' && lines.pop() !== '# EOF') throw new Error('no # EOF at the end');
  for (const line of lines) {
    const help = helpLine.exec(line);
    const type = typeLine.exec(line);
    const sample = sampleLine.exec(line);
    if (help !== null) {
      if (helped.has(help[1]!)) throw new Error(`a second head: ${line}`);
      helped.add(help[1]!);
      family = '';
    } else if (type !== null) {
      family = type[1]!;
      if (!helped.has(family) || types.has(family)) throw new Error(`a type out of place: ${line}`);
      types.set(family, type[2]!);
    } else if (sample !== null) {
      const [, name = '', labels = '', value = ''] = sample;
      if (!namesOf(family, types.get(family) ?? '', format).includes(name))
        throw new Error(`not of ${family}: ${line}`);
      const key = `${name}${labels}`;
      if (values.has(key)) throw new Error(`a second sample: ${line}`);
      values.set(key, value.endsWith('Inf') ? Number(value.replace('Inf', 'Infinity')) : Number(value));
    } else throw new Error(`not a line of the format: ${line}`);
  }
  return { values, types };
}

/** The names that samples of a family may have. */
function namesOf(family: string, type: string, format: 'prometheus' | 'openmetrics'): string[] {
  if (type === 'histogram') return ['_bucket', '_sum', '_count'].map((suffix) => family + suffix);
  if (format === 'prometheus') return [family];
  if (type === 'counter') return [`${family}_total`];
  return [type === 'info' ? `${family}_info` : family];
}
