import { Argument, type Command } from 'commander';
import { bashCompletion } from './completion/bash.ts';
import { fishCompletion } from './completion/fish.ts';
import { type CompletedCommand, completionModel } from './completion/model.ts';
import { zshCompletion } from './completion/zsh.ts';
import type { Surroundings } from './surroundings.ts';

const scripts: Readonly<Record<string, (program: CompletedCommand) => string>> = {
  bash: bashCompletion,
  zsh: zshCompletion,
  fish: fishCompletion,
};

const helpEnd = `
For bash:  source <(skyweir completion bash)
For zsh:   skyweir completion zsh > "\${fpath[1]}/_skyweir"
For fish:  skyweir completion fish > ~/.config/fish/completions/skyweir.fish`;

/** `skyweir completion`: a script that completes commands, flags and their values in a shell. */
export function registerCompletion(program: Command, surroundings: Surroundings): void {
  program
    .command('completion')
    .description('Print a script that completes commands and flags in a shell.')
    .addArgument(new Argument('<shell>', 'The shell.').choices(Object.keys(scripts)))
    .addHelpText('after', helpEnd)
    .action((shell: string) => surroundings.write(scripts[shell]!(completionModel(program))));
}
