import type { z } from 'zod';
import { cameraKeys } from './camera-list.ts';
import { describeFileError, UsageError } from './errors.ts';
import { countCameras, type HardwareDefaults, planHardware } from './hardware.ts';
import { findConflicts } from './hardware-conflicts.ts';
import { type HardwareEntry, hardwareKeys } from './hardware-list.ts';
import { type Config, type SettingKey, type SettingValues, servesTls, settingKeys, settings } from './schema.ts';
import { type DefaultContext, environmentName, type Setting } from './setting.ts';
import { suggest } from './suggestion.ts';
import { type FileEntry, parseConfigFile } from './yaml-file.ts';

/** Where configuration comes from. Everything outside the process is given, so that tests need no machine. */
export interface ConfigSources {
  /** Values by flag name, only those that were given on the command line. */
  readonly flags: ReadonlyMap<string, string | boolean>;
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** Returns the text of a file or throws the system's error. */
  readonly readFile: (path: string) => string;
  readonly cores: number;
  readonly terminal: boolean;
}

/** The effective configuration, and for each key where it came from: `default`, a flag, a variable, or file and line. */
export interface LoadedConfig {
  readonly config: Config;
  readonly origins: ReadonlyMap<SettingKey, string>;
  /** Lines for the log: things that were ignored but are probably a mistake. */
  readonly warnings: readonly string[];
}

/** Variables that begin with SKYWEIR_ but are not settings. */
const otherVariables: readonly string[] = ['SKYWEIR_PASSWORD', 'SKYWEIR_TLS_PASSWORD'];

/** A value before validation, with the words that a message about it begins with. */
interface Given {
  readonly raw: unknown;
  /** Short form for `origins`. */
  readonly origin: string;
  /** Such as `--rtmp-port 70000` or `a.yaml:3:12: rtmp-port 70000`; `path` leads into a list. */
  describe(path: readonly PropertyKey[], value: unknown): string;
}

/**
 * Joins file, environment and flags (later ones win) with the defaults. Throws {@link UsageError} with one line for every
 * problem found.
 */
export function loadConfig(sources: ConfigSources): LoadedConfig {
  const problems: string[] = [];
  const warnings: string[] = [];
  const given = new Map<SettingKey, Given>();
  const values: Partial<Record<SettingKey, unknown>> = {};
  const origins = new Map<SettingKey, string>();

  const fromFlags = readFlags(sources.flags);
  const fromEnvironment = readEnvironment(sources.environment, warnings);
  const file = fromFlags.get('configFile') ?? fromEnvironment.get('configFile');
  if (file !== undefined) for (const [key, value] of readFile(file, sources, problems)) given.set(key, value);
  for (const [key, value] of fromEnvironment) given.set(key, value);
  for (const [key, value] of fromFlags) given.set(key, value);

  for (const [key, value] of given) {
    const setting: Setting<unknown> = settings[key] as Setting<unknown>;
    const result = setting.schema.safeParse(value.raw);
    if (result.success) {
      values[key] = result.data;
      origins.set(key, value.origin);
    } else for (const issue of result.error.issues) problems.push(...describeIssue(issue, key, value));
  }
  if (problems.length > 0) throw new UsageError(problems);

  const context: DefaultContext = {
    cores: sources.cores,
    terminal: sources.terminal,
    cameras: countCameras(
      (values.hardware ?? []) as HardwareEntry[],
      (values.cameras ?? settings.cameras.default) as SettingValues['cameras'],
    ),
    // systemd separates several folders with colons; the first is ours.
    stateDirectory: sources.environment['STATE_DIRECTORY']?.split(':')[0] || null,
  };
  for (const key of settingKeys) {
    if (key in values) continue;
    const fallback: unknown = settings[key].default;
    values[key] = typeof fallback === 'function' ? fallback(context) : fallback;
    origins.set(key, 'default');
  }

  const settled = values as SettingValues;
  const entries = settled.hardware;
  const plan = planHardware(entries, settled);
  const complete: Config = {
    ...settled,
    host: bareHost(settled.host),
    httpHost: bareHost(settled.httpHost),
    cameras: plan.cameraList.length,
    ...plan,
  };
  if (entries.length > 0 && given.has('cameras')) {
    const { cameras } = settled;
    problems.push(
      `${given.get('cameras')!.describe([], cameras)}: cannot stand beside hardware (${origins.get('hardware')}); list the cameras in their hardware entries`,
    );
  } else problems.push(...describeConflicts(entries, complete, settled, given));
  checkPorts(complete, given, problems);
  checkTls(complete, given, problems, warnings);
  if (problems.length > 0) throw new UsageError(problems);
  return { config: deepFreeze(complete), origins, warnings };
}

