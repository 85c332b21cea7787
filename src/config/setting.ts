import { z } from 'zod';
import { formatBytes, formatDuration, parseBytes, parseDuration } from './quantity.ts';

/** Headings under which settings are listed in the help and in the reference, in this order. */
export const settingGroups = [
  'Network',
  'Encryption',
  'Cameras',
  'Limits and deadlines',
  'Ingest rules',
  'Access',
  'Publish authentication',
  'Statistics and logging',
  'Hooks',
  'Performance',
  'Process',
] as const;

/** A heading of {@link settingGroups}. */
export type SettingGroup = (typeof settingGroups)[number];

/** What a default may depend on. */
export interface DefaultContext {
  /** Processor cores that this process may use. */
  readonly cores: number;
  /** Whether standard output is a terminal. */
  readonly terminal: boolean;
  /** Number of cameras, already resolved. */
  readonly cameras: number;
  /** The state folder that systemd gives a service, or null. */
  readonly stateDirectory: string | null;
}

/** A value as YAML writes it. */
export type PlainValue = string | number | boolean | null | readonly string[];

/** Everything that is known about one configuration key; the single source of parsing, help and documentation. */
export interface Setting<T> {
  /** The name of the flag without dashes, which is also the key in the file. */
  readonly flag: string;
  readonly kind:
    | 'integer'
    | 'duration'
    | 'bytes'
    | 'boolean'
    | 'choice'
    | 'text'
    | 'list'
    | 'cameras'
    | 'hardware'
    | 'hooks';
  /** What the help shows for the value, such as `<port>`; empty for on/off flags. */
  readonly valueName: string;
  /** Takes the raw text of a flag or variable as well as a YAML value. */
  readonly schema: z.ZodType<T>;
  /** Completes the sentence "must be ...". */
  readonly allowed: string;
  /** Short form of `allowed` for tables, such as `1-4000`; empty if any text is. */
  readonly range: string;
  readonly default: T | ((context: DefaultContext) => T);
  /** The default with its unit, in words that do not depend on the machine. */
  readonly defaultText: string;
  /** What a plain number counts, such as `connections`; empty where the value says it itself. */
  readonly unit: string;
  /** A value for the sample file where the default is computed or absent. */
  readonly sample: PlainValue;
  /** Whether a change needs the process to start again. */
  readonly applies: 'live' | 'restart';
  readonly group: SettingGroup;
  readonly text: string;
  /** False for the keys that cannot stand in the configuration file. */
  readonly inFile: boolean;
  /** True for the keys that have no flag and no variable, because their value is more than a line. */
  readonly onlyInFile: boolean;
  readonly format: (value: T) => PlainValue;
}

/** What every kind of setting is described with. */
interface Description<T> {
  readonly flag: string;
  readonly default: T | ((context: DefaultContext) => T);
  readonly defaultText?: string;
  readonly sample?: PlainValue;
  readonly unit?: string;
  readonly valueName?: string;
  readonly applies: 'live' | 'restart';
  readonly group: SettingGroup;
  readonly text: string;
  readonly inFile?: boolean;
  readonly onlyInFile?: boolean;
}

/** The name of the environment variable of a flag: `rtmp-port` gives `SKYWEIR_RTMP_PORT`. */
export function environmentName(flag: string): string {
  return `SKYWEIR_${flag.toUpperCase().replaceAll('-', '_')}`;
}

/** A whole number from `min` to `max`. */
export function integer(about: Description<number> & { min: number; max: number }): Setting<number> {
  const allowed = `a whole number from ${about.min} to ${about.max}`;
  const schema = z.preprocess(integerFromText, z.int(allowed).min(about.min, allowed).max(about.max, allowed));
  const range = `${about.min}-${about.max}`;
  return complete(about, { kind: 'integer', valueName: '<n>', schema, allowed, range, format: (value) => value });
}

/** A duration, kept in milliseconds. */
export function duration(about: Description<number> & { minMs: number; maxMs: number }): Setting<number> {
  const [from, to] = [formatDuration(about.minMs), formatDuration(about.maxMs)];
  const allowed = `a duration from ${from} to ${to}, such as 10s, 500ms or 1m (a bare number is seconds)`;
  const schema = z.preprocess(parseDuration, z.int(allowed).min(about.minMs, allowed).max(about.maxMs, allowed));
  const shape = { kind: 'duration', valueName: '<duration>', schema, allowed, range: `${from}-${to}` } as const;
  return complete(about, { ...shape, format: formatDuration });
}

