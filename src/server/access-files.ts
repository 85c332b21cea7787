import { stat } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import type { AccessStore } from '../access/access-control.ts';
import { formatTokens, parseTokens, type TokenList } from '../access/token-list.ts';
import { formatUsers, parseUsers, type UserList } from '../access/user-list.ts';
import { limits } from '../base/limits.ts';
import { describeFileError, StartError } from '../config/errors.ts';
import { exposedMode, readStateFile, replaceStateFile } from '../config/state-file.ts';
import { withStateLock } from '../config/state-lock.ts';

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

  changeUsers(change: (users: UserList) => UserList): Promise<UserList> {
    return withStateLock(this.users, 'the users', async () => {
      const before = await this.loadUsers();
      const after = change(before);
      if (after !== before) await save(this.users, formatUsers(after));
      return after;
    });
  }

  loadTokens(): Promise<TokenList> {
    return load(this.tokens, parseTokens);
  }

  saveTokens(tokens: TokenList): Promise<void> {
    return save(this.tokens, formatTokens(tokens));
  }

  /** Warnings for files that others than their owner may read. */
  async exposures(): Promise<string[]> {
    const warnings = await Promise.all(
      [this.users, this.tokens].map(async (file) => {
        const found = await stat(file).catch(() => null);
        const mode = exposedMode(found?.mode ?? 0);
        if (mode === null) return [];
        return [`${file}: other users of this machine may read or change it (mode ${mode}); run chmod 600 on it`];
      }),
    );
    return warnings.flat();
  }
}

async function load<T>(file: string, parse: (text: string) => readonly T[]): Promise<readonly T[]> {
  try {
    const text = await readStateFile(file, limits.access.fileBytes);
    return text === null ? [] : parse(text);
  } catch (error) {
    const reason = describeFileError(error);
    throw new StartError(`${file}: cannot be used: ${reason}; correct it, or take it away and begin anew`, {
      cause: error,
    });
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