/** IPv6 addresses may be given in brackets, as in URLs. */
function bareHost(host: string): string {
  return host.replace(/^\[(.*)\]$/, '$1');
}

/** What two entries claim at the same time, each in a line that names both. */
function describeConflicts(
  entries: readonly HardwareEntry[],
  config: Config,
  defaults: HardwareDefaults,
  given: ReadonlyMap<SettingKey, Given>,
): string[] {
  const list = entries.length > 0 ? 'hardware' : 'cameras';
  return findConflicts(entries, config, defaults).map(({ path, value, text }) => {
    const culprit = path.includes('onvif-port') && entries.length === 0 ? 'onvifPort' : list;
    const where = given.get(culprit)?.describe(path, value) ?? `--${settings[culprit].flag}`;
    return `${where}: ${text}`;
  });
}

/** Two services on one port. */
function checkPorts(config: Config, given: ReadonlyMap<SettingKey, Given>, problems: string[]): void {
  const always = ['rtmpPort', 'rtmpsPort', 'rtspPort'] as const;
  const ports = config.http ? ([...always, 'httpPort'] as const) : always;
  ports.forEach((key, index) => {
    const other = ports.slice(0, index).find((earlier) => config[earlier] === config[key]);
    // 0 is none, or any free port.
    if (other === undefined || config[key] === 0) return;
    const culprit = given.get(key) ?? given.get(other);
    problems.push(
      `${culprit?.describe([], config[key])}: --${settings[other].flag} and --${settings[key].flag} are both ${config[key]}; choose another port for one of them`,
    );
  });
}

/** A certificate needs all its parts, and somebody to want it. */
function checkTls(config: Config, given: ReadonlyMap<SettingKey, Given>, problems: string[], warnings: string[]): void {
  const describe = (key: 'tlsPfx' | 'tlsPasswordFile' | 'tlsCert' | 'tlsKey'): string | undefined =>
    given.get(key)?.describe([], config[key]);
  const { tlsPfx, tlsCert, tlsKey } = config;
  if (!servesTls(config)) {
    for (const key of ['tlsPfx', 'tlsPasswordFile', 'tlsCert', 'tlsKey'] as const)
      if (given.has(key)) warnings.push(`${describe(key)}: has no effect without --tls or --rtmps-port`);
  } else if (tlsCert !== null && tlsKey === null) {
    problems.push(`${describe('tlsCert')}: needs --tls-key too, the file with the private key of this certificate`);
  } else if (tlsKey !== null && tlsCert === null) {
    problems.push(`${describe('tlsKey')}: needs --tls-cert too, the file with the certificate of this key`);
  } else if (tlsCert !== null) {
    if (given.has('tlsPfx')) warnings.push(`${describe('tlsPfx')}: is not used, because --tls-cert is given`);
  } else if (tlsPfx === null) {
    problems.push(`${describe('tlsPfx')}: TLS needs a certificate; name its file, or give --tls-cert and --tls-key`);
  }
}

function readFlags(flags: ConfigSources['flags']): Map<SettingKey, Given> {
  const found = new Map<SettingKey, Given>();
  for (const key of settingKeys) {
    const { flag } = settings[key];
    const raw = settings[key].onlyInFile ? undefined : flags.get(flag);
    if (raw === undefined) continue;
    const name = raw === false ? `--no-${flag}` : `--${flag}`;
    const describe = (_path: readonly PropertyKey[], value: unknown): string =>
      typeof raw === 'boolean' ? name : `${name} ${show(value)}`;
    found.set(key, { raw, origin: name, describe });
  }
  return found;
}

