import { type FSWatcher, watch } from 'node:fs';
import { basename, dirname, resolve } from 'node:path';
import type { Logger } from '../base/logger.ts';
import { describeChanges } from '../config/changes.ts';
import { StartError, UsageError } from '../config/errors.ts';
import type { LoadedConfig } from '../config/load.ts';
import type { Config } from '../config/schema.ts';

/** Milliseconds from a sign of a change to the look at the file: editors write in several steps. */
const settleMs = 300;

/** What a {@link ConfigWatcher} needs. */
export interface ConfigWatcherOptions {
  /** Null is none: then only SIGHUP and {@link ConfigWatcher.reload} are heard. */
  readonly file: string | null;
  /** Reads the configuration anew from all its sources. Throws {@link UsageError}. */
  readonly load: () => LoadedConfig;
  /** The configuration in force. */
  readonly running: () => Config;
  /** Puts another in force. Throws {@link StartError} if that cannot be. */
  readonly apply: (config: Config) => Promise<void>;
  /** Who else changes configuration and file. */
  readonly store?: {
    exclusive<T>(work: () => Promise<T>): Promise<T>;
    readonly holdsOwnText: boolean;
  };
  readonly logger: Logger;
}

/**
 * Puts a changed configuration file in force while streams run. A file with a mistake is refused whole, with the line of each
 * mistake, and the running configuration stays.
 */
export class ConfigWatcher {
  readonly #options: ConfigWatcherOptions;
  #watcher: FSWatcher | null = null;
  #timer: NodeJS.Timeout | null = null;
  #reloading: Promise<void> = Promise.resolve();
  readonly #onHangUp = (): void => void this.reload();

  constructor(options: ConfigWatcherOptions) {
    this.#options = options;
  }

  /** Listens for changes of the file and for SIGHUP from now on. */
  start(): void {
    const { file, logger } = this.#options;
    // On a terminal this signal means that the terminal is gone.
    if (process.platform !== 'win32' && !process.stdout.isTTY) process.on('SIGHUP', this.#onHangUp);
    if (file === null) return;
    const name = basename(file);
    try {
      // The folder, not the file: editors replace a file by renaming another, and the watched one is then the old one.
      this.#watcher = watch(dirname(resolve(file)), { persistent: false }, (_event, changed) => {
        if (changed === null || changed === name) this.#onSign();
      });
      this.#watcher.on('error', () => this.#watcher?.close());
    } catch (error) {
      logger.warn({ err: error }, `${file}: cannot be watched; send SIGHUP after a change`);
    }
  }

  /** Reads the configuration and puts it in force. Never throws: what is wrong is logged. */
  reload(): Promise<void> {
    const { store } = this.#options;
    this.#reloading = this.#reloading.then(async () => {
      if (store === undefined) await this.#reloadNow();
      // What was written through the API is in force already.
      else await store.exclusive(async () => (store.holdsOwnText ? undefined : this.#reloadNow()));
    });
    return this.#reloading;
  }

  close(): void {
    this.#watcher?.close();
    if (this.#timer !== null) clearTimeout(this.#timer);
    process.off('SIGHUP', this.#onHangUp);
  }

  #onSign(): void {
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = setTimeout(() => {
      this.#timer = null;
      void this.reload();
    }, settleMs);
    this.#timer.unref();
  }

  async #reloadNow(): Promise<void> {
    const { load, running, apply, logger } = this.#options;
    try {
      const { config, warnings } = load();
      const { live, waiting } = describeChanges(config, running());
      for (const warning of warnings) logger.warn({}, warning);
      if (waiting.length > 0)
        logger.warn({ keys: waiting }, `takes effect when Skyweir is started again: ${waiting.join(', ')}`);
      if (live.length === 0) return;
      await apply(config);
      logger.info({ keys: live }, `configuration changed: ${live.join(', ')}`);
    } catch (error) {
      if (error instanceof UsageError) for (const problem of error.problems) logger.error({}, problem);
      else if (error instanceof StartError) logger.error({}, error.message);
      else logger.error({ err: error }, 'internal error while the configuration was changed; please report it');
      logger.error({}, 'the configuration was not changed: all of it stays as it was');
    }
  }
}
