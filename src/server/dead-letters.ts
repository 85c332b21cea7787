import { appendFile, mkdir, rename, stat, truncate } from 'node:fs/promises';
import { dirname } from 'node:path';
import type { Clock } from '../base/clock.ts';
import { limits } from '../base/limits.ts';
import type { Logger } from '../base/logger.ts';
import { describeFileError, isMissing } from '../config/errors.ts';
import type { DeadLetter } from '../hooks/hook-queue.ts';

/**
 * The events that were not delivered, as JSON lines in a file of a bounded size; the file before it is kept as `.1`. Writing
 * happens in the background, one after the other, and never holds anybody up.
 */
export class DeadLetters {
  readonly file: string;
  readonly #clock: Clock;
  readonly #logger: Logger;
  #pending: string[] = [];
  #pendingBytes = 0;
  #lost = 0;
  #writing: Promise<void> | null = null;
  #failed = false;

  constructor(file: string, clock: Clock, logger: Logger) {
    this.file = file;
    this.#clock = clock;
    this.#logger = logger;
  }

  /** Writes down that these events of a hook are not delivered. */
  add(hook: string, letters: readonly DeadLetter[]): void {
    for (const { item, cause, detail, attempts } of letters) {
      const time = new Date(this.#clock.wallMs()).toISOString();
      const head = JSON.stringify({ time, hook, cause, detail, attempts });
      const line = `${head.slice(0, -1)},"event":${item.event}}\n`;
      if (this.#pendingBytes + line.length > limits.hooks.deadLetterPendingBytes) {
        this.#lost++;
        continue;
      }
      this.#pending.push(line);
      this.#pendingBytes += line.length;
    }
    if (this.#pending.length > 0) this.#writing ??= this.#write();
  }

  /** Resolves when everything so far is written, or could not be. */
  async flushed(): Promise<void> {
    await this.#writing;
  }

  async #write(): Promise<void> {
    while (this.#pending.length > 0) {
      const lines = this.#pending;
      const text = lines.join('');
      this.#pending = [];
      this.#pendingBytes = 0;
      let size: number | null = null;
      try {
        await mkdir(dirname(this.file), { mode: 0o700 }).catch(() => undefined);
        size = await sizeOf(this.file);
        if (size > 0 && size + text.length > limits.hooks.deadLetterBytes) {
          await rename(this.file, `${this.file}.1`);
          size = 0;
        }
        await appendFile(this.file, text, { mode: 0o600 });
        this.#failed = false;
      } catch (error) {
        this.#lost += lines.length;
        // A full disk takes part of it; the next line would follow in the middle of the one that was cut short.
        if (size !== null) await truncate(this.file, size).catch(() => undefined);
        if (!this.#failed)
          this.#logger.warn(
            {},
            `${this.file}: events that were not delivered cannot be kept: ${describeFileError(error)}`,
          );
        this.#failed = true;
      }
    }
    // That nothing can be kept was told; how much that was is told when it is over.
    if (this.#lost > 0 && !this.#failed) {
      this.#logger.warn({ lost: this.#lost }, 'some events that were not delivered were not kept either');
      this.#lost = 0;
    }
    this.#writing = null;
  }
}

/** 0 where there is no file. Throws the system's error. */
async function sizeOf(file: string): Promise<number> {
  try {
    return (await stat(file)).size;
  } catch (error) {
    if (isMissing(error)) return 0;
    throw error;
  }
}
