import type { Stats } from 'node:fs';
import { open, stat } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import type { AccessStore } from '../access/access-control.ts';
import { formatTokens, parseTokens, type TokenList } from '../access/token-list.ts';
import { formatUsers, parseUsers, type UserList } from '../access/user-list.ts';
import { limits } from '../base/limits.ts';
import { describeFileError, StartError } from '../config/errors.ts';
import { replaceStateFile } from '../config/state-file.ts';

/** Users and API tokens in the state folder. What cannot be read or written is thrown as {@link StartError}, with the remedy. */
export class AccessFiles implements AccessStore {
  readonly users: string;
  readonly tokens: string;

  constructor(stateDir: string) {
    this.users = resolve(join(stateDir, 'users.json'));
    this.tokens = resolve(join(stateDir, 'tokens.json'));
  }

  loadUsers(): Promise<UserList> {
    return load(this.users, parseUsers);
  }

  saveUsers(users: UserList): Promise<void> {
    return save(this.users, formatUsers(users));
  }

  loadTokens(): Promise<TokenList> {
    return load(this.tokens, parseTokens);
  }

  saveTokens(tokens: TokenList): Promise<void> {
    return save(this.tokens, formatTokens(tokens));
  }

  /** Changes when a file does; a file that is missing has one too. */
  async signature(): Promise<string> {
    return (await Promise.all([signatureOf(this.users), signatureOf(this.tokens)])).join('|');
  }

  /** Warnings for files that others than their owner may read. */
  async exposures(): Promise<string[]> {
    if (process.platform === 'win32') return [];
    const warnings = await Promise.all(
      [this.users, this.tokens].map(async (file) => {
        const mode = (await statOf(file))?.mode ?? 0;
        if ((mode & 0o077) === 0) return [];
        const shown = (mode & 0o777).toString(8).padStart(3, '0');
        return [`${file}: other users of this machine may read or change it (mode ${shown}); run chmod 600 on it`];
      }),
    );
    return warnings.flat();
  }
}

async function load<T>(file: string, parse: (text: string) => readonly T[]): Promise<readonly T[]> {
  try {
    const text = await read(file);
    return text === null ? [] : parse(text);
  } catch (error) {
    const reason = describeFileError(error);
    throw new StartError(`${file}: cannot be used: ${reason}; correct it, or take it away and begin anew`, {
      cause: error,
    });
  }
}

/** Null if there is no such file. */
async function read(file: string): Promise<string | null> {
  const handle = await open(file).catch((error: unknown) => {
    if (isMissing(error)) return null;
    throw error;
  });
  if (handle === null) return null;
  try {
    const { size } = await handle.stat();
    if (size > limits.access.fileBytes) throw new Error(`it has more than ${limits.access.fileBytes} bytes`);
    return await handle.readFile('utf8');
  } finally {
    await handle.close();
  }
}

async function save(file: string, text: string): Promise<void> {
  try {
    await replaceStateFile(file, text);
  } catch (error) {
    const reason = describeFileError(error);
    throw new StartError(`${file}: cannot be written: ${reason}; choose a folder with --state-dir`, { cause: error });
  }
}

function statOf(file: string): Promise<Stats | null> {
  return stat(file).catch(() => null);
}

async function signatureOf(file: string): Promise<string> {
  const found = await statOf(file);
  return found === null ? 'missing' : `${found.ino} ${found.size} ${found.mtimeMs} ${found.mode}`;
}

function isMissing(error: unknown): boolean {
  return error instanceof Error && 'code' in error && (error.code === 'ENOENT' || error.code === 'ENOTDIR');
}
