/** The file of `--json`: looked at before a run, since nobody wants to learn after an hour that it cannot be written. */
import { accessSync, closeSync, constants, openSync, rmSync, statSync, writeFileSync } from 'node:fs';

/** A file that cannot be written; the message is a line for people. */
export class ReportFileError extends Error {}

const remedies: Readonly<Record<string, string>> = {
  ENOENT: 'its folder does not exist; make it, or name another file',
  ENOTDIR: 'its folder is a file; name another one',
  EISDIR: 'it is a folder; name a file in it',
  ENOSPC: 'make room there, or name another file',
};

/** One report. A file that is not needed in the end, because the run did not come to it, is not left behind empty. */
export class ReportFile {
  readonly #flag: string;
  readonly #file: string;
  readonly #onExit = (): void => {
    if (statSync(this.#file, { throwIfNoEntry: false })?.size === 0) rmSync(this.#file);
  };

  /** Makes sure that `file` can be written and leaves alone what is in it. Throws {@link ReportFileError}. */
  constructor(flag: string, file: string) {
    this.#flag = flag;
    this.#file = file;
    this.#try(() => {
      const there = statSync(file, { throwIfNoEntry: false });
      // Pipes and devices would take the opening itself for the beginning of something.
      if (there !== undefined && !there.isFile() && !there.isDirectory()) accessSync(file, constants.W_OK);
      else closeSync(openSync(file, 'a'));
      if (there === undefined) process.once('exit', this.#onExit);
    });
  }

  /** Throws {@link ReportFileError}. */
  write(report: object): void {
    process.off('exit', this.#onExit);
    this.#try(() => writeFileSync(this.#file, `${JSON.stringify(report, null, 2)}\n`));
  }

  #try(action: () => void): void {
    try {
      action();
    } catch (error) {
      const { code = 'unknown error' } = error as NodeJS.ErrnoException;
      const remedy = remedies[code] ?? 'name another file';
      throw new ReportFileError(`${this.#flag} ${this.#file}: cannot be written (${code}): ${remedy}`);
    }
  }
}

/** The file of `--json` for a program that ends at once, with 2, when it cannot be written; null without one (''). */
export function reportFileOf(program: string, file: string): ReportFile | null {
  try {
    return file === '' ? null : new ReportFile('--json', file);
  } catch (error) {
    if (!(error instanceof ReportFileError)) throw error;
    console.error(`${program}: ${error.message}`);
    process.exit(2);
  }
}
