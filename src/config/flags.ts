import { Command, CommanderError, Option } from 'commander';
import { UsageError } from './errors.ts';
import { type SettingKey, settingKeys, settings } from './schema.ts';
import { environmentName, settingGroups } from './setting.ts';
import { suggest } from './suggestion.ts';

/** What the command line asks for: a text to print, or a run with the given flags. */
export type CommandLine =
  | { readonly print: string }
  | {
      readonly print: null;
      readonly printConfig: boolean;
      /** Asks for a plan of the machine, for streams of this bitrate. */
      readonly plan: { readonly bitsPerSecond: number } | null;
      readonly flags: ReadonlyMap<string, string | boolean>;
    };

const seeHelp = '; see --help for all flags';

/** Mbit/s. 1080p at 30 frames a second. */
const usualMbit = 4.5;

/** Columns of the help where the terminal does not say how wide it is. */
const helpColumns = 100;

/**
 * Reads the arguments after the script's name. Values stay text: their check is the configuration's. `extend` adds the
 * subcommands, which are carried out elsewhere: here they stand in the help only.
 * Throws {@link UsageError} for an unknown flag, a flag without its value, or a word that is no flag.
 */
export function parseCommandLine(
  args: readonly string[],
  version: string,
  columns = helpColumns,
  extend: (program: Command) => void = () => {},
): CommandLine {
  let printed = '';
  const command = buildProgram(version);
  extend(command);
  command.hook('preSubcommand', (_program, subcommand) => {
    const name = subcommand.name();
    throw new UsageError(`${name}: a command comes first, before all flags: skyweir ${name} ...`);
  });
  command.configureOutput({
    writeOut: (text) => {
      printed += text;
    },
    writeErr: () => {},
    getOutHelpWidth: () => columns,
  });
  try {
    command.parse(args, { from: 'user' });
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error;
    if (error.exitCode === 0) return { print: printed };
    throw new UsageError(explain(error));
  }

  const words = command.args;
  if (words.length > 0) throw new UsageError(explainWord(words[0]!, command));

  const flags = givenFlags(command);
  return { print: null, printConfig: command.getOptionValue('printConfig') === true, plan: planOf(command), flags };
}

/** The settings that were given on the command line, by flag. The command must have {@link addSettingFlags}. */
export function givenFlags(command: Command): Map<string, string | boolean> {
  const flags = new Map<string, string | boolean>();
  for (const key of settingKeys) {
    const { flag, onlyInFile } = settings[key];
    if (onlyInFile) continue;
    const name = new Option(`--${flag}`).attributeName();
    if (command.getOptionValueSource(name) === 'cli') flags.set(flag, command.getOptionValue(name));
  }
  return flags;
}

/** A word where only flags are allowed. */
function explainWord(word: string, command: Command): string {
  const names = command.commands.map((subcommand) => subcommand.name());
  const meant = suggest(word, names);
  if (meant !== null) return `${word}: not a command; did you mean ${meant}?`;
  return `${word}: not a flag; flags begin with two dashes${seeHelp}`;
}

/** What `--print-plan` and `--plan-bitrate` ask for. */
function planOf(command: Command): { readonly bitsPerSecond: number } | null {
  const wanted = command.getOptionValue('printPlan') === true;
  const given: unknown = command.getOptionValue('planBitrate');
  const bitrate = given === undefined ? usualMbit : Number(given);
  if (!(bitrate >= 0.1 && bitrate <= 1000))
    throw new UsageError(`--plan-bitrate ${given}: must be a number from 0.1 to 1000, in Mbit/s`);
  if (given !== undefined && !wanted) throw new UsageError('--plan-bitrate: is only for --print-plan; give both');
  return wanted ? { bitsPerSecond: bitrate * 1e6 } : null;
}

/** The program without its subcommands: one option per setting, and those that only print. */
export function buildProgram(version: string): Command {
  const command = new Command('skyweir')
    .description('RTMP push ingest for Milestone XProtect: encoders push H.264 over RTMP, XProtect pulls it over RTSP.')
    .usage('[flags]')
    .exitOverride()
    .showSuggestionAfterError(false)
    .allowExcessArguments(true)
    .configureHelp({ optionTerm: describeTerm, showGlobalOptions: false })
    // Without an action commander takes a program with subcommands, and no word, for a mistake.
    .action(() => {});

  return addSettingFlags(command)
    .optionsGroup('Process:')
    .addOption(new Option('--print-config', 'Print the effective configuration as YAML and exit.'))
    .addOption(
      new Option(
        '--print-plan',
        'Print what this configuration needs with all cameras live, against what the machine has, and exit: 0 if that is enough.',
      ),
    )
    .addOption(
      new Option('--plan-bitrate <Mbit/s>', `Bitrate of each camera for --print-plan. (default: ${usualMbit} Mbit/s)`),
    )
    .version(version, '-V, --version', 'Print the version and exit.')
    .helpOption('-h, --help', 'Print this help and exit.')
    .addHelpText('after', `\n${helpEnd}`);
}

