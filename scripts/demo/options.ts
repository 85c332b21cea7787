/** Command line of the demo. */
import { parseArgs } from 'node:util';

/** What one run of the demo shows. */
export interface DemoOptions {
  readonly drones: number;
  /** Seconds after which the demo ends by itself; 0 = never. */
  readonly seconds: number;
  readonly colour: boolean;
  /** Address the server listens on. */
  readonly host: string;
  /** Ports that are wished for; if one is taken, a free one is used instead. 0 = any. */
  readonly rtmpPort: number;
  readonly rtspPort: number;
}

/** A wrong argument; the message is one line that names it, the value and what is allowed. */
export class DemoUsageError extends Error {}

const mostDrones = 200;

export const demoHelp = `npm run demo -- [options]

Starts Skyweir with simulated drones and readers in one process, and shows a live table. Needs no ffmpeg.

  --drones <n>       simulated drones, 1-${mostDrones} (default: 8)
  --seconds <n>      end by itself after so many seconds (default: run until Ctrl-C)
  --no-color         no colours; the variable NO_COLOR does the same
  --host <address>   address to listen on (default: ::, every address)
  --rtmp-port <n>    RTMP port to try first, 0 for any free one (default: 1935)
  --rtsp-port <n>    RTSP port to try first, 0 for any free one (default: 8554)
  --help             print this
`;

/** Reads the arguments after the script's name; null if the help was asked for. Throws {@link DemoUsageError}. */
export function parseDemoOptions(
  args: readonly string[],
  environment: Readonly<Record<string, string | undefined>>,
): DemoOptions | null {
  const { values } = parse(args);
  if (values.help === true) return null;
  return {
    drones: wholeNumber('--drones', values.drones ?? '8', 1, mostDrones),
    seconds: wholeNumber('--seconds', values.seconds ?? '0', 0, 86_400),
    colour: values.color !== false && !environment['NO_COLOR'],
    host: values.host ?? '::',
    rtmpPort: wholeNumber('--rtmp-port', values['rtmp-port'] ?? '1935', 0, 65_535),
    rtspPort: wholeNumber('--rtsp-port', values['rtsp-port'] ?? '8554', 0, 65_535),
  };
}

function parse(args: readonly string[]) {
  try {
    return parseArgs({
      args: [...args],
      allowNegative: true,
      options: {
        drones: { type: 'string' },
        seconds: { type: 'string' },
        color: { type: 'boolean' },
        host: { type: 'string' },
        'rtmp-port': { type: 'string' },
        'rtsp-port': { type: 'string' },
        help: { type: 'boolean', short: 'h' },
      },
    });
  } catch (error) {
    // Node explains the rest of its rules behind the first sentence.
    throw new DemoUsageError(`${(error as Error).message.split('. ')[0]}; see --help`);
  }
}

function wholeNumber(flag: string, text: string, min: number, max: number): number {
  const value = /^\d+$/.test(text) ? Number(text) : Number.NaN;
  if (value >= min && value <= max) return value;
  throw new DemoUsageError(`${flag} ${text}: must be a whole number from ${min} to ${max}`);
}
