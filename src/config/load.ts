import { resolve } from 'node:path';
import type { z } from 'zod';
import { cameraKeys } from './camera-list.ts';
import { type ConfigProblem, describeFileError, isMissing, plainProblem, UsageError } from './errors.ts';
import { countCameras, type HardwareDefaults, planHardware } from './hardware.ts';
import { findConflicts } from './hardware-conflicts.ts';
import { type HardwareEntry, hardwareKeys } from './hardware-list.ts';
import { hookKeys, shownHookValue } from './hook-list.ts';
import { maskProblems } from './hook-masks.ts';
import {
  type Config,
  keptConfigFile,
  type SettingKey,
  type SettingValues,
  settingKeys,
  settings,
  usesCertificate,
} from './schema.ts';
import { type DefaultContext, environmentName, type Setting } from './setting.ts';
import { usualStateFolder } from './settings/access.ts';
import { suggest } from './suggestion.ts';
import { type FileEntry, parseConfigFile } from './yaml-file.ts';

/** Where configuration comes from. Everything outside the process is given, so that tests need no machine. */
export interface ConfigSources {
  /** Values by flag name, only those that were given on the command line. */
  readonly flags: ReadonlyMap<string, string | boolean>;
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** Returns the text of a file or throws the system's error. */
  readonly readFile: (path: string) => string;
  /** Stands for what is in the file, whether that is there or not. */
  readonly fileText?: string;
  /** Without `--config`, read the file that changes are kept in: {@link keptConfigFile}. It need not be there. */
  readonly keptFile?: boolean;
  readonly cores: number;
  readonly terminal: boolean;
}

/** The effective configuration, and for each key where it came from: `default`, a flag, a variable, or file and line. */
export interface LoadedConfig {
  readonly config: Config;
  readonly origins: ReadonlyMap<SettingKey, string>;
  /** The same as one word, for the keys that were given. */
  readonly sources: ReadonlyMap<SettingKey, Source>;
  /** What each key is when nobody gives it. */
  readonly defaults: SettingValues;
  /** The file that was read, or that is kept in the state folder; null is none. */
  readonly file: ConfigFile | null;
  /** Keys that the file holds, also those that flags or variables win over. */
  readonly fileKeys: number;
  /** Lines for the log: things that were ignored but are probably a mistake. */
  readonly warnings: readonly string[];
}

/** Where a value was given. */
export type Source = 'file' | 'environment' | 'flag';

/** The file of the configuration. */
export interface ConfigFile {
  readonly path: string;
  /** Nobody named it: it is the one of the state folder, and need not be there. */
  readonly kept: boolean;
}

/** Variables that begin with SKYWEIR_ but are not settings. */
const otherVariables: readonly string[] = ['SKYWEIR_PASSWORD', 'SKYWEIR_TLS_PASSWORD'];

/** Addresses in the variables that container platforms make of the services of other containers; no setting has such a value. */
const ofService = /^(?:tcp|udp|sctp):\/\//;

/** A value before validation, with the words that a message about it begins with. */
interface Given {
  readonly raw: unknown;
  /** Short form for `origins`. */
  readonly origin: string;
  readonly source: Source;
  /** Such as `--rtmp-port 70000` or `a.yaml:3:12: rtmp-port 70000`; `path` leads into a list. */
  describe(path: readonly PropertyKey[], value: unknown): string;
}

/** A mistake in what was given for a key. Without `given` it is in what follows from defaults. */
function problemOf(
  key: SettingKey,
  given: Given | undefined,
  path: readonly PropertyKey[],
  value: unknown,
  remedy: string,
): ConfigProblem {
  const { flag } = settings[key];
  const words = given?.describe(path, value) ?? `--${flag}`;
  const place = given?.source === 'file' ? /:(\d+):(\d+): /.exec(words) : null;
  return {
    text: `${words}: ${remedy}`,
    key: `${flag}${describePath(path)}`,
    path: [flag, ...path],
    value: value ?? null,
    remedy,
    line: place === null ? null : Number(place[1]),
    column: place === null ? null : Number(place[2]),
  };
}

/**
 * Joins file, environment and flags (later ones win) with the defaults. Throws {@link UsageError} with one line for every
 * problem found.
 */
