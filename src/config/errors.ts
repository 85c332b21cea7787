/** Exit codes of the process, as promised to scripts and service managers. */
export const exitCodes = { ok: 0, startFailed: 1, usage: 2, interrupted: 130 } as const;

/** One mistake in the configuration, for programs; `text` is all of it in one line for people. */
export interface ConfigProblem {
  readonly text: string;
  /** As the file has it, places counted from 1: `hardware[2].cameras[3].path`. Null if it is about no key. */
  readonly key: string | null;
  /** The way to it from the top: `['hardware', 1, 'cameras', 2, 'path']`. */
  readonly path: readonly PropertyKey[];
  /** As it was given. */
  readonly value?: unknown;
  /** Why it cannot be, and what to do. */
  readonly remedy: string;
  /** Where it stands in the file, from 1; null for what stands in no file. */
  readonly line: number | null;
  readonly column: number | null;
}

/** A mistake that is about no key: its line begins with a place of the file where it has one. */
export function plainProblem(text: string): ConfigProblem {
  const place = /^(?:[^\n]*?):(\d+):(\d+): /.exec(text);
  return {
    text,
    key: null,
    path: [],
    remedy: place === null ? text : text.slice(place[0].length),
    line: place === null ? null : Number(place[1]),
    column: place === null ? null : Number(place[2]),
  };
}

/**
 * A mistake in the flags, the environment or the configuration file. Each problem is one line that names the flag, the
 * value and the remedy. Ends the process with exit code 2, without a stack trace.
 */
export class UsageError extends Error {
  readonly problems: readonly string[];
  /** The same for programs. */
  readonly details: readonly ConfigProblem[];
  readonly exitCode = exitCodes.usage;

  constructor(problems: string | readonly (string | ConfigProblem)[]) {
    const list = typeof problems === 'string' ? [problems] : problems;
    const details = list.map((problem) => (typeof problem === 'string' ? plainProblem(problem) : problem));
    super(details.map(({ text }) => text).join('\n'));
    this.name = 'UsageError';
    this.problems = details.map(({ text }) => text);
    this.details = details;
  }
}

/**
 * The configuration is right but the machine does not allow it: a port in use, a folder that cannot be written. The
 * message is one line with the flag, the value and the remedy. Ends the process with exit code 1, without a stack trace.
 */
export class StartError extends Error {
  readonly exitCode = exitCodes.startFailed;

  constructor(message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'StartError';
  }
}

/** What is wanted cannot be done at this moment, but in the next. */
export class NotReadyError extends StartError {
  constructor(message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'NotReadyError';
  }
}

/** Whether a file operation failed because there is no such file. */
export function isMissing(error: unknown): boolean {
  return error instanceof Error && 'code' in error && (error.code === 'ENOENT' || error.code === 'ENOTDIR');
}

/** What a failed file operation means, in words: `no such file`, `permission denied`; else the system's own message. */
export function describeFileError(error: unknown): string {
  const code = error instanceof Error && 'code' in error ? error.code : undefined;
  switch (code) {
    case 'ENOENT':
      return 'no such file or folder';
    case 'EACCES':
    case 'EPERM':
      return 'permission denied';
    case 'EISDIR':
      return 'is a folder, not a file';
    case 'ENOTDIR':
      return 'a part of the path is not a folder';
    case 'EEXIST':
      return 'exists already';
    case 'ENOSPC':
      return 'the disk is full';
    case 'EROFS':
      return 'the file system is read-only';
    default:
      return error instanceof Error ? error.message : String(error);
  }
}
