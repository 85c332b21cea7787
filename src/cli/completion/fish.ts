import { allCommands, type CompletedCommand, type CompletedOption } from './model.ts';

/** A completion script for fish: sourced, or as skyweir.fish in its folder of completions. */
export function fishCompletion(program: CompletedCommand): string {
  const lines = [
    '# fish completion of skyweir: skyweir completion fish > ~/.config/fish/completions/skyweir.fish',
    'complete -c skyweir -f',
    ...allCommands(program).flatMap(linesOf),
  ];
  return `${lines.join('\n')}\n`;
}

function linesOf(command: CompletedCommand): string[] {
  const here = conditionOf(command);
  const add = (rest: string): string => `complete -c skyweir -n ${quote(here)} ${rest}`;
  const lines = command.commands.map(({ words, text }) => {
    const condition = command.words.length === 0 ? '__fish_use_subcommand' : here;
    return `complete -c skyweir -n ${quote(condition)} -a ${words.at(-1)} -d ${quote(text)}`;
  });
  if (Array.isArray(command.argument)) lines.push(add(`-a ${quote(command.argument.join(' '))}`));
  return [...lines, ...command.options.map((option) => add(describeOption(option)))];
}

/** True where this command, and none below it, has been typed. */
function conditionOf({ words, commands }: CompletedCommand): string {
  const below = commands.map((command) => command.words.at(-1)).join(' ');
  const conditions = words.map((word) => `__fish_seen_subcommand_from ${word}`);
  if (below !== '') conditions.push(`not __fish_seen_subcommand_from ${below}`);
  return conditions.join('; and ');
}

function describeOption({ names, value, text }: CompletedOption): string {
  const forms = names.map((name) => (name.startsWith('--') ? `-l ${name.slice(2)}` : `-s ${name.slice(1)}`)).join(' ');
  const described = `${forms} -d ${quote(text)}`;
  if (value === 'none') return described;
  if (value === 'file') return `${described} -r -F`;
  if (value === 'folder') return `${described} -x -a '(__fish_complete_directories)'`;
  return value === 'text' ? `${described} -x` : `${described} -x -a ${quote(value.join(' '))}`;
}

function quote(text: string): string {
  return `'${text.replace(/['\\]/g, '\\$&')}'`;
}
