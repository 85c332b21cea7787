/** The part of a pino logger that services use, so that they do not depend on pino. */
export interface Logger {
  debug(fields: object, message: string): void;
  info(fields: object, message: string): void;
  warn(fields: object, message: string): void;
  error(fields: object, message: string): void;
}

/** Logs lines of many figures. `block` makes a text of several lines, for people: the pretty form shows it instead of the fields. */
export interface FiguresLogger {
  info(fields: object, message: string, block: () => string): void;
}

/** Writes lines of figures to any logger, with the block as one of the fields. */
export function withBlocks(logger: Pick<Logger, 'info'>): FiguresLogger {
  return { info: (fields, message, block) => logger.info({ ...fields, block }, message) };
}
