/**
 * Writes what is generated from the configuration schema: docs/configuration.md, skyweir.sample.yaml, and the flag table
 * between the markers of README.md. With `--check` it only tells whether they are up to date.
 */
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { stringify } from 'yaml';
import { type SettingKey, settingKeys, settings } from '../src/config/schema.ts';
import { environmentName, settingGroups } from '../src/config/setting.ts';

const beginMarker = '<!-- flags:begin -->';
const endMarker = '<!-- flags:end -->';

/** Columns of comment lines in the sample. */
const sampleColumns = 100;

function run(root: string, checkOnly: boolean): void {
  const stale: string[] = [];
  for (const [name, content] of generatedFiles(root)) {
    const path = join(root, name);
    const current = existsSync(path) ? readFileSync(path, 'utf8') : null;
    if (current === content) continue;
    if (checkOnly) stale.push(name);
    else {
      writeFileSync(path, content);
      console.log(`${name} written`);
    }
  }
  if (stale.length === 0) return;
  console.error(
    `not up to date with src/config/schema.ts: ${stale.join(', ')}; run "npm run docs" and commit the result`,
  );
  process.exitCode = 1;
}

/** Generated files by name, as they should be. README.md is among them only if it has the markers. */
export function generatedFiles(root: string): Map<string, string> {
  const files = new Map([
    ['docs/configuration.md', referencePage()],
    ['skyweir.sample.yaml', sampleFile()],
  ]);
  const readme = join(root, 'README.md');
  if (existsSync(readme)) {
    const content = withFlagTable(readFileSync(readme, 'utf8'));
    if (content !== null) files.set('README.md', content);
  }
  return files;
}

/** `readme` with the flag table between its markers; null if it has no markers. */
export function withFlagTable(readme: string): string | null {
  const begin = readme.indexOf(beginMarker);
  const end = readme.indexOf(endMarker);
  if (begin < 0 || end < begin) return null;
  return `${readme.slice(0, begin + beginMarker.length)}\n${flagTable()}${readme.slice(end)}`;
}

function flagTable(): string {
  const rows = settingKeys.map((key) => [describeFlag(key), settings[key].defaultText, firstSentence(key)]);
  return ['', ...table(['Flag', 'Default', 'Meaning'], rows), '', ''].join('\n');
}

/** The lines of a Markdown table with even columns, as the formatter wants them. */
function table(head: readonly string[], rows: readonly (readonly string[])[]): string[] {
  const escaped = [head, ...rows].map((row) => row.map((cell) => cell.replaceAll('|', '\\|')));
  const widths = head.map((_, column) => Math.max(3, ...escaped.map((row) => row[column]!.length)));
  const lines = escaped.map((row) => `| ${row.map((cell, column) => cell.padEnd(widths[column]!)).join(' | ')} |`);
  lines.splice(1, 0, `| ${widths.map((width) => '-'.repeat(width)).join(' | ')} |`);
  return lines;
}

/** The reference page, one section per group and one entry per key. */
export function referencePage(): string {
  const lines = [
    '# Configuration',
    '',
    '<!-- Generated from src/config/schema.ts by "npm run docs"; changes made here are lost. -->',
    '',
    'Every setting can be given in three places. Flags win over environment variables, these win over the file:',
    '',
    '- as a **flag**: `--rtmp-port 8783`',
    '- as an **environment variable**: `SKYWEIR_RTMP_PORT=8783`; an empty variable counts as not set',
    '- in a **YAML file** given with `--config`: `rtmp-port: 8783`; the keys are the flags without dashes',
    '',
    '`--print-config` prints the effective configuration with the place each value came from.',
    '[`skyweir.sample.yaml`](../skyweir.sample.yaml) is a file with every key to start from.',
    '',
    'Durations are written `10s`, `500ms`, `1m` or `1h`; a bare number is seconds. Sizes are written `4MiB`, `512KiB`, or in',
    'bytes. On/off settings are `--name` and `--no-name` as flags, `true` and `false` elsewhere. Relative paths start at the',
    'working directory. A mistake is reported in one line with the flag, variable or place in the file, and ends the start',
    'with exit code 2; a start that fails for another reason, such as a port in use, ends with exit code 1.',
    '',
    'The configuration is read at start: restart Skyweir after a change. _Live_ marks settings that no running stream depends',
    'on; _restart_ those that are fixed when a listener or thread is made.',
    '',
  ];
  for (const group of settingGroups) {
    lines.push(`## ${group}`, '');
    for (const key of keysOf(group)) lines.push(...describeKey(key));
    if (group === 'Cameras') lines.push(...cameraSection);
    if (group === 'Access') lines.push(...passwordSection);
  }
  return `${lines.join('\n').trimEnd()}\n`;
}

