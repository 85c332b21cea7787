import { fstatSync } from 'node:fs';
import { isMainThread, threadId } from 'node:worker_threads';
import { type Level, type Logger as PinoLogger, pino } from 'pino';
import { prettyFactory } from 'pino-pretty';
import { type FiguresLogger, withBlocks } from './base/logger.ts';
import type { LogOptions } from './control/messages.ts';
import { FiguresLog } from './figures-log.ts';
import { LineOutput } from './line-output.ts';

export type { LogOptions } from './control/messages.ts';

/**
 * The logger of one thread. Besides its fields a call may carry `block`, a text of several lines for people or a function that
 * makes it: the pretty form shows message and block and hides the other fields, the JSON form leaves the block out and has the
 * fields.
 */
export interface ThreadLog {
  readonly logger: PinoLogger;
  /** For lines of figures, whose fields have fixed names: these are not searched for fields to hide. */
  readonly figures: FiguresLogger;
  /** Writes everything that waits, now and synchronously. Called by itself when the thread ends. */
  flush(): void;
}

/** Bytes of one write that is not mixed with those of other threads: PIPE_BUF of Linux. */
const pipeWriteBytes = 4096;
/**
 * The same for a file, which is locked for the whole of a write, and for a socket of systemd's journal or of a parent process: Linux
 * hands on up to 32 kB in one piece. Each write wakes two threads, so few large ones cost a busy log half of what many small ones do.
 */
const wholeWriteBytes = 32_768;

/** Part of a write that is gathered before it begins; a line that waits longer than `flushDelayMs` is written anyway. */
const gatherPart = 0.75;
const flushDelayMs = 200;

/** Bytes that may wait for a terminal or collector that does not take them; beyond, lines are dropped and counted. */
const waitingBytes = 8 * 1024 * 1024;

/** Fields whose values are hidden whatever they hold. */
const redactedFields = ['password', 'authorization', 'streamKey', 'query'];

const censored = '[secret]';

/** Standard output without a reader, or on a full disk: there is nobody left to tell. */
const ignore = (): void => {};

/**
 * Makes the logger of this thread, which writes straight to standard output. `thread` is its name in every line. Where standard
 * output takes nothing, because its reader has gone or the disk is full, lines are lost and the program goes on.
 */
export function createLog(options: LogOptions, thread: string): ThreadLog {
  const writeBytes = writeBytesOf(1);
  const output = new LineOutput({
    fd: 1,
    writeBytes,
    gatherBytes: options.format === 'json' ? gatherPart * writeBytes : 0,
    delayMs: flushDelayMs,
    waitingBytes,
    onDropped: (lines) => logger.warn({ lines }, 'log lines were dropped because standard output did not take them'),
  });
  const format = lineFormatter(options);
  const logger = createLogger(options, thread, (line) => output.write(format(line)));
  const flush = (): void => output.flush();
  // What else is written, such as the start banner, must not end the process either.
  if (isMainThread)
    for (const stream of [process.stdout, process.stderr]) stream.off('error', ignore).on('error', ignore);
  process.on('exit', flush);
  return { logger, figures: figuresOf(logger, options.format), flush };
}

/** Bytes that one write to standard output may have, so that lines of several threads stay whole. */
function writeBytesOf(fd: number): number {
  if (process.platform !== 'linux') return pipeWriteBytes;
  try {
    const stats = fstatSync(fd);
    return stats.isFile() || stats.isSocket() ? wholeWriteBytes : pipeWriteBytes;
  } catch {
    // It is closed: nothing will be written.
    return pipeWriteBytes;
  }
}

/** {@link createLog} for a thread that ends by itself: its lines are out within a second and when it ends. One that is terminated flushes before. */
export function createThreadLogger(options: LogOptions, thread: string): PinoLogger {
  return createLog(options, thread).logger;
}

/**
 * The same logger without the search for {@link redactedFields}, which takes as long as all the rest of a long line. Configured
 * secrets are masked as in every line.
 */
