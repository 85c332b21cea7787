import { isDeepStrictEqual } from 'node:util';
import { limits } from '../base/limits.ts';
import { UsageError } from './errors.ts';
import { refuseMasks, unmaskHooks } from './hook-masks.ts';
import type { LoadedConfig } from './load.ts';
import { configValues } from './print.ts';
import { settingKeys, settings } from './schema.ts';
import { parseConfigFile } from './yaml-file.ts';
import { YamlText } from './yaml-text.ts';

/** A changed text of the file, and what a person should know of how it was changed. */
export interface Edited {
  readonly text: string;
  readonly notes: readonly string[];
  /** A camera that is the same as before, whatever else is said of it now. */
  readonly same?: CameraPlace;
}

/** Where a camera is found. */
export interface CameraPlace {
  /** Place of its hardware in the list of hardware. */
  readonly hardware: number;
  readonly channel: number;
}

/** A change of the file's text. `load` reads a text as the server would. Throws {@link EditError} and {@link UsageError}. */
export type ConfigEdit = (text: string, load: (text: string) => LoadedConfig) => Edited;

/** A change that is asked of something that is not there, or cannot be as things are. */
export class EditError extends Error {
  readonly kind: 'missing' | 'conflict';

  constructor(kind: 'missing' | 'conflict', message: string) {
    super(message);
    this.name = 'EditError';
    this.kind = kind;
  }
}

/** Puts these keys in place of what the file says; null takes a key out, so that its default counts. */
export function patchKeys(changes: Readonly<Record<string, unknown>>): ConfigEdit {
  return (text, load) => {
    checkValues(changes);
    const count = Object.keys(changes).length;
    // Each is looked for among those before it. Twice, for a file with mistakes may have some that are none.
    if (count > 2 * settingKeys.length) throw new UsageError(`${count} keys are more than there are`);
    const yaml = new YamlText(text);
    const keys = new Set(yaml.keys);
    const before = tryLoad(text, load);
    const shown = shownValues(before);
    const left: [key: string, value: unknown][] = [];
    for (const [key, value] of Object.entries(changes)) {
      if (value === null) {
        if (keys.has(key)) yaml.delete([key]);
        else if (!isKey(key)) throw new UsageError(`unknown key ${key}; see docs/configuration.md for all keys`);
      } else if (isDeepStrictEqual(shown[key], value)) {
        // What came from here and goes back stays as it is written, and where nobody wrote it, it stays so too.
        if (!keys.has(key)) left.push([key, value]);
      } else {
        // A secret is shown as a mask only.
        const whole = key === 'hooks' ? unmaskHooks(value, before?.config.hooks ?? []) : value;
        if (!isDeepStrictEqual(yaml.get([key]), whole)) yaml.set([key], whole);
      }
    }
    if (left.length > 0) writeWhatMoved(yaml, left, load);
    return { text: yaml.toString(), notes: [] };
  };
}

/** Some defaults follow other keys: where those were changed, what was sent is said in the file. */
function writeWhatMoved(
  yaml: YamlText,
  left: readonly (readonly [key: string, value: unknown])[],
  load: (text: string) => LoadedConfig,
): void {
  const after = tryLoad(yaml.toString(), load);
  if (after === null) return;
  const shown = shownValues(after);
  for (const [key, value] of left) if (!isDeepStrictEqual(shown[key], value)) yaml.set([key], value);
}

/** These keys and no others; comments of those that stay are kept. */
export function replaceKeys(config: Readonly<Record<string, unknown>>): ConfigEdit {
  return (text, load) => {
    const gone = new YamlText(text).keys.filter((key) => !(key in config)).map((key) => [key, null] as const);
    return patchKeys({ ...Object.fromEntries(gone), ...config })(text, load);
  };
}

/** A whole file in place of what is there. */
export function replaceText(text: string): ConfigEdit {
  return () => {
    const brackets = text.match(/[[{]/g)?.length ?? 0;
    if (brackets > limits.http.configBrackets)
      throw new UsageError(`the text has ${brackets} brackets; ${limits.http.configBrackets} are the most`);
    refuseMasks(hooksOf(text));
    return { text, notes: [] };
  };
}

/** The file as it would be read; null where it has mistakes. */
function tryLoad(text: string, load: (text: string) => LoadedConfig): LoadedConfig | null {
  try {
    return load(text);
  } catch (error) {
    if (error instanceof UsageError) return null;
    throw error;
  }
}

/** What is shown of it, as JSON has it; nothing where it has mistakes. */
function shownValues(loaded: LoadedConfig | null): Readonly<Record<string, unknown>> {
  return loaded === null ? {} : JSON.parse(JSON.stringify(configValues(loaded.config)));
}

/** The hooks of a text that was not read yet. Who reads it reports its mistakes. */
function hooksOf(text: string): unknown {
  try {
    return parseConfigFile(text, '').find(({ key }) => key === 'hooks')?.value;
  } catch {
    return undefined;
  }
}

function isKey(key: string): boolean {
  return settingKeys.some((known) => settings[known].flag === key && settings[known].inFile);
}

/** What YAML would write and not read again: values nested without end. JSON itself allows them. */
function checkValues(value: unknown, depth = 0): void {
  if (depth > 8) throw new UsageError('the values are nested deeper than those of any key');
  if (typeof value === 'object' && value !== null)
    for (const part of Object.values(value)) checkValues(part, depth + 1);
}
