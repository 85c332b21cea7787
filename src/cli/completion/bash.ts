import { allCommands, type CompletedCommand, type CompletedOption } from './model.ts';

/** A completion script for bash 3.2 and newer. */
export function bashCompletion(program: CompletedCommand): string {
  const commands = allCommands(program);
  const options = new Map(
    commands.flatMap((command) => command.options.map((option) => [option.names.join(), option])),
  );
  return `# bash completion of skyweir: source <(skyweir completion bash)
_skyweir() {
  local IFS=$'\\n' cur="\${COMP_WORDS[COMP_CWORD]}" prev="\${COMP_WORDS[COMP_CWORD-1]}" command='' i
  # Bash takes the = of --flag=value for a word.
  if [[ $cur == '=' ]]; then
    cur=''
  elif [[ $prev == '=' && $COMP_CWORD -ge 2 ]]; then
    prev="\${COMP_WORDS[COMP_CWORD-2]}"
  fi
  COMPREPLY=()
  case "$prev" in
${[...options.values()].flatMap(valueCase).join('\n')}
  esac
  for ((i = 1; i < COMP_CWORD; i++)); do
    case "$command \${COMP_WORDS[i]}" in
${commands
  .filter(({ words }) => words.length > 0)
  .map(({ words }) => `      ${quote(` ${words.join(' ')}`)}) command=${quote(` ${words.join(' ')}`)} ;;`)
  .join('\n')}
      *) break ;;
    esac
  done
  case "$command" in
${commands.map(commandCase).join('\n')}
  esac
}
complete -F _skyweir skyweir
`;
}

/** What follows an option that takes a value. */
function valueCase({ names, value }: CompletedOption): string[] {
  if (value === 'none') return [];
  const pattern = names.join(' | ');
  if (value === 'text') return [`    ${pattern}) return ;;`];
  const generate =
    value === 'file'
      ? 'compopt -o filenames 2>/dev/null; COMPREPLY=($(compgen -f -- "$cur"))'
      : value === 'folder'
        ? 'compopt -o filenames 2>/dev/null; COMPREPLY=($(compgen -d -- "$cur"))'
        : wordsReply(value);
  return [`    ${pattern}) ${generate}; return ;;`];
}

function commandCase({ words, options, commands, argument }: CompletedCommand): string {
  const flags = options.flatMap(({ names }) => names);
  const following = [
    ...commands.map(({ words: below }) => below.at(-1)!),
    ...(Array.isArray(argument) ? argument : []),
  ];
  const name = quote(words.length === 0 ? '' : ` ${words.join(' ')}`);
  // A command, or a word of an argument, comes right behind its command.
  const first = `if [[ $i -eq $COMP_CWORD && $cur != -* ]]; then ${wordsReply(following)}; else ${wordsReply(flags)}; fi`;
  return `    ${name}) ${following.length === 0 ? wordsReply(flags) : first} ;;`;
}

function wordsReply(words: readonly string[]): string {
  return `COMPREPLY=($(compgen -W $'${words.join('\\n')}' -- "$cur"))`;
}

function quote(text: string): string {
  return `'${text}'`;
}