/** A number of bytes, or `auto`. */
export function bytesOrAuto(
  about: Description<number | 'auto'> & { min: number; max: number },
): Setting<number | 'auto'> {
  const [from, to] = [formatBytes(about.min), formatBytes(about.max)];
  const allowed = `auto, or a size from ${from} to ${to}, such as 4MiB or 512KiB (a bare number is bytes)`;
  const size = z.int(allowed).min(about.min, allowed).max(about.max, allowed);
  const schema = z.preprocess(
    (raw) => (raw === 'auto' ? raw : parseBytes(raw)),
    z.union([z.literal('auto'), size], allowed),
  );
  const shape = { kind: 'bytes', valueName: '<size>', schema, allowed, range: `auto or ${from}-${to}` } as const;
  return complete(about, { ...shape, format: (value) => (value === 'auto' ? value : formatBytes(value)) });
}

/** An on/off setting: `--name` and `--no-name`. */
export function boolean(about: Description<boolean>): Setting<boolean> {
  const allowed = 'true or false (also on/off, yes/no, 1/0)';
  const schema = z.preprocess(booleanFromText, z.boolean(allowed));
  const defaultText = about.default === true ? 'on' : 'off';
  const shape = { kind: 'boolean', valueName: '', schema, allowed, range: 'true or false' } as const;
  return complete({ defaultText, ...about }, { ...shape, format: (value) => value });
}

/** One of a few words. */
export function choice<const V extends string>(about: Description<NoInfer<V>> & { values: readonly V[] }): Setting<V> {
  const allowed = `one of ${about.values.join(', ')}`;
  const schema = z.enum(about.values, allowed) as unknown as z.ZodType<V>;
  const shape = { kind: 'choice', valueName: '<word>', schema, allowed, range: about.values.join(', ') } as const;
  return complete(about, { ...shape, format: (value) => value });
}

/** A line of text that `pattern` matches. */
export function text(about: Description<string> & { pattern: RegExp; allowed: string }): Setting<string> {
  const { allowed } = about;
  const schema = z.string(allowed).regex(about.pattern, allowed);
  const shape = { kind: 'text', valueName: '<text>', schema, allowed, range: '' } as const;
  return complete(about, { ...shape, format: (value) => value });
}

/** The path of a file or folder, null when it is not set. */
export function optionalPath(about: Description<string | null>): Setting<string | null> {
  const allowed = 'the path of a file';
  const schema = z.union([z.string(allowed).regex(pathPattern, allowed), z.null()], allowed);
  const shape = { kind: 'text', valueName: '<file>', schema, allowed, range: '' } as const;
  return complete({ defaultText: 'none', ...about }, { ...shape, format: (value) => value });
}

/** Several texts: separated by commas, in the file also a list. `entry` is the check of each. */
export function list(
  about: Description<readonly string[]> & { entry: z.ZodType<string>; allowed: string },
): Setting<readonly string[]> {
  const { allowed } = about;
  const schema = z.preprocess(textsFromText, z.array(about.entry, allowed));
  const shape = { kind: 'list', valueName: '<list>', schema, allowed, range: '' } as const;
  return complete(about, { ...shape, format: (value) => value });
}

/** A path on this machine: anything but nothing and control characters. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is refused
export const pathPattern = /^[^\u0000-\u001f\u007f]+$/;

/** Fills what a kind of setting knows into what its description leaves out. */
export function complete<T>(
  about: Description<T>,
  shape: Pick<Setting<T>, 'kind' | 'valueName' | 'schema' | 'allowed' | 'range' | 'format'>,
): Setting<T> {
  const computed = typeof about.default === 'function';
  const plain = computed ? null : shape.format(about.default as T);
  const unit = about.unit === undefined ? '' : ` ${about.unit}`;
  if (computed && about.defaultText === undefined) throw new Error(`${about.flag}: a computed default needs a text`);
  return {
    ...shape,
    flag: about.flag,
    valueName: about.valueName ?? shape.valueName,
    default: about.default,
    defaultText: about.defaultText ?? `${plain}${unit}`,
    unit: about.unit ?? '',
    sample: about.sample ?? plain,
    applies: about.applies,
    group: about.group,
    text: about.text,
    inFile: about.inFile ?? true,
    onlyInFile: about.onlyInFile ?? false,
  };
}

function integerFromText(raw: unknown): unknown {
  return typeof raw === 'string' && /^[+-]?\d+$/.test(raw.trim()) ? Number(raw) : raw;
}

function textsFromText(raw: unknown): unknown {
  if (typeof raw !== 'string') return raw;
  return raw
    .split(',')
    .map((part) => part.trim())
    .filter((part) => part !== '');
}

function booleanFromText(raw: unknown): unknown {
  switch (typeof raw === 'string' ? raw.trim().toLowerCase() : raw) {
    case 'true':
    case 'on':
    case 'yes':
    case '1':
    case 1:
      return true;
    case 'false':
    case 'off':
    case 'no':
    case '0':
    case 0:
      return false;
    default:
      return raw;
  }
}