function describeKey(key: SettingKey): string[] {
  const setting = settings[key];
  const lines = [`### \`${setting.flag}\``, '', setting.text, ''];
  const values = setting.range === '' ? setting.allowed : setting.range;
  const cells = [
    describeFlag(key),
    `\`${environmentName(setting.flag)}\``,
    values,
    setting.defaultText,
    setting.applies,
  ];
  lines.push(...table(['Flag', 'Variable', 'Values', 'Default', 'Change'], [cells]), '');
  if (!setting.inFile) lines.push('This key cannot stand in the file.', '');
  return lines;
}

const cameraSection = [
  '### Cameras with their own names and paths',
  '',
  'In the file `cameras` may be a list. The n-th camera is "Stream n" on `/streamn` unless it says otherwise:',
  '',
  '```yaml',
  'cameras:',
  '  - name: North gate',
  '    path: /gate/north',
  '  - name: Drone 7',
  '    path: /live/drone7',
  '  - {} # Stream 3 on /stream3',
  '```',
  '',
  'A path starts with `/` (added if it is missing) and has at most 512 bytes and 8 parts. Two cameras cannot share a path;',
  'upper and lower case count as the same. `--cameras N` on the command line replaces the whole list.',
  '',
];

const passwordSection = [
  '### Where the password comes from',
  '',
  '1. the first line of `password-file`, if that is set;',
  '2. else the environment variable `SKYWEIR_PASSWORD`;',
  '3. else the file `password` in the state folder. If it is not there yet, a password is generated at the first start, kept',
  '   in that file with access for its owner only, and shown once: in the start banner, or on standard error if the log',
  '   format is `json`.',
  '',
  'A password is never part of the configuration file and never logged.',
  '',
];

/** The sample file: every key commented out, with its text, values and default. */
export function sampleFile(): string {
  const lines = [
    '# Sample configuration of Skyweir, with every key. Start with it: skyweir --config skyweir.yaml',
    '# Lines beginning with "#" and a key show the default or an example: remove the "#" to set the key.',
    '# Generated from src/config/schema.ts by "npm run docs".',
  ];
  for (const group of settingGroups) {
    const keys = keysOf(group).filter((key) => settings[key].inFile);
    if (keys.length === 0) continue;
    lines.push('', `# ---- ${group} ${'-'.repeat(Math.max(0, sampleColumns - group.length - 8))}`);
    for (const key of keys) {
      const setting = settings[key];
      const range = setting.range === '' ? '' : `Values: ${setting.range}. `;
      lines.push('', ...comment(setting.text), ...comment(`${range}Default: ${setting.defaultText}.`));
      lines.push(`#${stringify({ [setting.flag]: setting.sample }, { lineWidth: 0 }).trimEnd()}`);
      if (key === 'cameras')
        lines.push('# As a list:', '#   cameras:', '#     - name: North gate', '#       path: /gate/north');
    }
  }
  return `${lines.join('\n')}\n`;
}

function keysOf(group: (typeof settingGroups)[number]): SettingKey[] {
  return settingKeys.filter((key) => settings[key].group === group);
}

function describeFlag(key: SettingKey): string {
  const { flag, kind, valueName } = settings[key];
  if (kind === 'boolean') return `\`--${flag}\`, \`--no-${flag}\``;
  return `\`--${flag} ${valueName}\``;
}

function firstSentence(key: SettingKey): string {
  return /^.*?\.(?= [A-Z`0-9]|$)/.exec(settings[key].text)?.[0] ?? settings[key].text;
}

/** A paragraph as comment lines that fit the sample's width. */
function comment(paragraph: string): string[] {
  const lines: string[] = [];
  let line = '#';
  for (const word of paragraph.replaceAll('`', '').split(' ')) {
    if (line.length + 1 + word.length > sampleColumns) {
      lines.push(line);
      line = '#';
    }
    line += ` ${word}`;
  }
  return [...lines, line];
}

if (import.meta.main) run(resolve(import.meta.dirname, '..'), process.argv.includes('--check'));
