import { createHash } from 'node:crypto';
import { isDeepStrictEqual } from 'node:util';
import { limits } from '../base/limits.ts';
import type { Logger } from '../base/logger.ts';
import { describeChanges } from '../config/changes.ts';
import { type CameraPlace, type ConfigEdit, EditError, type Edited } from '../config/edits.ts';
import { type ConfigProblem, describeFileError, plainProblem, StartError, UsageError } from '../config/errors.ts';
import type { ConfigFile, LoadedConfig } from '../config/load.ts';
import { type Config, settingKeys, settings } from '../config/schema.ts';
import { parseConfigFile } from '../config/yaml-file.ts';
import type { ChangeOutcome, ConfigState, Refusal } from '../status/config-source.ts';
import { changeList } from '../status/config-source.ts';
import { type PreparedText, prepareConfigText, readConfigText } from './config-file.ts';

/** What a {@link ConfigStore} needs. */
export interface ConfigStoreOptions {
  /** Reads the configuration from all its sources, with `text` for what the file holds. Throws {@link UsageError}. */
  readonly load: ((text?: string) => LoadedConfig) | null;
  /** The configuration in force. */
  readonly running: () => Config;
  /** Puts another in force. Throws {@link StartError} if that cannot be. */
  readonly apply: (config: Config, same: CameraPlace | null) => Promise<void>;
  readonly logger: Logger;
}

/** Times that a change is begun anew because somebody wrote the file meanwhile. */
const attempts = 3;

/**
 * The configuration with its file, as it is changed over HTTP: one change at a time, each of which is in the file and in force, or
 * in neither. What others wrote to the file since is part of what is changed, never lost.
 */
export class ConfigStore {
  readonly #options: ConfigStoreOptions;
  #last: Promise<unknown> = Promise.resolve();
  #waiting = 0;
  /** The newest text that came from here, until somebody else's was read. */
  #ownText: string | null = null;
  #read: { readonly text: string; readonly loaded: LoadedConfig } | null = null;

  constructor(options: ConfigStoreOptions) {
    this.#options = options;
  }

  /** Does some work while nothing else changes the configuration. */
  exclusive<T>(work: () => Promise<T>): Promise<T> {
    const done = this.#last.then(work);
    this.#last = done.catch(() => undefined);
    return done;
  }

