import { allCommands, type CompletedCommand, type CompletedOption, type ValueForm } from './model.ts';

/** A completion script for zsh: a file _skyweir in a folder of $fpath, or sourced after compinit. */
export function zshCompletion(program: CompletedCommand): string {
  return `#compdef skyweir
# zsh completion of skyweir: skyweir completion zsh > a folder of $fpath/_skyweir
${allCommands(program).map(functionOf).join('\n')}
# Loaded by compinit the file is the function itself; sourced it has to be made known.
if [[ "$funcstack[1]" = "_skyweir" ]]; then
  _skyweir "$@"
else
  compdef _skyweir skyweir
fi
`;
}

function functionOf({ words, options, commands, argument }: CompletedCommand): string {
  const lines = [`${nameOf(words)}() {`];
  if (commands.length > 0) {
    lines.push('  if (( CURRENT > 2 )); then', '    case $words[2] in');
    for (const below of commands)
      lines.push(`      ${below.words.at(-1)}) shift words; (( CURRENT -= 1 )); ${nameOf(below.words)}; return ;;`);
    lines.push('    esac', '  fi');
  }
  const specs = options.flatMap(optionSpecs);
  if (commands.length > 0) {
    const described = commands.map(({ words: below, text }) => `${below.at(-1)}\\:${quoteInList(text)}`);
    specs.unshift(`'1:command:((${described.join(' ')}))'`);
  } else if (argument !== null) specs.unshift(`'1:value:${actionOf(argument)}'`);
  lines.push('  _arguments -S \\', `    ${specs.join(' \\\n    ')}`, '}');
  return `${lines.join('\n')}\n`;
}

function nameOf(words: readonly string[]): string {
  return ['_skyweir', ...words].join('_').replaceAll('-', '_');
}

/** One specification of _arguments for each name; long ones also with an equals sign. */
function optionSpecs({ names, value, text }: CompletedOption): string[] {
  const described = `[${quoteSpec(text)}]`;
  return names.map((name) => {
    if (value === 'none') return `'${name}${described}'`;
    return `'${name}${name.startsWith('--') ? '=' : ''}${described}:value:${actionOf(value)}'`;
  });
}

function actionOf(value: ValueForm): string {
  if (value === 'file') return '_files';
  if (value === 'folder') return '_files -/';
  return value === 'text' || value === 'none' ? ' ' : `(${value.join(' ')})`;
}

function quoteSpec(text: string): string {
  return text.replace(/[[\]:\\]/g, '\\$&').replaceAll("'", "'\\''");
}

function quoteInList(text: string): string {
  return `"${text.replace(/["\\$`:()]/g, '\\$&').replaceAll("'", "'\\''")}"`;
}
