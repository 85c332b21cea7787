import { type Logger as PinoLogger, symbols } from 'pino';
import type { FiguresLogger } from './base/logger.ts';

/** Where pino puts the lines of a logger. */
interface Destination {
  write(line: string): void;
}

/**
 * Writes the JSON lines that a pino logger writes, of plain data: level, bindings and destination are pino's, but the fields become
 * a text all at once. pino makes one for each field, so that it can change or hide it; of a long line that is three quarters of
 * the cost.
 */
export class FiguresLog implements FiguresLogger {
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

  /** A block is for people: in JSON the fields say it all. */
  info(fields: object, message: string): void {
    if (!this.#logger.isLevelEnabled('info')) return;
    const start = `{"level":"info"${this.#time()}${this.#bindings}`;
    this.#destination.write(`${start}${continued(fields)},"msg":${JSON.stringify(message)}}\n`);
  }
}

/** The JSON text of an object without its braces, as it goes on behind other fields. */
function continued(fields: object): string {
  const text = JSON.stringify(fields).slice(1, -1);
  return text === '' ? '' : `,${text}`;
}
