import { type Logger as PinoLogger, symbols } from 'pino';
import type { Logger } from './base/logger.ts';

/** Where pino puts the lines of a logger. */
interface Destination {
  write(line: string): void;
}

type Level = keyof Logger;

/**
 * Writes the JSON lines that a pino logger writes, of plain data: level, bindings and destination are pino's, but the fields become
 * a text all at once. pino makes one for each field, so that it can change or hide it; of a long line that is three quarters of
 * the cost.
 */
export class FiguresLog implements Logger {
  readonly #logger: PinoLogger;
  readonly #destination: Destination;
  readonly #time: () => string;
  /** What follows the time: the bindings of the logger. */
  readonly #bindings: string;

  /** `time` is the logger's own. */
  constructor(logger: PinoLogger, time: () => string) {
    this.#logger = logger;
    this.#destination = (logger as unknown as Record<symbol, Destination>)[symbols.streamSym]!;
    this.#time = time;
    this.#bindings = continued(logger.bindings());
  }

  debug(fields: object, message: string): void {
    this.#write('debug', fields, message);
  }

  info(fields: object, message: string): void {
    this.#write('info', fields, message);
  }

  warn(fields: object, message: string): void {
    this.#write('warn', fields, message);
  }

  error(fields: object, message: string): void {
    this.#write('error', fields, message);
  }

  #write(level: Level, fields: object, message: string): void {
    if (!this.#logger.isLevelEnabled(level)) return;
    // A function is left out anyway, but with one among the fields V8 takes its slow way, which is twice as long.
    const { block: _block, ...others } = fields as { readonly block?: unknown };
    const start = `{"level":"${level}"${this.#time()}${this.#bindings}`;
    this.#destination.write(`${start}${continued(others)},"msg":${JSON.stringify(message)}}\n`);
  }
}

/** The JSON text of an object without its braces, as it goes on behind other fields. */
function continued(fields: object): string {
  const text = JSON.stringify(fields).slice(1, -1);
  return text === '' ? '' : `,${text}`;
}
