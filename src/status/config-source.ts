import { describeChanges } from '../config/changes.ts';
import type { ConfigEdit } from '../config/edits.ts';
import type { ConfigProblem } from '../config/errors.ts';
import type { ConfigFile, LoadedConfig } from '../config/load.ts';
import { configValues } from '../config/print.ts';
import type { Config } from '../config/schema.ts';

/** The configuration as the HTTP port shows and changes it. */
export interface ConfigSource {
  state(): ConfigState;
  /** What a change would come to; nothing changes. */
  validate(edit: ConfigEdit): ChangeOutcome | Refusal;
  /**
   * Changes the file and what is in force: both, or neither. `isVersion` tells whether the version that the caller saw is this one;
   * `user` is for the log.
   */
  change(edit: ConfigEdit, isVersion: (version: string) => boolean, user: string): Promise<ChangeOutcome | Refusal>;
}

/** What is in force, and what the file says now. */
export interface ConfigState {
  readonly running: Config;
  /** From the file as it is, else as it was when it had no mistake; null where there are no sources to read. */
  readonly loaded: LoadedConfig | null;
  /** Of the file. */
  readonly text: string;
  /** What the text is recognised by. */
  readonly version: string;
  readonly file: ConfigFile | null;
  /** Mistakes in the file as it is now. */
  readonly problems: readonly ConfigProblem[];
  /** What the file says that is not in force. */
  readonly waiting: readonly ConfigChange[];
}

/** A key that another configuration says otherwise. */
export interface ConfigChange {
  readonly key: string;
  readonly applies: 'live' | 'restart';
  /** As the file writes them; absent for lists of cameras and hardware. */
  readonly from?: unknown;
  readonly to?: unknown;
}

/** A change that was made, or could be. */
export interface ChangeOutcome {
  readonly changes: readonly ConfigChange[];
  /** How the file was changed beyond what was asked for. */
  readonly notes: readonly string[];
  readonly warnings: readonly string[];
  /** Of the new text. */
  readonly version: string;
  readonly loaded: LoadedConfig;
}

/** A change that was refused whole. */
export interface Refusal {
  readonly refused: 'invalid' | 'conflict' | 'missing' | 'stale' | 'busy';
  readonly detail: string;
  readonly problems: readonly ConfigProblem[];
}

/** What changes from `running` to `wanted`. */
export function changeList(wanted: Config, running: Config): ConfigChange[] {
  const { live, waiting } = describeChanges(wanted, running);
  const [before, after] = [configValues(running), configValues(wanted)];
  const change = (key: string, applies: 'live' | 'restart'): ConfigChange => {
    if (key === 'cameras' || key === 'hardware') return { key, applies };
    return { key, applies, from: before[key] ?? null, to: after[key] ?? null };
  };
  return [...live.map((key) => change(key, 'live')), ...waiting.map((key) => change(key, 'restart'))];
}
