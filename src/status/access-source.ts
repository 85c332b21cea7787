import type { Role, RouteClient, RouteUser } from './route.ts';

/** Why something about users or tokens is refused: it is not there, something stands against it, it cannot be meant, or not now. */
export type AccessProblem = 'unknown' | 'conflict' | 'invalid' | 'busy';

/** Something about users or tokens that is refused. The message is a sentence for who asked, without secrets. */
export class AccessError extends Error {
  readonly problem: AccessProblem;

  constructor(problem: AccessProblem, message: string) {
    super(message);
    this.name = 'AccessError';
    this.problem = problem;
  }
}

/** A user as the API shows it. */
export interface UserInfo {
  readonly name: string;
  readonly role: Role;
  /** The one that `--user` names, or one of the list. */
  readonly origin: 'settings' | 'list';
  /** ISO 8601; null of the one of the settings. */
  readonly createdAt: string | null;
  readonly changedAt: string | null;
  /** Browsers that are logged in. */
  readonly sessions: number;
}

/** A token as the API shows it: without its secret. */
export interface TokenInfo {
  readonly id: string;
  readonly label: string;
  readonly role: Role;
  readonly createdAt: string;
  readonly createdBy: string;
  /** ISO 8601; null is for ever. */
  readonly notAfter: string | null;
  readonly expired: boolean;
}

/** What became of a password that somebody gave. `wait`: too many wrong ones came from there, or for that name. */
export type PasswordResult = { readonly result: 'wrong' } | { readonly result: 'wait'; readonly waitMs: number };

/** `id` is the session's: for the cookie of who logged in, and for nothing else. */
export type LoginResult = { readonly result: 'accepted'; readonly id: string } | PasswordResult;

/** Users, sessions and tokens, as the API handles them. What is refused is thrown as {@link AccessError}. */
export interface AccessSource {
  /** Off: whoever asks without a login is let in as far as the server allows. */
  readonly authentication: 'on' | 'off';
  /** `cookie` is the header of the request: a session that it names ends. */
  login(user: string, password: string, client: RouteClient, cookie: string | undefined): Promise<LoginResult>;
  logout(client: RouteClient, cookie: string | undefined): void;
  /** A user changes the own password; every session of that user ends. */
  changeOwnPassword(
    user: RouteUser,
    current: string,
    password: string,
    client: RouteClient,
  ): Promise<{ readonly result: 'accepted' } | PasswordResult>;
  users(): readonly UserInfo[];
  addUser(name: string, password: string, role: Role): Promise<UserInfo>;
  changeUser(name: string, change: { readonly password?: string; readonly role?: Role }): Promise<UserInfo>;
  removeUser(name: string): Promise<void>;
  tokens(): readonly TokenInfo[];
  addToken(
    wish: { readonly label: string; readonly role: Role; readonly notAfter: string | null },
    createdBy: string,
  ): Promise<{ readonly info: TokenInfo; readonly secret: string }>;
  removeToken(id: string): Promise<void>;
}
