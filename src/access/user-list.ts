import { limits } from '../base/limits.ts';
import { AccessError } from '../status/access-source.ts';
import { type Role, roles } from '../status/route.ts';
import { isPasswordHash } from './password-hash.ts';

/** A user of the list, as it is kept. */
export interface StoredUser {
  readonly name: string;
  readonly role: Role;
  /** What {@link PasswordHasher.hash} made of the password. */
  readonly password: string;
  /** ISO 8601, UTC. */
  readonly createdAt: string;
  readonly changedAt: string;
}

export type UserList = readonly StoredUser[];

const nameShape = /^[\p{L}\p{N}][\p{L}\p{N}._@-]{0,31}$/u;
const timeShape = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(\.\d+)?Z$/;
const version = 1;

/** Whether a user of the list may be called so. */
export function isUserName(name: string): boolean {
  return nameShape.test(name);
}

/** What {@link isUserName} asks for, in words. */
export const userNameRule =
  'a user name has 1 to 32 letters, digits or any of . _ @ - and begins with a letter or digit';

/** Reads the text of the list. Throws an Error with what is wrong with it, in words, without secrets. */
export function parseUsers(text: string): UserList {
  const users = entriesOf(text, 'users').map((entry, index): StoredUser => {
    const { name, role, password, createdAt, changedAt } = entry;
    const where = `entry ${index + 1}`;
    if (typeof name !== 'string' || !isUserName(name)) throw new Error(`${where}: ${userNameRule}`);
    if (!isRole(role)) throw new Error(`${where} (${name}): role must be one of ${roles.join(', ')}`);
    if (typeof password !== 'string' || !isPasswordHash(password))
      throw new Error(`${where} (${name}): password is no scrypt hash; set it with: skyweir users passwd ${name}`);
    if (!isTime(createdAt) || !isTime(changedAt)) throw new Error(`${where} (${name}): a time is missing`);
    return { name, role, password, createdAt, changedAt };
  });
  const names = users.map(({ name }) => keyOf(name));
  const twice = users.find(({ name }, index) => names.indexOf(keyOf(name)) !== index);
  if (twice !== undefined) throw new Error(`${twice.name} is there twice (upper and lower case count as the same)`);
  if (users.length > limits.access.users) throw new Error(`there are more than ${limits.access.users} users`);
  return users;
}

/** The text that {@link parseUsers} reads. */
export function formatUsers(users: UserList): string {
  return `${JSON.stringify({ version, users }, null, 2)}\n`;
}

/** The user of that very name. */
export function findUser(users: UserList, name: string): StoredUser | null {
  return users.find((user) => user.name === name) ?? null;
}

/** Adds a user. `reserved` is the name of the user that the settings name. Throws {@link AccessError}. */
export function addUser(users: UserList, user: StoredUser, reserved: string | null): UserList {
  if (!isUserName(user.name)) throw new AccessError('invalid', userNameRule);
  if (reserved !== null && keyOf(reserved) === keyOf(user.name))
    throw new AccessError('conflict', `${user.name} is the user of --user; choose another name`);
  if (users.some(({ name }) => keyOf(name) === keyOf(user.name)))
    throw new AccessError('conflict', `there is a user ${user.name} already (upper and lower case count as the same)`);
  if (users.length >= limits.access.users)
    throw new AccessError('conflict', `there are ${limits.access.users} users, and no room for more`);
  return [...users, user];
}

/** What is changed of a user. */
export interface UserChange {
  readonly role?: Role;
  readonly password?: string;
  /** When; without it, it is no change that anybody has to know of. */
  readonly changedAt?: string;
}

/** Changes a user. `otherAdmin`: there is an admin beside those of the list. Throws {@link AccessError}. */
export function changeUser(users: UserList, name: string, change: UserChange, otherAdmin: boolean): UserList {
  if (findUser(users, name) === null) throw noSuchUser(name);
  return keepAdmin(
    users,
    users.map((user) => (user.name === name ? { ...user, ...change } : user)),
    otherAdmin,
  );
}

/** Takes a user off the list. Throws {@link AccessError}. */
export function removeUser(users: UserList, name: string, otherAdmin: boolean): UserList {
  if (findUser(users, name) === null) throw noSuchUser(name);
  return keepAdmin(
    users,
    users.filter((user) => user.name !== name),
    otherAdmin,
  );
}

/** The users of `before` for whom a login of then is worth nothing now: gone, or with another password or role. */
export function changedUsers(before: UserList, after: UserList): string[] {
  return before
    .filter((user) => {
      const now = findUser(after, user.name);
      return now === null || now.password !== user.password || now.role !== user.role;
    })
    .map(({ name }) => name);
}

function keepAdmin(before: UserList, after: UserList, otherAdmin: boolean): UserList {
  const admins = (users: UserList): number => users.filter(({ role }) => role === 'admin').length;
  if (!otherAdmin && admins(before) > 0 && admins(after) === 0)
    throw new AccessError('conflict', 'this is the last admin; make somebody else an admin first');
  return after;
}

function noSuchUser(name: string): AccessError {
  return new AccessError('unknown', `there is no user ${isUserName(name) ? name : 'of that name'} in the list`);
}

/** Upper and lower case, and the ways to write an accent, make no different names. */
function keyOf(name: string): string {
  return name.normalize('NFKC').toLowerCase();
}

// ---- files of this folder's kind -----------------------------------------------------------------------------------------

/** The entries of a file `{"version": 1, "<name>": [...]}`. Throws an Error with what is wrong, in words. */
export function entriesOf(text: string, name: string): Readonly<Record<string, unknown>>[] {
  let content: unknown;
  try {
    content = JSON.parse(text);
  } catch {
    // The parser's own message shows a piece of the file.
    throw new Error('it is no JSON');
  }
  const { version: given, [name]: entries } = (content ?? {}) as Readonly<Record<string, unknown>>;
  if (given !== version || !Array.isArray(entries))
    throw new Error(`it must be {"version": ${version}, "${name}": [...]}`);
  if (entries.some((entry) => typeof entry !== 'object' || entry === null)) throw new Error('an entry is no object');
  return entries as Readonly<Record<string, unknown>>[];
}

/** Whether a value from a file names a role. */
export function isRole(value: unknown): value is Role {
  return (roles as readonly unknown[]).includes(value);
}

/** Whether a value from a file is a time in UTC as ISO 8601 has it, such as `2026-12-01T08:00:00Z`. */
export function isTime(value: unknown): value is string {
  return typeof value === 'string' && timeShape.test(value) && !Number.isNaN(Date.parse(value));
}
