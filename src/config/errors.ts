/** Exit codes of the process, as promised to scripts and service managers. */
export const exitCodes = { ok: 0, startFailed: 1, usage: 2, interrupted: 130 } as const;

/**
 * A mistake in the flags, the environment or the configuration file. Each problem is one line that names the flag, the
 * value and the remedy. Ends the process with exit code 2, without a stack trace.
 */
export class UsageError extends Error {
  readonly problems: readonly string[];
  readonly exitCode = exitCodes.usage;

  constructor(problems: string | readonly string[]) {
    const list = typeof problems === 'string' ? [problems] : [...problems];
    super(list.join('\n'));
    this.name = 'UsageError';
    this.problems = list;
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
