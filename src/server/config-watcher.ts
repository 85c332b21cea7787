import type { Logger } from '../base/logger.ts';
import { describeChanges } from '../config/changes.ts';
import { NotReadyError, StartError, UsageError } from '../config/errors.ts';
import type { LoadedConfig } from '../config/load.ts';
import type { Config } from '../config/schema.ts';
import { FileWatch } from './file-watch.ts';

/**
 * Milliseconds that the file must stand still before it is read. Editors write in several steps, and a copy over a network comes in
 * pieces with pauses: the first half of a file may well be without a mistake, and switch off what stands in the second.
 */
const stillMs = 2000;

const emptiedRemedy =
  'holds no key, as if it were half written; the configuration stays as it was. Write the keys again; for the defaults, start Skyweir again';

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
  readonly nowMs?: () => number;
}

/**
 * Puts a changed configuration file in force while streams run. A file with a mistake is refused whole, with the line of each
 * mistake, and the running configuration stays.
 */
export class ConfigWatcher {
  readonly #options: ConfigWatcherOptions;
  readonly #watch: FileWatch;
  #reloading: Promise<void> = Promise.resolve();
  /** It was told that a change waits until it can be made. */
  #delayed = false;
  readonly #onHangUp = (): void => void this.reload();

  constructor(options: ConfigWatcherOptions) {
    this.#options = options;
    const { file, nowMs } = options;
    const files = file === null ? [] : [file];
    // It looks at the file itself: a folder does not tell when what a symbolic link leads to changes.
    this.#watch = new FileWatch(files, () => this.#reloadInTurn(), { stillMs, ...(nowMs !== undefined && { nowMs }) });
  }

  /** Listens for changes of the file and for SIGHUP from now on. */
  start(): void {
    // On a terminal this signal means that the terminal is gone.
    if (process.platform !== 'win32' && !process.stdout.isTTY) process.on('SIGHUP', this.#onHangUp);
    this.#watch.start();
  }

  /** Looks whether the file has changed, as is done every second. */
  look(): Promise<void> {
    return this.#watch.look();
  }

  /** Reads the configuration and puts it in force, however new the file is. Never throws: what is wrong is logged. */
  async reload(): Promise<void> {
    await this.#watch.note();
    await this.#reloadInTurn();
  }

  close(): void {
    this.#watch.stop();
    process.off('SIGHUP', this.#onHangUp);
  }

  #reloadInTurn(): Promise<void> {
    const { store } = this.#options;
    this.#reloading = this.#reloading.then(async () => {
      if (store === undefined) await this.#reloadNow();
      // What was written through the API is in force already.
      else await store.exclusive(async () => (store.holdsOwnText ? undefined : this.#reloadNow()));
    });
    return this.#reloading;
  }

  async #reloadNow(): Promise<void> {
    const { load, running, apply, logger } = this.#options;
    try {
      const { config, warnings, file, fileKeys } = load();
      const { live, waiting } = describeChanges(config, running());
      if (live.length === 0 && waiting.length === 0) return;
      if (file !== null && fileKeys === 0) {
        // What stops a copy half-way leaves an empty file: that is no wish for the defaults, without logins for publishers.
        logger.error({}, `${file.path}: ${emptiedRemedy}`);
        return;
      }
      for (const warning of warnings) logger.warn({}, warning);
      if (waiting.length > 0)
        logger.warn({ keys: waiting }, `takes effect when Skyweir is started again: ${waiting.join(', ')}`);
      if (live.length === 0) return;
      await apply(config);
      this.#delayed = false;
      // Who is being stopped changes nothing any more.
      if (describeChanges(config, running()).live.length > 0) return;
      logger.info({ keys: live }, `configuration changed: ${live.join(', ')}`);
    } catch (error) {
      if (error instanceof NotReadyError) {
        this.#tryAgain();
        return;
      }
      this.#delayed = false;
      if (error instanceof UsageError) for (const problem of error.problems) logger.error({}, problem);
      else if (error instanceof StartError) logger.error({}, error.message);
      else logger.error({ err: error }, 'internal error while the configuration was changed; please report it');
      logger.error({}, 'the configuration was not changed: all of it stays as it was');
    }
  }

  /** Until it can be done, or the file says something else. */
  #tryAgain(): void {
    this.#watch.forget();
    if (this.#delayed) return;
    this.#delayed = true;
    this.#options.logger.warn({}, 'the configuration is changed as soon as the listeners are open again');
  }
}