export function figuresOf(logger: PinoLogger, format: LogOptions['format'] = 'json'): FiguresLogger {
  return format === 'json' ? new FiguresLog(logger, isoTime) : withBlocks(logger.child({}, { redact: [] }));
}

/** A pino logger that hands each JSON line to `write`, before {@link lineFormatter}. */
export function createLogger(options: LogOptions, thread: string, write: (line: string) => void): PinoLogger {
  const pretty = options.format === 'pretty';
  return pino(
    {
      level: options.level,
      // Threads of one kind share a name; the number tells them apart.
      base: isMainThread ? { thread } : { thread, tid: threadId },
      timestamp: isoTime,
      redact: { paths: redactedFields.flatMap((field) => [field, `*.${field}`]), censor: censored },
      formatters: {
        level: (label) => ({ level: label as Level }),
        log: (fields) => {
          if (!('block' in fields)) return fields;
          const isMade = typeof fields['block'] === 'function';
          if (pretty) return { block: isMade ? (fields['block'] as () => string)() : fields['block'] };
          // Functions are left out anyway.
          if (isMade) return fields;
          const { block: _block, ...others } = fields;
          return others;
        },
      },
    },
    { write },
  );
}

let second = Number.NaN;
let secondText = '';

/** What {@link stdTimeFunctions.isoTime} of pino writes. The text of the second is kept: many lines share it. */
function isoTime(): string {
  const nowMs = Date.now();
  const ms = nowMs % 1000;
  if (nowMs - ms !== second) {
    second = nowMs - ms;
    secondText = new Date(second).toISOString().slice(0, -4);
  }
  return `,"time":"${secondText}${String(ms).padStart(3, '0')}Z"`;
}

/** Turns a JSON line of pino into what is written: secrets masked, and laid out for people if the format is pretty. */
export function lineFormatter(options: LogOptions): (line: string) => string {
  const secrets = (options.secrets ?? []).filter((secret) => secret !== '');
  const escaped = secrets.map((secret) => JSON.stringify(secret).slice(1, -1));
  const mask = (text: string): string => secrets.reduce((masked, secret) => masked.replaceAll(secret, censored), text);

  if (options.format === 'json') {
    return (line) => {
      if (!escaped.some((secret) => line.includes(secret))) return isPlain(line) ? line : escapeSteering(line);
      // Only texts are masked, so that a secret made of digits does not break a number.
      return escapeSteering(`${JSON.stringify(mapTexts(JSON.parse(line), mask))}\n`);
    };
  }

  const layOut = prettyFactory({
    colorize: options.colour ?? false,
    singleLine: true,
    translateTime: 'SYS:HH:MM:ss.l',
    ignore: 'thread,tid,block',
    messageFormat: (record, messageKey) => {
      const message = String(record[messageKey] ?? '');
      return record['block'] === undefined ? message : `${message}\n${String(record['block'])}`;
    },
  });
  return (line) => layOut(mapTexts(JSON.parse(line), (text) => mask(text.replace(steering, '\ufffd'))) as object);
}

/**
 * Characters with which a peer could steer a terminal, or turn the text around that is shown: control characters of 7 and
 * of 8 bits, directional marks and overrides, and Unicode's own line ends. Line breaks and tabs stay.
 */
const steering =
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is replaced
  /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]/g;

/** Whether a JSON line has none of them for sure: all characters are ASCII, where {@link escapeSteering} has but one to escape. */
function isPlain(line: string): boolean {
  return Buffer.byteLength(line) === line.length && !line.includes('\u007f');
}

/** JSON escapes the first 32 of them by itself. Outside of texts there are none, so the line means what it did. */
function escapeSteering(line: string): string {
  return line.replace(steering, (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`);
}

/** A copy with every text inside changed by `change`; keys stay. */
function mapTexts(value: unknown, change: (text: string) => string): unknown {
  if (typeof value === 'string') return change(value);
  if (Array.isArray(value)) return value.map((part) => mapTexts(part, change));
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, part]) => [key, mapTexts(part, change)]));
}
