import type { Command, Option } from 'commander';
import { settings } from '../../config/schema.ts';

/** What can be typed after an option, or in an argument's place. */
export type ValueForm = 'none' | 'text' | 'file' | 'folder' | readonly string[];

/** An option as it is typed. */
export interface CompletedOption {
  /** Such as `-h` and `--help`. */
  readonly names: readonly string[];
  readonly value: ValueForm;
  readonly text: string;
}

/** A command with what can follow it. */
export interface CompletedCommand {
  /** Empty for the program itself. */
  readonly words: readonly string[];
  readonly text: string;
  readonly options: readonly CompletedOption[];
  /** Of its first argument; null if it takes none. */
  readonly argument: ValueForm | null;
  readonly commands: readonly CompletedCommand[];
}

/** What a program understands, from its commands and from the settings. */
export function completionModel(program: Command): CompletedCommand {
  return modelOf(program, []);
}

/** A command and all below it. */
export function allCommands(command: CompletedCommand): CompletedCommand[] {
  return [command, ...command.commands.flatMap(allCommands)];
}

function modelOf(command: Command, words: readonly string[]): CompletedCommand {
  const help: CompletedOption = { names: ['-h', '--help'], value: 'none', text: 'Print help and exit.' };
  const [argument] = command.registeredArguments;
  return {
    words,
    text: firstSentence(command.description()),
    options: [...command.options.map(optionOf), help],
    argument: argument === undefined ? null : (argument.argChoices ?? 'text'),
    commands: command.commands.map((below) => modelOf(below, [...words, below.name()])),
  };
}

function optionOf(option: Option): CompletedOption {
  const names = [option.short, option.long].filter((name) => name !== undefined && name !== null);
  const takesValue = option.required || option.optional;
  return { names, value: takesValue ? formOf(option) : 'none', text: firstSentence(option.description) };
}

function formOf({ long, argChoices, flags }: Option): ValueForm {
  const setting = Object.values(settings).find(({ flag }) => `--${flag}` === long);
  if (setting?.kind === 'choice') return setting.range.split(', ');
  if (flags.endsWith('<file>')) return 'file';
  if (flags.endsWith('<folder>')) return 'folder';
  return argChoices ?? 'text';
}

/** `Port to listen on.` of a longer description; abbreviations with a point are not used in them. */
function firstSentence(text: string): string {
  return /^.*?\.(?=\s|$)/.exec(text)?.[0] ?? text;
}