  /** Whether the file holds what was written here, and nobody else's text came since. */
  get holdsOwnText(): boolean {
    try {
      const file = this.#file();
      if (file !== null && this.#ownText !== null && readConfigText(file.path) === this.#ownText) return true;
    } catch {
      // Whoever reads the file next reports it.
    }
    this.#ownText = null;
    return false;
  }

  /** What is in force, where it comes from, and what the file says now. */
  state(): ConfigState {
    const running = this.#options.running();
    const { text, problem } = this.#textNow();
    const { loaded, problems } = this.#tryLoad(text);
    const found = problem === null ? problems : [plainProblem(problem)];
    const waiting = loaded === null || found.length > 0 ? [] : changeList(loaded.config, running);
    return { running, loaded, text, version: versionOf(text), file: this.#file(), problems: found, waiting };
  }

  /** What a change would come to; nothing changes. */
  validate(edit: ConfigEdit): ChangeOutcome | Refusal {
    const { text, problem } = this.#textNow();
    if (problem !== null) return refusal('conflict', problem);
    const planned = this.#plan(edit, text);
    return 'refused' in planned ? planned : this.#outcome(planned);
  }

  /** Changes the file and what is in force. `isVersion` tells whether the version that the caller saw is this one. */
  change(edit: ConfigEdit, isVersion: (version: string) => boolean, user: string): Promise<ChangeOutcome | Refusal> {
    if (this.#waiting >= limits.http.waitingChanges)
      return Promise.resolve(refusal('busy', 'other changes of the configuration wait already; try again'));
    this.#waiting++;
    return this.exclusive(() => this.#changeNow(edit, isVersion, user)).finally(() => this.#waiting--);
  }

  async #changeNow(
    edit: ConfigEdit,
    isVersion: (version: string) => boolean,
    user: string,
  ): Promise<ChangeOutcome | Refusal> {
    const before = this.#options.running();
    const outcome = await this.#tryChange(edit, isVersion, before);
    if ('refused' in outcome) {
      // Somebody wrote the file while this was put in force, and with that text it cannot be.
      if (!isDeepStrictEqual(this.#options.running(), before))
        await this.#options.apply(before, null).catch(() => undefined);
      return outcome;
    }
    this.#tell(outcome, user);
    return outcome;
  }

  #tell({ changes, warnings }: ChangeOutcome, user: string): void {
    const { logger } = this.#options;
    const keysThat = (applies: string): string[] =>
      changes.filter((one) => one.applies === applies).map(({ key }) => key);
    const [live, waiting] = [keysThat('live'), keysThat('restart')];
    for (const warning of warnings) logger.warn({}, warning);
    if (waiting.length > 0)
      logger.warn({ keys: waiting, user }, `takes effect when Skyweir is started again: ${waiting.join(', ')}`);
    if (live.length > 0) logger.info({ keys: live, user }, `configuration changed: ${live.join(', ')}`);
  }

  async #tryChange(
    edit: ConfigEdit,
    isVersion: (version: string) => boolean,
    before: Config,
  ): Promise<ChangeOutcome | Refusal> {
    for (let attempt = 0; attempt < attempts; attempt++) {
      const { text, problem } = this.#textNow();
      if (problem !== null) return refusal('conflict', problem);
      if (!isVersion(versionOf(text)))
        return refusal('stale', 'the configuration has changed since; read it again, and change what it is now');
      const planned = this.#plan(edit, text);
      if ('refused' in planned) return planned;
      const outcome = this.#outcome(planned, before);
      const written = await this.#putInForce(planned, text);
      if (written === 'again') continue;
      return written ?? outcome;
    }
    return refusal('busy', 'the file is being written by somebody else; try again');
  }

  /** Null if it is in the file and in force. */
  async #putInForce({ edited, loaded, file }: Plan, before: string): Promise<Refusal | 'again' | null> {
    const { apply, running } = this.#options;
    if (edited.text === before && describeChanges(loaded.config, running()).live.length === 0) return null;
    let prepared: PreparedText;
    try {
      prepared = prepareConfigText(file.path, edited.text, before);
    } catch (error) {
      return notWritten(file, error);
    }
    try {
      await apply(loaded.config, edited.same ?? null);
    } catch (error) {
      prepared.abort();
      if (error instanceof StartError) return refusal('conflict', error.message, [startProblem(error.message)]);
      throw error;
    }
    if (describeChanges(loaded.config, running()).live.length > 0) {
      prepared.abort();
      return refusal('busy', 'the server is being stopped');
    }
    if (this.#textNow().text !== before) {
      prepared.abort();
      return 'again';
    }
    try {
      this.#ownText = edited.text;
      prepared.commit();
    } catch (error) {
      prepared.abort();
      this.#ownText = null;
      return notWritten(file, error);
    }
    return null;
  }

  #plan(edit: ConfigEdit, text: string): Plan | Refusal {
    const { load } = this.#options;
    const file = this.#file();
    if (load === null || file === null) return refusal('conflict', 'this server has no configuration file to change');
    try {
      const edited = edit(text, (wanted) => (wanted === text ? this.#loadBase(text, file) : this.#load(wanted)));
      const loaded = this.#load(edited.text);
      const fixed = fixedKeys(text, edited.text, loaded);
      if (fixed.length > 0) return refusal('conflict', 'what the file says of these keys would have no effect', fixed);
      return { edited, loaded, file };
    } catch (error) {
      if (error instanceof UsageError) return refusal('invalid', 'the configuration has mistakes', error.details);
      if (error instanceof EditError) return refusal(error.kind, error.message);
      throw error;
    }
  }

  #outcome({ edited, loaded }: Plan, before = this.#options.running()): ChangeOutcome {
    const changes = changeList(loaded.config, before);
    const { warnings } = loaded;
    return { changes, notes: edited.notes, warnings, version: versionOf(edited.text), loaded };
  }

  #file(): ConfigFile | null {
    if (this.#read !== null) return this.#read.loaded.file;
    return this.#options.load === null ? null : (this.#tryLoad('').loaded?.file ?? null);
  }

  #textNow(): { readonly text: string; readonly problem: string | null } {
    const file = this.#file();
    if (file === null) return { text: '', problem: null };
    try {
      return { text: readConfigText(file.path), problem: null };
    } catch (error) {
      return { text: '', problem: `${file.path}: cannot read the file: ${describeFileError(error)}` };
    }
  }

  #tryLoad(text: string): { readonly loaded: LoadedConfig | null; readonly problems: readonly ConfigProblem[] } {
    if (this.#options.load === null) return { loaded: null, problems: [] };
    try {
      return { loaded: this.#load(text), problems: [] };
    } catch (error) {
      if (!(error instanceof UsageError)) throw error;
      return { loaded: this.#read?.loaded ?? null, problems: error.details };
    }
  }

  /** The file as it is, for who changes a part of it. What somebody is just writing must not become the rest. */
  #loadBase(text: string, { path }: ConfigFile): LoadedConfig {
    const loaded = this.#load(text);
    const { live, waiting } = describeChanges(loaded.config, this.#options.running());
    const isEmptied = loaded.fileKeys === 0 && text !== this.#ownText;
    if (isEmptied && live.length + waiting.length > 0)
      throw new EditError(
        'conflict',
        `${path}: holds no key, as if it were half written; try again, or replace all of it with PUT as YAML`,
      );
    return loaded;
  }

  /** A thousand cameras take a tenth of a second to read: the newest text is remembered. */
  #load(text: string): LoadedConfig {
    if (this.#read?.text !== text) this.#read = { text, loaded: this.#options.load!(text) };
    return this.#read.loaded;
  }
}

/** A change that can be made, as far as the configuration itself goes. */
interface Plan {
  readonly edited: Edited;
  readonly loaded: LoadedConfig;
  readonly file: ConfigFile;
}

/** What a text is recognised by. */
function versionOf(text: string): string {
  return createHash('sha256').update(text).digest('base64url').slice(0, 24);
}

function refusal(refused: Refusal['refused'], detail: string, problems: readonly ConfigProblem[] = []): Refusal {
  return { refused, detail, problems };
}

/** Keys that would say something else in the file, where flag or variable win over it. */
function fixedKeys(before: string, after: string, { sources, origins, config, file }: LoadedConfig): ConfigProblem[] {
  const name = file?.path ?? '';
  const old = new Map(entriesOf(before, name));
  return entriesOf(after, name).flatMap(([flag, value]) => {
    const key = settingKeys.find((known) => settings[known].flag === flag);
    const source = key === undefined ? 'file' : sources.get(key);
    if (key === undefined || source === 'file' || isDeepStrictEqual(old.get(flag), value)) return [];
    const by = source === 'flag' ? `the flag ${origins.get(key)}` : `the variable ${origins.get(key)}`;
    const remedy = `is fixed by ${by}, which wins over the file; take that away and start Skyweir again`;
    if (isDeepStrictEqual(settings[key].format(config[key] as never), value)) return [];
    return [{ text: `${flag}: ${remedy}`, key: flag, path: [flag], value, remedy, line: null, column: null }];
  });
}

function entriesOf(text: string, name: string): [string, unknown][] {
  try {
    return parseConfigFile(text, name).map(({ key, value }) => [key, value]);
  } catch {
    return [];
  }
}

/** `--rtmp-port 1935: the port is in use...` with its parts. */
function startProblem(text: string): ConfigProblem {
  const [, flag = null, value = null, remedy = text] = /^--([a-z0-9-]+)(?: (\S+))?: (.*)$/s.exec(text) ?? [];
  return { text, key: flag, path: flag === null ? [] : [flag], value, remedy, line: null, column: null };
}

function notWritten({ path, kept }: ConfigFile, error: unknown): Refusal {
  const remedy = kept
    ? 'choose a folder that Skyweir may write with --state-dir'
    : 'let Skyweir write the file and its folder, or start it without --config to keep changes in the state folder';
  return refusal('conflict', `${path}: cannot be written: ${describeFileError(error)}; ${remedy}`);
}
