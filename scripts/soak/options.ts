/** Command line of the soak. */
import { parseArgs } from 'node:util';

/** What one run does. */
export interface SoakOptions {
  readonly minutes: number;
  readonly seed: number;
  /** Publishers that stay. */
  readonly steady: number;
  /** Publishers that come and go. */
  readonly flapping: number;
  /** Of each of them. */
  readonly bitsPerSecond: number;
  readonly hostile: boolean;
  /** Seconds between two lines. */
  readonly everySeconds: number;
  readonly jsonFile: string | null;
  readonly logFile: string | null;
}

/** A wrong argument; the message is one line. */
export class SoakUsageError extends Error {}

export const soakHelp = `npm run soak -- [options]

Starts Skyweir on free ports and lets everything at it that it meets in the field, for as long as you like: publishers that stay,
that flap and that are odd, readers that check every frame, that are slow and that leave, hostile peers, ONVIF clients.

  --minutes <n>      how long, such as 0.5 or 600 (default: 10)
  --seed <n>         where all chance comes from (default: 1)
  --steady <n>       publishers that stay (default: 20)
  --flapping <n>     publishers that are killed or leave, and come back (default: 6)
  --bitrate <n>      Mbit/s of each of them (default: 1)
  --no-hostile       without hostile peers
  --every <n>        seconds between two lines (default: 5)
  --json <file>      write the report there
  --log <file>       write the server's log there
  --help             print this

Ends with PASS (exit code 0) or FAIL and what was wrong (1); 2 if it could not run or report. Ctrl-C ends it early with a verdict.
`;

/** A week: nobody has tried longer. */
const mostMinutes = 7 * 24 * 60;

/** Reads the arguments; null if the help was asked for. Throws {@link SoakUsageError}. */
export function parseSoakOptions(args: readonly string[]): SoakOptions | null {
  const { values } = parse(args);
  if (values.help === true) return null;
  return {
    minutes: number('--minutes', values.minutes ?? '10', 0.05, mostMinutes, false),
    seed: number('--seed', values.seed ?? '1', 0, 0xffffffff),
    steady: number('--steady', values.steady ?? '20', 1, 500),
    flapping: number('--flapping', values.flapping ?? '6', 0, 100),
    bitsPerSecond: 1e6 * number('--bitrate', values.bitrate ?? '1', 0.1, 50, false),
    hostile: values.hostile !== false,
    everySeconds: number('--every', values.every ?? '5', 0.5, 3600, false),
    jsonFile: values.json ?? null,
    logFile: values.log ?? null,
  };
}

function parse(args: readonly string[]) {
  try {
    return parseArgs({
      args: [...args],
      allowNegative: true,
      options: {
        minutes: { type: 'string' },
        seed: { type: 'string' },
        steady: { type: 'string' },
        flapping: { type: 'string' },
        bitrate: { type: 'string' },
        hostile: { type: 'boolean' },
        every: { type: 'string' },
        json: { type: 'string' },
        log: { type: 'string' },
        help: { type: 'boolean', short: 'h' },
      },
    });
  } catch (error) {
    // Node explains the rest of its rules behind the first sentence.
    throw new SoakUsageError(`${(error as Error).message.split(/\. |\n/)[0]}; see --help`);
  }
}

function number(flag: string, text: string, min: number, max: number, whole = true): number {
  const value = (whole ? /^\d+$/ : /^\d+(\.\d+)?$/).test(text) ? Number(text) : Number.NaN;
  if (value >= min && value <= max) return value;
  throw new SoakUsageError(`${flag} ${text}: must be a ${whole ? 'whole ' : ''}number from ${min} to ${max}`);
}
