import { type Program, until } from './program.ts';

/** A line of the JSON log. */
export type LogLine = Record<string, unknown>;

/** Every TCP port, chosen by the system, and none that others reach. */
export const anyPorts = [
  ...['--host', '127.0.0.1'],
  ...['--rtmp-port', '0', '--rtsp-port', '0', '--onvif-port', '0', '--http-port', '0'],
] as const;

/** What `src/cli.ts`, started with `--log-format json`, has written so far. */
export class CliLog {
  readonly #program: Program;

  constructor(program: Program) {
    this.#program = program;
  }

  /** All whole lines that are of the log. */
  get lines(): LogLine[] {
    const whole = this.#program.output.stdout.split('\n').slice(0, -1);
    return whole.filter((line) => line.startsWith('{')).map((line) => JSON.parse(line) as LogLine);
  }

  /** Those whose message has this text in it. */
  said(text: string): LogLine[] {
    return this.lines.filter(({ msg }) => String(msg).includes(text));
  }

  /** The line that says that it is ready; fails with what it wrote to standard error if it has ended instead. */
  async ready(timeoutMs?: number): Promise<LogLine> {
    const line = () => this.lines.find(({ msg }) => msg === 'Skyweir is ready');
    const isOver = () => line() !== undefined || this.#program.process.exitCode !== null;
    await until('the program is ready', isOver, timeoutMs);
    const found = line();
    if (found === undefined) throw new Error(this.#program.output.stderr);
    return found;
  }
}

/** The port of a protocol, of the line that says that the program is ready. */
export function portOf(ready: LogLine, protocol: 'rtmp' | 'rtsp' | 'http'): number {
  return Number(String(ready[protocol]).split(':').at(-1));
}
