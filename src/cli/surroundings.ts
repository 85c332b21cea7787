import type { LoadedConfig } from '../config/load.ts';

/** What a subcommand has of its process; tests put their own in. */
export interface Surroundings {
  readonly version: string;
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** Columns of the terminal; undefined without one. */
  readonly columns: number | undefined;
  /** The configuration with these settings from the command line. Throws `UsageError` for a mistake in it. */
  load(flags: ReadonlyMap<string, string | boolean>): LoadedConfig;
  /** Writes to standard output. */
  write(text: string): void;
  /** What the process ends with; 0 without a call. Mistakes are thrown: `UsageError` ends with 2, `StartError` with 1. */
  exitCode(code: number): void;
}