function readEnvironment(environment: ConfigSources['environment'], warnings: string[]): Map<SettingKey, Given> {
  const found = new Map<SettingKey, Given>();
  const inEnvironment = settingKeys.filter((key) => !settings[key].onlyInFile);
  const names = new Map(inEnvironment.map((key) => [environmentName(settings[key].flag), key]));
  for (const [name, raw] of Object.entries(environment)) {
    // An empty variable is how container files say "not set".
    if (!name.startsWith('SKYWEIR_') || raw === undefined || raw === '') continue;
    const key = names.get(name);
    if (key !== undefined) {
      found.set(key, { raw, origin: name, describe: (_path, value) => `${name}=${show(value)}` });
    } else if (!otherVariables.includes(name)) {
      // Not an error: container platforms add variables of their own that begin with a service's name.
      const meant = suggest(name, [...names.keys(), ...otherVariables]);
      if (meant !== null) warnings.push(`${name}: unknown environment variable, ignored; did you mean ${meant}?`);
    }
  }
  return found;
}

function readFile(file: Given, sources: ConfigSources, problems: string[]): Map<SettingKey, Given> {
  const found = new Map<SettingKey, Given>();
  const path = String(file.raw);
  let entries: FileEntry[];
  try {
    entries = parseConfigFile(sources.readFile(path), path);
  } catch (error) {
    if (error instanceof UsageError) problems.push(...error.problems);
    else problems.push(`${file.describe([], path)}: cannot read the file: ${describeFileError(error)}`);
    return found;
  }
  const keys = new Map(
    settingKeys.filter((key) => settings[key].inFile).map((key) => [settings[key].flag as string, key]),
  );
  for (const entry of entries) {
    const key = keys.get(entry.key);
    if (key === undefined) {
      problems.push(`${entry.place}: ${unknownKey(entry.key, keys.keys())}`);
      continue;
    }
    const describe = (path: readonly PropertyKey[], value: unknown): string =>
      `${entry.locate(path)}: ${entry.key}${describePath(path)} ${show(value)}`;
    found.set(key, { raw: entry.value, origin: entry.place.replace(/:\d+$/, ''), describe });
  }
  return found;
}

/** The lines for one validation issue, with the value that caused it and what is allowed instead. */
function describeIssue(issue: z.core.$ZodIssue, key: SettingKey, given: Given): string[] {
  const value = valueAt(given.raw, issue.path);
  if (issue.code === 'unrecognized_keys') {
    const isHardware = key === 'hardware' && issue.path.length === 1;
    return issue.keys.map((unknown) => {
      const found = (value as Record<string, unknown> | undefined)?.[unknown];
      const where = given.describe([...issue.path, unknown], found);
      return `${where}: ${unknownKey(unknown, isHardware ? hardwareKeys : cameraKeys)}`;
    });
  }
  if (value === null || value === undefined) {
    return [`${given.describe(issue.path, value)}: has no value; it must be ${issue.message}`];
  }
  return [`${given.describe(issue.path, value)}: must be ${issue.message}`];
}

function unknownKey(key: string, known: Iterable<string>): string {
  const all = [...known];
  if (key.startsWith('no-') && all.includes(key.slice(3))) {
    return `unknown key ${show(key)}; in the file write ${key.slice(3)}: false`;
  }
  const kebab = key.replaceAll('_', '-').replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
  const meant = suggest(kebab, all);
  const remedy = meant === null ? 'see docs/configuration.md for all keys' : `did you mean ${meant}?`;
  return `unknown key ${show(key)}; ${remedy}`;
}

function valueAt(raw: unknown, path: readonly PropertyKey[]): unknown {
  let value = raw;
  for (const part of path) value = (value as Record<PropertyKey, unknown> | null | undefined)?.[part];
  return value;
}

/** `[2].path` for the path of the third element, counted from 1 as people do: `[3].path`. */
function describePath(path: readonly PropertyKey[]): string {
  return path.map((part) => (typeof part === 'number' ? `[${part + 1}]` : `.${String(part)}`)).join('');
}

/** A value in one line of a message, quoted if it is not a plain word, and cut if it is long. */
function show(value: unknown): string {
  if (value === undefined || value === null) return '(nothing)';
  if (typeof value === 'string' && /^[\x21-\x7e]{1,80}$/.test(value)) return value;
  const text = JSON.stringify(value) ?? String(value);
  return text.length > 80 ? `${text.slice(0, 77)}...` : text;
}

function deepFreeze<T>(value: T): T {
  if (typeof value === 'object' && value !== null && !Object.isFrozen(value)) {
    Object.freeze(value);
    for (const part of Object.values(value)) deepFreeze(part);
  }
  return value;
}
