import { randomBytes } from 'node:crypto';
import { type Command, Option } from 'commander';
import { PasswordHasher } from '../access/password-hash.ts';
import { describePasswordProblem } from '../access/password-rule.ts';
import {
  addUser,
  changeUser,
  findUser,
  isUserName,
  removeUser,
  type UserList,
  userNameRule,
} from '../access/user-list.ts';
import { UsageError } from '../config/errors.ts';
import { addSettingFlags, givenFlags } from '../config/flags.ts';
import type { Config } from '../config/schema.ts';
import { AccessFiles } from '../server/access-files.ts';
import { AccessError } from '../status/access-source.ts';
import { type Role, roles } from '../status/route.ts';
import { readSecret } from './secret-input.ts';
import type { Surroundings } from './surroundings.ts';

/** The list of users in the state folder, with the settings that count for it. */
interface Place {
  readonly config: Config;
  readonly files: AccessFiles;
  /** Name of the user of the settings; null with `--no-auth`. */
  readonly builtIn: string | null;
}

const takenOver = 'A running server takes it over within seconds.';

/** `skyweir users`: the users of the HTTP port. `readPassword` asks for one. */
export function registerUsers(program: Command, surroundings: Surroundings, readPassword = readSecret): void {
  const users = program.command('users').description('List and change who may log in at the HTTP port.');
  users.allowExcessArguments(true).action(() => {
    const [word] = users.args;
    if (word !== undefined) throw new UsageError(`users ${word}: unknown; write list, add, passwd or remove`);
    surroundings.write(users.helpInformation());
  });
  const add = (name: string, description: string): Command =>
    addSettingFlags(users.command(name).description(description), true).addHelpText('after', helpEnd);
  const placeOf = (command: Command): Place => {
    const { config } = surroundings.load(givenFlags(command));
    return { config, files: new AccessFiles(config.stateDir), builtIn: config.auth ? config.user : null };
  };

  const list = add('list', 'Show the users, each with its role.').action(async () => {
    const { files, builtIn } = placeOf(list);
    const stored = await files.loadUsers();
    const rows = stored.map(({ name, role, changedAt }) => `${name.padEnd(33)}${role.padEnd(10)}${changedAt}\n`);
    if (builtIn !== null) rows.unshift(`${builtIn.padEnd(33)}${'admin'.padEnd(10)}(--user)\n`);
    surroundings.write(rows.join('') || 'There are no users.\n');
  });

  const added = add('add <name>', 'Add a user. The password is asked for, or is the first line of standard input.')
    .addOption(new Option('--role <role>', 'What the user may do.').choices(roles).default('viewer'))
    .action(async (name: string) => {
      const { files, builtIn } = placeOf(added);
      const role = added.getOptionValue('role') as Role;
      const now = new Date().toISOString();
      const wished = { name, role, password: '', createdAt: now, changedAt: now };
      explain(() => addUser([], wished, builtIn));
      const password = await hashOf(name, readPassword);
      await change(files, (stored) => addUser(stored, { ...wished, password }, builtIn));
      surroundings.write(`User ${name} was added with the role ${role}. ${takenOver}\n`);
    });

  const passwd = add('passwd <name>', 'Change the password of a user, or the role. All logins of that user end.')
    .addOption(new Option('--role <role>', 'Change the role, and leave the password.').choices(roles))
    .action(async (name: string) => {
      const { files, builtIn } = placeOf(passwd);
      assertOfList(await files.loadUsers(), name, builtIn);
      const role = passwd.getOptionValue('role') as Role | undefined;
      const changed = role === undefined ? { password: await hashOf(name, readPassword) } : { role };
      const changedAt = new Date().toISOString();
      await change(files, (stored) => changeUser(stored, name, { ...changed, changedAt }, builtIn !== null));
      surroundings.write(
        `User ${name} has ${role === undefined ? 'a new password' : `the role ${role}`}. ${takenOver}\n`,
      );
    });

  const remove = add('remove <name>', 'Remove a user. All logins of that user end.').action(async (name: string) => {
    const { files, builtIn } = placeOf(remove);
    assertOfList(await files.loadUsers(), name, builtIn);
    await change(files, (stored) => removeUser(stored, name, builtIn !== null));
    surroundings.write(`User ${name} was removed. ${takenOver}\n`);
  });
}

const helpEnd = `
Give the same --state-dir (or --config) as the server has, and run it as the user that the server runs as.
Roles: viewer looks, operator also acts on streams, admin also changes configuration, keys, users and tokens.`;

async function hashOf(name: string, readPassword: typeof readSecret): Promise<string> {
  const password = await readPassword(`New password for ${name}`);
  const problem = describePasswordProblem(password, name);
  if (problem !== null) throw new UsageError(problem);
  return new PasswordHasher(randomBytes).hash(password);
}

async function change(files: AccessFiles, act: (users: UserList) => UserList): Promise<void> {
  await files.changeUsers((users) => explain(() => act(users)));
}

function assertOfList(users: UserList, name: string, builtIn: string | null): void {
  if (name === builtIn)
    throw new UsageError(`${name}: is the user of --user; its password comes from --password-file or SKYWEIR_PASSWORD`);
  if (!isUserName(name)) throw new UsageError(userNameRule);
  if (findUser(users, name) === null) throw new UsageError(`${name}: there is no such user; see: skyweir users list`);
}

/** What the list refuses is a mistake in what was asked. */
function explain<T>(act: () => T): T {
  try {
    return act();
  } catch (error) {
    if (error instanceof AccessError) throw new UsageError(error.message);
    throw error;
  }
}