export function loadConfig(sources: ConfigSources): LoadedConfig {
  const problems: ConfigProblem[] = [];
  const warnings: string[] = [];
  const given = new Map<SettingKey, Given>();
  const values: Partial<Record<SettingKey, unknown>> = {};
  const origins = new Map<SettingKey, string>();

  const fromFlags = readFlags(sources.flags);
  const fromEnvironment = readEnvironment(sources.environment, warnings);
  const named = fromFlags.get('configFile') ?? fromEnvironment.get('configFile');
  const file = findFile(named, fromFlags.get('stateDir') ?? fromEnvironment.get('stateDir'), sources);
  const fromFile = file === null ? new Map<SettingKey, Given>() : readFile(file, named, sources, problems);
  for (const [key, value] of fromFile) given.set(key, value);
  if (named !== undefined && sources.keptFile === true) {
    const kept = unreadFile(named, fromFlags.get('stateDir') ?? fromEnvironment.get('stateDir'), sources);
    if (kept !== null) warnings.push(`${kept}: is not read, because ${named.origin} names another file`);
  }
  if (file?.kept === true && given.has('stateDir')) {
    const remedy = 'cannot stand in the file that is kept in this folder; give it as --state-dir or SKYWEIR_STATE_DIR';
    problems.push(problemOf('stateDir', given.get('stateDir'), [], given.get('stateDir')!.raw, remedy));
  }
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
  for (const { path, value, remedy } of maskProblems(values.hooks))
    problems.push(problemOf('hooks', given.get('hooks'), path.slice(1), value, remedy));
  if (problems.length > 0) throw new UsageError(problems);

  const context: DefaultContext = {
    cores: sources.cores,
    terminal: sources.terminal,
    cameras: countCameras(
      (values.hardware ?? []) as HardwareEntry[],
      (values.cameras ?? settings.cameras.default) as SettingValues['cameras'],
    ),
    stateDirectory: systemdFolder(sources.environment),
  };
  const defaults: Partial<Record<SettingKey, unknown>> = {};
  for (const key of settingKeys) {
    const fallback: unknown = settings[key].default;
    defaults[key] = typeof fallback === 'function' ? fallback(context) : fallback;
    if (key in values) continue;
    values[key] = defaults[key];
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
    const remedy = `cannot stand beside hardware (${origins.get('hardware')}); list the cameras in their hardware entries`;
    problems.push(problemOf('cameras', given.get('cameras'), [], settled.cameras, remedy));
  } else problems.push(...describeConflicts(entries, complete, settled, given));
  checkPorts(complete, given, problems);
  checkTls(complete, given, problems, warnings);
  if (problems.length > 0) throw new UsageError(problems);
  const givenIn = new Map([...given].map(([key, { source }]) => [key, source]));
  return {
    config: deepFreeze(complete),
    origins,
    sources: givenIn,
    defaults: defaults as SettingValues,
    file,
    fileKeys: fromFile.size,
    warnings,
  };
}

/** systemd separates several folders with colons; the first is ours. */
function systemdFolder(environment: ConfigSources['environment']): string | null {
  return environment['STATE_DIRECTORY']?.split(':')[0] || null;
}

/** The file that was named, else the one of the state folder, where that is wanted. */
function findFile(named: Given | undefined, stateDir: Given | undefined, sources: ConfigSources): ConfigFile | null {
  if (named !== undefined) return { path: String(named.raw), kept: false };
  return sources.keptFile === true ? { path: keptFileOf(stateDir, sources), kept: true } : null;
}

function keptFileOf(stateDir: Given | undefined, sources: ConfigSources): string {
  return keptConfigFile(String(stateDir?.raw ?? systemdFolder(sources.environment) ?? usualStateFolder));
}

/** The file of the state folder, if it is there and another was named. */
function unreadFile(named: Given, stateDir: Given | undefined, sources: ConfigSources): string | null {
  const kept = keptFileOf(stateDir, sources);
  if (resolve(kept) === resolve(String(named.raw))) return null;
  try {
    sources.readFile(kept);
    return kept;
  } catch {
    return null;
  }
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
): ConfigProblem[] {
  const list = entries.length > 0 ? 'hardware' : 'cameras';
  return findConflicts(entries, config, defaults).map(({ path, value, text }) => {
    const culprit = path.includes('onvif-port') && entries.length === 0 ? 'onvifPort' : list;
    return problemOf(culprit, given.get(culprit), path, value, text);
  });
}

/** Two services on one port. */
function checkPorts(config: Config, given: ReadonlyMap<SettingKey, Given>, problems: ConfigProblem[]): void {
  const always = ['rtmpPort', 'rtmpsPort', 'rtspPort'] as const;
  const ports = config.http ? ([...always, 'httpPort'] as const) : always;
  ports.forEach((key, index) => {
    const other = ports.slice(0, index).find((earlier) => config[earlier] === config[key]);
    // 0 is none, or any free port.
    if (other === undefined || config[key] === 0) return;
    const culprit = given.has(key) ? key : other;
    const remedy = `--${settings[other].flag} and --${settings[key].flag} are both ${config[key]}; choose another port for one of them`;
    problems.push(problemOf(culprit, given.get(culprit), [], config[key], remedy));
  });
}

