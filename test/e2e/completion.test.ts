import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { describe, type TestContext, test } from 'node:test';
import { settingKeys, settings } from '../../src/config/schema.ts';
import { temporaryFolder } from '../support/media.ts';

const timeout = 120_000;
const programMs = 60_000;
const cli = resolve(import.meta.dirname, '../../src/cli.ts');
const shells = ['bash', 'zsh', 'fish'] as const;
type Shell = (typeof shells)[number];

const printed = new Map<Shell, string>();

/** What `skyweir completion` prints. */
function scriptOf(shell: Shell): string {
  const known = printed.get(shell);
  if (known !== undefined) return known;
  const script = execFileSync(process.execPath, [cli, 'completion', shell], { encoding: 'utf8', timeout: programMs });
  printed.set(shell, script);
  return script;
}

/** A folder with the script of a shell, and a file. */
function setUp(t: TestContext, shell: Shell): string {
  const folder = temporaryFolder(t);
  writeFileSync(join(folder, `completion.${shell}`), scriptOf(shell));
  writeFileSync(join(folder, 'one drone.yaml'), '');
  return folder;
}

function missing(shell: Shell): string | false {
  return spawnSync(shell, ['--version']).error === undefined ? false : `${shell} is not installed`;
}

function run(folder: string, shell: Shell, script: string, args: readonly string[]): string {
  const file = join(folder, 'driver');
  writeFileSync(file, script);
  const result = spawnSync(shell, [file, ...args], { cwd: folder, encoding: 'utf8', timeout: programMs });
  assert.equal(result.stderr, '');
  return result.stdout;
}

/** Calls the function that bash calls at a tab, with the words of a line, of which the last one is being typed. */
const bashDriver = `source completion.bash
COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1))
_skyweir
printf '%s\\n' "\${COMPREPLY[@]}"`;

/** Types a line and a tab into a real, interactive zsh, and prints what stands in its line then. */
const zshDriver = `zmodload zsh/zpty
zpty shell "TERM=dumb zsh -f -i"
wait_for() { local text='' part; while [[ $text != *$1* ]] && zpty -r shell part; do text+=$part; done }
zpty -w shell "unset zle_bracketed_paste; autoload -Uz compinit; compinit -u -D; source completion.zsh"
zpty -w shell 'keep() { print -r -- "$BUFFER" > line; BUFFER="print do""ne"; zle accept-line }'
zpty -w shell 'zle -N keep; bindkey "^X" keep; print rea""dy'
wait_for ready
zpty -w -n shell "$1"$'\\t\\C-x'
wait_for done
zpty -d shell
cat line`;

describe('completion in a shell', () => {
  for (const shell of shells)
    test(`${shell} has every flag, and reads the script`, { timeout, skip: missing(shell) }, (t) => {
      const folder = setUp(t, shell);
      const script = scriptOf(shell);
      execFileSync(shell, ['-n', join(folder, `completion.${shell}`)], { timeout: programMs });
      for (const key of settingKeys) {
        const { flag, onlyInFile } = settings[key];
        if (!onlyInFile) assert.ok(script.includes(shell === 'fish' ? `-l ${flag} ` : `--${flag}`), flag);
      }
    });

  const cases: [words: string[], completed: string[]][] = [
    [['do'], ['doctor']],
    [['--rtmp-po'], ['--rtmp-port']],
    [['--log-level', 'd'], ['debug']],
    [['--publish-conflict', '=', 'takeover-'], ['takeover-stale']],
    [['--no-auth', '--max-res'], ['--max-resolution']],
    [['--rtmp-port', ''], []],
    [['--config', 'one'], ['one drone.yaml']],
    [['doctor', '--js'], ['--json']],
    [['doctor', '--log-format', 'p'], ['pretty']],
    [['--user', 'doctor', '--js'], []],
    [
      ['completion', ''],
      ['bash', 'zsh', 'fish'],
    ],
    [['completion', 'z'], ['zsh']],
  ];
  for (const [words, completed] of cases)
    test(`bash: skyweir ${words.join(' ')}`, { timeout, skip: missing('bash') }, (t) => {
      const lines = run(setUp(t, 'bash'), 'bash', bashDriver, ['skyweir', ...words]).split('\n');
      assert.deepEqual(
        lines.filter((line) => line !== ''),
        completed,
      );
    });

  const zshCases: [line: string, completed: string][] = [
    ['skyweir do', 'skyweir doctor '],
    ['skyweir --log-level d', 'skyweir --log-level debug '],
    ['skyweir doctor --js', 'skyweir doctor --json '],
    ['skyweir --config one', 'skyweir --config one\\ drone.yaml '],
    ['skyweir completion z', 'skyweir completion zsh '],
  ];
  for (const [line, completed] of zshCases)
    test(`zsh: ${line}`, { timeout, skip: missing('zsh') }, (t) => {
      const shown = run(setUp(t, 'zsh'), 'zsh', zshDriver, [line]);
      assert.equal(shown, `${completed}\n`);
    });

  const fishCases: [line: string, completed: string[]][] = [
    ['skyweir do', ['doctor']],
    ['skyweir --log-level d', ['debug']],
    ['skyweir doctor --js', ['--json']],
    ['skyweir --config one', ['one drone.yaml']],
    ['skyweir completion ', ['bash', 'fish', 'zsh']],
  ];
  for (const [line, completed] of fishCases)
    test(`fish: ${line}`, { timeout, skip: missing('fish') }, (t) => {
      const shown = run(setUp(t, 'fish'), 'fish', 'source completion.fish; complete -C "$argv[1]"', [line]);
      assert.deepEqual(
        shown.split('\n').flatMap((found) => found.split('\t')[0] || []),
        completed,
      );
    });
});
