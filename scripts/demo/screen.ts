/** Puts the demo on a terminal, redrawn in place, or writes it line by line where there is none. */
import { writeSync } from 'node:fs';
import type { WriteStream } from 'node:tty';
import { stripVTControlCharacters } from 'node:util';

/** What the demo shows itself through. `draw` may be called often; lines that are not due are not written. */
export interface Output {
  /** Something that stays: a greeting, an event, the last words. */
  say(line: string): void;
  /** Columns and rows to lay out for. */
  readonly size: { readonly columns: number; readonly rows: number };
  /** Gives the terminal back as it was; whatever is said later appears as usual. */
  close(): void;
}

const standardOutput = 1;
const enter = '\x1b[?1049h\x1b[?25l';
const leave = '\x1b[?7h\x1b[?25h\x1b[?1049l';

/**
 * One write for a whole picture, without clearing first: nothing flickers. Terminals that know ?2026 show it at once.
 * Lines of all `columns` are not followed by "erase to the end of the line", which would take their last character.
 */
export function pictureBytes(lines: readonly string[], columns: number): string {
  const erased = lines.map((line) => (stripVTControlCharacters(line).length < columns ? `${line}\x1b[K` : line));
  return `\x1b[?2026h\x1b[?7l\x1b[H${erased.join('\r\n')}\x1b[J\x1b[?7h\x1b[?2026l`;
}

/** A terminal: its other screen is used, so that what stood there before comes back at the end. */
export class TerminalScreen implements Output {
  readonly #terminal: WriteStream;
  readonly #restore = (): void => this.close();
  #open = true;

  constructor(terminal: WriteStream) {
    this.#terminal = terminal;
    // Also when the process ends in a way that nobody planned; the monitor runs before the error is written.
    process.on('exit', this.#restore);
    process.on('uncaughtExceptionMonitor', this.#restore);
    terminal.write(enter);
  }

  get size(): { columns: number; rows: number } {
    return { columns: this.#terminal.columns || 80, rows: this.#terminal.rows || 24 };
  }

  /** Shows a picture, unless the terminal has not taken the one before. */
  draw(lines: readonly string[]): void {
    if (this.#open && !this.#terminal.writableNeedDrain) this.#terminal.write(pictureBytes(lines, this.size.columns));
  }

  say(line: string): void {
    if (!this.#open) this.#terminal.write(`${line}\n`);
  }

  close(): void {
    if (!this.#open) return;
    this.#open = false;
    process.off('exit', this.#restore);
    process.off('uncaughtExceptionMonitor', this.#restore);
    try {
      // Now: nothing else is written in a process that ends.
      writeSync(standardOutput, leave);
    } catch {
      // The terminal is gone.
    }
  }
}

/** A pipe or a file. */
export class PlainOutput implements Output {
  readonly size = { columns: 200, rows: Number.MAX_SAFE_INTEGER };

  say(line: string): void {
    process.stdout.write(`${line}\n`);
  }

  close(): void {
    // Nothing was changed.
  }
}