/** A certificate needs all its parts, and somebody to want it. */
function checkTls(
  config: Config,
  given: ReadonlyMap<SettingKey, Given>,
  problems: ConfigProblem[],
  warnings: string[],
): void {
  type TlsKey = 'tlsPfx' | 'tlsPasswordFile' | 'tlsCert' | 'tlsKey';
  const describe = (key: TlsKey): string | undefined => given.get(key)?.describe([], config[key]);
  const refuse = (key: TlsKey, remedy: string): void => {
    problems.push(problemOf(key, given.get(key), [], config[key], remedy));
  };
  const { tlsPfx, tlsCert, tlsKey } = config;
  if (!usesCertificate(config)) {
    for (const key of ['tlsPfx', 'tlsPasswordFile', 'tlsCert', 'tlsKey'] as const)
      if (given.has(key)) warnings.push(`${describe(key)}: has no effect without --tls or --rtmps-port`);
  } else if (tlsCert !== null && tlsKey === null) {
    refuse('tlsCert', 'needs --tls-key too, the file with the private key of this certificate');
  } else if (tlsKey !== null && tlsCert === null) {
    refuse('tlsKey', 'needs --tls-cert too, the file with the certificate of this key');
  } else if (tlsCert !== null) {
    if (given.has('tlsPfx')) warnings.push(`${describe('tlsPfx')}: is not used, because --tls-cert is given`);
  } else if (tlsPfx === null) {
    refuse('tlsPfx', 'TLS needs a certificate; name its file, or give --tls-cert and --tls-key');
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
    found.set(key, { raw, origin: name, source: 'flag', describe });
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
    if (ofService.test(raw)) {
      // A service `skyweir-rtmp` in Kubernetes makes SKYWEIR_RTMP_PORT.
      const told = 'is what a container platform says of a service, and no setting; ignored';
      if (key !== undefined) warnings.push(`${name}=${show(raw)}: ${told}`);
    } else if (key !== undefined) {
      const describe = (_path: readonly PropertyKey[], value: unknown): string => `${name}=${show(value)}`;
      found.set(key, { raw, origin: name, source: 'environment', describe });
    } else if (!otherVariables.includes(name)) {
      // Not an error: container platforms add variables of their own that begin with a service's name.
      const meant = suggest(name, [...names.keys(), ...otherVariables]);
      if (meant !== null) warnings.push(`${name}: unknown environment variable, ignored; did you mean ${meant}?`);
    }
  }
  return found;
}

function readFile(
  { path, kept }: ConfigFile,
  named: Given | undefined,
  sources: ConfigSources,
  problems: ConfigProblem[],
): Map<SettingKey, Given> {
  const found = new Map<SettingKey, Given>();
  let entries: FileEntry[];
  try {
    entries = parseConfigFile(sources.fileText ?? sources.readFile(path), path);
  } catch (error) {
    if (error instanceof UsageError) problems.push(...error.details);
    else if (!kept || !isMissing(error)) {
      const words = named?.describe([], path) ?? path;
      problems.push(plainProblem(`${words}: cannot read the file: ${describeFileError(error)}`));
    }
    return found;
  }
  const keys = new Map(
    settingKeys.filter((key) => settings[key].inFile).map((key) => [settings[key].flag as string, key]),
  );
  for (const entry of entries) {
    const key = keys.get(entry.key);
    if (key === undefined) {
      const unknown = plainProblem(`${entry.place}: ${unknownKey(entry.key, keys.keys())}`);
      problems.push({ ...unknown, key: entry.key, path: [entry.key], value: entry.value });
      continue;
    }
    const describe = (path: readonly PropertyKey[], value: unknown): string =>
      `${entry.locate(path)}: ${entry.key}${describePath(path)} ${show(value)}`;
    const origin = entry.place.replace(/:\d+$/, '');
    found.set(key, { raw: entry.value, origin, source: 'file', describe });
  }
  return found;
}

/** The lines for one validation issue, with the value that caused it and what is allowed instead. */
function describeIssue(issue: z.core.$ZodIssue, key: SettingKey, given: Given): ConfigProblem[] {
  const value = valueAt(given.raw, issue.path);
  if (issue.code === 'unrecognized_keys') {
    const isHardware = key === 'hardware' && issue.path.length === 1;
    return issue.keys.map((unknown) => {
      const found = (value as Record<string, unknown> | undefined)?.[unknown];
      const remedy = unknownKey(unknown, key === 'hooks' ? hookKeys : isHardware ? hardwareKeys : cameraKeys);
      const shown = key === 'hooks' ? shownHookValue([unknown], found) : found;
      return problemOf(key, given, [...issue.path, unknown], shown, remedy);
    });
  }
  const isNothing = value === null || value === undefined;
  const remedy = isNothing ? `has no value; it must be ${issue.message}` : `must be ${issue.message}`;
  const shown = key === 'hooks' ? shownHookValue(issue.path, value) : value;
  return [problemOf(key, given, issue.path, shown, remedy)];
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
  for (const part of path) {
    // A list may be given as text with commas.
    const list = typeof value === 'string' ? value.split(',').map((word) => word.trim()) : value;
    value = (list as Record<PropertyKey, unknown> | null | undefined)?.[part];
  }
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