const helpEnd = `Durations are written 10s, 500ms or 1m; a bare number is seconds.
Every flag is also a key of the --config file (without the dashes) and an environment variable:
--rtmp-port is ${environmentName('rtmp-port')}. Flags win over the environment, the environment over the file.

Examples:
  skyweir                                16 cameras, /stream1 to /stream16
  skyweir --cameras 100 --max-connections-per-ip 0 --no-rate-limit
                                         100 cameras that all come from one router
  skyweir --config skyweir.yaml          settings from a file`;

/** Gives a command one option per setting, grouped, with `--no-` forms for on/off settings; `hidden` from its help. */
export function addSettingFlags(command: Command, hidden = false): Command {
  for (const group of settingGroups) {
    for (const key of settingKeys) {
      const setting = settings[key];
      if (setting.group !== group || setting.onlyInFile) continue;
      const flags = setting.valueName === '' ? `--${setting.flag}` : `--${setting.flag} ${setting.valueName}`;
      command.addOption(new Option(flags, describeSetting(key)).helpGroup(`${group}:`).hideHelp(hidden));
      if (setting.kind === 'boolean')
        command.addOption(new Option(`--no-${setting.flag}`).hideHelp().helpGroup(`${group}:`));
    }
  }
  return command;
}

function describeTerm(option: Option): string {
  const key = settingKeys.find((candidate) => `--${settings[candidate].flag}` === option.long);
  if (key === undefined || settings[key].kind !== 'boolean') return option.flags;
  return `${option.long}, --no-${settings[key].flag}`;
}

/** Text, range and default of a setting in one paragraph for the help. */
function describeSetting(key: SettingKey): string {
  const setting = settings[key];
  const range = setting.range === '' || setting.kind === 'boolean' ? '' : `${setting.range}; `;
  return `${setting.text} (${range}default: ${setting.defaultText})`.replaceAll('`', '');
}

/** One clear line for what commander refused. */
export function explain(error: CommanderError): string {
  const subject = /'([^']*)'/.exec(error.message)?.[1] ?? '';
  switch (error.code) {
    case 'commander.unknownOption':
      return `${subject}: ${explainUnknown(subject)}`;
    case 'commander.optionMissingArgument': {
      const flag = subject.split(' ')[0]!;
      const setting = settingKeys.map((key) => settings[key]).find((candidate) => `--${candidate.flag}` === flag);
      const allowed = setting === undefined ? 'a value' : setting.allowed;
      return `${flag}: needs a value: ${allowed}`;
    }
    case 'commander.unknownCommand':
      return `${subject}: unknown command${seeHelp}`;
    case 'commander.excessArguments': {
      // The words themselves stay out: one may be a password.
      const count = /Expected (\d+) argument.* but got (\d+)/.exec(error.message);
      return `${subject}: takes ${count?.[1]} argument${count?.[1] === '1' ? '' : 's'}, not ${count?.[2]}${seeHelp}`;
    }
    default:
      return error.message.replace(/^error: /, '');
  }
}

function explainUnknown(subject: string): string {
  const word = subject.split('=')[0]!.replace(/^-+/, '');
  const onOff = settingKeys
    .map((key) => settings[key])
    .find((setting) => setting.kind === 'boolean' && (setting.flag === word || `no-${setting.flag}` === word));
  if (onOff !== undefined) return `takes no value; write --${onOff.flag} or --no-${onOff.flag}`;
  const names = ['help', 'version', 'print-config', 'print-plan', 'plan-bitrate'];
  for (const key of settingKeys) {
    if (settings[key].onlyInFile) continue;
    names.push(settings[key].flag);
    if (settings[key].kind === 'boolean') names.push(`no-${settings[key].flag}`);
  }
  if (names.includes(word)) return 'is no flag of this command';
  const meant = suggest(word, names);
  return meant === null ? `unknown flag${seeHelp}` : `unknown flag; did you mean --${meant}?`;
}
