import { type Command, CommanderError } from 'commander';
import { UsageError } from '../config/errors.ts';
import { buildProgram, explain } from '../config/flags.ts';
import { registerCompletion } from './completion.ts';
import { registerDoctor } from './doctor.ts';
import { registerKeys } from './keys.ts';
import type { Surroundings } from './surroundings.ts';
import { registerUsers } from './users.ts';

/** Adds one subcommand, with its options and its action, to the program. */
type Register = (program: Command, surroundings: Surroundings) => void;

/** Every subcommand, in the order of the help. Each has a file of its own in this folder. */
const subcommands: readonly Register[] = [registerDoctor, registerUsers, registerKeys, registerCompletion];

/** Columns of the help where the terminal does not say how wide it is. */
const helpColumns = 100;

/** What adds all subcommands to a program. */
export function registerSubcommands(surroundings: Surroundings): (program: Command) => void {
  return (program) => {
    for (const register of subcommands) register(program, surroundings);
  };
}

/** Carries out the subcommand that `args` begin with; false if they begin with none. */
export async function runSubcommand(args: readonly string[], surroundings: Surroundings): Promise<boolean> {
  const program = buildProgram(surroundings.version).configureOutput({
    writeOut: (text) => surroundings.write(text),
    writeErr: () => {},
    getOutHelpWidth: () => surroundings.columns ?? helpColumns,
  });
  registerSubcommands(surroundings)(program);
  for (const command of program.commands) refuseExcess(command);
  // Else the program would take the settings that stand behind a subcommand for its own, and that would not see them.
  program.enablePositionalOptions();
  if (!program.commands.some((command) => command.name() === args[0])) return false;
  try {
    await program.parseAsync(args, { from: 'user' });
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error;
    if (error.exitCode !== 0) throw new UsageError(explain(error));
  }
  return true;
}

/** A word too many is a mistake, such as the second of two keys: it would be left out in silence. */
function refuseExcess(command: Command): void {
  if (command.commands.length === 0) command.allowExcessArguments(false);
  else for (const below of command.commands) refuseExcess(below);
}
